"""There are no threads in the guest: what a library would give to one runs at once, where it is asked for."""

import importlib.machinery
import sys


def inline(func, *args, **keywords):
    """Calls a function as a worker thread would: without a running event loop around it."""
    asyncio_events = sys.modules.get("asyncio.events")
    if asyncio_events is None:
        return func(*args, **keywords)
    loop = asyncio_events._get_running_loop()
    asyncio_events._set_running_loop(None)
    try:
        return func(*args, **keywords)
    finally:
        asyncio_events._set_running_loop(loop)


def submit(executor, fn, /, *args, **keywords):
    """`ThreadPoolExecutor.submit`, done when it returns."""
    from concurrent.futures import Future

    if executor._shutdown:
        raise RuntimeError("cannot schedule new futures after shutdown")
    future = Future()
    future.set_running_or_notify_cancel()
    try:
        future.set_result(inline(fn, *args, **keywords))
    except BaseException as error:
        future.set_exception(error)
    return future


def change_executor(module):
    module.ThreadPoolExecutor.submit = submit


def change_anyio(module):
    """anyio's worker threads, on which Starlette runs what is no coroutine."""

    async def run_sync_in_worker_thread(cls, func, args, abandon_on_cancel=False, limiter=None):
        return inline(func, *args)

    module.AsyncIOBackend.run_sync_in_worker_thread = classmethod(run_sync_in_worker_thread)


# Module → what is changed in it, as soon as it is there.
CHANGES = {
    "anyio._backends._asyncio": change_anyio,
    "concurrent.futures.thread": change_executor,
}


class Watcher:
    """A finder for these modules: it lets the others find them, and changes them once they have run."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        change = CHANGES.get(name)
        spec = importlib.machinery.PathFinder.find_spec(name, path, target) if change is not None else None
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            change(module)

        spec.loader.exec_module = exec_module
        return spec


def install(changes):
    """Changes what is imported already, and sees to what comes later: what belongs here, and `changes` besides."""
    CHANGES.update(changes)
    for name, change in CHANGES.items():
        if name in sys.modules:
            change(sys.modules[name])
    sys.meta_path.insert(0, Watcher)
