"""Giving every instance its own chance: whatever was drawn at the build would be the same in all of them."""

import gc
import os
import random
import sys
import time


def generators(seeded):
    """The generators in memory that nobody gave a seed, to be seeded anew in each instance."""
    found = []
    for one in gc.get_objects():
        # Not `isinstance`: that asks the object, and a lazy one would begin to work.
        kind = type(one)
        if issubclass(kind, random.Random) and not issubclass(kind, random.SystemRandom):
            if one is random._inst or one not in seeded:
                found.append(one)
    if random._inst not in found:
        found.append(random._inst)
    return found


def renew(found):
    """To be called before the first request of an instance is answered."""
    for one in found:
        one.seed()
    modules = sys.modules
    if tempfile := modules.get("tempfile"):
        tempfile._name_sequence = None
    if uuid := modules.get("uuid"):
        # `uuid1` takes its node from here, and its sequence from what it gave out last.
        uuid._node = None
        for name in ("_last_timestamp", "_last_timestamp_v7"):
            if hasattr(uuid, name):
                setattr(uuid, name, None)
        if hasattr(uuid, "_last_counter_v7"):
            uuid._last_counter_v7 = 0
    if process := modules.get("multiprocessing.process"):
        process.current_process().authkey = os.urandom(32)
    if logging := modules.get("logging"):
        nanoseconds = isinstance(logging._startTime, int)
        logging._startTime = time.time_ns() if nanoseconds else time.time()
