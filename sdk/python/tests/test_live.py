"""Under `guesthouse dev`: what an app raises is shown to its author, whoever caught it."""

import io
import logging
import os
import sys
import unittest
from unittest import mock

from tests.fakes.visit import visit

from guesthouse import records
from guesthouse.asgi.gateway import Gateway
from guesthouse.failure import Root

_ROOT = os.path.dirname(os.path.abspath(__file__))
# PEP 669, which guests have. What frameworks catch is tried with them too, in components.
_SEES = hasattr(sys, "monitoring")
_BROWSER = [("accept", "text/html,*/*;q=0.8")]


def catching(page=b"<h1>Internal Server Error</h1>", error=KeyError("colour")):
    """As a framework does: it answers for what its view raises."""

    def view():
        raise error

    def app(environ, start_response):
        try:
            view()
        except Exception:
            start_response("500 INTERNAL SERVER ERROR", [("Content-Type", "text/html")])
            return [page]

    return app


class Live(unittest.TestCase):
    def setUp(self):
        for patched in (mock.patch.dict(os.environ, GUESTHOUSE_LIVE="/home/ada/app"), mock.patch.object(Root, "path", _ROOT)):
            patched.start()
            self.addCleanup(patched.stop)

    def assert_told(self, reply):
        text = reply.body.decode()
        self.assertEqual((reply.status, reply.header("x-guesthouse-raised")), (500, ["1"]))
        self.assertRegex(text, r"^KeyError: 'colour' \(test_live.py, line \d+\)\n\nTraceback \(most recent call last\):\n")
        self.assertIn('  File "/home/ada/app/test_live.py", line ', text)
        self.assertTrue(text.endswith("KeyError: 'colour'\n"), text)

    def visit(self, app, headers=tuple(_BROWSER), **more):
        reply = visit(app, headers=headers, **more)
        if more.get("gateway") is None and _SEES:
            # What stands watch is one for each process.
            sys.monitoring.set_events(4, 0)
            sys.monitoring.free_tool_id(4)
        return reply

    @unittest.skipUnless(_SEES, "sys.monitoring came with Python 3.12")
    def test_what_a_framework_caught_is_shown_to_a_browser(self):
        self.assert_told(self.visit(catching()))

    def test_what_reaches_the_gateway_is_shown_to_everybody(self):
        def app(environ, start_response):
            raise KeyError("colour")

        self.assert_told(self.visit(app, headers=()))

    def test_answers_that_the_app_means_stay(self):
        class Aborted(Exception):
            code = 500

        for app, headers in (
            (catching(), ()),
            (catching(b"<h2>Traceback <em>(most recent call last)"), _BROWSER),
            (catching(error=Aborted()), _BROWSER),
            (catching(b"x" * (1 << 20)), _BROWSER),
        ):
            reply = self.visit(app, headers)
            self.assertEqual((reply.status, reply.header("x-guesthouse-raised")), (500, []))
            self.assertEqual(reply.header("content-type"), ["text/html"])
            self.assertTrue(reply.whole)

    def test_nobody_else_is_shown_anything(self):
        del os.environ["GUESTHOUSE_LIVE"]
        reply = visit(catching(), headers=_BROWSER)
        self.assertEqual(reply.body, b"<h1>Internal Server Error</h1>")

    def asgi(self, error):
        async def app(scope, receive, send):
            assert scope["type"] == "http"
            await send({"type": "http.response.start", "status": 500, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": b"Internal ", "more_body": True})
            await send({"type": "http.response.body", "body": b"Server Error"})
            if error is not None:
                raise error

        gateway = Gateway(app)
        try:
            return self.visit(None, gateway=gateway)
        finally:
            gateway.stop()

    def test_what_starlette_raises_after_its_answer_stands_in_its_place(self):
        self.assert_told(self.asgi(KeyError("colour")))

    def test_an_answer_of_500_that_nothing_is_raised_after_is_sent(self):
        reply = self.asgi(None)
        self.assertEqual((reply.status, reply.body, reply.whole), (500, b"Internal Server Error", True))


class Records(unittest.TestCase):
    def setUp(self):
        for patched in (mock.patch.object(records.State, "on", True), mock.patch.object(sys, "stderr", io.StringIO())):
            patched.start()
            self.addCleanup(patched.stop)

    def test_an_exception_is_one_record(self):
        def app(environ, start_response):
            raise KeyError("a\x1db")

        said = visit(app).said
        self.assertTrue(said.startswith("\x1eERROR Traceback (most recent call last):\n"), said)
        self.assertTrue(said.endswith("KeyError: 'a\\x1db'\x1d\n") and said.count("\x1d") == 1, said)

    def test_what_is_logged_keeps_its_level_and_its_traceback(self):
        real = logging.StreamHandler.emit
        records.change_logging(logging)
        self.addCleanup(setattr, logging.StreamHandler, "emit", real)
        logger = logging.Logger("shop")
        logger.addHandler(logging.StreamHandler(sys.stderr))
        logger.warning("no\x1d stock")
        try:
            raise ValueError("late")
        except ValueError:
            logger.exception("failed")
        said = sys.stderr.getvalue()
        self.assertTrue(said.startswith("\x1eWARNING no stock\x1d\n\x1eERROR failed\nTraceback "), said)
        self.assertTrue(said.endswith("\nValueError: late\x1d\n"), said)
        other = io.StringIO()
        logger.handlers[:] = [logging.StreamHandler(other)]
        logger.warning("elsewhere")
        self.assertEqual(other.getvalue(), "elsewhere\n")
