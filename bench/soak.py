#!/usr/bin/env python3
"""Many swaps of one app, and whether the host is afterwards what it was before.

    python3 bench/soak.py [--swaps 10000] [--new-every 20] [--known 8] [--warm 200] [--minutes 60]

One app is swapped by rename, while one visitor asks for it again and again. Most swaps go round among `--known`
revisions that the host has compiled before; each `--new-every`-th is one that it has never seen, and is compiled in a
child. `--new-every 1` makes all of them new: at 100 to 200 ms each (`bench/swap.py`), 10,000 take about half an hour on
two idle cores. Before the
first swap, after the warming, and ten times on the way, it is counted what the host holds: memory, mappings,
descriptors, threads, and its state directory. The last count is held against the one after the warming.

Loopback only, bounded in number and in time; exit code 1 when something grew, or when an answer was wrong.
"""

import argparse
import http.client
import os
import pathlib
import sys
import tempfile
import threading
import time

from common import HOST, build, component, numbered, running

PORT = 18085
# The store may hold this much beside what is live: little, so that it is full long before the end.
STORE_BYTES_MAX = 64 << 20
# Nothing is removed from the store that was used in the last minute (FRESH in the host): so much more may lie there.
FRESH_SECONDS = 60
# What may be more at the end than after the warming: a share, or a few.
SHARE = 0.05
FEW = {"rss_kib": 1024, "anon_kib": 1024, "maps": 16, "fds": 4, "threads": 4}


def count(pid, state):
    """What the host holds at this moment."""
    status = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
    disk, fresh, files = 0, 0, 0
    for path in state.rglob("*"):
        try:
            found = path.lstat()
        except FileNotFoundError:
            continue  # Removed by the host since it was listed.
        files += 1
        disk += found.st_size
        fresh += found.st_size if time.time() - found.st_mtime < FRESH_SECONDS else 0
    return {
        "rss_kib": int(status["VmRSS"].split()[0]),
        "anon_kib": int(status["RssAnon"].split()[0]),
        "maps": len(pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines()),
        "fds": len(os.listdir(f"/proc/{pid}/fd")),
        "threads": int(status["Threads"]),
        "disk_kib": disk >> 10,
        "fresh_kib": fresh >> 10,
        "files": files,
    }


class Visitor:
    """Asks without haste, and notes what is no answer of a revision that may serve now."""

    def __init__(self):
        self.asked, self.failed, self.wrong, self.backwards = 0, 0, 0, 0
        # The number of the swap, what served before it, and what it brings: an answer is one of these two, and never the
        # first after the second.
        self.swap = (0, 0, 0)
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
        seen_in = None
        while not self.stop.wait(0.005):
            serial, old, new = self.swap
            self.asked += 1
            try:
                connection.request("GET", "/revision/")
                response = connection.getresponse()
                body = response.read().strip()
            except (OSError, http.client.HTTPException):
                self.failed += 1
                connection.close()
                continue
            if response.status != 200:
                self.failed += 1
                continue
            now, *allowed = self.swap
            if now > serial + 2:
                continue  # Too long ago to know what was allowed.
            allowed += [old, new]
            if not body.isdigit() or int(body) not in allowed:
                self.wrong += 1
            elif int(body) == new:
                seen_in = serial
            elif int(body) == old and seen_in == serial:
                self.backwards += 1


def swap(apps, connection, code, number, visitor):
    temporary = apps / ".revision.tmp"
    temporary.write_bytes(numbered(code, number))
    serial, _, old = visitor.swap
    visitor.swap = (serial + 1, old, number)
    os.rename(temporary, apps / "revision.wasm")
    expected, deadline = f"{number:010}".encode(), time.monotonic() + 60
    while True:
        connection.request("GET", "/revision/")
        if connection.getresponse().read().strip() == expected:
            break
        if time.monotonic() > deadline:
            raise SystemExit(f"revision {number} does not answer within a minute")
        time.sleep(0.001)
    visitor.swap = (serial + 1, number, number)


