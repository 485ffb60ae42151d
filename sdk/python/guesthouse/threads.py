"""There are no threads in the guest: what a library would give to one runs at once, where it is asked for."""

import contextvars
import importlib.machinery
import sys
import threading

import _thread

from guesthouse import waiting
from guesthouse import workers
from guesthouse.frames import frame_of_app
from guesthouse.frames import line_of

# How many threads may start each other.
_DEPTH_MAX = 16

_said = set()
_Thread = threading.Thread


class State:
    """Whether the app is being imported, where it lies, and which threads it began then."""

    importing = False
    root = "/0"
    begun = []


def say(text):
    if text not in _said:
        _said.add(text)
        print("guesthouse: " + text, file=sys.stderr)


def say_once(first):
    if "threads" not in _said:
        _said.add("threads")
        say("there are no threads in this guest: their functions run where they are started (first: %s)" % first)


def inline(func, *args, **keywords):
    """Calls a function as a worker thread would: without a running event loop around it."""
    asyncio_events = sys.modules.get("asyncio.events")
    loop = asyncio_events and asyncio_events._get_running_loop()
    if loop is None:
        return func(*args, **keywords)
    # The interpreter knows one current task for each thread: the function may run a loop of its own.
    tasks = sys.modules["asyncio.tasks"]
    task = tasks.current_task(loop)
    if task is not None:
        tasks._leave_task(loop, task)
    asyncio_events._set_running_loop(None)
    turns = hasattr(loop, "turn")
    if turns:
        waiting.loops.append(loop)
    try:
        return func(*args, **keywords)
    finally:
        if turns:
            waiting.loops.pop()
        asyncio_events._set_running_loop(loop)
        if task is not None:
            tasks._enter_task(loop, task)


def as_thread(thread, func):
    """Runs the function of a thread, which is the current one meanwhile."""
    ident, active = _thread.get_ident(), threading._active
    before = active.get(ident)
    active[ident] = thread
    waiting.running.append(waiting.Run(thread.daemon))
    try:
        return contextvars.Context().run(inline, func)
    finally:
        waiting.running.pop()
        if before is None:
            active.pop(ident, None)
        else:
            active[ident] = before


def start(thread):
    """`Thread.start`: the function has run when it returns, or has come to where it would wait for ever."""
    if not thread._initialized:
        raise RuntimeError("thread.__init__() not called")
    if thread._started.is_set():
        raise RuntimeError("threads can only be started once")
    thread._started.set()
    thread._ident = _thread.get_ident()
    told = "`%s`%s" % (thread.name, place())
    if State.importing and thread.daemon:
        # It would go on beside the app, for ever.
        State.begun.append(told)
        say("the thread %s does not run: it was started while the app was imported, and there are no threads" % told)
        return
    if len(waiting.running) >= _DEPTH_MAX:
        say("the thread %s does not run: each thread starts another one" % told)
        return
    say_once(told)
    workers.remember(thread)
    run(thread)


def run(thread):
    thread._guesthouse_runs = True
    try:
        as_thread(thread, thread.run)
    except SystemExit:
        pass
    except waiting.ThreadEnded as ended:
        if workers.waits(thread):
            say("the thread `%s` is run anew whenever something is put into its queue, which is empty" % thread.name)
        else:
            say("the thread `%s`%s has ended: %s" % (thread.name, place(), ended))
    except BaseException:
        thread._invoke_excepthook(thread)
    finally:
        thread._guesthouse_runs = False


def place():
    frame = frame_of_app(State.root, 2)
    return " (%s, line %d)" % line_of(frame) if frame is not None else ""


def is_alive(thread):
    return thread is threading.main_thread() or getattr(thread, "_guesthouse_runs", False)


def join(thread, timeout=None):
    if not thread._initialized:
        raise RuntimeError("Thread.__init__() not called")
    if not thread._started.is_set():
        raise RuntimeError("cannot join thread before it is started")
    if thread is threading.current_thread():
        raise RuntimeError("cannot join current thread")
    if is_alive(thread):
        if timeout is None:
            waiting.stuck()
        waiting.wait_for_time(timeout)


def run_timer(timer):
    """A short time is waited; a long one would be the visitor's, and its function is most often to be called off."""
    if timer.interval > waiting._WAIT_SECONDS:
        say("a `threading.Timer` of %g s does not run: there are no threads in this guest" % timer.interval)
    else:
        timer.finished.wait(timer.interval)
        if not timer.finished.is_set():
            timer.function(*timer.args, **timer.kwargs)
    timer.finished.set()


def start_new_thread(function, args, kwargs={}, /):  # noqa: B006
    thread = _Thread(target=function, args=args, kwargs=kwargs, daemon=True)
    thread.start()
    return thread.ident


def submit(executor, fn, /, *args, **keywords):
    """`ThreadPoolExecutor.submit`, done when it returns."""
    from concurrent.futures import Future

    if executor._shutdown:
        raise RuntimeError("cannot schedule new futures after shutdown")
    if not hasattr(executor, "_guesthouse_thread"):
        executor._guesthouse_thread = _Thread(name=executor._thread_name_prefix + "_0", daemon=False)
        if hasattr(executor, "_create_worker_context"):
            executor._create_worker_context().initialize()
        elif executor._initializer is not None:
            executor._initializer(*executor._initargs)
    future = Future()
    future.set_running_or_notify_cancel()
    try:
        future.set_result(as_thread(executor._guesthouse_thread, lambda: fn(*args, **keywords)))
    except waiting.ThreadEnded as ended:
        future.set_exception(waiting.Stuck(str(ended)))
    except BaseException as error:
        future.set_exception(error)
    return future


def change_executor(module):
    module.ThreadPoolExecutor.submit = submit


def change_processes(module):
    def no_pool(*_, **__):
        raise NotImplementedError("there are no processes in this guest: `ThreadPoolExecutor` runs what it is given at once")

    module.ProcessPoolExecutor.__init__ = no_pool


def change_anyio(module):
    """anyio's worker threads, on which Starlette runs what is no coroutine."""
    import asyncio

    from anyio._core import _eventloop

    claim = getattr(_eventloop, "claim_worker_thread", None)

    async def run_sync_in_worker_thread(cls, func, args, abandon_on_cancel=False, limiter=None):
        if claim is None:
            return inline(func, *args)
        with claim(cls, asyncio.get_running_loop()):
            module.threadlocals.loop = asyncio.get_running_loop()
            module.threadlocals.current_cancel_scope = None
            return contextvars.copy_context().run(inline, func, *args)

    module.AsyncIOBackend.run_sync_in_worker_thread = classmethod(run_sync_in_worker_thread)


# Module → what is changed in it, as soon as it is there.
CHANGES = {
    "anyio._backends._asyncio": change_anyio,
    "concurrent.futures.process": change_processes,
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


def install(changes, root):
    """Changes what is imported already, and sees to what comes later: what belongs here, and `changes` besides."""
    State.root = root
    waiting.install()
    workers.install(run)
    threading.Thread.start, threading.Thread.join, threading.Thread.is_alive = start, join, is_alive
    threading.Timer.run = run_timer
    _thread.start_new_thread = _thread.start_new = start_new_thread
    CHANGES.update(changes)
    for name, change in CHANGES.items():
        if name in sys.modules:
            change(sys.modules[name])
    sys.meta_path.insert(0, Watcher)


def seal():
    """What was said at the build is said once more by an instance."""
    _said.clear()
