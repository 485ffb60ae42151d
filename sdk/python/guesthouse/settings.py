"""What the builder says about a build: one literal in the entry module, completed with what is left out."""

DEFAULTS = {
    # "module:callable".
    "app": None,
    # "wsgi", "asgi", or "auto": told from the callable.
    "interface": "auto",
    # "app": the app is imported now. "libraries": only what it imports from elsewhere is.
    "snapshot": "app",
    # Requests that the app answers before it is sealed.
    "warm": [{"path": "/"}],
    # Commands for the build, and for the first instance of a revision that has state.
    "run": [],
    "prepare": [],
    "exclude": [],
    "roots": ["/0", "/2"],
    # The folder below the first root that the app is started in, and others there that modules are looked for in.
    "home": "",
    "paths": [],
    # Variables that are set as long as nobody else sets them.
    "environment": {},
    # The compiled standard library, or None: it is compiled now.
    "stdlib": None,
    # What tells this build from others.
    "build": "",
    # Seconds that bundled files show as their mtime, or None: the newest of the app's own files.
    "time": None,
    # Where the report is written.
    "entry": "/3",
    # Where the standard library lies.
    "library": "/python",
    # The folder that state is mounted at.
    "data": "/data",
}


class Refused(Exception):
    """No component comes of this source; the text says why in one sentence."""


def completed(given):
    """The settings with their defaults. An unknown key is a mistake of the builder."""
    unknown = sorted(set(given) - set(DEFAULTS))
    if unknown:
        raise Refused("unknown setting `%s`" % unknown[0])
    settings = {**DEFAULTS, **given}
    if not settings["app"]:
        raise Refused('no app is named: give `app = "module:callable"`')
    for key, values in (("interface", ("auto", "wsgi", "asgi")), ("snapshot", ("app", "libraries"))):
        if settings[key] not in values:
            raise Refused("`%s` must be one of %s, not %r" % (key, ", ".join(values), settings[key]))
    return settings
