"""`socket`, `http.client`, `urllib.request` and `ssl` as they are."""

import http.client
import json
import select
import socket
import ssl
import unittest
import urllib.error
import urllib.request

from guesthouse.outbound.socket import LINKS
from tests.bridged.server import Server
from tests.fakes.outside import World


def setUpModule():
    Server()


class Case(unittest.TestCase):
    def setUp(self):
        World.asked.clear()

    def tearDown(self):
        self.assertEqual(World.host.traps, [])
        self.assertEqual((World.host.alive, dict(LINKS)), (0, {}), "something was not given back")


class Names(Case):
    def test_each_name_has_an_address_of_its_own_and_a_literal_stays_one(self):
        def ask(*args):
            return socket.getaddrinfo(*args, type=socket.SOCK_STREAM)[0][4]

        one, two = ask("one.example", 80), ask("two.example", "https")
        self.assertTrue(one[0].startswith("198.18.") and two[0].startswith("198.18.") and one[0] != two[0], (one, two))
        self.assertEqual((one[1], two[1], ask("one.example", 443)[0]), (80, 443, one[0]))
        self.assertEqual(ask("10.0.0.7", 80), ("10.0.0.7", 80))
        self.assertEqual(ask("2001:db8::1", 80)[0], "2001:db8::1")
        # Every other spelling is a name to us: the host sees what was written.
        self.assertTrue(ask("0x7f.1", 80)[0].startswith("198.18."))
        self.assertEqual(socket.gethostbyaddr(one[0])[0], "one.example")
        self.assertEqual(socket.getfqdn("one.example"), "one.example")
        for wrong in ("not a name", "a" * 254):
            with self.assertRaises(socket.gaierror):
                ask(wrong, 80)


