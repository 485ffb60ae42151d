"""Collecting what is to be bundled: modules are compiled, files are packed."""

import fnmatch
import marshal
import os
import sys
import types
import zlib

from guesthouse.bundle import real
from guesthouse.bundle.store import STORE

# Never of use to a running app.
_FOLDERS_LEFT_OUT = frozenset(
    ("__pycache__", ".git", ".hg", ".svn", ".venv", "node_modules", ".mypy_cache", ".pytest_cache")
)
_SUFFIXES_LEFT_OUT = (".pyc", ".pyo", ".wasm", ".sqlite3", ".sqlite3-journal")
# In libraries, besides: what their authors build and test them with.
_LIBRARY_FOLDERS_LEFT_OUT = frozenset(("tests", "bin"))
_LIBRARY_SUFFIXES_LEFT_OUT = (".c", ".cpp", ".exe", ".h", ".po", ".pot", ".pxd", ".pyi", ".pyx", ".whl")


def collect(root, exclude, is_library):
    """Takes in all that lies below a root."""
    STORE.add_folder(root)
    collect_folder(root, root, exclude, is_library)


def collect_folder(root, folder, exclude, is_library):
    with real.scandir(folder) as opened:
        entries = sorted(opened, key=lambda entry: entry.name)
    for entry in entries:
        path, name = entry.path, entry.name
        if left_out(path[len(root) + 1 :], exclude):
            continue
        if entry.is_dir():
            if name in _FOLDERS_LEFT_OUT or (is_library and name in _LIBRARY_FOLDERS_LEFT_OUT):
                continue
            STORE.add_folder(path)
            collect_folder(root, path, exclude, is_library)
        elif name.endswith(".so"):
            # It is linked to the component: that it is there shows.
            STORE.add_name(path)
        elif not name.endswith(_SUFFIXES_LEFT_OUT) and not (is_library and name.endswith(_LIBRARY_SUFFIXES_LEFT_OUT)):
            with real.open(path, "rb") as opened:
                content = opened.read()
            if name.endswith(".py"):
                collect_module(path, content)
            if is_library and name.endswith(".py"):
                # The text of libraries is not kept; that there is a module shows.
                STORE.add_name(path)
            else:
                STORE.add_file(path, content)


def left_out(relative, exclude):
    return any(fnmatch.fnmatchcase(relative, glob) or fnmatch.fnmatchcase(relative, glob + "/*") for glob in exclude)


def collect_module(path, source):
    """Code for a module that was not imported yet. One that does not compile fails when it is imported, as elsewhere."""
    if path in imported():
        return
    packed = compiled(path, source)
    if packed is not None:
        STORE.code[path] = packed


def compiled(path, source):
    try:
        code = compile(source, path, "exec", dont_inherit=True, optimize=0)
    except (SyntaxError, ValueError):
        return None
    return zlib.compress(marshal.dumps(code), 9)


def forget_imported():
    """Code of modules that were imported after they had been collected is not kept twice."""
    global _imported
    _imported = None
    for path in imported():
        STORE.code.pop(path, None)


_imported = None


def imported():
    """Files of the modules that are in memory, and so in the snapshot."""
    global _imported
    if _imported is None:
        # Not `getattr`: a lazy module would begin to import.
        modules = [one for one in sys.modules.values() if issubclass(type(one), types.ModuleType)]
        _imported = {one.__dict__.get("__file__") for one in modules}
    return _imported


def newest(root):
    """The newest mtime of the files below a root, in whole seconds."""
    seconds = 0
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in _FOLDERS_LEFT_OUT]
        for name in files:
            seconds = max(seconds, int(real.stat(folder + "/" + name).st_mtime))
    return seconds
