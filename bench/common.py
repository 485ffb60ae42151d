"""What the scripts in this folder share: building, starting a server, counting its CPU time."""

import contextlib
import os
import pathlib
import signal
import subprocess
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
GUESTS = ROOT / "guest-apps/target/wasm32-wasip2/release"
HOST = TARGET / "dist/guesthouse"
# Stands in the guests named `revision`, before the number that they answer with.
MARK = b"GUESTHOUSE-REVISION-"
# What is measured does not depend on the shell: with this one set, every error of wasmtime's that the host expects and
# swallows (an app without `health` is one) walks the stack, at 3 KB and some microseconds each.
os.environ.pop("RUST_BACKTRACE", None)
os.environ.pop("RUST_LOG", None)


def cargo(*arguments):
    subprocess.run(["cargo", *arguments], cwd=ROOT, check=True)


def build(*guests):
    """Builds the host as it is shipped (profile `dist`), and these guest apps."""
    cargo("build", "--profile", "dist", "--bin", "guesthouse")
    packages = [part for guest in guests for part in ("-p", guest)]
    cargo("build", "--release", "--target", "wasm32-wasip2", "--manifest-path", "guest-apps/Cargo.toml", *packages)


def with_tools(tools=None):
    """An environment in which the builders' tools are kept between runs, or lie where they are said to."""
    kept = os.environ.get("GUESTHOUSE_TOOLS", TARGET / "bench-tools")
    return {**os.environ, "GUESTHOUSE_TOOLS": str(tools or kept)}


def component(guest):
    return (GUESTS / f"{guest.replace('-', '_')}.wasm").read_bytes()


def numbered(code, number):
    """The component of a guest named `revision` with another number in it: other bytes, and another answer."""
    at = code.index(MARK) + len(MARK)
    return code[:at] + f"{number:010}".encode() + code[at + 10:]


@contextlib.contextmanager
def running(command, url, log, cores=None):
    """A server, from its first answer at `url` to its end."""
    pinned = ["taskset", "-c", cores] if cores else []
    with started([*pinned, *command], log) as server:
        deadline = time.monotonic() + 60
        while not answers(url):
            if server.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{command[0]} does not answer at {url}; see {log.name}")
            time.sleep(0.02)
        yield server.pid


@contextlib.contextmanager
def started(command, log):
    """A server's process, from its start to its end."""
    server = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        yield server
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def cpu_seconds(pid):
    """CPU time of all threads, as the scheduler accounts for it."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError):
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9
