"""The beginning of a session: what a client says of itself, its password, and what the server says of itself."""

import os

from guesthouse.postgres import auth
from guesthouse.postgres import passfile
from guesthouse.postgres import places
from guesthouse.postgres import states
from guesthouse.postgres import wire
from guesthouse.postgres.opening import Rejected
from guesthouse.postgres.opening import Unsuited
from guesthouse.postgres.opening import Untrusted
from guesthouse.postgres.opening import flushed
from guesthouse.postgres.transport import Lost

_OK, _PASSWORD, _MD5, _SASL, _SASL_CONTINUE, _SASL_FINAL = 0, 3, 5, 10, 11, 12
# Settings of a session that libpq takes from the environment.
_SETTINGS = {"datestyle": "PGDATESTYLE", "timezone": "PGTZ", "geqo": "PGGEQO"}
_SQLSTATE = ord("C")


def encoded(text):
    return text.encode("utf-8", "surrogateescape")


def parameters(values):
    """What the startup message says."""
    encoding = "UTF8" if values["client_encoding"] == "auto" else values["client_encoding"]
    said = {
        "user": values["user"],
        "database": values["dbname"],
        "replication": values["replication"],
        "options": values["options"],
        "application_name": values["application_name"] or values["fallback_application_name"],
        "client_encoding": encoding,
        **{name: os.environ.get(variable) for name, variable in _SETTINGS.items()},
    }
    return {name.encode(): encoded(value) for name, value in said.items() if value}


def greet(conn):
    """From the startup message to the first ReadyForQuery."""
    if not conn.values["user"]:
        raise Untrusted("no user name: set `user` or PGUSER\n")
    conn.transport.write(wire.startup(parameters(conn.values)))
    yield from flushed(conn)
    conn.status = states.CONN_AWAITING_RESPONSE
    yield from authenticate(conn)
    conn.status = states.CONN_AUTH_OK
    while True:
        kind, body = yield from message(conn)
        if kind == b"Z":
            break
        if kind == b"K" and len(body) >= 8:
            conn.pid, conn.key = int.from_bytes(body[:4], "big", signed=True), body[4:]
        elif kind == b"S":
            conn.note_parameter(body)
        else:
            raise Lost("unexpected message from server during startup\n")
    conn.note_transaction(body)
    check_target(conn)


def message(conn):
    """The next message from the server. An error ends the attempt."""
    while (found := conn.inbox.peek()) is None:
        pieces = conn.transport.read()
        if not pieces:
            yield states.POLL_READING
        for piece in pieces:
            conn.inbox.add(piece)
    kind, data, at, end = found
    conn.inbox.drop(end)
    kind, body = b"%c" % kind, data[at:end]
    if kind == b"E":
        fields = wire.error_fields(body)
        conn.sqlstate = fields.get(_SQLSTATE, b"")
        raise Rejected(conn.reported(fields, states.FATAL_ERROR).error_message.decode("utf-8", "replace"), conn.sqlstate)
    if kind == b"N":
        conn.note_notice(body)
        return (yield from message(conn))
    return kind, body


def authenticate(conn):
    """Answers until the server is content."""
    try:
        yield from answer(conn)
    except auth.Refused as error:
        raise Untrusted(str(error)) from None


def answer(conn):
    allowed = auth.allowed(conn.values["require_auth"])
    scram, proven = None, False
    while True:
        kind, body = yield from message(conn)
        if kind != b"R" or len(body) < 4:
            raise Lost("expected authentication request from server, but received %s\n" % wire.shown(kind[0]))
        method, rest = int.from_bytes(body[:4], "big"), body[4:]
        conn.auth_requested = True
        if method == _OK:
            if scram is not None and not proven:
                raise auth.Refused("server did not complete the SCRAM exchange\n")
            if "none" not in allowed and not conn.used_method:
                raise auth.Refused(not_allowed(conn, "server did not request authentication"))
            return
        if method not in (_SASL_CONTINUE, _SASL_FINAL):
            if method not in auth.METHODS or method in (7, 9):
                raise auth.Refused("authentication method %d not supported\n" % method)
            if auth.METHODS[method] not in allowed:
                raise auth.Refused(not_allowed(conn, "server requested %s authentication" % auth.METHODS[method]))
            conn.used_method = True
        if method == _PASSWORD:
            yield from say(conn, wire.string(password(conn)))
        elif method == _MD5:
            yield from say(conn, wire.string(auth.md5_answer(password(conn), encoded(conn.values["user"]), rest[:4])))
        elif method == _SASL:
            mechanisms = list(wire.strings(rest))
            if auth.MECHANISM not in mechanisms:
                raise auth.Refused("none of the server's SASL authentication mechanisms are supported\n")
            scram = auth.Scram(password(conn))
            first = scram.first()
            yield from say(conn, wire.string(auth.MECHANISM) + len(first).to_bytes(4, "big") + first)
        elif scram is None:
            raise auth.Refused("invalid authentication request from server: SASL exchange not begun\n")
        elif method == _SASL_CONTINUE:
            yield from say(conn, scram.final(rest))
        else:
            scram.check(rest)
            proven = True


def not_allowed(conn, what):
    return 'authentication method requirement "%s" failed: %s\n' % (conn.values["require_auth"], what)


def say(conn, body):
    conn.transport.write(wire.message(b"p", body))
    yield from flushed(conn)
    conn.status = states.CONN_AUTHENTICATING


def password(conn):
    """The password for this server: given, or from the file."""
    conn.password_needed = True
    host = conn.place
    name = host.name or host.hostaddr or places.DEFAULT_HOST
    conn.password_used = conn.values["password"] or passfile.password(conn.values, name, host.port)
    if not conn.password_used:
        raise auth.Refused("fe_sendauth: no password supplied\n")
    return encoded(conn.password_used)


def check_target(conn):
    """`target_session_attrs`, by what servers since 14 say of themselves."""
    wanted = conn.wanted
    if wanted == "any":
        return
    standby, read_only = (conn.parameters.get(name) for name in (b"in_hot_standby", b"default_transaction_read_only"))
    if standby is None or read_only is None:
        raise Unsuited("target_session_attrs needs PostgreSQL 14 or newer\n")
    is_read_only = b"on" in (standby, read_only)
    if wanted == "read-write" and is_read_only:
        raise Unsuited("session is read-only\n")
    if wanted == "read-only" and not is_read_only:
        raise Unsuited("session is not read-only\n")
    if wanted == "primary" and standby == b"on":
        raise Unsuited("server is in hot standby mode\n")
    if wanted == "standby" and standby != b"on":
        raise Unsuited("server is not in hot standby mode\n")
