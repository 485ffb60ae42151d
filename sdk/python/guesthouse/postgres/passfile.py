"""`~/.pgpass`: passwords by host, port, database and user."""

import os
import stat
import sys


def password(values, host, port):
    """The password that the file has for this place, or nothing."""
    path = values["passfile"] or os.path.join(os.path.expanduser("~"), ".pgpass")
    try:
        mode = os.stat(path).st_mode
        # As libpq: others may not read it. A guest's files have no owners.
        if not stat.S_ISREG(mode) or (sys.platform != "wasi" and mode & 0o077):
            return None
        with open(path, encoding="utf-8", errors="surrogateescape") as lines:
            wanted = (host, port, values["dbname"], values["user"])
            return next((found for found in (of_line(line.rstrip("\r\n"), wanted) for line in lines) if found), None)
    except OSError:
        return None


def of_line(line, wanted):
    if line.startswith("#"):
        return None
    found = fields(line)
    if len(found) < 5 or any(one not in ("*", want) for one, want in zip(found, wanted)):
        return None
    return found[4]


def fields(line):
    """At the colons; a backslash takes the next letter as it is."""
    found, letters = [], iter(line)
    current = ""
    for letter in letters:
        if letter == ":":
            found.append(current)
            current = ""
        else:
            current += next(letters, "") if letter == "\\" else letter
    return [*found, current]
