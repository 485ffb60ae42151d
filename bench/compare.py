#!/usr/bin/env python3
"""Compares hosts side by side, in one run: CPU microseconds per request, and requests per second.

    python3 bench/compare.py [--seconds 4] [--rounds 3] [--connections 16,64]

Needs `wrk`, and for the peer `wasmtime` (cargo install wasmtime-cli --version 48.0.8 --locked). Builds what it measures
of ours: the host in release, the guest apps, the floor. The server runs on core 0 and the load on core 1; servers take
turns, round by round, and the figure of a cell is the median over its rounds. CPU time is the scheduler's own account
(/proc/PID/task/*/schedstat) and steadier than requests per second on a shared machine. Loopback only, bounded in time.
"""

import argparse
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

from common import GUESTS, HOST, TARGET, build, cargo, cpu_seconds, running

TUNED = (
    "pooling-memory-keep-resident=4194304 pooling-table-keep-resident=1048576 "
    "pooling-async-stack-keep-resident=1048576 pooling-max-unused-warm-slots=1000 pooling-pagemap-scan=y"
).split()


def peers(folder):
    """Name, command, path. Every server says where it listens, but for wasmtime, which is told a port."""
    apps = folder / "apps"
    apps.mkdir()
    shutil.copy(GUESTS / "hello.wasm", apps / "hello.wasm")
    shutil.copy(GUESTS / "hello_http.wasm", apps / "hello-http.wasm")
    shutil.copy(GUESTS / "hello_http03.wasm", apps / "hello-http03.wasm")
    for name, instances in {
        "hello": "reuse = 1000000",
        "hello-http": "reuse = 1000000",
        "hello-http03": "reuse = 128\nconcurrent = 16",
    }.items():
        shutil.copy(apps / f"{name}.wasm", apps / f"{name}-reused.wasm")
        (apps / f"{name}-reused.toml").write_text(f"[instances]\n{instances}\n")
    ours = [str(HOST), "serve", str(apps), "--state", str(folder / "state"),
            "--listen", "127.0.0.1:18081"]
    yield "native hyper (the floor)", [str(TARGET / "floor/release/floor"), "127.0.0.1:18080"], "http://127.0.0.1:18080/"
    yield "guesthouse, gateway, fresh", ours, "http://127.0.0.1:18081/hello/"
    yield "guesthouse, gateway, reused", ours, "http://127.0.0.1:18081/hello-reused/"
    yield "guesthouse, wasi:http 0.2, fresh", ours, "http://127.0.0.1:18081/hello-http/"
    yield "guesthouse, wasi:http 0.2, reused", ours, "http://127.0.0.1:18081/hello-http-reused/"
    yield "guesthouse, wasi:http 0.3, fresh", ours, "http://127.0.0.1:18081/hello-http03/"
    yield "guesthouse, wasi:http 0.3, 128 × 16", ours, "http://127.0.0.1:18081/hello-http03-reused/"
    if shutil.which("wasmtime"):
        serve = ["wasmtime", "serve", "-S", "cli", "--addr", "127.0.0.1:18082"]
        component = str(GUESTS / "hello_http.wasm")
        tuned = [part for option in TUNED for part in ("-O", option)]
        yield "wasmtime serve, 0.2", [*serve, component], "http://127.0.0.1:18082/"
        yield "wasmtime serve, 0.2, tuned", [*serve, *tuned, component], "http://127.0.0.1:18082/"
        reused = [*serve, *tuned, "--max-instance-reuse-count", "1000000", component]
        yield "wasmtime serve, 0.2, tuned, reused", reused, "http://127.0.0.1:18082/"
        asynchronous = [*serve, *tuned, "-S", "p3", "-W", "component-model-async", str(GUESTS / "hello_http03.wasm")]
        yield "wasmtime serve, 0.3, tuned, 128 × 16", asynchronous, "http://127.0.0.1:18082/"
    else:
        print("wasmtime is not installed: its rows are left out", file=sys.stderr)


def load(url, connections, seconds):
    command = ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", url]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    errors = re.search(r"Socket errors: (.*)", text)
    if failed or errors:
        raise SystemExit(f"{url}: {failed or ''} {errors or ''}\n{text}")
    requests = int(re.search(r"(\d+) requests in", text).group(1))
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1))
    p99 = re.search(r"99%\s+(\S+)", text).group(1)
    return requests, rate, p99


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", default="16,64")
    options = parser.parse_args()
    if not shutil.which("wrk"):
        raise SystemExit("wrk is not installed (Debian's package `wrk`)")
    build("hello", "hello-http", "hello-http03")
    cargo("build", "--release", "--manifest-path", "bench/floor/Cargo.toml", "--target-dir", str(TARGET / "floor"))
    with tempfile.TemporaryDirectory(prefix="guesthouse-bench-") as name, open(f"{name}/log", "w") as log:
        rows = list(peers(pathlib.Path(name)))
        cells = {}
        for connections in map(int, options.connections.split(",")):
            for _ in range(options.rounds):
                for peer, command, url in rows:
                    with running(command, url, log, cores="0") as pid:
                        load(url, connections, 1)
                        before = cpu_seconds(pid)
                        requests, rate, p99 = load(url, connections, options.seconds)
                        cpu = (cpu_seconds(pid) - before) / requests * 1e6
                        cells.setdefault((connections, peer), []).append((cpu, rate, p99))
        for connections in map(int, options.connections.split(",")):
            floor = statistics.median(cell[0] for cell in cells[connections, rows[0][0]])
            print(f"\n{connections} connections\n\n| host | CPU µs/request | × floor | requests/s |\n|---|---:|---:|---:|")
            for peer, _, _ in rows:
                measured = cells[connections, peer]
                cpu = statistics.median(cell[0] for cell in measured)
                rate = statistics.median(cell[1] for cell in measured)
                print(f"| {peer} | {cpu:.1f} | {cpu / floor:.1f} | {rate:,.0f} |")


if __name__ == "__main__":
    main()
