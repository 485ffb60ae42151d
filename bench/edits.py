#!/usr/bin/env python3
"""From an edit to the first answer by the edited source under `guesthouse dev`, in milliseconds.

    python3 bench/edits.py [--edits 10] [--only hono] [--no-build] [--host PATH] [--screen]

Samples in Flask, Hono and plain JavaScript and a crate like those of `guesthouse new`, each copied and asked again and
again without a pause while a line of it is edited. A source in Python is mounted over what was built of it, one in
JavaScript is evaluated by instances, one in Rust is built again; the first edit of each is left out, and what they are
built with is made before. "First" is the answer that shows the edit first: its instance loads the app, or imports it.
With `--screen`, nobody asks: a page stands open in Chromium (with chromedriver), and the time is that until it shows the
edit. The builders' tools are kept in the target folder. Loopback only, bounded in number.
"""

import argparse
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time
import urllib.request

from common import HOST, ROOT, TARGET, build, started, with_tools

PORT = 18086
DRIVER_PORT = 18087
# Sample → its folder, the file that is edited, a line of it, and that line with a number in it; and the page that shows it.
SAMPLES = {
    "flask": ("guest-apps/python/flask", "app.py", 'return render_template("hello.html", name=name)', 'return "edit %d"', "/hello/Ada"),
    "hono": ("guest-apps/javascript/hono", "src/index.js", "\nexport default app", '\napp.get("/edited", (c) => c.text("edit %d"));\n\nexport default app', "/edited"),
    "fetch": ("guest-apps/javascript/fetch", "src/index.js", '?? "hello"', '?? "edit %d"', "/greeting"),
    "rust": (None, "src/lib.rs", '"edit"', '"edit %d"', "/"),
}
CARGO = """[package]
name = "rust"
version = "0.1.0"
edition = "2024"

[lib]
crate-type = ["cdylib"]

[dependencies]
guesthouse-sdk = { path = "%s" }
"""
RUST = """use guesthouse::{Request, Response, ResponseExt};

guesthouse::app!(handle);

fn handle(_request: Request) -> Response {
    Response::text("edit")
}
"""


def lay(folder, source):
    """Copies the sample, or writes a crate."""
    if folder:
        shutil.copytree(ROOT / folder, source)
    else:
        (source / "src").mkdir(parents=True)
        (source / "Cargo.toml").write_text(CARGO % (ROOT / "sdk/rust"))
        (source / "src/lib.rs").write_text(RUST)


def measure(host, name, home, edits, screen):
    folder, file, line, edited, page = SAMPLES[name]
    source = home / name
    lay(folder, source)
    text = (source / file).read_text()
    if line not in text:
        raise SystemExit(f"{source / file} has no {line!r}")
    command = ["env", f"--chdir={home}", str(host), "dev", str(source), "--listen", f"127.0.0.1:{PORT}"]
    times, firsts = [], []
    with open(home / "log", "w") as log, started(command, log), contextlib.ExitStack() as ends:
        until(f"/{name}/", lambda status, _: status == 200, 600, pause=0.2)
        shows = ends.enter_context(window(f"/{name}{page}")) if screen else None
        for number in range(edits + 1):
            begun = time.monotonic()
            (source / file).write_text(text.replace(line, edited % number))
            if screen:
                first = shows(f"edit {number}", 120)
            else:
                first = until(f"/{name}{page}", lambda _, body: f"edit {number}".encode() in body, 120)
            times.append((time.monotonic() - begun) * 1000)
            firsts.append(first * 1000)
            # What the edit before has left to do is over.
            time.sleep(0.5)
    return times[1:], firsts[1:]


def until(path, is_so, seconds, pause=0):
    """Asks again and again, and says how long the answer took."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
        try:
            asked = time.monotonic()
            connection.request("GET", path)
            answer = connection.getresponse()
            if is_so(answer.status, answer.read()):
                return time.monotonic() - asked
            time.sleep(pause)
        except OSError:
            time.sleep(0.02)
        finally:
            connection.close()
    raise SystemExit(f"{path} does not show what was edited")


@contextlib.contextmanager
def window(path):
    """A browser's window with this page (W3C WebDriver), and what waits for a text in it."""
    base = f"http://127.0.0.1:{DRIVER_PORT}"

    def told(method, path, what=None):
        data = None if what is None else json.dumps(what).encode()
        request = urllib.request.Request(base + path, data, {"content-type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def shows(text, seconds):
        deadline = time.monotonic() + seconds
        script = {"script": "return document.body ? document.body.innerText : ''", "args": []}
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                asked = time.monotonic()
                if text in told("POST", f"{session}/execute/sync", script):
                    return time.monotonic() - asked
        raise SystemExit(f"{path} does not show `{text}`")

    driver = subprocess.Popen(["chromedriver", f"--port={DRIVER_PORT}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(500):
            with contextlib.suppress(OSError):
                if told("GET", "/status")["ready"]:
                    break
            time.sleep(0.02)
        options = {"goog:chromeOptions": {"args": ["--headless", "--no-sandbox", "--disable-gpu"]}}
        session = "/session/" + told("POST", "/session", {"capabilities": {"alwaysMatch": options}})["sessionId"]
        try:
            told("POST", f"{session}/url", {"url": f"http://localhost:{PORT}{path}"})
            yield shows
        finally:
            told("DELETE", session)
    finally:
        driver.terminate()
        driver.wait(20)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--edits", type=int, default=10)
    parser.add_argument("--only", choices=SAMPLES, action="append", help="this sample, and no others that are not named")
    parser.add_argument("--screen", action="store_true", help="waits for a page in a browser instead of asking")
    parser.add_argument("--no-build", action="store_true", help="measures the host that was built before")
    parser.add_argument("--host", default=HOST, type=pathlib.Path, help="another program to measure, with --no-build")
    options = parser.parse_args()
    if not options.no_build:
        build("hello")
    # `dev` is started by this process, and its tools lie where those of the other scripts do.
    os.environ.update(with_tools())
    os.environ.setdefault("CARGO_TARGET_DIR", str(TARGET / "bench-edits"))
    print("| sample | edits | median ms | min | max | first: median ms |\n|---|---:|---:|---:|---:|---:|")
    for name in options.only or SAMPLES:
        with tempfile.TemporaryDirectory(prefix="guesthouse-bench-") as home:
            times, firsts = measure(options.host.resolve(), name, pathlib.Path(home), options.edits, options.screen)
        middle = f"{statistics.median(times):.0f} | {min(times):.0f} | {max(times):.0f} | {statistics.median(firsts):.0f}"
        print(f"| {name} | {len(times)} | {middle} |", flush=True)


if __name__ == "__main__":
    main()
