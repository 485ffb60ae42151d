#!/usr/bin/env python3
"""From the start of a process to its first answer, in milliseconds, and what each further app adds.

    python3 bench/start.py [--runs 10] [--apps 1,2,51,101]

Every host finds its component compiled: ours in its state directory, where an earlier start has put it, `wasmtime serve`
in its own cache, and in a precompiled file where this `wasmtime` can make one. The clock begins before the process does.
Every half millisecond a socket is opened and a request is sent, until one is answered with 200; then, of ours, until
every app is decided on and readiness says so. The apps differ: one small Rust component with another number in each.
Figures are medians over the runs, hosts take turns. Needs `wasmtime` for its rows (cargo install wasmtime-cli --version
48.0.8 --locked); they are left out without it. Loopback only, bounded in number.
"""

import argparse
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

from common import GUESTS, HOST, TARGET, build, component, numbered, started
from peers import build_floor

PORT, ADMIN = 18086, 18087
PAUSE_SECONDS = 0.0005
FIRST_MS_MAX, FURTHER_MS_MAX = 20, 1
READY = (ADMIN, "/.well-known/guesthouse/ready")


class Start(NamedTuple):
    """One host, as it is started."""

    name: str
    command: list
    # Port and path of what answers first, and of what says that all of it is there, where there is such a thing.
    first: tuple
    all: tuple | None
    apps: int


def is_200(port, path):
    request = f"GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode()
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as visitor:
            visitor.sendall(request)
            return visitor.recv(64).startswith(b"HTTP/1.1 200")
    except ConnectionError:
        return False


def until_200(where, server):
    deadline = time.monotonic() + 60
    while not is_200(*where):
        if server.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"{server.args[0]} does not answer at {where}")
        time.sleep(PAUSE_SECONDS)
    return time.monotonic()


def once(start, log):
    """Milliseconds until the first answer, and until everything is there."""
    begun = time.monotonic()
    with started(start.command, log) as server:
        first = until_200(start.first, server)
        there = until_200(start.all, server) if start.all else first
    return (first - begun) * 1000, (there - begun) * 1000


def ours(count, folder):
    home = folder / f"ours-{count}"
    apps = home / "apps"
    apps.mkdir(parents=True)
    code = component("revision")
    for number in range(count):
        (apps / f"app-{number:03}.wasm").write_bytes(numbered(code, number))
    command = [str(HOST), "serve", str(apps), "--state", str(home / "state"), "--listen", f"127.0.0.1:{PORT}",
               "--admin-listen", f"127.0.0.1:{ADMIN}"]
    return Start("guesthouse", command, (PORT, "/app-000/"), READY, count)


def peers(folder):
    yield Start("native hyper (the floor)", [str(TARGET / "floor/release/floor"), f"127.0.0.1:{PORT}"], (PORT, "/"), None, 1)
    if not shutil.which("wasmtime"):
        print("wasmtime is not installed: its rows are left out", file=sys.stderr)
        return
    serve = ["wasmtime", "serve", "-S", "cli", "--addr", f"127.0.0.1:{PORT}"]
    file = GUESTS / "revision_http.wasm"
    yield Start("wasmtime serve, from its cache", [*serve, str(file)], (PORT, "/"), None, 1)
    compiled = folder / "revision.cwasm"
    made = subprocess.run(["wasmtime", "compile", "-o", str(compiled), str(file)], capture_output=True)
    if made.returncode == 0:
        yield Start("wasmtime serve, precompiled", [*serve, "--allow-precompiled", str(compiled)], (PORT, "/"), None, 1)
    else:
        print("this wasmtime does not precompile: that row is left out", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--apps", default="1,2,51,101", help="so many apps in our folder")
    parser.add_argument("--no-build", action="store_true", help="measures what was built before")
    options = parser.parse_args()
    if not options.no_build:
        build("revision", "revision-http")
        build_floor()
    counts = sorted(set(map(int, options.apps.split(","))))
    with tempfile.TemporaryDirectory(prefix="guesthouse-bench-") as name, open(f"{name}/log", "w") as log:
        folder = pathlib.Path(name)
        starts = [*peers(folder), *(ours(count, folder) for count in counts)]
        for start in starts:
            once(start, log)  # Compiles what has to be.
        rounds = [[once(start, log) for start in starts] for _ in range(options.runs)]
    print("| host | apps | first 200: median ms | min | max | all live: median ms | ms for each further app | |")
    print("|---|---:|---:|---:|---:|---:|---:|---|")
    fewest = None
    for start, times in zip(starts, zip(*rounds)):
        first, live = zip(*times)
        row = f"| {start.name} | {start.apps} | {statistics.median(first):.1f} | {min(first):.1f} | {max(first):.1f} "
        if start.all is None:
            print(f"{row}| | | |")
        elif fewest is None:
            fewest = (start.apps, statistics.median(live))
            print(f"{row}| {fewest[1]:.1f} | | {said(statistics.median(first), FIRST_MS_MAX)} |")
        else:
            further = (statistics.median(live) - fewest[1]) / (start.apps - fewest[0])
            # A few apps more are within the noise: judged by the most.
            verdict = said(further, FURTHER_MS_MAX) if start.apps == counts[-1] else ""
            print(f"{row}| {statistics.median(live):.1f} | {further:.2f} | {verdict} |")


def said(value, most):
    return f"at most {most} ms: {'met' if value <= most else 'missed'}"


if __name__ == "__main__":
    main()
