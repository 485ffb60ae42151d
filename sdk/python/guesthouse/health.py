"""What the component says before it serves: whether its app can start where it is."""

import os
import sys
import traceback

from componentize_py_types import Err

from guesthouse import failure


def of(service):
    """The class that the component exports as `guesthouse:gateway/lifecycle`."""

    class Lifecycle:
        def health(self):
            # Whoever looks at his own source is shown what is wrong with it by the app's own pages.
            if os.environ.get(failure.LIVE):
                return
            try:
                service.try_out()
            except BaseException as error:
                traceback.print_exception(error, file=sys.stderr)
                sys.stderr.flush()
                raise Err(told(error, service.settings["roots"][0])) from error

    return Lifecycle


def told(error, root):
    """The last line of the traceback, and where in the app it was: `KeyError: 'SECRET_KEY' (app.py, line 4)`."""
    lines = "".join(traceback.format_exception_only(error)).strip().splitlines()
    frames = [(one.filename, one.lineno) for one in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError):
        frames.append((error.filename or "", error.lineno))
    own = [(file, line) for file, line in frames if file.startswith(root + "/")]
    where = " (%s, line %d)" % (own[-1][0][len(root) + 1 :], own[-1][1]) if own else ""
    return (lines[-1] if lines else type(error).__name__) + where
