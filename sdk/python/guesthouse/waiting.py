"""Waiting where there are no threads: what nobody can bring any more is an error that names the call, and no hang."""

import sys
import threading
import time

import _thread

# How long a function that belongs in a thread of its own may wait for others, who wait for it: each time, and how often.
_WAIT_SECONDS = 1.0
_WAITS_MAX = 3
# How long it may sleep in all: one that would go on beside the app for ever, and one with something to do.
_SLEEP_SECONDS_DAEMON = 5.0
_SLEEP_SECONDS = 60.0
_MODULES = ("threading", "queue", "concurrent.", "multiprocessing.", "_multiprocessing", "asyncio.", "guesthouse.waiting")

# The functions of threads that are under way, the innermost last; and the event loops that stand still under them.
running = []
loops = []
_real_sleep = time.sleep


class Stuck(RuntimeError):
    """It would wait for ever."""


class ThreadEnded(BaseException):
    """Ends the function of a thread that would wait for ever. No `except Exception` around its work takes it for a failed job."""


class Run:
    """One function of a thread, under way."""

    def __init__(self, daemon):
        self.slept, self.waits = 0.0, 0
        self.sleep_seconds = _SLEEP_SECONDS_DAEMON if daemon else _SLEEP_SECONDS


def stuck():
    """Raises, for the outermost call of the standard library that waits."""
    text = "`%s` would wait for ever: there are no threads in this guest that could end it" % call_of(sys._getframe(1))
    raise ThreadEnded(text) if running else Stuck(text)


def call_of(frame):
    name = "wait"
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if not module.startswith(_MODULES):
            break
        if not module.startswith("guesthouse."):
            name = "%s.%s" % (module, getattr(frame.f_code, "co_qualname", frame.f_code.co_name))
        elif frame.f_code.co_name == "acquire":
            name = "threading.Lock.acquire"
        frame = frame.f_back
    return name


def wait_for_time(seconds):
    """Waits for somebody, with a time limit: nobody comes, and the time passes."""
    if running:
        run = running[-1]
        run.waits += 1
        if seconds > _WAIT_SECONDS or run.waits > _WAITS_MAX:
            stuck()
    _real_sleep(max(seconds, 0))


def sleep(seconds, /):
    if running:
        run = running[-1]
        run.slept += max(seconds, 0)
        if run.slept > run.sleep_seconds:
            raise ThreadEnded("`time.sleep`: a function that belongs in a thread sleeps more than %d s" % run.sleep_seconds)
    return _real_sleep(seconds)


class Lock:
    """`threading.Lock`: who finds it held would wait for himself."""

    __slots__ = ("_held", "__weakref__")

    def __init__(self):
        self._held = False

    def acquire(self, blocking=True, timeout=-1):
        if not self._held:
            self._held = True
            return True
        if not blocking:
            if timeout != -1:
                raise ValueError("can't specify a timeout for a non-blocking call")
            return False
        if timeout < 0:
            if timeout != -1:
                raise ValueError("timeout value must be a non-negative number")
            stuck()
        wait_for_time(timeout)
        return False

    def release(self):
        if not self._held:
            raise RuntimeError("release unlocked lock")
        self._held = False

    def locked(self):
        return self._held

    def __enter__(self):
        if self._held:
            return self.acquire()
        self._held = True
        return True

    def __exit__(self, *_):
        self.release()

    def _at_fork_reinit(self):
        self._held = False

    acquire_lock, release_lock, locked_lock = acquire, release, locked

    def __repr__(self):
        return "<%s lock at %#x>" % ("locked" if self._held else "unlocked", id(self))


def wait(condition, timeout=None):
    """`Condition.wait`: an event loop that stands still under a thread's function goes on meanwhile; else nobody does."""
    if not condition._is_owned():
        raise RuntimeError("cannot wait on un-acquired lock")
    if not loops:
        if timeout is None:
            stuck()
        wait_for_time(timeout)
        return False
    waiter = Lock()
    waiter.acquire()
    condition._waiters.append(waiter)
    saved = condition._release_save()
    until = None if timeout is None else time.monotonic() + timeout
    try:
        while waiter.locked():
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                return False
            if not loops[-1].turn(left):
                if left is None:
                    stuck()
                wait_for_time(left)
        return True
    finally:
        condition._acquire_restore(saved)
        if waiter in condition._waiters:
            condition._waiters.remove(waiter)


def install():
    """Locks that were made before stay what they are: nobody holds them."""
    import queue

    _thread.allocate_lock = _thread.allocate = _thread.LockType = _thread.lock = Lock
    threading.Lock = threading._allocate_lock = threading._LockType = Lock
    threading.Condition.wait = wait
    queue.SimpleQueue = queue._PySimpleQueue
    time.sleep = sleep
