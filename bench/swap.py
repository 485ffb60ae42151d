#!/usr/bin/env python3
"""From the rename of a component to the first answer by the new revision, in milliseconds.

    python3 bench/swap.py [--swaps 20] [--only revision,revision-http,flask] [--no-build]

One component alone on the host, asked again and again without a pause: two small ones in Rust, and an app in Flask, of
which three revisions are built (with the tools of `bench/builds.py`). `uncached`: bytes that this host has never seen, so
that they are compiled; `cached`: bytes that it has compiled before. Loopback only, bounded in number.
"""

import argparse
import functools
import http.client
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

from common import HOST, build, component, numbered, running, with_tools

PORT = 18083


# As many of it are built: the first serves, and the others are new when they are dropped.
FLASK_REVISIONS = 3
FLASK = '''from flask import Flask

app = Flask(__name__)


@app.get("/")
def number():
    return "%010d"
'''


def swap(apps, connection, code, number):
    temporary = apps / ".revision.tmp"
    temporary.write_bytes(code)
    expected = f"{number:010}".encode()
    begun = time.monotonic()
    os.rename(temporary, apps / "revision.wasm")
    while True:
        connection.request("GET", "/revision/")
        if connection.getresponse().read().strip() == expected:
            return (time.monotonic() - begun) * 1000
        if time.monotonic() - begun > 120:
            raise SystemExit("the new revision does not answer")


def flask_revisions():
    """The same app a few times, with another number in each."""
    found = []
    with tempfile.TemporaryDirectory(prefix="guesthouse-bench-") as home:
        source, apps = pathlib.Path(home, "revision"), pathlib.Path(home, "apps")
        source.mkdir()
        (source / "requirements.txt").write_text("flask\n")
        for number in range(FLASK_REVISIONS):
            (source / "app.py").write_text(FLASK % number)
            command = [str(HOST), "build", str(source), "--apps", str(apps)]
            subprocess.run(command, env=with_tools(), check=True, stderr=subprocess.DEVNULL)
            found.append((apps / "revision.wasm").read_bytes())
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--swaps", type=int, default=20)
    parser.add_argument("--only", default="revision,revision-http,flask", help="components, separated by commas")
    parser.add_argument("--no-build", action="store_true", help="measures the host that was built before")
    options = parser.parse_args()
    if not options.no_build:
        build("revision", "revision-http")
    print("| component | bytes | | swaps | median ms | min | max |\n|---|---:|---|---:|---:|---:|---:|")
    for guest in options.only.split(","):
        made = flask_revisions() if guest == "flask" else None
        last = len(made) - 1 if made else options.swaps
        revision = made.__getitem__ if made else functools.partial(numbered, component(guest))
        with tempfile.TemporaryDirectory(prefix="guesthouse-bench-") as name, open(f"{name}/log", "w") as log:
            apps = pathlib.Path(name, "apps")
            apps.mkdir()
            (apps / "revision.wasm").write_bytes(revision(0))
            command = [str(HOST), "serve", str(apps), "--state", f"{name}/state", "--listen", f"127.0.0.1:{PORT}"]
            with running(command, f"http://127.0.0.1:{PORT}/revision/", log):
                connection = http.client.HTTPConnection("127.0.0.1", PORT)
                uncached = [swap(apps, connection, revision(number), number) for number in range(1, last + 1)]
                # The last revision and its standby are surely in the cache.
                again = (last - 1 + number % 2 for number in range(options.swaps))
                cached = [swap(apps, connection, revision(number), number) for number in again]
        for what, times in (("uncached", uncached), ("cached", cached)):
            median = statistics.median(times)
            print(f"| {guest} | {len(revision(0)):,} | {what} | {len(times)} | {median:.0f} | {min(times):.0f} | {max(times):.0f} |")


if __name__ == "__main__":
    main()
