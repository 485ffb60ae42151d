"""`_interpreters` where there is one interpreter. Libraries name `concurrent.interpreters` when they are imported."""

from guesthouse.standin import numbers
from guesthouse.standin import unavailable_class
from guesthouse.standin import unavailables

_WHY = "there is one interpreter in this guest"


class InterpreterError(Exception):
    """As the module has it."""

    __module__ = "concurrent.interpreters"


class InterpreterNotFoundError(InterpreterError):
    """As the module has it."""

    __module__ = "concurrent.interpreters"


class NotShareableError(TypeError):
    """As the module has it."""

    __module__ = "concurrent.interpreters"


globals().update(
    numbers("WHENCE_UNKNOWN=0 WHENCE_RUNTIME=1 WHENCE_LEGACY_CAPI=2 WHENCE_CAPI=3 WHENCE_XI=4 WHENCE_STDLIB=5"),
    **unavailables(
        "_interpreters",
        "call capture_exception create destroy exec get_config incref new_config run_func run_string set___main___attrs",
        _WHY,
        InterpreterError,
    ),
)
CrossInterpreterBufferView = unavailable_class("_interpreters", "CrossInterpreterBufferView", _WHY, InterpreterError)


def get_current():
    return 0, 1


get_main = get_current


def list_all(*, require_ready=False):
    return [get_main()]


def whence(id):
    return get_main()[1]


def is_running(id, *, restrict=False):
    return True


def is_shareable(obj):
    return obj is None or type(obj) in (bool, int, float, str, bytes)


def decref(id, *, restrict=False):
    return None
