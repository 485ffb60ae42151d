"""Tar files that are the same bytes for the same content."""

import gzip
import tarfile
from contextlib import contextmanager


@contextmanager
def gzipped(path, level):
    """A file to write into, without its name and time in the head."""
    with open(path, "wb") as raw, gzip.GzipFile("", "wb", level, raw, mtime=0) as file:
        yield file


def tar(folder, file, epoch, prefix="", owners=None):
    """Writes all that is in `folder`, in the order of its names, owned by root or whom `owners` says by path."""
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            entry = archive.gettarinfo(path, arcname=prefix + name)
            # Two names of one inode are two files.
            if entry.islnk():
                entry.type, entry.linkname, entry.size = tarfile.REGTYPE, "", path.stat().st_size
            entry.uid = entry.gid = (owners or {}).get(name, 0)
            entry.uname = entry.gname = ""
            entry.mtime = epoch
            if entry.isreg():
                with open(path, "rb") as content:
                    archive.addfile(entry, content)
            else:
                archive.addfile(entry)
