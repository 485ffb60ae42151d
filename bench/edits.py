#!/usr/bin/env python3
"""From an edit to the first answer by the edited source under `guesthouse dev`, in milliseconds.

    python3 bench/edits.py [--edits 10] [--no-build]

The samples in Flask and Hono, each copied and asked again and again without a pause while a line of it is edited. A
source in Python is mounted over what was built of it, one in JavaScript is built again; the first edit of each is left
out. The builders' tools are kept in the target folder. Loopback only, bounded in number.
"""

import argparse
import http.client
import os
import pathlib
import re
import shutil
import statistics
import tempfile
import time

from common import HOST, ROOT, build, started, with_tools

PORT = 18086
# Sample → its folder, the file that is edited, a line of it, and that line with a number in it; and the page that shows it.
SAMPLES = {
    "flask": ("python/flask", "app.py", 'return render_template("hello.html", name=name)', 'return "edit %d"', "/hello/Ada"),
    "hono": ("javascript/hono", "src/index.js", None, 'app.get("/edited", (c) => c.text("edit %d"));', "/edited"),
}


def measure(name, home, edits):
    folder, file, line, edited, page = SAMPLES[name]
    source = home / name
    shutil.copytree(ROOT / "guest-apps" / folder, source)
    text = (source / file).read_text()
    command = ["env", f"--chdir={home}", str(HOST), "dev", str(source), "--listen", f"127.0.0.1:{PORT}"]
    times = []
    with open(home / "log", "w") as log, started(command, log):
        until(f"/{name}/", lambda status, _: status == 200, 300)
        for number in range(edits + 1):
            shown = edited % number
            # Hono takes a route before the last line, which exports the app.
            new = text.replace(line, shown) if line else re.sub(r"\nexport default", f"\n{shown}\n\nexport default", text)
            begun = time.monotonic()
            (source / file).write_text(new)
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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--edits", type=int, default=10)
    parser.add_argument("--no-build", action="store_true", help="measures the host that was built before")
    options = parser.parse_args()
    if not options.no_build:
        build("hello")
    # `dev` is started by this process, and its tools lie where those of the other scripts do.
    os.environ.update(with_tools())
    print("| sample | edits | median ms | min | max |\n|---|---:|---:|---:|---:|")
    for name in SAMPLES:
        with tempfile.TemporaryDirectory(prefix="guesthouse-bench-") as home:
            times = measure(name, pathlib.Path(home), options.edits)
        print(f"| {name} | {len(times)} | {statistics.median(times):.0f} | {min(times):.0f} | {max(times):.0f} |", flush=True)


if __name__ == "__main__":
    main()
