"""The last thing before the snapshot: nothing stays open, what was thrown away is overwritten, the rest is set aside."""

import gc
import os
import sys

from guesthouse.bundle import real

# Looked at for what is open. A build has some ten.
_DESCRIPTORS_MAX = 1024
# Free memory is overwritten in blocks of these sizes. Finer than 4 KiB, the snapshot falls into so many data segments that
# WebAssembly's limit of 100,000 comes near.
_BLOCKS = (1 << 18, 1 << 16, 1 << 14, 1 << 13, 1 << 12)
_HEAD_BYTES = 64


def descriptors():
    """What is open now: descriptor → status."""
    found = {}
    for number in range(_DESCRIPTORS_MAX):
        try:
            found[number] = os.fstat(number)
        except OSError:
            continue
    return found


def close_connections():
    """Django keeps a connection to its database for each thread; it opens another one when it needs one."""
    database, conf = sys.modules.get("django.db"), sys.modules.get("django.conf")
    # Without settings there is none: only the libraries were imported.
    if database is not None and conf is not None and conf.settings.configured:
        database.connections.close_all()


def forget_temporary(roots):
    """There is no `/tmp` at the build: what `tempfile` found in its place is no place for an instance."""
    tempfile = sys.modules.get("tempfile")
    if tempfile is not None and tempfile.tempdir is not None and tempfile.tempdir.startswith(roots):
        tempfile.tempdir = None


def leaked(before, roots):
    """A sentence for each thing that is open and was not before. It would be gone in the running instance."""
    gc.collect()
    new = {number: status for number, status in descriptors().items() if number not in before}
    if not new:
        return []
    names = {(status.st_dev, status.st_ino): number for number, status in new.items() if status.st_ino}
    found = {}
    for root in roots:
        for folder, _, files in os.walk(root):
            for name in files:
                path = folder + "/" + name
                status = real.stat(path)
                if (status.st_dev, status.st_ino) in names:
                    found[names[status.st_dev, status.st_ino]] = path
    return ["fd %d: %s" % (number, "file " + found[number] if number in found else kind(new[number])) for number in new]


def kind(status):
    import stat

    if stat.S_ISSOCK(status.st_mode):
        return "a socket"
    if stat.S_ISDIR(status.st_mode):
        return "a folder"
    if stat.S_ISREG(status.st_mode):
        return "a file"
    return "a socket or a pipe"


def close_up(scrub_bytes):
    """Leaves as little as can be: caches that are made again, garbage, what free memory still holds."""
    if hasattr(sys, "_clear_internal_caches"):
        sys._clear_internal_caches()
    import linecache

    linecache.clearcache()
    gc.collect()
    gc.collect()
    scrub(scrub_bytes)
    # The collector writes into the heads of what it looks at; what is in the snapshot it need not look at, and its pages
    # stay shared among all instances.
    gc.freeze()


def scrub(total):
    """Overwrites free memory with zeroes, which take no room in the component."""
    for size in _BLOCKS:
        blocks = [bytearray(size - _HEAD_BYTES) for _ in range(total // size)]
        del blocks
