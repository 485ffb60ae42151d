"""One instance's life with its app: the first request wakes it, every request is served."""

import os
import sys

from guesthouse import chance
from guesthouse import failure
from guesthouse import frameworks
from guesthouse import locate
from guesthouse import records
from guesthouse import sqlite
from guesthouse import threads
from guesthouse.doors import HOST
from guesthouse.errors import line_buffered
from guesthouse.prepare import is_due
from guesthouse.prepare import prepare
from guesthouse.response import Response


class Service:
    """The app's gateway, as soon as there is one, and what has to happen before it is asked."""

    def __init__(self, settings):
        self.settings = settings
        failure.Root.path = settings["roots"][0]
        self.interface = settings["interface"]
        self.gateway = None
        # Asked for each request: first the one that wakes, then the gateway's own.
        self.serve = self.first
        self._environment = {}
        self._generators = ()

    def load(self):
        """Imports the app and puts the right gateway before it."""
        threads.State.importing = True
        try:
            app = locate.load(self.settings["app"])
        finally:
            threads.State.importing = False
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
        self.serve = self.on_state if os.path.isdir(self.settings["data"]) else self.gateway.serve
        self.serve(request, out)

    def on_state(self, request, out):
        sqlite.begin()
        self.gateway.serve(request, out)

    def wake(self):
        records.State.on = True
        self.renew()
        prepare(self.settings, sys.stderr)
        if self.gateway is None:
            root = self.settings["roots"][0]
            try:
                self.load()
            except BaseException:
                locate.forget(root)
                raise

    def renew(self):
        """Makes this instance one of its own, with the environment of the place where it runs."""
        chance.renew(self._generators)
        # What the host says comes first: it may be a secret of this deployment.
        for name, value in self._environment.items():
            os.environ.setdefault(name, value)

    def try_out(self):
        """What the first request would begin with, in an instance that gets none: raises what it would raise.

        The state is empty then, or cannot be changed. What makes its tables is only run where nothing goes without them.
        """
        if failure.live():
            self.try_edit()
            return
        records.State.on = True
        self.renew()
        try:
            self.start()
        except BaseException as error:
            if not is_due(self.settings):
                raise
            locate.forget(self.settings["roots"][0])
            try:
                prepare(self.settings, sys.stderr)
                self.start()
            except BaseException:
                raise error from None

    def try_edit(self):
        """What a request would do before the app is asked, in an instance that gets none, and on the state as it is: the next
        request does the same. The app's own startup is left to that, since it may reach out."""
        self.wake()
        frameworks.check()

    def start(self):
        """Imports the app, unless it is in memory, and has it do all that comes before its first request."""
        if self.gateway is None:
            self.load()
        if hasattr(self.gateway, "start"):
            self.gateway.start()
        frameworks.check()


def refuse(error, request, out):
    """Answers for an app that cannot be asked."""
    try:
        errors = line_buffered()
        records.write(errors, "ERROR", failure.trace(error))
        Response(HOST, out, "GET", errors).fail(*failure.answer(error))
    except BaseException as second:
        print("guesthouse: no answer could be given: %r" % second, file=sys.stderr)
    finally:
        request.__exit__(None, None, None)
