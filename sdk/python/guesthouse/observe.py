"""Watching the app while it is imported: what it reads of the environment, and what it makes of chance."""

import os
import random
import sys
import weakref

from guesthouse.frames import line_of_app

# Set by the tool that builds, or of no meaning inside.
_OF_THE_TOOL = ("PYTHON",)


class Observer:
    """Between `begin` and `end` calls of these few functions are noted."""

    def __init__(self, root, library):
        self.root = root
        self.library = library
        self.environment = []
        self.baked_randomness = []
        # Generators that were given a seed: whoever did that wants their sequence.
        self.seeded = weakref.WeakSet()
        self._real = None

    def begin(self):
        self._real = (os._Environ.__getitem__, os.urandom, random.Random.seed, random._urandom)
        real_getitem, real_urandom, real_seed, _ = self._real
        setdefault = os._Environ.setdefault.__code__

        def getitem(environ, key):
            self.note_name(key, setdefault)
            return real_getitem(environ, key)

        def urandom(size):
            self.note_randomness()
            return real_urandom(size)

        def seed(generator, a=None, version=2):
            (self.seeded.discard if a is None else self.seeded.add)(generator)
            return real_seed(generator, a, version)

        os._Environ.__getitem__ = getitem
        os.urandom = random._urandom = urandom
        random.Random.seed = seed

    def end(self):
        os._Environ.__getitem__, os.urandom, random.Random.seed, random._urandom = self._real

    def note_name(self, key, setdefault):
        if not isinstance(key, str) or key.startswith(_OF_THE_TOOL):
            return
        # `setdefault` looks first, but only in order to set.
        caller = sys._getframe(2)
        for _ in range(2):
            if caller is None or caller.f_code is setdefault:
                return
            caller = caller.f_back
        found = line_of_app(self.root, self.library, 3)
        if found is not None:
            note = {"name": key, "file": found[0], "line": found[1]}
            if note not in self.environment:
                self.environment.append(note)

    def note_randomness(self):
        found = line_of_app(self.root, self.library, 3)
        if found is not None and found not in self.baked_randomness:
            self.baked_randomness.append(found)
