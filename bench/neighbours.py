#!/usr/bin/env python3
"""How a good app answers beside others that take all they can: the p99 of `hello`, against native code in the same place.

    python3 bench/neighbours.py [--component app.wasm]... [--only endless,compiled,full] [--rounds 5] [--seconds 5]

Two connections ask for `hello` without a pause (`wrk`), on all cores and without pinning, while there is beside it

- `endless`: so many guests that never stop computing. The native side is `bench/floor`, hyper on tokio answering the
  same, with as many threads in its process that never stop computing. Eight of them have a bound; other numbers are told.
- `compiled`: an app that was dropped just now, until it is live. The native side is the same floor beside the same
  compilation, at the niceness that the host gives it: what the host itself adds is its own. `--component` names what is
  dropped, a JavaScript or a Python app for example; without it a component of 13 MB is made, of `hello` and of the core
  modules of `inspect` again and again. Each round drops other bytes, so that nothing is found in a cache.
- `full`: an app whose every place is taken and whose queue is full of requests that wait. Here `hello` is held against
  itself without that app.

The two sides take turns; a figure is the median of its rounds. Ends with 1 when a p99 is more than 1.5 times its
counterpart. Needs `wrk`; builds the host, the guests and the floor unless `--no-build`, and measures another host with
`--host FILE`. Loopback only, bounded in time: endless guests are ended by their deadlines, or when their visitors leave.
"""

import argparse
import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import socket
import statistics
import subprocess
import tempfile
import time

import wrk
from common import HOST, TARGET, build, cargo, component, running
from components import padded, with_number

BOUND = 1.5
PORT, FLOOR_PORT = 18084, 18085
FLOOR = TARGET / "floor/release/floor"
CONNECTIONS = 2
COMPILE_SECONDS_MAX = 240
PADDED_BYTES = 13_000_000
HEADINGS = "| beside | | p50 ms | p99 ms | max ms | requests/s | p99 ÷ p99 |\n|---|---|---:|---:|---:|---:|---:|"


class Side:
    """A server in one situation, and what came of each round."""

    def __init__(self, name, server, url):
        self.name, self.server, self.url, self.loads = name, server, url, []

    def p99(self):
        return statistics.median(load.p99 for load in self.loads)

    def cells(self):
        figures = [statistics.median(getattr(load, what) for load in self.loads) for what in ("p50", "p99", "most")]
        return " | ".join([*(f"{figure:.2f}" for figure in figures), f"{self.rate():,.0f}"])

    def rate(self):
        return statistics.median(load.goodput for load in self.loads)


class Bench:
    """Folders, a log, and the commands of the two servers."""

    def __init__(self, folder, log, options):
        self.log, self.options = log, options
        self.apps, self.state, self.scratch = (folder / part for part in ("apps", "state", "scratch"))
        self.apps.mkdir()
        self.scratch.mkdir()

    def put(self, name, code):
        """Moves a component into place, so that it is taken at once."""
        unfinished = self.apps / f".{name}.tmp"
        unfinished.write_bytes(code)
        os.rename(unfinished, self.apps / f"{name}.wasm")

    def host(self):
        listen = ["--listen", f"127.0.0.1:{PORT}"]
        command = [str(self.options.host), "serve", str(self.apps), "--state", str(self.state), *listen]
        return running(command, f"http://127.0.0.1:{PORT}/hello/", self.log)

    def floor(self, spinning=0):
        command = [str(FLOOR), f"127.0.0.1:{FLOOR_PORT}", "--spin", str(spinning)]
        return running(command, f"http://127.0.0.1:{FLOOR_PORT}/", self.log)

    def ours(self, name="guesthouse"):
        return Side(name, self.host, f"http://127.0.0.1:{PORT}/hello/")

    def native(self, spinning=0):
        return Side("native", lambda: self.floor(spinning), f"http://127.0.0.1:{FLOOR_PORT}/")

    def take_turns(self, beside, *sides):
        """Each side with its company: a context, which may yield a function that returns when the load is to end."""
        for number in range(self.options.rounds):
            for side, company in sides:
                with side.server():
                    wrk.run(side.url, CONNECTIONS, 1)
                    with company(number) as wait:
                        load = wrk.begin(side.url, CONNECTIONS, COMPILE_SECONDS_MAX if wait else self.options.seconds)
                        if wait:
                            wait()
                        side.loads.append(wrk.end(load, early=bool(wait)))
        return judged(beside, *(side for side, _ in sides))


def judged(beside, measure, ours, bound=BOUND):
    """Prints both, and says whether the bound holds."""
    ratio = ours.p99() / measure.p99()
    print(f"| {beside} | {measure.name} | {measure.cells()} | |")
    print(f"| | {ours.name} | {ours.cells()} | {ratio:.2f} |", flush=True)
    return [] if ratio <= bound else [f"beside {beside}: {ratio:.2f} times, not {bound}"]


def alone(_number):
    return contextlib.nullcontext()


def endless(bench):
    missed = []
    for count in map(int, bench.options.endless.split(",")):
        @contextlib.contextmanager
        def guests(_number, count=count):
            with contextlib.ExitStack() as visitors:
                for _ in range(count):
                    visitors.enter_context(visitor("/bad-loop/"))
                time.sleep(0.5)
                yield None

        pair = (bench.native(count), alone), (bench.ours(), guests)
        found = bench.take_turns(f"{count} endless", *pair)
        # What an empty house or a crowd of another size costs is told, and is no part of the bound.
        missed += found if count == 8 else []
    return missed


