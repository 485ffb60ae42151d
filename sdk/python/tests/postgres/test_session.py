"""Sessions with a server that is scripted: startup, results, copies, pipelines, and servers that misbehave."""

import os
import socket
import struct
import threading
import unittest

from psycopg.errors import NotSupportedError
from psycopg.errors import OperationalError

from guesthouse.postgres import states
from guesthouse.postgres import wire
from tests.postgres.server import GREETING
from tests.postgres.server import READY
from tests.postgres.server import Server
from tests.postgres.server import columns
from tests.postgres.server import complete
from tests.postgres.server import error
from tests.postgres.server import message
from tests.postgres.server import notice
from tests.postgres.server import row

_CLOSED = b"server closed the connection unexpectedly"


def taken(conn):
    results = []
    while (result := conn.get_result()) is not None:
        results.append(result)
    return results


class Startup(unittest.TestCase):
    def test_a_session_is_ready_when_the_server_says_so(self):
        with Server() as server:
            self.assertEqual(server.conn.status, states.CONN_OK, server.conn.error_message)
            self.assertEqual((server.conn.backend_pid, server.conn.server_version), (7, 150018))
            self.assertEqual(server.conn.parameter_status(b"client_encoding"), b"UTF8")
            self.assertEqual(server.conn.transaction_status, states.XACT_IDLE)
            said = server.far.recv(1000)
            self.assertEqual(said, struct.pack(">ii", len(said), 3 << 16) + b"user\0me\0database\0me\0\0")

    def test_who_is_refused_is_told_where_and_why(self):
        with Server(error(b"28P01", b"no such password", b"FATAL")) as server:
            self.assertEqual(server.conn.status, states.CONN_BAD)
            expected = b'connection to server at "db" (198.51.100.1), port 5432 failed: FATAL:  no such password\n'
            self.assertEqual(server.conn.error_message, expected)

    def test_a_server_that_cannot_be_understood_is_refused(self):
        for greeting, said in (
            (b"HTTP/1.1 400 Bad Request\r\n\r\n", b"lost synchronization with server"),
            (message(b"Z", b"I"), b"expected authentication request from server"),
            (message(b"R", struct.pack(">i", 7)), b"authentication method 7 not supported"),
            (message(b"R", struct.pack(">i", 10) + b"MAGIC\0\0"), b"none of the server's SASL"),
            (message(b"R", struct.pack(">i", 11) + b"r=x"), b"SASL exchange not begun"),
        ):
            with self.subTest(greeting), Server(greeting) as server:
                self.assertEqual(server.conn.status, states.CONN_BAD)
                self.assertIn(said, server.conn.error_message)

    def test_a_method_that_is_not_wanted_is_refused(self):
        with Server(message(b"R", struct.pack(">i", 3)), b"require_auth=scram-sha-256") as server:
            self.assertIn(b"server requested password authentication", server.conn.error_message)
            self.assertNotIn(b"pencil", server.far.recv(1000))
        with Server(GREETING, b"require_auth=scram-sha-256") as server:
            self.assertIn(b"server did not request authentication", server.conn.error_message)

    def test_what_is_not_a_connection_string_makes_a_bad_connection(self):
        from guesthouse.postgres.connection import PGconn

        for text, said in ((b"colour=red", b"invalid connection option"), (b"service=x", b'"service" is not supported')):
            conn = PGconn.connect(text)
            self.assertEqual(conn.status, states.CONN_BAD)
            self.assertIn(said, conn.error_message)
            self.assertEqual(PGconn.ping(text), states.PING_NO_ATTEMPT)


