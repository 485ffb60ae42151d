"""Packages whose native code no guest can have: they can be imported, and what uses them fails with a sentence.

An app that requires one seldom needs it in each request: Django's image fields ask whether Pillow is there, a library of
tokens names the algorithms of cryptography. The builder puts a module in the package's place, with one call of `stand_in`.
All that is asked of it, modules and whatever is in them, are classes: they can be named, derived from and annotated with.
What is called like a class can be made too, for modules make parsers and keys as they are imported, and so does any call
while a module is imported; its methods fail afterwards.
"""

import abc
import importlib
import importlib.machinery
import sys

from guesthouse.standin import failed

# Names of exceptions, which `except` wants to be some.
_ENDS = ("Error", "Exception", "Warning")
_PLACES = ("errors", "exceptions")
# Modules that are tried first, and without which their library does as well, each with what it needs.
_TRIED = {"jose.backends.cryptography_backend": "cryptography"}

_packages = {}
_made = {}


class Absent(abc.ABCMeta):
    """What is not there: `Image.Image`, `hashes.SHA256`, and the modules that hold them."""

    def __getattr__(cls, name):
        if name.startswith("__") or "_absent" not in cls.__dict__:
            raise AttributeError("`%s` has no `%s`" % (cls.__name__, name))
        return made("%s.%s" % (cls._absent, name))

    def __call__(cls, *args, **keywords):
        if cls.__name__[:1].isupper() or is_importing():
            return super().__call__(*args, **keywords)
        raise missing(cls)

    def __getitem__(cls, _):
        return cls

    def __bool__(cls):
        return True

    def __repr__(cls):
        return "<%s, which is not in this guest>" % getattr(cls, "_absent", cls.__qualname__)


def is_importing():
    """Whether a module of the app's or of a library's is being imported: this one is the innermost that is."""
    frame = sys._getframe(2)
    while frame is not None and frame.f_code.co_name != "<module>":
        frame = frame.f_back
    # The build, with its warm-up, happens while its own entry is imported.
    return frame is not None and not frame.f_globals.get("__name__", "").startswith(("guesthouse", "__main__"))


def refuse(thing, *_):
    raise missing(thing if isinstance(thing, type) else type(thing))


def new(cls, *_, **__):
    return object.__new__(cls)


def init(self, *_, **__):
    """Whatever it is given is not looked at."""


def attribute(self, name):
    if name.startswith("__"):
        raise AttributeError(name)
    return getattr(next(base for base in type(self).__mro__ if "_absent" in base.__dict__), name)


_REFUSED = {"__%s__" % name: refuse for name in "iter len contains int index float add sub mul and lt le gt ge enter exit".split()}
# What one has that was made: `XMLParser()`.
_OBJECT = {**_REFUSED, "__new__": new, "__init__": init, "__getattr__": attribute, "__bool__": lambda self: True}
_OBJECT["__getitem__"] = refuse
for _name, _method in _REFUSED.items():
    setattr(Absent, _name, _method)


class Finder:
    """Modules within such packages: every name is one, as every name is anything else."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname in _TRIED and is_stood_in(_TRIED[fullname]):
            raise ModuleNotFoundError("`%s` needs what is not in this guest" % fullname, name=fullname)
        if fullname.partition(".")[0] not in _packages:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec):
        return made(spec.name)

    def exec_module(self, module):
        """There is nothing in it."""


def install():
    """To be called before anything of the app is imported."""
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, Finder())


def changes():
    """What to do to these modules as soon as they are there."""
    return {"argon2._utils": allow_lanes}


def allow_lanes(module):
    """argon2-cffi lets WebAssembly have one lane: as good as any other number, where nothing is hashed at all."""
    if is_stood_in("_argon2_cffi_bindings"):
        module._is_wasm = lambda: False


def is_stood_in(name):
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return name in _packages


def stand_in(name, version, why):
    """Puts a stand-in in the place of the package `name`, which is being imported."""
    module = sys.modules[name]
    _packages[name] = why
    install()
    absent = made(name)
    for attribute in ("__file__", "__spec__", "__loader__", "__package__", "__path__"):
        setattr(absent, attribute, getattr(module, attribute, None))
    absent.__version__ = version
    sys.modules[name] = absent


def made(name):
    if name not in _made:
        parent, _, last = name.rpartition(".")
        is_exception = last.endswith(_ENDS) or last.startswith("Invalid") or last == "error"
        if parent and (is_exception or parent.rpartition(".")[2] in _PLACES):
            _made[name] = type(last, (Exception,), {"__module__": parent})
        else:
            _made[name] = Absent(last, (), {**_OBJECT, "__module__": parent or name, "_absent": name})
    return _made[name]


def missing(cls):
    name = next(base._absent for base in cls.__mro__ if "_absent" in base.__dict__)
    return failed(name, _packages[name.partition(".")[0]], RuntimeError)
