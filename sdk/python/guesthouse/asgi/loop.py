"""An event loop for a guest: callbacks, timers, tasks, and connections to the outside; no threads to wait for."""

import asyncio
import errno
import socket
from asyncio import selector_events

from guesthouse import threads
from guesthouse.asgi.waiting import Waiting


class Loop(selector_events.BaseSelectorEventLoop):
    """The loop of `asyncio`, on a clock and on what the host brings from outside."""

    def __init__(self, selector=None):
        super().__init__(Waiting())

    def turn(self, timeout):
        """One round while the loop stands still under a function that belongs in a thread and waits for it. False: nothing
        that could come."""
        if not self._ready and not self._scheduled and not self._selector.get_map():
            return False
        events = asyncio.events
        before = events._get_running_loop()
        events._set_running_loop(self)
        task = asyncio.current_task(self)
        if task is not None:
            asyncio.tasks._leave_task(self, task)
        try:
            if timeout is not None and not self._ready:
                self.call_later(timeout, _nothing)
            self._run_once()
        finally:
            if task is not None:
                asyncio.tasks._enter_task(self, task)
            events._set_running_loop(before)
        return True

    def _make_self_pipe(self):
        # There is no other thread that could call.
        return None

    _close_self_pipe = _make_self_pipe

    def _write_to_self(self):
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

    async def subprocess_exec(self, protocol_factory, program, *args, **keywords):
        raise FileNotFoundError(errno.ENOENT, "there are no processes in this guest: this one cannot be run", program)

    async def subprocess_shell(self, protocol_factory, cmd, **keywords):
        raise FileNotFoundError(errno.ENOENT, "there are no processes in this guest: this one cannot be run", cmd)

    async def getaddrinfo(self, host, port, *, family=0, type=0, proto=0, flags=0):
        return socket.getaddrinfo(host, port, family, type, proto, flags)

    async def getnameinfo(self, sockaddr, flags=0):
        return socket.getnameinfo(sockaddr, flags)

    async def create_datagram_endpoint(self, protocol_factory, *args, **keywords):
        raise no_network("create_datagram_endpoint")

    async def create_server(self, protocol_factory, host=None, port=None, **keywords):
        raise no_network("create_server")

    async def create_unix_connection(self, protocol_factory, path=None, **keywords):
        raise no_network("create_unix_connection")

    async def create_unix_server(self, protocol_factory, path=None, **keywords):
        raise no_network("create_unix_server")

    async def shutdown_default_executor(self, timeout=None):
        return None

    def add_signal_handler(self, sig, callback, *args):
        raise NotImplementedError("there are no signals in this guest")


def no_network(call):
    return OSError(errno.ENETUNREACH, "this guest connects to the outside by TCP alone: `loop.%s` cannot be used" % call)


def _nothing():
    """What a timer calls that only ends a wait."""


# Python 3.14 hides its policies, and 3.16 will have none.
_POLICY = getattr(asyncio.events, "_BaseDefaultEventLoopPolicy", None) or asyncio.events.BaseDefaultEventLoopPolicy


class Policy(_POLICY):
    """Makes `asyncio.run` use this loop, for instance in a WSGI app with coroutines."""

    _loop_factory = Loop


def use():
    set_policy = getattr(asyncio.events, "_set_event_loop_policy", None) or asyncio.set_event_loop_policy
    set_policy(Policy())
    # Who names the class gets this one: the other begins with a pair of sockets.
    asyncio.SelectorEventLoop = selector_events.BaseSelectorEventLoop = Loop
    if hasattr(asyncio, "unix_events"):
        asyncio.unix_events._UnixSelectorEventLoop = asyncio.unix_events.SelectorEventLoop = Loop
        asyncio.EventLoop = asyncio.unix_events.EventLoop = Loop
