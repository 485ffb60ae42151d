#!/usr/bin/env python3
"""Compares Python apps as guests with the same apps under gunicorn, in one run, on one core each.

    python3 bench/frameworks.py [--only wsgi,flask,django] [--connections 16] [--seconds 5] [--rounds 3] [--no-build]

Needs `wrk`. Builds the host as it is shipped (profile `dist`) and the samples under `guest-apps/python`; gunicorn and the
frameworks go into a virtual environment in the target folder, for this machine's Python. The guest's is another one
(CPython 3.14, compiled to WebAssembly), and where this machine's Python is too old for the framework's version that the
sample names, the newest that runs is taken: both are printed.

gunicorn runs one sync worker, as it does by default. The server has core 0, the load core 1; servers take turns, round
by round, and a figure is the median over the rounds. Beside the reused instance, which is what a built Python app asks
for, stands a fresh instance for each request, and one visitor alone who gets a fresh instance each time. Ends with 1 if
a row misses what it must reach.
"""

import argparse
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import urllib.request
import venv
from typing import NamedTuple

import wrk
from common import HOST, ROOT, TARGET, build, cpu_seconds, running, with_tools

SAMPLES = ROOT / "guest-apps/python"
PORT, PEER_PORT = 18090, 18091
GUNICORN = "gunicorn==27.0.1"
PEER = "gunicorn, sync, 1 worker"


class Sample(NamedTuple):
    """One app, and the page that is asked for."""

    app: str
    page: str
    # Stands in the page, so that nobody is measured at an error.
    shown: bytes
    # What gunicorn is told to serve.
    callable: str
    # Of gunicorn's requests per second with a reused instance, at least.
    must: float
    # The median for one visitor who always gets a fresh instance, in milliseconds, at most.
    fresh_must: float | None = None


SAMPLES_MEASURED = {
    "wsgi": Sample("wsgi", "/hello", b"hello world", "app:application", 1.0),
    "flask": Sample("flask", "/hello/Ada", b"Hello, Ada!", "app:app", 0.7, 10.0),
    "django": Sample("django", "/books/add/", b"csrfmiddlewaretoken", "shelf.wsgi:application", 0.8),
}


class Cell(NamedTuple):
    """One row in one round, or the median of several."""

    per_second: float
    cpu_us: float
    p50_ms: float
    p99_ms: float
    rss_mib: float


