"""Commands of a connection: sent and waited for, sent alone, copies, and pipelines."""

from psycopg.errors import OperationalError
from psycopg.pq.misc import PGnotify

from guesthouse.postgres import phases
from guesthouse.postgres import states
from guesthouse.postgres import wire
from guesthouse.postgres.session import Session

_PARAMETERS_MAX = 65535


class Commands(Session):
    """The functions of libpq that speak to the server. `_ensure` and `_finished` are the connection's."""

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
                self.doing = phases.BUSY
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
        return self.enqueue(phases.SIMPLE, (wire.query(command),), command)

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
        return self.enqueue(phases.EXTENDED, messages, query)

    def _prepare(self, name, command, types):
        return self.may_send() and self.enqueue(phases.PREPARE, (wire.parse(name, command, types),), command)

    def _describe(self, kind, name):
        return self.may_send() and self.enqueue(phases.DESCRIBE, (wire.describe(kind, name),))

    def _close(self, kind, name):
        return self.may_send() and self.enqueue(phases.CLOSE, (wire.close(kind, name),))

    # Results.

    def get_result(self):
        return None if self._finished else self.next_result()

    def consume_input(self):
        if self._finished or not (self.receive() and (not self._nonblocking or self.send() >= 0)):
            raise OperationalError("consuming input failed: %s" % self.get_error_message())

    def is_busy(self):
        if self.doing == phases.BUSY:
            self.parse()
        return int(self.doing == phases.BUSY)

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
        may = self.doing == phases.BUSY and self.queue and self.queue[0][0] in (phases.SIMPLE, phases.EXTENDED)
        if not may or self.has_result() or count < 1:
            raise OperationalError("setting %s mode failed" % name)
        self.rows_max = count

    def notifies(self):
        if not self._finished:
            self.parse()
        return PGnotify(*self.notified.popleft()) if self.notified else None

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

    # Pipelines.

    @property
    def pipeline_status(self):
        return self.pipeline

    def enter_pipeline_mode(self):
        if self.pipeline == states.PIPELINE_OFF:
            if self.status != states.CONN_OK or self.doing != phases.IDLE:
                self.complain("cannot enter pipeline mode, connection not idle\n")
                raise OperationalError("failed to enter pipeline mode")
            self.pipeline = states.PIPELINE_ON

    def exit_pipeline_mode(self):
        if self.status == states.CONN_BAD:
            raise OperationalError(self.get_error_message())
        text = {
            phases.READY: "cannot exit pipeline mode with uncollected results\n",
            phases.READY_MORE: "cannot exit pipeline mode with uncollected results\n",
            phases.BUSY: "cannot exit pipeline mode while busy\n",
            phases.COPY_IN: "cannot exit pipeline mode while in COPY\n",
            phases.COPY_OUT: "cannot exit pipeline mode while in COPY\n",
            phases.COPY_BOTH: "cannot exit pipeline mode while in COPY\n",
        }.get(self.doing)
        if self.pipeline == states.PIPELINE_OFF and (text is None or not self.queue):
            return
        if text is None and self.queue:
            text = "cannot exit pipeline mode with uncollected results\n"
        if text is not None:
            self.complain(text)
            raise OperationalError(self.get_error_message())
        self.pipeline, self.doing = states.PIPELINE_OFF, phases.IDLE
        self.send()

    def pipeline_sync(self):
        if self.pipeline == states.PIPELINE_OFF:
            self.complain("cannot send pipeline when not in pipeline mode\n")
            raise OperationalError("connection not in pipeline mode")
        if self.transport is None or self.doing in (phases.COPY_IN, phases.COPY_OUT, phases.COPY_BOTH):
            raise OperationalError("failed to sync pipeline")
        self.enqueue(phases.SYNC_POINT, (wire.SYNC,))

    def send_flush_request(self):
        if self.status != states.CONN_OK:
            self.complain("no connection to the server\n")
        elif self.doing != phases.IDLE and self.pipeline == states.PIPELINE_OFF:
            self.complain("another command is already in progress\n")
        else:
            self.transport.write(wire.FLUSH)
            return
        raise OperationalError("flush request failed: %s" % self.get_error_message())


def expect_bytes(what, value):
    if not isinstance(value, bytes):
        raise TypeError("%s must be bytes, got %s instead" % (what, type(value)))


def arguments(command, values, types, formats, result_format):
    """Checked, and as sequences: types, values, formats, and the format of the result."""
    expect_bytes("command", command)
    values = values or ()
    if types and len(types) != len(values):
        raise ValueError("got %d param_values but %d param_types" % (len(values), len(types)))
    if formats and len(formats) != len(values):
        raise ValueError("got %d param_values but %d param_formats" % (len(values), len(formats)))
    return types or (), values, formats or (), result_format
