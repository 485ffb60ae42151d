"""Watching the app while it is imported: what it reads of the environment, and what it makes of chance."""

import os
import random
import sys
import weakref

from guesthouse import declared
from guesthouse.frames import frame_of_app
from guesthouse.frames import line_of

# Set by the tool that builds, or of no meaning inside: TLS is the host's, and by the last one urllib tells CGI programs.
_OF_THE_TOOL = ("PYTHON", "SSLKEYLOGFILE", "SSL_CERT_", "REQUEST_METHOD")


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
        declared.State.note = self.note_declared

    def end(self):
        os._Environ.__getitem__, os.urandom, random.Random.seed, random._urandom = self._real
        declared.State.note = None

    def note_declared(self, names):
        frame = frame_of_app(self.root, 2)
        if frame is not None:
            for name in names:
                self.note(name, frame)

    def note_name(self, key, setdefault):
        if not isinstance(key, str) or key.startswith(_OF_THE_TOOL):
            return
        # `setdefault` looks first, but only in order to set.
        caller = sys._getframe(2)
        for _ in range(2):
            if caller is None or caller.f_code is setdefault:
                return
            caller = caller.f_back
        frame = frame_of_app(self.root, 2)
        # A library that the app calls reads names of its own too; the app's are written in the app.
        if frame is None or (key not in frame.f_code.co_consts and not self.reads_itself(frame, 3)):
            return
        self.note(key, frame)

    def note(self, name, frame):
        file, line = line_of(frame)
        note = {"name": name, "file": file, "line": line}
        if note not in self.environment:
            self.environment.append(note)

    def reads_itself(self, frame, depth):
        """Whether nothing but the standard library stands between the frame and the look."""
        one = sys._getframe(depth)
        while one is not frame:
            file = one.f_code.co_filename
            if not file.startswith(("<frozen", self.library + "/")):
                return False
            one = one.f_back
        return True

    def note_randomness(self):
        frame = frame_of_app(self.root, 2)
        if frame is not None and self.reads_itself(frame, 3) and line_of(frame) not in self.baked_randomness:
            self.baked_randomness.append(line_of(frame))
