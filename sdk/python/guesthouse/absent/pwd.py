"""`pwd` in a guest: one user, who owns all files."""

from collections import namedtuple

struct_passwd = namedtuple("struct_passwd", "pw_name pw_passwd pw_uid pw_gid pw_gecos pw_dir pw_shell")
_GUEST = struct_passwd("guest", "x", 0, 0, "", "/", "/bin/false")


def getpwuid(uid, /):
    if uid == _GUEST.pw_uid:
        return _GUEST
    raise KeyError("getpwuid(): uid not found: %s" % uid)


def getpwnam(name, /):
    if name in (_GUEST.pw_name, "root"):
        return _GUEST
    raise KeyError("getpwnam(): name not found: %r" % name)


def getpwall():
    return [_GUEST]
