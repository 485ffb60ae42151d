#!/usr/bin/env python3
"""What visitors cost who say nothing, or half a head: the host's memory for each, and whether others are still served.

    python3 bench/idle.py [--count 1000] [--host target/dist/guesthouse]

Four kinds, each against a host of its own: connections that never said a word; that had an answer and stay (keep-alive);
that sent half a head; and that drip a byte of it each second. While they stand, a neighbour on connections of his own
must have every answer within a second. Counted is what is anonymous in the process and what is resident, before and
while they stand, once they have been there for two seconds. The kernel's buffers are not in it. The host is built here
as it is shipped, unless `--host` names one; then the guest `hello` must be built as well. Loopback only, bounded in number;
exit code 1 when the neighbour was not served, or when one costs more than 64 KiB.
"""

import argparse
import http.client
import pathlib
import resource
import socket
import sys
import tempfile
import time

from common import HOST, build, component, running

PORT = 18097
BYTES_MAX = 64 << 10
WHOLE = b"GET /hello/ HTTP/1.1\r\nhost: localhost\r\n\r\n"
HALF = WHOLE[:20]
KINDS = {"silent": b"", "keep-alive": WHOLE, "half a head": HALF, "dripping": HALF}
SECONDS = 2
# All come from one address here, and are to stay.
SETTINGS = """
[serve]
head_timeout = "5m"
keep_alive_idle = "5m"
connections_per_address_max = 100000
"""
ASKED = 100


def memory(pid):
    """Anonymous and resident bytes."""
    status = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
    return tuple(int(status[key].split()[0]) * 1024 for key in ("RssAnon", "VmRSS"))


def connected(words, count):
    visitors = []
    for _ in range(count):
        visitor = socket.create_connection(("127.0.0.1", PORT), timeout=5)
        if words:
            visitor.sendall(words)
        if words == WHOLE and not visitor.recv(4096).startswith(b"HTTP/1.1 200"):
            raise SystemExit("a visitor was not answered")
        visitors.append(visitor)
    return visitors


def longest_answer():
    """The longest of some answers to a neighbour, in seconds."""
    longest = 0
    for _ in range(ASKED):
        begun = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=5)
        connection.request("GET", "/hello/")
        if connection.getresponse().status != 200:
            raise SystemExit("the neighbour was not answered")
        connection.close()
        longest = max(longest, time.monotonic() - begun)
    return longest


def measure(kind, count, host):
    with tempfile.TemporaryDirectory(prefix="guesthouse-idle-") as folder, open(f"{folder}/log", "w+") as log:
        home = pathlib.Path(folder)
        (home / "apps").mkdir()
        (home / "apps/hello.wasm").write_bytes(component("hello"))
        (home / "host.toml").write_text(SETTINGS)
        command = [str(host), "serve", str(home / "apps"), "--state", str(home / "state"), "--config",
                   str(home / "host.toml"), "--listen", f"127.0.0.1:{PORT}"]
        with running(command, f"http://127.0.0.1:{PORT}/hello/", log) as pid:
            longest_answer()
            before = memory(pid)
            visitors = connected(KINDS[kind], count)
            for at in range(SECONDS):
                time.sleep(1)
                if kind == "dripping":
                    for visitor in visitors:
                        visitor.sendall(WHOLE[len(HALF) + at:len(HALF) + at + 1])
            after = memory(pid)
            longest = longest_answer()
            for visitor in visitors:
                visitor.close()
    each = [(now - then) / count for now, then in zip(after, before)]
    print(f"{kind:<12} {count:>6} connections: {each[0] / 1024:6.1f} KiB anonymous each, {each[1] / 1024:6.1f} KiB resident; "
          f"the neighbour's longest answer of {ASKED}: {longest * 1000:.1f} ms")
    return each[1] <= BYTES_MAX and longest < 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--host", type=pathlib.Path)
    options = parser.parse_args()
    if options.host is None:
        build("hello")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    fits = [measure(kind, options.count, options.host or HOST) for kind in KINDS]
    return not all(fits)


if __name__ == "__main__":
    sys.exit(main())
