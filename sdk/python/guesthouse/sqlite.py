"""Databases of SQLite in the state folder.

A lock is an empty folder `NAME.lock` beside the database, for WASI has no better.
An instance that is ended in the midst of a transaction leaves it behind, and from then on the database is locked for everybody.
No transaction takes as long as this: older ones have ended with their instance, whoever may work on the state meanwhile.
"""

import functools
import os
import time

from guesthouse.raised import Own

_SECONDS_MAX = 60
_ENDING = ".lock"

# Those that this instance has opened, and may have open still.
_opened = set()


def changes():
    """What to do to these modules as soon as they are there."""
    return {"sqlite3.dbapi2": change}


def change(module):
    connect = module.connect

    @functools.wraps(connect)
    def connected(database, *args, **keywords):
        if path := path_of(database):
            _opened.add(path)
            Own.at_work = True
            try:
                forget(path)
                make_folder(path)
            finally:
                Own.at_work = False
        return connect(database, *args, **keywords)

    module.connect = connected


def path_of(database):
    """The file of a database, or nothing for one in memory."""
    try:
        path = os.fsdecode(database)
    except TypeError:
        return None
    path = path.removeprefix("file:").partition("?")[0]
    return None if path in ("", ":memory:") else os.path.abspath(path)


def make_folder(path):
    """An app's own folders are in memory with its code; where the state is seen in their place, they may not be there yet."""
    folder = os.path.dirname(path)
    if not os.path.isdir(folder) or os.path.exists(path):
        return
    for end in (at for at, letter in enumerate(folder + "/") if letter == "/" and at > 0):
        try:
            os.mkdir(folder[:end])
        except OSError:
            # It is there, or this is no place to write: SQLite will say.
            pass


def begin():
    """Before each request: a connection that is kept from one to the next asks for nothing again."""
    for path in _opened:
        forget(path)


def forget(path):
    """Takes the lock of the database at `path` away, if nobody can have it any more."""
    try:
        if time.time() - os.stat(path + _ENDING).st_mtime > _SECONDS_MAX:
            os.rmdir(path + _ENDING)
    except OSError:
        # There is none, it is no lock of SQLite's, or another instance was faster.
        pass


def forget_below(root):
    """Those of all databases below `root`."""
    for folder, folders, files in os.walk(root):
        for name in folders:
            database = name.removesuffix(_ENDING)
            if name.endswith(_ENDING) and database in files:
                forget(folder + "/" + database)
