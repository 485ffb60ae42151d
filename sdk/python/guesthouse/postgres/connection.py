"""PGconn: a connection, with the methods that psycopg calls, which are libpq's functions."""

import os
import re

from psycopg.errors import NotSupportedError
from psycopg.errors import OperationalError
from psycopg.pq.misc import _clean_error_message
from psycopg.pq.misc import connection_summary

from guesthouse.postgres import auth
from guesthouse.postgres import conninfo
from guesthouse.postgres import escaping
from guesthouse.postgres import options
from guesthouse.postgres import phases
from guesthouse.postgres import states
from guesthouse.postgres import wire
from guesthouse.postgres.cancel import PGcancel
from guesthouse.postgres.cancel import PGcancelConn
from guesthouse.postgres.commands import Commands
from guesthouse.postgres.commands import expect_bytes
from guesthouse.postgres.described import described
from guesthouse.postgres.described import parsed
from guesthouse.postgres.result import PGresult

# The results that are none of a failure.
_GOOD = (
    states.EMPTY_QUERY, states.COMMAND_OK, states.TUPLES_OK, states.COPY_OUT, states.COPY_IN, states.COPY_BOTH,
    states.SINGLE_TUPLE, states.TUPLES_CHUNK, states.PIPELINE_SYNC, states.PIPELINE_ABORTED,
)  # fmt: skip
_VERSION = re.compile(rb"(\d+)(?:\.(\d+))?(?:\.(\d+))?")
_TRACE = "the messages of a connection cannot be traced: its protocol is spoken in Python"


