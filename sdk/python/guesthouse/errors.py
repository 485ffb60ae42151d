"""`wsgi.errors`: the standard error stream, written a line at a time."""

import sys


def line_buffered():
    """The stream for `wsgi.errors`.

    The interpreter inside of a component is started unbuffered: every piece of a traceback would be a call of the host
    and could become a line of its own in the host's log.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(line_buffering=True, write_through=False, errors="backslashreplace")
    return sys.stderr
