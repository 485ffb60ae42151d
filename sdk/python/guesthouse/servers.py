"""Servers that the app starts itself: `app.run()` at the end of a module, without `if __name__ == "__main__"`.

The host serves the app. The call is left out, as Flask's own commands do it, and the author is told.
"""

import functools

from guesthouse import threads

# Module → what in it serves until the process ends.
_SERVING = {
    "aiohttp.web": ("run_app",),
    "bottle": ("run", "Bottle.run"),
    "cheroot.wsgi": ("Server.start",),
    "cherrypy": ("quickstart",),
    "gunicorn.app.base": ("BaseApplication.run",),
    "hypercorn.run": ("run",),
    "socketserver": ("BaseServer.serve_forever",),
    "tornado.ioloop": ("IOLoop.start",),
    "uvicorn": ("run", "Server.run"),
    "uvicorn.main": ("run",),
    "waitress": ("serve",),
    "web.application": ("application.run",),
    "web.httpserver": ("runsimple",),
    "werkzeug.serving": ("run_simple", "BaseWSGIServer.serve_forever"),
}
# What makes a socket before it serves: nothing comes of it either.
_MAKING = {"wsgiref.simple_server": ("make_server",), "werkzeug.serving": ("make_server",)}


class NeverServed:
    """A server of which nothing is wanted."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def __getattr__(self, name):
        return lambda *_, **__: None


def changes(report):
    """What to do to these modules as soon as they are there."""
    names = {module: [] for module in (*_SERVING, *_MAKING)}
    for table, result in ((_SERVING, None), (_MAKING, NeverServed())):
        for module, calls in table.items():
            names[module].extend((call, result) for call in calls)
    return {module: functools.partial(change, calls, report) for module, calls in names.items()}


def change(calls, report, module):
    for call, result in calls:
        owner = module
        *path, name = call.split(".")
        for part in path:
            owner = getattr(owner, part, None)
        real = getattr(owner, name, None)
        if callable(real):
            setattr(owner, name, left_out(real, "%s.%s" % (module.__name__, call), result, report))


def left_out(real, name, result, report):
    @functools.wraps(real)
    def call(*args, **keywords):
        sentence = "`%s` was called%s and is left out: the host serves the app; put it under `if __name__ == %s:`"
        sentence %= name, threads.place(), '"__main__"'
        if threads.State.importing and report is not None:
            report.warn(sentence)
        threads.say(sentence)
        return result

    return call
