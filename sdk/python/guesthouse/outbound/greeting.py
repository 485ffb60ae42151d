"""A connection on trial, for who waits for the server's words on a socket that nothing was written to.

It may be that the server speaks first (mail, MySQL). It may also be that the app connects now and writes a request later,
while its event loop waits for something else: then nothing has to have happened.
"""

import time

from wit_world.imports.monotonic_clock import subscribe_duration

from guesthouse.outbound import failures

# For so long nobody hears that there is no connection: who is to write a request may still do so.
_PATIENCE_SECONDS = 2.0


class Greeting:
    def __init__(self, make):
        """`make` makes the connection."""
        # Of whoever goes on with it.
        self.connection = self._until = None
        # Why there is no connection.
        self.refused = None
        try:
            self.connection = make()
            self.connection.advance()
        except OSError as error:
            self._refuse(error)

    def _refuse(self, error):
        self.refused, self._until = failures.fresh(error), time.monotonic() + _PATIENCE_SECONDS
        self.drop()

    @property
    def is_idle(self):
        """Nothing can come any more."""
        return self.refused is not None

    def has_come(self):
        """Whether the server has spoken, or left."""
        try:
            return self.refused is None and (self.connection.has_some() or self.connection.ended)
        except OSError as error:
            self._refuse(error)
            return False

    def check(self):
        """Raises when there is no connection, and nobody has written for a time."""
        if self.refused is not None and time.monotonic() >= self._until:
            raise failures.fresh(self.refused)

    def awaited(self):
        if self.refused is None:
            return self.connection.readable()
        return [subscribe_duration(max(0, int((self._until - time.monotonic()) * 1e9)))]

    def drop(self):
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.drop()