class Requests(Case):
    def test_a_connection_carries_one_request_after_the_other(self):
        connection = http.client.HTTPConnection("shop.example")
        for path in ("/echo?a=1", "/chunks", "/head", "/status/204", "/status/304"):
            method = "HEAD" if path == "/head" else "GET"
            connection.request(method, path)
            with connection.getresponse() as response:
                data = response.read()
            if path == "/echo?a=1":
                self.assertEqual(json.loads(data)["path"], "/echo?a=1")
                self.assertEqual(response.headers["Content-Length"], str(len(data)))
            else:
                self.assertEqual(data, b"one,two,three" if path == "/chunks" else b"")
        number = connection.sock.fileno()
        self.assertGreaterEqual(number, 1 << 20)
        self.assertEqual(select.select([connection.sock], [], [], 0), ([], [], []))
        connection.close()
        self.assertEqual({asked[1] for asked in World.asked}, {"shop.example"})

    def test_bodies_go_up_whole_and_in_chunks_and_are_not_held_in_memory(self):
        connection = http.client.HTTPConnection("shop.example")
        for body, length in ((b"abc", 3), (iter([b"one", b"two"]), 6), (b"x" * 300_000, 300_000)):
            connection.request("POST", "/echo", body)
            with connection.getresponse() as response:
                told = json.loads(response.read())
            self.assertEqual(told["bytes"], length)
        connection.close()

    def test_a_large_answer_comes_whole(self):
        with urllib.request.urlopen("http://shop.example/bytes/3000000") as response:
            self.assertEqual(len(response.read()), 3_000_000)

    def test_a_redirect_is_followed_by_the_library(self):
        with urllib.request.urlopen("http://shop.example/status/302") as response:
            self.assertEqual(json.loads(response.read())["path"], "/echo")
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen("http://shop.example/status/404")
        caught.exception.close()

    def test_who_expects_100_continue_is_told_to_go_on(self):
        with socket.create_connection(("shop.example", 80)) as sock:
            sock.sendall(b"PUT /echo HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
            self.assertEqual(select.select([sock], [], [], 1)[0], [sock])
            self.assertEqual(sock.recv(100), b"HTTP/1.1 100 Continue\r\n\r\n")
            sock.sendall(b"abc")
            response = http.client.HTTPResponse(sock)
            response.begin()
            told = json.loads(response.read())
            response.close()
        self.assertEqual(told["bytes"], 3)
        self.assertNotIn("expect", {name.lower() for name in told["headers"]})

    def test_bytes_may_come_one_by_one_and_requests_before_their_turn(self):
        request = b"POST /echo HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n"
        request += b"2;x=1\r\nab\r\n1\r\nc\r\n0\r\nT: t\r\n\r\n"
        with socket.create_connection(("shop.example", 80)) as sock:
            for at in range(len(request)):
                sock.send(request[at : at + 1])
            sock.sendall(b"GET /second HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n")
            said = b"".join(iter(lambda: sock.recv(7), b""))
        self.assertEqual(said.count(b"HTTP/1.1 200 OK"), 2)
        self.assertTrue(said.index(b'"bytes": 3') < said.index(b"/second"), said)

    def test_a_client_of_http_1_0_reads_to_the_end(self):
        with socket.create_connection(("shop.example", 80)) as sock:
            sock.sendall(b"GET /chunks HTTP/1.0\r\n\r\n")
            said = b"".join(iter(lambda: sock.recv(4096), b""))
        self.assertTrue(said.endswith(b"\r\n\r\none,two,three"), said)
        self.assertNotIn(b"chunked", said)

    def test_an_answer_that_breaks_off_is_an_error(self):
        with self.assertRaises((ConnectionResetError, http.client.IncompleteRead)):
            with urllib.request.urlopen("http://shop.example/cut") as response:
                response.read()

    def test_a_wait_ends_with_its_time_limit(self):
        Server.go_on.clear()
        try:
            with self.assertRaisesRegex(TimeoutError, "timed out"):
                urllib.request.urlopen("http://shop.example/slow", timeout=0.05)
        finally:
            Server.go_on.set()
        self.assertEqual(World.asked[0][3], 50_000_000)

    def test_a_socket_that_does_not_wait_says_so_and_is_polled(self):
        Server.go_on.clear()
        with socket.create_connection(("shop.example", 80)) as sock:
            sock.setblocking(False)
            sock.sendall(b"GET /slow HTTP/1.1\r\nHost: shop.example\r\n\r\n")
            with self.assertRaises(BlockingIOError):
                sock.recv(1)
            poll = select.poll()
            poll.register(sock.fileno(), select.POLLIN)
            self.assertEqual(poll.poll(10), [])
            Server.go_on.set()
            self.assertEqual(poll.poll(5000), [(sock.fileno(), select.POLLIN)])
            self.assertTrue(sock.recv(100).startswith(b"HTTP/1.1 200 OK\r\n"))


class Tls(Case):
    def test_https_is_the_hosts_and_the_library_sees_a_socket_with_tls(self):
        connection = http.client.HTTPSConnection("shop.example")
        connection.request("GET", "/echo")
        with connection.getresponse() as response:
            self.assertEqual(json.loads(response.read())["headers"]["X-Scheme"], "https")
        self.assertIsInstance(connection.sock, ssl.SSLSocket)
        self.assertEqual(connection.sock.getpeercert()["subjectAltName"], (("DNS", "shop.example"),))
        self.assertEqual((connection.sock.version(), connection.sock.selected_alpn_protocol()), ("TLSv1.3", None))
        connection.close()
        self.assertEqual(World.asked, [("https", "shop.example", "GET", None)])

    def test_what_is_encrypted_in_memory_is_marked_for_the_host(self):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="shop.example")
        tls.do_handshake()
        tls.write(b"GET /echo HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n")
        with socket.create_connection(("shop.example", 443)) as sock:
            sock.sendall(outgoing.read())
            while data := sock.recv(1000):
                incoming.write(data)
        with self.assertRaises(ssl.SSLWantReadError):
            tls.read() and tls.read()
        self.assertEqual(World.asked[0][:2], ("https", "shop.example"))

    def test_certificates_are_checked_in_any_case_and_none_is_shown(self):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with self.assertRaisesRegex(urllib.error.URLError, "the host checks the certificates of all connections"):
            urllib.request.urlopen("https://shop.example/", context=context)
        context = ssl.create_default_context()
        context.load_cert_chain("client.pem")
        with self.assertRaisesRegex(urllib.error.URLError, "shows no client certificate"):
            urllib.request.urlopen("https://shop.example/", context=context)
        with socket.create_connection(("10.0.0.7", 443)) as sock:
            with ssl.create_default_context().wrap_socket(sock, server_hostname="shop.example") as encrypted:
                with self.assertRaisesRegex(OSError, "that of `shop.example`, and the connection goes to `10.0.0.7`"):
                    encrypted.sendall(b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n")


class Refused(Case):
    def fails(self, kind, text, write, read=False, address=("db.example", 5432)):
        with socket.create_connection(address) as sock:
            with self.assertRaisesRegex(kind, text):
                sock.sendall(write)
                if read:
                    sock.recv(100)
        self.assertEqual(World.asked, [])

    def test_what_is_no_http_asks_for_a_connection_of_its_own(self):
        denied = 'this app asked for db.example:5432: the host does not let it: "db.example:5432" must be in \\[outbound\\] tcp'
        for written in (
            b"\0\0\0\x08\x04\xd2\x16\x2f",
            b"*1\r\n$4\r\nPING\r\n",
            b"\x16\x03\x01\x02\0\x01",
            b"\x10\x0c\0\x04MQTT",
            b"SSH-2.0-x\r\n",
            b"QUIT\r\n",
            b"get key\r\n",
            b"",
        ):
            self.fails(ConnectionRefusedError, denied, written, not written)

    def test_what_is_http_and_cannot_be_carried_fails_in_a_sentence(self):
        self.fails(OSError, "began with HTTP/1.1, and what was written then", b"GET / HTTP/9.9\r\n\r\n")
        self.fails(OSError, "the host speaks HTTP/2 for the app", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        self.fails(OSError, "cannot be upgraded", b"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        self.fails(OSError, "a proxy cannot be used", b"CONNECT shop.example:443 HTTP/1.1\r\n\r\n")
        self.fails(OSError, "a proxy cannot be used", b"GET http://shop.example/ HTTP/1.1\r\n\r\n")
        self.fails(OSError, "says `Host: other.example`, and", b"GET / HTTP/1.1\r\nHost: other.example\r\n\r\n")

    def test_nobody_listens_and_nobody_has_an_address(self):
        with socket.socket(socket.AF_INET6) as sock:
            with self.assertRaisesRegex(OSError, "no address of its own"):
                sock.bind(("::1", 0))

    def test_a_refusal_of_the_host_is_an_exception_of_the_library(self):
        from wit_world.imports import types

        World.places["bank.example"] = types.ErrorCode_HttpRequestDenied
        with self.assertRaises(urllib.error.URLError) as caught:
            urllib.request.urlopen("https://bank.example/")
        self.assertIsInstance(caught.exception.reason, ConnectionRefusedError)
        said = 'this app asked for https://bank.example: the host does not let it: "https://bank.example" must be in'
        self.assertIn(said, str(caught.exception))
        # Some libraries go on after a send that failed, and read.
        with self.assertRaisesRegex(urllib.error.URLError, "this app asked for http://bank.example"):
            urllib.request.urlopen("http://bank.example/", data=b"x" * 200_000)
        for code, kind in (
            (types.ErrorCode_TlsCertificateError, ssl.SSLCertVerificationError),
            (types.ErrorCode_DnsError, socket.gaierror),
            (types.ErrorCode_DestinationIpProhibited, ConnectionRefusedError),
            (types.ErrorCode_InternalError("of the host's own"), ConnectionAbortedError),
        ):
            World.places["bank.example"] = code
            with self.assertRaises(kind):
                connection = http.client.HTTPSConnection("bank.example")
                try:
                    connection.request("GET", "/")
                    connection.getresponse()
                finally:
                    connection.close()


class Loops(Case):
    def run_in_loop(self, awaitable):
        from guesthouse.asgi.loop import Loop

        loop = Loop()
        try:
            return loop.run_until_complete(awaitable)
        finally:
            loop.close()

    def test_asyncio_connects_in_plain_and_with_tls(self):
        import asyncio

        async def ask(port, **tls):
            reader, writer = await asyncio.open_connection("shop.example", port, **tls)
            writer.write(b"GET /echo HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n")
            await writer.drain()
            said = await reader.read()
            writer.close()
            await writer.wait_closed()
            return said

        async def both():
            return await asyncio.gather(ask(80), ask(443, ssl=True))

        plain, encrypted = self.run_in_loop(both())
        self.assertIn(b'"X-Scheme": "http"', plain)
        self.assertIn(b'"X-Scheme": "https"', encrypted)

    def test_a_large_body_goes_up_beside_a_timer(self):
        import asyncio

        async def ask():
            reader, writer = await asyncio.open_connection("shop.example", 80)
            body = b"x" * 400_000
            writer.write(b"POST /echo HTTP/1.1\r\nHost: shop.example\r\nContent-Length: %d\r\n\r\n" % len(body))
            writer.write(body)
            await writer.drain()
            said = await asyncio.wait_for(reader.readuntil(b"}, "), 20)
            said += await reader.readuntil(b"}")
            writer.close()
            return said

        self.assertIn(b'"bytes": 400000', self.run_in_loop(ask()))

    def test_who_waits_for_a_greeting_is_told_what_the_manifest_needs(self):
        import asyncio

        async def ask():
            reader, _ = await asyncio.open_connection("mail.example", 25)
            await reader.readline()

        with self.assertRaisesRegex(ConnectionRefusedError, '"mail.example:25" must be in \\[outbound\\] tcp'):
            self.run_in_loop(ask())
