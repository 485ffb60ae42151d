"""One request to the outside and its response: the resources of `wasi:http`, given back in the order that the host wants."""

from componentize_py_types import Err
from wit_world.imports import outgoing_handler
from wit_world.imports.streams import StreamError_Closed

from guesthouse.interfaces import http as types
from guesthouse.outbound import failures
from guesthouse.outbound.outbox import Outbox

_METHODS = {
    name.upper(): getattr(types, "Method_" + name)
    for name in ("Get", "Head", "Post", "Put", "Delete", "Options", "Trace", "Patch")
}
_READ_BYTES = 64 * 1024


class Exchange:
    """Begins to send as soon as the head is there. Nothing in here waits: who gets nothing asks for the pollables."""

    def __init__(self, scheme, authority, head, connect_seconds):
        self.head = head
        self.origin = "%s://%s" % (scheme, authority)
        self._outbox = Outbox()
        self._ended = not head.has_body
        self._future = self._body_out = self._out = self._response = self._body_in = self._in = None
        request = self._request(scheme, authority)
        options = None
        try:
            if head.has_body:
                self._body_out = request.body()
                self._out = self._body_out.write()
            if connect_seconds:
                options = types.RequestOptions()
                options.set_connect_timeout(int(connect_seconds * 1e9))
            self._future = outgoing_handler.handle(request, options)
        except Err as error:
            self.drop()
            raise failures.of_code(error.value, self.origin) from None

    def _request(self, scheme, authority):
        head = self.head
        try:
            fields = types.Fields.from_list(head.fields)
        except Err:
            raise failures.not_carried(
                "the host refuses a header of the request to %s, one of %s"
                % (self.origin, ", ".join("`%s`" % name for name, _ in head.fields))
            ) from None
        request = types.OutgoingRequest(fields)
        try:
            method = _METHODS.get(head.method)
            if head.method != "GET":
                request.set_method(method() if method else types.Method_Other(head.method))
            request.set_scheme(types.Scheme_Https() if scheme == "https" else types.Scheme_Http())
            request.set_authority(authority)
            request.set_path_with_query(head.target)
        except Err:
            request.__exit__(None, None, None)
            raise failures.not_carried(
                "the host refuses the request line of `%s %s` to %s" % (head.method, head.target[:200], self.origin)
            ) from None
        return request

    @property
    def sent(self):
        """Whether all of the request is with the host."""
        return self._ended and self._body_out is None

    @property
    def over(self):
        """Whether the host takes no more of the request, be it complete or not."""
        return self._body_out is None

    def push(self, data):
        if self._out is not None:
            self._outbox.put(data)

    def end(self):
        """The request has no more bytes."""
        self._ended = True

    def flush(self):
        """Gives the host what it takes now. False: it wants time."""
        try:
            if self._out is not None and not self._outbox.flush(self._out):
                return False
            if self._ended and self._body_out is not None:
                self._finish()
        except Err as error:
            if not self._unheard(error.value):
                return False
        return True

    def _finish(self):
        out, body = self._out, self._body_out
        self._out = self._body_out = None
        if out is not None:
            out.__exit__(None, None, None)
        types.OutgoingBody.finish(body, None)

    def _unheard(self, problem):
        """The host takes no more of the body. The answer says why, which may be a good one (413)."""
        self._outbox.clear()
        self._drop_upload()
        inner = getattr(problem, "value", None)
        if hasattr(inner, "to_debug_string"):
            inner.__exit__(None, None, None)
        elif type(problem).__name__.startswith("ErrorCode_") and not self.answer_is_there():
            raise failures.of_code(problem, self.origin)
        return True

    def answer_is_there(self):
        if self._future is None:
            return True
        pollable = self._future.subscribe()
        ready = pollable.ready()
        pollable.__exit__(None, None, None)
        return ready

    def response(self):
        """Status and fields; nothing as long as there are none."""
        got = self._future.get()
        if got is None:
            return None
        self._future.__exit__(None, None, None)
        self._future = None
        # The outer one says that nobody asked before.
        got = got.value
        if isinstance(got, Err):
            raise failures.of_code(got.value, self.origin)
        response = self._response = got.value
        status, fields = response.status(), response.headers()
        try:
            return status, fields.entries()
        finally:
            fields.__exit__(None, None, None)

    def read(self):
        """The next bytes of the body, none at its end; nothing as long as there are none."""
        if self._in is None:
            self._body_in = self._response.consume()
            self._in = self._body_in.stream()
        try:
            return self._in.read(_READ_BYTES) or None
        except Err as error:
            problem = error.value
            if isinstance(problem, StreamError_Closed):
                return b""
            code = types.http_error_code(problem.value)
            problem.value.__exit__(None, None, None)
            if code is None:
                raise failures.broken_off(self.origin) from None
            raise failures.of_code(code, self.origin) from None

    def readable(self):
        """What to wait for before there is more of the answer."""
        waits = self._future or self._in
        return [waits.subscribe()] if waits is not None else []

    def writable(self):
        """What to wait for before the host takes more."""
        return [self._out.subscribe()] if self._out is not None else []

    def _drop_upload(self):
        out, body = self._out, self._body_out
        self._out = self._body_out = None
        for one in (out, body):
            if one is not None:
                one.__exit__(None, None, None)

    def drop(self):
        """Gives everything back, which calls off what is not complete."""
        self._drop_upload()
        held = (self._in, self._body_in, self._response, self._future)
        self._in = self._body_in = self._response = self._future = None
        for one in held:
            if one is not None:
                one.__exit__(None, None, None)
