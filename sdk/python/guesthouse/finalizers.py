"""A quicker `weakref.finalize`, which the generated bindings call for each resource of each request.

The original marks its class as changed in every call, even if it is marked: the interpreter then forgets all that it knows
about the class, and after a thousand times learns nothing about it any more.
"""

import weakref


def install():
    """Gives the class another `__init__`, with the same effect."""
    finalize = weakref.finalize
    original = finalize.__init__
    new, ref, registry, index = finalize._Info, weakref.ref, finalize._registry, finalize._index_iter

    def __init__(self, obj, func, /, *args, **kwargs):
        if not finalize._registered_with_atexit:
            return original(self, obj, func, *args, **kwargs)
        info = new()
        info.weakref = ref(obj, self)
        info.func = func
        info.args = args
        info.kwargs = kwargs or None
        info.atexit = True
        info.index = next(index)
        registry[self] = info
        if not finalize._dirty:
            finalize._dirty = True
        return None

    finalize.__init__ = __init__
