"""One connection as the app sees it: requests go in as bytes, and answers come out as bytes, in the same order."""

import errno
import time
from collections import deque

from guesthouse.outbound import failures
from guesthouse.outbound import http1
from guesthouse.outbound import names
from guesthouse.outbound.exchange import Exchange
from guesthouse.outbound.waits import wait

# What a send takes at once, so that not all of a large body is copied.
PIECE_BYTES = 64 * 1024
# No time is lost by it: who has sent a request waits for its answer.
_HEED_SECONDS = 1.0
_PORTS = {"http": 80, "https": 443}
# How TLS that a library does in memory begins, for those who have no socket in hand (`tls.py`).
MARK = b"\0guesthouse-tls "


class Link:
    """Timeouts are those of sockets: nothing is for ever, and zero is not to wait."""

    def __init__(self):
        self.peer = None
        self.closed = False
        self.connect_seconds = None
        self._host = self._port = None
        self._server_name = None
        self._written = False
        self._pending = bytearray()
        self._upload = None
        self._body = None
        self._exchanges = deque()
        self._answer = None
        self._inbox, self._at = b"", 0
        self._ended = False
        self._failed = None
        self._heeded, self._heeding_since = False, None

    def connect(self, address, seconds):
        """Notes where to. The host connects as soon as it is asked for something."""
        self.peer, self.connect_seconds = address, seconds
        host = names.written(address[0])
        self._host, self._port = host if host.isascii() else names.name_of(host), address[1]

    def secure(self, server_name):
        """From here on it is https, with this name in the certificate."""
        host = server_name or self._host
        if host.strip("[]").rstrip(".").lower() != self._host.rstrip(".").lower():
            raise failures.not_carried(
                "the certificate is to be that of `%s`, and the connection goes to `%s`: the host asks each for its own name"
                % (host, self._host)
            )
        self._server_name = host

    @property
    def secured(self):
        return self._server_name is not None

    @property
    def scheme(self):
        return "https" if self.secured else "http"

    @property
    def place(self):
        return "%s:%d" % (self._bracketed(), self._port)

    @property
    def authority(self):
        return self._bracketed() if self._port == _PORTS[self.scheme] else self.place

    def _bracketed(self):
        return "[%s]" % self._host if ":" in self._host else self._host

    def send(self, data, seconds):
        """Takes some of the bytes: how many, is the answer."""
        until = deadline(seconds)
        self._check()
        if self._ended:
            raise BrokenPipeError(errno.EPIPE, "the connection to %s is over" % self.place)
        self._flush(until)
        piece = memoryview(data).cast("B")[:PIECE_BYTES]
        try:
            self._feed(piece)
        except BaseException as error:
            self._fail(error)
            raise
        if seconds == 0:
            self._flush_some()
        else:
            self._flush(until)
            self._heed(seconds)
        return len(piece)

    def _heed(self, seconds):
        """Waits a moment for the answer to a connection's first request: libraries tell a place that cannot be reached from
        an answer that fails by whether it was the send that raised."""
        if self._heeded or self._upload is None or not self._upload.over:
            return
        self._heeded, self._heeding_since = True, time.monotonic()
        if pollables := self._upload.readable():
            wait(pollables, _HEED_SECONDS if seconds is None else min(seconds, _HEED_SECONDS))
        self._has_some()

    def _check(self):
        if self.closed:
            raise OSError(errno.EBADF, "the socket is closed")
        if self.peer is None:
            raise OSError(errno.ENOTCONN, "the socket is not connected")
        if self._failed is not None:
            raise self._failed

    def _fail(self, error):
        """Whoever asks next hears the same: some libraries ignore what a send raises."""
        self._failed = error
        self._drop()

    def _drop(self):
        while self._exchanges:
            self._exchanges.popleft().drop()
        self._upload = self._body = None

    def _feed(self, data):
        at = 0
        while at < len(data):
            if self._body is not None:
                piece, count = self._body.take(data[at:])
                at += count
                if piece:
                    self._upload.push(piece)
                if self._body.done:
                    self._upload.end()
                    self._body = None
                continue
            self._pending += data[at:]
            if not self._written and self._is_mark():
                return
            self._written = True
            http1.check_beginning(self._pending, self.place)
            head, end = http1.split(self._pending)
            if head is None:
                return
            rest = bytes(self._pending[end:])
            self._pending.clear()
            self._begin(http1.parse(head, self.place))
            data, at = memoryview(rest), 0

    def _is_mark(self):
        """Takes the mark out of the first bytes. True: it may be one, and is not complete."""
        pending = bytes(self._pending)
        if not pending.startswith(MARK):
            return MARK.startswith(pending)
        line, found, rest = pending.partition(b"\n")
        if found:
            self.secure(line[len(MARK) :].decode("ascii"))
            self._pending[:] = rest
        return not rest

    def _begin(self, head):
        if head.host is not None and self._normal(head.host) != self._normal(self.authority):
            raise failures.not_carried(
                "the request says `Host: %s`, and the connection goes to %s: the host takes both from the same place"
                % (head.host, self.place)
            )
        exchange = Exchange(self.scheme, self.authority, head, self.connect_seconds)
        self._exchanges.append(exchange)
        self._upload = exchange
        if head.length == 0:
            exchange.end()
        elif head.has_body:
            self._body = http1.Chunked(self.place) if head.chunked else http1.Plain(head.length)
        if head.expects and not head.old:
            self._say(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _normal(self, authority):
        authority = authority.lower().removesuffix(":%d" % _PORTS[self.scheme])
        name, colon, port = authority.partition(":")
        return name.rstrip(".") + colon + port

    def _say(self, data):
        self._inbox, self._at = self._inbox[self._at :] + data, 0

    def _flush_some(self):
        """Gives the host what it takes now. False: it wants time."""
        try:
            return self._upload is None or self._upload.flush()
        except BaseException as error:
            self._fail(error)
            raise

    def _flush(self, until):
        while not self._flush_some():
            self._wait(self._upload.writable(), until)

    def _wait(self, pollables, until):
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

    def receive(self, most, seconds):
        """The next bytes, at most so many; none at the end."""
        until, since = deadline(seconds), self._heeding_since
        if since is not None:
            # The send has waited for this already.
            until, self._heeding_since = until and since + seconds, None
        while not self._has_some():
            if self._ended:
                return b""
            if not self._exchanges:
                if seconds == 0:
                    raise BlockingIOError(errno.EAGAIN, "nothing is there")
                self._fail(self.mute())
                raise self._failed
            exchange = self._exchanges[0]
            pollables = exchange.readable()
            if not exchange.sent:
                pollables += exchange.writable()
            self._wait(pollables, until)
        data = self._inbox[self._at : self._at + most]
        self._at += len(data)
        return data

    def mute(self):
        """For who waits for an answer without having asked."""
        return failures.not_carried(
            "the connection to %s carries HTTP alone: nothing comes before a request was written (mail, FTP, MySQL and SSH "
            "begin with the server's words)" % self.place
        )

    def _has_some(self):
        """Whether there are bytes for the app, as far as can be said without waiting."""
        if self._at < len(self._inbox):
            return True
        self._check()
        try:
            while self._exchanges and self._at >= len(self._inbox):
                if not self._exchanges[0].sent:
                    self._exchanges[0].flush()
                if not self._step(self._exchanges[0]):
                    return False
        except BaseException as error:
            self._fail(error)
            raise
        return self._at < len(self._inbox)

    def _step(self, exchange):
        """One step of the answer. False: the host has nothing yet."""
        answer = self._answer
        if answer is None:
            got = exchange.response()
            if got is None:
                return False
            closes = exchange.head.closes or not exchange.sent
            answer = self._answer = http1.Answer(exchange.head, *got, closes)
            self._say(answer.start)
        else:
            data = exchange.read()
            if data is None:
                return False
            if data:
                self._say(answer.frame(data))
            else:
                self._say(answer.end)
                self._complete(exchange, answer.closes or bool(answer.left))
                return True
        if answer.done:
            self._complete(exchange, answer.closes)
        return True

    def _complete(self, exchange, closes):
        self._answer = None
        self._exchanges.popleft()
        if exchange is self._upload:
            self._upload = self._body = None
        exchange.drop()
        if closes:
            self._ended = True
            self._drop()

    def is_readable(self):
        """Whether a receive would not wait; an end and a failure are something to read too."""
        try:
            return self._has_some() or self._ended
        except Exception:
            return True

    def is_writable(self):
        try:
            return self._flush_some()
        except Exception:
            return True

    def awaited(self, reading, writing):
        """What to wait for before one of them may be so."""
        found = []
        if reading and self._exchanges:
            found += self._exchanges[0].readable()
        if self._upload is not None and (writing or reading and not self._upload.sent):
            found += self._upload.writable()
        return found

    def silence(self):
        """For who waits for ever without having asked: the next receive says it."""
        self._fail(self.mute())

    @property
    def is_idle(self):
        """Nothing was asked that is not answered."""
        return not self._exchanges

    @property
    def is_unused(self):
        """Nothing was ever written."""
        return not self._written and self.peer is not None

    def shut(self):
        """The app writes no more. A request that is not complete stays so."""
        if not self._exchanges:
            self._ended = True

    def close(self):
        self.closed = True
        self._drop()
        self._inbox, self._at = b"", 0


def deadline(seconds):
    return seconds and time.monotonic() + seconds
