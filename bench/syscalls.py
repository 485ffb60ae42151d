#!/usr/bin/env python3
"""System calls per keep-alive request, of the floor, of ours in each lane, and of the peers: in total, and the commonest.

    python3 bench/syscalls.py [--only hello] [--filter TEXT] [--connections 16] [--seconds 3]

Needs `wrk` and `strace`, and for the peers what `bench/compare.py` needs. `strace -c -f` is attached to a server on
core 0 that is up and warm, and counts under a load from core 1 that ends by itself. It makes the server slower, so that
fewer requests fall into each turn of the event loop, and more of the clock's thousand sleeps a second into each request:
what is shared by several of them is over-counted. Where `perf` may count system calls, it does so first, at full speed,
and that is what the bound is held against; the names of the calls are strace's. What a connection costs once, and what
the process does while it waits, is in the figures, spread over thousands of requests. Loopback only, bounded in time.
"""

import argparse
import functools
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

import wrk
from common import build, running
from peers import FLOOR, LOADS, build_floor, guests, rows

# At most so many for a request, in an instance of its own and in one that answers many.
FRESH_MAX = 3.3
REUSED_MAX = 2.3
SHOWN = 6


def bound(name):
    if not name.startswith("guesthouse"):
        return None
    return FRESH_MAX if "fresh" in name else REUSED_MAX


def counted(pid, load):
    """What `load` returns, and how often each system call was made meanwhile."""
    with tempfile.NamedTemporaryFile("r") as summary, tempfile.TemporaryFile("w+") as said:
        tracer = subprocess.Popen(["strace", "-c", "-f", "-p", str(pid), "-o", summary.name], stderr=said)
        try:
            deadline = time.monotonic() + 10
            while "attached" not in pathlib.Path(f"/proc/self/fd/{said.fileno()}").read_text():
                if tracer.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit("strace does not attach: it may need more rights here")
                time.sleep(0.02)
            returned = load()
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.wait(20)
        # % time, seconds, usecs/call, calls, errors (may be missing), syscall
        rows = re.findall(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", summary.read(), re.M)
    return returned, {name: int(calls) for calls, name in rows if name != "total"}


def at_full_speed(pid, load):
    """System calls for each of `load`'s answers as the kernel counts them; `None` where `perf` is missing or may not."""
    if not shutil.which("perf"):
        return None
    orders, order = os.pipe()
    done, acknowledge = os.pipe()
    with tempfile.NamedTemporaryFile("r") as summary:
        # It counts from when it is told to, and says when it has begun.
        command = ["perf", "stat", "-x,", "-e", "raw_syscalls:sys_enter", "-p", str(pid), "-o", summary.name,
                   "--delay", "-1", "--control", f"fd:{orders},{acknowledge}"]
        counter = subprocess.Popen(command, stderr=subprocess.DEVNULL, pass_fds=(orders, acknowledge))
        os.close(orders)
        os.close(acknowledge)
        try:
            os.write(order, b"enable\n")
            if not os.read(done, 16):
                return None
            answered = load()
        except BrokenPipeError:
            return None
        finally:
            counter.send_signal(signal.SIGINT)
            counter.wait(20)
            os.close(order)
            os.close(done)
        found = re.search(r"^(\d+),,raw_syscalls:sys_enter", summary.read(), re.M)
    return int(found[1]) / answered.answers if found else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="hello", choices=LOADS)
    parser.add_argument("--filter", default="", help="only rows with this in their names; the floor always runs")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--no-build", action="store_true", help="measures what was built before")
    options = parser.parse_args()
    wrk.require()
    if not shutil.which("strace"):
        raise SystemExit("strace is not installed (Debian's package `strace`)")
    if not options.no_build:
        build(*guests([options.only]))
        build_floor()
    load = LOADS[options.only]
    print(f"{load.title}, {options.connections} connections\n")
    print("| host | system calls/request | under strace | the commonest | at most | |\n|---|---:|---:|---|---:|---|")
    with tempfile.TemporaryDirectory(prefix="guesthouse-bench-") as name, open(f"{name}/log", "w") as log:
        for row in rows(load, pathlib.Path(name)):
            if row.name != FLOOR and options.filter not in row.name:
                continue
            with running(row.command, row.url, log, cores="0") as pid, wrk.posting(load.body) as script:
                wrk.run(row.url, options.connections, 1, script, cores="1")
                run = functools.partial(wrk.run, row.url, options.connections, options.seconds, script, cores="1")
                quick = at_full_speed(pid, run)
                answered, calls = counted(pid, run)
            each = sorted(((count / answered.answers, call) for call, count in calls.items()), reverse=True)
            total = sum(count for count, _ in each)
            common = ", ".join(f"{call} {count:.2f}" for count, call in each[:SHOWN] if count >= 0.005)
            most = bound(row.name)
            held = total if quick is None else quick
            said = "| |" if most is None else f"| {most} | {'met' if held <= most else 'missed'} |"
            print(f"| {row.name} | {'' if quick is None else f'{quick:.2f}'} | {total:.2f} | {common} {said}", flush=True)


if __name__ == "__main__":
    main()
