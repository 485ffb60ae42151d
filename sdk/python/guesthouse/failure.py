"""How the failure of an app is told: to its visitors, and to its author."""

import os
import traceback

# Set by `guesthouse dev`, where the app's source is mounted and its visitors are its authors.
LIVE = "GUESTHOUSE_LIVE"


def text(error):
    """Nothing of the app's inside, unless its author is looking."""
    if os.environ.get(LIVE):
        return "".join(traceback.format_exception(error)).encode("utf-8", "backslashreplace")
    return b"Internal Server Error\n"


def line_of(error, root):
    """The last line of the traceback, and where in the app it was: `KeyError: 'SECRET_KEY' (app.py, line 4)`."""
    lines = "".join(traceback.format_exception_only(error)).strip().splitlines()
    frames = [(one.filename, one.lineno) for one in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError):
        frames.append((error.filename or "", error.lineno))
    own = [(file, line) for file, line in frames if file.startswith(root + "/")]
    where = " (%s, line %d)" % (own[-1][0][len(root) + 1 :], own[-1][1]) if own else ""
    return (lines[-1] if lines else type(error).__name__) + where
