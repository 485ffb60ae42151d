"""A server that says what it is told to, at the other end of a pair of sockets."""

import socket
import struct
from unittest import mock

from guesthouse.postgres import connection
from guesthouse.postgres import opening
from guesthouse.postgres import states
from guesthouse.postgres.transport import Transport


def message(kind, body=b""):
    return kind + struct.pack(">i", len(body) + 4) + body


READY = message(b"Z", b"I")
PARAMETERS = b"".join(
    message(b"S", name + b"\0" + value + b"\0")
    for name, value in (
        (b"client_encoding", b"UTF8"), (b"server_version", b"15.18 (Debian)"), (b"standard_conforming_strings", b"on"),
    )  # fmt: skip
)
GREETING = message(b"R", bytes(4)) + PARAMETERS + message(b"K", struct.pack(">ii", 7, 8)) + READY


def columns(*names, format=0):
    body = struct.pack(">H", len(names))
    for name in names:
        body += name + b"\0" + struct.pack(">IhIhih", 0, 0, 25, -1, -1, format)
    return message(b"T", body)


def row(*values):
    body = struct.pack(">H", len(values))
    for value in values:
        body += struct.pack(">i", -1) if value is None else struct.pack(">i", len(value)) + value
    return message(b"D", body)


def complete(status):
    return message(b"C", status + b"\0")


def error(sqlstate, text, severity=b"ERROR", **more):
    fields = {b"S": severity, b"V": severity, b"C": sqlstate, b"M": text, **{key.encode(): one for key, one in more.items()}}
    return message(b"E", b"".join(key + one + b"\0" for key, one in fields.items()) + b"\0")


def notice(text):
    return message(b"N", b"SNOTICE\0C00000\0M" + text + b"\0\0")


class Server:
    """Both ends: `conn` is a connection to it, whose startup was answered with `greeting`."""

    def __init__(self, greeting=GREETING, options=b""):
        near, self.far = socket.socketpair()
        self.far.settimeout(5)
        self.far.sendall(greeting)

        def reach(owner, family, address):
            owner.transport = Transport(near)
            yield states.POLL_WRITING

        way = (socket.AF_INET, ("198.51.100.1", 5432), "198.51.100.1")
        with mock.patch.object(opening, "reach", reach), mock.patch.object(opening.places, "addresses", lambda host: [way]):
            self.conn = connection.PGconn.connect(b"host=db user=me password=pencil sslmode=disable " + options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.conn.finish()
        self.far.close()

    def say(self, *messages):
        self.far.sendall(b"".join(messages))

    def heard(self):
        """The messages that came, as kinds and bodies."""
        data, found = self.far.recv(1 << 20), []
        while data:
            length = struct.unpack(">i", data[1:5])[0]
            found.append((data[:1], data[5 : 1 + length]))
            data = data[1 + length :]
        return found
