"""Where the app is started, and where its modules are looked for: a source is not always one flat folder."""

import os
import sys

from guesthouse.bundle.store import STORE


def home(settings):
    """The folder that the app is started in."""
    root = settings["roots"][0]
    return root + "/" + settings["home"] if settings["home"] else root


def folders(settings):
    """Those besides the root that its modules are looked for in, and that are there."""
    root = settings["roots"][0]
    named = [home(settings), *(root + "/" + path for path in settings["paths"])]
    return [one for one in dict.fromkeys(named) if one != root and os.path.isdir(one)]


def begin(settings):
    """Puts them on `sys.path`: the folder that the app is started in first, as a server does, the others after the root."""
    root, start = settings["roots"][0], home(settings)
    os.chdir(start)
    STORE.home = start
    for folder in reversed(folders(settings)):
        at = 0 if folder == start or root not in sys.path else sys.path.index(root) + 1
        sys.path.insert(at, folder)
    for name, value in settings["environment"].items():
        os.environ.setdefault(name, value)
