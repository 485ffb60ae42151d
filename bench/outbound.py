#!/usr/bin/env python3
"""What it costs an app to ask somebody: a request to the outside, and a call from app to app.

    python3 bench/outbound.py [--only outside,apps] [--filter TEXT] [--connections 16] [--seconds 2] [--rounds 3]

`outside`: each visitor is answered by way of one GET to the floor (`bench/floor`, native hyper, a few bytes) on loopback.
Who asks is `bench/floor`'s `relay` (hyper's client behind hyper; with connections that it keeps, and with a new one for
each request), our host and `wasmtime serve`, both with the guest `environ-http`.

`apps`: the guest asks the guest `hello-http`, in the same host, and in a second one over loopback. CPU time is that of both
processes.

Beside each request stands one that asks nobody: the same server, and the same guest with a URL that is none. What lies
between the two is what asking costs. Servers run on core 0, the load and the floor on core 1. Servers take turns, round by
round; a figure is the median over its rounds, and a ratio the median of the rounds' ratios. One connection tells how long
an answer takes (`wrk`'s median), many what it costs. The floor counts what it is asked, so that a request which came to
nothing is no result; of the second host, our log tells it.

Needs `wrk`; `wasmtime`, whose rows are left out when it is not found. Builds what it measures unless `--no-build`, and
measures another host with `--host FILE`. Loopback only, bounded in time.
"""

import argparse
import contextlib
import pathlib
import shutil
import statistics
import sys
import tempfile
import urllib.request
from typing import NamedTuple

import wrk
from common import GUESTS, HOST, TARGET, build, cpu_seconds, running
from peers import ENDLESS, REUSED, TUNING, build_floor

RELAY, OURS, SECOND, WASMTIME, FLOOR = (f"127.0.0.1:{port}" for port in range(18086, 18091))
# Where each host of ours says that every app of its is decided on.
ADMIN = {OURS: "127.0.0.1:18091", SECOND: "127.0.0.1:18092"}
CONFIG = """
[policy]
outbound = ["http://127.0.0.1:*", "http://*.guesthouse.internal"]
private_networks = ["127.0.0.0/8"]
"""
ASKS = f'[outbound]\nhttp = ["http://{FLOOR}", "http://{SECOND}", "http://*.guesthouse.internal"]\n'
CALLED = '[internal]\ncallers = ["*"]\n'
NATIVE = "native hyper, connections kept"
FAILED = "an outgoing request failed"


class Server(NamedTuple):
    command: list
    # Answers once it is there.
    ready: str


class Row(NamedTuple):
    """Who asks, with whoever else is counted."""

    name: str
    servers: list
    asks: str
    # The same, and nobody is asked.
    still: str
    # The row that it is held against.
    beside: str
    # Whether the floor is asked, which counts.
    floor: bool


class Figures(NamedTuple):
    """One row in one round."""

    cpu_us: float
    still_cpu_us: float
    per_second: float
    p50_us: float
    still_p50_us: float
    # Connections that the floor took, for a thousand requests; none where somebody else was asked.
    opened: float | None

    @property
    def asking_cpu_us(self):
        return self.cpu_us - self.still_cpu_us

    @property
    def asking_p50_us(self):
        return self.p50_us - self.still_p50_us


def host(program, home, name, address):
    """A host of ours: each guest with a fresh instance for each request, and with one that is reused."""
    apps = home / name / "apps"
    apps.mkdir(parents=True, exist_ok=True)
    (home / name / "config.toml").write_text(CONFIG)
    for guest, manifest in (("environ-http", ASKS), ("hello-http", CALLED)):
        for app, instances in ((guest, ""), (f"{guest}-reused", f"[instances]\n{REUSED}\n")):
            shutil.copy(GUESTS / f"{guest.replace('-', '_')}.wasm", apps / f"{app}.wasm")
            (apps / f"{app}.toml").write_text(instances + manifest)
    command = [str(program), "serve", str(apps), "--state", str(home / name / "state"), "--listen", address,
               "--admin-listen", ADMIN[address], "--config", str(home / name / "config.toml")]
    return Server(command, f"http://{ADMIN[address]}/.well-known/guesthouse/ready")


def outside(program, home):
    relay = str(TARGET / "floor/release/relay")
    for name, more in ((NATIVE, []), ("native hyper, each time a new one", ["--anew"])):
        server = Server([relay, RELAY, f"http://{FLOOR}/asked", *more], f"http://{RELAY}/still")
        yield Row(name, [server], f"http://{RELAY}/", f"http://{RELAY}/still", NATIVE, True)
    server = host(program, home, "outside", OURS)
    for name, app in (("reused", "environ-http-reused"), ("fresh", "environ-http")):
        yield Row(f"guesthouse, {name}", [server], *urls(OURS, app, f"{FLOOR}/asked"), NATIVE, True)
    if not shutil.which("wasmtime"):
        print("wasmtime is not installed: its rows are left out", file=sys.stderr)
        return
    for name, options in (("tuned, reused", [*TUNING, *ENDLESS]), ("as it comes", [])):
        command = ["wasmtime", "serve", "-S", "cli", "--addr", WASMTIME, *options, str(GUESTS / "environ_http.wasm")]
        asks, still = urls(WASMTIME, "", f"{FLOOR}/asked")
        yield Row(f"wasmtime serve, {name}", [Server(command, still)], asks, still, NATIVE, True)


