"""Connections of the app's own: TCP and TLS on it, below `socket`, `ssl`, `select` and asyncio as they are."""

import asyncio
import gc
import queue
import select
import socket
import ssl
import sys
import unittest
from unittest import mock

from guesthouse import interfaces
from guesthouse.outbound import greeting
from guesthouse.outbound.socket import LINKS
from tests.bridged.server import Server
from tests.bridged.speaking import Speaking
from tests.bridged.speaking import make_certificate
from tests.fakes.outside import World
from tests.fakes.sockets import NEVER
from tests.fakes.sockets import ErrorCode
from tests.fakes.sockets import Granted

_ADDRESS = (10, 0, 0, 7)
_HOST = "10.0.0.7"
_PLAIN, _GREETS, _TLS, _TLS_GREETS, _SILENT = 5432, 25, 6380, 465, 7
_REQUEST = b"GET /echo HTTP/1.1\r\nHost: db.example:5432\r\nConnection: close\r\n\r\n"


def setUpModule():
    World.places["db.example:5432"] = Server().server_port
    Case.has_tls = make_certificate()
    Granted.names["db.example"] = [_ADDRESS]
    Granted.ports[_HOST, _PLAIN] = Speaking().port
    Granted.ports[_HOST, _GREETS] = Speaking(greets=True).port
    Granted.ports[_HOST, _SILENT] = NEVER
    if Case.has_tls:
        Granted.ports[_HOST, _TLS] = Speaking(encrypts=True).port
        Granted.ports[_HOST, _TLS_GREETS] = Speaking(greets=True, encrypts=True).port


def tearDownModule():
    Granted.clear()


class Case(unittest.TestCase):
    has_tls = False

    def setUp(self):
        World.asked.clear()
        Granted.asked.clear()
        Speaking.go_on.clear()
        Speaking.heard = queue.SimpleQueue()

    def tearDown(self):
        Speaking.go_on.set()
        traps, World.host.traps = World.host.traps, []
        self.assertEqual(traps, [])
        self.assertEqual((World.host.alive, dict(LINKS)), (0, {}), "something was not given back")

    def connect(self, port=_PLAIN, host="db.example", seconds=5):
        return socket.create_connection((host, port), seconds)


class Bytes(Case):
    def test_what_is_no_request_goes_to_the_other_end_and_what_it_says_is_read(self):
        with self.connect() as sock:
            self.assertEqual((Granted.asked, sock.getpeername()[1]), ([], _PLAIN))
            sock.sendall(b"\0\1abc\n")
            self.assertEqual(sock.recv(3), b"\0\1A")
            self.assertEqual(sock.recv(3, socket.MSG_PEEK), b"BC\n")
            buffer = bytearray(10)
            self.assertEqual((sock.recv_into(buffer), bytes(buffer[:3])), (3, b"BC\n"))
        self.assertEqual((Granted.asked, World.asked), ([(_HOST, _PLAIN)], []))

    def test_a_line_decides_at_its_end(self):
        with self.connect() as sock:
            for byte in b"get key\n":
                self.assertEqual(Granted.asked, [])
                sock.send(bytes([byte]))
            self.assertEqual(sock.recv(100), b"GET KEY\n")

    def test_a_request_is_the_hosts_where_tcp_is_let_too(self):
        with self.connect() as sock:
            sock.sendall(_REQUEST)
            self.assertTrue(sock.recv(1000).startswith(b"HTTP/1.1 200 OK"))
        self.assertEqual((Granted.asked, World.asked[0][1]), ([], "db.example:5432"))

    def test_who_reads_before_anything_was_written_hears_the_server(self):
        with self.connect(_GREETS) as sock, sock.makefile("rwb") as file:
            self.assertEqual(file.readline(), b"hello\n")
            file.write(b"GET / HTTP/1.1\n")
            file.flush()
            self.assertEqual(file.readline(), b"GET / HTTP/1.1\n")

    def test_many_bytes_go_both_ways(self):
        with self.connect() as sock:
            data = b"\0" + b"x" * 300_000 + b"\n"
            sock.sendall(data)
            with sock.makefile("rb") as file:
                self.assertEqual(file.readline(), data.upper())

    def test_the_half_that_writes_is_shut_and_the_other_still_read(self):
        with self.connect() as sock:
            sock.sendall(b"\0one\n")
            sock.shutdown(socket.SHUT_WR)
            with self.assertRaises(BrokenPipeError):
                sock.send(b"x")
            self.assertEqual(b"".join(iter(lambda: sock.recv(4), b"")), b"\0ONE\nover\n")

    def test_an_end_is_an_end_and_a_close_sends_what_was_written(self):
        with self.connect() as sock:
            sock.sendall(b"\0\nBYE\n")
            self.assertEqual(b"".join(iter(lambda: sock.recv(100), b"")), b"\0\nBYE\nover\n")
        with self.connect() as sock:
            sock.sendall(b"\0" + b"y" * 100_000 + b"\n")
        # Connections of other tests end now too.
        while len(Speaking.heard.get(timeout=10)) != 100_002:
            pass

    def test_a_close_sends_what_never_said_what_it_is(self):
        with self.connect() as sock:
            sock.sendall(b"word")
            self.assertEqual(Granted.asked, [])
        with self.connect() as sock:
            sock.setblocking(False)
            sock.send(b"\0another\n")
        heard = set()
        while not heard >= {b"word", b"\0another\n"}:
            heard.add(Speaking.heard.get(timeout=10))
        # Nobody is left to hear of it.
        with self.connect(1, "nobody.example") as sock:
            sock.sendall(b"word")

    def test_a_socket_that_is_had_twice_is_one_connection(self):
        with self.connect() as sock:
            sock.sendall(b"\0one\n")
            with sock.dup() as other:
                sock.close()
                self.assertEqual(other.recv(100), b"\0ONE\n")


