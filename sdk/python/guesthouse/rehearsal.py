"""Requests without a host: what is answered at the build, so that the first visitor does not wait for it."""

import time

from componentize_py_types import Err
from wit_world.imports.streams import StreamError_Closed

from guesthouse.doors import Doors
from guesthouse.environ import METHODS
from guesthouse.interfaces import http as types

_METHODS = {name: kind for kind, name in METHODS.items()}
# What one `check_write` permits.
_WRITE_BYTES = 1024 * 1024
# How much of a body is looked at, and for how long.
_BODY_BYTES_MAX = 64 * 1024 * 1024
_PATIENCE_SECONDS = 10


class Resource:
    """Something of the host's that is given back."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


class Fields(Resource):
    def __init__(self, entries=()):
        self._entries = list(entries)

    @classmethod
    def from_list(cls, entries):
        for name, value in entries:
            if not name or any(byte < 32 and byte != 9 or byte == 127 for byte in value):
                raise Err(None)
        return cls(entries)

    def entries(self):
        return self._entries


class InputStream(Resource):
    def __init__(self, data):
        self._data = data

    def blocking_read(self, count):
        if not self._data:
            raise Err(StreamError_Closed())
        data, self._data = self._data[:count], self._data[count:]
        return data


class IncomingBody(Resource):
    def __init__(self, data):
        self._data = data

    def stream(self):
        return InputStream(self._data)


class IncomingRequest(Resource):
    """A request as it is written in `guesthouse.toml`."""

    def __init__(self, path, method="GET", headers=None, body=b""):
        self._method = _METHODS[method]() if method in _METHODS else types.Method_Other(method)
        self._path = path
        self._body = body
        entries = {"host": "localhost", "x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "http"}
        if body:
            entries["content-length"] = str(len(body))
        entries.update((name.lower(), value) for name, value in (headers or {}).items())
        self._entries = [(name, value.encode("latin-1")) for name, value in entries.items()]

    def method(self):
        return self._method

    def path_with_query(self):
        return self._path

    def scheme(self):
        return types.Scheme_Http()

    def authority(self):
        return "localhost"

    def headers(self):
        return Fields(self._entries)

    def consume(self):
        return IncomingBody(self._body)


class OutputStream(Resource):
    def __init__(self, body):
        self._body = body

    def check_write(self):
        if self._body.size > _BODY_BYTES_MAX or time.monotonic() > self._body.leaves_at:
            # A stream that never ends is left, as visitors leave it.
            raise Err(StreamError_Closed())
        return _WRITE_BYTES

    def write(self, data):
        self._body.size += len(data)

    def flush(self):
        return None


class OutgoingBody(Resource):
    def __init__(self):
        self.size = 0
        self.finished = False
        self.leaves_at = time.monotonic() + _PATIENCE_SECONDS

    def write(self):
        return OutputStream(self)

    @classmethod
    def finish(cls, body, trailers):
        body.finished = True


class OutgoingResponse(Resource):
    def __init__(self, fields):
        self.fields = fields
        self.status = 200
        self._body = OutgoingBody()

    def set_status_code(self, code):
        self.status = code

    def body(self):
        return self._body


class ResponseOutparam(Resource):
    """Keeps the answer for whoever rehearses."""

    def __init__(self):
        self.response = None

    @classmethod
    def set(cls, param, result):
        param.response = result.value


DOORS = Doors(Fields, OutgoingResponse, OutgoingBody, ResponseOutparam)