def from_app_to_app(program, home):
    first, second = host(program, home, "first", OURS), host(program, home, "second", SECOND)
    for kind, suffix in (("reused", "-reused"), ("fresh", "")):
        caller, called = f"environ-http{suffix}", f"hello-http{suffix}"
        inside, across = f"{called}.guesthouse.internal/", f"{SECOND}/{called}/"
        beside = f"in one host, {kind}"
        yield Row(beside, [first], *urls(OURS, caller, inside), beside, False)
        yield Row(f"over loopback, {kind}", [first, second], *urls(OURS, caller, across), beside, False)


def urls(address, app, asked):
    """Where the guest asks, and where it is told to ask at a URL that names nobody."""
    base = "/".join(part for part in (f"http://{address}", app, "outbound?url=http://") if part)
    return base + asked, base


def check(row):
    """That the one asks, and the other does not."""
    for url, hello in ((row.asks, True), (row.still, row.still.endswith("/still"))):
        body = fetched(url)
        if (b"hello" in body) != hello:
            raise SystemExit(f"{row.name} answers {url} with {body}")


def fetched(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read()


def counted():
    """Connections that the floor took so far, and what it was asked."""
    return tuple(map(int, fetched(f"http://{FLOOR}/count").split()))


def measure(row, connections, seconds, log):
    log.seek(0)
    log.truncate()
    with contextlib.ExitStack() as stack:
        floor = [str(TARGET / "floor/release/floor"), FLOOR]
        stack.enter_context(running(floor, f"http://{FLOOR}/", log, cores="1"))
        # Whoever is asked is there before who asks.
        pids = [stack.enter_context(running(server.command, server.ready, log, cores="0"))
                for server in reversed(row.servers)]
        check(row)
        before = counted()
        cpu_us, per_second, p50_us, answers = loaded(row.asks, pids, connections, seconds)
        after = counted()
        still_cpu_us, _, still_p50_us, _ = loaded(row.still, pids, connections, seconds)
    # One of the connections is that of who counts.
    opened, asked = after[0] - before[0] - 1, after[1] - before[1]
    if row.floor and asked < answers:
        raise SystemExit(f"{row.name} answered {answers} requests, and asked {asked} times")
    told = pathlib.Path(log.name).read_text(errors="replace")
    if FAILED in told:
        raise SystemExit(f"{row.name}: {next(line for line in told.splitlines() if FAILED in line)}")
    return Figures(cpu_us, still_cpu_us, per_second, p50_us, still_p50_us, opened / asked * 1000 if row.floor else None)


def loaded(url, pids, connections, seconds):
    """CPU time of a request and requests a second with many connections, the median with one, and all that was asked."""
    warm = wrk.run(url, connections, 1, cores="1")
    begun = sum(map(cpu_seconds, pids))
    many = wrk.run(url, connections, seconds, cores="1")
    used = sum(map(cpu_seconds, pids)) - begun
    one = wrk.run(url, 1, seconds, cores="1")
    answers = sum(load.answers for load in (warm, many, one))
    return used / many.answers * 1e6, many.per_second, one.p50 * 1000, answers


def table(title, against, connections, rows, measured):
    print(f"\n{title}: CPU with {connections} connections, p50 with one\n")
    print(f"| who asks | CPU µs/request | asking nobody | asking alone | {against} | requests/s | p50 µs | asking nobody "
          f"| asking alone | {against} | connections for 1,000 |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for row in rows:
        def of(what, rounds=measured[row.name]):
            return statistics.median(getattr(figures, what) for figures in rounds)

        def ratio(what, rounds=measured[row.name], others=measured.get(row.beside)):
            pairs = zip(rounds, others) if others else ()
            found = [getattr(figures, what) / getattr(other, what) for figures, other in pairs]
            return f"{statistics.median(found):.2f}" if found else ""

        opened = f"{of('opened'):,.0f}" if row.floor else ""
        print(f"| {row.name} | {of('cpu_us'):.1f} | {of('still_cpu_us'):.1f} | {of('asking_cpu_us'):.1f} "
              f"| {ratio('asking_cpu_us')} | {of('per_second'):,.0f} | {of('p50_us'):.0f} | {of('still_p50_us'):.0f} "
              f"| {of('asking_p50_us'):.0f} | {ratio('asking_p50_us')} | {opened} |", flush=True)


KINDS = {
    "outside": ("One GET to the floor for each visitor", "× native", outside),
    "apps": ("One GET to another app for each visitor", "× in one host", from_app_to_app),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(KINDS), help="tables, separated by commas")
    parser.add_argument("--filter", default="", help="only rows with this in their names")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--host", type=pathlib.Path, default=HOST)
    parser.add_argument("--no-build", action="store_true", help="measures what was built before")
    options = parser.parse_args()
    wrk.require()
    kinds = options.only.split(",")
    if unknown := set(kinds) - set(KINDS):
        parser.error(f"there is no table {', '.join(unknown)}")
    if not options.no_build:
        build("environ-http", "hello-http")
        build_floor()
    for kind in kinds:
        title, against, rows = KINDS[kind]
        with tempfile.TemporaryDirectory(prefix="guesthouse-bench-") as home, open(f"{home}/log", "w") as log:
            chosen = [row for row in rows(options.host.resolve(), pathlib.Path(home)) if options.filter in row.name]
            measured = {row.name: [] for row in chosen}
            for _ in range(options.rounds):
                for row in chosen:
                    measured[row.name].append(measure(row, options.connections, options.seconds, log))
        table(title, against, options.connections, chosen, measured)


if __name__ == "__main__":
    main()
