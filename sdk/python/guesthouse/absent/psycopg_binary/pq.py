"""The module that psycopg looks for, before it looks for libpq by ctypes."""

from guesthouse.postgres.pq import Conninfo
from guesthouse.postgres.pq import Escaping
from guesthouse.postgres.pq import PGcancel
from guesthouse.postgres.pq import PGcancelConn
from guesthouse.postgres.pq import PGconn
from guesthouse.postgres.pq import PGresult
from guesthouse.postgres.pq import __build_version__
from guesthouse.postgres.pq import __impl__
from guesthouse.postgres.pq import version

__all__ = (
    "Conninfo", "Escaping", "PGcancel", "PGcancelConn", "PGconn", "PGresult", "__build_version__", "__impl__", "version",
)  # fmt: skip
