#!/usr/bin/env python3
"""What hashing a password costs in a guest in Python, beside this machine's own Python: CPU seconds, and their ratio.

    python3 bench/passwords.py --guesthouse target/dist/guesthouse

An app is written, built and served on loopback; the CPU time is that of the host's process, less what an empty request takes.
"""

import argparse
import hashlib
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time
import urllib.request

CALLS = {
    "PBKDF2, SHA-256, a million rounds": "hashlib.pbkdf2_hmac('sha256', b'password', b'salt', 1_000_000)",
    "scrypt, n = 32768, r = 8, p = 1": "hashlib.scrypt(b'password', salt=b'salt', n=32768, r=8, p=1, maxmem=2**27)",
}
APP = """import hashlib

CALLS = [%s]


def app(environ, start_response):
    which = environ.get("QUERY_STRING")
    start_response("200 OK", [("content-type", "text/plain")])
    return [(CALLS[int(which)]() if which else b"").hex().encode()]
"""
# The app's own bounds on computing would end it.
MANIFEST = '[limits]\ncpu = "30s"\nmemory = "256MiB"\n'
TICKS = os.sysconf("SC_CLK_TCK")
START_SECONDS_MAX = 300


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--guesthouse", default="guesthouse", help="the program (default: the one on PATH)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is asked (default: 5)")
    given = parser.parse_args()
    program = shutil.which(given.guesthouse) or os.path.abspath(given.guesthouse)
    with tempfile.TemporaryDirectory(prefix="guesthouse-passwords-") as home:
        os.mkdir(home + "/hashes")
        with open(home + "/hashes/app.py", "w", encoding="utf-8") as file:
            file.write(APP % ", ".join("lambda: " + call for call in CALLS.values()))
        subprocess.run([program, "build", home + "/hashes", "--apps", home + "/apps"], check=True)
        with open(home + "/apps/hashes.toml", "w", encoding="utf-8") as file:
            file.write(MANIFEST)
        serve = [program, "serve", home + "/apps", "--listen", "127.0.0.1:0", "--state", home + "/state"]
        with subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as host:
            try:
                address = re.search(r"http://\S+?(?=/?$)", host.stdout.readline()).group()
                compare(host.pid, address + "/hashes/", given.rounds)
            finally:
                host.terminate()


def compare(pid, page, rounds):
    until = time.monotonic() + START_SECONDS_MAX
    while ask(page, quiet=True) is None and time.monotonic() < until:
        time.sleep(0.5)
    empty = statistics.median(cost(pid, page)[0] for _ in range(rounds))
    print("| | guest | native | ratio |\n|---|---|---|---|")
    for which, (name, call) in enumerate(CALLS.items()):
        native, expected = [], None
        for _ in range(rounds):
            begun = time.process_time()
            expected = eval(call, {"hashlib": hashlib}).hex()
            native.append(time.process_time() - begun)
        guest = []
        for _ in range(rounds):
            took, answer = cost(pid, "%s?%d" % (page, which))
            assert answer == expected, (name, answer, expected)
            guest.append(took - empty)
        mine, theirs = statistics.median(guest), statistics.median(native)
        print("| %s | %.2f s | %.2f s | %.1f |" % (name, mine, theirs, mine / theirs))


def cost(pid, page):
    """CPU seconds of the host for one request, and what was answered."""
    before = used(pid)
    answer = ask(page)
    return used(pid) - before, answer


def used(pid):
    with open("/proc/%d/stat" % pid, encoding="utf-8") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def ask(page, quiet=False):
    try:
        with urllib.request.urlopen(page, timeout=60) as answer:
            return answer.read().decode()
    except OSError:
        if quiet:
            return None
        raise


if __name__ == "__main__":
    main()
