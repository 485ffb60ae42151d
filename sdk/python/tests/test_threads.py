"""Threads where there are none: functions that run where they are started, and waits that nobody can end."""

import unittest

from tests.fakes.build import built

# Each name is a path; what its function returns is the answer.
APP = """
import asyncio, concurrent.futures, logging.handlers, multiprocessing.pool, queue, threading, time
import _thread

def told(function):
    try:
        return str(function())
    except BaseException as error:
        return "%s: %s" % (type(error).__name__, error)

def thread():
    seen = []
    def run():
        seen.append(threading.current_thread().name)
    one = threading.Thread(target=run, name="worker")
    one.start()
    alive = one.is_alive()
    one.join()
    return seen, alive, threading.current_thread() is threading.main_thread()

def thread_that_raises():
    one = threading.Thread(target=lambda: 1 / 0)
    one.start()
    return one.is_alive()

def timer():
    seen = []
    threading.Timer(0.01, seen.append, [1]).start()
    threading.Timer(30, seen.append, [2]).start()
    return seen

def low():
    seen = []
    _thread.start_new_thread(seen.append, (1,))
    return seen

def pool():
    with concurrent.futures.ThreadPoolExecutor(2, initializer=INITIALIZED.append, initargs=(1,)) as executor:
        done, rest = concurrent.futures.wait([executor.submit(pow, 2, n) for n in range(3)])
        return sorted(one.result() for one in done), len(rest), list(executor.map(abs, [-1])), INITIALIZED
INITIALIZED = []

def thread_pool():
    ThreadPool = multiprocessing.pool.ThreadPool
    with ThreadPool(4) as pool:
        late = pool.apply_async(lambda: 1 / 0)
        return pool.map(abs, [-1, 2]), pool.starmap(pow, [(2, 3)]), list(pool.imap(str, [1])), late.successful()

def empty_queue():
    return queue.Queue().get()

def empty_simple_queue():
    return queue.SimpleQueue().get()

def empty_queue_for_a_moment():
    return queue.Queue().get(timeout=0.01)

def event():
    return threading.Event().wait()

def event_for_a_moment():
    return threading.Event().wait(0.01)

def held():
    lock = threading.Lock()
    with lock:
        with lock:
            return "twice"

def free():
    lock, again = threading.Lock(), threading.RLock()
    with lock, again, again:
        return lock.acquire(False), lock.acquire(timeout=0.01), lock.locked()

def future():
    return concurrent.futures.Future().result()

def barrier():
    return threading.Barrier(2).wait()

def main_joins():
    def run():
        threading.main_thread().join()
    threading.Thread(target=run).start()
    return "went on"

def worker():
    jobs, done = queue.Queue(), []
    def work():
        while True:
            try:
                done.append(jobs.get())
            except Exception:
                continue
            jobs.task_done()
    for n in range(3):
        jobs.put(n)
    threading.Thread(target=work, daemon=True).start()
    jobs.join()
    return done

def server_of_a_queue():
    jobs, done, begun = queue.Queue(), [], []
    def work(mark):
        begun.append(mark)
        while True:
            job = jobs.get()
            done.append(job)
            if job == "two":
                jobs.put("two and a half")
            jobs.task_done()
    threading.Thread(target=work, args=("w",), daemon=True).start()
    for job in ("one", "two"):
        jobs.put(job)
    jobs.join()
    return done, begun

def workers_for_each_other():
    one, two, seen = queue.Queue(), queue.Queue(), []
    def work(own, other):
        while True:
            seen.append(own.get())
            if len(seen) < 40:
                other.put(1)
    for pair in ((one, two), (two, one)):
        threading.Thread(target=work, args=pair, daemon=True).start()
    one.put(1)
    return len(seen)

def answers_of_a_worker():
    class Writer(threading.Thread):
        def run(self):
            while True:
                loop, answer, number = JOBS.get()
                loop.call_soon_threadsafe(answer.set_result, number * 2)
    async def ask(number):
        loop = asyncio.get_running_loop()
        answer = loop.create_future()
        if number == 1:
            Writer(daemon=True).start()
        JOBS.put((loop, answer, number))
        return await answer
    async def main():
        return [await ask(1), await ask(2), await asyncio.gather(ask(3), ask(4))]
    return asyncio.run(main())
JOBS = queue.SimpleQueue()

def ticker():
    seen = []
    def tick():
        while True:
            seen.append(1)
            stop.wait(0.01)
    stop = threading.Event()
    threading.Thread(target=tick, daemon=True).start()
    return len(seen)

def listener():
    jobs, seen = queue.Queue(), []
    class Handler(logging.Handler):
        def emit(self, record):
            seen.append(record.getMessage())
    jobs.put(logging.makeLogRecord({"msg": "x"}))
    one = logging.handlers.QueueListener(jobs, Handler())
    one.start()
    return seen

def coroutines():
    async def main():
        loop = asyncio.get_running_loop()
        def nested():
            return asyncio.run_coroutine_threadsafe(asyncio.sleep(0.01, "nested"), loop).result()
        return await asyncio.gather(
            asyncio.to_thread(pow, 2, 3),
            loop.run_in_executor(None, lambda: asyncio.run(asyncio.sleep(0, "inner"))),
            asyncio.to_thread(nested),
        )
    return asyncio.run(main())

def chain():
    def again(n):
        COUNT.append(n)
        threading.Thread(target=again, args=(n + 1,)).start()
    again(0)
    return len(COUNT) < 40
COUNT = []

def app(environ, start_response):
    start_response("200 OK", [])
    return [told(globals()[environ["PATH_INFO"][1:]]).encode()]
"""

