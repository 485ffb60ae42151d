"""`_curses_panel` where there is no terminal."""

from _curses import error
from guesthouse.standin import unavailable_class
from guesthouse.standin import unavailables

__all__ = ["bottom_panel", "error", "new_panel", "panel", "top_panel", "update_panels"]
version = __version__ = "2.1"

_WHY = "there is no terminal in this guest"
globals().update(unavailables("curses.panel", "bottom_panel new_panel top_panel update_panels", _WHY, error))
panel = unavailable_class("curses.panel", "panel", _WHY, error)
