"""The network while a component is built: there is none.

wasi-libc keeps the host's network in a static once it was asked for, and the snapshot keeps the static: an instance
would use a handle that it was never given, and trap. So nothing that asks reaches libc before the seal.
"""

import errno
import functools
import socket

import _socket

# What looks up names. Sockets are refused where they are made.
_LOOK_UPS = ("getaddrinfo", "gethostbyaddr", "gethostbyname", "gethostbyname_ex", "getnameinfo")

# Whether the app is running in an instance. Functions that were imported by name at the build ask as well.
_open = False


def refuse(what):
    text = "there is no network while the component is built: `%s` works in an instance at most"
    raise OSError(errno.ENETUNREACH, text % what)


def install():
    """To be called before anything of the app is imported."""
    for name in _LOOK_UPS:
        real = getattr(_socket, name, None)
        if real is not None:
            guarded = guard(real, "socket." + name)
            setattr(_socket, name, guarded)
            if getattr(socket, name, None) is real:
                setattr(socket, name, guarded)
    socket.socket.__init__ = guard(socket.socket.__init__, "socket.socket")


def guard(real, name):
    @functools.wraps(real)
    def guarded(*args, **keywords):
        if not _open:
            refuse(name)
        return real(*args, **keywords)

    return guarded


def is_open():
    return _open


def open_up():
    """To be called at the seal."""
    global _open
    _open = True
