#!/usr/bin/env python3
"""How a good app answers beside endless ones: latency of `hello` next to so many guests that never stop computing.

    python3 bench/neighbours.py [--seconds 5] [--endless 0,2,8]

Two connections ask for `hello` without a pause while each endless guest has a request of its own. Needs `wrk`.
Loopback only, bounded in time: the endless guests are ended by their deadlines, or when their visitors leave.
"""

import argparse
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time

from common import HOST, build, component, running

PORT = 18084


def endless():
    visitor = socket.create_connection(("127.0.0.1", PORT))
    visitor.sendall(b"GET /bad-loop/ HTTP/1.1\r\nhost: localhost\r\n\r\n")
    return visitor


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--endless", default="0,2,8")
    options = parser.parse_args()
    if not shutil.which("wrk"):
        raise SystemExit("wrk is not installed (Debian's package `wrk`)")
    build("hello", "bad-loop")
    with tempfile.TemporaryDirectory(prefix="guesthouse-bench-") as name, open(f"{name}/log", "w") as log:
        apps = pathlib.Path(name, "apps")
        apps.mkdir()
        for guest in ("hello", "bad-loop"):
            (apps / f"{guest}.wasm").write_bytes(component(guest))
        command = [str(HOST), "serve", str(apps), "--state", f"{name}/state", "--listen", f"127.0.0.1:{PORT}"]
        print("| endless guests | p50 | p99 | max | requests/s |\n|---:|---:|---:|---:|---:|")
        with running(command, f"http://127.0.0.1:{PORT}/hello/", log):
            for count in map(int, options.endless.split(",")):
                visitors = [endless() for _ in range(count)]
                time.sleep(0.5)
                load = ["wrk", "-t1", "-c2", f"-d{options.seconds}s", "--latency", f"http://127.0.0.1:{PORT}/hello/"]
                text = subprocess.run(load, check=True, capture_output=True, text=True).stdout
                if re.search(r"Non-2xx|Socket errors", text):
                    raise SystemExit(text)
                p50, p99 = (re.search(rf"{part}%\s+(\S+)", text).group(1) for part in (50, 99))
                most = re.search(r"Latency\s+\S+\s+\S+\s+(\S+)", text).group(1)
                rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1))
                print(f"| {count} | {p50} | {p99} | {most} | {rate:,.0f} |")
                for visitor in visitors:
                    visitor.close()


if __name__ == "__main__":
    main()
