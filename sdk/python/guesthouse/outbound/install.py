"""Puts the way out below the standard library. To be called before anything of the app is imported."""

import functools
import select
import selectors
import socket

import _socket

from guesthouse.outbound import names
from guesthouse.outbound import ready
from guesthouse.outbound.socket import Socket
from guesthouse.outbound.socket import close


def install():
    for name in ("getaddrinfo", "gethostbyaddr", "gethostbyname", "gethostbyname_ex", "getnameinfo"):
        ours, real = getattr(names, name), getattr(_socket, name, None)
        if getattr(socket, name, real) is real:
            setattr(socket, name, ours)
        setattr(_socket, name, ours)
    close_number(_socket.close)
    socket.socket = Socket
    select.select = ready.select_of
    selectors.SelectSelector._select = staticmethod(ready.select_of)
    if hasattr(select, "poll"):
        select.poll = selectors.PollSelector._selector_cls = ready.Poll


def close_number(real):
    @functools.wraps(real)
    def closed(number, /):
        return None if close(number) else real(number)

    _socket.close = socket.close = closed
