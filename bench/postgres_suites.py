#!/usr/bin/env python3
"""psycopg's and Django's own tests, as they are, with the guest's libpq in Python, or with the compiled one.

    git clone --branch 3.3.4 https://github.com/psycopg/psycopg
    git clone --branch 5.2.19 https://github.com/django/django
    python3 -m venv venv && venv/bin/pip install 'psycopg[binary]' pytest pytest-asyncio anyio -e django
    python3 bench/postgres_suites.py --python venv/bin/python --port 5432 --psycopg psycopg --django django
    python3 bench/postgres_suites.py … --itself

PostgreSQL is one of yours on loopback, in which the user may make databases (`--user`, `--password`). Both suites run
natively, on this machine's Python: with `sdk/python/guesthouse/postgres` in psycopg's slot for its compiled half (decision
0080), and with `--itself` with what pip installed there. Each suite's summary is printed; what fails with both is not ours.
Bounded in time.
"""

import argparse
import os
import pathlib
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
SLOT = ROOT / "sdk/python/guesthouse/absent/psycopg_binary"
SECONDS_MAX = 3600
LABELS = "backends basic queries transactions aggregation expressions postgres_tests"
SETTINGS = """
PLACE = {place!r}
DATABASES = {{name: {{**PLACE, "TEST": {{"NAME": "suites_" + name}}}} for name in ("default", "other")}}
SECRET_KEY = "x"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = False
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=pathlib.Path, required=True, help="with the packages that both suites need")
    parser.add_argument("--psycopg", type=pathlib.Path, help="its source")
    parser.add_argument("--django", type=pathlib.Path, help="its source")
    parser.add_argument("--labels", default=LABELS, help="of Django's tests")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5432)
    parser.add_argument("--user", default="postgres")
    parser.add_argument("--password", default="")
    parser.add_argument("--itself", action="store_true", help="with the compiled half that pip installed")
    options = parser.parse_args()
    python = str(options.python.absolute())
    with tempfile.TemporaryDirectory() as home:
        path = [] if options.itself else [slot(home), str(ROOT / "sdk/python")]
        print("psycopg.pq is", said(python, "import psycopg; print(psycopg.pq.__impl__)", path), flush=True)
        if options.psycopg:
            psycopg(python, path, options, home)
        if options.django:
            django(python, path, options, pathlib.Path(home))


def slot(home):
    """A folder that comes before what pip installed, with the one package."""
    folder = pathlib.Path(home, "slot")
    folder.mkdir()
    (folder / SLOT.name).symlink_to(SLOT)
    return str(folder)


def said(python, code, path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
    return subprocess.run([python, "-c", code], env=environment, check=True, capture_output=True, text=True).stdout.strip()


def psycopg(python, path, options, home):
    """All but what needs the network, threads' timing, or its pool."""
    with_database = "import psycopg, sys; psycopg.connect(sys.argv[1], autocommit=True).execute('CREATE DATABASE suites')"
    place = "host=%s port=%d user=%s password=%s " % (options.host, options.port, options.user, options.password)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
    subprocess.run([python, "-c", with_database, place + "dbname=postgres"], env=environment, capture_output=True)
    command = [python, "-m", "pytest", "tests", "-q", "--test-dsn", place + "dbname=suites", "-o", "cache_dir=" + home]
    command += ["--ignore", "tests/pool", "--ignore", "tests/test_typing.py", "--ignore", "tests/test_free_threading.py"]
    # What a newer pytest-asyncio asks for; the suite makes an error of each warning.
    command += ["-o", "asyncio_default_fixture_loop_scope=function"]
    tell("psycopg", command + ["-m", "not slow and not timing and not dns"], environment, options.psycopg)


def django(python, path, options, home):
    place = {"ENGINE": "django.db.backends.postgresql", "HOST": options.host, "PORT": options.port, "NAME": "postgres"}
    place.update(USER=options.user, PASSWORD=options.password)
    (home / "suites_settings.py").write_text(SETTINGS.format(place=place))
    tests = options.django.absolute() / "tests"
    path = [*path, str(home), str(options.django.absolute()), str(tests)]
    command = [python, "runtests.py", "--settings=suites_settings", "--parallel=1", "--noinput", *options.labels.split()]
    tell("Django", command, {**os.environ, "PYTHONPATH": os.pathsep.join(path)}, tests)


def tell(name, command, environment, folder):
    """Its failures and its summary."""
    ended = subprocess.run(
        command, env=environment, cwd=folder, timeout=SECONDS_MAX, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    beginnings = ("FAILED ", "ERROR ", "ERROR: ", "FAIL: ", "Ran ", "OK")
    lines = [line for line in ended.stdout.splitlines() if line.startswith(beginnings) or " passed" in line]
    print("%s:\n  %s" % (name, "\n  ".join(line[:150] for line in lines) or ended.stdout[-2000:]), flush=True)


if __name__ == "__main__":
    main()
