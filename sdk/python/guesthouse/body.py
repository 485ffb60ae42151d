"""The body of a request: a raw Python stream over the host's, and `wsgi.input` on top of it."""

import io

from componentize_py_types import Err
from wit_world.imports.streams import StreamError_Closed

# Read ahead for `readline` and small reads; large reads go past it.
_BUFFER_BYTES = 16 * 1024
# What one call asks of the host when everything is wanted.
_READ_BYTES = 256 * 1024


class BodyBroken(ConnectionResetError):
    """The body ended before it was complete: the visitor left, was too slow, or sent more than is allowed."""


class Body:
    """The body as it comes in. Nothing is asked of the host before the app reads."""

    __slots__ = ("_request", "_body", "_stream")

    def __init__(self, request):
        self._request = request
        self._body = None
        self._stream = None

    def next(self, most):
        """The next bytes, at most so many; none at the end."""
        if most == 0:
            return b""
        stream = self._stream
        if stream is None:
            if self._request is None:
                return b""
            self._body = self._request.consume()
            self._request = None
            stream = self._stream = self._body.stream()
        try:
            while not (data := stream.blocking_read(most)):
                pass
        except Err as error:
            problem = error.value
            if isinstance(problem, StreamError_Closed):
                self.drop()
                return b""
            text = problem.value.to_debug_string()
            problem.value.__exit__(None, None, None)
            raise BodyBroken("the request's body broke off: " + text) from None
        return data

    def drop(self):
        """Gives back what was taken of the host, the child before its parent. Reads find the end afterwards."""
        stream, body = self._stream, self._body
        if self._request is not None:
            self._request = None
            return
        self._request = self._stream = self._body = None
        if stream is not None:
            stream.__exit__(None, None, None)
        if body is not None:
            body.__exit__(None, None, None)


class Raw(io.RawIOBase):
    """The body for a buffered reader."""

    def __init__(self, body):
        self._body = body

    def readable(self):
        return True

    def readinto(self, buffer):
        data = self._body.next(len(buffer))
        count = len(data)
        buffer[:count] = data
        return count

    def readall(self):
        pieces = []
        while piece := self._body.next(_READ_BYTES):
            pieces.append(piece)
        return b"".join(pieces)


_READER = ("read", "read1", "readinto", "readline", "readlines")


class Input:
    """The whole of `wsgi.input`, in C: but only once something is read, since most requests bring nothing.

    Making and closing a buffered reader costs more than the rest of the environ.
    """

    def __init__(self, body):
        self._body = body

    def __getattr__(self, name):
        if name == "_reader":
            reader = self._reader = io.BufferedReader(Raw(self._body), _BUFFER_BYTES)
            for method in _READER:
                setattr(self, method, getattr(reader, method))
            return reader
        return getattr(self._reader, name)

    def __iter__(self):
        return self

    def __next__(self):
        if line := self.readline():
            return line
        raise StopIteration
