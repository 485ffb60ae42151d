"""Who is measured, as rows of a table: the floor, ours in each lane, and the peers that are installed."""

import pathlib
import shutil
import subprocess
import sys
from typing import NamedTuple

from common import GUESTS, HOST, TARGET, cargo

FLOOR = "native hyper (the floor)"
BODY = b"." * 65536

# Reuse without an end, and as `wasmtime serve` has it for a 0.3 component: 128 requests, 16 of them at once.
REUSED = "reuse = 1000000"
MEETING = "reuse = 128\nconcurrent = 16"

TUNED = (
    "pooling-memory-keep-resident=4194304 pooling-table-keep-resident=1048576 "
    "pooling-async-stack-keep-resident=1048576 pooling-max-unused-warm-slots=1000 pooling-pagemap-scan=y"
).split()
TUNING = [part for option in TUNED for part in ("-O", option)]
ENDLESS = ["--max-instance-reuse-count", "1000000"]
ASYNCHRONOUS = ["-S", "p3", "-W", "component-model-async"]

WORKER = """
const large = new Uint8Array(65536).fill(46);
export default {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/64k") return new Response(large);
    if (pathname === "/echo") return new Response(request.body);
    return new Response("<h1>hello</h1>", { headers: { "content-type": "text/html; charset=utf-8" } });
  },
};
"""
WORKER_CONFIG = """
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "127.0.0.1:18083", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "worker.js")],
  compatibilityDate = "2026-11-01",
);
"""


class Load(NamedTuple):
    """What is asked for, and of which guests."""

    title: str
    # At the floor and at workerd.
    path: str
    # What is posted, if anything is.
    body: bytes | None
    # How long the answer has to be; `None` is any length.
    answer_bytes: int | None
    # Row, guest, path within the guest, `[instances]` of its manifest.
    ours: list
    # Row, guest, path, options of `wasmtime serve`.
    wasmtime: list


class Row(NamedTuple):
    """One server, and where it is asked."""

    name: str
    command: list
    url: str


LOADS = {
    "hello": Load(
        "GET, a few bytes come back", "/", None, None,
        [
            ("gateway, fresh", "hello", "/", None),
            ("gateway, reused", "hello", "/", REUSED),
            ("wasi:http 0.2, fresh", "hello-http", "/", None),
            ("wasi:http 0.2, reused", "hello-http", "/", REUSED),
            ("wasi:http 0.3, fresh", "hello-http03", "/", None),
            ("wasi:http 0.3, 128 × 16", "hello-http03", "/", MEETING),
        ],
        [
            ("0.2", "hello-http", "/", []),
            ("0.2, tuned", "hello-http", "/", TUNING),
            ("0.2, tuned, reused", "hello-http", "/", [*TUNING, *ENDLESS]),
            ("0.3, tuned, 128 × 16", "hello-http03", "/", [*TUNING, *ASYNCHRONOUS]),
        ],
    ),
    "64k": Load(
        "GET, 64 KiB come back", "/64k", None, len(BODY),
        [
            ("gateway, reused", "bad-big", f"/?bytes={len(BODY)}", REUSED),
            ("wasi:http 0.2, reused", "flow", f"/flood?bytes={len(BODY)}", REUSED),
            ("wasi:http 0.3, 128 × 16", "flow-http03", f"/flood?bytes={len(BODY)}", MEETING),
        ],
        [
            ("0.2, tuned, reused", "flow", f"/flood?bytes={len(BODY)}", [*TUNING, *ENDLESS]),
            ("0.3, tuned, 128 × 16", "flow-http03", f"/flood?bytes={len(BODY)}", [*TUNING, *ASYNCHRONOUS]),
        ],
    ),
    "echo": Load(
        "POST, 64 KiB come back as they come", "/echo", BODY, len(BODY),
        [
            ("wasi:http 0.2, reused", "echo", "/", REUSED),
            ("wasi:http 0.2, reused, spliced", "flow", "/splice", REUSED),
            ("wasi:http 0.3, 128 × 16", "echo-http03", "/", MEETING),
        ],
        [
            ("0.2, tuned, reused", "echo", "/", [*TUNING, *ENDLESS]),
            ("0.2, tuned, reused, spliced", "flow", "/splice", [*TUNING, *ENDLESS]),
            ("0.3, tuned, 128 × 16", "echo-http03", "/", [*TUNING, *ASYNCHRONOUS]),
        ],
    ),
}


def guests(loads):
    """The guests that these loads need."""
    return sorted({guest for load in loads for _, guest, _, _ in [*LOADS[load].ours, *LOADS[load].wasmtime]})


def build_floor():
    cargo("build", "--release", "--manifest-path", "bench/floor/Cargo.toml", "--target-dir", str(TARGET / "floor"))


def floor(load):
    command = [str(TARGET / "floor/release/floor"), "127.0.0.1:18080"]
    return Row(FLOOR, command, f"http://127.0.0.1:18080{load.path}")


def busier(load):
    """The floor made slower by computing: what such a row costs beyond that and beyond the floor is the price of waking a
    load that sleeps between the answers of a slow server, and everybody pays it."""
    for micros in (10, 25) if load.path == "/" else ():
        plain = floor(load)
        yield plain._replace(name=f"{plain.name}, {micros} µs busier", url=f"{plain.url}busy/{micros}")


def ours(load, folder):
    """Our rows: one host for all of them, with every app in its folder."""
    apps = folder / "apps"
    apps.mkdir(exist_ok=True)
    command = [str(HOST), "serve", str(apps), "--state", str(folder / "state"), "--listen", "127.0.0.1:18081"]
    for name, guest, path, instances in load.ours:
        app = guest if instances is None else f"{guest}-reused"
        shutil.copy(GUESTS / f"{guest.replace('-', '_')}.wasm", apps / f"{app}.wasm")
        if instances is not None:
            (apps / f"{app}.toml").write_text(f"[instances]\n{instances}\n")
        yield Row(f"guesthouse, {name}", command, f"http://127.0.0.1:18081/{app}{path}")


def wasmtime(load):
    if not shutil.which("wasmtime"):
        print("wasmtime is not installed: its rows are left out", file=sys.stderr)
        return
    for name, guest, path, options in load.wasmtime:
        file = GUESTS / f"{guest.replace('-', '_')}.wasm"
        command = ["wasmtime", "serve", "-S", "cli", "--addr", "127.0.0.1:18082", *options, str(file)]
        yield Row(f"wasmtime serve, {name}", command, f"http://127.0.0.1:18082{path}")


def workerd(load, folder):
    if not shutil.which("workerd"):
        print("workerd is not installed: its row is left out", file=sys.stderr)
        return
    # Where npm ran no install script, `workerd` is a script that starts the program: another process, whose CPU time
    # would not be counted.
    program = pathlib.Path(shutil.which("workerd")).resolve()
    if program.read_bytes()[:4] != b"\x7fELF":
        print(f"{program} is not the program itself (npm ran no install script): its row is left out", file=sys.stderr)
        return
    (folder / "worker.js").write_text(WORKER)
    (folder / "workerd.capnp").write_text(WORKER_CONFIG)
    command = [str(program), "serve", str(folder / "workerd.capnp")]
    yield Row("workerd, one isolate for all", command, f"http://127.0.0.1:18083{load.path}")


def rows(load, folder):
    """Every row of one load. The floor comes first."""
    yield floor(load)
    yield from busier(load)
    yield from ours(load, folder)
    yield from wasmtime(load)
    yield from workerd(load, folder)
