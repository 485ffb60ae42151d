"""One response: `start_response`, `write`, and the way of the bytes to the host."""

from componentize_py_types import Err
from componentize_py_types import Ok

from guesthouse.head import check_head
from guesthouse.head import culprit
from guesthouse.head import fields_of


class VisitorGone(BrokenPipeError):
    """Nobody reads the response any more."""


class Response:
    """From the app's `start_response` to the end of the body."""

    __slots__ = (
        "doors",
        "out",
        "head_only",
        "errors",
        "status",
        "headers",
        "sent",
        "bodiless",
        "left",
        "body",
        "stream",
    )

    def __init__(self, doors, out, method, errors):
        self.doors = doors
        self.out = out
        self.head_only = method == "HEAD"
        self.errors = errors
        self.status = None
        self.headers = None
        # The head went out.
        self.sent = False
        # No body may follow: HEAD, 204, 304.
        self.bodiless = False
        # Bytes of the declared length that are still to come.
        self.left = None
        self.body = None
        self.stream = None

    def start_response(self, status, headers, exc_info=None):
        """The callable of PEP 3333."""
        if exc_info:
            try:
                if self.sent:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        elif self.headers is not None:
            raise AssertionError("start_response was called a second time without exc_info")
        check_head(status, headers)
        self.status = status
        self.headers = headers[:]
        return self.write

    def write(self, data):
        """The callable that `start_response` returns; each block of the app's iterable takes this way too."""
        if type(data) is not bytes:
            raise TypeError("a block of the body must be bytes, not " + type(data).__name__)
        if not self.sent:
            self.send_head(None)
        if data and not self.bodiless:
            self.push(data, True)

    def send_head(self, length):
        """Hands the head to the host. `length` is the body's, if it is known and the app did not say."""
        if self.headers is None:
            raise AssertionError("the app answered without calling start_response")
        code = int(self.status[:3])
        fields, declared = fields_of(self.headers, self.errors)
        if not 200 <= code <= 599:
            raise ValueError("the status of a response must be one of 200 to 599, not %d" % code)
        silent = code == 204 or code == 304
        self.bodiless = silent or self.head_only
        # An empty body says nothing about the length that GET would have had.
        if declared is None and length is not None and not silent and (length or not self.head_only):
            declared = length
            fields.append(("content-length", b"%d" % length))
        doors = self.doors
        response = doors.OutgoingResponse(self.fields(fields))
        if code != 200:
            try:
                response.set_status_code(code)
            except Err:
                response.__exit__(None, None, None)
                raise ValueError("the host refuses the status %d" % code) from None
        self.left = declared
        self.body = response.body()
        self.sent = True
        doors.ResponseOutparam.set(self.out, Ok(response))

    def fields(self, fields):
        from_list = self.doors.Fields.from_list
        try:
            return from_list(fields)
        except Err:
            pass

        def refused(name, value):
            try:
                from_list([(name, value)]).__exit__(None, None, None)
            except Err:
                return True
            return False

        raise ValueError("the host refuses a header of the response: " + culprit(fields, refused))

    def push(self, data, more):
        """Sends bytes, waiting for the visitor. `more` says that others follow, so that these must not wait for them."""
        if self.left is not None:
            if len(data) > self.left:
                print("guesthouse: the app sent more than its content-length", file=self.errors)
                data = data[: self.left]
            self.left -= len(data)
            if not data:
                return
        stream = self.stream
        try:
            if stream is None:
                stream = self.stream = self.body.write()
            permitted = stream.check_write()
            if permitted >= len(data):
                stream.write(data)
            else:
                push_in_pieces(stream, data, permitted)
            if more and self.left != 0:
                # At the end of the declared length nobody listens any more: a flush would fail there.
                stream.flush()
        except Err as error:
            raise gone(error) from None

    def finish(self):
        """The response is complete."""
        stream, body, left = self.stream, self.body, self.left
        self.stream = self.body = None
        if stream is not None:
            stream.__exit__(None, None, None)
        if left and not self.bodiless:
            print("guesthouse: the app sent %d bytes less than its content-length" % left, file=self.errors)
            body.__exit__(None, None, None)
            return
        try:
            self.doors.OutgoingBody.finish(body, None)
        except Err as error:
            # The answer to HEAD declares a length and brings no body.
            if not self.bodiless:
                raise gone(error) from None

    def abort(self):
        """Leaves the body unfinished, so that the host cuts the connection and the response never looks whole."""
        stream, body = self.stream, self.body
        self.stream = self.body = None
        if stream is not None:
            stream.__exit__(None, None, None)
        if body is not None:
            body.__exit__(None, None, None)

    def fail(self, text, fields=(), status="500 Internal Server Error"):
        """An answer in the app's stead."""
        self.status = status
        self.headers = [("content-type", "text/plain; charset=utf-8"), *fields]
        self.send_head(len(text))
        if not self.bodiless:
            self.push(text, False)
        self.finish()


def push_in_pieces(stream, data, permitted):
    """Sends more than the host takes at once. Writing more than `check_write` permits is a trap."""
    view, start, ready = memoryview(data), 0, None
    try:
        while True:
            if permitted:
                piece = bytes(view[start : start + permitted])
                stream.write(piece)
                start += len(piece)
                if start == len(data):
                    return
            else:
                ready = ready or stream.subscribe()
                ready.block()
            permitted = stream.check_write()
    finally:
        # A child of the stream: it goes first.
        if ready is not None:
            ready.__exit__(None, None, None)


def gone(error):
    """The host's word for a stream that nobody reads, as an exception of ours."""
    problem = error.value
    inner = getattr(problem, "value", None)
    if hasattr(inner, "to_debug_string"):
        inner.__exit__(None, None, None)
    return VisitorGone("the visitor went away")
