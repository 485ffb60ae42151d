"""Whose doing a call is: the line of the app's own code behind it, if the app and not a library is the cause."""

import sys


def frame_of_app(root, depth):
    """The nearest frame below `root`, or None when an import stands between: a library looks around while it is imported,
    whoever imports it."""
    frame = sys._getframe(depth + 1)
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(root + "/"):
            return frame
        if file.startswith("<frozen importlib"):
            return None
        frame = frame.f_back
    return None


def line_of(frame):
    return frame.f_code.co_filename, frame.f_lineno
