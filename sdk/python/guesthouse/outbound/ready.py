"""Which sockets are ready: `select.select`, `select.poll` and what an event loop waits with, for links too."""

import select
import time

from guesthouse.outbound.socket import LINKS
from guesthouse.outbound.waits import wait

# WASI has numbers of its own for them.
_POLLIN, _POLLOUT = getattr(select, "POLLIN", 1), getattr(select, "POLLOUT", 4)
_real_select = select.select
_real_poll = getattr(select, "poll", None)


def number_of(one):
    number = one if isinstance(one, int) else one.fileno()
    if number < 0:
        raise ValueError("file descriptor cannot be a negative integer (%d)" % number)
    return number


def now(wanted):
    """Of pairs of a link's number and (reading, writing): those that are ready, in the same shape."""
    found = {}
    for number, (reading, writing) in wanted.items():
        link = LINKS.get(number)
        ready = (reading and (link is None or link.is_readable()), writing and (link is None or link.is_writable()))
        if any(ready):
            found[number] = ready
    return found


def awaited(wanted):
    """What the host would have to say first."""
    links = ((LINKS.get(number), ways) for number, ways in wanted.items())
    return [pollable for link, ways in links if link is not None for pollable in link.awaited(*ways)]


def ready(wanted, seconds):
    """Those that are ready, waiting for the first one no longer than this."""
    until = None if seconds is None else time.monotonic() + seconds
    while not (found := now(wanted)):
        left = None if until is None else until - time.monotonic()
        if left is not None and left <= 0:
            break
        expect(wanted)
        if left is None and (links := silent(wanted)):
            for link in links:
                link.silence()
        elif pollables := awaited(wanted):
            wait(pollables, left)
        elif left is not None:
            time.sleep(left)
    return found


def expect(wanted):
    """Nothing is ready: who reads where nothing was written may be waiting for the server to begin."""
    for number, (reading, _) in wanted.items():
        if reading and number in LINKS:
            LINKS[number].expect()


def silent(wanted):
    """The links that nothing can come on, if these are all of them: first those that nothing was asked on."""
    links = [link for link in map(LINKS.get, wanted) if link is not None]
    if any(not link.is_idle for link in links):
        return []
    return [link for link in links if link.is_unused] or links


def ours(numbers):
    return any(number in LINKS for number in numbers)


def select_of(rlist, wlist, xlist, timeout=None):
    reading, writing = {number_of(one): one for one in rlist}, {number_of(one): one for one in wlist}
    if not ours(reading) and not ours(writing):
        return _real_select(rlist, wlist, xlist, timeout)
    found = ready({number: (number in reading, number in writing) for number in {**reading, **writing}}, timeout)
    return (
        [one for number, one in reading.items() if found.get(number, (False, False))[0]],
        [one for number, one in writing.items() if found.get(number, (False, False))[1]],
        [],
    )


class Poll:
    """`select.poll`."""

    def __init__(self):
        self._wanted = {}

    def register(self, fd, eventmask=_POLLIN | _POLLOUT):
        self._wanted[number_of(fd)] = eventmask

    def modify(self, fd, eventmask):
        number = number_of(fd)
        if number not in self._wanted:
            raise FileNotFoundError(2, "No such file or directory")
        self._wanted[number] = eventmask

    def unregister(self, fd):
        del self._wanted[number_of(fd)]

    def poll(self, timeout=None):
        if not ours(self._wanted):
            real = _real_poll()
            for number, mask in self._wanted.items():
                real.register(number, mask)
            return real.poll(timeout)
        seconds = None if timeout is None or timeout < 0 else timeout / 1000
        wanted = {number: (bool(mask & _POLLIN), bool(mask & _POLLOUT)) for number, mask in self._wanted.items()}
        found = ready(wanted, seconds)
        return [(number, _POLLIN * bool(way[0]) | _POLLOUT * bool(way[1])) for number, way in found.items()]
