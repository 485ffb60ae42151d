"""One connection as the app sees it. Its first bytes decide what it is: requests that the host sends, or TCP."""

import contextlib
import errno
import time

from guesthouse.outbound import failures
from guesthouse.outbound import http1
from guesthouse.outbound import marks
from guesthouse.outbound import names
from guesthouse.outbound.conversation import Conversation
from guesthouse.outbound.greeting import Greeting
from guesthouse.outbound.inbox import Inbox
from guesthouse.outbound.tcp import Connection
from guesthouse.outbound.waits import wait

# What a send takes at once, so that not all of a large body is copied.
PIECE_BYTES = 64 * 1024
# No time is lost by it: who has sent a request waits for its answer.
_HEED_SECONDS = 1.0
# How long a close waits for the host to send what was written.
_LINGER_SECONDS = 1.0


class Link:
    """Timeouts are those of sockets: nothing is for ever, and zero is not to wait."""

    def __init__(self):
        self.peer = None
        self.closed = False
        # Sockets that are this connection (`dup`).
        self.holders = 1
        self._host = self._port = None
        self._connect_seconds = self._opened_by = None
        self._server_name = None
        # Bytes that do not say yet what they are.
        self._pending = bytearray()
        self._inbox = Inbox()
        # A `Conversation` or a `Connection`, as soon as that is decided.
        self._carrier = None
        self._greeting = None
        self._ended = False
        self._failed = None
        self._heeding_since = None
        # Somebody left before a handshake was complete, and waits for something to read.
        self._come_back = False

    def connect(self, address, seconds):
        """Notes where to. The host connects as soon as it is asked for something."""
        self.peer, self._connect_seconds = address, seconds
        host = names.written(address[0])
        self._host, self._port = host if host.isascii() else names.name_of(host), address[1]

    @property
    def is_tcp(self):
        return isinstance(self._carrier, Connection)

    def secure(self, server_name, seconds):
        """From here on it is encrypted, with this name in the certificate."""
        self._check()
        until, host = deadline(seconds), server_name or self._host
        try:
            self._listen()
            if self._pending:
                self._decide(False)
            if self._carrier is None:
                self._drop_greeting()
                self._server_name = host
                return
            self._flush(until)
            self._carrier.secure(host)
        except BlockingIOError:
            raise
        except BaseException as error:
            self._fail(error)
            raise

    def open_up(self, seconds):
        """Waits until bytes can go through, if the host connects or makes its TLS handshake."""
        until = deadline(seconds)
        self._come_back = True
        while self.is_tcp and not self._advance():
            self._wait(self._carrier.readable(), until)
        self._come_back = False

    def _advance(self):
        self._check()
        try:
            return self._carrier.advance()
        except BaseException as error:
            self._fail(error)
            raise

    def _decide(self, http):
        """What the connection is. From here on it stays that."""
        greeting, self._greeting = self._greeting, None
        if http:
            if greeting is not None:
                greeting.drop()
            self._carrier = self._conversation()
        else:
            # One that was refused on trial is tried once more: who writes is told why by what becomes of it.
            self._carrier = greeting and greeting.connection or self._connection()
        pending, self._pending = self._pending, bytearray()
        if pending:
            self._carrier.feed(memoryview(pending))

    def _conversation(self):
        host = "[%s]" % self._host if ":" in self._host else self._host
        return Conversation(self._inbox, host, self._port, self._server_name, self._connect_seconds)

    def _connection(self):
        self._opened_by = deadline(self._connect_seconds)
        return Connection(self._inbox, self._host, self._port, self._server_name)

    def send(self, data, seconds):
        """Takes some of the bytes: how many, is the answer."""
        until = deadline(seconds)
        self._check()
        self._flush(until)
        self._check_writable()
        data = memoryview(data).cast("B")
        piece, session = marks.split(data)
        if session is not None and not piece:
            self.secure(session.server_hostname, 0)
            return marks.redeem(data)
        piece = piece[:PIECE_BYTES]
        try:
            self._feed(piece)
        except BaseException as error:
            self._fail(error)
            raise
        if seconds == 0:
            self._flush_unheard()
        else:
            self._flush(until)
            self._heed(seconds)
        self._check_sent()
        return len(piece)

    def _flush_unheard(self):
        """Who does not wait hears with the next call what became of a connection, as with any socket: asyncio forgets the
        reason of a send that fails."""
        try:
            self._flush_some()
        except OSError:
            if not self.is_tcp:
                raise

    def _check_sent(self):
        if self._carrier is not None and self._carrier.unsent is not None:
            raise failures.fresh(self._carrier.unsent)

    def _check_writable(self):
        self._check_sent()
        if self._ended or self._carrier is not None and not self._carrier.takes:
            raise BrokenPipeError(errno.EPIPE, "the connection to %s:%d is over" % (self._host, self._port))

    def _feed(self, data):
        self._listen()
        if self._carrier is not None:
            self._carrier.feed(data)
            return
        self._pending += data
        http = http1.is_request(self._pending) if data else None
        if http is not None:
            self._decide(http)

    def _heed(self, seconds):
        """Waits a moment for the answer to a connection's first request: libraries tell a place that cannot be reached from
        an answer that fails by whether it was the send that raised."""
        pollables = self._carrier.asked() if self._carrier is not None else None
        if pollables is None:
            return
        self._heeding_since = time.monotonic()
        if pollables:
            wait(pollables, _HEED_SECONDS if seconds is None else min(seconds, _HEED_SECONDS))
        self._has_some()

    def _check(self):
        if self.closed:
            raise OSError(errno.EBADF, "the socket is closed")
        if self.peer is None:
            raise OSError(errno.ENOTCONN, "the socket is not connected")
        if self._failed is not None:
            raise failures.fresh(self._failed)

    def _fail(self, error):
        """Whoever asks next hears the same: some libraries ignore what a send raises."""
        self._failed = failures.fresh(error)
        self._drop()

    def _drop(self):
        self._drop_greeting()
        if self._carrier is not None:
            self._carrier.drop()

    def _drop_greeting(self):
        greeting, self._greeting = self._greeting, None
        if greeting is not None:
            greeting.drop()

    def _flush_some(self):
        """Gives the host what it takes now. False: it wants time."""
        if self._failed is not None or self.closed or self._carrier is None:
            return True
        try:
            return self._carrier.flush()
        except BaseException as error:
            self._fail(error)
            raise

    def _flush(self, until):
        while not self._flush_some():
            self._wait(self._carrier.writable(), until)

    def _wait(self, pollables, until):
        if until != 0 and self._opened_by and self._carrier.is_opening:
            until = self._opened_by
        if until is None:
            wait(pollables, None)
            return
        left = until - time.monotonic()
        if until == 0 or left <= 0:
            for one in pollables:
                one.__exit__(None, None, None)
            if until == 0:
                raise BlockingIOError(errno.EAGAIN, "it would have to wait")
            raise failures.too_slow()
        wait(pollables, left)

    def receive(self, most, seconds, stay=False):
        """The next bytes, at most so many; none at the end. With `stay` they are the next ones once more."""
        until, since = deadline(seconds), self._heeding_since
        if since is not None:
            # The send has waited for this already.
            until, self._heeding_since = until and since + seconds, None
        while not self._has_some():
            if self._is_over():
                return b""
            if seconds == 0:
                raise BlockingIOError(errno.EAGAIN, "nothing is there")
            if self._carrier is None:
                self._speak_first()
            elif self._carrier.is_idle:
                self._fail(self._carrier.mute())
                self._check()
            else:
                self._wait(self._carrier.readable(), until)
        return self._inbox.take(most, stay)

    def _speak_first(self):
        """Who waits for an answer has written no request: it is no HTTP."""
        try:
            self._decide(False)
        except BaseException as error:
            self._fail(error)
            raise

    def _listen(self):
        """If the server has spoken before anything was written, it is no HTTP."""
        if self._greeting is not None and self._greeting.has_come():
            self._decide(False)

    def _is_over(self):
        return self._ended or self._carrier is not None and self._carrier.ended

    def _has_some(self):
        """Whether there are bytes for the app, as far as can be said without waiting."""
        if self._inbox:
            return True
        self._check()
        try:
            self._listen()
            if self._greeting is not None:
                self._greeting.check()
            return self._carrier is not None and self._carrier.has_some()
        except BaseException as error:
            self._fail(error)
            raise

    def is_readable(self):
        """Whether a receive would not wait; an end and a failure are something to read too."""
        try:
            return self._has_some() or self._is_over() or self._come_back and self._advance()
        except Exception:
            return True

    def is_writable(self):
        try:
            return self._flush_some()
        except Exception:
            return True

    def expect(self):
        """Somebody is about to wait for something to read: if nothing was written, it may be the server that begins."""
        if not self.is_unused or self._greeting is not None or self._ended or self.closed or self._failed is not None:
            return
        if self._pending:
            # Nobody waits in the middle of a request's first line. Who reads hears it if that fails.
            with contextlib.suppress(OSError):
                self._speak_first()
        else:
            self._greeting = Greeting(self._connection)

    def awaited(self, reading, writing):
        """What to wait for before one of them may be so."""
        if self._greeting is not None:
            return self._greeting.awaited() if reading else []
        if self._carrier is None or self._failed is not None or self.closed:
            return []
        # Who reads has the rest of what was written sent too.
        return self._carrier.readable() if reading else self._carrier.writable()

    def silence(self):
        """For who waits for ever for what cannot come: the next receive says it."""
        if self._carrier is not None:
            self._fail(self._carrier.mute())
        elif self._greeting is not None:
            self._fail(self._greeting.refused)

    @property
    def is_idle(self):
        """Nothing is on its way that the app could read."""
        waits = self._carrier or self._greeting
        return waits is None or waits.is_idle

    @property
    def is_unused(self):
        """Nothing was written that says what it is."""
        return self._carrier is None and self.peer is not None

    def shut(self):
        """The app writes no more."""
        self._check()
        if self._pending:
            self._speak_first()
        if self._carrier is not None:
            self._carrier.shut()
        else:
            self._ended = True

    def close(self):
        self.holders -= 1
        if self.holders:
            return
        self.closed = True
        if self._failed is None:
            self._finish(time.monotonic() + _LINGER_SECONDS)
        self._drop()
        self._inbox.clear()

    def _finish(self, until):
        """What was written is sent, as far as there is time. Nobody hears any more that it cannot be."""
        with contextlib.suppress(OSError):
            if self._pending:
                self._decide(False)
            while self.is_tcp and not self._carrier.finish() and (left := until - time.monotonic()) > 0:
                wait(self._carrier.sending(), left)


def deadline(seconds):
    return seconds and time.monotonic() + seconds
