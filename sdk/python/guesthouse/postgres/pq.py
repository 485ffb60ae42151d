"""The names that psycopg looks for in an implementation of `psycopg.pq`."""

from psycopg.errors import OperationalError

from guesthouse.postgres import escaping
from guesthouse.postgres.cancel import PGcancel
from guesthouse.postgres.cancel import PGcancelConn
from guesthouse.postgres.connection import PGconn
from guesthouse.postgres.described import Conninfo
from guesthouse.postgres.result import PGresult

# With "binary" psycopg would look for an extension beside it.
__impl__ = "python"
# libpq 18 has all that psycopg asks for, and so has this.
__build_version__ = 180000

__all__ = ("Conninfo", "Escaping", "PGcancel", "PGcancelConn", "PGconn", "PGresult", "version")


def version():
    return __build_version__


class Escaping:
    """Strings within SQL, as the connection reads them."""

    def __init__(self, conn=None):
        self.conn = conn

    def _call(self, what, function, data, *args):
        try:
            return function(bytes(data), *args)
        except escaping.InvalidCharacter as error:
            raise OperationalError("%s failed: %s" % (what, error)) from None

    def _encoding(self, what):
        if not self.conn:
            raise OperationalError("%s failed: no connection provided" % what)
        self.conn._ensure()
        return self.conn.encoding

    def _standard_strings(self):
        if not self.conn:
            return escaping.Settings.standard_strings
        self.conn._ensure()
        return self.conn.parameters.get(b"standard_conforming_strings") == b"on"

    def escape_literal(self, data):
        return self._call("escape_literal", escaping.literal, data, self._encoding("escape_literal"))

    def escape_identifier(self, data):
        return self._call("escape_identifier", escaping.identifier, data, self._encoding("escape_identifier"))

    def escape_string(self, data):
        encoding = self.conn.encoding if self.conn else escaping.Settings.encoding
        return self._call("escape_string", escaping.string, data, encoding, self._standard_strings())

    def escape_bytea(self, data):
        if self.conn:
            return escaping.bytea(bytes(data), self._standard_strings())
        return escaping.bytea_octal(bytes(data), self._standard_strings())

    def unescape_bytea(self, data):
        if self.conn:
            self.conn._ensure()
        return escaping.from_bytea(bytes(data))
