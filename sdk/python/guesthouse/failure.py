"""What a visitor of a failed app is told."""

import os
import traceback

# Set by `guesthouse dev`, where the app's source is mounted and its visitors are its authors.
LIVE = "GUESTHOUSE_LIVE"


def text(error):
    """Nothing of the app's inside, unless its author is looking."""
    if os.environ.get(LIVE):
        return "".join(traceback.format_exception(error)).encode("utf-8", "backslashreplace")
    return b"Internal Server Error\n"
