#!/usr/bin/env python3
"""A thousand different apps in one folder: how soon all are live, and what each of them holds of the machine.

    python3 bench/density.py [--apps 1000] [--guest revision] [--runs 3] [--keep FOLDER]

The apps are one small Rust component with another number in each, so that each is other bytes, compiled and loaded for
itself. The first start compiles them all: minutes of CPU, once; `--keep FOLDER` keeps apps and state for the next time.
Then, from the warm cache: from the start of the process until every app is decided on, as readiness says; what the
process holds then; and what it holds after one request to each app, whose answer must be the app's own number. Held
against it is the same host with one of these apps. Unreclaimable is what is anonymous in the process, with what it
keeps in files without a name (memfd); file cache can be dropped. Loopback only, bounded in number; exit code 1 when an
answer was wrong or an app is missing.
"""

import argparse
import contextlib
import http.client
import os
import pathlib
import statistics
import sys
import tempfile
import time

from common import HOST, build, component, numbered, started

PORT, ADMIN = 18088, 18089
LIVE_SECONDS_MAX, RSS_MB_MAX, EACH_KB_MAX = 3, 350, 100
# A child compiles one in 100 to 200 ms on an idle core; this is for a busy machine.
COMPILE_SECONDS_EACH = 3


def folder_with(home, count, code):
    """An apps folder with so many different apps. Files that are right already stay untouched."""
    apps = home / f"apps-{count}"
    apps.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        file, wanted = apps / f"app-{number:05}.wasm", numbered(code, number)
        if not file.exists() or file.read_bytes() != wanted:
            file.write_bytes(wanted)
    return apps


def is_ready():
    connection = http.client.HTTPConnection("127.0.0.1", ADMIN, timeout=5)
    try:
        connection.request("GET", "/.well-known/guesthouse/ready")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@contextlib.contextmanager
def live(apps, state, log, seconds):
    """A host whose apps are all decided on: its process, and how long that took from its start."""
    command = [str(HOST), "serve", str(apps), "--state", str(state), "--listen", f"127.0.0.1:{PORT}",
               "--admin-listen", f"127.0.0.1:{ADMIN}"]
    begun = time.monotonic()
    with started(command, log) as server:
        while not is_ready():
            if server.poll() is not None or time.monotonic() - begun > seconds:
                raise SystemExit(f"not ready after {time.monotonic() - begun:.0f} s; see {log.name}")
            time.sleep(0.002)
        yield server.pid, time.monotonic() - begun


def count(pid):
    """What the process holds at this moment; memory in KiB."""
    rollup = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    fds, nameless = 0, 0
    for descriptor in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            fds += 1
            nameless += os.stat(descriptor).st_blocks // 2 if "memfd:" in os.readlink(descriptor) else 0
    return {
        "RSS KiB": int(rollup["Rss"].split()[0]),
        "anonymous KiB": int(rollup["Anonymous"].split()[0]),
        "private dirty KiB": int(rollup["Private_Dirty"].split()[0]),
        "memfd KiB": nameless,
        "mappings": len(pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines()),
        "descriptors": fds,
    }


def ask_each(number_of_apps):
    """One request to each app. How long the median took, in milliseconds, and how many answers were wrong."""
    connection, times, wrong = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30), [], 0
    for number in range(number_of_apps):
        begun = time.monotonic()
        connection.request("GET", f"/app-{number:05}/")
        response = connection.getresponse()
        body = response.read().strip()
        times.append((time.monotonic() - begun) * 1000)
        wrong += response.status != 200 or body != f"{number:010}".encode()
    return statistics.median(times), wrong


def row(label, counted):
    print(f"| {label} | " + " | ".join(f"{value:,}" for value in counted.values()) + " |", flush=True)


def unreclaimable(counted):
    return counted["anonymous KiB"] + counted["memfd KiB"]


def verdict(what, value, most, unit):
    print(f"{what}: {value:,.2f} {unit}, at most {most} {unit}: {'met' if value <= most else 'missed'}")


def measure(options, home, log):
    code = component(options.guest)
    one, many = folder_with(home, 1, code), folder_with(home, options.apps, code)
    states = {folder: home / f"state-{folder.name}" for folder in (one, many)}
    for folder, state in states.items():
        patience = 60 + COMPILE_SECONDS_EACH * options.apps
        with live(folder, state, log, patience) as (_, seconds):
            print(f"{folder.name}: ready after {seconds:.1f} s at the first start of this run", flush=True)

    starts = []
    for _ in range(options.runs - 1):
        with live(many, states[many], log, 60) as (_, seconds):
            starts.append(seconds)
    print("\n| | RSS KiB | anonymous KiB | private dirty KiB | memfd KiB | mappings | descriptors |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    with live(one, states[one], log, 60) as (pid, _):
        alone = count(pid)
        row("1 app, idle", alone)
        ask_each(1)
        asked_alone = count(pid)
        row("1 app, after a request", asked_alone)
    with live(many, states[many], log, 60) as (pid, seconds):
        starts.append(seconds)
        idle = count(pid)
        row(f"{options.apps:,} apps, idle", idle)
        median_ms, wrong = ask_each(options.apps)
        asked = count(pid)
        row(f"{options.apps:,} apps, after a request to each", asked)

    print(f"\none request to each app: median {median_ms:.2f} ms, {wrong} wrong answers")
    print("all live after " + ", ".join(f"{seconds:.2f}" for seconds in starts) + " s")
    verdict("from the start to all live, median", statistics.median(starts), LIVE_SECONDS_MAX, "s")
    for when, now, then in (("idle", idle, alone), ("after a request to each", asked, asked_alone)):
        verdict(f"RSS, {when}", now["RSS KiB"] * 1024 / 1e6, RSS_MB_MAX, "MB")
        each = (unreclaimable(now) - unreclaimable(then)) / (options.apps - 1) * 1.024
        verdict(f"unreclaimable for each app, {when}", each, EACH_KB_MAX, "KB")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--apps", type=int, default=1000)
    parser.add_argument("--guest", default="revision", choices=["revision", "revision-http", "revision-http03"])
    parser.add_argument("--runs", type=int, default=3, help="starts from the warm cache")
    parser.add_argument("--keep", type=pathlib.Path, help="a folder for apps and state, kept for the next time")
    parser.add_argument("--no-build", action="store_true", help="measures what was built before")
    options = parser.parse_args()
    if options.apps < 2 or options.runs < 1:
        parser.error("at least two apps and one run")
    if not options.no_build:
        build(options.guest)
    with tempfile.TemporaryDirectory(prefix="guesthouse-bench-") as name:
        home = (options.keep or pathlib.Path(name)) / options.guest
        home.mkdir(parents=True, exist_ok=True)
        with open(home / "log", "w") as log:
            if measure(options, home, log):
                sys.exit(1)


if __name__ == "__main__":
    main()