def revisions(options):
    """The numbers to be swapped in, one after the other: known ones go round, new ones were never there before."""
    fresh = options.known
    for at in range(1, options.warm + options.swaps + 1):
        if at % options.new_every == 0:
            fresh += 1
            yield fresh
        else:
            yield at % options.known


def compare(warm, last):
    """What is more than it may be."""
    bounds = {what: max(warm[what] * (1 + SHARE), warm[what] + few) for what, few in FEW.items()}
    bounds["disk_kib"] = (STORE_BYTES_MAX >> 10) * (1 + SHARE) + last["fresh_kib"]
    grown = [what for what, bound in bounds.items() if last[what] > bound]
    for what, bound in bounds.items():
        word = "GREW" if what in grown else "stays"
        print(f"{what}: {warm[what]:,} after the warming, {last[what]:,} at the end, at most {bound:,.0f}: {word}")
    return grown


def soak(options, code, apps, visitor, count_now):
    """Swaps, and prints a row now and then. The first count is the one after the warming."""
    connection, begun, counts = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60), time.monotonic(), []
    every = max(options.swaps // 10, 1)

    def row(label):
        now = count_now()
        print(f"| {label} | {time.monotonic() - begun:,.0f} | " + " | ".join(f"{value:,}" for value in now.values()) + " |",
              flush=True)
        return now

    print("| swaps | s | RSS KiB | anonymous KiB | mappings | descriptors | threads | state KiB | of it fresh | files |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    row("before")
    for at, number in enumerate(revisions(options), 1):
        swap(apps, connection, code, number, visitor)
        is_over = time.monotonic() - begun > options.minutes * 60
        if at == options.warm:
            counts.append(row("warm"))
        elif at > options.warm and ((at - options.warm) % every == 0 or is_over):
            counts.append(row(f"{at - options.warm:,}"))
        if is_over:
            print("the time is over", file=sys.stderr)
            break
    return counts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--swaps", type=int, default=10_000)
    parser.add_argument("--new-every", type=int, default=20, help="one in so many was never seen before")
    parser.add_argument("--known", type=int, default=8, help="so many revisions go round among the others")
    parser.add_argument("--warm", type=int, default=200, help="swaps before the level is taken")
    parser.add_argument("--minutes", type=float, default=60, help="ends early after this time")
    parser.add_argument("--guest", default="revision", choices=["revision", "revision-http"])
    parser.add_argument("--no-build", action="store_true", help="measures what was built before")
    options = parser.parse_args()
    if not options.no_build:
        build(options.guest)
    code = component(options.guest)
    with tempfile.TemporaryDirectory(prefix="guesthouse-bench-") as name, open(f"{name}/log", "w") as log:
        home = pathlib.Path(name)
        apps, state = home / "apps", home / "state"
        apps.mkdir()
        (home / "config.toml").write_text(f"[deploy]\nstore_max = {STORE_BYTES_MAX}\n")
        (apps / "revision.wasm").write_bytes(numbered(code, 0))
        command = [str(HOST), "serve", str(apps), "--state", str(state), "--config", str(home / "config.toml"),
                   "--listen", f"127.0.0.1:{PORT}"]
        os.environ["RUST_LOG"] = "info,guesthouse::access=off"
        visitor = Visitor()
        with running(command, f"http://127.0.0.1:{PORT}/revision/", log) as pid:
            visitor.thread.start()
            try:
                counts = soak(options, code, apps, visitor, lambda: count(pid, state))
            finally:
                visitor.stop.set()
                visitor.thread.join()
        print(f"\n{visitor.asked:,} answers to the visitor: {visitor.failed} failed, {visitor.wrong} wrong, "
              f"{visitor.backwards} backwards")
        grown = compare(counts[0], counts[-1])
        lines = pathlib.Path(log.name).read_text(errors="replace").splitlines()
        warnings = [line for line in lines if " WARN " in line or "ERROR" in line]
        print(f"warnings and errors in the log: {len(warnings)}", *warnings[:5], sep="\n")
        if grown or visitor.failed or visitor.wrong or visitor.backwards:
            sys.exit(1)


if __name__ == "__main__":
    main()
