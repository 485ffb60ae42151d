"""Whose doing a call is: the line of the app's own code behind it, if the app and not a library's import is the cause."""

import sys


def line_of_app(root, library, depth=2):
    """File and line of the nearest frame below `root`, or None when an import stands between."""
    frame = sys._getframe(depth)
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(root + "/"):
            return file, frame.f_lineno
        if "importlib" in file and not file.startswith(library + "/importlib/metadata"):
            # A library reads this while it is imported, whoever imports it.
            return None
        frame = frame.f_back
    return None
