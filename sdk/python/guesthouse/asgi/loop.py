"""An event loop for a guest: callbacks, timers, tasks; no sockets and no threads to wait for."""

import asyncio
import time
from asyncio import base_events

from guesthouse import threads


class Stuck(RuntimeError):
    """Every task waits, and nothing that could wake one is on its way."""


class Waiting:
    """In the place of a selector: there is nothing to wait for but time."""

    def select(self, timeout):
        if timeout is None:
            raise Stuck("every task waits, and no timer is set: there are no sockets and no threads in this guest")
        if timeout > 0:
            time.sleep(timeout)
        return ()

    def close(self):
        return None


class Loop(base_events.BaseEventLoop):
    """The loop of `asyncio`, on a clock alone."""

    def __init__(self):
        super().__init__()
        self._selector = Waiting()

    def _process_events(self, events):
        return None

    def _write_to_self(self):
        # There is no other thread that could have called.
        return None

    def run_in_executor(self, executor, func, *args):
        """What belongs in a thread runs here and now."""
        future = self.create_future()
        try:
            future.set_result(threads.inline(func, *args))
        except (SystemExit, KeyboardInterrupt):
            raise
        except StopIteration as error:
            # A future does not take it.
            future.set_exception(RuntimeError("StopIteration: %s" % error))
        except BaseException as error:
            future.set_exception(error)
        return future

    async def shutdown_default_executor(self, timeout=None):
        return None

    def add_signal_handler(self, sig, callback, *args):
        raise NotImplementedError("there are no signals in this guest")


# Python 3.14 hides its policies, and 3.16 will have none.
_POLICY = getattr(asyncio.events, "_BaseDefaultEventLoopPolicy", None) or asyncio.events.BaseDefaultEventLoopPolicy


class Policy(_POLICY):
    """Makes `asyncio.run` use this loop, for instance in a WSGI app with coroutines."""

    _loop_factory = Loop


def use():
    set_policy = getattr(asyncio.events, "_set_event_loop_policy", None) or asyncio.set_event_loop_policy
    set_policy(Policy())
