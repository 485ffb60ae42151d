"""Which exception an answer of 500 came from, where the app caught it and said nothing: Django does that."""

import sys
from collections import deque

from guesthouse.failure import line_of

# One of the six numbers that tools may take (PEP 669). 3 to 5 have no name of their own.
_TOOL = 4
# The last ones are enough: what ends a request is raised late.
_SEEN_MAX = 4096


class Own:
    """Whether the SDK tries something for itself: what it catches then is nothing of the app's."""

    at_work = False


class Raised:
    """Between `with` and its end, exceptions are looked at as they are raised. What unwound the most frames is kept."""

    def __init__(self):
        self._seen = deque(maxlen=_SEEN_MAX)

    def __enter__(self):
        monitoring = getattr(sys, "monitoring", None)
        self._on = monitoring is not None and monitoring.get_tool(_TOOL) is None
        if self._on:
            monitoring.use_tool_id(_TOOL, "guesthouse")
            monitoring.register_callback(_TOOL, monitoring.events.RAISE, self._note)
            monitoring.set_events(_TOOL, monitoring.events.RAISE)
        return self

    def __exit__(self, *_):
        if self._on:
            sys.monitoring.set_events(_TOOL, 0)
            sys.monitoring.register_callback(_TOOL, sys.monitoring.events.RAISE, None)
            sys.monitoring.free_tool_id(_TOOL)

    def _note(self, code, offset, error):
        if not Own.at_work and (not self._seen or self._seen[-1] is not error):
            self._seen.append(error)

    def forget(self):
        """A new request begins."""
        self._seen.clear()

    def deepest(self, root):
        """The exception that ended the request, if there was one; rather one that came through the app below `root`."""
        # It comes through more calls than one that somebody expects.
        longest = max(self._seen, key=lambda error: (is_of(error, root), depth(error)), default=None)
        self._seen.clear()
        return longest

    def told(self, root):
        """The exception's last line, and the line of the app that it came from; nothing where there was none."""
        longest = max(self._seen, key=depth, default=None)
        self._seen.clear()
        return None if longest is None else line_of(longest, root)


def is_of(error, root):
    entry = error.__traceback__
    while entry is not None:
        if entry.tb_frame.f_code.co_filename.startswith(root + "/"):
            return True
        entry = entry.tb_next
    return False


def depth(error):
    count, entry = 0, error.__traceback__
    while entry is not None:
        count, entry = count + 1, entry.tb_next
    return count