class PGconn(Commands):
    """Its texts are bytes, as in libpq."""

    def __init__(self, values):
        super().__init__(values)
        self._pid, self._finished = os.getpid(), False

    def __del__(self, getpid=os.getpid):
        if getpid() == getattr(self, "_pid", None):
            self.finish()

    def __repr__(self):
        name = "%s.%s" % (type(self).__module__, type(self).__qualname__)
        return "<%s %s at 0x%x>" % (name, connection_summary(self), id(self))

    @classmethod
    def connect(cls, conninfo):
        conn = cls.connect_start(conninfo)
        if conn._opening is not None:
            conn._open_all()
        return conn

    @classmethod
    def connect_start(cls, text):
        expect_bytes("conninfo", text)
        try:
            conn = cls(options.completed(parsed(text)))
        except conninfo.Invalid as error:
            conn = cls(options.completed({}))
            conn.complain(str(error))
            return conn
        conn._begin()
        return conn

    def _begin(self):
        if text := options.complaint(self.values):
            self.clear_error()
            self.complain(text)
        else:
            self.open_start()

    def _open_all(self):
        seconds = int(self.values["connect_timeout"] or 0)
        # As libpq: 0 is for ever, and one second is too short to be meant.
        self.open_all(max(2, seconds) if seconds > 0 else None)

    def connect_poll(self):
        self._ensure()
        return self.open_poll()

    def finish(self):
        if not self._finished:
            self._finished, self._opening = True, None
            self.drop(wire.TERMINATE)
            self.doing, self.pipeline = phases.IDLE, states.PIPELINE_OFF
            self.inbox.clear()

    def _ensure(self):
        if self._finished:
            raise OperationalError("the connection is closed")

    @property
    def info(self):
        self._ensure()
        return described(self.values)

    def reset(self):
        self._ensure()
        self.reset_start()
        if self._opening is not None:
            self._open_all()

    def reset_start(self):
        if self._finished:
            raise OperationalError("couldn't reset connection")
        self.drop(wire.TERMINATE)
        self._begin()

    def reset_poll(self):
        return self.connect_poll()

    @classmethod
    def ping(cls, conninfo):
        conn = cls.connect(conninfo)
        try:
            if conn.status == states.CONN_OK:
                return states.PING_OK
            if conn.place is None:
                return states.PING_NO_ATTEMPT
            if len(conn.sqlstate) != 5 and not conn.auth_requested:
                return states.PING_NO_RESPONSE
            return states.PING_REJECT if conn.sqlstate == b"57P03" else states.PING_OK
        finally:
            conn.finish()

    def _value(self, keyword):
        self._ensure()
        return (self.values[keyword] or "").encode("utf-8", "surrogateescape")

    @property
    def db(self):
        return self._value("dbname")

    @property
    def user(self):
        return self._value("user")

    @property
    def password(self):
        self._ensure()
        return (self.password_used or self.values["password"] or "").encode("utf-8", "surrogateescape")

    @property
    def host(self):
        self._ensure()
        if self.place is None:
            return b""
        return (self.place.name or self.place.hostaddr or "localhost").encode("utf-8", "surrogateescape")

    @property
    def hostaddr(self):
        self._ensure()
        return self.address.encode()

    @property
    def port(self):
        self._ensure()
        return b"" if self.place is None else self.place.port.encode()

    @property
    def tty(self):
        self._ensure()
        return b""

    @property
    def options(self):
        return self._value("options")

    @property
    def transaction_status(self):
        if self.status != states.CONN_OK:
            return states.XACT_UNKNOWN
        return states.XACT_ACTIVE if self.doing != phases.IDLE else self.xact

    def parameter_status(self, name):
        self._ensure()
        return self.parameters.get(name)

    @property
    def error_message(self):
        return b"connection pointer is NULL\n" if self._finished else self.error

    def get_error_message(self, encoding=""):
        return _clean_error_message(self.error_message, encoding or self._encoding)

    @property
    def _encoding(self):
        return self.codec() if self.status == states.CONN_OK else "utf-8"

    @property
    def protocol_version(self):
        self._ensure()
        return 0 if self.status == states.CONN_BAD else 3

    @property
    def full_protocol_version(self):
        return self.protocol_version * 10000

    @property
    def server_version(self):
        self._ensure()
        match = _VERSION.match(self.parameters.get(b"server_version", b""))
        if match is None or self.status == states.CONN_BAD:
            return 0
        major, minor, patch = (int(one or 0) for one in match.groups())
        return major * 10000 + (minor if major >= 10 else minor * 100 + patch)

    @property
    def socket(self):
        self._ensure()
        if self.transport is None:
            raise OperationalError("the connection is lost")
        return self.transport.fileno()

    @property
    def backend_pid(self):
        self._ensure()
        return self.pid if self.status == states.CONN_OK else 0

    @property
    def needs_password(self):
        return self.password_needed and not self.password_used

    @property
    def used_password(self):
        return self.password_needed and bool(self.password_used)

    @property
    def used_gssapi(self):
        return False

    @property
    def ssl_in_use(self):
        self._ensure()
        return self.transport is not None and self.transport.encrypted

    # Cancelling.

    def cancel_conn(self):
        if self._finished:
            raise OperationalError("couldn't create cancelConn object")
        return PGcancelConn(self)

    def get_cancel(self):
        if self._finished or self.transport is None:
            raise OperationalError("couldn't create cancel object")
        return PGcancel(self)

    # What is not there.

    def trace(self, fileno):
        raise NotSupportedError(_TRACE)

    def set_trace_flags(self, flags):
        raise NotSupportedError(_TRACE)

    def untrace(self):
        """Nothing was traced."""

    # Passwords.

    def encrypt_password(self, passwd, user, algorithm=None):
        self._ensure()
        if algorithm is None:
            shown = self.exec_(b"show password_encryption")
            if shown.status != states.TUPLES_OK or shown.ntuples != 1:
                raise OperationalError("password encryption failed: %s" % self.get_error_message())
            algorithm = shown.get_value(0, 0)
        if algorithm in (b"scram-sha-256", b"scram-sha-256-plus"):
            return auth.scram_secret(passwd)
        if algorithm in (b"md5", b"on", b"off"):
            return auth.md5(passwd, user)
        text = 'unrecognized password encryption algorithm "%s"' % algorithm.decode("utf-8", "replace")
        raise OperationalError("password encryption failed: %s" % text)

    def change_password(self, user, passwd):
        encrypted = self.encrypt_password(passwd, user)
        command = b"ALTER USER %s PASSWORD %s"
        result = self.exec_(
            command % (escaping.identifier(user, self.encoding), escaping.literal(encrypted, self.encoding))
        )
        if result.status != states.COMMAND_OK:
            raise OperationalError("failed to change password change command: %s" % self.get_error_message())

    def make_empty_result(self, exec_status):
        is_good = exec_status in _GOOD
        return PGresult(exec_status, b"" if is_good or self._finished else self.error)
