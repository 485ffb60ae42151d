"""`_interpqueues` where there is one interpreter."""

from guesthouse.standin import unavailables

_WHY = "there is one interpreter in this guest"


class QueueError(RuntimeError):
    """As the module has it."""

    __module__ = "concurrent.interpreters"


class QueueNotFoundError(QueueError):
    """As the module has it."""

    __module__ = "concurrent.interpreters"


globals().update(
    unavailables(
        "_interpqueues",
        "bind create destroy get get_count get_maxsize get_queue_defaults is_full put",
        _WHY,
        QueueError,
    )
)


def list_all():
    return []


def release(qid):
    return None


def _register_heap_types(queuetype, emptyerror, fullerror):
    return None
