"""PGresult: what a command came to."""

from guesthouse.postgres import states
from guesthouse.postgres.messages import text

_NAMES = (
    "EMPTY_QUERY", "COMMAND_OK", "TUPLES_OK", "COPY_OUT", "COPY_IN", "BAD_RESPONSE", "NONFATAL_ERROR", "FATAL_ERROR",
    "COPY_BOTH", "SINGLE_TUPLE", "PIPELINE_SYNC", "PIPELINE_ABORTED", "TUPLES_CHUNK",
)  # fmt: skip
# The commands whose status ends with the number of rows.
_COUNTED = (b"INSERT", b"SELECT", b"UPDATE", b"DELETE", b"MERGE", b"FETCH", b"MOVE", b"COPY")


class PGresult:
    """Its rows are lists of bytes; nothing of it is of the server's any more."""

    __slots__ = (
        "__weakref__", "_columns", "_fields", "_params", "_rows", "binary_tuples", "command_status", "error_message",
        "nfields", "status",
    )  # fmt: skip

    def __init__(self, status, error_message=b"", fields=None):
        self.status, self.error_message = status, error_message
        self._fields = fields or {}
        self._columns, self._rows, self._params = (), [], ()
        self.nfields = self.binary_tuples = 0
        self.command_status = b""

    def __repr__(self):
        name = _NAMES[self.status] if self.status < len(_NAMES) else "%d (status unknown)" % self.status
        return "<%s.%s [%s] at 0x%x>" % (type(self).__module__, type(self).__qualname__, name, id(self))

    def describe(self, columns):
        """Of a RowDescription: each column is a name, and table, column, type, size, modifier, format."""
        self._columns, self.nfields = columns, len(columns)
        self.binary_tuples = int(bool(columns) and all(one[1][5] for one in columns))

    def empty(self, status):
        """Another of the same columns, without rows."""
        other = PGresult(status)
        other._columns, other.nfields, other.binary_tuples = self._columns, self.nfields, self.binary_tuples
        return other

    def clear(self):
        self.__init__(states.FATAL_ERROR)
        self.command_status = None

    def get_error_message(self, encoding="utf-8"):
        from psycopg.pq.misc import _clean_error_message

        return _clean_error_message(self.error_message, encoding)

    @property
    def ntuples(self):
        return len(self._rows)

    def error_field(self, fieldcode):
        return self._fields.get(fieldcode)

    def fname(self, column_number):
        return self._columns[column_number][0] if 0 <= column_number < self.nfields else None

    def _attribute(self, column_number, index):
        return self._columns[column_number][1][index] if 0 <= column_number < self.nfields else 0

    def ftable(self, column_number):
        return self._attribute(column_number, 0)

    def ftablecol(self, column_number):
        return self._attribute(column_number, 1)

    def ftype(self, column_number):
        return self._attribute(column_number, 2)

    def fsize(self, column_number):
        return self._attribute(column_number, 3)

    def fmod(self, column_number):
        return self._attribute(column_number, 4)

    def fformat(self, column_number):
        return self._attribute(column_number, 5)

    def get_value(self, row_number, column_number):
        if row_number < 0 or column_number < 0:
            return None
        try:
            return self._rows[row_number][column_number]
        except IndexError:
            return None

    @property
    def nparams(self):
        return len(self._params)

    def param_type(self, param_number):
        return self._params[param_number] if 0 <= param_number < len(self._params) else 0

    @property
    def command_tuples(self):
        words = (self.command_status or b"").split()
        if len(words) > 1 and words[0] in _COUNTED and words[-1].isdigit():
            return int(words[-1])
        return None

    @property
    def oid_value(self):
        words = (self.command_status or b"").split()
        return int(words[1]) if len(words) == 3 and words[0] == b"INSERT" and words[1].isdigit() else 0

    def set_attributes(self, descriptions):
        """Only of a result that has none."""
        if self._columns:
            from psycopg.errors import OperationalError

            raise OperationalError("PQsetResultAttrs failed")
        self.describe([(one[0], (one[1], one[2], *one[4:], one[3])) for one in descriptions])


def reported(body_fields, status, query, encoding):
    """Of an ErrorResponse or a NoticeResponse."""
    message = text(body_fields, query, encoding, context=status == states.FATAL_ERROR)
    return PGresult(status, message, body_fields)
