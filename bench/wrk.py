"""The load: `wrk`, and what it says of its requests."""

import contextlib
import json
import re
import shutil
import signal
import subprocess
import tempfile
from typing import NamedTuple

TIME = r"([\d.]+)(us|ms|s|m)\b"


class Load(NamedTuple):
    """One run, or what was left of it when it was ended early. Times in milliseconds."""

    answers: int
    failed: int
    seconds: float
    p50: float
    p99: float
    most: float

    @property
    def per_second(self):
        return self.answers / self.seconds

    @property
    def goodput(self):
        """Answers a second, without those that are an error."""
        return (self.answers - self.failed) / self.seconds

    @property
    def shed(self):
        """Errors a second."""
        return self.failed / self.seconds


def require():
    if not shutil.which("wrk"):
        raise SystemExit("wrk is not installed (Debian's package `wrk`)")


def begin(url, connections, seconds, script=None, cores=None):
    """A load that asks without a pause. It ends by itself after `seconds`."""
    pinned = ["taskset", "-c", cores] if cores else []
    scripted = ["-s", str(script)] if script else []
    command = [*pinned, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", *scripted, url]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def end(load, early=False, may_fail=False):
    """What came of it; at once if it is to end early, and then of what it has asked so far."""
    if early:
        load.send_signal(signal.SIGINT)
    text, _ = load.communicate()
    found = read(text)
    if load.returncode or not found.answers or found.failed and not may_fail or "Socket errors" in text:
        raise SystemExit(f"a load is no result:\n{text}")
    return found


def run(url, connections, seconds, script=None, cores=None, may_fail=False):
    return end(begin(url, connections, seconds, script, cores), may_fail=may_fail)


@contextlib.contextmanager
def posting(body):
    """A script that posts `body`; none, which gets, when there is no body."""
    if body is None:
        yield None
        return
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(f'wrk.method = "POST"\nwrk.body = {json.dumps(body.decode("ascii"))}\n')
        script.write('wrk.headers["Content-Type"] = "application/octet-stream"\n')
        script.flush()
        yield script.name


def read(text):
    answers = re.search(rf"(\d+) requests in {TIME}", text)
    most = re.search(rf"Latency\s+\S+\s+\S+\s+{TIME}", text)
    p50, p99 = (re.search(rf"{part}%\s+{TIME}", text) for part in (50, 99))
    if not (answers and most and p50 and p99):
        raise SystemExit(f"wrk says nothing that can be read:\n{text}")
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    times = (milliseconds(*time.groups()) for time in (p50, p99, most))
    seconds = milliseconds(*answers.groups()[1:]) / 1000
    return Load(int(answers.group(1)), int(failed.group(1)) if failed else 0, seconds, *times)


def milliseconds(number, unit):
    return float(number) * {"us": 1e-3, "ms": 1, "s": 1e3, "m": 6e4}[unit]