def visitor(path):
    connection = socket.create_connection(("127.0.0.1", PORT))
    connection.sendall(f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
    return connection


def compiled(bench):
    missed = []
    for name, code in newcomers(bench.options):
        engine = engine_of(bench, code)

        @contextlib.contextmanager
        def dropped(number, code=code):
            revision = with_number(code, f"{number} {time.time_ns()}")
            bench.put("newcomer", revision)
            yield lambda: until_live(bench, hashlib.sha256(revision).hexdigest())

        @contextlib.contextmanager
        def compiling(number, code=code, engine=engine):
            paths = [bench.scratch / f"{number}.wasm", bench.scratch / f"{number}.cwasm"]
            paths[0].write_bytes(with_number(code, number))
            child = subprocess.Popen(compilation(bench.options.host, engine, *paths), stdout=bench.log, stderr=bench.log)
            try:
                yield lambda: ended(child)
            finally:
                child.kill()
                child.wait()
                for path in paths:
                    path.unlink(missing_ok=True)

        beside = f"{name}, {len(code) / 1e6:.0f} MB, being compiled"
        missed += bench.take_turns(beside, (bench.native(), compiling), (bench.ours(), dropped))
        (bench.apps / "newcomer.wasm").unlink()
    return missed


def newcomers(options):
    if not options.component:
        yield "a component made for this", padded(component("hello"), component("inspect"), PADDED_BYTES)
    for path in options.component:
        yield f"`{path.name}`", path.read_bytes()


def engine_of(bench, code):
    """For which of its engines the host would have it compiled; and that it would be taken at all."""
    path = bench.scratch / "newcomer.wasm"
    path.write_bytes(with_number(code, "looked at"))
    check = [str(bench.options.host), "check", "--format", "json", str(path)]
    answer = subprocess.run(check, stdout=subprocess.PIPE, stderr=bench.log, text=True)
    (found,) = json.loads(answer.stdout)
    if found["verdict"] != "taken":
        raise SystemExit(f"the component would not be taken: {found['why']}")
    return found["component"]["engine"]


def compilation(host, engine, source, artefact):
    """What the host starts for a component (`host/deploy/src/deploy/compile.rs`). It makes itself nice."""
    bounds = ["--memory-bytes-max", str(4 << 30), "--cpu-seconds-max", str(COMPILE_SECONDS_MAX)]
    return [str(host), "compile", "--target", engine, "--input", str(source), "--output", str(artefact), *bounds]


def ended(child):
    if child.wait(COMPILE_SECONDS_MAX):
        raise SystemExit(f"the compiler ended with {child.returncode}")


def until_live(bench, digest):
    deadline = time.monotonic() + COMPILE_SECONDS_MAX
    while time.monotonic() < deadline:
        newcomer = json.loads((bench.state / "status.json").read_text())["apps"].get("newcomer") or {}
        if (newcomer.get("serving") or {}).get("code") == digest:
            return
        if newcomer.get("newest", {}).get("state") == "refused":
            raise SystemExit(f"the component was refused: {newcomer['newest']['why']}")
        time.sleep(0.05)
    raise SystemExit("the component did not become live")


def full(bench):
    """`clock` holds a place for as long as its visitor listens, and computes nothing."""
    concurrency = queue = 64

    @contextlib.contextmanager
    def crowd(_number):
        # One request for each place and for each wait in the queue; who is sent away comes back at once.
        load = wrk.begin(f"http://127.0.0.1:{PORT}/clock/events", concurrency + queue, 600)
        try:
            time.sleep(2)
            must_be_full()
            yield None
            must_be_full()
        finally:
            load.kill()
            load.wait()

    pair = (bench.ours("without it"), alone), (bench.ours("beside it"), crowd)
    return bench.take_turns("a full app", *pair)


def must_be_full():
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
    connection.request("GET", "/clock/events")
    response = connection.getresponse()
    if response.status != 503 or not response.getheader("retry-after"):
        raise SystemExit(f"the app that should be full answers {response.status}")
    connection.close()


SITUATIONS = {"endless": endless, "compiled": compiled, "full": full}


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=5, help="of each load but those beside a compilation")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--endless", default="0,8,64")
    parser.add_argument("--component", type=pathlib.Path, action="append", default=[])
    parser.add_argument("--only", default=",".join(SITUATIONS))
    parser.add_argument("--host", type=pathlib.Path, default=HOST)
    parser.add_argument("--no-build", action="store_true")
    return parser.parse_args()


def main():
    chosen = options()
    wrk.require()
    if not chosen.no_build:
        build("hello", "bad-loop", "clock", "inspect")
        cargo("build", "--release", "--manifest-path", "bench/floor/Cargo.toml", "--target-dir", str(TARGET / "floor"))
    missed = []
    print(HEADINGS)
    for situation in chosen.only.split(","):
        with tempfile.TemporaryDirectory(prefix="guesthouse-bench-") as name, open(f"{name}/log", "w") as log:
            bench = Bench(pathlib.Path(name), log, chosen)
            for guest in ("hello", "bad-loop", "clock"):
                bench.put(guest, component(guest))
            missed += SITUATIONS[situation](bench)
    if missed:
        raise SystemExit("missed:\n" + "\n".join(missed))


if __name__ == "__main__":
    main()
