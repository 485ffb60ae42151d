"""What an app writes beside its code while it is imported and warmed: in an instance it needs a folder that stays there."""

import os

_LEFT_OUT = ("__pycache__", ".pytest_cache")
# Log files need no folder: what cannot be opened goes to the app's log.
_LOG = ".log"
_LOGS = ("log", "logs")


def names(root):
    """All files and folders below the app's folder."""
    found = set()
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in _LEFT_OUT]
        found.update(os.path.join(folder, name) for name in (*folders, *files) if not name.endswith(".pyc"))
    return found


def new(root, before):
    """What is there now and was not before, the outermost of it alone: `instance`, `app.db`."""
    added = names(root) - before
    outermost = sorted(path for path in added if os.path.dirname(path) not in added)
    return [path[len(root) + 1 :] for path in outermost if not is_log(path)]


def is_log(path):
    if not os.path.isdir(path):
        return path.endswith(_LOG)
    files = [name for _, _, below in os.walk(path) for name in below]
    return all(name.endswith(_LOG) for name in files) and (bool(files) or os.path.basename(path) in _LOGS)
