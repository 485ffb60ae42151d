"""`fcntl` where there is one process: a lock is always free, and descriptors have nothing to be told.

One request at a time works on the files of an app, so that a lock that is given at once is a lock.
"""

import errno

from guesthouse.standin import numbers

globals().update(
    numbers(
        """
    LOCK_SH=1 LOCK_EX=2 LOCK_NB=4 LOCK_UN=8 LOCK_MAND=32 LOCK_READ=64 LOCK_WRITE=128 LOCK_RW=192 F_DUPFD=0
    F_DUPFD_CLOEXEC=1030 F_GETFD=1 F_SETFD=2 F_GETFL=3 F_SETFL=4 F_GETLK=5 F_SETLK=6 F_SETLKW=7 F_OFD_GETLK=36
    F_OFD_SETLK=37 F_OFD_SETLKW=38 F_GETOWN=9 F_SETOWN=8 F_GETSIG=11 F_SETSIG=10 F_RDLCK=0 F_WRLCK=1 F_UNLCK=2
    F_GETLK64=5 F_SETLK64=6 F_SETLKW64=7 FASYNC=8192 F_SETLEASE=1024 F_GETLEASE=1025 F_NOTIFY=1026 F_EXLCK=4 F_SHLCK=8
    F_SETPIPE_SZ=1031 F_GETPIPE_SZ=1032 FD_CLOEXEC=1 DN_ACCESS=1 DN_MODIFY=2 DN_CREATE=4 DN_DELETE=8 DN_RENAME=16
    DN_ATTRIB=32 DN_MULTISHOT=2147483648 F_ADD_SEALS=1033 F_GET_SEALS=1034 F_SEAL_SEAL=1 F_SEAL_SHRINK=2 F_SEAL_GROW=4
    F_SEAL_WRITE=8
        """
    )
)


_KNOWN = frozenset((globals()["F_GETFD"], globals()["F_SETFD"], globals()["F_GETFL"], globals()["F_SETFL"]))


def fcntl(fd, cmd, arg=0, /):
    if cmd in _KNOWN:
        return 0
    raise OSError(errno.ENOSYS, "there is no `fcntl` in this guest")


def ioctl(fd, request, arg=0, mutate_flag=True, /):
    raise OSError(errno.ENOTTY, "there are no devices in this guest")


def flock(fd, operation, /):
    return None


def lockf(fd, cmd, len=0, start=0, whence=0, /):
    return None
