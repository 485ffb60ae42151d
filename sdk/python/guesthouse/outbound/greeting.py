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
        self._connection, self._until = None, None
        # Why there is no connection.
        self.refused = None
        try:
            self._connection = make()
            self._connection.advance()
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
            return self.refused is None and (self._connection.has_some() or self._connection.ended)
        except OSError as error:
            self._refuse(error)
            return False

    def check(self):
        """Raises when there is no connection, and nobody has written for a time."""
        if self.refused is not None and time.monotonic() >= self._until:
            raise failures.fresh(self.refused)

    def awaited(self):
        if self.refused is None:
            return self._connection.readable()
        return [subscribe_duration(max(0, int((self._until - time.monotonic()) * 1e9)))]

    def taken(self):
        """The connection, as one that is no trial any more."""
        if self.refused is not None:
            raise failures.fresh(self.refused)
        return self._connection

    def drop(self):
        if self._connection is not None:
            self._connection.drop()
