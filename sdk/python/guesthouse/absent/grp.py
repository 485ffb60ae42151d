"""`grp` in a guest: one group."""

from collections import namedtuple

struct_group = namedtuple("struct_group", "gr_name gr_passwd gr_gid gr_mem")
_GUEST = struct_group("guest", "x", 0, [])


def getgrgid(id):
    if id == _GUEST.gr_gid:
        return _GUEST
    raise KeyError("getgrgid(): gid not found: %s" % id)


def getgrnam(name):
    if name in (_GUEST.gr_name, "root"):
        return _GUEST
    raise KeyError("getgrnam(): name not found: %r" % name)


def getgrall():
    return [_GUEST]
