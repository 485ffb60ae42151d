"""What the event loop waits with, in the place of a selector: time, and connections to the outside."""

import selectors
import time

from guesthouse.outbound import ready


class Stuck(RuntimeError):
    """Every task waits, and nothing that could wake one is on its way."""


class Waiting(selectors._BaseSelectorImpl):
    """Keeps who wants to read or write. Most loops never have anybody."""

    def select(self, timeout=None):
        if not self._fd_to_key:
            if timeout is None:
                raise Stuck("every task waits, and no timer is set: there are no sockets and no threads in this guest")
            if timeout > 0:
                time.sleep(timeout)
            return ()
        keys = self._fd_to_key
        reading, writing = selectors.EVENT_READ, selectors.EVENT_WRITE
        wanted = {number: (bool(key.events & reading), bool(key.events & writing)) for number, key in keys.items()}
        if timeout is None and not ready.now(wanted):
            ready.expect(wanted)
            if (links := ready.silent(wanted)) and not any(link.is_unused for link in links):
                raise Stuck("every task waits, no timer is set, and no answer from outside is on its way")
        found = ready.ready(wanted, timeout)
        return [(keys[number], reading * bool(ways[0]) | writing * bool(ways[1])) for number, ways in found.items()]
