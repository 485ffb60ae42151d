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


class Body(io.RawIOBase):
    """The body as it comes in. Nothing is asked of the host before the app reads."""

    def __init__(self, request):
        self._request = request
        self._body = None
        self._stream = None

    def readable(self):
        return True

    def readinto(self, buffer):
        data = self._next(len(buffer))
        count = len(data)
        buffer[:count] = data
        return count

    def readall(self):
        pieces = []
        while piece := self._next(_READ_BYTES):
            pieces.append(piece)
        return b"".join(pieces)

    def _next(self, most):
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
        self._request = self._stream = self._body = None
        if stream is not None:
            stream.__exit__(None, None, None)
        if body is not None:
            body.__exit__(None, None, None)


def buffered(body):
    """The whole of `wsgi.input`: read, readline, readlines and iteration, in C."""
    return io.BufferedReader(body, _BUFFER_BYTES)
