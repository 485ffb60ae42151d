"""HTTP/1.1 on a link: requests out of bytes, which the host sends, and answers as bytes, in the same order."""

from collections import deque

from guesthouse.outbound import failures
from guesthouse.outbound import http1
from guesthouse.outbound.exchange import Exchange

_PORTS = {"http": 80, "https": 443}


class Conversation:
    """What the host has sent, and what it has not. Nothing in here waits."""

    unsent = None
    is_opening = False

    def __init__(self, inbox, host, port, server_name, connect_seconds):
        self.place = "%s:%d" % (host, port)
        self.scheme = "http" if server_name is None else "https"
        self.authority = host if port == _PORTS[self.scheme] else self.place
        if server_name is not None and server_name.strip("[]").rstrip(".").lower() != host.strip("[]").rstrip(".").lower():
            raise failures.not_carried(
                "the certificate is to be that of `%s`, and the connection goes to `%s`: the host asks each for its own name"
                % (server_name, host.strip("[]"))
            )
        self.ended = False
        self._inbox, self._connect_seconds = inbox, connect_seconds
        self._pending = bytearray()
        self._upload = None
        self._body = None
        self._exchanges = deque()
        self._answer = None
        self._heeded = False

    @property
    def is_idle(self):
        """Nothing was asked that is not answered."""
        return not self._exchanges

    @property
    def takes(self):
        """Whether more may be written."""
        return not self.ended

    def feed(self, data):
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
            http1.check_beginning(self._pending, self.place)
            head, end = http1.split(self._pending)
            if head is None:
                return
            rest = bytes(self._pending[end:])
            self._pending.clear()
            self._begin(http1.parse(head, self.place))
            data, at = memoryview(rest), 0

    def _begin(self, head):
        if head.host is not None and self._normal(head.host) != self._normal(self.authority):
            raise failures.not_carried(
                "the request says `Host: %s`, and the connection goes to %s: the host takes both from the same place"
                % (head.host, self.place)
            )
        exchange = Exchange(self.scheme, self.authority, head, self._connect_seconds)
        self._exchanges.append(exchange)
        self._upload = exchange
        if head.length == 0:
            exchange.end()
        elif head.has_body:
            self._body = http1.Chunked(self.place) if head.chunked else http1.Plain(head.length)
        if head.expects and not head.old:
            self._inbox.put(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _normal(self, authority):
        authority = authority.lower().removesuffix(":%d" % _PORTS[self.scheme])
        name, colon, port = authority.partition(":")
        return name.rstrip(".") + colon + port

    def flush(self):
        """Gives the host what it takes now. False: it wants time."""
        return self._upload is None or self._upload.flush()

    def asked(self):
        """When the first request is with the host: what to wait for before its answer is there. Once, and else nothing."""
        if self._heeded or self._upload is None or not self._upload.over:
            return None
        self._heeded = True
        return self._upload.readable()

    def mute(self):
        """For who waits for an answer without having asked."""
        return failures.not_carried("nothing comes on the connection to %s: no request is without its answer" % self.place)

    def has_some(self):
        """Whether there are bytes for the app, as far as can be said without waiting."""
        while self._exchanges and not self._inbox:
            if not self._exchanges[0].sent:
                self._exchanges[0].flush()
            if not self._step(self._exchanges[0]):
                return False
        return bool(self._inbox)

    def _step(self, exchange):
        """One step of the answer. False: the host has nothing yet."""
        answer = self._answer
        if answer is None:
            got = exchange.response()
            if got is None:
                return False
            closes = exchange.head.closes or not exchange.sent
            answer = self._answer = http1.Answer(exchange.head, *got, closes)
            self._inbox.put(answer.start)
        else:
            data = exchange.read()
            if data is None:
                return False
            if data:
                self._inbox.put(answer.frame(data))
            else:
                self._inbox.put(answer.end)
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
            self.ended = True
            self.drop()

    def readable(self):
        """What to wait for before there is something to read."""
        if not self._exchanges:
            return []
        found = self._exchanges[0].readable()
        if self._upload is not None and not self._upload.sent:
            found += self._upload.writable()
        return found

    def writable(self):
        """What to wait for before the host takes more."""
        return self._upload.writable() if self._upload is not None else []

    def secure(self, server_name):
        raise failures.not_carried("the connection to %s carries HTTP already: it cannot be encrypted now" % self.place)

    def shut(self):
        """The app writes no more. A request that is not complete stays so."""
        if not self._exchanges:
            self.ended = True

    def finish(self):
        """Before it is closed. True: nothing is to be waited for."""
        return True

    def drop(self):
        while self._exchanges:
            self._exchanges.popleft().drop()
        self._upload = self._body = None
