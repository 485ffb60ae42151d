#!/usr/bin/env python3
"""A thousand readers who are slow, and a few who are not: pages a second of these, beside gunicorn behind nginx.

    python3 bench/readers.py [--slow 1000] [--fast 4] [--seconds 10] [--rounds 2] [--no-build]

A page of a megabyte in Flask, with eight places: `concurrency = 8` here, eight workers of gunicorn (sync) behind nginx with
its default buffering there. The slow ones read a kibibyte a second each, from another address. Needs nginx and wrk. Loopback
only; it ends by itself.
"""

import argparse
import contextlib
import pathlib
import socket
import statistics
import subprocess
import tempfile
import threading
import time

import wrk
from common import HOST, build, running, with_tools
from frameworks import environment

PORT, PEER_PORT, NGINX_PORT = 18089, 18090, 18091
PLACES = 8
APP = '''from flask import Flask

app = Flask(__name__)
PAGE = "<p>line</p>\\n" * 87382


@app.get("/")
def page():
    return PAGE
'''
NGINX = '''daemon off;
worker_processes 1;
pid {home}/nginx.pid;
error_log {home}/nginx.log;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  client_body_temp_path {home}/body;
  proxy_temp_path {home}/proxy;
  fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi;
  scgi_temp_path {home}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://127.0.0.1:{peer}; }}
  }}
}}
'''


def slow_readers(port, path, count, stop):
    """Asks `count` times for the page, and reads a kibibyte of each in a second. Returns how many are still served."""
    open_ones = []
    for _ in range(count):
        reader = socket.socket()
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.bind(("127.0.0.3", 0))
        with contextlib.suppress(OSError):
            reader.connect(("127.0.0.1", port))
            reader.sendall(f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
            reader.setblocking(False)
            open_ones.append(reader)
    served = set()
    while not stop.is_set():
        begun = time.monotonic()
        for reader in list(open_ones):
            try:
                piece = reader.recv(1024)
            except BlockingIOError:
                continue
            except OSError:
                piece = b""
            if not piece:
                open_ones.remove(reader)
                served.discard(reader)
                reader.close()
            elif reader in served or piece.startswith(b"HTTP/1.1 200"):
                served.add(reader)
        stop.wait(max(0, 1 - (time.monotonic() - begun)))
    for reader in open_ones:
        reader.close()
    return len(served)


def measure(name, port, path, options):
    url = f"http://127.0.0.1:{port}{path}"
    alone = wrk.end(wrk.begin(url, options.fast, options.seconds)).per_second
    stop, told = threading.Event(), []
    slow = threading.Thread(target=lambda: told.append(slow_readers(port, path, options.slow, stop)))
    slow.start()
    time.sleep(5)
    load = wrk.end(wrk.begin(url, options.fast, options.seconds), may_fail=True)
    stop.set()
    slow.join()
    print(f"| {name} | {alone:.0f} | {load.goodput:.0f} | {load.failed} | {load.p99:.0f} | {told[0]} |", flush=True)
    return load.goodput


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slow", type=int, default=1000)
    parser.add_argument("--fast", type=int, default=4)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--no-build", action="store_true", help="measures the host that was built before")
    options = parser.parse_args()
    wrk.require()
    if not options.no_build:
        build("hello")
    peers = environment()
    with tempfile.TemporaryDirectory(prefix="guesthouse-bench-") as name, open(f"{name}/log", "w") as log:
        home = pathlib.Path(name)
        home.chmod(0o755)
        source, apps = home / "page", home / "apps"
        source.mkdir()
        (source / "app.py").write_text(APP)
        (source / "requirements.txt").write_text("flask\n")
        subprocess.run([HOST, "build", source, "--apps", apps], env=with_tools(), check=True)
        (apps / "page.toml").write_text(f"[limits]\nconcurrency = {PLACES}\nqueue = 1024\nqueue_wait = \"10s\"\n")
        (home / "nginx.conf").write_text(NGINX.format(home=home, port=NGINX_PORT, peer=PEER_PORT))
        serve = [HOST, "serve", apps, "--listen", f"127.0.0.1:{PORT}", "--state", home / "state"]
        gunicorn = [peers / "bin/gunicorn", "--workers", PLACES, "--bind", f"127.0.0.1:{PEER_PORT}", "--chdir", source, "app:app"]
        nginx = ["nginx", "-c", home / "nginx.conf", "-p", home]
        print("\n| server | pages/s alone | pages/s beside slow readers | refused | p99 ms | slow ones still served |")
        print("|---|---:|---:|---:|---:|---:|")
        found = {}
        for _ in range(options.rounds):
            with running(list(map(str, serve)), f"http://127.0.0.1:{PORT}/page/", log):
                found.setdefault("ours", []).append(measure("guesthouse", PORT, "/page/", options))
            with running(list(map(str, gunicorn)), f"http://127.0.0.1:{PEER_PORT}/", log), \
                    running(list(map(str, nginx)), f"http://127.0.0.1:{NGINX_PORT}/", log):
                found.setdefault("peer", []).append(measure("gunicorn behind nginx", NGINX_PORT, "/", options))
        ours, peer = (statistics.median(found[side]) for side in ("ours", "peer"))
        print(f"\nbeside slow readers: {ours / peer:.2f} of the pages of gunicorn behind nginx")


if __name__ == "__main__":
    main()
