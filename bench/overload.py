#!/usr/bin/env python3
"""What is left of a host when four times as much is asked of it as it can do: goodput, and what the others are told.

    python3 bench/overload.py [--rounds 5] [--seconds 5] [--toil 1000000]

`toil` computes for so many rounds, a million of which are about a millisecond. The host runs on core 0, the load
(`wrk`) on core 1. Two houses:

- *one app* with 16 places and a queue of 16;
- *a full host*: three apps of 8 places each, and 16 instances for all of them together (`instances_max`).

Of each, in turns:

- *capacity*: fewer connections than there are places and waits, so that nobody is sent away;
- *many, who think*: visitors who pause between two requests, so many that they ask three to four times as often as was
  answered at capacity, whether they were answered or sent away (which they are told after 100 ms);
- *four times, in a hurry*: four times as many connections as at capacity, which ask again at once when sent away.

Goodput are the answers a second that are no error, and *kept* is its share of that at capacity; a figure is the median
of its rounds. *Sent away* are the errors a second, and CPU µs what one costs when an answer costs as much as at
capacity. Each of them must be a 503 with `Retry-After`, which other requests in the middle of it look at. Ends with 1
when less than 90 % is kept. Needs `wrk`; builds the host and the guest unless `--no-build`, and measures another host
with `--host FILE`. Loopback only, bounded in time.
"""

import argparse
import http.client
import pathlib
import statistics
import tempfile
import time
from typing import NamedTuple

import wrk
from common import HOST, answers, build, component, cpu_seconds, running

BOUND = 0.9
PORT = 18086
LOOKS = 40
HEADINGS = "| house | load | connections | goodput | sent away | kept | p99 ms | µs to send away |\n|---|---|---:|---:|---:|---:|---:|---:|"


class House(NamedTuple):
    """Apps with their limits, and the host's."""

    name: str
    apps: int
    concurrency: int
    queue: int
    # Connections to each app with which nobody is sent away.
    connections: int
    instances: int


HOUSES = [
    House("one app", 1, 16, 16, 24, 512),
    House("a full host", 3, 8, 16, 16, 16),
]


class Round(NamedTuple):
    """What came of one load."""

    goodput: float
    shed: float
    p99: float
    # CPU time of the host, in seconds for each second.
    cpu: float


def ask(house, folder, connections, seconds, think_ms, toil, pid):
    script = folder / "think.lua"
    # wrk asks for the milliseconds before each request.
    script.write_text(f"function delay() return math.random(0, {2 * think_ms}) end\n")
    # Those of the load before are surely gone.
    time.sleep(0.5)
    before = cpu_seconds(pid)
    began = time.monotonic()
    urls = [f"http://127.0.0.1:{PORT}{path(app, toil)}" for app in range(house.apps)]
    loads = [wrk.begin(url, connections, seconds, script if think_ms else None, cores="1") for url in urls]
    is_overload = connections > house.connections
    if is_overload:
        time.sleep(seconds / 2)
        look_at_the_shed(toil)
    found = [wrk.end(load, may_fail=is_overload) for load in loads]
    cpu = (cpu_seconds(pid) - before) / (time.monotonic() - began)
    p99 = max(load.p99 for load in found)
    return Round(sum(load.goodput for load in found), sum(load.shed for load in found), p99, cpu)


def path(app, toil):
    return f"/toil-{app}/?rounds={toil}"


def look_at_the_shed(toil):
    """In the middle of an overload, whoever is sent away is told when to come back."""
    seen = 0
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
    for _ in range(LOOKS):
        connection.request("GET", path(0, toil))
        response = connection.getresponse()
        response.read()
        if response.status == 200:
            continue
        if response.status != 503 or not response.getheader("retry-after", "").isdigit():
            raise SystemExit(f"an overloaded host answers {response.status} with {response.getheaders()}")
        seen += 1
    if not seen:
        raise SystemExit(f"nobody was sent away in {LOOKS} requests: this was no overload")


