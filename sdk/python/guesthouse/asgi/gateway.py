"""The ASGI gateway: one request of `wasi:http` 0.2, answered by an app of ASGI 3."""

import asyncio
import sys

from guesthouse import failure
from guesthouse import records
from guesthouse.asgi import scope
from guesthouse.asgi.exchange import Exchange
from guesthouse.asgi.lifespan import Lifespan
from guesthouse.asgi.loop import Loop
from guesthouse.body import Body
from guesthouse.body import Input
from guesthouse.caught import wants_page
from guesthouse.doors import HOST
from guesthouse.errors import line_buffered
from guesthouse.response import Response
from guesthouse.response import VisitorGone


class Gateway:
    """An app with its loop, ready to be called. No exception leaves `serve`: it would be a trap."""

    def __init__(self, app, doors=HOST):
        self.app = app
        self.doors = doors
        self.loop = None
        self.lifespan = None
        self.errors = line_buffered()

    def say_to(self, errors):
        """What the app and the gateway report goes to this stream."""
        self.errors = errors

    def serve(self, request, out):
        body = Body(request)
        response = Response(self.doors, out, "GET", self.errors)
        try:
            self.start()
            found = scope.build(request, self.lifespan.state)
            response.head_only = found["method"] == "HEAD"
            exchange = Exchange(Input(body), response, bool(failure.live()) and wants_page(accepted(found)))
            self.run(self.app(found, exchange.receive, exchange.send))
            self.run(exchange.let_go())
            if not exchange.complete:
                raise RuntimeError("the app returned without completing its response")
        except VisitorGone:
            response.abort()
        except BaseException as error:
            self.failed(error, response)
        finally:
            body.drop()
            request.__exit__(None, None, None)
            self.errors.flush()

    def start(self):
        """The loop and the app's startup, once in an instance."""
        if self.lifespan is None:
            if self.loop is None:
                self.loop = Loop()
            lifespan = Lifespan(self.app)
            self.run(lifespan.startup())
            self.lifespan = lifespan

    def stop(self):
        """The end of a rehearsal: an instance starts anew, and without what was opened here."""
        if self.lifespan is not None:
            self.run(self.lifespan.shutdown())
        if self.loop is not None:
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.run(asyncio.sleep(0))
            self.loop.close()
        self.lifespan = self.loop = None

    def run(self, awaitable):
        asyncio.set_event_loop(self.loop)
        return self.loop.run_until_complete(awaitable)

    def failed(self, error, response):
        """500 if nothing went out yet, a cut connection if the response is not complete, a word to the log in any case."""
        try:
            records.write(self.errors, "ERROR", failure.trace(error))
            if not response.sent:
                response.fail(*failure.answer(error))
            else:
                response.abort()
        except BaseException as second:
            print("guesthouse: no answer could be given: %r" % second, file=sys.stderr)


def accepted(found):
    return ",".join(value.decode("latin-1") for name, value in found["headers"] if name == b"accept")
