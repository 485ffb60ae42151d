#!/usr/bin/env python3
"""What a change costs a request: two builds of the host, by turns in one run, in CPU microseconds per request.

    python3 bench/between.py BEFORE AFTER [--only hello] [--filter TEXT] [--connections 16] [--seconds 4] [--rounds 5]

BEFORE and AFTER are two programs, built alike. The rows are those of `compare.py` that are ours; the server runs on core 0
and the load on core 1. A round is both of them, one after the other; the ratio is the median of the rounds' ratios, so
that what moves the whole machine moves neither. Needs `wrk`, and builds the guest apps. Loopback only, bounded in time.
"""

import argparse
import pathlib
import statistics
import tempfile

import wrk
from common import cargo
from compare import measure
from peers import LOADS, guests, ours


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=pathlib.Path)
    parser.add_argument("after", type=pathlib.Path)
    parser.add_argument("--only", default="hello", help="loads, separated by commas")
    parser.add_argument("--filter", default="", help="only rows with this in their names")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    wrk.require()
    kinds = options.only.split(",")
    if unknown := set(kinds) - set(LOADS):
        parser.error(f"there is no load {', '.join(unknown)}")
    packages = [part for guest in guests(kinds) for part in ("-p", guest)]
    cargo("build", "--release", "--target", "wasm32-wasip2", "--manifest-path", "guest-apps/Cargo.toml", *packages)
    for kind in kinds:
        print(f"\n{LOADS[kind].title}, {options.connections} connections\n")
        print("| | before, CPU µs/request | after | after ÷ before |\n|---|---:|---:|---:|")
        with tempfile.TemporaryDirectory(prefix="guesthouse-bench-") as home, open(f"{home}/log", "w") as log:
            sides = []
            for name, program in (("before", options.before), ("after", options.after)):
                # A cache and a state of its own: what one of them compiled is not the other's.
                folder = pathlib.Path(home, name)
                folder.mkdir()
                rows = [row for row in ours(LOADS[kind], folder) if options.filter in row.name]
                sides.append([row._replace(command=[str(program.resolve()), *row.command[1:]]) for row in rows])
            for before, after in zip(*sides):
                rounds = [[measure(row, LOADS[kind], options.connections, options.seconds, log).cpu_us
                           for row in (before, after)] for _ in range(options.rounds)]
                old, new = (statistics.median(side) for side in zip(*rounds))
                ratio = statistics.median(after / before for before, after in rounds)
                print(f"| {before.name} | {old:.1f} | {new:.1f} | {ratio:.3f} |", flush=True)


if __name__ == "__main__":
    main()
