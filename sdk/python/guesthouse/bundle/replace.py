"""Putting the bundle's functions in the place of the system's, wherever those were taken from `os` and `io` already."""

import os
import sys
import types

from guesthouse.bundle import looking
from guesthouse.bundle import opening
from guesthouse.bundle import real

_REPLACED = (
    (real.access, looking.access),
    (real.chdir, looking.chdir),
    (real.getcwd, looking.getcwd),
    (os.getcwdb, looking.getcwdb),
    (real.listdir, looking.listdir),
    (real.lstat, looking.lstat),
    (real.mkdir, opening.mkdir),
    (real.open, opening.open),
    (real.open_code, opening.open_code),
    (real.os_open, opening.os_open),
    (real.rename, opening.rename),
    (real.replace, opening.replace),
    (real.scandir, looking.scandir),
    (real.stat, looking.stat),
)
# The import system's own eyes, and the originals.
_LEFT_ALONE = ("posix", "_io", "_frozen_importlib_external", "_pyio", "guesthouse.")


def install():
    """To be called before anything of the app is imported."""
    by_id = {id(old): new for old, new in _REPLACED}
    for name, module in list(sys.modules.items()):
        if not issubclass(type(module), types.ModuleType) or name.startswith(_LEFT_ALONE):
            continue
        for key, value in list(vars(module).items()):
            new = by_id.get(id(value))
            if new is not None:
                setattr(module, key, new)
    os.supports_dir_fd.update((looking.stat,))
    os.supports_follow_symlinks.update((looking.stat,))


def uninstall():
    """The way back, for tests."""
    by_id = {id(new): old for old, new in _REPLACED}
    for name, module in list(sys.modules.items()):
        if not issubclass(type(module), types.ModuleType) or name.startswith(_LEFT_ALONE):
            continue
        for key, value in list(vars(module).items()):
            old = by_id.get(id(value))
            if old is not None:
                setattr(module, key, old)
    os.supports_dir_fd.discard(looking.stat)
    os.supports_follow_symlinks.discard(looking.stat)
