"""A bundle made of a few files in a folder that is gone afterwards, as it is in a component."""

import importlib
import os
import shutil
import sys
import tempfile

from tests.fakes import generated

generated.install()

from guesthouse.bundle import collect  # noqa: E402
from guesthouse.bundle import imports  # noqa: E402
from guesthouse.bundle import replace  # noqa: E402
from guesthouse.bundle.store import STORE  # noqa: E402


def put(root, files):
    for name, text in files.items():
        path = root + "/" + name
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as opened:
            opened.write(text)


class Sealed:
    """Everything of the process that a seal changes, and the way back."""

    def __init__(self, app, library=None, exclude=(), source_is_live=False, early=()):
        """`early` modules are imported at the build."""
        self.folder = os.path.realpath(tempfile.mkdtemp())
        self.root, self.library = self.folder + "/app", self.folder + "/library"
        self.before = list(sys.path), list(sys.path_hooks), set(sys.modules), dict(vars(STORE))
        STORE.__init__()
        put(self.root, app)
        put(self.library, library or {})
        sys.path[:0] = [self.root, self.library]
        for name in early:
            importlib.import_module(name)
        collect.forget_imported()
        STORE.add_folders(self.root)
        STORE.add_folders(self.library)
        collect.collect(self.root, exclude, False)
        if library:
            collect.collect(self.library, (), True)
        shutil.rmtree(self.root)
        shutil.rmtree(self.library, ignore_errors=True)
        STORE.roots, STORE.home, STORE.seconds, STORE.sealed = (self.root, self.library), self.root, 1_700_000_000, True
        replace.install()
        self.real_get_data = imports._bootstrap_external.FileLoader.get_data
        imports.install(source_is_live)
        importlib.invalidate_caches()

    def look_again(self):
        """A new instance: what is mounted is not known yet."""
        STORE.live = None
        sys.path_importer_cache.clear()

    def end(self):
        replace.uninstall()
        imports._bootstrap_external.FileLoader.get_data = self.real_get_data
        path, hooks, modules, store = self.before
        sys.path[:], sys.path_hooks[:] = path, hooks
        sys.path_importer_cache.clear()
        for name in set(sys.modules) - modules:
            if (getattr(sys.modules[name], "__file__", None) or "/late").startswith(self.folder) or name.startswith(
                "late"
            ):
                del sys.modules[name]
        collect.forget_imported()
        vars(STORE).clear()
        vars(STORE).update(store)
        shutil.rmtree(self.folder, ignore_errors=True)
