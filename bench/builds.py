#!/usr/bin/env python3
"""How long `guesthouse build` takes: CPU seconds, seconds and peak memory of each sample, and the size that comes out.

    python3 bench/builds.py [--only flask,django] [--from-nothing] [--no-build]

Each sample is copied and built three times: `first`, `one file changed` and `unchanged`. The builders' tools and the
resolved dependencies are kept in the target folder between runs; `--from-nothing` installs all of them anew. CPU seconds
are those of the builder and everything that it starts; the peak is that of its largest process. Each build ends by itself.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from common import HOST, ROOT, build, with_tools

# Sample, and the file in which a comment is changed.
SAMPLES = {
    "wsgi": ("python/wsgi", "app.py", "# {}\n"),
    "flask": ("python/flask", "app.py", "# {}\n"),
    "django": ("python/django", "books/views.py", "# {}\n"),
    "webpy": ("python/webpy", "app.py", "# {}\n"),
    "bottle": ("python/bottle", "app.py", "# {}\n"),
    "starlette": ("python/starlette", "app.py", "# {}\n"),
    "fastapi": ("python/fastapi", "app.py", "# {}\n"),
    "hono": ("javascript/hono", "src/index.js", "// {}\n"),
}


def timed(command, environment):
    """CPU seconds, seconds, and the peak of one process's memory in MiB."""
    begun = time.monotonic()
    child = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    said = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{command} failed:\n{said}")
    return usage.ru_utime + usage.ru_stime, time.monotonic() - begun, usage.ru_maxrss / 1024


def measure(name, home, tools):
    folder, file, comment = SAMPLES[name]
    source = home / name
    shutil.copytree(ROOT / "guest-apps" / folder, source)
    environment = with_tools(tools)
    command = [str(HOST), "build", str(source), "--apps", str(home / "apps")]
    for what in ("first", "one file changed", "unchanged"):
        if what == "one file changed":
            with open(source / file, "a") as edited:
                edited.write(comment.format(time.time_ns()))
        cpu, seconds, peak = timed(command, environment)
        size = (home / "apps" / f"{name}.wasm").stat().st_size / 1e6
        print(f"| {name} | {what} | {cpu:.1f} | {seconds:.1f} | {peak:.0f} | {size:.1f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(SAMPLES), help="samples, separated by commas")
    parser.add_argument("--from-nothing", action="store_true", help="the tools are installed anew")
    parser.add_argument("--no-build", action="store_true", help="measures the host that was built before")
    options = parser.parse_args()
    names = options.only.split(",")
    if unknown := set(names) - set(SAMPLES):
        parser.error(f"there is no sample {', '.join(unknown)}")
    if not options.no_build:
        build("hello")
    print("| sample | build | CPU s | s | peak MiB | wasm MB |\n|---|---|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory(prefix="guesthouse-bench-") as home:
        home = pathlib.Path(home)
        tools = home / "tools" if options.from_nothing else None
        for name in names:
            measure(name, home, tools)


if __name__ == "__main__":
    main()
