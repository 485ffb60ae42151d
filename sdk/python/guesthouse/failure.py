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
    """What it says, and where in the app it was: `KeyError: 'SECRET_KEY' (app.py, line 4)`."""
    lines = "".join(traceback.format_exception_only(error)).strip().splitlines()
    frames = [(one.filename, one.lineno) for one in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError):
        frames.append((error.filename or "", error.lineno))
    own = [(file, line) for file, line in frames if file.startswith(root + "/")]
    where = " (%s, line %d)" % (own[-1][0][len(root) + 1 :], own[-1][1]) if own else ""
    # Where the syntax is wrong stands before what is wrong.
    first = lines[-1 if isinstance(error, SyntaxError) else 0] if lines else type(error).__name__
    return first + fields_of(error) + where


def fields_of(error):
    """Of pydantic's errors, which have a line for each field, the fields: ` (SECRET_KEY, DEBUG: Field required)`."""
    if not callable(getattr(error, "errors", None)):
        return ""
    try:
        found = {}
        for one in error.errors():
            found.setdefault(one["msg"], []).append(".".join(str(part) for part in one["loc"]))
        told = "; ".join("%s: %s" % (", ".join(names), message) for message, names in found.items())
    except (TypeError, KeyError, AttributeError):
        return ""
    return " (%s)" % told if told else ""
