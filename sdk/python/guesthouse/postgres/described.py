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
            return described(conninfo.parse(text.decode("utf-8", "surrogateescape")))
        except conninfo.Invalid as error:
            raise OperationalError(str(error)) from None