def environment():
    """The virtual environment of the peers, made once."""
    home = TARGET / "bench-frameworks"
    python = home / "bin/python"
    if not python.exists():
        venv.create(home, with_pip=True)
    wanted = {GUNICORN}
    for sample in SAMPLES_MEASURED.values():
        file = SAMPLES / sample.app / "requirements.txt"
        wanted |= {line for line in file.read_text().splitlines() if line} if file.exists() else set()
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.run([*install, *sorted(wanted)], capture_output=True).returncode:
        names = sorted(re.split(r"[=<>~!]", line)[0] for line in wanted)
        subprocess.run([*install, *names], check=True)
    listed = subprocess.run([python, "-m", "pip", "list", "--format=freeze"], capture_output=True, text=True, check=True)
    told = [line for line in listed.stdout.splitlines() if re.match(r"(?i)(django|flask|gunicorn)==", line)]
    version = subprocess.run([python, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    print(f"peers: {version}, {', '.join(told)}")
    return home


def processes(pid):
    """A server's process and those that it started."""
    found = [pid]
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += processes(int(child))
    return found


def rss_mib(pids):
    text = (pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids)
    return sum(int(re.search(r"Pss:\s+(\d+)", rollup)[1]) for rollup in text) / 1024


class Row(NamedTuple):
    """One server with one load."""

    name: str
    command: list
    url: str
    connections: int


def measure(row, shown, options, log):
    _, command, url, connections = row
    with running(command, url, log, cores="0") as pid:
        with urllib.request.urlopen(url, timeout=30) as answer:
            if shown not in answer.read():
                raise SystemExit(f"{url} does not show {shown}")
        wrk.run(url, connections, 1, cores="1")
        # Whoever measures takes part of it: only what was there before and after is counted.
        pids = processes(pid)
        before = sum(map(cpu_seconds, pids))
        load = wrk.run(url, connections, options.seconds, cores="1")
        cpu_us = (sum(map(cpu_seconds, pids)) - before) / load.answers * 1e6
        return Cell(load.per_second, cpu_us, load.p50, load.p99, rss_mib(pids))


def print_memory_of_instances(home, log):
    """What each further live instance of the Flask app takes: eight visitors of a page that pauses need eight."""
    name, command, url, _ = next(rows(SAMPLES_MEASURED["flask"], home, home, 8))
    with running(command, url, log, cores="0") as pid:
        one = rss_mib([pid])
        wrk.run(url.removesuffix("/hello/Ada") + "/stream", 8, 3, cores="1")
        eight = rss_mib([pid])
    print(f"\n{name}, Flask: {one:.0f} MiB (PSS) with one instance, {eight:.0f} MiB with eight: "
          f"{(eight - one) / 7:.1f} MiB for each further one (15 allowed)")


def rows(sample, home, peers, connections):
    """The servers that are measured with `sample`."""
    config = home / "config.toml"
    config.write_text("[policy]\nstate = true\n")
    for kind, manifest in (("reused", None), ("fresh", "[instances]\nreuse = 1\n")):
        apps = home / f"apps-{kind}"
        file = apps / f"{sample.app}.toml"
        file.unlink(missing_ok=True)
        if manifest:
            file.write_text(manifest)
        serve = [HOST, "serve", apps, "--listen", f"127.0.0.1:{PORT}", "--state", home / f"state-{kind}",
                 "--config", config]
        url = f"http://127.0.0.1:{PORT}/{sample.app}{sample.page}"
        for count in (connections, 1) if manifest else (connections,):
            yield Row(f"guesthouse, {kind}", list(map(str, serve)), url, count)
    gunicorn = [peers / "bin/gunicorn", "--bind", f"127.0.0.1:{PEER_PORT}", "--chdir", home / "native" / sample.app,
                sample.callable]
    yield Row(PEER, list(map(str, gunicorn)), f"http://127.0.0.1:{PEER_PORT}{sample.page}", connections)


def prepare(samples, home, peers):
    """Builds each sample for both sides, into `home`."""
    for sample in samples:
        command = [HOST, "build", SAMPLES / sample.app, "--apps", home / "apps-reused"]
        subprocess.run(command, env=with_tools(), check=True)
        fresh = home / "apps-fresh"
        fresh.mkdir(exist_ok=True)
        (fresh / f"{sample.app}.wasm").write_bytes((home / f"apps-reused/{sample.app}.wasm").read_bytes())
        native = home / "native" / sample.app
        subprocess.run(["cp", "-r", SAMPLES / sample.app, native.parent / sample.app], check=True)
        if (native / "manage.py").exists():
            for task in ("migrate", "collectstatic"):
                manage = [peers / "bin/python", "manage.py", task, "--noinput", "--verbosity", "0"]
                subprocess.run(manage, cwd=native, check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(SAMPLES_MEASURED), help="samples, separated by commas")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-build", action="store_true", help="measures the host that was built before")
    options = parser.parse_args()
    wrk.require()
    names = options.only.split(",")
    if unknown := set(names) - set(SAMPLES_MEASURED):
        parser.error(f"there is no sample {', '.join(unknown)}")
    samples = [SAMPLES_MEASURED[name] for name in names]
    if not options.no_build:
        build("hello")
    peers = environment()
    missed = False
    with tempfile.TemporaryDirectory(prefix="guesthouse-bench-") as name, open(f"{name}/log", "w") as log:
        home = pathlib.Path(name)
        (home / "native").mkdir()
        prepare(samples, home, peers)
        for sample in samples:
            measured = {}
            for _ in range(options.rounds):
                for row in rows(sample, home, peers, options.connections):
                    cell = measure(row, sample.shown, options, log)
                    measured.setdefault((row.name, row.connections), []).append(cell)
            medians = {row: Cell(*map(statistics.median, zip(*cells))) for row, cells in measured.items()}
            peer = medians[PEER, options.connections]
            print(f"\n{sample.app}, {sample.page}\n")
            print("| server | connections | requests/s | of gunicorn's | CPU µs/request | of gunicorn's | p50 ms | p99 ms "
                  "| PSS MiB | |")
            print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---|")
            for (row, connections), cell in medians.items():
                rate, cpu = cell.per_second / peer.per_second, cell.cpu_us / peer.cpu_us
                said = ""
                if row == "guesthouse, reused":
                    met = rate >= sample.must
                    missed |= not met
                    said = f"≥ {sample.must:.0%} {'met' if met else 'missed'}"
                if row == "guesthouse, fresh" and connections == 1 and sample.fresh_must:
                    met = cell.p50_ms <= sample.fresh_must
                    missed |= not met
                    said = f"≤ {sample.fresh_must:.0f} ms {'met' if met else 'missed'}"
                print(f"| {row} | {connections} | {cell.per_second:,.0f} | {rate:.0%} | {cell.cpu_us:,.0f} | {cpu:.2f} | {cell.p50_ms:.2f} "
                      f"| {cell.p99_ms:.2f} | {cell.rss_mib:.0f} | {said} |", flush=True)
        if "flask" in names:
            print_memory_of_instances(home, log)
    sys.exit(missed)


if __name__ == "__main__":
    main()
