#!/usr/bin/env python3
"""The WSGI samples under `wsgiref.validate`, in guests: what the standard library's checker says of our gateway.

    python3 bench/validated.py --guesthouse target/debug/guesthouse

Each sample is copied, gets a module that wraps its app in the checker, is built, served, and asked for some pages. The
checker raises `AssertionError`, which is a 500 or a cut answer, and a line in the app's log. Loopback only.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Each sample's callable, and what it is asked: a path, with what is posted there, if anything is.
SAMPLES = {
    "bottle": ("app:app", [("/", None), ("/words/wall", None), ("/shout", b"text=hello"), ("/stream", None)]),
    "django": ("shelf.wsgi:application", [("/", None), ("/books/add/", None), ("/stream/", None), ("/admin/login/", None)]),
    "flask": ("app:app", [("/", None), ("/", b"name=wall"), ("/hello/wall", None), ("/stream", None), ("/nowhere", None)]),
    "webpy": ("app:application", [("/", None), ("/stream", None), ("/old", None)]),
    "wsgi": ("app:application", [("/hello", None), ("/echo", b"x" * 100000), ("/stream", None), ("/write", None), ("/late", None)]),
}
SECONDS_MAX = 900


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--guesthouse", default="guesthouse", help="the program (default: the one on PATH)")
    parser.add_argument("samples", nargs="*", default=sorted(SAMPLES))
    given = parser.parse_args()
    program = shutil.which(given.guesthouse) or os.path.abspath(given.guesthouse)
    failed = [sample for sample in given.samples if not passes(program, sample)]
    return "not valid: %s" % ", ".join(failed) if failed else 0


def passes(program, sample):
    callable_, pages = SAMPLES[sample]
    module, _, name = callable_.partition(":")
    with tempfile.TemporaryDirectory(prefix="guesthouse-validated-") as home:
        source = pathlib.Path(home, "source", sample)
        shutil.copytree(ROOT / "guest-apps/python" / sample, source)
        wrapped = "from wsgiref.validate import validator\n\nfrom %s import %s as inner\n\napp = validator(inner)\n"
        (source / "validated.py").write_text(wrapped % (module, name))
        command = [program, "build", str(source), "--app", "validated:app", "--apps", home + "/apps"]
        built = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS_MAX)
        if built.returncode:
            print("%s: not built\n%s" % (sample, built.stdout), flush=True)
            return False
        answers, said = asked(program, home, pages)
    is_valid = "AssertionError" not in said and all(status < 500 for status in answers)
    print("%s: %s, %s" % (sample, answers, "valid" if is_valid else said), flush=True)
    return is_valid


def asked(program, home, pages):
    pathlib.Path(home, "g.toml").write_text("[policy]\nstate = true\n")
    log = pathlib.Path(home, "serve.log")
    command = [program, "serve", home + "/apps", "--listen", "127.0.0.1:0", "--state", home + "/state"]
    with log.open("w") as said:
        host = subprocess.Popen([*command, "--config", home + "/g.toml"], stdout=said, stderr=said)
    try:
        end = time.monotonic() + SECONDS_MAX
        while not (live := re.search(r"`([^`]+)` is live", log.read_text())):
            if host.poll() is not None or time.monotonic() > end:
                return [599], log.read_text()
            time.sleep(0.2)
        app = live.group(1)
        address = re.search(r"listening on (http://[0-9.:]+)/", log.read_text()).group(1)
        return [status(address + "/" + app + path, body) for path, body in pages], log.read_text()
    finally:
        host.terminate()
        host.wait()


def status(address, body):
    try:
        with urllib.request.urlopen(urllib.request.Request(address, body), timeout=60) as answer:
            answer.read()
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 598


if __name__ == "__main__":
    sys.exit(main())
