"""`_multiprocessing` where there is one process: its semaphores are counters in it."""

import threading
import time

from guesthouse.standin import unavailable

flags = {"HAVE_SEM_OPEN": 1, "HAVE_SEM_TIMEDWAIT": 1}
_RECURSIVE_MUTEX = 0
_names = iter(range(1, 1 << 62))
closesocket = recv = send = unavailable("_multiprocessing.recv", "there are no processes in this guest")


def sem_unlink(name, /):
    return None


class SemLock:
    """A semaphore, or the lock of the one that holds it."""

    SEM_VALUE_MAX = 2147483647

    def __init__(self, kind, value, maxvalue, name=None, unlink=True):
        # Without a name: whoever has one is registered with a process that would clean up.
        self.kind, self.maxvalue, self.name = kind, maxvalue, None
        self.handle = next(_names)
        self._value, self._held = value, 0

    @classmethod
    def _rebuild(cls, handle, kind, maxvalue, name):
        return cls(kind, maxvalue, maxvalue, name)

    def acquire(self, block=True, timeout=None):
        if self.kind == _RECURSIVE_MUTEX and self._held:
            self._held += 1
            return True
        if self._value > 0:
            self._value -= 1
            self._held += 1
            return True
        if not block:
            return False
        if timeout is not None:
            time.sleep(max(timeout, 0))
            return False
        # The one place that knows how to say what can never happen.
        return threading.Condition().wait()

    def release(self):
        if self.kind == _RECURSIVE_MUTEX:
            if not self._held:
                raise AssertionError("attempt to release recursive lock not owned by thread")
            self._held -= 1
            if self._held:
                return
        elif self._value >= self.maxvalue:
            raise ValueError("semaphore or lock released too many times")
        else:
            self._held -= 1
        self._value += 1

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *_):
        self.release()

    def _count(self):
        return self._held

    def _is_mine(self):
        return self._held > 0

    def _get_value(self):
        return self._value

    def _is_zero(self):
        return self._value == 0

    def _after_fork(self):
        self._held = 0
