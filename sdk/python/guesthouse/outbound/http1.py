"""HTTP/1.1 as a server sees it: requests out of bytes, and answers as bytes. No input and output in here."""

import re
from http import HTTPStatus

from guesthouse.outbound.failures import not_carried

_HEAD_BYTES_MAX = 256 * 1024
_LINE_BYTES_MAX = 16 * 1024
_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]"
_BEGINNING = re.compile(_TOKEN + rb"{1,40}(?: [\x21-\xff]*(?: [HTP/.0-9]*\r?)?)?")
_FIRST_LINE = re.compile(rb"(" + _TOKEN + rb"{1,40}) (\S+) HTTP/(\d)\.(\d)")
_FIELD = re.compile(rb"(" + _TOKEN + rb"+):[ \t]*(.*?)[ \t]*", re.DOTALL)
# What concerns this connection alone, or is said by the host.
_HOP = frozenset(
    "connection keep-alive proxy-connection proxy-authenticate proxy-authorization transfer-encoding upgrade http2-settings "
    "host expect te trailer".split()
)
_NO_HTTP = (
    "the connection to {place} began with HTTP/1.1, and what was written then is something else: a connection carries one "
    "of both"
)
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


class Head:
    """What a request's first lines say."""

    __slots__ = ("method", "target", "old", "fields", "host", "length", "chunked", "expects", "closes")

    @property
    def has_body(self):
        return self.chunked or self.length is not None


def is_request(data):
    """Whether the first bytes are those of a request; nothing as long as they do not say."""
    line, found, _ = bytes(data[:_LINE_BYTES_MAX]).partition(b"\n")
    if not (_FIRST_LINE if found else _BEGINNING).fullmatch(line.removesuffix(b"\r") if found else line):
        return False
    return True if found or len(line) == _LINE_BYTES_MAX else None


def check_beginning(data, place):
    """Raises as soon as the first bytes cannot become a request."""
    if data.startswith(b"PRI * HTTP/2"):
        text = "the connection to %s carries HTTP/1.1: the host speaks HTTP/2 for the app where it can"
        raise not_carried(text % place)
    if is_request(data) is False:
        raise not_carried(_NO_HTTP.replace("{place}", place))


def parse(data, place):
    """The head that these bytes are, without the empty line at their end."""
    head = Head()
    first, *lines = re.split(rb"\r?\n", data)
    method, target, major, minor = _FIRST_LINE.fullmatch(first).groups()
    if major != b"1":
        raise not_carried(_NO_HTTP.replace("{place}", place))
    head.method, head.target, head.old = method.decode(), target.decode("latin-1"), minor == b"0"
    head.fields, head.host, head.length, head.chunked, head.expects = [], None, None, False, False
    options = set()
    for line in lines:
        found = _FIELD.fullmatch(line)
        if found is None:
            raise not_carried("a header line of the request to %s is no header line: %r" % (place, line[:100]))
        name, value = found[1].decode(), found[2]
        lower = name.lower()
        if lower == "host":
            head.host = value.decode("latin-1")
        elif lower == "connection":
            options.update(one.strip().lower() for one in value.split(b","))
        elif lower == "transfer-encoding":
            if value.lower() != b"chunked":
                text = "the body to %s has the transfer coding %r: `chunked` is what there is"
                raise not_carried(text % (place, value[:50]))
            head.chunked = True
        elif lower == "expect":
            head.expects = value.lower() == b"100-continue"
        elif lower == "content-length":
            if not value.isdigit() or head.length not in (None, int(value)):
                raise not_carried("the request to %s has no number as its Content-Length: %r" % (place, value[:50]))
            if head.length is None:
                head.fields.append((name, value))
            head.length = int(value)
        if lower not in _HOP and lower != "content-length":
            head.fields.append((name, value))
    if head.chunked and head.length is not None:
        raise not_carried("the request to %s has a Content-Length and is chunked: it must be one of both" % place)
    if b"upgrade" in options:
        text = "the connection to %s cannot be upgraded, to a WebSocket for instance: it carries HTTP alone"
        raise not_carried(text % place)
    head.fields = [(name, value) for name, value in head.fields if name.lower().encode() not in options]
    head.closes = b"close" in options or (head.old and b"keep-alive" not in options)
    if head.method == "CONNECT" or not head.target.startswith("/") and head.target != "*":
        raise not_carried("a proxy cannot be used (%s): the host itself connects to where a request goes" % place)
    return head