NEVER = "would wait for ever: there are no threads in this guest that could end it"


def ask(names, before="", **settings):
    done = built({"app.py": before + APP}, [{"path": "/" + name} for name in names], warm=[], **settings)
    return dict(zip(names, (text for _, text in done.replies))), done


class Threads(unittest.TestCase):
    def test_functions_of_threads_run_where_they_are_started(self):
        expected = {
            "thread": "(['worker'], False, True)",
            "thread_that_raises": "False",
            "timer": "[1]",
            "low": "[1]",
            "pool": "([1, 2, 4], 0, [1], [1])",
            "thread_pool": "([1, 2], [8], ['1'], False)",
            "free": "(False, False, True)",
            "empty_queue_for_a_moment": "Empty: ",
            "event_for_a_moment": "False",
            "main_joins": "went on",
            "worker": "[0, 1, 2]",
            "server_of_a_queue": "(['one', 'two', 'two and a half'], ['w', 'w', 'w'])",
            "workers_for_each_other": "40",
            "answers_of_a_worker": "[2, 4, [6, 8]]",
            "ticker": "4",
            "listener": "['x']",
            "coroutines": "[8, 'inner', 'nested']",
            "chain": "True",
        }
        seen, done = ask(list(expected))
        self.assertEqual(seen, expected, done.error or done.report)

    def test_what_would_wait_for_ever_is_an_error_that_names_the_call(self):
        expected = {
            "empty_queue": "Stuck: `queue.Queue.get` " + NEVER,
            "empty_simple_queue": "Stuck: `queue._PySimpleQueue.get` " + NEVER,
            "event": "Stuck: `threading.Event.wait` " + NEVER,
            "held": "Stuck: `threading.Lock.acquire` " + NEVER,
            "future": "Stuck: `concurrent.futures._base.Future.result` " + NEVER,
            "barrier": "Stuck: `threading.Barrier.wait` " + NEVER,
        }
        seen, done = ask(list(expected))
        self.assertEqual(seen, expected, done.error or done.report)

    def test_a_daemon_thread_that_is_started_at_import_is_listed_and_does_not_run(self):
        before = """import threading, time
SEEN = []
def beat():
    while True:
        SEEN.append(1)
        time.sleep(60)
threading.Thread(target=beat, name="heart", daemon=True).start()
threading.Thread(target=SEEN.append, args=(2,)).start()
def seen():
    return SEEN
"""
        seen, done = ask(["seen"], before)
        self.assertEqual(seen, {"seen": "[2]"}, done.report)
        self.assertIn("the thread `heart` (/0/app.py, line 7) was started while the app was imported", done.report["warnings"][0])

    def test_a_server_that_the_app_starts_at_import_is_left_out(self):
        app = """
from wsgiref.simple_server import make_server
import socketserver
def app(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
with make_server("", 8000, app) as server:
    server.serve_forever()
"""
        done = built({"app.py": app}, [{}])
        self.assertEqual(done.replies, [[200, "hello"]], done.report["refused"])
        said = "`wsgiref.simple_server.make_server` was called (/0/app.py, line 7) and is left out: the host serves the app"
        self.assertIn(said, done.report["warnings"][0])
