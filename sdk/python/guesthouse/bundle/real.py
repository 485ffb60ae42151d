"""The operating system's own functions, kept before they are replaced, and which roots are really mounted."""

import io
import os

from guesthouse.bundle.store import STORE

access = os.access
chdir = os.chdir
getcwd = os.getcwd
listdir = os.listdir
lstat = os.lstat
mkdir = os.mkdir
open = io.open
open_code = io.open_code
os_open = os.open
rename = os.rename
replace = os.replace
scandir = os.scandir
stat = os.stat


def exists(path):
    try:
        stat(path)
    except OSError:
        return False
    return True


def is_live(path):
    """Whether the host mounted a folder where the path lies: what it holds wins over what is bundled."""
    if STORE.live is None:
        STORE.live = tuple(root for root in STORE.roots if exists(root))
    for root in STORE.live:
        if path == root or path.startswith(root + "/"):
            return True
    return False


def bundled(path):
    """The bundled path that is meant, or None if only the real file system can answer."""
    if not STORE.sealed:
        return None
    path = STORE.absolute(path)
    if path is not None and (path in STORE.files or path in STORE.folders or STORE.has_source(path)):
        return path
    return None
