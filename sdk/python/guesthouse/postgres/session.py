"""What a session is at, from its startup to its end: commands that are under way, and what the server says to them.

The states and their changes are libpq's (fe-exec.c, fe-protocol3.c), for psycopg relies on each of them.
"""

import time
from collections import deque

from guesthouse.postgres import opening
from guesthouse.postgres import phases
from guesthouse.postgres import startup
from guesthouse.postgres import states
from guesthouse.postgres import wire
from guesthouse.postgres.received import Received
from guesthouse.postgres.result import PGresult
from guesthouse.postgres.transport import Lost
from guesthouse.postgres.transport import wait

_COPY_RESULTS = {phases.COPY_IN: states.COPY_IN, phases.COPY_OUT: states.COPY_OUT, phases.COPY_BOTH: states.COPY_BOTH}
_NOT_OPEN = "no connection to the server\n"
# In a pipeline, what waits to be sent is sent when it is this long. A copy that may block sends sooner.
_PIPELINE_BYTES, _COPY_BYTES = 64 * 1024, 8 * 1024
# A copy that may not block is told to wait while so much waits to be sent.
_COPY_BYTES_MAX = 1024 * 1024


class Session(Received):
    """The state, without the names that psycopg gives to it."""

    def __init__(self, values):
        self.values = values
        self.status, self.transport, self.place, self.address = states.CONN_BAD, None, None, ""
        self.notice_handler = self.notify_handler = None
        self._nonblocking = 0
        self._opening = None
        self.wanted = "any"
        self.error = b""
        self.begin()

    def begin(self):
        """As it is before anything was said."""
        self.inbox, self.parameters, self.sqlstate = wire.Inbox(), {}, b""
        self.pid, self.key, self.xact = 0, b"", states.XACT_IDLE
        self.auth_requested = self.password_needed = self.used_method = False
        self.password_used = None
        self.doing, self.queue, self.pipeline = phases.IDLE, deque(), states.PIPELINE_OFF
        self.notified = deque()
        self.encoding = "SQL_ASCII"
        self.clear_result()
        self.rows_max, self._write_error = 0, ""
        self.reported_at = 0

    # What goes wrong: collected until the next command, and each part told in one result.

    def complain(self, text):
        self.error += text.encode(self.codec(), "replace") if isinstance(text, str) else text
        return False

    def clear_error(self):
        self.error, self.reported_at = b"", 0

    def codec(self):
        from psycopg._encodings import pg2pyenc

        name = self.parameters.get(b"client_encoding")
        return pg2pyenc(name) if name else "utf-8"

    def lose(self, text):
        """The connection is of no use any more."""
        self.drop()
        self.complain(text)

    def drop(self, goodbye=b""):
        if self.transport is not None:
            self.transport.close(goodbye)
        self.transport, self.status = None, states.CONN_BAD

    # Opening.

    def open_start(self):
        self.begin()
        self.clear_error()
        self._opening = opening.open_any(self)
        self.status = states.CONN_NEEDED

    def greet(self):
        self.begin()
        return startup.greet(self)

    def open_poll(self, thrown=None):
        if self._opening is None:
            return states.POLL_OK if self.status == states.CONN_OK else states.POLL_FAILED
        try:
            return next(self._opening) if thrown is None else self._opening.throw(thrown)
        except StopIteration:
            self._opening, self.status = None, states.CONN_OK
            self.clear_error()
            return states.POLL_OK
        except opening.Failed as error:
            self._opening = None
            self.lose(str(error))
            return states.POLL_FAILED

    def open_all(self, seconds):
        """Blocks until it is open, or cannot be. Each attempt has its time."""
        polled, of, until = self.open_poll(), None, None
        while polled in (states.POLL_READING, states.POLL_WRITING):
            if of is not self.transport:
                of, until = self.transport, seconds and time.monotonic() + seconds
            left = until and max(0, until - time.monotonic())
            reading = polled == states.POLL_READING
            is_ready = wait(self.transport.fileno(), reading, not reading, left)
            polled = self.open_poll(None if is_ready else Lost("timeout expired\n"))
        return polled == states.POLL_OK

    # Bytes in and out.

    def receive(self):
        """Takes in what has come. False: the connection is lost."""
        if self.transport is None:
            return False if self.error else self.complain("connection not open\n")
        try:
            pieces = self.transport.read()
        except Lost as error:
            self.lose(self._write_error or str(error))
            return False
        for piece in pieces:
            self.inbox.add(piece)
        return True

    def send(self):
        """0: all is sent. 1: some is left, and the session may not block. -1: there is no connection."""
        if self.transport is None:
            self.complain("connection not open\n")
            return -1
        try:
            while not self.transport.flush():
                if self._nonblocking:
                    return 1
                wait(self.transport.fileno(), True, True)
                # A server that waits to be read from reads nothing.
                if not self.receive():
                    return -1
        except Lost as error:
            # What the server said before it went is still to be read: the end is told then.
            self._write_error = str(error)
        return 0

    # Commands.

    def may_send(self):
        if not self.queue:
            self.clear_error()
        if self.status != states.CONN_OK:
            return self.complain(_NOT_OPEN)
        if self.pipeline == states.PIPELINE_OFF:
            if self.doing != phases.IDLE:
                return self.complain("another command is already in progress\n")
            self.clear_result()
            self.rows_max = 0
        elif self.doing in phases.IN_COPY:
            return self.complain("cannot queue commands during COPY\n")
        return True

    def enqueue(self, kind, messages, query=None):
        """Sends the messages of a command, and waits for its results from now on."""
        in_pipeline = self.pipeline != states.PIPELINE_OFF
        for one in messages:
            self.transport.write(one)
        if not in_pipeline and kind != phases.SIMPLE:
            self.transport.write(wire.SYNC)
        self.queue.append((kind, query))
        if self.pipeline == states.PIPELINE_IS_ABORTED:
            if self.doing in (phases.IDLE, phases.PIPELINE_IDLE):
                self.next_in_pipeline()
        elif self.doing == phases.IDLE:
            self.doing = phases.BUSY
        if not in_pipeline or kind == phases.SYNC_POINT or self.transport.waiting >= _PIPELINE_BYTES:
            self.send()
        return True

    def next_in_pipeline(self):
        """Goes on to the next command of a pipeline, if the last one is over."""
        if self.doing not in (phases.IDLE, phases.PIPELINE_IDLE):
            return
        self.rows_max = 0
        if not self.queue:
            self.doing = phases.IDLE
            return
        self.clear_error()
        self.clear_result()
        if self.pipeline == states.PIPELINE_IS_ABORTED and self.queue[0][0] != phases.SYNC_POINT:
            self.result, self.doing = PGresult(states.PIPELINE_ABORTED), phases.READY
        else:
            self.doing = phases.BUSY

    def advance(self, is_ready_for_query, got_sync):
        """Takes a command off the queue: a simple one has results until the server is ready for another."""
        if self.queue:
            kind = self.queue[0][0]
            if (kind != phases.SIMPLE or is_ready_for_query) and (kind != phases.SYNC_POINT or got_sync):
                self.queue.popleft()

    # Results.

    def clear_result(self):
        self.result = self.saved = None
        self.has_failed = False

    def save_failure(self):
        """The next result is one of failure, with what was complained of."""
        self.result, self.saved, self.has_failed = None, None, True

    def has_result(self):
        return self.result is not None or self.has_failed

    def take_result(self):
        """The result that is complete. What was saved beside it comes next."""
        result = self.result
        if result is None:
            text = self.error[self.reported_at :] or b"no error text available\n"
            result, self.has_failed = PGresult(states.FATAL_ERROR, text), False
        if result.status == states.FATAL_ERROR:
            self.reported_at = len(self.error)
        self.result, self.saved = self.saved, None
        return result

    def next_result(self):
        self.parse()
        while self.doing == phases.BUSY:
            if not self.send_and_receive():
                self.save_failure()
                self.doing = phases.IDLE
                return self.take_result()
            self.parse()
        if self.doing == phases.IDLE:
            return None
        if self.doing == phases.PIPELINE_IDLE:
            self.next_in_pipeline()
            return None
        if self.doing == phases.READY_MORE:
            self.doing = phases.BUSY
            return self.take_result()
        if self.doing in phases.IN_COPY:
            return self.copy_result()
        has_more = self.saved is not None
        result = self.take_result()
        if has_more:
            # The last rows of a command that is over: its own result, without rows, comes next.
            return result
        is_sync = result.status == states.PIPELINE_SYNC
        self.advance(False, is_sync)
        self.doing = phases.BUSY
        if self.pipeline != states.PIPELINE_OFF:
            self.doing = phases.PIPELINE_IDLE
            if is_sync:
                self.next_in_pipeline()
        return result

    def send_and_receive(self):
        """Blocks until something has come. False: the connection is lost."""
        if self.transport is None:
            return self.receive()
        if not self.transport.waiting:
            wait(self.transport.fileno(), True, False)
            return self.receive()
        wait(self.transport.fileno(), True, True)
        return self.send() >= 0 and self.receive()

    def copy_result(self):
        if self.status != states.CONN_OK:
            self.save_failure()
            self.doing = phases.IDLE
            return self.take_result()
        if self.result is not None and self.result.status == _COPY_RESULTS[self.doing]:
            return self.take_result()
        return PGresult(_COPY_RESULTS[self.doing])

    # Copying.

    def copying_in(self):
        return self.doing in (phases.COPY_IN, phases.COPY_BOTH) or self.complain("no COPY in progress\n")

    def put_copy(self, data):
        """1: it will be sent. 0: there is too much to be sent already. -1: it cannot be."""
        if not self.copying_in():
            return -1
        self.parse()
        if self.transport is None:
            self.complain("connection not open\n")
            return -1
        if self._nonblocking and self.transport.waiting > _COPY_BYTES_MAX and self.send() == 1:
            return 0
        if len(data):
            self.transport.write(wire.message(b"d", data))
        if not self._nonblocking and self.transport.waiting >= _COPY_BYTES and self.send() < 0:
            return -1
        return 1

    def end_copy(self, error):
        if not self.copying_in():
            return -1
        if self.transport is None:
            self.complain("connection not open\n")
            return -1
        self.transport.write(wire.COPY_DONE if error is None else wire.message(b"f", wire.string(error)))
        if self.queue and self.queue[0][0] != phases.SIMPLE:
            self.transport.write(wire.SYNC)
        self.doing = phases.COPY_OUT if self.doing == phases.COPY_BOTH else phases.BUSY
        return -1 if self.send() < 0 else 1

    def get_copy(self, may_block):
        """The length of the next row, and the row; 0: it has not come. -1: that was all. -2: it fails."""
        if self.doing not in (phases.COPY_OUT, phases.COPY_BOTH):
            self.complain("no COPY in progress\n")
            return -2, b""
        while True:
            try:
                found = self.inbox.peek()
            except wire.Garbage:
                # Parsing says what it is.
                self.doing = phases.BUSY
                self.parse()
                return -2, b""
            if found is None:
                if not may_block:
                    return 0, b""
                if not self.send_and_receive():
                    return -2, b""
                continue
            kind, data, at, end = found
            if kind in b"ANS":
                self.inbox.drop(end)
                self.take_in(kind, data[at:end])
            elif kind == 0x64:
                self.inbox.drop(end)
                if end > at:
                    return end - at, data[at:end]
            else:
                self.doing = phases.COPY_IN if kind == 0x63 and self.doing == phases.COPY_BOTH else phases.BUSY
                return -1, b""
