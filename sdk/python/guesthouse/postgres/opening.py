"""A connection on its way: hosts, addresses and kinds of encryption one after the other, until one will do.

These are generators: they yield what to wait for, and go on when it is there. Their owner is a connection or a request to
cancel; it has `values`, `status`, `transport`, `place`, `address`, and a generator `greet` for what it says first.
"""

import os
import socket

from guesthouse.postgres import places
from guesthouse.postgres import states
from guesthouse.postgres import tls
from guesthouse.postgres import transport
from guesthouse.postgres import wire
from guesthouse.postgres.transport import Lost
from guesthouse.postgres.transport import Transport

_CANNOT_CONNECT_NOW = b"57P03"
_NO_TLS = "server does not support SSL, but SSL was required\n"


class Rejected(Exception):
    """The server said no. Another kind of encryption may do; another host is not asked, unless this one cannot just now."""

    def __init__(self, text, sqlstate=b""):
        super().__init__(text)
        self.is_final = sqlstate != _CANNOT_CONNECT_NOW


class Untrusted(Exception):
    """What the server asks for is not given to it, nor tried again with less encryption."""

    is_final = True


class Unsuited(Exception):
    """The server is not what `target_session_attrs` asks for."""


class Unreachable(Exception):
    """There is no connection to this address."""


class Failed(Exception):
    """There is no way, with what was said on each."""


def open_any(owner):
    """Until the owner has said its greeting to one of the servers, and was answered."""
    failures = []
    wanted = owner.values["target_session_attrs"]
    for owner.wanted in ("standby", "any") if wanted == "prefer-standby" else (wanted,):
        try:
            hosts = places.hosts(owner.values)
        except places.Unknown as error:
            raise Failed(str(error)) from None
        for host in hosts:
            if (yield from open_host(owner, host, failures)):
                return
    raise Failed("".join(failures))


def open_host(owner, host, failures):
    try:
        ways = places.addresses(host)
    except places.Unknown as error:
        failures.append(str(error))
        return False
    mode = owner.values["sslmode"]
    for family, address, shown in ways:
        head = places.described(host, family, shown)
        owner.place, owner.address = host, "" if family == socket.AF_UNIX else shown
        final = False
        for encrypted in encryptions(mode, family):
            try:
                yield from reach(owner, family, address)
                if encrypted:
                    encrypted = yield from encrypt(owner, host, shown)
                yield from owner.greet()
                return True
            except (Lost, Rejected, Untrusted, Unsuited, Unreachable, tls.Unusable, wire.Garbage) as error:
                failures.append(head + str(error).rstrip("\n") + "\n")
                final = getattr(error, "is_final", False)
                # It would be no better without TLS: the server is away, had none to offer, or is not the one wanted.
                if isinstance(error, (Unreachable, Unsuited, Untrusted)) or (mode == "prefer" and not encrypted):
                    break
        if final:
            raise Failed("".join(failures))
    return False


def encryptions(mode, family):
    """With TLS or without, in the order of `sslmode`. Unix sockets have none, as in libpq."""
    if family == socket.AF_UNIX or mode == "disable":
        return (False,)
    return {"allow": (False, True), "prefer": (True, False)}.get(mode, (True,))


def drop(owner):
    if owner.transport is not None:
        owner.transport.close()
        owner.transport = None


def reach(owner, family, address):
    """A connection of TCP, or over a Unix socket."""
    owner.status = states.CONN_STARTED
    hint = places.hint(family)
    try:
        made = transport.begin(family, address)
    except OSError as error:
        raise Unreachable("%s\n%s" % (error.strerror or error, hint)) from error
    # Not before: who waits for a socket by its number would not see that it is another.
    drop(owner)
    owner.transport = Transport(made)
    yield states.POLL_WRITING
    if code := made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        raise Unreachable("%s\n%s" % (os.strerror(code), hint))
    try:
        keep_alive(made, owner.values)
    except OSError as error:
        raise Unreachable("could not set the options of TCP: %s\n" % (error.strerror or error)) from error
    owner.status = states.CONN_MADE


def keep_alive(made, values):
    """The options of TCP that were asked for, where the system has them."""
    if values["keepalives"] != "0":
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for keyword, name in (
        ("keepalives_idle", "TCP_KEEPIDLE"),
        ("keepalives_interval", "TCP_KEEPINTVL"),
        ("keepalives_count", "TCP_KEEPCNT"),
        ("tcp_user_timeout", "TCP_USER_TIMEOUT"),
    ):
        if values[keyword] and hasattr(socket, name) and made.family != socket.AF_UNIX:
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), int(values[keyword]))


def flushed(owner):
    while not owner.transport.flush():
        yield states.POLL_WRITING


def encrypt(owner, host, shown):
    """Asks for TLS. False: the server has none, and `sslmode` does not insist."""
    owner.transport.write(wire.SSL_REQUEST)
    yield from flushed(owner)
    owner.status = states.CONN_SSL_STARTUP
    while not (answer := owner.transport.read_exactly_one()):
        yield states.POLL_READING
    if answer == b"N":
        if owner.values["sslmode"] not in ("allow", "prefer"):
            raise Lost(_NO_TLS)
        return False
    if answer == b"E":
        raise Lost("server sent an error response during SSL exchange\n")
    if answer != b"S":
        raise Lost("received invalid response to SSL negotiation: %s\n" % wire.shown(answer[0]))
    owner.transport.encrypt(tls.context(owner.values), tls.server_name(owner.values, host.name, host.hostaddr or shown))
    while (done := owner.transport.handshake()) is not True:
        yield states.POLL_READING if done is False else states.POLL_WRITING
    return True
