#!/usr/bin/env python3
"""waitress's functional tests, as they are, against our host: those that need no more than a server at an address.

    git clone https://github.com/Pylons/waitress
    python3 bench/waitress_suite.py --guesthouse target/debug/guesthouse ~/src/waitress
    python3 bench/waitress_suite.py --itself ~/src/waitress

The first builds each of its sample apps (`tests/fixtureapps`) as a guest and serves it at `/`; with `--itself` waitress
serves them. `-k NAME` takes the tests with this in their names.

Two things are between the tests and the host, since they are not what the tests are about: a request without `Host` gets
one (RFC 9112, section 3.2, has servers refuse it; ours finds the app by it), and each answer is given the `Server` that the
tests look for. What a test sets of waitress's is set of the host's where there is such a thing: the trusted proxy, the
length of a body. What fails is explained in `docs/guest-languages.md`. Loopback only, bounded in time.
"""

import argparse
import contextlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

SECONDS_MAX = 900
# A test that waits for bytes that do not come.
SOCKET_SECONDS = 20


class Wire(socket.socket):
    """A connection with a `Host` in each request, and a `Server` in each answer."""

    def send(self, data, *flags):
        if not re.search(rb"(?im)^host:", data):
            data = re.sub(rb"(?m)^([A-Z]+ [^ ]+ HTTP/1\.[01])\r\n", rb"\1\r\nHost: localhost\r\n", data)
        self.sendall(data, *flags)
        return len(data)

    def makefile(self, *mode, **how):
        return Answers(super().makefile(*mode, **how))


class Answers:
    """What is read from it."""

    def __init__(self, file):
        self.file, self.before = file, b""

    def readline(self, *most):
        if self.before:
            line, self.before = self.before, b""
            return line
        line = self.file.readline(*most)
        if re.match(rb"HTTP/1\.[01] [2-5]", line):
            self.before = b"Server: waitress\r\n"
        return line

    def __getattr__(self, name):
        return getattr(self.file, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()


class Hosts:
    """A host for each sample app, begun when the first test asks for it."""

    def __init__(self, program, source, home, closing):
        self.program, self.source, self.home, self.closing = program, source, home, closing
        self.addresses = {}

    def address(self, module, name, settings):
        key = "%s-%s" % (module, name)
        if key not in self.addresses:
            self.addresses[key] = self.begin(key, module, name, settings)
        return self.addresses[key]

    def begin(self, key, module, name, settings):
        place = self.home / key
        # At the root: the app that is called `index`.
        source, apps = place / "index", place / "apps"
        source.mkdir(parents=True, exist_ok=True)
        for file in ("%s.py" % module, "groundhog1.jpg"):
            shutil.copy(self.source / "tests/fixtureapps" / file, source)
        command = [self.program, "build", str(source), "--app", "%s:%s" % (module, name), "--apps", str(apps)]
        built = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS_MAX)
        if built.returncode:
            raise SystemExit(built.stdout)
        if length := settings.get("max_request_body_size"):
            (apps / "index.toml").write_text("[limits]\nrequest_body = \"%dB\"\n" % length)
        command = [self.program, "serve", str(apps), "--listen", "127.0.0.1:0", "--state", str(place / "state")]
        command += ["--host", "www.google.com"]
        if settings.get("trusted_proxy"):
            command += ["--trusted-proxy", "127.0.0.1/32"]
        # Else the host begins with what it served last. What it has compiled stays.
        (place / "state/state.json").unlink(missing_ok=True)
        log = place / "log"
        with log.open("w") as said:
            host = subprocess.Popen(command, stdout=said, stderr=said)
        self.closing.callback(ended, host)
        end = time.monotonic() + SECONDS_MAX
        while "` is live: revision" not in log.read_text():
            if host.poll() is not None or time.monotonic() > end:
                raise SystemExit(log.read_text())
            time.sleep(0.1)
        return "127.0.0.1", int(re.search(r"listening on http://127\.0\.0\.1:(\d+)", log.read_text()).group(1))


def ended(host):
    host.terminate()
    host.wait()


def over_the_wire(tests, hosts):
    """Has the tests speak to these hosts."""

    def start(self, target, **settings):
        self.bound_to = hosts.address(target.__module__.rpartition(".")[2], target.__name__, settings)
        self.sock = self.create_socket()

    def create(self):
        wire = Wire(socket.AF_INET, socket.SOCK_STREAM)
        wire.settimeout(SOCKET_SECONDS)
        return wire

    tests.SubprocessTests.start_subprocess = start
    tests.SubprocessTests.stop_subprocess = lambda self: self.sock.close()
    tests.SubprocessTests.create_socket = create


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--guesthouse", default="guesthouse", help="the program (default: the one on PATH)")
    parser.add_argument("--itself", action="store_true", help="let waitress serve, for comparison")
    parser.add_argument("--keep", metavar="FOLDER", help="where the guests are built, and stay for the next time")
    parser.add_argument("-k", metavar="NAME", default="")
    parser.add_argument("source", type=pathlib.Path)
    given = parser.parse_args()
    program = shutil.which(given.guesthouse) or os.path.abspath(given.guesthouse)
    sys.path[:0] = [str(given.source), str(given.source / "src")]
    from tests import test_functional

    with contextlib.ExitStack() as closing:
        home = given.keep or closing.enter_context(tempfile.TemporaryDirectory(prefix="guesthouse-waitress-"))
        if not given.itself:
            over_the_wire(test_functional, Hosts(program, given.source, pathlib.Path(home), closing))
        suite = unittest.TestSuite()
        for one in tests_in(unittest.defaultTestLoader.loadTestsFromModule(test_functional)):
            # A socket in a file system is no URL.
            if "Unix" not in type(one).__name__ and given.k in one.id():
                suite.addTest(one)
        result = unittest.TextTestRunner(verbosity=2).run(suite)
    failed = len(result.failures) + len(result.errors)
    print("%d of %d pass" % (result.testsRun - failed, result.testsRun))
    return 1 if failed else 0


def tests_in(suite):
    for one in suite:
        if isinstance(one, unittest.TestSuite):
            yield from tests_in(one)
        else:
            yield one


if __name__ == "__main__":
    sys.exit(main())