def split(data):
    """The first head in the bytes, and where it ends; nothing as long as it is not complete."""
    found = re.search(rb"\r?\n\r?\n", data)
    if found is None:
        if len(data) > _HEAD_BYTES_MAX:
            raise not_carried("the head of the request is longer than %d bytes" % _HEAD_BYTES_MAX)
        return None, 0
    return bytes(data[: found.start()]), found.end()


class Plain:
    """A body whose length was said."""

    def __init__(self, length):
        self._left = length

    done = property(lambda body: body._left == 0)

    def take(self, data):
        """The body's bytes in these, and how many were read."""
        piece = data[: self._left]
        self._left -= len(piece)
        return bytes(piece), len(piece)


class Chunked:
    """A body in chunks. Trailers are read and forgotten."""

    def __init__(self, place):
        self._place, self._line, self._left, self._stage, self.done = place, b"", 0, "size", False

    def take(self, data):
        pieces, at = [], 0
        while at < len(data) and not self.done:
            if self._stage == "data":
                piece = bytes(data[at : at + self._left])
                pieces.append(piece)
                at += len(piece)
                self._left -= len(piece)
                if not self._left:
                    self._stage = "end"
                continue
            end = bytes(data[at : at + _LINE_BYTES_MAX]).find(b"\n")
            self._line += bytes(data[at : at + end + 1 if end >= 0 else at + _LINE_BYTES_MAX])
            if len(self._line) > _LINE_BYTES_MAX:
                raise not_carried("a line between the chunks of the body to %s is too long" % self._place)
            if end < 0:
                return b"".join(pieces), len(data)
            at += end + 1
            line, self._line = self._line.strip(), b""
            self.next(line)
        return b"".join(pieces), at

    def next(self, line):
        if self._stage == "size":
            try:
                self._left = int(line.partition(b";")[0], 16)
            except ValueError:
                text = "the body to %s is not in chunks, as its head says: %r"
                raise not_carried(text % (self._place, line[:50])) from None
            self._stage = "data" if self._left else "trailers"
        elif self._stage == "end":
            self._stage = "size"
        elif not line:
            self.done = True


class Answer:
    """A response, as the bytes that a server would send."""

    def __init__(self, head, status, entries, closes):
        fields = [(name, value) for name, value in entries if name.lower() not in _HOP]
        lengths = {value for name, value in fields if name.lower() == "content-length"}
        silent = head.method == "HEAD" or status in (204, 304)
        known = len(lengths) == 1 and min(lengths).isdigit()
        if len(lengths) > 1 or lengths and not known:
            fields = [(name, value) for name, value in fields if name.lower() != "content-length"]
        # The bytes of the body that are still to come, or nothing if nobody said.
        self.left = 0 if silent else int(min(lengths)) if known else None
        self.chunked = not silent and not known and not head.old
        # A client of HTTP/1.0 knows the end by the connection's.
        self.closes = closes or (self.left is None and not self.chunked)
        lines = [b"HTTP/1.1 %d %s" % (status, _PHRASES.get(status, "").encode())]
        lines += [name.encode() + b": " + value for name, value in fields]
        if self.chunked:
            lines.append(b"Transfer-Encoding: chunked")
        if self.closes:
            lines.append(b"Connection: close")
        elif head.old:
            lines.append(b"Connection: keep-alive")
        self.start = b"\r\n".join(lines) + b"\r\n\r\n"

    done = property(lambda answer: answer.left == 0)

    def frame(self, data):
        """The next piece of the body, which is not empty."""
        if self.left is not None:
            data = data[: self.left]
            self.left -= len(data)
            return data
        return b"%x\r\n%s\r\n" % (len(data), data) if self.chunked else data

    @property
    def end(self):
        """What follows the body. Where bytes are missing, only the connection's end can say so."""
        return b"0\r\n\r\n" if self.chunked else b""
