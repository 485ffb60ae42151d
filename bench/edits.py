#!/usr/bin/env python3
"""From an edit to the first answer by the edited source under `guesthouse dev`, in milliseconds.

    python3 bench/edits.py [--edits 10] [--no-build] [--screen]

The samples in Flask and Hono, each copied and asked again and again without a pause while a line of it is edited. A
source in Python is mounted over what was built of it, one in JavaScript is built again; the first edit of each is left
out. The builders' tools are kept in the target folder. With `--screen`, nobody asks: a page stands open in Chromium (with
chromedriver), and the time is that until it shows the edit. Loopback only, bounded in number.
"""

import argparse
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import tempfile
import time
import urllib.request

from common import HOST, ROOT, build, started, with_tools

PORT = 18086
DRIVER_PORT = 18087
# Sample → its folder, the file that is edited, a line of it, and that line with a number in it; and the page that shows it.
SAMPLES = {
    "flask": ("python/flask", "app.py", 'return render_template("hello.html", name=name)', 'return "edit %d"', "/hello/Ada"),
    "hono": ("javascript/hono", "src/index.js", None, 'app.get("/edited", (c) => c.text("edit %d"));', "/edited"),
}


def measure(name, home, edits, screen):
    folder, file, line, edited, page = SAMPLES[name]
    source = home / name
    shutil.copytree(ROOT / "guest-apps" / folder, source)
    text = (source / file).read_text()
    command = ["env", f"--chdir={home}", str(HOST), "dev", str(source), "--listen", f"127.0.0.1:{PORT}"]
    times = []
    with open(home / "log", "w") as log, started(command, log), contextlib.ExitStack() as ends:
        until(f"/{name}/", lambda status, _: status == 200, 300)
        shows = ends.enter_context(window(f"/{name}{page}")) if screen else None
        for number in range(edits + 1):
            shown = edited % number
            # Hono takes a route before the last line, which exports the app.
            new = text.replace(line, shown) if line else re.sub(r"\nexport default", f"\n{shown}\n\nexport default", text)
            begun = time.monotonic()
            (source / file).write_text(new)
            if screen:
                shows(f"edit {number}", 120)
            else:
                until(f"/{name}{page}", lambda _, body: f"edit {number}".encode() in body, 120)
            times.append((time.monotonic() - begun) * 1000)
    return times[1:]


def until(path, is_so, seconds):
    """Asks without a pause."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            if is_so(answer.status, answer.read()):
                return
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
                if text in told("POST", f"{session}/execute/sync", script):
                    return
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
    parser.add_argument("--screen", action="store_true", help="waits for a page in a browser instead of asking")
    parser.add_argument("--no-build", action="store_true", help="measures the host that was built before")
    options = parser.parse_args()
    if not options.no_build:
        build("hello")
    # `dev` is started by this process, and its tools lie where those of the other scripts do.
    os.environ.update(with_tools())
    print("| sample | edits | median ms | min | max |\n|---|---:|---:|---:|---:|")
    for name in SAMPLES:
        with tempfile.TemporaryDirectory(prefix="guesthouse-bench-") as home:
            times = measure(name, pathlib.Path(home), options.edits, options.screen)
        print(f"| {name} | {len(times)} | {statistics.median(times):.0f} | {min(times):.0f} | {max(times):.0f} |", flush=True)


if __name__ == "__main__":
    main()
