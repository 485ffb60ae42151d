"""Modules out of the bundle: a finder for each folder of `sys.path` and of packages, and the loader behind it."""

import importlib.machinery
import importlib.util
import marshal
import os
import sys
import zlib
from importlib import _bootstrap_external

from guesthouse.bundle import real
from guesthouse.bundle.store import STORE

_real_get_data = _bootstrap_external.FileLoader.get_data


class BundleLoader(importlib.machinery.SourceFileLoader):
    """A module's code as it was compiled at the build, or its text where that is kept."""

    def exec_module(self, module):
        """A module that was imported at the build by another name is that one: `MySQLdb.constants`, where PyMySQL stands for
        `MySQLdb`. Its code is not kept for a second time."""
        is_kept = self.path in STORE.code or self.path in STORE.files
        twin = None if is_kept else loaded_from(self.path, module)
        if twin is None:
            super().exec_module(module)
        else:
            vars(module).update((name, value) for name, value in vars(twin).items() if not is_of_import(name))

    def get_code(self, fullname):
        packed = STORE.code.get(self.path)
        if packed is not None:
            return marshal.loads(zlib.decompress(packed))
        if self.path in STORE.files:
            return compile(STORE.read(self.path), self.path, "exec", dont_inherit=True)
        raise ImportError(
            "`%s` was imported when the component was built; its code is not kept for a second time" % fullname,
            name=fullname,
            path=self.path,
        )


def loaded_from(path, module):
    """Another module with this source, if there is one."""
    others = [one for one in list(sys.modules.values()) if one is not module]
    return next((one for one in others if getattr(getattr(one, "__spec__", None), "origin", None) == path), None)


def is_of_import(name):
    return name in ("__name__", "__spec__", "__loader__", "__package__", "__path__", "__file__", "__cached__")


def get_data(loader, path):
    """`pkgutil.get_data`, `inspect.getsource`: a loader's own way to read files goes past `open`."""
    found = real.bundled(path)
    if found is not None and found in STORE.files and not (real.is_live(found) and real.exists(found)):
        return STORE.read(found)
    return _real_get_data(loader, path)


class FolderFinder:
    """Finds modules in one bundled folder; what a real folder in its place holds comes first, if it is to be looked at."""

    def __init__(self, path, live):
        self.path = path
        self.live = live

    def find_spec(self, fullname, target=None):
        portions = []
        if self.live is not None:
            spec = self.live.find_spec(fullname, target)
            if spec is not None and spec.loader is not None:
                return spec
            if spec is not None:
                portions = list(spec.submodule_search_locations)
        base = self.path + "/" + fullname.rpartition(".")[2]
        for file, locations in ((base + "/__init__.py", [base]), (base + ".py", None)):
            if locations is None and (native := extension(fullname, base)) is not None:
                return native
            if STORE.has_source(file):
                loader = BundleLoader(fullname, file)
                spec = importlib.util.spec_from_file_location(
                    fullname, file, loader=loader, submodule_search_locations=locations
                )
                spec.cached = None
                return spec
        if base in STORE.folders:
            # A folder without `__init__.py` is a part of a namespace package.
            portions.append(base)
        if not portions:
            return None
        spec = importlib.machinery.ModuleSpec(fullname, None, is_package=True)
        spec.submodule_search_locations = list(dict.fromkeys(portions))
        return spec

    def invalidate_caches(self):
        if self.live is not None:
            self.live.invalidate_caches()

    def iter_modules(self, prefix=""):
        """For `pkgutil.iter_modules`, by which for instance Django finds its commands."""
        for name in sorted(os.listdir(self.path)):
            path = self.path + "/" + name
            if name.endswith(".py") and name != "__init__.py":
                yield prefix + name[:-3], False
            elif os.path.isfile(path + "/__init__.py"):
                yield prefix + name, True


def extension(fullname, base):
    """A module in native code: it is linked to the component, by its path, and no file is opened for it."""
    for suffix in importlib.machinery.EXTENSION_SUFFIXES:
        if STORE.has_source(base + suffix):
            loader = importlib.machinery.ExtensionFileLoader(fullname, base + suffix)
            return importlib.util.spec_from_file_location(fullname, base + suffix, loader=loader)
    return None


class PathHook:
    """For `sys.path_hooks`. `source_is_live`: modules are looked for in mounted folders first."""

    def __init__(self, source_is_live):
        self.source_is_live = source_is_live

    def __call__(self, entry):
        path = STORE.absolute(entry)
        if not STORE.sealed or path not in STORE.folders:
            raise ImportError("not bundled", path=entry)
        live = None
        if self.source_is_live and real.is_live(path):
            details = (importlib.machinery.SourceFileLoader, importlib.machinery.SOURCE_SUFFIXES)
            live = importlib.machinery.FileFinder(path, details)
        return FolderFinder(path, live)


def install(source_is_live):
    """Has the import system ask the bundle. Caches forget what they saw while the component was built."""
    _bootstrap_external.FileLoader.get_data = get_data
    sys.path_hooks.insert(0, PathHook(source_is_live))
    sys.path_importer_cache.clear()
