"""What the modules in `absent` are made of: names and numbers as on Linux, and functions that say why they cannot work.

Libraries import these modules for a few of their names, and seldom use them in a web app. A module that is missing keeps
the whole library from being imported; one whose functions fail does not.
"""

import errno
import os
import sys

# Where the stand-ins lie. Last on the path: whatever is really there comes first.
FOLDER = os.path.dirname(os.path.abspath(__file__)) + "/absent"


def install():
    """To be called before anything of the app is imported."""
    if FOLDER not in sys.path:
        sys.path.append(FOLDER)


def numbers(text):
    """`"A=1 B=2"`, as a dictionary."""
    return {name: int(value) for name, _, value in (pair.partition("=") for pair in text.split())}


def unavailable(name, why, kind=OSError):
    """A function of this name that fails with a sentence."""

    def function(*_, **__):
        raise failed(name, why, kind)

    function.__name__ = function.__qualname__ = name.rpartition(".")[2]
    return function


def failed(name, why, kind=OSError):
    text = "%s: `%s` cannot be used" % (why, name)
    return kind(errno.ENOSYS, text) if issubclass(kind, OSError) else kind(text)


def unavailables(module, names, why, kind=OSError):
    """Several of them, by their names."""
    return {name: unavailable("%s.%s" % (module, name), why, kind) for name in names.split()}


def unavailable_class(module, name, why, kind=OSError, methods=""):
    """A class of this name that can be named and derived from, and not made."""

    def __new__(cls, *_, **__):
        raise failed("%s.%s" % (module, name), why, kind)

    content = {"__new__": __new__, "__module__": module}
    for method in methods.split():
        content[method] = unavailable("%s.%s.%s" % (module, name, method), why, kind)
    return type(name, (), content)


