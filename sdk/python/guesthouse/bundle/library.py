"""The standard library as one file: compiled once for each version of the tool, taken into every component."""

import marshal
import os
import zlib

from guesthouse.bundle import real
from guesthouse.bundle.collect import compiled
from guesthouse.bundle.collect import imported
from guesthouse.bundle.store import STORE

ROOT = "/python"
# Needed by nobody who serves, or of no use in a sandbox.
_LEFT_OUT = frozenset(
    (
        "__phello__",
        "__pycache__",
        "config-3.14-wasm32-wasi",
        "ensurepip",
        "idlelib",
        "lib-dynload",
        "lib2to3",
        "pydoc_data",
        "site-packages",
        "test",
        "tests",
        "tkinter",
        "turtledemo",
        "venv",
    )
)


def compile_all(root=ROOT):
    """Path → packed code, for every module of the standard library."""
    found = {}
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in _LEFT_OUT)
        for name in sorted(files):
            if name.endswith(".py"):
                path = folder + "/" + name
                with real.open(path, "rb") as opened:
                    packed = compiled(path, opened.read())
                if packed is not None:
                    found[path] = packed
    return found


def save(path, code):
    """Writes what `load` reads: an index, and the packed modules one after the other."""
    index = [(module, len(packed)) for module, packed in code.items()]
    with real.open(path, "wb") as opened:
        head = zlib.compress(marshal.dumps(index), 9)
        opened.write(len(head).to_bytes(4, "little") + head)
        for packed in code.values():
            opened.write(packed)


def load(path):
    with real.open(path, "rb") as opened:
        length = int.from_bytes(opened.read(4), "little")
        index = marshal.loads(zlib.decompress(opened.read(length)))
        # One after the other: the whole at once would be as much garbage.
        return {module: opened.read(size) for module, size in index}


def add(bundle, root=ROOT):
    """Takes the standard library in, without the modules that are in memory already."""
    code = compile_all(root) if bundle is None else load(bundle)
    STORE.add_folders(root)
    for path, packed in code.items():
        STORE.add_folders(os.path.dirname(path))
        STORE.add_name(path)
        if path not in imported():
            STORE.code[path] = packed
