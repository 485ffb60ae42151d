"""A strict host: it permits writes in portions, wants children given back before parents, and counts what is left over."""

from tests.fakes.generated import Err
from tests.fakes.generated import Ok
from tests.fakes.generated import StreamErrorClosed
from tests.fakes.generated import StreamErrorLastOperationFailed


class Trap(BaseException):
    """What the real host does not forgive. The SDK catches it, so it is kept in `Host.traps` too."""


class Host:
    """What one call of the guest's handler left behind."""

    def __init__(self, portion=1 << 20, visitor_leaves_after=None):
        self.alive = 0
        self.portion = portion
        self.visitor_leaves_after = visitor_leaves_after
        self.traps = []
        self.writes = []
        self.blocked = 0
        self.response = None

    def trap(self, text):
        self.traps.append(text)
        raise Trap(text)

    @property
    def body(self):
        return b"".join(self.writes)


class Resource:
    def __init__(self, host, parent=None):
        self.host, self.parent, self.children, self.gone = host, parent, 0, False
        if host is not None:
            host.alive += 1
        if parent is not None:
            parent.children += 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.give_back()

    def give_back(self):
        if self.gone:
            self.host.trap("%s was given back twice" % type(self).__name__)
        if self.children:
            self.host.trap("%s was given back before its child" % type(self).__name__)
        self.gone = True
        if self.host is not None:
            self.host.alive -= 1
        if self.parent is not None:
            self.parent.children -= 1


class Fields(Resource):
    """A guest makes fields before it says for which response: the host is the last one that called."""

    current = None

    def __init__(self, host, entries, parent=None):
        super().__init__(host, parent)
        self._entries = entries

    @classmethod
    def from_list(cls, entries):
        for name, value in entries:
            if name.lower() in ("connection", "transfer-encoding") or not name or " " in name or b"\n" in value:
                raise Err("invalid-syntax")
        return cls(Fields.current, list(entries))

    def entries(self):
        return self._entries


class Problem(Resource):
    def to_debug_string(self):
        return "the visitor was too slow"


class Pollable(Resource):
    def block(self):
        self.host.blocked += 1
        self.parent.permitted = self.host.portion


class InputStream(Resource):
    def __init__(self, host, parent, pieces):
        super().__init__(host, parent)
        self._pieces = list(pieces)

    def blocking_read(self, count):
        if not self._pieces:
            raise Err(StreamErrorClosed())
        piece = self._pieces.pop(0)
        if isinstance(piece, Exception):
            raise Err(StreamErrorLastOperationFailed(Problem(self.host)))
        if len(piece) > count:
            self._pieces.insert(0, piece[count:])
        return piece[:count]


class IncomingBody(Resource):
    def __init__(self, host, parent, pieces):
        super().__init__(host)
        self._pieces = pieces

    def stream(self):
        return InputStream(self.host, self, self._pieces)


class IncomingRequest(Resource):
    def __init__(self, host, method, path, headers, pieces, scheme, authority):
        super().__init__(host)
        self._method, self._path, self._headers = method, path, headers
        self._pieces, self._scheme, self._authority = pieces, scheme, authority
        self.consumed = False
        self.asked = []

    def method(self):
        return self._method

    def path_with_query(self):
        return self._path

    def scheme(self):
        self.asked.append("scheme")
        return self._scheme

    def authority(self):
        self.asked.append("authority")
        return self._authority

    def headers(self):
        return Fields(self.host, self._headers, self)

    def consume(self):
        if self.consumed:
            raise Err(None)
        self.consumed = True
        return IncomingBody(self.host, self, self._pieces)


class OutputStream(Resource):
    """Takes a portion, and then nothing until somebody waited."""

    def __init__(self, host, parent):
        super().__init__(host, parent)
        self.permitted = host.portion
        self.checked = 0

    def leave(self):
        limit = self.host.visitor_leaves_after
        if limit is not None and len(self.host.body) >= limit:
            raise Err(StreamErrorClosed())

    def check_write(self):
        self.leave()
        self.checked = self.permitted
        return self.permitted

    def write(self, data):
        if len(data) > self.checked:
            self.host.trap("wrote more than `check_write` permits")
        if type(data) is not bytes:
            self.host.trap("wrote %s" % type(data).__name__)
        self.leave()
        self.host.writes.append(data)
        self.permitted -= len(data)
        self.checked = 0

    def flush(self):
        self.leave()
        length = self.parent.declared
        if length is not None and len(self.host.body) >= length:
            # As hyper does: nobody listens once the declared length is there.
            raise Err(StreamErrorClosed())

    def subscribe(self):
        return Pollable(self.host, self)


class OutgoingBody(Resource):
    def __init__(self, host, declared):
        super().__init__(host)
        self.declared = declared
        self.finished = False

    def write(self):
        return OutputStream(self.host, self)

    @classmethod
    def finish(cls, body, trailers):
        body.finished = True
        body.give_back()
        if body.declared is not None and body.declared != len(body.host.body):
            raise Err("HttpResponseBodySize")


class OutgoingResponse(Resource):
    def __init__(self, fields):
        super().__init__(fields.host)
        fields.give_back()
        self.headers = fields.entries()
        self.status = 200
        declared = [int(value) for name, value in self.headers if name.lower() == "content-length"]
        self._body = OutgoingBody(self.host, declared[0] if declared else None)

    def set_status_code(self, code):
        self.status = code

    def body(self):
        return self._body


class ResponseOutparam(Resource):
    @classmethod
    def set(cls, param, result):
        assert isinstance(result, Ok)
        param.give_back()
        result.value.give_back()
        param.host.response = result.value
