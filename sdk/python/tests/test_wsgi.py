"""The gateway of PEP 3333, at its border: a request in, a response out."""

import unittest
from wsgiref.validate import validator

from tests.fakes.visit import types
from tests.fakes.visit import visit


def plain(*blocks, status="200 OK", headers=()):
    def app(environ, start_response):
        start_response(status, [("Content-Type", "text/plain"), *headers])
        return list(blocks)

    return app


def seen(**request):
    """The environ that an app sees."""
    found = {}

    def app(environ, start_response):
        found.update(environ)
        start_response("204 No Content", [])
        return []

    visit(app, **request)
    return found


class Closing:
    """An iterable with `close`."""

    def __init__(self, blocks):
        self.blocks, self.closed = iter(blocks), 0

    def __iter__(self):
        return self.blocks

    def close(self):
        self.closed += 1


class Responses(unittest.TestCase):
    def test_a_block_goes_out_as_one_write_with_its_length(self):
        reply = visit(plain(b"hello"))
        self.assertEqual((reply.status, reply.body, reply.whole), (200, b"hello", True))
        self.assertEqual(reply.header("content-length"), ["5"])
        self.assertEqual(len(reply.host.writes), 1)

    def test_small_blocks_that_are_there_already_are_one_write(self):
        reply = visit(plain(b"a", b"", b"bc"))
        self.assertEqual(reply.host.writes, [b"abc"])
        self.assertEqual(reply.header("content-length"), ["3"])

    def test_a_generator_is_sent_block_by_block(self):
        sent_before = []

        def app(environ, start_response):
            start_response("200 OK", [])
            for block in (b"a", b"b", b"c"):
                yield block
                sent_before.append(list(fake_host().writes))

        def fake_host():
            from tests.fakes.host import Fields

            return Fields.current

        reply = visit(app)
        self.assertEqual(sent_before, [[b"a"], [b"a", b"b"], [b"a", b"b", b"c"]])
        self.assertEqual(reply.header("content-length"), [])
        self.assertTrue(reply.whole)

    def test_an_app_may_call_start_response_when_it_is_iterated(self):
        def app(environ, start_response):
            yield b""
            start_response("201 Created", [])
            yield b""
            yield b"made"

        reply = visit(app)
        self.assertEqual((reply.status, reply.body), (201, b"made"))

    def test_what_is_larger_than_a_portion_waits_for_the_visitor(self):
        data = bytes(range(256)) * 1000
        reply = visit(plain(data), portion=10_000)
        self.assertEqual(reply.body, data)
        self.assertGreater(reply.host.blocked, 10)
        self.assertTrue(reply.whole)

    def test_write_comes_before_what_is_returned(self):
        def app(environ, start_response):
            write = start_response("200 OK", [("Content-Length", "6")])
            write(b"abc")
            return [b"def"]

        reply = visit(app)
        self.assertEqual((reply.body, reply.whole), (b"abcdef", True))

    def test_close_is_called_once_in_every_end(self):
        def failing():
            yield b"a"
            raise ValueError("on the way")

        def app_with(result):
            def app(environ, start_response):
                start_response("200 OK", [])
                return result

            return app

        for name, blocks, bounds in (
            ("complete", [b"a", b"b"], {}),
            ("an exception", failing(), {}),
            ("a visitor who leaves", [b"a", b"b", b"c"], {"visitor_leaves_after": 1}),
            ("HEAD", [b"a", b"b"], {"method": "HEAD"}),
            ("no bytes", ["text"], {}),
        ):
            with self.subTest(name):
                result = Closing(blocks)
                visit(app_with(result), **bounds)
                self.assertEqual(result.closed, 1)

    def test_head_sends_the_head_that_get_would(self):
        for headers, blocks, length in (
            ([("Content-Length", "5")], [b"hello"], ["5"]),
            ([("Content-Length", "5")], [], ["5"]),
            ([], [b"hello"], ["5"]),
            ([], [], []),
        ):
            reply = visit(plain(*blocks, headers=headers), method="HEAD")
            self.assertEqual((reply.body, reply.header("content-length"), reply.whole), (b"", length, True))
            self.assertEqual(reply.said, "")

    def test_204_and_304_have_no_body_and_no_length(self):
        for status in ("204 No Content", "304 Not Modified"):
            reply = visit(plain(b"x", status=status))
            self.assertEqual((reply.status, reply.body, reply.header("content-length")), (int(status[:3]), b"", []))
            self.assertTrue(reply.whole)

    def test_headers_may_repeat(self):
        reply = visit(plain(headers=[("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]))
        self.assertEqual(reply.header("set-cookie"), ["a=1", "b=2"])

    def test_headers_that_belong_to_the_server_are_dropped_aloud(self):
        reply = visit(plain(b"x", headers=[("Connection", "close"), ("Transfer-Encoding", "chunked")]))
        self.assertEqual((reply.status, reply.header("connection")), (200, []))
        self.assertIn("`Connection`", reply.said)

    def test_more_than_the_declared_length_is_cut_off(self):
        reply = visit(plain(b"hello", b"world" * 20000, headers=[("Content-Length", "7")]))
        self.assertEqual((reply.body, reply.whole), (b"hellowo", True))
        self.assertIn("more than its content-length", reply.said)

    def test_less_than_the_declared_length_cuts_the_connection(self):
        reply = visit(plain(b"hello", headers=[("Content-Length", "7")]))
        self.assertFalse(reply.whole)
        self.assertIn("2 bytes less", reply.said)

    def test_a_file_is_sent_in_large_blocks_and_closed(self):
        import io

        file = io.BytesIO(b"x" * 200_000)

        def app(environ, start_response):
            start_response("200 OK", [("Content-Length", "200000")])
            return environ["wsgi.file_wrapper"](file, 512)

        reply = visit(app)
        self.assertEqual((len(reply.body), len(reply.host.writes)), (200_000, 4))
        self.assertTrue(file.closed)


class Failures(unittest.TestCase):
    def test_an_exception_before_the_head_is_a_500_and_a_traceback(self):
        def app(environ, start_response):
            raise KeyError("nothing here")

        reply = visit(app)
        self.assertEqual((reply.status, reply.whole), (500, True))
        self.assertIn("KeyError: 'nothing here'", reply.said)
        self.assertNotIn(b"KeyError", reply.body)

    def test_an_exception_after_the_head_cuts_the_connection(self):
        def app(environ, start_response):
            start_response("200 OK", [])
            yield b"a"
            raise ValueError("late")

        reply = visit(app)
        self.assertEqual((reply.status, reply.body, reply.whole), (200, b"a", False))
        self.assertIn("late", reply.said)

    def test_exc_info_replaces_a_head_that_has_not_been_sent(self):
        import sys

        def app(environ, start_response):
            start_response("200 OK", [("X-First", "1")])
            try:
                raise ValueError
            except ValueError:
                start_response("503 Sorry", [("X-Second", "2")], sys.exc_info())
            return [b"sorry"]

        reply = visit(app)
        self.assertEqual((reply.status, reply.header("x-first"), reply.header("x-second")), (503, [], ["2"]))

    def test_exc_info_after_the_head_raises_the_apps_own_exception(self):
        import sys

        def app(environ, start_response):
            start_response("200 OK", [])(b"a")
            try:
                raise ValueError("the first")
            except ValueError:
                start_response("500 Sorry", [], sys.exc_info())

        reply = visit(app)
        self.assertEqual((reply.status, reply.whole), (200, False))
        self.assertIn("ValueError: the first", reply.said)

    def test_what_the_app_does_wrong_is_a_500_that_says_what(self):
        def twice(environ, start_response):
            start_response("200 OK", [])
            start_response("200 OK", [])
            return []

        def exits(environ, start_response):
            raise SystemExit(3)

        for app, words in (
            (lambda environ, start_response: [b"x"], "without calling start_response"),
            (twice, "second time without exc_info"),
            (exits, "SystemExit"),
            (plain("text"), "must be bytes, not str"),
            (plain(status="2xx"), "three digits"),
            (plain(status="101 Switching"), "200 to 599"),
            (plain(headers=[("X", 1)]), "two str"),
            (plain(headers=[("A B", "x")]), "refuses a header of the response: a b"),
            (plain(headers=[("X", "a\nb")]), "refuses a header"),
            (plain(headers=[("Content-Length", "-1")]), "must be a number"),
            (plain(headers=[("Content-Length", "1"), ("Content-Length", "2")]), "two values"),
        ):
            with self.subTest(words):
                reply = visit(app)
                self.assertEqual((reply.status, reply.whole), (500, True))
                self.assertIn(words, reply.said)

    def test_a_visitor_who_leaves_is_no_error_of_the_app(self):
        def app(environ, start_response):
            start_response("200 OK", [])
            while True:
                yield b"x" * 100

        reply = visit(app, visitor_leaves_after=1000)
        self.assertEqual((len(reply.body), reply.whole, reply.said), (1000, False, ""))

    def test_a_gateway_goes_on_after_a_failure(self):
        from guesthouse.wsgi import Gateway

        def app(environ, start_response):
            if environ["PATH_INFO"] == "/bad":
                raise RecursionError
            start_response("200 OK", [])
            return [b"good"]

        gateway = Gateway(app)
        self.assertEqual(visit(app, "/bad", gateway=gateway).status, 500)
        self.assertEqual(visit(app, "/good", gateway=gateway).body, b"good")


class Requests(unittest.TestCase):
    def test_the_path_is_decoded_to_bytes_as_latin_1_and_the_raw_one_is_kept(self):
        environ = seen(path="/a%20b/%C3%A9/%ff?q=%41&r=1")
        self.assertEqual(environ["PATH_INFO"], "/a b/\u00c3\u00a9/\u00ff")
        self.assertEqual(environ["QUERY_STRING"], "q=%41&r=1")
        for path, expected in [("/@a%2fb", "/@a/b"), ("/a%252fb", "/a%2fb"), ("/a%255c%2F", "/a%5c/")]:
            once = seen(path=path)
            self.assertEqual((once["PATH_INFO"], once["RAW_URI"]), (expected, path))
        self.assertEqual(environ["RAW_URI"], "/a%20b/%C3%A9/%ff?q=%41&r=1")

    def test_repeated_headers_are_joined_and_cookies_with_a_semicolon(self):
        environ = seen(headers=[("accept", "a"), ("cookie", "x=1"), ("Accept", "b"), ("cookie", "y=2")])
        self.assertEqual((environ["HTTP_ACCEPT"], environ["HTTP_COOKIE"]), ("a,b", "x=1; y=2"))

    def test_a_name_with_an_underscore_cannot_pass_for_another(self):
        environ = seen(headers=[("x_forwarded_for", "6.6.6.6"), ("x-forwarded-for", "192.0.2.1"), ("a_b", "c")])
        self.assertEqual(environ["REMOTE_ADDR"], "192.0.2.1")
        self.assertNotIn("HTTP_A_B", environ)

    def test_content_headers_have_no_prefix(self):
        environ = seen(method="POST", headers=[("content-type", "a/b"), ("content-length", "0")])
        self.assertEqual((environ["CONTENT_TYPE"], environ["CONTENT_LENGTH"]), ("a/b", "0"))
        self.assertNotIn("HTTP_CONTENT_TYPE", environ)

    def test_what_the_host_says_of_mount_visitor_and_scheme_is_taken(self):
        headers = [
            ("x-forwarded-prefix", "/shop/"),
            ("x-forwarded-for", "1.1.1.1, 2001:db8::1"),
            ("x-forwarded-proto", "https"),
        ]
        environ = seen(path="/cart", headers=headers)
        self.assertEqual((environ["SCRIPT_NAME"], environ["PATH_INFO"]), ("/shop", "/cart"))
        self.assertEqual((environ["REMOTE_ADDR"], environ["wsgi.url_scheme"]), ("2001:db8::1", "https"))
        self.assertEqual(environ["REMOTE_HOST"], "2001:db8::1")
        self.assertEqual((environ["SERVER_NAME"], environ["SERVER_PORT"]), ("shop.localhost", "8080"))

    def test_another_host_says_it_in_the_request(self):
        environ = seen(scheme=types.Scheme_Https(), authority="[::1]", headers=[])
        self.assertEqual(
            (environ["wsgi.url_scheme"], environ["SERVER_NAME"], environ["SERVER_PORT"]), ("https", "[::1]", "443")
        )
        self.assertEqual((environ["SCRIPT_NAME"], environ["REMOTE_ADDR"], environ["HTTP_HOST"]), ("", "", "[::1]"))

    def test_methods_have_their_names_also_unknown_ones(self):
        self.assertEqual([seen(method=one)["REQUEST_METHOD"] for one in ("PATCH", "PROPFIND")], ["PATCH", "PROPFIND"])

    def test_the_environ_tells_the_truth_about_processes(self):
        environ = seen()
        self.assertEqual(
            [environ["wsgi." + key] for key in ("multithread", "multiprocess", "run_once", "input_terminated")],
            [False, True, False, True],
        )

    def test_one_requests_environ_is_not_the_nexts(self):
        from guesthouse.wsgi import Gateway

        def app(environ, start_response):
            start_response("200 OK", [])
            environ["HTTP_LEFT"] = "behind"
            return [repr("HTTP_LEFT" in environ).encode()] if environ["PATH_INFO"] == "/2" else []

        gateway = Gateway(app)
        visit(app, "/1", gateway=gateway)
        self.assertEqual(visit(app, "/2", gateway=gateway).body, b"True")
        found = {}

        def look(environ, start_response):
            found.update(environ)
            start_response("200 OK", [])
            return []

        gateway.app = look
        visit(look, "/3", gateway=gateway)
        self.assertNotIn("HTTP_LEFT", found)


class Bodies(unittest.TestCase):
    def echo(self, read, **request):
        def app(environ, start_response):
            start_response("200 OK", [])
            return [repr(read(environ["wsgi.input"])).encode()]

        reply = visit(app, method="POST", **request)
        self.assertTrue(reply.whole, reply.said)
        return eval(reply.body)

    def test_every_way_of_reading_sees_the_same_bytes(self):
        body = [b"one\ntw", b"o\nth", b"ree"]
        whole = b"one\ntwo\nthree"
        for name, read in (
            ("read", lambda stream: [stream.read()]),
            ("read to the end twice", lambda stream: [stream.read(), stream.read()]),
            ("pieces", lambda stream: list(iter(lambda: stream.read(5), b""))),
            ("lines", lambda stream: list(stream)),
            ("readline", lambda stream: list(iter(stream.readline, b""))),
            ("readlines", lambda stream: stream.readlines()),
            ("first a line", lambda stream: [stream.readline(), stream.read(2), stream.read()]),
        ):
            with self.subTest(name):
                self.assertEqual(b"".join(self.echo(read, body=body)), whole)

    def test_a_large_body_is_read_whole(self):
        body = [b"x" * 65536] * 48
        self.assertEqual(self.echo(lambda stream: len(stream.read()), body=body), 48 * 65536)

    def test_a_body_that_nobody_reads_is_never_asked_for(self):
        reply = visit(plain(b"x"), method="POST", body=b"ignored")
        self.assertFalse(reply.request.consumed)

    def test_a_body_that_breaks_off_is_an_exception_of_the_read(self):
        def app(environ, start_response):
            try:
                environ["wsgi.input"].read()
            except ConnectionResetError as error:
                start_response("400 Bad", [])
                return [str(error).encode()]

        reply = visit(app, method="POST", body=[b"half", OSError()])
        self.assertEqual((reply.status, reply.body), (400, b"the request's body broke off: the visitor was too slow"))

    def test_a_request_can_be_read_while_its_response_is_written(self):
        def app(environ, start_response):
            start_response("200 OK", [])
            for line in environ["wsgi.input"]:
                yield line.upper()

        self.assertEqual(visit(app, method="POST", body=[b"a\n", b"b\n"]).body, b"A\nB\n")

    def test_a_body_kept_beyond_its_request_is_at_its_end(self):
        kept = []

        def app(environ, start_response):
            kept.append(environ["wsgi.input"])
            start_response("200 OK", [])
            return []

        visit(app, method="POST", body=b"late")
        self.assertEqual(kept[0].read(), b"")


class Validated(unittest.TestCase):
    def test_the_validator_of_the_standard_library_finds_nothing(self):
        import sys

        def generator(environ, start_response):
            start_response("200 OK", [("Content-Type", "text/plain")])
            return iter([b"a", b"b"])

        def echo(environ, start_response):
            data = environ["wsgi.input"].read(100)
            start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(data)))])
            return [data]

        def writes(environ, start_response):
            write = start_response("200 OK", [("Content-Type", "text/plain")])
            write(b"a")
            return [b"b"]

        def replaced(environ, start_response):
            start_response("200 OK", [("Content-Type", "text/plain")])
            try:
                raise ValueError
            except ValueError:
                start_response("500 Sorry", [("Content-Type", "text/plain")], sys.exc_info())
            return [b"sorry"]

        for app, request, status, body in (
            (plain(b"x"), {}, 200, b"x"),
            (generator, {}, 200, b"ab"),
            (generator, {"method": "HEAD"}, 200, b""),
            (echo, {"method": "POST", "body": b"abc", "headers": [("content-length", "3")]}, 200, b"abc"),
            (writes, {}, 200, b"ab"),
            (replaced, {}, 500, b"sorry"),
            (plain(status="304 Not Modified"), {}, 304, b""),
        ):
            if status == 304:

                def app(environ, start_response):
                    start_response("304 Not Modified", [])
                    return []

            reply = visit(validator(app), path="/a?b=c", **request)
            self.assertEqual((reply.status, reply.body, reply.said), (status, body, ""))
