#!/usr/bin/env python3
"""What an interpreter costs in a guest, without a server around it: the sample in Flask, called in a loop.

    python3 bench/interpreter.py [--rounds 5] [--no-build]

The same page 300 times within one request, by this machine's own Python and by the guest under `wasmtime serve`: as it
comes, and with a timeout, for which wasmtime puts a check for interruption into every function and loop, as this host
has it done. Beside it, in the guest alone: a call of the host's that does nothing much, and a resource of the host's that
is made and given back. Microseconds, medians over the rounds; each round in the guest is a fresh instance.

Needs `wasmtime` and the builders' tools, which are kept in the target folder. Loopback only, ends by itself.
"""

import argparse
import json
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import urllib.request

from common import HOST, ROOT, build, running, with_tools
from frameworks import environment

PORT = 18087
LOOP = '''
import io, json, time
from app import app

ENVIRON = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/hello/Ada", "QUERY_STRING": "", "SERVER_NAME": "localhost",
           "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "localhost", "wsgi.version": (1, 0),
           "wsgi.url_scheme": "http", "wsgi.errors": io.StringIO(), "wsgi.multithread": False, "wsgi.multiprocess": True,
           "wsgi.run_once": False}


def page():
    answer = app({**ENVIRON, "wsgi.input": io.BytesIO()}, lambda status, headers, exc_info=None: None)
    body = b"".join(answer)
    answer.close()
    assert b"Ada" in body


def per(count, call):
    call()
    begun = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - begun) / count * 1e6


def found():
    figures = {"a page of Flask": per(300, page)}
    try:
        from wit_world.imports.types import Fields
    except ImportError:
        return figures
    fields = Fields.from_list([])
    figures["a call of the host"] = per(2000, lambda: fields.has("a"))
    fields.__exit__(None, None, None)
    figures["a resource, made and given back"] = per(2000, lambda: Fields.from_list([]).__exit__(None, None, None))
    return figures


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    # At the build there is no host to call.
    return [json.dumps(found() if environ["PATH_INFO"] == "/found" else {}).encode()]
'''


def medians(rounds):
    return {what: statistics.median(one[what] for one in rounds) for what in rounds[0]}


def native(python, source, count):
    command = ["taskset", "-c", "0", python, "-c", "import json, loop; print(json.dumps(loop.found()))"]
    run = lambda: subprocess.run(command, cwd=source, capture_output=True, text=True, check=True).stdout
    return medians([json.loads(run()) for _ in range(count)])


def guest(component, flags, count, log):
    command = ["wasmtime", "serve", *flags, "-S", "cli", "--addr", f"127.0.0.1:{PORT}", str(component)]
    url = f"http://127.0.0.1:{PORT}"
    with running(command, f"{url}/", log, cores="0"):
        return medians([json.load(urllib.request.urlopen(f"{url}/found", timeout=60)) for _ in range(count)])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-build", action="store_true", help="builds the sample with the host that was built before")
    options = parser.parse_args()
    if not shutil.which("wasmtime"):
        raise SystemExit("wasmtime is not installed (`cargo install wasmtime-cli --locked`)")
    if not options.no_build:
        build("hello")
    python = environment() / "bin/python"
    with tempfile.TemporaryDirectory(prefix="guesthouse-bench-") as home, open(f"{home}/log", "w") as log:
        source, apps = pathlib.Path(home, "loop"), pathlib.Path(home, "apps")
        shutil.copytree(ROOT / "guest-apps/python/flask", source)
        (source / "loop.py").write_text(LOOP)
        (source / "guesthouse.toml").write_text('[build]\napp = "loop:application"\n')
        subprocess.run([HOST, "build", source, "--apps", apps], env=with_tools(), check=True)
        rows = {
            "native": native(python, source, options.rounds),
            "guest": guest(apps / "loop.wasm", [], options.rounds, log),
            "guest, can be interrupted": guest(apps / "loop.wasm", ["-W", "timeout=60s"], options.rounds, log),
        }
    print("\n| | " + " | ".join(rows["guest"]) + " |\n|---|" + "---:|" * len(rows["guest"]))
    for name, row in rows.items():
        cells = (f"{row[what]:.1f}" if what in row else "" for what in rows["guest"])
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
