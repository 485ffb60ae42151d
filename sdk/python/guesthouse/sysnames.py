"""Names that `os`, `socket`, `signal` and others lack in a guest, and that libraries ask for as they are imported.

What has a true answer where there is one process and one user gives it. The rest fails with a sentence when it is called.
"""

import errno
import os
import signal
import socket
import subprocess

from guesthouse.standin import numbers
from guesthouse.standin import unavailables

_PROCESSES = "there are no processes in this guest"
# Linux's numbers, but for those that WASI has for something else: 1 is its AF_INET and its MSG_PEEK.
_SOCKETS = numbers(
    "AF_UNIX=3 AF_PACKET=17 SOCK_RAW=3 SOCK_RDM=4 SOCK_SEQPACKET=5 SO_DEBUG=1 SO_DONTROUTE=5 SO_BROADCAST=6 SO_OOBINLINE=10 "
    "SO_LINGER=13 SO_REUSEPORT=15 SO_PEERCRED=17 SO_RCVLOWAT=18 SO_SNDLOWAT=19 SO_BINDTODEVICE=25 SO_MARK=36 MSG_OOB=64 "
    "MSG_CTRUNC=8 MSG_DONTROUTE=4 SCM_RIGHTS=1 IPPROTO_ICMPV6=58 IPPROTO_SCTP=132"
)
_SIGNALS = numbers("SIG_BLOCK=0 SIG_UNBLOCK=1 SIG_SETMASK=2 ITIMER_REAL=0 ITIMER_VIRTUAL=1 ITIMER_PROF=2")
_OS = numbers(
    "WNOHANG=1 WUNTRACED=2 WCONTINUED=8 EX_OK=0 EX_USAGE=64 EX_DATAERR=65 EX_NOINPUT=66 EX_UNAVAILABLE=69 EX_SOFTWARE=70 "
    "EX_OSERR=71 EX_IOERR=74 EX_TEMPFAIL=75 EX_NOPERM=77 EX_CONFIG=78 P_NOWAIT=1 P_WAIT=0 PRIO_PROCESS=0"
)


def install():
    """To be called before anything of the app is imported. What is there is left alone."""
    for module, names in ((socket, _SOCKETS), (signal, _SIGNALS), (os, _OS)):
        add(module, names)
    names = "if_indextoname if_nameindex if_nametoindex sethostname"
    add(socket, unavailables("socket", names, "there is no network in this guest"))
    add(signal, signals())
    add(os, users())
    add(os, processes())
    subprocess.Popen.__init__ = no_process


def add(module, names):
    for name, value in names.items():
        if not hasattr(module, name):
            setattr(module, name, value)


def users():
    """One user, to whom all files belong: the host keeps no owners."""
    zero = ("getuid", "geteuid", "getgid", "getegid")
    return {
        **{name: lambda: 0 for name in zero},
        "getgroups": lambda: [0],
        "getresuid": lambda: (0, 0, 0),
        "getresgid": lambda: (0, 0, 0),
        "umask": lambda mask: 0o022,
        **{name: lambda path, *_, **__: os.stat(path) and None for name in ("chown", "lchown")},
        "fchown": lambda *_: None,
        "fchmod": lambda *_: None,
    }


def processes():
    """One process, without parents or children."""
    names = (
        "kill killpg nice setgid setuid setsid system wait waitpid wait3 wait4 execl execle execlp execv execve execvp pipe "
        "pipe2 openpty forkpty mkfifo statvfs fstatvfs sendfile setpgid setegid seteuid"
    )
    return {
        **unavailables("os", names, _PROCESSES),
        "get_terminal_size": no_terminal,
        "getlogin": lambda: "guest",
        "getpgid": lambda pid: 1,
        "getpgrp": lambda: 1,
        "getppid": lambda: 1,
        "getsid": lambda pid: 1,
        "getloadavg": lambda: (0.0, 0.0, 0.0),
        "getpriority": lambda which, who: 0,
        "getrandom": lambda size, flags=0: os.urandom(size),
        "register_at_fork": lambda **_: None,
        "sched_getaffinity": lambda pid: {0},
        "sched_yield": lambda: None,
        "ttyname": no_terminal,
        "waitstatus_to_exitcode": lambda status: status >> 8 & 0xFF,
        "WIFEXITED": lambda status: not status & 0x7F,
        "WEXITSTATUS": lambda status: status >> 8 & 0xFF,
        "WIFSIGNALED": lambda status: bool(status & 0x7F),
        "WTERMSIG": lambda status: status & 0x7F,
        "major": lambda device: device >> 8 & 0xFFF,
        "minor": lambda device: device & 0xFF,
        "makedev": lambda major, minor: major << 8 | minor,
    }


def no_terminal(*_):
    raise OSError(errno.ENOTTY, "there is no terminal in this guest")


def signals():
    """Nobody sends any; what would set up for one is content."""
    return {
        **unavailables("signal", "pause pthread_kill sigwait sigwaitinfo sigtimedwait", "nobody sends signals in this guest"),
        "ItimerError": OSError,
        "alarm": lambda seconds: 0,
        "setitimer": lambda which, seconds, interval=0.0: (0.0, 0.0),
        "getitimer": lambda which: (0.0, 0.0),
        "siginterrupt": lambda number, flag: None,
        "pthread_sigmask": lambda how, mask: set(),
        "sigpending": lambda: set(),
        "valid_signals": lambda: set(signal.Signals),
        "SIGCLD": signal.SIGCHLD,
        "SIGRTMIN": 34,
        "SIGRTMAX": 64,
    }


def no_process(self, args, *_, **__):
    """`subprocess.Popen`: as if no command were installed, which is what callers are ready for."""
    command = args if isinstance(args, (str, bytes)) else next(iter(args), "")
    raise FileNotFoundError(errno.ENOENT, "%s: this one cannot be run" % _PROCESSES, os.fsdecode(command))
