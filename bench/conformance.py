#!/usr/bin/env python3
"""The service tests of the WASI test suite, as they are: what passes here, and what in `wasmtime serve`.

    git clone --depth 1 --branch prod/testsuite-base https://github.com/WebAssembly/wasi-testsuite
    python3 bench/conformance.py wasi-testsuite [--host target/dist/guesthouse]

That branch holds the suite's components as its own CI built them, and beside each a JSON file with requests and what
the answers must be. Those for the world `wasi:http/service` are served, one after the other: by our host (built here,
unless `--host` names one) as the app `index`, which answers at `/`, and by `wasmtime`, where it is installed. Those
that are clients of a server of the suite's runner are left out by name: outgoing HTTP is granted to nobody here. Ends
with 1 when our host fails one. Loopback only, bounded in time.
"""

import argparse
import contextlib
import http.client
import json
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from common import HOST, cargo

SERVICE = "wasi:http/service"
SIGNALS = {"SIGINT": signal.SIGINT, "SIGTERM": signal.SIGTERM}


def tests(checkout):
    """Name, component and operations of each test for a service."""
    for described in sorted(checkout.glob("tests/**/*.json")):
        component = described.with_suffix(".wasm")
        text = json.loads(described.read_text()) if component.is_file() else {}
        if not isinstance(text, dict) or text.get("world") != SERVICE:
            continue
        if "servers" in text:
            print(f"left out: {described.stem}, a client of a server that the suite's own runner starts")
        else:
            yield described.stem, component, text["operations"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ours(host, component, folder, port):
    apps = folder / "apps"
    apps.mkdir()
    shutil.copy(component, apps / "index.wasm")
    return [str(host), "serve", str(apps), "--state", str(folder / "state"), "--listen", f"127.0.0.1:{port}"]


def peer(component, port):
    return ["wasmtime", "serve", "-S", "cli,p3", "-W", "component-model-async", "--addr", f"127.0.0.1:{port}",
            str(component)]


class Failed(Exception):
    """What was not as the test wants it."""


def wait_for(server, port, ready):
    """Until the server listens and, where it says so itself, serves."""
    deadline = time.monotonic() + 60
    while True:
        if server.poll() is not None or time.monotonic() > deadline:
            raise Failed("the server does not answer")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            if ready():
                return
        time.sleep(0.02)


def ask(port, operation):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    body = operation.get("body")
    what = f"{operation['method']} {operation['path']}"
    try:
        connection.request(operation["method"], operation["path"], body=None if body is None else body.encode(),
                           headers=operation.get("headers", {}))
        answer = connection.getresponse()
        content = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise Failed(f"{what}: {error!r}") from error
    finally:
        connection.close()
    expected = operation["response"]
    if answer.status != expected.get("status", answer.status):
        raise Failed(f"{what}: status {answer.status} instead of {expected['status']}")
    for name, value in expected.get("headers", {}).items():
        if answer.getheader(name) != value:
            raise Failed(f"{what}: {name}: {answer.getheader(name)!r} instead of {value!r}")
    if "body" in expected and content != expected["body"].encode():
        raise Failed(f"{what}: {content!r} instead of {expected['body']!r}")


def run(command, port, ready, operations, log):
    """Goes through one test's operations. The server is ended, whatever becomes of it."""
    server = None
    try:
        for operation in operations:
            match operation["type"]:
                case "run":
                    server = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
                    wait_for(server, port, ready)
                case "request":
                    ask(port, operation)
                case "kill":
                    server.send_signal(SIGNALS[operation["signal"]])
                case "wait":
                    server.wait(30)
                case unknown:
                    raise Failed(f"the operation `{unknown}` is unknown to this script")
    finally:
        if server and server.poll() is None:
            server.kill()
            server.wait()


def attempt(name, server, command, port, ready, operations, log):
    try:
        run(command, port, ready, operations, log)
    except (Failed, subprocess.TimeoutExpired) as why:
        print(f"{server:<12} {name:<24} FAILED: {why}")
        return False
    print(f"{server:<12} {name:<24} passed")
    return True


def status_is_ready(folder):
    """The host says in its state directory when it has decided on everything in the folder."""
    with contextlib.suppress(OSError, ValueError):
        return json.loads((folder / "state/status.json").read_text())["ready"]
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=pathlib.Path)
    parser.add_argument("--host", type=pathlib.Path)
    options = parser.parse_args()
    found = list(tests(options.checkout))
    if not found:
        raise SystemExit(f"no test for `{SERVICE}` with a built component in {options.checkout}; see --help")
    host = options.host
    if host is None:
        cargo("build", "--profile", "dist", "--bin", "guesthouse")
        host = HOST
    passed = []
    for name, component, operations in found:
        with tempfile.TemporaryDirectory(prefix="guesthouse-conformance-") as folder, \
                open(f"{folder}/log", "w+") as log:
            folder, port = pathlib.Path(folder), free_port()
            command = ours(host.resolve(), component, folder, port)
            ready = lambda: status_is_ready(folder)
            passed.append(attempt(name, "guesthouse", command, port, ready, operations, log))
            if not passed[-1]:
                log.seek(0)
                sys.stdout.write(log.read())
            if shutil.which("wasmtime"):
                port = free_port()
                attempt(name, "wasmtime", peer(component, port), port, lambda: True, operations, log)
    print(f"guesthouse passed {sum(passed)} of {len(passed)}")
    return not all(passed)


if __name__ == "__main__":
    sys.exit(main())
