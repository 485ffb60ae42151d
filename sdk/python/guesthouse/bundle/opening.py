"""`open`, for bundled files too; what is written goes into the folder that the host mounted over them."""

import errno
import io
import os

from guesthouse.bundle import real
from guesthouse.bundle.store import STORE


class BundledFile(io.BytesIO):
    """A file's content, to be read."""

    def __init__(self, path, data):
        super().__init__(data)
        self.name = path
        self.mode = "rb"

    def writable(self):
        return False

    def write(self, data):
        raise io.UnsupportedOperation("not writable")

    def truncate(self, size=None):
        raise io.UnsupportedOperation("not writable")


def open(file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None):
    path = STORE.absolute(file) if STORE.sealed and opener is None else None
    if path is None or STORE.root_of(path) is None:
        return real.open(file, mode, buffering, encoding, errors, newline, closefd, opener)
    live = real.is_live(path)
    if writes(mode):
        before_writing(path, mode, live)
        return real.open(path, mode, buffering, encoding, errors, newline)
    if live or not STORE.holds(path):
        try:
            return real.open(path, mode, buffering, encoding, errors, newline)
        except (FileNotFoundError, IsADirectoryError):
            if not STORE.holds(path):
                raise
    if path in STORE.folders:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    content = BundledFile(path, STORE.read(path))
    if "b" in mode:
        return content
    text = io.TextIOWrapper(content, encoding, errors, newline)
    text.mode = mode
    return text


def writes(mode):
    return "w" in mode or "a" in mode or "x" in mode or "+" in mode


def before_writing(path, mode, live):
    """A bundled file is copied before it is changed, and its folder is made where it is to lie."""
    if not live:
        raise OSError(errno.EROFS, "read-only: no state folder is mounted here (`[state]` in guesthouse.toml)", path)
    make_parents(path)
    if path not in STORE.files or real.exists(path):
        return
    if "x" in mode:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
    if "w" not in mode:
        with real.open(path, "wb") as copy:
            copy.write(STORE.read(path))


def make_parents(path):
    """Makes the real folders above a path that exist only in the bundle so far."""
    parent = os.path.dirname(path)
    if parent in STORE.folders and not real.exists(parent):
        make_parents(parent)
        try:
            real.mkdir(parent)
        except FileExistsError:
            pass


def live_target(path):
    """Makes place for something new below a live root."""
    if STORE.sealed:
        target = STORE.absolute(path)
        if target is not None and STORE.root_of(target) is not None and real.is_live(target):
            make_parents(target)


def os_open(path, flags, mode=0o777, *, dir_fd=None):
    if flags & os.O_CREAT and dir_fd is None:
        live_target(path)
    return real.os_open(path, flags, mode, dir_fd=dir_fd)


def mkdir(path, mode=0o777, *, dir_fd=None):
    if dir_fd is None:
        live_target(path)
    return real.mkdir(path, mode, dir_fd=dir_fd)


def rename(src, dst, *, src_dir_fd=None, dst_dir_fd=None):
    live_target(dst)
    return real.rename(src, dst, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)


def replace(src, dst, *, src_dir_fd=None, dst_dir_fd=None):
    live_target(dst)
    return real.replace(src, dst, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)


def open_code(path):
    return open(path, "rb")
