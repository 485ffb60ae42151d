"""One instance's life with its app: the first request wakes it, every request is served."""

import os
import sys
import traceback

from guesthouse import chance
from guesthouse import failure
from guesthouse import locate
from guesthouse.doors import HOST
from guesthouse.errors import line_buffered
from guesthouse.prepare import prepare
from guesthouse.response import Response


class Service:
    """The app's gateway, as soon as there is one, and what has to happen before it is asked."""

    def __init__(self, settings):
        self.settings = settings
        self.interface = settings["interface"]
        self.gateway = None
        # Asked for each request: first the one that wakes, then the gateway's own.
        self.serve = self.first
        self._environment = {}
        self._generators = ()

    def load(self):
        """Imports the app and puts the right gateway before it."""
        app = locate.load(self.settings["app"])
        if self.interface == "auto":
            self.interface = locate.interface_of(app)
        if self.interface == "asgi":
            from guesthouse.asgi.gateway import Gateway
        else:
            from guesthouse.wsgi import Gateway
        self.gateway = Gateway(app)

    def keep(self, environment, generators):
        """What the app set in its environment at the build, and the generators that must not go on from there."""
        self._environment = environment
        self._generators = generators

    def first(self, request, out):
        """Until the instance is awake. Whatever fails here is tried again by the next request."""
        try:
            self.wake()
        except BaseException as error:
            refuse(error, request, out)
            return
        self.serve = self.gateway.serve
        self.serve(request, out)

    def wake(self):
        chance.renew(self._generators)
        # What the host says comes first: it may be a secret of this deployment.
        for name, value in self._environment.items():
            os.environ.setdefault(name, value)
        prepare(self.settings, sys.stderr)
        if self.gateway is None:
            root = self.settings["roots"][0]
            try:
                self.load()
            except BaseException:
                locate.forget(root)
                raise


def refuse(error, request, out):
    """Answers for an app that cannot be asked."""
    try:
        errors = line_buffered()
        traceback.print_exception(error, file=errors)
        Response(HOST, out, "GET", errors).fail(failure.text(error))
    except BaseException as second:
        print("guesthouse: no answer could be given: %r" % second, file=sys.stderr)
    finally:
        request.__exit__(None, None, None)
