#!/usr/bin/env python3
"""Which packages can be imported in a guest: one app for several, built by `guesthouse build`, and what each import said.

    python3 bench/imports.py [--program target/debug/guesthouse] [--only redis,boto3] [--together 8]

Each app has the packages as its requirements, and a command of `run` that imports their modules one after the other. A
package that cannot be installed is left out; an app whose packages do not come together for another reason is built once for
each of them. Nothing is uploaded; pip's settings hold as they are.
"""

import argparse
import json
import pathlib
import re
import subprocess
import tempfile

from common import TARGET, with_tools

# Package → what is imported of it. Much asked for by web apps, and without native code or with a way around it.
PACKAGES = """
requests urllib3 httpx:httpx,httpcore aiohttp certifi idna charset-normalizer:charset_normalizer
redis pg8000:pg8000,pg8000.dbapi PyMySQL:pymysql psycopg SQLAlchemy:sqlalchemy,sqlalchemy.orm alembic peewee pymongo
boto3:boto3,botocore.session s3transfer google-auth:google.auth,google.auth.transport.requests stripe sendgrid twilio openai
celery:celery,kombu kombu rq dramatiq apscheduler:apscheduler.schedulers.background huey
gunicorn:gunicorn.app.base,gunicorn.sock,gunicorn.workers.sync uvicorn:uvicorn,uvicorn.main hypercorn:hypercorn.asyncio
waitress:waitress,waitress.server werkzeug:werkzeug.serving daphne:daphne.server cheroot:cheroot.wsgi a2wsgi gevent-websocket
sentry-sdk opentelemetry-sdk:opentelemetry.sdk.trace
prometheus-client:prometheus_client structlog loguru python-json-logger:pythonjsonlogger logfire statsd
django-redis:django_redis dnspython:dns.resolver email-validator:email_validator PyJWT:jwt itsdangerous
python-jose:jose authlib:authlib.integrations.requests_client oauthlib requests-oauthlib:requests_oauthlib passlib:passlib.hash
joblib networkx sympy tqdm rich click:click,click.testing typer colorama prompt-toolkit:prompt_toolkit
flask flask-sqlalchemy:flask_sqlalchemy flask-login:flask_login flask-wtf:flask_wtf flask-cors:flask_cors
flask-migrate:flask_migrate flask-caching:flask_caching flask-limiter:flask_limiter flask-mail:flask_mail
flask-restful:flask_restful flask-socketio:flask_socketio flask-admin:flask_admin flask-babel:flask_babel
django:django.core.handlers.wsgi djangorestframework:rest_framework django-filter:django_filters django-cors-headers:corsheaders
django-environ:environ django-storages:storages.utils django-allauth:allauth django-debug-toolbar:debug_toolbar whitenoise
starlette:starlette.applications,starlette.testclient anyio:anyio,anyio.from_thread asgiref:asgiref.sync,asgiref.server
sanic-routing:sanic_routing quart litestar falcon bottle pyramid cherrypy tornado:tornado.web,tornado.ioloop web.py:web
jinja2 mako markdown mistune bleach beautifulsoup4:bs4 html5lib docutils:docutils.core pygments:pygments.lexers feedparser
python-dateutil:dateutil.tz,dateutil.parser pytz tzlocal arrow pendulum humanize babel:babel.dates
attrs:attr marshmallow cattrs cerberus jsonschema pydantic-settings toml tomlkit python-dotenv:dotenv
python-decouple:decouple dynaconf environs configparser watchdog:watchdog.observers filelock portalocker platformdirs
openpyxl xlsxwriter pypdf reportlab qrcode pillow-heif python-magic:magic python-slugify:slugify
paramiko gitpython:git psutil tenacity backoff cachetools diskcache more-itertools sortedcontainers
"""
# What is run in the guest. Its last line is read.
PROBE = '''
import importlib, json, sys

found = {}
for name in json.loads(%r):
    try:
        importlib.import_module(name)
    except BaseException as error:
        entry, where = error.__traceback__, ""
        while entry is not None:
            file = entry.tb_frame.f_code.co_filename
            if not file.startswith("<frozen"):
                where = "%%s:%%d" %% (file, entry.tb_lineno)
            entry = entry.tb_next
        found[name] = "%%s: %%s (%%s)" %% (type(error).__name__, " ".join(str(error).split())[:200], where)
print()
print("IMPORTS " + json.dumps(found))
'''
APP = '''
def app(environ, start_response):
    start_response("200 OK", [])
    return [b"ok"]
'''


def built(program, packages, home):
    """What each module said, or why there is no component."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=home)) / "app"
    folder.mkdir()
    names = [name for modules in packages.values() for name in modules]
    (folder / "app.py").write_text(APP)
    (folder / "probe.py").write_text(PROBE % json.dumps(names))
    (folder / "requirements.txt").write_text("\n".join(packages) + "\n")
    (folder / "guesthouse.toml").write_text('[build]\nrun = ["probe.py"]\nwarm = []\n')
    command = [program, "build", str(folder), "--apps", str(folder.parent / "apps")]
    ended = subprocess.run(command, env=with_tools(), stdin=subprocess.DEVNULL, capture_output=True, text=True)
    said = re.search(r"IMPORTS (\{.*\})", ended.stderr)
    if said is None:
        lines = [line for line in ended.stderr.splitlines() if "error" in line or "needs native" in line]
        return None, (lines or ended.stderr.splitlines() or ["nothing was said"])[-1].strip()
    found = json.loads(said.group(1))
    wrong = "" if ended.returncode == 0 else ended.stderr.strip().splitlines()[-1]
    return found, wrong


def names_it(text, package):
    """Whether a refusal is about this package: `cffi` needed by it, or itself."""
    return re.search(rf"(`|needed by ){re.escape(package)}\b", text, re.IGNORECASE) is not None


def report(packages, found, wrong):
    good = 0
    for package, modules in packages.items():
        failed = [f"`{name}`: {found[name]}" for name in modules if name in found]
        good += not failed
        print(f"| {package} | {'; '.join(failed) or 'imported'} |", flush=True)
    if wrong:
        print(f"| {', '.join(packages)} | no component: {wrong} |", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=str(TARGET / "debug/guesthouse"))
    parser.add_argument("--only", help="these packages, with commas between them")
    parser.add_argument("--together", type=int, default=8, help="how many packages one app has")
    arguments = parser.parse_args()
    packages = {}
    for one in PACKAGES.split():
        name, _, modules = one.partition(":")
        packages[name] = (modules or name.replace("-", "_")).split(",")
    if arguments.only:
        packages = {name: packages.get(name, [name.replace("-", "_")]) for name in arguments.only.split(",")}
    names, good = list(packages), 0
    with tempfile.TemporaryDirectory() as home:
        for start in range(0, len(names), arguments.together):
            batch = {name: packages[name] for name in names[start : start + arguments.together]}
            found, wrong = built(arguments.program, batch, home)
            while found is None and (blamed := [name for name in batch if names_it(wrong, name)]):
                for name in blamed:
                    print(f"| {name} | not installed: {wrong[:300]} |", flush=True)
                    del batch[name]
                found, wrong = built(arguments.program, batch, home) if batch else ({}, "")
            if found is not None:
                good += report(batch, found, wrong)
                continue
            for name, modules in batch.items():
                found, wrong = built(arguments.program, {name: modules}, home)
                if found is None:
                    print(f"| {name} | not installed: {wrong} |", flush=True)
                else:
                    good += report({name: modules}, found, wrong)
    print(f"{good} of {len(names)} packages are imported")


if __name__ == "__main__":
    main()
