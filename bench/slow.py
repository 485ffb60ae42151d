#!/usr/bin/env python3
"""One slow visitor against others: what they are told, and how long they wait.

    python3 bench/slow.py [--seconds 60] [--looks 100] [--only state,uploads,streams,files] [--no-build] [--host FILE]

Each case is one attack by one address (127.0.0.1), beside looks at the same app from another (127.0.0.2):

- `state`: one upload of 704 bytes a second to an app on whose state one request at a time works;
- `uploads`: 70 uploads of 19 KiB a second in all, to a 0.2 app that reads bodies;
- `streams`: 100 streams of one HTTP/2 connection without a window, to a 0.2 app that writes without end;
- `files`: eleven such connections that ask for a static file of 64 KiB.

Printed are the looks that were not served, and p50 and p99 of them with and without the attack. Loopback only; it ends by
itself.
"""

import argparse
import contextlib
import http.client
import pathlib
import socket
import statistics
import tempfile
import threading
import time

from common import HOST, build, component, running

PORT = 18087
POLICY = '[policy]\nstate = true\n'
PIECE_SECONDS = 0.25


class Case:
    """An app, what is asked of it by the slow visitor, and what others look at."""

    def __init__(self, guest, manifest, look, attack):
        self.guest, self.manifest, self.look, self.attack = guest, manifest, look, attack


def upload(path, rate, stop):
    """An upload of `rate` bytes a second, which is begun anew when it was ended."""
    while not stop.is_set():
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", PORT)) as visitor:
            head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 15000000\r\n\r\n"
            visitor.sendall(head.encode())
            visitor.settimeout(0)
            while not stop.wait(PIECE_SECONDS):
                visitor.sendall(b"x" * max(1, int(rate * PIECE_SECONDS)))
                with contextlib.suppress(BlockingIOError):
                    if visitor.recv(65536):
                        break


def uploads(path, count, rate):
    def begin(stop):
        return [threading.Thread(target=upload, args=(path, rate / count, stop)) for _ in range(count)]

    return begin


def frame(kind, flags, stream, payload=b""):
    """One frame of HTTP/2 (RFC 9113 section 4.1)."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def fields(path):
    """The four pseudo fields of a GET, each a literal that is not indexed (RFC 7541 section 6.2.2)."""
    pairs = [(":method", "GET"), (":scheme", "http"), (":authority", "localhost"), (":path", path)]
    return b"".join(b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode() for name, value in pairs)


def unread(path, stop):
    """A connection that asks a hundred times and has no window, which is begun anew when it was cut."""
    settings = (4).to_bytes(2, "big") + bytes(4)
    asked = b"".join(frame(1, 5, 2 * at + 1, fields(path)) for at in range(100))
    while not stop.is_set():
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", PORT)) as visitor:
            visitor.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, settings) + asked)
            visitor.settimeout(PIECE_SECONDS)
            while not stop.is_set():
                try:
                    if not visitor.recv(65536):
                        break
                    visitor.sendall(frame(4, 1, 0))
                except TimeoutError:
                    pass


def connections(path, count):
    return lambda stop: [threading.Thread(target=unread, args=(path, stop)) for _ in range(count)]


CASES = {
    "state": Case("flow", "[state]\n", "/app/drop-body", uploads("/app/read-slow?ms=1", 1, 704)),
    "uploads": Case("flow", "", "/app/drop-body", uploads("/app/read-slow?ms=1", 70, 19 << 10)),
    "streams": Case("flow", "", "/app/drop-body", connections("/app/flood?bytes=1000000000", 1)),
    "files": Case("fields", '[[static]]\nfolder = "_app"\n', "/app/page.bin", connections("/app/page.bin", 11)),
}


def look(path):
    """The status of one request from another address, and its seconds."""
    begun = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30, source_address=("127.0.0.2", 0))
    try:
        connection.request("GET", path, headers={"host": "localhost"})
        response = connection.getresponse()
        response.read()
        return response.status, time.monotonic() - begun
    except (OSError, http.client.HTTPException):
        return 0, time.monotonic() - begun
    finally:
        connection.close()


def looks(path, count, seconds):
    found = []
    for _ in range(count):
        begun = time.monotonic()
        found.append(look(path))
        time.sleep(max(0, seconds / count - (time.monotonic() - begun)))
    return found


def row(name, found):
    times = sorted(1000 * seconds for _, seconds in found)
    refused = sum(status in (0, 408, 429, 503) for status, _ in found)
    p99 = times[min(len(times) - 1, len(times) * 99 // 100)]
    print(f"| {name} | {refused} of {len(found)} | {statistics.median(times):.1f} | {p99:.1f} | {times[-1]:.1f} |", flush=True)


def measure(name, case, options, home, log):
    apps = pathlib.Path(home, name, "apps")
    apps.mkdir(parents=True)
    (apps / "app.wasm").write_bytes(component(case.guest))
    (apps / "app.toml").write_text(case.manifest)
    (apps / "_app").mkdir()
    (apps / "_app" / "page.bin").write_bytes(b"." * (64 << 10))
    config = pathlib.Path(home, name, "guesthouse.toml")
    config.write_text(POLICY)
    command = [options.host, "serve", apps, "--listen", f"127.0.0.1:{PORT}", "--state", apps.parent / "state", "--config", config]
    with running([str(word) for word in command], f"http://127.0.0.1:{PORT}{case.look}", log):
        row(f"{name}, alone", looks(case.look, options.looks, min(5, options.seconds)))
        stop = threading.Event()
        threads = case.attack(stop)
        for thread in threads:
            thread.start()
        try:
            row(f"{name}, attacked", looks(case.look, options.looks, options.seconds))
        finally:
            stop.set()
            for thread in threads:
                thread.join()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--looks", type=int, default=100)
    parser.add_argument("--only", default=",".join(CASES), help="cases, separated by commas")
    parser.add_argument("--host", default=str(HOST), help="the program to measure")
    parser.add_argument("--no-build", action="store_true", help="measures what was built before")
    options = parser.parse_args()
    if not options.no_build:
        build(*sorted({CASES[name].guest for name in options.only.split(",")}))
    print("| case | not served | p50 ms | p99 ms | max ms |\n|---|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory(prefix="guesthouse-bench-") as home, open(pathlib.Path(home, "log"), "w") as log:
        for name in options.only.split(","):
            measure(name, CASES[name], options, home, log)


if __name__ == "__main__":
    main()