class Results(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.conn = self.server.conn
        self.server.far.recv(1000)
        self.addCleanup(self.server.__exit__)

    def test_rows_come_as_bytes(self):
        self.server.say(columns(b"a", b"b"), row(b"1", None), row(b"", b"x"), complete(b"SELECT 2"), READY)
        result = self.conn.exec_(b"select")
        self.assertEqual(self.server.heard(), [(b"Q", b"select\0")])
        self.assertEqual((result.status, result.ntuples, result.nfields), (states.TUPLES_OK, 2, 2))
        values = [[result.get_value(at, column) for column in (0, 1)] for at in (0, 1)]
        self.assertEqual(values, [[b"1", None], [b"", b"x"]])
        self.assertEqual((result.fname(1), result.ftype(0), result.fname(2), result.get_value(2, 0)), (b"b", 25, None, None))
        self.assertEqual((result.command_status, result.command_tuples), (b"SELECT 2", 2))

    def test_parameters_are_bound(self):
        self.server.say(message(b"1"), message(b"2"), message(b"n"), complete(b"INSERT 0 1"), READY)
        result = self.conn.exec_params(b"insert", [b"a\0b", None, bytearray(b"\0")], [25, 0, 17], [0, 0, 1], 1)
        parse, bind, describe, execute, sync = self.server.heard()
        self.assertEqual(parse, (b"P", b"\0insert\0" + struct.pack(">HIII", 3, 25, 0, 17)))
        values = struct.pack(">H", 3) + b"\0\0\0\1a" + struct.pack(">i", -1) + b"\0\0\0\1\0"
        self.assertEqual(bind, (b"B", b"\0\0" + struct.pack(">HHHH", 3, 0, 0, 1) + values + struct.pack(">HH", 1, 1)))
        self.assertEqual([describe, execute, sync], [(b"D", b"P\0"), (b"E", bytes(5)), (b"S", b"")])
        self.assertEqual((result.status, result.command_tuples), (states.COMMAND_OK, 1))

    def test_an_error_shows_its_place(self):
        self.server.say(error(b"42703", b"no column", P=b"8", H=b"look"), READY)
        result = self.conn.exec_(b"select wat")
        self.assertEqual(result.status, states.FATAL_ERROR)
        expected = b"ERROR:  no column\nLINE 1: select wat\n               ^\nHINT:  look\n"
        self.assertEqual(result.error_message, expected)
        self.assertEqual(result.error_field(ord("C")), b"42703")

    def test_rows_one_by_one_and_in_chunks(self):
        rows = [row(b"%d" % number) for number in range(5)]
        for size, expected in ((1, [1, 1, 1, 1, 1, 0]), (2, [2, 2, 1, 0]), (5, [5, 0])):
            self.server.say(columns(b"a"), *rows, complete(b"SELECT 5"), READY)
            self.conn.send_query(b"select")
            self.conn.set_chunked_rows_mode(size) if size > 1 else self.conn.set_single_row_mode()
            results = taken(self.conn)
            self.assertEqual([one.ntuples for one in results], expected)
            kind = states.SINGLE_TUPLE if size == 1 else states.TUPLES_CHUNK
            self.assertEqual({one.status for one in results[:-1]}, {kind})
            self.assertEqual((results[-1].status, results[-1].command_tuples), (states.TUPLES_OK, 5))

    def test_statements_of_one_query_have_a_result_each(self):
        rows = columns(b"a") + row(b"1") + complete(b"SELECT 1")
        self.server.say(rows, complete(b"BEGIN"), message(b"I"), message(b"Z", b"T"))
        self.conn.send_query(b"select; begin;")
        statuses = [one.status for one in taken(self.conn)]
        self.assertEqual(statuses, [states.TUPLES_OK, states.COMMAND_OK, states.EMPTY_QUERY])
        self.assertEqual(self.conn.transaction_status, states.XACT_INTRANS)

    def test_notices_notifications_and_parameters_come_between(self):
        notices = []
        self.conn.notice_handler = lambda result: notices.append(result.error_message)
        told = message(b"A", struct.pack(">i", 9) + b"channel\0payload\0")
        changed = message(b"S", b"client_encoding\0LATIN1\0")
        self.server.say(notice(b"mind"), columns(b"a"), told, row(b"1"), changed, complete(b"SELECT 1"), READY)
        self.assertEqual(self.conn.exec_(b"select").ntuples, 1)
        self.assertEqual(notices, [b"NOTICE:  mind\n"])
        self.assertEqual(self.conn.notifies(), (b"channel", 9, b"payload"))
        self.assertIsNone(self.conn.notifies())
        self.assertEqual(self.conn.parameter_status(b"client_encoding"), b"LATIN1")

    def test_a_message_may_come_in_any_pieces(self):
        data = columns(b"a") + row(b"x" * 1000) + complete(b"SELECT 1") + READY
        self.conn.nonblocking = 1
        self.conn.send_query(b"select")
        for at in range(len(data)):
            self.server.say(data[at : at + 1])
            self.conn.consume_input()
            self.conn.is_busy()
        self.assertEqual([one.get_value(0, 0) for one in taken(self.conn)], [b"x" * 1000])

    def test_a_copy_out_is_read_row_by_row(self):
        begun = message(b"H", b"\0" + struct.pack(">HH", 1, 0))
        self.server.say(begun, message(b"d", b"1\n"), message(b"d", b"2\n"), message(b"c"), complete(b"COPY 2"), READY)
        self.assertEqual(self.conn.exec_(b"copy").status, states.COPY_OUT)
        rows = [bytes(self.conn.get_copy_data(0)[1]) for _ in range(2)]
        self.assertEqual(rows, [b"1\n", b"2\n"])
        self.assertEqual(self.conn.get_copy_data(1)[0], -1)
        self.assertEqual([one.command_tuples for one in taken(self.conn)], [2])

    def test_a_copy_in_is_sent_and_ended(self):
        self.server.say(message(b"G", b"\0" + struct.pack(">HH", 1, 0)))
        self.assertEqual(self.conn.exec_(b"copy").status, states.COPY_IN)
        self.server.heard()
        self.assertEqual(self.conn.put_copy_data(b"1\n"), 1)
        self.assertEqual(self.conn.put_copy_end(), 1)
        self.assertEqual(self.server.heard(), [(b"d", b"1\n"), (b"c", b"")])
        self.server.say(complete(b"COPY 1"), READY)
        self.assertEqual([one.status for one in taken(self.conn)], [states.COMMAND_OK])
        with self.assertRaises(OperationalError):
            self.conn.put_copy_data(b"2\n")

    def test_a_pipeline_that_fails_goes_on_at_its_sync(self):
        self.conn.enter_pipeline_mode()
        for _ in range(3):
            self.conn.send_query_params(b"select", [])
        self.conn.pipeline_sync()
        self.assertEqual([kind for kind, _ in self.server.heard()], [b"P", b"B", b"D", b"E"] * 3 + [b"S"])
        good = (message(b"1"), message(b"2"), columns(b"a"), complete(b"SELECT 0"))
        self.server.say(*good, error(b"42703", b"no"), READY)
        statuses = []
        for _ in range(3):
            statuses.append([one.status for one in taken(self.conn)])
        self.assertEqual(statuses, [[states.TUPLES_OK], [states.FATAL_ERROR], [states.PIPELINE_ABORTED]])
        self.assertEqual(self.conn.pipeline_status, states.PIPELINE_IS_ABORTED)
        self.assertEqual(self.conn.get_result().status, states.PIPELINE_SYNC)
        self.conn.exit_pipeline_mode()
        self.assertEqual(self.conn.transaction_status, states.XACT_IDLE)

    def test_a_session_that_ends_says_so(self):
        self.server.say(error(b"57P01", b"terminating connection", b"FATAL"))
        self.server.far.close()
        self.assertIn(_CLOSED, self.conn.exec_(b"select").error_message)
        self.assertEqual(self.conn.status, states.CONN_BAD)
        self.assertIn(b"FATAL:  terminating connection\n" + _CLOSED, self.conn.error_message)
        with self.assertRaises(OperationalError):
            self.conn.exec_(b"select")
        with self.assertRaises(OperationalError):
            self.conn.socket

    def test_what_is_no_protocol_ends_the_session(self):
        for data, said in (
            (b"Z\x7f\xff\xff\xff", b"lost synchronization"),
            (b"C\0\0\0\3", b"lost synchronization"),
            (message(b"Y"), b"unexpected response from server"),
        ):
            with self.subTest(data), Server() as server:
                server.say(data)
                server.far.shutdown(socket.SHUT_WR)
                result = server.conn.exec_(b"select")
                self.assertEqual(result.status, states.FATAL_ERROR)
                self.assertIn(said, result.error_message + server.conn.error_message)

    def test_rows_that_are_cut_short_make_a_failure(self):
        for body in (b"\0\1\0\0\0\5x", b"\0\2", b"", b"\0\1\0\0\0\1xx"):
            broken = message(b"D", body)
            with self.subTest(broken):
                self.server.say(columns(b"a"), broken, complete(b"SELECT 1"), READY)
                self.assertEqual(self.conn.exec_(b"select").status, states.FATAL_ERROR)
        for broken in (message(b"T", b"\0\1a"), message(b"D", b"\0\0"), message(b"t", b"\0\2")):
            with self.subTest(broken):
                self.server.say(broken, complete(b"SELECT 1"), READY)
                self.assertEqual(self.conn.exec_(b"select").status, states.FATAL_ERROR)

    def test_a_finished_connection_says_so(self):
        self.conn.finish()
        self.assertEqual(self.server.heard(), [(b"X", b"")])
        self.assertEqual((self.conn.status, self.conn.transaction_status), (states.CONN_BAD, states.XACT_UNKNOWN))
        self.assertEqual(self.conn.error_message, b"connection pointer is NULL\n")
        for call in (lambda: self.conn.exec_(b""), lambda: self.conn.db, self.conn.flush, self.conn.consume_input):
            with self.assertRaises(OperationalError):
                call()
        self.assertIsNone(self.conn.get_result())

    def test_what_is_not_there_says_so(self):
        with self.assertRaises(NotSupportedError):
            self.conn.trace(2)

    def test_bytes_that_do_not_fit_are_sent_as_the_server_reads(self):
        read = []

        def far():
            while sum(map(len, read)) < 8_000_000:
                read.append(self.server.far.recv(1 << 20))
            self.server.say(READY)

        thread = threading.Thread(target=far)
        thread.start()
        self.conn.send_query(b"x" * 8_000_000)
        self.assertEqual(taken(self.conn), [])
        thread.join()

    def test_a_child_leaves_the_connection_to_its_parent(self):
        child = os.fork()
        if child == 0:
            self.conn.finish()
            os._exit(0)
        os.waitpid(child, 0)
        self.server.far.setblocking(False)
        with self.assertRaises(BlockingIOError):
            self.server.far.recv(1)


class Cost(unittest.TestCase):
    def test_a_long_message_is_joined_once(self):
        inbox, piece = wire.Inbox(), b"x" * 1000
        inbox.add(b"D" + struct.pack(">i", 4 + 2000 * 1000))
        joined = 0
        for _ in range(2000):
            self.assertIsNone(inbox.peek())
            inbox.add(piece)
            joined += len(inbox._data)
        kind, data, at, end = inbox.peek()
        self.assertEqual((kind, end - at), (ord("D"), 2_000_000))
        self.assertLess(joined, 2000 * 1000)
