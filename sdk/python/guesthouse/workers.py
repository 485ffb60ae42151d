"""Functions of threads that serve a queue: run until it is empty, and once more as soon as something is put there."""

import queue
import threading

from guesthouse import waiting

# How many of them may run for each other.
_DEPTH_MAX = 16
# What a thread was to run, which `Thread.run` throws away.
_GIVEN = ("_target", "_args", "_kwargs")


class State:
    """How a thread's function is run, as `threads` knows it."""

    run = None


def remember(thread):
    """Keeps what a thread runs, before it runs."""
    thread._guesthouse_given = [getattr(thread, name, None) for name in _GIVEN]


def waits(thread):
    """Whether its function has ended at a queue, where it goes on."""
    return getattr(thread, "_guesthouse_waits", False)


def getting(get):
    def get_or_end(self, block=True, timeout=None):
        try:
            return get(self, block, timeout)
        except waiting.ThreadEnded:
            thread = threading.current_thread()
            if hasattr(thread, "_guesthouse_given"):
                self._guesthouse_worker = thread
                thread._guesthouse_waits = True
            raise

    get_or_end.__qualname__ = get.__qualname__
    return get_or_end


def putting(put):
    def put_and_serve(self, item, block=True, timeout=None):
        put(self, item, block, timeout)
        # Queues of workers that serve each other may have no end.
        if len(waiting.running) < _DEPTH_MAX and (thread := self.__dict__.pop("_guesthouse_worker", None)) is not None:
            again(thread)

    put_and_serve.__qualname__ = put.__qualname__
    return put_and_serve


def again(thread):
    """Runs a worker's function from its beginning, which finds what was put into its queue."""
    thread._guesthouse_waits = False
    for name, value in zip(_GIVEN, thread._guesthouse_given):
        setattr(thread, name, value)
    State.run(thread)


def install(run):
    State.run = run
    for one in (queue.Queue, queue._PySimpleQueue):
        one.get, one.put = getting(one.get), putting(one.put)
