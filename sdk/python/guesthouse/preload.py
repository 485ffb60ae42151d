"""What an app imports from elsewhere, read off its sources without running them (setting `snapshot = "libraries"`)."""

import ast
import importlib
import importlib.util
import os
import re
import sys

from guesthouse.bundle import real
from guesthouse.bundle.collect import left_out

# A constant that may name a module: Django's settings are full of them.
_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")


def preload(root, exclude, report, folders=()):
    """Imports them. What cannot be imported without the app's own settings is imported with it, in the instance."""
    own = {name.removesuffix(".py") for folder in (root, *folders) for name in os.listdir(folder)}
    names = set()
    for path in sources(root, exclude):
        with real.open(path, "rb") as opened:
            try:
                tree = ast.parse(opened.read(), path)
            except (SyntaxError, ValueError) as error:
                report.warn("%s cannot be parsed: %s" % (path, error))
                continue
        names.update(names_in(tree))
    for name in sorted(names):
        if name.partition(".")[0] not in own:
            attempt(name)


def sources(root, exclude):
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__pycache__")))
        for name in sorted(files):
            path = folder + "/" + name
            if name.endswith(".py") and not left_out(path[len(root) + 1 :], exclude):
                yield path


def names_in(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (node.module + "." + one.name for one in node.names if one.name != "*")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _DOTTED.fullmatch(node.value):
            yield node.value


def attempt(name):
    """Imports the module, or the longest part of the name that is one."""
    parts = name.split(".")
    for count in range(1, len(parts) + 1):
        module = ".".join(parts[:count])
        try:
            if module not in sys.modules and importlib.util.find_spec(module) is None:
                return
            importlib.import_module(module)
        except (Exception, SystemExit):
            return