class Addresses(Case):
    def test_the_addresses_of_a_name_are_tried_in_their_order(self):
        Granted.names["many.example"] = [(0,) * 7 + (1,), (10, 0, 0, 9), _ADDRESS]
        Granted.ports["10.0.0.9", _PLAIN] = ErrorCode.CONNECTION_REFUSED
        with self.connect(host="many.example") as sock:
            sock.sendall(b"\0\n")
            self.assertEqual(sock.recv(2), b"\0\n")
        self.assertEqual([place[0] for place in Granted.asked], ["0:0:0:0:0:0:0:1", "10.0.0.9", _HOST])

    def test_an_address_is_not_looked_up(self):
        Granted.ports["2001:db8:0:0:0:0:0:7", _PLAIN] = Granted.ports[_HOST, _PLAIN]
        for host in (_HOST, "2001:db8::7"):
            with self.connect(host=host) as sock:
                sock.sendall(b"\0\n")
                self.assertEqual(sock.recv(2), b"\0\n")

    def test_what_the_host_says_is_an_exception_of_sockets(self):
        for word, kind, text in (
            ("ACCESS_DENIED", ConnectionRefusedError, 'the host does not let it: "bad.example:1" must be in .outbound. tcp'),
            ("NEW_SOCKET_LIMIT", ConnectionRefusedError, "as many connections open as it may"),
            ("CONNECTION_REFUSED", ConnectionRefusedError, "asked for bad.example:1: the connection was refused"),
            ("CONNECTION_RESET", ConnectionResetError, "broke off"),
            ("TIMEOUT", TimeoutError, "no connection came about in time"),
            ("NAME_UNRESOLVABLE", socket.gaierror, "the name has no address"),
            ("TEMPORARY_RESOLVER_FAILURE", socket.gaierror, "could not be looked up now"),
            ("REMOTE_UNREACHABLE", OSError, "it cannot be reached"),
            ("NOT_SUPPORTED", OSError, "the host says `not-supported`"),
        ):
            Granted.names["bad.example"], Granted.ports["10.0.0.9", 1] = [(10, 0, 0, 9)], ErrorCode[word]
            for _ in range(2):
                with self.connect(1, "bad.example") as sock:
                    with self.assertRaisesRegex(kind, text):
                        sock.sendall(b"\0")
                    with self.assertRaisesRegex(kind, text):
                        sock.recv(1)
                # The same when it is the name that fails.
                Granted.names["bad.example"] = ErrorCode[word]

    def test_who_forgets_a_socket_that_failed_leaves_nothing(self):
        sock = self.connect(1, "nobody.example")
        for _ in range(2):
            with self.assertRaises(ConnectionRefusedError):
                sock.sendall(b"\0")
        del sock
        gc.collect()
        self.assertEqual(LINKS, {})

    def test_a_connection_that_does_not_come_about_ends_with_its_time(self):
        with self.connect(_SILENT, seconds=0.05) as sock:
            sock.settimeout(None)
            with self.assertRaisesRegex(TimeoutError, "timed out"):
                sock.sendall(b"\0")
        with self.connect(_SILENT) as sock:
            sock.settimeout(0)
            self.assertEqual(sock.send(b"\0"), 1)

    def test_a_wait_for_an_answer_ends_with_its_time(self):
        with self.connect() as sock:
            sock.sendall(b"WAIT\n")
            sock.settimeout(0.05)
            with self.assertRaisesRegex(TimeoutError, "timed out"):
                sock.recv(1)
            Speaking.go_on.set()
            sock.settimeout(5)
            self.assertEqual(sock.recv(10), b"WAIT\n")


