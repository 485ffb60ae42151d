#!/usr/bin/env python3
"""From the rename of a component to the first answer by the new revision, in milliseconds.

    python3 bench/swap.py [--swaps 20]

One small Rust component alone on the host, asked again and again without a pause. `uncached`: bytes that this host has
never seen, so that they are compiled; `cached`: bytes that it has compiled before. Loopback only, bounded in number.
"""

import argparse
import http.client
import os
import pathlib
import statistics
import tempfile
import time

from common import HOST, build, component, numbered, running

PORT = 18083


def swap(apps, connection, code, number):
    temporary = apps / ".revision.tmp"
    temporary.write_bytes(numbered(code, number))
    expected = f"{number:010}".encode()
    begun = time.monotonic()
    os.rename(temporary, apps / "revision.wasm")
    while True:
        connection.request("GET", "/revision/")
        if connection.getresponse().read().strip() == expected:
            return (time.monotonic() - begun) * 1000
        if time.monotonic() - begun > 60:
            raise SystemExit("the new revision does not answer")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--swaps", type=int, default=20)
    options = parser.parse_args()
    build("revision", "revision-http")
    print("| component | bytes | | median ms | min | max |\n|---|---:|---|---:|---:|---:|")
    for guest in ("revision", "revision-http"):
        code = component(guest)
        with tempfile.TemporaryDirectory(prefix="guesthouse-bench-") as name, open(f"{name}/log", "w") as log:
            apps = pathlib.Path(name, "apps")
            apps.mkdir()
            (apps / "revision.wasm").write_bytes(numbered(code, 0))
            command = [str(HOST), "serve", str(apps), "--state", f"{name}/state", "--listen", f"127.0.0.1:{PORT}"]
            with running(command, f"http://127.0.0.1:{PORT}/revision/", log):
                connection = http.client.HTTPConnection("127.0.0.1", PORT)
                uncached = [swap(apps, connection, code, number) for number in range(1, options.swaps + 1)]
                # The last revision and its standby are surely in the cache.
                last = options.swaps
                cached = [swap(apps, connection, code, last - 1 + number % 2) for number in range(options.swaps)]
        for what, times in (("uncached", uncached), ("cached", cached)):
            median = statistics.median(times)
            print(f"| {guest} | {len(code):,} | {what} | {median:.0f} | {min(times):.0f} | {max(times):.0f} |")


if __name__ == "__main__":
    main()
