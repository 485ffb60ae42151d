"""`socket.socket` for TCP: a class in Python, on a link. What else is a socket stays what it is."""

import errno
import functools
import itertools
import socket

from guesthouse.outbound import names
from guesthouse.outbound.link import PIECE_BYTES
from guesthouse.outbound.link import Link

_Real = socket.socket
_INET = (socket.AF_INET, socket.AF_INET6)
# Beyond what the system gives out: who sees such a number finds the link by it.
_numbers = itertools.count(1 << 20)
LINKS = {}
# Not all systems have them.
_PEEK, _NO_WAIT = getattr(socket, "MSG_PEEK", 0), getattr(socket, "MSG_DONTWAIT", 0)


def bridged(method):
    """The method of a socket with a link; any other has its own."""
    # Not all systems have `sendmsg`.
    real = getattr(_Real, method.__name__, None)

    @functools.wraps(method)
    def call(self, *args, **keywords):
        return (real if self._link is None else method)(self, *args, **keywords)

    return call


def attribute(name, ours):
    real = getattr(_Real, name)
    return property(lambda sock: real.__get__(sock) if sock._link is None else ours(sock))


class Socket(_Real):
    """What is written goes to the host, as HTTP/1.1 or as it is, and what comes back is read."""

    def __init__(self, family=-1, type=-1, proto=-1, fileno=None):
        link = LINKS.get(fileno)
        family = socket.AF_INET if family == -1 else family
        type = socket.SOCK_STREAM if type == -1 else type
        kind = type & ~(getattr(socket, "SOCK_NONBLOCK", 0) | getattr(socket, "SOCK_CLOEXEC", 0))
        if link is None and (fileno is not None or family not in _INET or kind != socket.SOCK_STREAM):
            self._link = None
            super().__init__(family, type, proto, fileno)
            return
        self._link, self._number = (Link(), next(_numbers)) if link is None else (link, fileno)
        LINKS[self._number] = self._link
        self._family, self._seconds = family, socket.getdefaulttimeout()
        self._io_refs, self._closed = 0, False

    def __del__(self):
        if getattr(self, "_link", None) is not None and self._number in LINKS:
            self._real_close()

    family = attribute("family", lambda sock: sock._family)
    type = attribute("type", lambda sock: socket.SOCK_STREAM)
    proto = attribute("proto", lambda sock: socket.IPPROTO_TCP)
    timeout = attribute("timeout", lambda sock: sock._seconds)

    @bridged
    def fileno(self):
        return self._number

    @bridged
    def gettimeout(self):
        return self._seconds

    @bridged
    def settimeout(self, value):
        if value is not None and value < 0:
            raise ValueError("Timeout value out of range")
        self._seconds = value if value is None else float(value)

    @bridged
    def getblocking(self):
        return self._seconds != 0

    @bridged
    def setblocking(self, flag):
        self._seconds = None if flag else 0.0

    @bridged
    def connect(self, address):
        link = self._still_open()
        if link.peer is not None:
            raise OSError(errno.EISCONN, "the socket is connected")
        link.connect(address, self._seconds)

    @bridged
    def connect_ex(self, address):
        self.connect(address)
        return 0

    def _still_open(self):
        if self._link.closed or self._number < 0:
            raise OSError(errno.EBADF, "the socket is closed")
        return self._link

    def _joined(self):
        link = self._still_open()
        if link.peer is None:
            raise OSError(errno.ENOTCONN, "the socket is not connected")
        return link

    @bridged
    def getpeername(self):
        return self._joined().peer

    @bridged
    def getsockname(self):
        return ("0.0.0.0", 0) if self._family == socket.AF_INET else ("::", 0, 0, 0)

    @bridged
    def send(self, data, flags=0):
        return self._joined().send(data, self._seconds)

    @bridged
    def sendall(self, data, flags=0):
        view = memoryview(data).cast("B")
        link, at = self._joined(), 0
        while at < len(view):
            at += link.send(view[at:], self._seconds)

    @bridged
    def sendmsg(self, buffers, ancdata=(), flags=0, address=None):
        return self._joined().send(beginning(buffers), self._seconds)

    @bridged
    def recv(self, bufsize, flags=0):
        return self._joined().receive(bufsize, 0 if flags & _NO_WAIT else self._seconds, bool(flags & _PEEK))

    @bridged
    def recv_into(self, buffer, nbytes=0, flags=0):
        view = memoryview(buffer).cast("B")
        data = Socket.recv(self, nbytes or len(view), flags)
        view[: len(data)] = data
        return len(data)

    @bridged
    def recvfrom(self, bufsize, flags=0):
        return Socket.recv(self, bufsize, flags), None

    @bridged
    def recvfrom_into(self, buffer, nbytes=0, flags=0):
        return Socket.recv_into(self, buffer, nbytes, flags), None

    @bridged
    def getsockopt(self, level, option, size=0):
        self._still_open()
        return socket.SOCK_STREAM if (level, option) == (socket.SOL_SOCKET, socket.SO_TYPE) else bytes(size) if size else 0

    @bridged
    def setsockopt(self, level, option, *value):
        self._still_open()

    @bridged
    def get_inheritable(self):
        return False

    @bridged
    def set_inheritable(self, inheritable):
        self._still_open()

    @bridged
    def shutdown(self, how):
        link = self._joined()
        if how != socket.SHUT_RD:
            link.shut()

    @bridged
    def bind(self, address):
        raise names.no_address()

    @bridged
    def listen(self, backlog=0):
        raise names.no_address()

    @bridged
    def accept(self):
        raise names.no_address()

    @bridged
    def dup(self):
        number = next(_numbers)
        LINKS[number] = self._still_open()
        self._link.holders += 1
        other = Socket(self._family, socket.SOCK_STREAM, 0, number)
        other.settimeout(self._seconds)
        return other

    @bridged
    def detach(self):
        number, self._number = self._number, -1
        self._closed = True
        return number

    @bridged
    def _real_close(self):
        number, self._number = self._number, -1
        if LINKS.pop(number, None) is not None:
            self._link.close()


def beginning(buffers):
    """As much of these as one send takes, in one piece."""
    pieces, length = [], 0
    for one in buffers:
        if length >= PIECE_BYTES:
            break
        pieces.append(one)
        length += len(one)
    return b"".join(pieces)


def close(number):
    """`socket.close`: of a number alone. True: it was one of ours."""
    link = LINKS.pop(number, None)
    if link is not None:
        link.close()
    return link is not None
