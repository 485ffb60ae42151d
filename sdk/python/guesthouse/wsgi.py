"""The WSGI gateway: one request of `wasi:http` 0.2, answered by an app of PEP 3333."""

from guesthouse import environ
from guesthouse import failure
from guesthouse import records
from guesthouse.body import Body
from guesthouse.body import Input
from guesthouse.caught import Caught
from guesthouse.doors import HOST
from guesthouse.errors import line_buffered
from guesthouse.response import Response
from guesthouse.response import VisitorGone
from guesthouse.wrapper import FileWrapper

# Blocks that are there already are sent as one up to this size.
_JOIN_BYTES_MAX = 64 * 1024


class Gateway:
    """An app, ready to be called. No exception leaves `serve`: it would be a trap, and the end of the instance."""

    def __init__(self, app, doors=HOST):
        self.app = app
        self.doors = doors
        self.caught = Caught() if failure.live() else None
        self.say_to(line_buffered())

    def say_to(self, errors):
        """What the app and the gateway report goes to this stream."""
        self.errors = errors
        self.template = environ.template(errors, FileWrapper)

    def serve(self, request, out):
        body = Body(request)
        response = None
        try:
            env = self.template.copy()
            environ.build(request, env)
            env["wsgi.input"] = Input(body)
            response = Response(self.doors, out, env["REQUEST_METHOD"], self.errors)
            if self.caught is None:
                send(self.app(env, response.start_response), response)
            else:
                self.caught.respond(self.app, env, response, send)
        except VisitorGone:
            if response is not None:
                response.abort()
        except BaseException as error:
            self.failed(error, response, out)
        finally:
            body.drop()
            request.__exit__(None, None, None)
            self.errors.flush()

    def failed(self, error, response, out):
        """The app raised, or called `sys.exit`: 500 if nothing went out yet, a cut connection otherwise."""
        try:
            if not isinstance(error, MemoryError):
                records.write(self.errors, "ERROR", failure.trace(error))
            else:
                print("MemoryError: see `memory` in the app's limits", file=self.errors)
            if response is None:
                response = Response(self.doors, out, "GET", self.errors)
            if response.sent:
                response.abort()
            else:
                response.fail(*failure.answer(error))
        except BaseException as second:
            print("guesthouse: no answer could be given: %r" % second, file=self.errors)


def send(result, response):
    """Sends what the app returns."""
    try:
        kind = type(result)
        if (kind is list or kind is tuple) and not response.sent and response.headers is not None:
            send_whole(result, response)
        else:
            send_blocks(result, response)
    finally:
        if hasattr(result, "close"):
            result.close()
    response.finish()


def send_whole(result, response):
    """Blocks that are all there: they have a length, and small ones are one write."""
    size = 0
    for block in result:
        if type(block) is not bytes:
            raise TypeError("a block of the body must be bytes, not " + type(block).__name__)
        size += len(block)
    response.send_head(size)
    if response.bodiless or not size:
        return
    if len(result) == 1 or size <= _JOIN_BYTES_MAX:
        response.push(result[0] if len(result) == 1 else b"".join(result), False)
    else:
        for block in result:
            if block:
                response.push(block, True)


def send_blocks(result, response):
    """Blocks that the app makes while they are sent: each goes out before the next is asked for."""
    for block in result:
        if type(block) is not bytes:
            raise TypeError("a block of the body must be bytes, not " + type(block).__name__)
        # The head waits for the first byte (PEP 3333, "The start_response() Callable").
        if block:
            response.write(block)
            if response.bodiless:
                # Nobody will see the rest.
                return
    if not response.sent:
        response.send_head(0)
