"""What the server says, taken in message by message: results as they become complete, and what comes between them."""

import logging

from guesthouse.postgres import escaping
from guesthouse.postgres import phases
from guesthouse.postgres import states
from guesthouse.postgres import wire
from guesthouse.postgres.result import PGresult
from guesthouse.postgres.result import reported

_ROWS = (states.TUPLES_OK, states.SINGLE_TUPLE, states.TUPLES_CHUNK)
_COPY_STATES = {
    ord("G"): (phases.COPY_IN, states.COPY_IN),
    ord("H"): (phases.COPY_OUT, states.COPY_OUT),
    ord("W"): (phases.COPY_BOTH, states.COPY_BOTH),
}
_TRANSACTIONS = {b"I": states.XACT_IDLE, b"T": states.XACT_INTRANS, b"E": states.XACT_INERROR}

logger = logging.getLogger("psycopg")


class Received:
    """The half of a session that reads. What it finds is in the session's own state."""

    def parse(self):
        """Reads messages until a result is complete, or nothing whole is left."""
        inbox = self.inbox
        while True:
            try:
                found = inbox.peek()
            except wire.Garbage as error:
                inbox.clear()
                self.lose("%s\n" % error)
                self.save_failure()
                self.doing = phases.READY if self.doing != phases.IDLE else phases.IDLE
                return
            if found is None:
                return
            kind, data, at, end = found
            if self.doing == phases.BUSY:
                if kind == 0x44:
                    inbox.drop(end)
                    self.add_row(data, at, end)
                    continue
                if kind == 0x54 and self.result is not None and self.result.status in _ROWS and not self.is_describing():
                    # The rows of another statement of the same query: this one's are complete.
                    self.doing = phases.READY
                    return
            elif self.doing != phases.IDLE and kind not in b"AN":
                return
            inbox.drop(end)
            try:
                self.take_in(kind, data[at:end])
            except wire.Garbage as error:
                self.complain("%s\n" % error)
                self.save_failure()

    def take_in(self, kind, body):
        if kind == 0x41:
            self.note_notification(body)
        elif kind == 0x4E:
            self.note_notice(body)
        elif kind == 0x53:
            self.note_parameter(body)
        elif self.doing != phases.IDLE:
            handle = _HANDLERS.get(kind)
            if handle is None:
                self.complain('unexpected response from server; first received character was "%s"\n' % wire.shown(kind))
                self.save_failure()
                self.inbox.clear()
                self.doing = phases.READY
            else:
                handle(self, kind, body)
        elif kind == 0x45:
            self.note_notice(body)
        else:
            text = "message type 0x%02x arrived from server while idle\n" % kind
            self.hand_notice(PGresult(states.NONFATAL_ERROR, text.encode()))

    def add_row(self, data, at, end):
        result = self.result
        if result is None or result.status not in _ROWS:
            if not self.has_failed and (result is None or result.status != states.FATAL_ERROR):
                self.complain('server sent data ("D" message) without prior row description ("T" message)\n')
                self.save_failure()
            return
        try:
            row = wire.row(data, at, end, result.nfields)
        except wire.Garbage as error:
            self.complain("%s\n" % error)
            self.save_failure()
            return
        if not self.rows_max:
            result._rows.append(row)
            self.inbox.take_rows(result.nfields, result._rows)
            return
        if self.saved is None:
            self.saved = result
            result = self.result = result.empty(states.SINGLE_TUPLE if self.rows_max == 1 else states.TUPLES_CHUNK)
        result._rows.append(row)
        if len(result._rows) >= self.rows_max:
            self.doing = phases.READY_MORE

    def is_describing(self):
        return bool(self.queue) and self.queue[0][0] == phases.DESCRIBE

    def on_complete(self, kind, body):
        if not self.has_result():
            self.result = PGresult(states.COMMAND_OK)
        if self.result is not None:
            (self.saved or self.result).command_status = body.partition(b"\0")[0]
        self.doing = phases.READY

    def on_error(self, kind, body):
        query = self.queue[0][1] if self.queue else None
        if self.pipeline != states.PIPELINE_OFF:
            self.pipeline = states.PIPELINE_IS_ABORTED
        self.clear_result()
        self.result = self.reported(wire.error_fields(body), states.FATAL_ERROR, query)
        self.error += self.result.error_message
        self.doing = phases.READY

    def on_ready(self, kind, body):
        self.note_transaction(body)
        if self.pipeline != states.PIPELINE_OFF:
            self.result, self.pipeline, self.doing = PGresult(states.PIPELINE_SYNC), states.PIPELINE_ON, phases.READY
        else:
            self.advance(True, False)
            self.doing = phases.IDLE

    def on_empty(self, kind, body):
        if not self.has_result():
            self.result = PGresult(states.EMPTY_QUERY)
        self.doing = phases.READY

    def on_done(self, kind, body):
        """What was to be prepared is, or what was to be closed."""
        if self.queue and self.queue[0][0] == {0x31: phases.PREPARE, 0x33: phases.CLOSE}[kind]:
            if not self.has_result():
                self.result = PGresult(states.COMMAND_OK)
            self.doing = phases.READY

    def on_columns(self, kind, body):
        if self.has_failed or (self.result is not None and self.result.status == states.FATAL_ERROR):
            return
        if not self.is_describing():
            self.result = PGresult(states.TUPLES_OK)
        elif self.result is None:
            self.result = PGresult(states.COMMAND_OK)
        self.result.describe(wire.columns(body))
        if self.is_describing():
            self.doing = phases.READY

    def on_no_columns(self, kind, body):
        if self.is_describing():
            if not self.has_result():
                self.result = PGresult(states.COMMAND_OK)
            self.doing = phases.READY

    def on_types(self, kind, body):
        self.result = PGresult(states.COMMAND_OK)
        self.result._params = wire.types(body)

    def on_copy(self, kind, body):
        whole, formats = wire.formats(body)
        self.doing, status = _COPY_STATES[kind]
        self.result = PGresult(status)
        self.result.describe([(b"", (0, 0, 0, 0, 0, one)) for one in formats])
        self.result.binary_tuples = whole

    def on_nothing(self, kind, body):
        """What tells nothing new, and rows of a copy that nobody wants any more."""

    def note_parameter(self, body):
        name, value = (*wire.strings(body), b"", b"")[:2]
        self.parameters[name] = value
        if name == b"client_encoding":
            self.encoding = escaping.Settings.encoding = value.decode("ascii", "replace")
        elif name == b"standard_conforming_strings":
            escaping.Settings.standard_strings = value == b"on"

    def note_transaction(self, body):
        self.xact = _TRANSACTIONS.get(body[:1], states.XACT_UNKNOWN)

    def note_notification(self, body):
        name, payload = (*wire.strings(body, 4), b"", b"")[:2]
        self.notified.append((name, int.from_bytes(body[:4], "big"), payload))

    def note_notice(self, body):
        self.hand_notice(self.reported(wire.error_fields(body), states.NONFATAL_ERROR))

    def hand_notice(self, result):
        if self.notice_handler is not None:
            try:
                self.notice_handler(result)
            except Exception as error:
                logger.exception("error in notice receiver: %s", error)

    def reported(self, fields, status, query=None):
        return reported(fields, status, query, self.codec())


_HANDLERS = {
    ord("C"): Received.on_complete,
    ord("E"): Received.on_error,
    ord("Z"): Received.on_ready,
    ord("I"): Received.on_empty,
    ord("1"): Received.on_done,
    ord("2"): Received.on_nothing,
    ord("3"): Received.on_done,
    ord("T"): Received.on_columns,
    ord("n"): Received.on_no_columns,
    ord("t"): Received.on_types,
    ord("G"): Received.on_copy,
    ord("H"): Received.on_copy,
    ord("W"): Received.on_copy,
    ord("d"): Received.on_nothing,
    ord("c"): Received.on_nothing,
    ord("s"): Received.on_nothing,
    ord("K"): Received.on_nothing,
}
