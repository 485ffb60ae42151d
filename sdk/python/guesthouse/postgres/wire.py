"""Messages of the protocol (PostgreSQL's documentation, chapter "Frontend/Backend Protocol"), written and read."""

import struct

PROTOCOL = 3 << 16
_SSL_REQUEST, _CANCEL_REQUEST = 80877103, 80877102
# As libpq: other messages have no reason to be longer, and a server that is out of step is told early.
_LONG_KINDS = frozenset(b"TDdVENAtS")
_SHORT_MAX = 30_000

_INT16, _INT32 = struct.Struct(">h"), struct.Struct(">i")
_UINT16 = struct.Struct(">H")
_KIND_LENGTH = struct.Struct(">ci")
# The head of a DataRow: its kind, its length, and how many values it has.
_ROW = struct.Struct(">BiH")
_COLUMN = struct.Struct(">IhIhih")
_NULL = _INT32.pack(-1)

SYNC = b"S\0\0\0\4"
FLUSH = b"H\0\0\0\4"
TERMINATE = b"X\0\0\0\4"
COPY_DONE = b"c\0\0\0\4"
DESCRIBE_UNNAMED_PORTAL = b"D\0\0\0\6P\0"
EXECUTE_ALL = b"E\0\0\0\x09\0\0\0\0\0"
SSL_REQUEST = struct.pack(">ii", 8, _SSL_REQUEST)


class Garbage(Exception):
    """What came is not the protocol."""


def message(kind, body):
    return _KIND_LENGTH.pack(kind, len(body) + 4) + body


def string(data):
    """Up to its first zero byte, as C has it."""
    return data.partition(b"\0")[0] + b"\0"


def startup(parameters):
    pairs = b"".join(string(name) + string(value) for name, value in parameters.items())
    return struct.pack(">ii", len(pairs) + 9, PROTOCOL) + pairs + b"\0"


def cancel(pid, key):
    return struct.pack(">iii", 12 + len(key), _CANCEL_REQUEST, pid) + key


def query(command):
    return message(b"Q", string(command))


def parse(name, command, types):
    return message(b"P", string(name) + string(command) + struct.pack(">H%dI" % len(types), len(types), *types))


def bind(name, values, formats, result_format):
    pieces = [b"\0", string(name), struct.pack(">H%dH" % len(formats), len(formats), *formats), _UINT16.pack(len(values))]
    for value, is_binary in zip(values, formats or (0,) * len(values)):
        if value is None:
            pieces.append(_NULL)
            continue
        if not is_binary and b"\0" in (value := bytes(value)):
            # A text is one of C's.
            value = value.partition(b"\0")[0]
        pieces.append(_INT32.pack(len(value)))
        pieces.append(value)
    pieces.append(struct.pack(">HH", 1, result_format))
    return message(b"B", b"".join(pieces))


def describe(kind, name):
    return message(b"D", kind + string(name))


def close(kind, name):
    return message(b"C", kind + string(name))


def strings(body, at=0):
    """All strings of a body from `at` on."""
    while at < len(body):
        end = body.find(b"\0", at)
        if end < 0:
            raise Garbage("a string without an end")
        yield body[at:end]
        at = end + 1


def error_fields(body):
    """The fields of ErrorResponse and NoticeResponse, by the number of their letter."""
    return {one[0]: one[1:] for one in strings(body) if one}


def columns(body):
    """RowDescription: name, and table, column, type, size, modifier, format."""
    try:
        (count,) = _UINT16.unpack_from(body)
        found, at = [], 2
        for _ in range(count):
            end = body.index(b"\0", at)
            found.append((body[at:end], _COLUMN.unpack_from(body, end + 1)))
            at = end + 1 + _COLUMN.size
    except (struct.error, ValueError):
        raise Garbage('insufficient data in "T" message') from None
    if at != len(body):
        raise Garbage('extraneous data in "T" message')
    return found


def types(body):
    """ParameterDescription."""
    try:
        (count,) = _UINT16.unpack_from(body)
        return struct.unpack_from(">%dI" % count, body, 2)
    except struct.error:
        raise Garbage('insufficient data in "t" message') from None


def formats(body):
    """CopyInResponse and its like: the format of the whole, and of each column."""
    try:
        whole, count = struct.unpack_from(">BH", body)
        return whole, struct.unpack_from(">%dH" % count, body, 3)
    except struct.error:
        raise Garbage("insufficient data in copy response") from None


def row(data, at, end, width):
    """DataRow between `at` and `end` of `data`: its values."""
    if end - at < 2 or _UINT16.unpack_from(data, at)[0] != width:
        raise Garbage('unexpected field count in "D" message')
    values, at = [], at + 2
    for _ in range(width):
        if end - at < 4:
            raise Garbage('insufficient data in "D" message')
        length, at = _INT32.unpack_from(data, at)[0], at + 4
        values.append(None if length < 0 else data[at : at + length])
        at += max(length, 0)
    if at != end:
        raise Garbage('%s data in "D" message' % ("extraneous" if at < end else "insufficient"))
    return tuple(values)


def rows(data, at, width, into):
    """DataRows one after the other, put into a list, as far as they are whole and right; and where they end.

    Most bytes of a large result come through here, so it calls as little as it can. What it leaves is read one by one.
    """
    total, columns_of_row = len(data), range(width)
    head, value_length, add = _ROW.unpack_from, _INT32.unpack_from, into.append
    while total - at >= _ROW.size:
        kind, length, count = head(data, at)
        end = at + 1 + length
        if kind != 0x44 or end > total or count != width:
            break
        values, start = [], at + _ROW.size
        try:
            for _ in columns_of_row:
                (length,) = value_length(data, start)
                start += 4
                if length < 0:
                    values.append(None)
                else:
                    values.append(data[start : start + length])
                    start += length
        except struct.error:
            break
        if start != end:
            break
        add(tuple(values))
        at = end
    return at


class Inbox:
    """Bytes that have come, cut into messages. Each byte is copied a few times at most, however long a message is."""

    __slots__ = ("_at", "_data", "_held", "_pieces")

    def __init__(self):
        self._data, self._at = b"", 0
        # What came since, and is not looked at before it completes a message.
        self._pieces, self._held = [], 0

    def add(self, piece):
        self._pieces.append(piece)
        self._held += len(piece)

    def _has(self, count):
        left = len(self._data) - self._at
        if left >= count:
            return True
        if left + self._held < count:
            return False
        self._data = b"".join((self._data[self._at :], *self._pieces))
        self._at, self._pieces, self._held = 0, [], 0
        return True

    def peek(self):
        """The next message, if all of it is there: its kind, and the bytes that hold its body from and to where."""
        data, at = self._data, self._at
        if len(data) - at < 5:
            if not self._has(5):
                return None
            data, at = self._data, self._at
        kind, length = data[at], int.from_bytes(data[at + 1 : at + 5], "big", signed=True)
        if length < 4 or (length > _SHORT_MAX and kind not in _LONG_KINDS):
            text = 'lost synchronization with server: got message type "%s", length %d'
            raise Garbage(text % (shown(kind), length))
        if len(data) - at <= length:
            if not self._has(length + 1):
                return None
            data, at = self._data, self._at
        return kind, data, at + 5, at + 1 + length

    def drop(self, end):
        """Takes away the message that was peeked at."""
        self._at = end

    def take_rows(self, width, into):
        """The rows that are next, put into a list, as far as they are here."""
        self._at = rows(self._data, self._at, width, into)

    def clear(self):
        self.__init__()


def shown(kind):
    return chr(kind) if 32 < kind < 127 else "\\x%02x" % kind
