"""`multiprocessing.pool.ThreadPool` where there are no threads: what it is given is done when it is given."""

from guesthouse import threads


class Result:
    """What `apply_async` and its kin return: it is there already."""

    def __init__(self, function, callback=None, error_callback=None):
        self._value = self._error = None
        try:
            self._value = threads.inline(function)
        except Exception as error:
            self._error = error
        told = error_callback if self._error is not None else callback
        if told is not None:
            told(self._value if self._error is None else self._error)

    def get(self, timeout=None):
        if self._error is not None:
            raise self._error
        return self._value

    def wait(self, timeout=None):
        return None

    def ready(self):
        return True

    def successful(self):
        return self._error is None


class ThreadPool:
    """The same methods, one call after the other."""

    def __init__(self, processes=None, initializer=None, initargs=(), **_):
        self._closed = False
        if initializer is not None:
            initializer(*initargs)

    def _check_running(self):
        if self._closed:
            raise ValueError("Pool not running")

    def apply_async(self, func, args=(), kwds={}, callback=None, error_callback=None):  # noqa: B006
        self._check_running()
        return Result(lambda: func(*args, **kwds), callback, error_callback)

    def map_async(self, func, iterable, chunksize=None, callback=None, error_callback=None):
        self._check_running()
        return Result(lambda: [func(one) for one in iterable], callback, error_callback)

    def starmap_async(self, func, iterable, chunksize=None, callback=None, error_callback=None):
        self._check_running()
        return Result(lambda: [func(*one) for one in iterable], callback, error_callback)

    def apply(self, func, args=(), kwds={}):  # noqa: B006
        return self.apply_async(func, args, kwds).get()

    def map(self, func, iterable, chunksize=None):
        return self.map_async(func, iterable).get()

    def starmap(self, func, iterable, chunksize=None):
        return self.starmap_async(func, iterable).get()

    def imap(self, func, iterable, chunksize=1):
        self._check_running()
        return (threads.inline(func, one) for one in iterable)

    imap_unordered = imap

    def close(self):
        self._closed = True

    terminate = close

    def join(self):
        if not self._closed:
            raise ValueError("Pool is still running")

    def __enter__(self):
        self._check_running()
        return self

    def __exit__(self, *_):
        self.terminate()


def change(module):
    module.ThreadPool = ThreadPool
