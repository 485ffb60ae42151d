#!/usr/bin/env python3
"""Compares hosts side by side, in one run: CPU microseconds per request, requests per second, and the 99th percentile.

    python3 bench/compare.py [--only hello,64k,echo] [--filter TEXT] [--connections 16,64] [--seconds 4] [--rounds 3]

Needs `wrk`, and for the peers, whose rows are left out when they are not found:

    cargo install wasmtime-cli --version 48.0.8 --locked
    npm install --global workerd@1.20261117.1

Builds what it measures of ours: the host (profile `dist`), the guest apps, the floor. The server runs on core 0 and the load
on core 1; servers take turns, round by round, and the figure of a cell is the median over its rounds. CPU time is the
scheduler's own account (/proc/PID/task/*/schedstat) and steadier than requests per second on a shared machine. Beside
each of our rows stands what it must reach, in multiples of the floor in the same run, and whether it did. Our access
log goes to a file. Loopback only, bounded in time.
"""

import argparse
import pathlib
import statistics
import tempfile
import urllib.request
from typing import NamedTuple

import wrk
from common import build, cpu_seconds, running
from peers import FLOOR, LOADS, build_floor, guests, rows


class Must(NamedTuple):
    """What a row must reach."""

    # CPU time, at most so many times the floor's.
    cpu: float
    # Requests per second, at least this share of the floor's.
    rate: float = 0.0

    def __str__(self):
        return f"≤ {self.cpu} ×" + (f", ≥ {self.rate:.0%}" if self.rate else "")

    def holds(self, cpu, rate):
        return cpu <= self.cpu and rate >= self.rate


MUST = {
    ("hello", "guesthouse, gateway, fresh"): Must(3.3),
    ("hello", "guesthouse, gateway, reused"): Must(1.4, 0.85),
    ("hello", "guesthouse, wasi:http 0.2, fresh"): Must(4.5),
    ("hello", "guesthouse, wasi:http 0.2, reused"): Must(2.0),
    ("hello", "guesthouse, wasi:http 0.3, 128 × 16"): Must(4.0),
    ("64k", "guesthouse, wasi:http 0.2, reused"): Must(1.4),
    ("echo", "guesthouse, wasi:http 0.2, reused"): Must(1.5),
    ("echo", "guesthouse, wasi:http 0.3, 128 × 16"): Must(1.2),
}


class Cell(NamedTuple):
    """One row in one round, or the median of several."""

    cpu_us: float
    per_second: float
    p99_ms: float


def check(row, load):
    """That the answer is what the load is about, so that nobody is measured at an error or at something shorter."""
    with urllib.request.urlopen(urllib.request.Request(row.url, data=load.body), timeout=10) as answer:
        body = answer.read()
    if not body or load.answer_bytes not in (None, len(body)) or load.body not in (None, body):
        raise SystemExit(f"{row.name} answers with {len(body)} bytes that were not expected")


def measure(row, load, connections, seconds, log):
    with running(row.command, row.url, log, cores="0") as pid, wrk.posting(load.body) as script:
        check(row, load)
        wrk.run(row.url, connections, 1, script, cores="1")
        before = cpu_seconds(pid)
        answered = wrk.run(row.url, connections, seconds, script, cores="1")
        cpu_us = (cpu_seconds(pid) - before) / answered.answers * 1e6
    return Cell(cpu_us, answered.per_second, answered.p99)


def table(kind, connections, cells):
    floor = cells[FLOOR]
    print(f"\n{LOADS[kind].title}, {connections} connections\n")
    print("| host | CPU µs/request | × floor | requests/s | of the floor's | p99 ms | core busy | must reach | |")
    print("|---|---:|---:|---:|---:|---:|---:|---|---|")
    for name, cell in cells.items():
        cpu, rate = cell.cpu_us / floor.cpu_us, cell.per_second / floor.per_second
        must = MUST.get((kind, name))
        said = "| |" if must is None else f"| {must} | {'met' if must.holds(cpu, rate) else 'missed'} |"
        # Far below 100 %, the load or somebody else's work was what held the requests back, not the server.
        busy = cell.cpu_us * cell.per_second / 1e6
        print(f"| {name} | {cell.cpu_us:.1f} | {cpu:.2f} | {cell.per_second:,.0f} | {rate:.0%} | {cell.p99_ms:.2f} "
              f"| {busy:.0%} {said}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(LOADS), help="loads, separated by commas")
    parser.add_argument("--filter", default="", help="only rows with this in their names; the floor always runs")
    parser.add_argument("--connections", default="16,64")
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-build", action="store_true", help="measures what was built before")
    options = parser.parse_args()
    wrk.require()
    kinds = options.only.split(",")
    if unknown := set(kinds) - set(LOADS):
        parser.error(f"there is no load {', '.join(unknown)}")
    if not options.no_build:
        build(*guests(kinds))
        build_floor()
    for kind in kinds:
        with tempfile.TemporaryDirectory(prefix="guesthouse-bench-") as name, open(f"{name}/log", "w") as log:
            chosen = [row for row in rows(LOADS[kind], pathlib.Path(name))
                      if row.name == FLOOR or options.filter in row.name]
            for connections in map(int, options.connections.split(",")):
                measured = {row.name: [] for row in chosen}
                for _ in range(options.rounds):
                    for row in chosen:
                        measured[row.name].append(measure(row, LOADS[kind], connections, options.seconds, log))
                medians = {name: Cell(*map(statistics.median, zip(*cells))) for name, cells in measured.items()}
                table(kind, connections, medians)


if __name__ == "__main__":
    main()