class Waiting(Case):
    def test_who_does_not_wait_is_told_when_there_is_something(self):
        with socket.socket() as sock:
            sock.setblocking(False)
            self.assertEqual(sock.connect_ex((_HOST, _PLAIN)), 0)
            self.assertEqual(select.select([], [sock], [], 1)[1], [sock])
            self.assertEqual(sock.send(b"WAIT\n"), 5)
            with self.assertRaises(BlockingIOError):
                sock.recv(1)
            poll = select.poll()
            poll.register(sock, select.POLLIN)
            self.assertEqual(poll.poll(10), [])
            Speaking.go_on.set()
            self.assertEqual(poll.poll(5000), [(sock.fileno(), select.POLLIN)])
            self.assertEqual(sock.recv(10), b"WAIT\n")

    def test_only_so_much_is_taken_from_who_does_not_wait(self):
        with self.connect() as sock:
            Speaking.waits.clear()
            sock.sendall(b"WAIT\n")
            self.assertTrue(Speaking.waits.wait(5))
            sock.setblocking(False)
            sent = 0
            while select.select([], [sock], [], 0.05)[1] and sent < 1 << 26:
                sent += sock.send(b"y" * 100_000)
            self.assertLess(sent, 1 << 26)
            Speaking.go_on.set()
            self.assertEqual(select.select([], [sock], [], 10)[1], [sock])

    def test_a_refusal_is_read_by_who_does_not_wait(self):
        with socket.socket() as sock:
            sock.setblocking(False)
            sock.connect(("10.9.9.9", 1))
            self.assertEqual(sock.send(b"\0"), 1)
            self.assertEqual(select.select([sock], [], [], 5)[0], [sock])
            with self.assertRaisesRegex(ConnectionRefusedError, '"10.9.9.9:1" must be in'):
                sock.recv(1)

    def test_who_waits_where_nothing_was_written_hears_a_server_that_begins(self):
        for seconds in (5, None):
            with self.connect(_GREETS) as sock:
                self.assertEqual(select.select([sock], [], [], seconds)[0], [sock])
                self.assertEqual(sock.recv(10), b"hello\n")


