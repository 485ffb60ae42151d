"""`os.stat` and its kin, answered for bundled files too: os.path, pathlib, glob and os.walk are built on these."""

import errno
import os
import stat as modes
import zlib

from guesthouse.bundle import real
from guesthouse.bundle.store import STORE


def stat(path, *, dir_fd=None, follow_symlinks=True):
    found = real.bundled(path) if dir_fd is None else None
    if found is None:
        if dir_fd is None and follow_symlinks:
            return real.stat(path) if STORE.sealed else rehearsed(path)
        return real.stat(path, dir_fd=dir_fd, follow_symlinks=follow_symlinks)
    if real.is_live(found):
        try:
            return real.stat(found, follow_symlinks=follow_symlinks)
        except FileNotFoundError:
            pass
    return status_of(found)


def lstat(path, *, dir_fd=None):
    return stat(path, dir_fd=dir_fd, follow_symlinks=False)


def status_of(path):
    """What is said of a bundled file. Its mtime is the newest one of the build, with a fraction that the content decides:
    an entity tag made of it changes when the content does, and `Last-Modified` never goes back."""
    inode = hash(path) & 0x7FFFFFFF
    if path in STORE.folders:
        mode, links, size, fraction = modes.S_IFDIR | 0o555, 2, 0, 0
    elif path in STORE.files:
        _, _, size, check = STORE.files[path]
        mode, links, fraction = modes.S_IFREG | 0o444, 1, fraction_of(check)
    else:
        # A source of a library: it is in the list, its text is not kept.
        mode, links, size, fraction = modes.S_IFREG | 0o444, 1, 0, 0
    return result((mode, inode, 7, links, 0, 0, size), fraction)


def rehearsed(path):
    """The real status, at the build, with the mtime that the file will show in an instance."""
    status, absolute = real.stat(path), STORE.absolute(path)
    if absolute is None or not any(absolute.startswith(root + "/") for root in STORE.rehearsed):
        return status
    fraction = 0
    if modes.S_ISREG(status.st_mode) and (absolute.startswith(STORE.rehearsed[0] + "/") or not absolute.endswith(".py")):
        with real.open(path, "rb") as opened:
            fraction = fraction_of(zlib.crc32(opened.read()))
    return result(status[:7], fraction)


def fraction_of(check):
    """Nanoseconds, from a checksum."""
    return check % 1_000_000 * 1000


def result(fields, fraction):
    seconds = STORE.seconds
    time, nanoseconds = seconds + fraction / 1e9, seconds * 1_000_000_000 + fraction
    return os.stat_result(
        (*fields, seconds, seconds, seconds),
        {
            "st_atime": time,
            "st_mtime": time,
            "st_ctime": time,
            "st_atime_ns": nanoseconds,
            "st_mtime_ns": nanoseconds,
            "st_ctime_ns": nanoseconds,
        },
    )


def access(path, mode, *, dir_fd=None, effective_ids=False, follow_symlinks=True):
    found = real.bundled(path) if dir_fd is None else None
    if found is None:
        return real.access(path, mode)
    if real.is_live(found):
        # What is bundled can be read, and copied to be written.
        return True
    return not mode & os.W_OK


def listdir(path="."):
    found = real.bundled(path)
    if found is None or found not in STORE.folders:
        if found is not None:
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
        return real.listdir(path)
    names = set(STORE.folders[found])
    if real.is_live(found):
        try:
            names.update(real.listdir(found))
        except FileNotFoundError:
            pass
    names = sorted(names)
    return [os.fsencode(name) for name in names] if isinstance(path, bytes) else names


class Entry:
    """An `os.DirEntry` of a bundled file or folder."""

    def __init__(self, folder, name, is_folder):
        self.name = name
        self.path = os.path.join(folder, name)
        self._is_folder = is_folder

    def is_dir(self, *, follow_symlinks=True):
        return self._is_folder

    def is_file(self, *, follow_symlinks=True):
        return not self._is_folder

    def is_symlink(self):
        return False

    def is_junction(self):
        return False

    def stat(self, *, follow_symlinks=True):
        return os.stat(self.path)

    def inode(self):
        return self.stat().st_ino

    def __fspath__(self):
        return self.path

    def __repr__(self):
        return "<DirEntry %r>" % self.name


class Entries:
    """What `os.scandir` returns: an iterator that can be closed."""

    def __init__(self, entries):
        self._entries = iter(entries)

    def __iter__(self):
        return self

    def __next__(self):
        return next(self._entries)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._entries = iter(())


def scandir(path="."):
    found = real.bundled(path)
    if found is None or found not in STORE.folders:
        return real.scandir(path)
    folder = os.fspath(path)
    encode = os.fsencode if isinstance(folder, bytes) else str
    entries = []
    if real.is_live(found):
        try:
            with real.scandir(folder) as opened:
                entries.extend(opened)
        except FileNotFoundError:
            pass
    seen = {os.fsdecode(entry.name) for entry in entries}
    for name, is_folder in sorted(STORE.folders[found].items()):
        if name not in seen:
            entries.append(Entry(folder, encode(name), is_folder))
    return Entries(entries)


def getcwd():
    try:
        return real.getcwd()
    except OSError:
        return STORE.home


def getcwdb():
    return os.fsencode(getcwd())


def chdir(path):
    """A bundled folder can be the place that relative paths begin at, for Python; C code sees only real ones."""
    found = real.bundled(path)
    try:
        real.chdir(path)
    except OSError:
        if found is None or found not in STORE.folders:
            raise
    STORE.home = found or STORE.absolute(path) or STORE.home
