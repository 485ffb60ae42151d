"""Bytes to and from a server: a socket that never blocks, plain or with TLS, and what waits on its way out."""

import os
import select
import socket
import ssl

# As much as one system call takes in and gives out.
_RECEIVE_BYTES = 64 * 1024
_SEND_BYTES = 256 * 1024
# How much is read at once at most before it is looked at.
_ROUND_BYTES = 1024 * 1024

_WOULD_BLOCK = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)

CLOSED = (
    "server closed the connection unexpectedly\n"
    "\tThis probably means the server terminated abnormally\n"
    "\tbefore or while processing the request.\n"
)


class Lost(Exception):
    """The connection is of no use any more, with libpq's text."""


class Transport:
    """One connection. Only its owner knows what the bytes mean."""

    __slots__ = ("_out", "_pid", "encrypted", "socket")

    def __init__(self, made):
        made.setblocking(False)
        self.socket, self.encrypted = made, False
        self._out = bytearray()
        # After a fork the connection is the parent's: what the child forgets is not to end it.
        self._pid = os.getpid()

    def fileno(self):
        return self.socket.fileno()

    def write(self, data):
        self._out += data

    @property
    def waiting(self):
        """How many bytes are still to be sent."""
        return len(self._out)

    def flush(self):
        """Sends what can be sent. True: nothing is left."""
        while self._out:
            try:
                # A copy: who takes it may keep it for a while.
                sent = self.socket.send(self._out[:_SEND_BYTES])
            except _WOULD_BLOCK:
                return False
            except OSError as error:
                self._out.clear()
                raise Lost(reason("could not send data to server", error)) from error
            del self._out[:sent]
        return True

    def read(self):
        """All that has come, up to a round, as pieces; none if nothing has. `Lost` at its end."""
        pieces, count = [], 0
        while count < _ROUND_BYTES:
            try:
                piece = self.socket.recv(_RECEIVE_BYTES)
            except _WOULD_BLOCK:
                break
            except OSError as error:
                if pieces:
                    break
                raise Lost(reason("could not receive data from server", error)) from error
            if not piece:
                if pieces:
                    break
                raise Lost(CLOSED)
            pieces.append(piece)
            count += len(piece)
            # Of TLS, what was decrypted already is seen by nobody who waits for the socket.
            if len(piece) < _RECEIVE_BYTES and not (self.encrypted and self.socket.pending()):
                break
        return pieces

    def read_exactly_one(self):
        """One byte, and no other: what follows the answer to SSLRequest is of TLS. Nothing if it has not come."""
        try:
            data = self.socket.recv(1)
        except _WOULD_BLOCK:
            return b""
        except OSError as error:
            raise Lost(reason("could not receive data from server", error)) from error
        if not data:
            raise Lost(CLOSED)
        return data

    def encrypt(self, context, server_name):
        """Puts TLS on the connection. The handshake is still to be done."""
        try:
            self.socket = context.wrap_socket(self.socket, server_hostname=server_name, do_handshake_on_connect=False)
        except (OSError, ValueError) as error:
            raise Lost("SSL error: %s\n" % error) from error
        self.encrypted = True

    def handshake(self):
        """True: it is done. False: bytes are to come. None: bytes are to be sent."""
        try:
            self.socket.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLWantWriteError:
            return None
        except ssl.SSLCertVerificationError as error:
            raise Lost("SSL error: certificate verify failed: %s\n" % (error.verify_message or error)) from error
        except OSError as error:
            raise Lost("SSL error: %s\n" % (error.strerror or error)) from error
        return True

    def close(self, goodbye=b""):
        if os.getpid() != self._pid:
            self.socket.detach()
            return
        try:
            if goodbye and not self._out:
                self.socket.send(goodbye)
        except (OSError, ValueError):
            # It has ended by itself.
            pass
        self.socket.close()


def reason(what, error):
    """As libpq: a connection that was reset was closed by the server."""
    if isinstance(error, (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return CLOSED
    return "%s: %s\n" % (what, error.strerror or error)


def wait(number, reading, writing, seconds=None):
    """Until the socket of this number is ready for it. False: it was not within this time."""
    if not hasattr(select, "poll"):
        ready = select.select([number] if reading else [], [number] if writing else [], [], seconds)
        return bool(ready[0] or ready[1])
    poll = select.poll()
    poll.register(number, (select.POLLIN if reading else 0) | (select.POLLOUT if writing else 0))
    return bool(poll.poll(None if seconds is None else seconds * 1000))


def begin(family, address):
    """A socket on its way to `address`. OSError: it cannot get there."""
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setblocking(False)
        if family != socket.AF_UNIX:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            made.connect(address)
        except BlockingIOError:
            pass
    except BaseException:
        made.close()
        raise
    return made