class Tls(Case):
    def setUp(self):
        super().setUp()
        if not self.has_tls:
            self.skipTest("no `openssl` to make a certificate with")
        self.context = ssl.create_default_context()

    def talk(self, sock):
        with sock:
            sock.sendall(b"\0" + b"a" * 100_000 + b"\n")
            with sock.makefile("rb") as file:
                self.assertEqual(file.readline(), b"\0" + b"A" * 100_000 + b"\n")

    def started(self, context, **keywords):
        sock = self.connect()
        sock.sendall(b"STARTTLS\n")
        self.assertEqual(sock.recv(100), b"STARTTLS\n")
        self.addCleanup(sock.close)
        return context.wrap_socket(sock, server_hostname="db.example", **keywords)

    def test_from_the_first_byte(self):
        self.talk(self.context.wrap_socket(self.connect(_TLS), server_hostname="db.example"))
        with self.context.wrap_socket(self.connect(_TLS_GREETS), server_hostname="db.example") as sock:
            self.assertEqual(sock.recv(10), b"hello\n")

    def test_in_the_middle_of_a_connection(self):
        sock = self.started(self.context)
        self.assertEqual(sock.getpeercert()["subjectAltName"], (("DNS", "db.example"),))
        self.assertEqual((sock.version(), sock.getpeercert(True), sock.pending()), ("TLSv1.3", None, 0))
        # Who has an `SSLSocket` binds passwords to a certificate, which is not to be had.
        self.assertNotIsInstance(sock, ssl.SSLSocket)
        self.talk(sock)

    def test_who_takes_any_certificate_may_begin_in_the_middle(self):
        self.context.check_hostname = False
        self.context.verify_mode = ssl.CERT_NONE
        self.talk(self.started(self.context))

    def test_a_handshake_of_who_does_not_wait(self):
        sock = self.started(self.context, do_handshake_on_connect=False)
        sock.setblocking(False)
        while True:
            try:
                sock.do_handshake()
                break
            except ssl.SSLWantReadError:
                select.select([sock], [], [], 5)
        sock.setblocking(True)
        self.talk(sock)

    def test_a_certificate_for_another_name_is_refused(self):
        Granted.names["other.example"] = [_ADDRESS]
        with self.context.wrap_socket(self.connect(_TLS, "other.example"), server_hostname="other.example") as sock:
            with self.assertRaisesRegex(ssl.SSLCertVerificationError, "other.example:6380: its certificate is not one that"):
                sock.sendall(b"\0\n")

    def test_a_component_without_tls_says_what_to_do(self):
        with mock.patch.object(interfaces, "tls", None):
            with self.assertRaisesRegex(ssl.SSLError, "for apps whose manifest asks for `.outbound. tcp`: build it again"):
                self.started(self.context)
            with self.context.wrap_socket(self.connect(_TLS), server_hostname="db.example") as sock:
                with self.assertRaisesRegex(ssl.SSLError, "build it again with that"):
                    sock.sendall(b"\0\n")


