"""The lifespan of an ASGI app: its startup comes before the first request, in each instance."""

import asyncio


class StartupFailed(Exception):
    """The app says that it cannot start."""


class Lifespan:
    """One startup, and what it left in `state`. The task waits for a shutdown that only a rehearsal brings."""

    def __init__(self, app):
        self.app = app
        self.state = {}
        self._task = None
        self._shutdown = None
        self._begun = None
        self._ended = None

    async def startup(self):
        loop = asyncio.get_running_loop()
        self._shutdown, self._begun, self._ended = loop.create_future(), loop.create_future(), loop.create_future()
        self._task = loop.create_task(self._run())
        await self._begun

    async def shutdown(self):
        if not self._task.done():
            self._shutdown.set_result(None)
            await self._ended

    async def _run(self):
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        try:
            await self.app(scope, self._receive, self._send)
        except StartupFailed:
            pass
        except BaseException as error:
            if not self._begun.done():
                # An app that knows no lifespan raises at its name; one that fails while it starts says so by itself.
                self._begun.set_result(error)
        finally:
            for future in (self._begun, self._ended):
                if not future.done():
                    future.set_result(None)

    async def _receive(self):
        if not self._begun.done():
            return {"type": "lifespan.startup"}
        await self._shutdown
        return {"type": "lifespan.shutdown"}

    async def _send(self, message):
        kind = message["type"]
        if kind == "lifespan.startup.complete" and not self._begun.done():
            self._begun.set_result(None)
        elif kind == "lifespan.startup.failed" and not self._begun.done():
            self._begun.set_exception(StartupFailed(message.get("message", "") or "the app's startup failed"))
        elif kind in ("lifespan.shutdown.complete", "lifespan.shutdown.failed") and not self._ended.done():
            self._ended.set_result(None)
