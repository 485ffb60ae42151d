"""PGconn: a connection, with the methods that psycopg calls, which are libpq's functions."""

import os
import re

from psycopg.errors import NotSupportedError
from psycopg.errors import OperationalError
from psycopg.pq.misc import PGnotify
from psycopg.pq.misc import _clean_error_message
from psycopg.pq.misc import connection_summary

from guesthouse.postgres import auth
from guesthouse.postgres import conninfo
from guesthouse.postgres import escaping
from guesthouse.postgres import options
from guesthouse.postgres import session
from guesthouse.postgres import states
from guesthouse.postgres import wire
from guesthouse.postgres.cancel import PGcancel
from guesthouse.postgres.cancel import PGcancelConn
from guesthouse.postgres.described import described
from guesthouse.postgres.result import PGresult
from guesthouse.postgres.session import Session

_PARAMETERS_MAX = 65535
_VERSION = re.compile(rb"(\d+)(?:\.(\d+))?(?:\.(\d+))?")
_TRACE = "the messages of a connection cannot be traced: its protocol is spoken in Python"


def expect_bytes(what, value):
    if not isinstance(value, bytes):
        raise TypeError("%s must be bytes, got %s instead" % (what, type(value)))


class PGconn(Session):
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
            conn = cls(options.completed(conninfo.parse(text.decode("utf-8", "surrogateescape"))))
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
        seconds = self.values["connect_timeout"] or ""
        # As libpq: 0 is for ever, and one second is too short to be meant.
        seconds = max(2, int(seconds)) if seconds.strip().isdigit() and int(seconds) else None
        self.open_all(seconds)

    def connect_poll(self):
        self._ensure()
        return self.open_poll()

    def finish(self):
        if not self._finished:
            self._finished, self._opening = True, None
            self.drop(wire.TERMINATE)
            self.doing, self.pipeline = session.IDLE, states.PIPELINE_OFF
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
        self.drop(wire.TERMINATE)
        self._begin()
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
        return states.XACT_ACTIVE if self.doing != session.IDLE else self.xact

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

    # Commands that wait for their result.

    def _exec(self, what, send, *args):
        """`send` with its arguments, and the last of the results."""
        self._ensure()
        if not self._exec_start() or not send(*args):
            raise OperationalError("%s failed: %s" % (what, self.get_error_message()))
        last = None
        while (result := self.next_result()) is not None:
            last = result
            if result.status in (states.COPY_IN, states.COPY_OUT, states.COPY_BOTH) or self.status == states.CONN_BAD:
                break
        if last is None:
            raise OperationalError("%s failed: %s" % (what, self.get_error_message()))
        return last

    def _exec_start(self):
        """Ends what the last command left: results that nobody took, and copies."""
        self.clear_error()
        if self.pipeline != states.PIPELINE_OFF:
            return self.complain("synchronous command execution functions are not allowed in pipeline mode\n")
        while (result := self.next_result()) is not None:
            if result.status == states.COPY_IN:
                if self.end_copy(b"COPY terminated by new PQexec") < 0:
                    return False
            elif result.status == states.COPY_OUT:
                self.doing = session.BUSY
            elif result.status == states.COPY_BOTH:
                return self.complain("PQexec not allowed during COPY BOTH\n")
            if self.status == states.CONN_BAD:
                return False
        return True

    def exec_(self, command):
        expect_bytes("command", command)
        return self._exec("executing query", self._query, command)

    def exec_params(self, command, param_values, param_types=None, param_formats=None, result_format=0):
        args = arguments(command, param_values, param_types, param_formats, result_format)
        return self._exec("executing query", self._query_params, command, *args)

    def prepare(self, name, command, param_types=None):
        expect_bytes("name", name)
        expect_bytes("command", command)
        return self._exec("preparing query", self._prepare, name, command, param_types or ())

    def exec_prepared(self, name, param_values, param_formats=None, result_format=0):
        expect_bytes("name", name)
        _, values, formats, result_format = arguments(name, param_values, None, param_formats, result_format)
        return self._exec("executing prepared query", self._query_prepared, name, values, formats, result_format)

    def describe_prepared(self, name):
        expect_bytes("name", name)
        return self._exec("describe prepared", self._describe, b"S", name)

    def describe_portal(self, name):
        expect_bytes("name", name)
        return self._exec("describe portal", self._describe, b"P", name)

    def close_prepared(self, name):
        expect_bytes("name", name)
        return self._exec("close prepared", self._close, b"S", name)

    def close_portal(self, name):
        expect_bytes("name", name)
        return self._exec("close portal", self._close, b"P", name)

    # Commands whose results are taken later.

    def _sent(self, what, sent):
        if not sent:
            raise OperationalError("%s failed: %s" % (what, self.get_error_message()))

    def send_query(self, command):
        expect_bytes("command", command)
        self._ensure()
        self._sent("sending query", self._query(command))

    def send_query_params(self, command, param_values, param_types=None, param_formats=None, result_format=0):
        args = arguments(command, param_values, param_types, param_formats, result_format)
        self._ensure()
        self._sent("sending query and params", self._query_params(command, *args))

    def send_prepare(self, name, command, param_types=None):
        self._ensure()
        self._sent("sending query and params", self._prepare(name, command, param_types or ()))

    def send_query_prepared(self, name, param_values, param_formats=None, result_format=0):
        _, values, formats, result_format = arguments(name, param_values, None, param_formats, result_format)
        self._ensure()
        self._sent("sending prepared query", self._query_prepared(name, values, formats, result_format))

    def send_describe_prepared(self, name):
        expect_bytes("name", name)
        self._ensure()
        self._sent("sending describe prepared", self._describe(b"S", name))

    def send_describe_portal(self, name):
        expect_bytes("name", name)
        self._ensure()
        self._sent("sending describe portal", self._describe(b"P", name))

    def send_close_prepared(self, name):
        expect_bytes("name", name)
        self._ensure()
        self._sent("sending close prepared", self._close(b"S", name))

    def send_close_portal(self, name):
        expect_bytes("name", name)
        self._ensure()
        self._sent("sending close portal", self._close(b"P", name))

    def _query(self, command):
        if not self.may_send():
            return False
        if self.pipeline != states.PIPELINE_OFF:
            return self.complain("PQsendQuery not allowed in pipeline mode\n")
        return self.enqueue(session.SIMPLE, (wire.query(command),), command)

    def _query_params(self, command, types, values, formats, result_format):
        if not self.may_send() or not self._may_bind(values):
            return False
        return self._execute(b"", values, formats, result_format, command, wire.parse(b"", command, types))

    def _query_prepared(self, name, values, formats, result_format):
        if not self.may_send() or not self._may_bind(values):
            return False
        return self._execute(name, values, formats, result_format, None)

    def _may_bind(self, values):
        if len(values) > _PARAMETERS_MAX:
            return self.complain("number of parameters must be between 0 and %d\n" % _PARAMETERS_MAX)
        return True

    def _execute(self, name, values, formats, result_format, query, *before):
        bind = wire.bind(name, values, formats, result_format)
        messages = (*before, bind, wire.DESCRIBE_UNNAMED_PORTAL, wire.EXECUTE_ALL)
        return self.enqueue(session.EXTENDED, messages, query)

    def _prepare(self, name, command, types):
        return self.may_send() and self.enqueue(session.PREPARE, (wire.parse(name, command, types),), command)

    def _describe(self, kind, name):
        return self.may_send() and self.enqueue(session.DESCRIBE, (wire.describe(kind, name),))

    def _close(self, kind, name):
        return self.may_send() and self.enqueue(session.CLOSE, (wire.close(kind, name),))

    # Results.

    def get_result(self):
        return None if self._finished else self.next_result()

    def consume_input(self):
        if self._finished or not (self.receive() and (not self._nonblocking or self.send() >= 0)):
            raise OperationalError("consuming input failed: %s" % self.get_error_message())

    def is_busy(self):
        if self.doing == session.BUSY:
            self.parse()
        return int(self.doing == session.BUSY)

    @property
    def nonblocking(self):
        return self._nonblocking

    @nonblocking.setter
    def nonblocking(self, arg):
        if self.status == states.CONN_BAD:
            raise OperationalError("setting nonblocking failed: %s" % self.get_error_message())
        self._nonblocking = int(bool(arg))

    def flush(self):
        if self._finished:
            raise OperationalError("flushing failed: the connection is closed")
        rv = self.send()
        if rv < 0:
            raise OperationalError("flushing failed: %s" % self.get_error_message())
        return rv

    def set_single_row_mode(self):
        self._set_rows(1, "single row")

    def set_chunked_rows_mode(self, size):
        self._set_rows(size, "chunked rows")

    def _set_rows(self, count, name):
        """Only between a query and its first row."""
        may = self.doing == session.BUSY and self.queue and self.queue[0][0] in (session.SIMPLE, session.EXTENDED)
        if not may or self.has_result() or count < 1:
            raise OperationalError("setting %s mode failed" % name)
        self.rows_max = count

    def notifies(self):
        if not self._finished:
            self.parse()
        return PGnotify(*self.notified.popleft()) if self.notified else None

    # Cancelling.

    def cancel_conn(self):
        if self._finished:
            raise OperationalError("couldn't create cancelConn object")
        return PGcancelConn(self)

    def get_cancel(self):
        if self._finished or self.transport is None:
            raise OperationalError("couldn't create cancel object")
        return PGcancel(self)

    # Copying.

    def put_copy_data(self, buffer):
        if (rv := self.put_copy(buffer)) < 0:
            raise OperationalError("sending copy data failed: %s" % self.get_error_message())
        return rv

    def put_copy_end(self, error=None):
        if (rv := self.end_copy(error)) < 0:
            raise OperationalError("sending copy end failed: %s" % self.get_error_message())
        return rv

    def get_copy_data(self, async_):
        count, data = self.get_copy(not async_)
        if count == -2:
            raise OperationalError("receiving copy data failed: %s" % self.get_error_message())
        return count, memoryview(data)

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

    # Pipelines.

    @property
    def pipeline_status(self):
        return self.pipeline

    def enter_pipeline_mode(self):
        if self.pipeline == states.PIPELINE_OFF:
            if self.status != states.CONN_OK or self.doing != session.IDLE:
                self.complain("cannot enter pipeline mode, connection not idle\n")
                raise OperationalError("failed to enter pipeline mode")
            self.pipeline = states.PIPELINE_ON

    def exit_pipeline_mode(self):
        if self.status == states.CONN_BAD:
            raise OperationalError(self.get_error_message())
        text = {
            session.READY: "cannot exit pipeline mode with uncollected results\n",
            session.READY_MORE: "cannot exit pipeline mode with uncollected results\n",
            session.BUSY: "cannot exit pipeline mode while busy\n",
            session.COPY_IN: "cannot exit pipeline mode while in COPY\n",
            session.COPY_OUT: "cannot exit pipeline mode while in COPY\n",
            session.COPY_BOTH: "cannot exit pipeline mode while in COPY\n",
        }.get(self.doing)
        if self.pipeline == states.PIPELINE_OFF and (text is None or not self.queue):
            return
        if text is None and self.queue:
            text = "cannot exit pipeline mode with uncollected results\n"
        if text is not None:
            self.complain(text)
            raise OperationalError(self.get_error_message())
        self.pipeline, self.doing = states.PIPELINE_OFF, session.IDLE
        self.send()

    def pipeline_sync(self):
        if self.pipeline == states.PIPELINE_OFF:
            self.complain("cannot send pipeline when not in pipeline mode\n")
            raise OperationalError("connection not in pipeline mode")
        if self.transport is None or self.doing in (session.COPY_IN, session.COPY_OUT, session.COPY_BOTH):
            raise OperationalError("failed to sync pipeline")
        self.enqueue(session.SYNC_POINT, (wire.SYNC,))

    def send_flush_request(self):
        if self.status != states.CONN_OK:
            self.complain("no connection to the server\n")
        elif self.doing != session.IDLE and self.pipeline == states.PIPELINE_OFF:
            self.complain("another command is already in progress\n")
        else:
            self.transport.write(wire.FLUSH)
            return
        raise OperationalError("flush request failed: %s" % self.get_error_message())


# The results that are none of a failure.
_GOOD = (
    states.EMPTY_QUERY, states.COMMAND_OK, states.TUPLES_OK, states.COPY_OUT, states.COPY_IN, states.COPY_BOTH,
    states.SINGLE_TUPLE, states.TUPLES_CHUNK, states.PIPELINE_SYNC, states.PIPELINE_ABORTED,
)  # fmt: skip


def arguments(command, values, types, formats, result_format):
    """Checked, and as sequences: types, values, formats, and the format of the result."""
    expect_bytes("command", command)
    values = values or ()
    if types and len(types) != len(values):
        raise ValueError("got %d param_values but %d param_types" % (len(values), len(types)))
    if formats and len(formats) != len(values):
        raise ValueError("got %d param_values but %d param_formats" % (len(values), len(formats)))
    return types or (), values, formats or (), result_format