class Loops(Case):
    def run_in_loop(self, awaitable):
        from guesthouse.asgi.loop import Loop

        loop = Loop()
        try:
            return loop.run_until_complete(awaitable)
        finally:
            loop.close()

    async def say(self, reader, writer, line):
        writer.write(line)
        await writer.drain()
        return await reader.readline()

    async def leave(self, writer):
        writer.close()
        await writer.wait_closed()

    def test_lines_go_to_the_other_end_and_come_back(self):
        async def talk():
            reader, writer = await asyncio.open_connection("db.example", _PLAIN)
            data = b"\0" + b"x" * 300_000 + b"\n"
            reader._limit = len(data)
            said = await self.say(reader, writer, data)
            writer.close()
            await writer.wait_closed()
            return said == data.upper()

        async def both():
            return await asyncio.gather(talk(), talk())

        self.assertEqual(self.run_in_loop(both()), [True, True])

    def test_a_server_that_begins_is_heard_with_a_timer_and_without(self):
        async def greeted(seconds):
            reader, writer = await asyncio.open_connection("db.example", _GREETS)
            said = await asyncio.wait_for(reader.readline(), seconds)
            said += await self.say(reader, writer, b"GET / HTTP/1.1\n")
            writer.close()
            return said

        for seconds in (5, None):
            self.assertEqual(self.run_in_loop(greeted(seconds)), b"hello\nGET / HTTP/1.1\n")

    def test_one_loop_waits_for_a_request_and_for_a_connection(self):
        async def connection():
            reader, writer = await asyncio.open_connection("db.example", _PLAIN)
            writer.write(b"WAIT")
            await asyncio.sleep(0)
            said = await self.say(reader, writer, b"\n")
            await self.leave(writer)
            return said

        async def request():
            reader, writer = await asyncio.open_connection("db.example", _PLAIN)
            writer.write(_REQUEST)
            said = await reader.read()
            Speaking.go_on.set()
            await self.leave(writer)
            return said.startswith(b"HTTP/1.1 200 OK")

        async def both():
            return await asyncio.gather(connection(), request())

        self.assertEqual(self.run_in_loop(both()), [b"WAIT\n", True])

    def test_who_waits_in_the_middle_of_a_line_is_heard(self):
        async def ask():
            reader, writer = await asyncio.open_connection("db.example", _PLAIN)
            writer.write(b"word")
            with self.assertRaises(TimeoutError if sys.version_info >= (3, 11) else asyncio.TimeoutError):
                await asyncio.wait_for(reader.readline(), 0.05)
            said = await self.say(reader, writer, b"s\n")
            await self.leave(writer)
            return said

        self.assertEqual(self.run_in_loop(ask()), b"WORDS\n")

    def test_a_request_that_is_written_late_is_still_one(self):
        async def ask(host, port):
            reader, writer = await asyncio.open_connection(host, port)
            await asyncio.sleep(0.05)
            writer.write(_REQUEST.replace(b"db.example:5432", b"%s:%d" % (host.encode(), port)))
            said = await asyncio.wait_for(reader.read(), 5)
            writer.close()
            return said

        World.places["web.example:8080"] = World.places["db.example:5432"]
        for place in (("db.example", _PLAIN), ("web.example", 8080)):
            self.assertIn(b"200 OK", self.run_in_loop(ask(*place)))

    def test_who_waits_in_vain_for_a_server_is_told_before_the_timer_ends(self):
        async def greeted():
            reader, writer = await asyncio.open_connection("nobody.example", 25)
            try:
                await asyncio.wait_for(reader.readline(), 10)
            finally:
                writer.close()

        with mock.patch.object(greeting, "_PATIENCE_SECONDS", 0.05):
            with self.assertRaisesRegex(ConnectionRefusedError, '"nobody.example:25" must be in'):
                self.run_in_loop(greeted())

    def test_a_refusal_is_told_to_who_writes_and_reads(self):
        async def ask(pause):
            reader, writer = await asyncio.open_connection("nobody.example", 6379)
            try:
                await asyncio.sleep(pause)
                await self.say(reader, writer, b"PING\r\n")
            finally:
                writer.close()

        for pause in (0, 0.05):
            with self.assertRaisesRegex(ConnectionRefusedError, '"nobody.example:6379" must be in'):
                self.run_in_loop(ask(pause))

    @unittest.skipUnless(hasattr(asyncio.StreamWriter, "start_tls"), "before Python 3.11")
    def test_tls_begins_at_once_and_in_the_middle(self):
        if not self.has_tls:
            self.skipTest("no `openssl` to make a certificate with")

        async def at_once():
            reader, writer = await asyncio.open_connection("db.example", _TLS, ssl=True)
            said = await self.say(reader, writer, b"\0a\n")
            await self.leave(writer)
            return said

        async def greeted():
            reader, writer = await asyncio.open_connection("db.example", _TLS_GREETS, ssl=True)
            said = await asyncio.wait_for(reader.readline(), 5)
            await self.leave(writer)
            return said

        async def later():
            reader, writer = await asyncio.open_connection("db.example", _PLAIN)
            # No mark was drawn that would be this one.
            fake = b"\0guesthouse-tls " + b"a" * 32 + b"\n"
            said = [await self.say(reader, writer, line) for line in (fake, b"STARTTLS\n")]
            await writer.start_tls(ssl.create_default_context(), server_hostname="db.example")
            said.append(await self.say(reader, writer, fake))
            await self.leave(writer)
            self.assertEqual(said, [fake.upper(), b"STARTTLS\n", fake.upper()])

        self.assertEqual(self.run_in_loop(at_once()), b"\0A\n")
        self.assertEqual(self.run_in_loop(greeted()), b"hello\n")
        self.run_in_loop(later())