def serve(house, folder, options):
    apps = folder / "apps"
    apps.mkdir()
    for app in range(house.apps):
        limits = f"[limits]\nconcurrency = {house.concurrency}\nqueue = {house.queue}\n"
        (apps / f"toil-{app}.toml").write_text(limits)
        (apps / f"toil-{app}.wasm").write_bytes(component("toil"))
    config = folder / "config.toml"
    config.write_text(f"[sandbox]\ninstances_max = {house.instances}\n")
    command = [str(options.host), "serve", str(apps), "--state", str(folder / "state"), "--config", str(config)]
    return [*command, "--listen", f"127.0.0.1:{PORT}"]


def until_all_answer(house):
    deadline = time.monotonic() + 60
    while not all(answers(f"http://127.0.0.1:{PORT}{path(app, 0)}") for app in range(house.apps)):
        if time.monotonic() > deadline:
            raise SystemExit("not all apps answer")
        time.sleep(0.02)


def measure(house, folder, log, options):
    """The rounds of each load, by its name."""
    rounds = {"capacity": [], "many, who think": [], "four times, in a hurry": []}
    thinking = options.thinking // house.apps
    with running(serve(house, folder, options), f"http://127.0.0.1:{PORT}{path(0, 0)}", log, cores="0") as pid:
        def load(connections, seconds, think_ms=0):
            return ask(house, folder, connections, seconds, think_ms, options.toil, pid)

        until_all_answer(house)
        load(house.connections, 1)
        for _ in range(options.rounds):
            capacity = load(house.connections, options.seconds)
            # Five times as often if the answers took no time, of which some is left.
            think_ms = round(1000 * thinking * house.apps / (5 * capacity.goodput))
            rounds["capacity"].append(capacity)
            rounds["many, who think"].append(load(thinking, options.seconds, think_ms))
            rounds["four times, in a hurry"].append(load(4 * house.connections, options.seconds))
    connections = dict(zip(rounds, (house.connections, thinking, 4 * house.connections)))
    return {name: (connections[name] * house.apps, found) for name, found in rounds.items()}


def told(house, found):
    """Prints the table's rows, and says which bounds were missed."""
    def middle(name, what):
        return statistics.median(getattr(one, what) for one in found[name][1])

    capacity = middle("capacity", "goodput")
    answer_seconds = middle("capacity", "cpu") / capacity
    missed = []
    for name, (connections, rounds) in found.items():
        goodput, shed, p99 = (middle(name, what) for what in ("goodput", "shed", "p99"))
        kept = goodput / capacity
        microseconds = statistics.median(1e6 * (one.cpu - one.goodput * answer_seconds) / one.shed for one in rounds) if shed else 0
        cells = [house.name, name, connections, f"{goodput:,.0f}", f"{shed:,.0f}", f"{kept:.0%}", f"{p99:.0f}"]
        print("| " + " | ".join(map(str, [*cells, f"{microseconds:.0f}" if shed else ""])) + " |", flush=True)
        if name == "many, who think" and goodput + shed < 3 * capacity:
            missed.append(f"{house.name}: only {(goodput + shed) / capacity:.1f} times as much was asked: this was no overload")
        if kept < BOUND:
            missed.append(f"{house.name}, {name}: {kept:.0%} kept, not {BOUND:.0%}")
    return missed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--toil", type=int, default=1_000_000, help="rounds of each request")
    parser.add_argument("--thinking", type=int, default=1200, help="connections of those who think")
    parser.add_argument("--host", type=pathlib.Path, default=HOST)
    parser.add_argument("--no-build", action="store_true")
    options = parser.parse_args()
    wrk.require()
    if not options.no_build:
        build("toil")
    missed = []
    print(HEADINGS)
    for house in HOUSES:
        with tempfile.TemporaryDirectory(prefix="guesthouse-bench-") as name, open(f"{name}/log", "w") as log:
            missed += told(house, measure(house, pathlib.Path(name), log, options))
    if missed:
        raise SystemExit("missed:\n" + "\n".join(missed))


if __name__ == "__main__":
    main()
