"""A server of PostgreSQL, named by GUESTHOUSE_POSTGRES (`host=localhost user=postgres password=secret`)."""

import os
import time
import unittest

from psycopg.errors import OperationalError

from guesthouse.postgres import states
from guesthouse.postgres.connection import PGconn

_DSN = os.environ.get("GUESTHOUSE_POSTGRES", "").encode()


@unittest.skipUnless(_DSN, "GUESTHOUSE_POSTGRES names no server")
class Real(unittest.TestCase):
    def setUp(self):
        self.conn = self.connected()

    def connected(self):
        conn = PGconn.connect(_DSN)
        self.addCleanup(conn.finish)
        self.assertEqual(conn.status, states.CONN_OK, conn.error_message)
        return conn

    def value(self, command, *values, **more):
        result = self.conn.exec_params(command, values, **more)
        self.assertEqual(result.status, states.TUPLES_OK, result.error_message)
        return result.get_value(0, 0)

    def test_values_go_there_and_back(self):
        data = bytes(range(256)) * 1000
        self.assertEqual(self.value(b"select $1::bytea", data, param_formats=[1], result_format=1), data)
        self.assertEqual(self.value(b"select $1 || 'b'", b"a", param_types=[25]), b"ab")
        self.assertIsNone(self.value(b"select $1::int", None))

    def test_a_statement_is_prepared_described_and_closed(self):
        self.assertEqual(self.conn.prepare(b"s", b"select $1::int4 as a").status, states.COMMAND_OK)
        described = self.conn.describe_prepared(b"s")
        self.assertEqual((described.nparams, described.param_type(0), described.fname(0)), (1, 23, b"a"))
        self.assertEqual(self.conn.exec_prepared(b"s", [b"7"]).get_value(0, 0), b"7")
        self.assertEqual(self.conn.close_prepared(b"s").status, states.COMMAND_OK)
        self.assertEqual(self.conn.exec_prepared(b"s", [b"7"]).status, states.FATAL_ERROR)

    def test_many_rows_take_time_that_grows_with_them(self):
        def seconds(count):
            begun = time.perf_counter()
            self.assertEqual(self.conn.exec_(b"select generate_series(1, %d)" % count).ntuples, count)
            return time.perf_counter() - begun

        few = min(seconds(20_000) for _ in range(3))
        self.assertLess(min(seconds(100_000) for _ in range(3)), few * 15)

    def test_a_command_is_cancelled(self):
        other = self.connected()
        asleep = b"select 1 from pg_stat_activity where wait_event = 'PgSleep' and pid = %d" % self.conn.backend_pid
        for way in ("old", "new"):
            self.conn.send_query(b"select pg_sleep(30)")
            while not other.exec_(asleep).ntuples:
                pass
            if way == "old":
                self.conn.get_cancel().cancel()
            else:
                self.conn.cancel_conn().blocking()
            self.assertEqual(self.conn.get_result().error_field(ord("C")), b"57014")
            self.assertIsNone(self.conn.get_result())

    def test_a_backend_that_is_killed_in_a_transaction_is_told(self):
        self.conn.exec_(b"begin")
        other = self.connected()
        other.exec_(b"select pg_terminate_backend(%d)" % self.conn.backend_pid)
        result = self.conn.exec_(b"select 1")
        self.assertEqual(result.status, states.FATAL_ERROR)
        self.assertIn(b"server closed the connection unexpectedly", self.conn.error_message)
        self.assertEqual(self.conn.status, states.CONN_BAD)
        with self.assertRaises(OperationalError):
            self.conn.consume_input()
        self.conn.reset()
        self.assertEqual(self.conn.exec_(b"select 1").get_value(0, 0), b"1")

    def test_a_wrong_password_is_refused(self):
        conn = PGconn.connect(_DSN + b" password=no-such-password")
        if conn.status == states.CONN_OK:
            self.skipTest("the server trusts everybody")
        self.assertIn(b"FATAL:  password authentication failed", conn.error_message)

    def test_a_place_without_a_server_is_refused(self):
        conn = PGconn.connect(b"host=127.0.0.1 port=1 user=me")
        expected = (
            b'connection to server at "127.0.0.1", port 1 failed: Connection refused\n'
            b"\tIs the server running on that host and accepting TCP/IP connections?\n"
        )
        self.assertEqual(conn.error_message, expected)
        self.assertEqual(PGconn.ping(b"host=127.0.0.1 port=1 user=me"), states.PING_NO_RESPONSE)
        self.assertEqual(PGconn.ping(_DSN), states.PING_OK)

    def test_a_password_is_kept_as_the_server_keeps_it(self):
        self.conn.exec_(b"begin; create role guesthouse_test login")
        for algorithm in (b"scram-sha-256", b"md5"):
            secret = self.conn.encrypt_password(b"pass", b"guesthouse_test", algorithm)
            self.conn.exec_(b"alter role guesthouse_test password '%s'" % secret)
            kept = self.value(b"select rolpassword from pg_authid where rolname = 'guesthouse_test'")
            self.assertEqual(kept, secret)
        self.conn.exec_(b"rollback")
