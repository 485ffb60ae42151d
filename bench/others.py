#!/usr/bin/env python3
"""Builds apps that other people wrote, as they are, serves each, and asks for its first page.

Sources are yours to fetch: each argument is a folder, copied before it is built, so that nothing is added to it.
`FOLDER::PATH` asks for another page than `/`. The result is a table in Markdown, on standard output:

    python3 bench/others.py --guesthouse target/debug/guesthouse ~/src/flask/examples/tutorial ~/src/polls::/polls/

State is allowed, and nothing else is given to an app: no line of configuration, no variable.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

BUILD_SECONDS_MAX = 1800
SERVE_SECONDS_MAX = 900
# A first visit may find a database without tables, and their making may take longer than a visitor waits: it goes on with the
# next one.
VISITS_MAX = 4
LOCK_SECONDS = 65


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--guesthouse", default="guesthouse", help="the program (default: the one on PATH)")
    parser.add_argument("--log", default=None, help="a folder for what each build and host said")
    parser.add_argument("sources", nargs="+", metavar="FOLDER[::PATH]")
    given = parser.parse_args()
    program = shutil.which(given.guesthouse) or os.path.abspath(given.guesthouse)
    print("| app | commit | what came | build | size |\n|---|---|---|---|---|", flush=True)
    for source in given.sources:
        folder, _, page = source.partition("::")
        print(row(program, os.path.abspath(folder), page or "/", given.log), flush=True)


def row(program, source, page, log):
    home = tempfile.mkdtemp(prefix="guesthouse-others-")
    try:
        name = re.sub(r"[^a-z0-9]+", "-", os.path.basename(source).lower()).strip("-")
        copy = os.path.join(home, "source", name)
        shutil.copytree(source, copy, symlinks=True, ignore=shutil.ignore_patterns(".git"))
        begun = time.monotonic()
        try:
            built = subprocess.run(
                [program, "build", copy, "--apps", home + "/apps"],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=BUILD_SECONDS_MAX, cwd=home,
            )
            said, code = built.stdout, built.returncode
        except subprocess.TimeoutExpired as error:
            said, code = (error.stdout or b"").decode("utf-8", "replace"), None
        took = "%.0f s" % (time.monotonic() - begun)
        keep(log, name + ".build", said)
        if code is None:
            return line(source, "not built within %d s" % BUILD_SECONDS_MAX, took, "")
        if code:
            return line(source, "refused: " + reason(said, copy), took, "")
        apps = [one for one in os.listdir(home + "/apps") if one.endswith(".wasm")]
        size = "%.1f MB" % (os.path.getsize(home + "/apps/" + apps[0]) / 1e6)
        return line(source, served(program, home, apps[0][:-5], page, log), took, size)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def served(program, home, app, page, log):
    with open(home + "/g.toml", "w", encoding="utf-8") as opened:
        opened.write("[policy]\nstate = true\n")
    said = open(home + "/serve.log", "w+", encoding="utf-8")
    command = [program, "serve", home + "/apps", "--listen", "127.0.0.1:0", "--state", home + "/state"]
    host = subprocess.Popen([*command, "--config", home + "/g.toml"], stdout=said, stderr=said, cwd=home)
    try:
        end = time.monotonic() + SERVE_SECONDS_MAX
        while time.monotonic() < end and host.poll() is None:
            text = open(said.name, encoding="utf-8").read()
            if found := re.search(r"refused.*", text):
                return "not taken: " + found.group(0)[:300]
            if "` is live: revision" in text:
                address = re.search(r"listening on (http://[0-9.:]+)/", text).group(1)
                return visited(address, app, page)
            time.sleep(0.2)
        return "not live within %d s" % SERVE_SECONDS_MAX
    finally:
        host.terminate()
        host.wait()
        keep(log, app + ".serve", open(said.name, encoding="utf-8").read())


def visited(address, app, page):
    port = address.rpartition(":")[2]
    # Apps let in one of these names by themselves, as visitors on this machine say it; and some have to be at a host's root.
    places = ["localhost:%s/%s" % (port, app), "127.0.0.1:%s/%s" % (port, app), "%s.localhost:%s" % (app, port)]
    for place in places:
        visits = 0
        while visits < VISITS_MAX:
            said, visits = asked(address, place, page), visits + 1
            if " 504" not in said:
                break
            # What the visit that was cut off held is free then.
            time.sleep(LOCK_SECONDS)
        if not re.search(r" (400|30[1278])\b", said):
            break
    own = ", on a host of its own" if place.startswith(app) else ""
    return said + own + (", at visit %d" % visits if visits > 1 else "")


def asked(address, place, page):
    host, _, path = place.partition("/")
    # Whatever that name leads to on this machine.
    request = urllib.request.Request(address + ("/" + path if path else "") + page, headers={"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            status, body = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, body = error.code, error.read()
    except OSError as error:
        return "GET %s: %s" % (page, error)
    title = re.search(rb"<title[^>]*>([^<]*)</title>", body)
    shown = " ".join(title.group(1).decode("utf-8", "replace").split()) if title else ""
    return "GET %s %d%s" % (page, status, ", “%s”" % shown if shown else ", %d bytes" % len(body))


def reason(said, copy):
    lines = [one.strip() for one in said.replace(copy, "…").splitlines() if one.strip()]
    errors = [one for one in lines if one.startswith(("error", "failed"))] or lines[-1:]
    return (errors[0] if errors else "nothing was said")[:400]


def line(source, what, took, size):
    commit = subprocess.run(["git", "-C", source, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    at = commit.stdout.strip() if commit.returncode == 0 else ""
    name = "/".join(source.rstrip("/").split("/")[-2:])
    return "| %s | %s | %s | %s | %s |" % (name, at, what.replace("|", "\\|"), took, size)


def keep(log, name, text):
    if log:
        os.makedirs(log, exist_ok=True)
        with open(os.path.join(log, name), "w", encoding="utf-8") as opened:
            opened.write(text)


if __name__ == "__main__":
    sys.exit(main())
