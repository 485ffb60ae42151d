#!/usr/bin/env python3
"""Other people's conformance suites for HTTP, as they are, against our host.

    git clone https://github.com/uNetworking/h1spec
    python3 bench/suites.py h1spec h1spec [--host target/dist/guesthouse]

    go install github.com/summerwind/h2spec/cmd/h2spec@latest
    python3 bench/suites.py h2spec ~/go/bin/h2spec [--host target/dist/guesthouse]

h1spec is one TypeScript file for Deno, which is fetched from npm into a temporary folder where it is not installed. It
asks for `example.com`, which is therefore declared; h2spec asks for the address. The app stands at `/`. Our host is built
here, unless `--host` names one. What failed is explained in `docs/conformance.md`. Loopback only, bounded in time.
"""

import argparse
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from common import HOST, build, component, started

DENO = "deno@2"
# What h1spec wants is an echo; h2spec wants a body that is there at once.
APPS = {"h1spec": "echo-whole", "h2spec": "hello"}
SECONDS_MAX = 300


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def deno(folder):
    """The program, from the path or from npm."""
    if found := shutil.which("deno"):
        return found
    subprocess.run(["npm", "install", "--silent", "--prefix", folder, DENO], check=True, timeout=SECONDS_MAX)
    return f"{folder}/node_modules/.bin/deno"


def wait_until_ready(state, server):
    deadline = time.monotonic() + 60
    status = state / "status.json"
    while not (status.is_file() and json.loads(status.read_text()).get("ready")):
        if server.poll() is not None or time.monotonic() > deadline:
            raise SystemExit("the host is not ready")
        time.sleep(0.05)


def suite(options, folder, port):
    if options.suite == "h1spec":
        script = options.path / "http_test.ts" if options.path.is_dir() else options.path
        return [deno(folder), "run", "--allow-net", str(script), "127.0.0.1", str(port)]
    return [str(options.path), "-h", "127.0.0.1", "-p", str(port), "-o", "5"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", choices=["h1spec", "h2spec"])
    parser.add_argument("path", type=pathlib.Path, help="h1spec's checkout, or h2spec's program")
    parser.add_argument("--host", type=pathlib.Path, help="a built host; the guests are built already, too")
    options = parser.parse_args()
    options.app = APPS[options.suite]
    if options.host is None:
        build(options.app)
    with tempfile.TemporaryDirectory(prefix="guesthouse-suites-") as folder, open(f"{folder}/log", "w+") as log:
        home, port = pathlib.Path(folder), free_port()
        (home / "apps").mkdir()
        (home / "apps/index.wasm").write_bytes(component(options.app))
        command = [str(options.host or HOST), "serve", str(home / "apps"), "--state", str(home / "state"), "--listen",
                   f"127.0.0.1:{port}", "--host", "example.com"]
        with started(command, log) as server:
            wait_until_ready(home / "state", server)
            return subprocess.run(suite(options, folder, port), timeout=SECONDS_MAX).returncode


if __name__ == "__main__":
    sys.exit(main())
