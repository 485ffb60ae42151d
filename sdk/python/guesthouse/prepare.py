"""What the app does once for each revision that has state, such as migrations, before it answers anybody.

A command that begins with `-` may fail, as in a makefile: `-manage.py createsuperuser --noinput` fails the second time.
"""

import hashlib
import os

from guesthouse import command
from guesthouse import layout
from guesthouse import sqlite

_MARKER = ".guesthouse-prepared"


class NotPrepared(Exception):
    """A command failed: the app cannot answer."""


def is_due(settings):
    """Whether there is something to do that this build has not done yet."""
    data, commands = settings["data"], settings["prepare"]
    if not commands or not os.path.isdir(data):
        return False
    try:
        with open(data + "/" + _MARKER, encoding="utf-8") as opened:
            return opened.read().strip() != build_of(settings)
    except FileNotFoundError:
        return True


def build_of(settings):
    return settings["build"] or hashlib.sha256(repr(settings["prepare"]).encode()).hexdigest()


def prepare(settings, errors):
    """Runs the commands, unless this build did already. The host lets one instance at a time have the state."""
    if not is_due(settings):
        return
    sqlite.forget_below(settings["data"])
    for one in settings["prepare"]:
        words, may_fail = command.may_fail(one)
        ran = command.run(words, layout.home(settings))
        words = " ".join(ran["command"])
        if ran["output"]:
            print("guesthouse: `%s`:\n%s" % (words, ran["output"].rstrip()), file=errors)
        if ran["code"] and not may_fail:
            raise NotPrepared("`%s` ended with %d" % (words, ran["code"]))
    # The marker appears whole or not at all.
    marker = settings["data"] + "/" + _MARKER
    with open(marker + ".new", "w", encoding="utf-8") as opened:
        opened.write(build_of(settings))
    os.replace(marker + ".new", marker)
