"""What gives a forgotten resource back to the host, at half the price.

The bindings make a `weakref.finalize` for each of a request's eight resources, and undo it when the resource is given
back. That was a quarter of what a short request costs. Nothing else about it changes: whoever forgets a resource has it
given back when it is collected. Finalizers of the app's own are made as ever.
"""

from types import BuiltinFunctionType
from weakref import finalize
from weakref import ref

_registry = finalize._registry
_init, _detach = finalize.__init__, finalize.detach


class Handle(ref):
    """The entry of one resource in the registry, and the weak reference at once. Has what the class reads of an entry."""

    __slots__ = ("func", "args", "atexit")

    kwargs = None
    # The order at the interpreter's exit. An instance has none: it is dropped, with all its resources.
    index = 0

    @property
    def weakref(self):
        return self


def init(self, obj, func, /, *args, **kwargs):
    # What drops a resource is the runtime's own, and takes two numbers.
    if type(func) is BuiltinFunctionType and len(args) == 2 and not kwargs:
        handle = Handle(obj, self)
        handle.func = func
        handle.args = args
        handle.atexit = True
        _registry[self] = handle
    else:
        _init(self, obj, func, *args, **kwargs)


def detach(self):
    handle = _registry.get(self)
    if type(handle) is not Handle:
        return _detach(self)
    del _registry[self]
    obj = handle()
    return None if obj is None else (obj, handle.func, handle.args, {})


def install():
    finalize.__init__ = init
    finalize.detach = detach
