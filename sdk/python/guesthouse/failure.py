"""How the failure of an app is told: to its visitors, and to its author."""

import os
import traceback

# Set by `guesthouse dev` to where the app's source lies on its author's disk: it is mounted, and the visitors are its author.
LIVE = "GUESTHOUSE_LIVE"

# Tells `dev` that an answer is what was raised, and no page of the app's.
_RAISED = ("x-guesthouse-raised", "1")

# More than anybody reads.
_TEXT_CHARACTERS_MAX = 48 * 1024


class Root:
    """Where the app's source lies in the guest."""

    path = "/0"


def live():
    """Where its author has it, or nothing: nobody who visits is to see what is inside."""
    return os.environ.get(LIVE)


def answer(error):
    """The text and the fields of an answer in the app's stead."""
    if live():
        return told(error).encode("utf-8", "backslashreplace"), [_RAISED]
    return b"Internal Server Error\n", []


def told(error):
    """For its author: the exception and where in the app it was, and the way there."""
    line = line_of(error, Root.path)
    if type(error).__name__ == "Refused":
        return str(error)
    return line + "\n\n" + on_disk(trace(error))[-_TEXT_CHARACTERS_MAX:]


def trace(error):
    """The traceback, from the app on."""
    seen = traceback.TracebackException.from_exception(error)
    shorten(seen)
    return "".join(seen.format())


def shorten(seen):
    """Takes out frames of those that called, in an exception and in those that led to it."""
    if seen.stack is not None:
        kept = [frame for frame in seen.stack if not is_on_the_way(frame.filename)]
        seen.stack = traceback.StackSummary.from_list(kept) if kept else None
    for other in (seen.__cause__, seen.__context__, *(seen.exceptions or ())):
        if other is not None:
            shorten(other)


def is_on_the_way(file):
    """Whether it is of the import machinery, or of what called the app: none of its author's."""
    own = os.path.dirname(live.__code__.co_filename) + "/"
    return file.startswith(("<frozen ", own)) or file.endswith("/importlib/__init__.py")


def on_disk(text):
    """The same with the files of the app where its author has them."""
    folder = live()
    return text.replace('File "%s/' % Root.path, 'File "%s/' % folder) if folder else text


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
