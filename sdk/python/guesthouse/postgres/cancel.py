"""Requests to cancel: a connection of its own to the same server, which says one thing and is closed."""

from psycopg.errors import OperationalError
from psycopg.pq.misc import _clean_error_message

from guesthouse.postgres import opening
from guesthouse.postgres import states
from guesthouse.postgres import wire
from guesthouse.postgres.transport import Lost
from guesthouse.postgres.transport import wait


def greet(owner):
    """Says it, and waits for the server to close the connection, which it does without an answer."""
    owner.transport.write(wire.cancel(owner.pid, owner.key))
    yield from opening.flushed(owner)
    owner.status = states.CONN_AWAITING_RESPONSE
    try:
        while not owner.transport.read():
            yield states.POLL_READING
    except Lost:
        return
    raise Lost("unexpected response from server\n")


class PGcancelConn:
    """It can be polled, and started again after a `reset`."""

    def __init__(self, conn):
        place = conn.place
        self.values = dict(conn.values, target_session_attrs="any", load_balance_hosts="disable")
        if place is not None:
            self.values.update(host=place.name, hostaddr=conn.address or place.hostaddr, port=place.port)
        self.pid, self.key, self._is_lost = conn.pid, conn.key, conn.transport is None
        self.status, self.transport, self.place, self.address = states.CONN_ALLOCATED, None, None, ""
        self._opening, self._error, self._finished = None, b"", False

    def __del__(self):
        self.finish()

    def greet(self):
        return greet(self)

    def _ensure(self):
        if self._finished:
            raise OperationalError("the cancel connection is closed")

    def start(self):
        if self._finished:
            raise OperationalError("couldn't start cancellation: %s" % self.get_error_message())
        if self.status != states.CONN_ALLOCATED or self._is_lost:
            text = "connection not open\n" if self._is_lost else "cancel request is already being sent on this connection\n"
            self._error, self.status = text.encode(), states.CONN_BAD
            raise OperationalError("couldn't start cancellation: %s" % self.get_error_message())
        self._opening, self.status = opening.open_any(self), states.CONN_STARTED

    def blocking(self):
        self.start()
        while (polled := self.poll()) in (states.POLL_READING, states.POLL_WRITING):
            wait(self.transport.fileno(), polled == states.POLL_READING, polled == states.POLL_WRITING)
        if polled != states.POLL_OK:
            raise OperationalError("couldn't start cancellation: %s" % self.get_error_message())

    def poll(self):
        self._ensure()
        if self._opening is None:
            return states.POLL_OK if self.status == states.CONN_OK else states.POLL_FAILED
        try:
            return next(self._opening)
        except StopIteration:
            self._opening, self.status, self._error = None, states.CONN_OK, b""
            return states.POLL_OK
        except opening.Failed as error:
            self._opening, self.status, self._error = None, states.CONN_BAD, str(error).encode()
            opening.drop(self)
            return states.POLL_FAILED

    @property
    def socket(self):
        if self.transport is None:
            raise OperationalError("cancel connection not opened")
        return self.transport.fileno()

    @property
    def error_message(self):
        return b"connection pointer is NULL\n" if self._finished else self._error

    def get_error_message(self, encoding="utf-8"):
        return _clean_error_message(self.error_message, encoding)

    def reset(self):
        self._ensure()
        self._close()
        self.status, self._error = states.CONN_ALLOCATED, b""

    def finish(self):
        self._close()
        self._finished, self.status = True, states.CONN_BAD

    def _close(self):
        self._opening = None
        opening.drop(self)


class PGcancel:
    """The older way, which waits for the server."""

    def __init__(self, conn):
        self._request = PGcancelConn(conn)

    def __del__(self):
        self.free()

    def free(self):
        self._request = None

    def cancel(self):
        if self._request is None:
            raise OperationalError("cancel failed: PQcancel() -- no cancel object supplied")
        try:
            self._request.blocking()
        except OperationalError as error:
            raise OperationalError("cancel failed: %s" % error) from None
        self._request.reset()
