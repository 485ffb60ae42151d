"""The few names of psycopg that `guesthouse.postgres` uses, for a machine that has no psycopg."""

import importlib.util
import sys
import types
from collections import namedtuple

_NAMES = {
    "psycopg": {},
    "psycopg.errors": {
        "OperationalError": type("OperationalError", (Exception,), {}),
        "NotSupportedError": type("NotSupportedError", (Exception,), {}),
    },
    "psycopg._encodings": {"pg2pyenc": lambda name: {b"UTF8": "utf-8", b"LATIN1": "iso8859-1"}.get(name, "ascii")},
    "psycopg.pq": {},
    "psycopg.pq.misc": {
        "ConninfoOption": namedtuple("ConninfoOption", "keyword envvar compiled val label dispchar dispsize"),
        "PGnotify": namedtuple("PGnotify", "relname be_pid extra"),
        "_clean_error_message": lambda text, encoding: text.decode(encoding, "replace").partition(":  ")[2].strip()
        or text.decode(encoding, "replace").strip(),
        "connection_summary": lambda conn: "[%d]" % conn.status,
    },
}


def install():
    if importlib.util.find_spec("psycopg") is not None:
        return
    for name, content in _NAMES.items():
        module = sys.modules[name] = types.ModuleType(name)
        vars(module).update(content)
