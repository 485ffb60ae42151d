"""Options as psycopg sees them: `ConninfoOption`s, whose texts are bytes."""

from psycopg.errors import OperationalError
from psycopg.pq.misc import ConninfoOption

from guesthouse.postgres import conninfo
from guesthouse.postgres import options


def encoded(text):
    return None if text is None else text.encode("utf-8", "surrogateescape")


def described(values):
    """All options, with these values."""
    return [
        ConninfoOption(
            one.keyword.encode(),
            encoded(one.envvar),
            encoded(one.compiled),
            encoded(values.get(one.keyword)),
            one.label.encode(),
            one.dispchar.encode(),
            one.dispsize,
        )
        for one in options.OPTIONS
    ]


def parsed(text):
    """The options that a connection string names, up to its first zero byte, as C has it."""
    return conninfo.parse(text.partition(b"\0")[0].decode("utf-8", "surrogateescape"))


class Conninfo:
    """What a connection string says, and what holds without one."""

    @classmethod
    def get_defaults(cls):
        return described({one.keyword: options.default(one) for one in options.OPTIONS})

    @classmethod
    def parse(cls, text):
        if not isinstance(text, bytes):
            raise TypeError("bytes expected, got %s instead" % type(text))
        try:
            return described(parsed(text))
        except conninfo.Invalid as error:
            raise OperationalError(str(error)) from None
