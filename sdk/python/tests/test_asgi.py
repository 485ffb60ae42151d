"""The ASGI gateway, at its border, and what stands in for threads and sockets."""

import asyncio
import unittest
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

from tests.fakes.visit import visit

from guesthouse import threads
from guesthouse.asgi.gateway import Gateway
from guesthouse.asgi.loop import Loop


def http(answer):
    """An app that knows no lifespan."""

    async def app(scope, receive, send):
        assert scope["type"] == "http"
        await answer(scope, receive, send)

    return app


async def start(send, status=200, headers=()):
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})


def get(answer, path="/", **request):
    gateway = Gateway(http(answer))
    try:
        return visit(None, path, gateway=gateway, **request)
    finally:
        gateway.stop()


class Responses(unittest.TestCase):
    def test_a_body_in_one_message_has_its_length(self):
        async def answer(scope, receive, send):
            await start(send, 201, [(b"X-A", b"1"), (b"x-a", b"2")])
            await send({"type": "http.response.body", "body": b"hello"})

        reply = get(answer)
        self.assertEqual((reply.status, reply.body, reply.whole), (201, b"hello", True))
        self.assertEqual((reply.header("content-length"), reply.header("x-a")), (["5"], ["1", "2"]))

    def test_a_stream_goes_out_as_it_comes_and_timers_run(self):
        async def answer(scope, receive, send):
            await start(send)
            for one in (b"a", b"b"):
                await send({"type": "http.response.body", "body": one, "more_body": True})
                await asyncio.sleep(0.001)
            await send({"type": "http.response.body"})

        reply = get(answer)
        self.assertEqual((reply.host.writes, reply.whole), ([b"a", b"b"], True))

    def test_head_has_no_body(self):
        async def answer(scope, receive, send):
            await start(send, headers=[(b"content-length", b"5")])
            await send({"type": "http.response.body", "body": b"hello"})

        reply = get(answer, method="HEAD")
        self.assertEqual((reply.body, reply.header("content-length"), reply.whole), (b"", ["5"], True))

    def test_the_visitor_has_the_response_before_the_app_returns(self):
        seen = []

        async def answer(scope, receive, send):
            await start(send)
            await send({"type": "http.response.body", "body": b"x"})
            seen.append(await receive())
            raise ValueError("afterwards")

        reply = get(answer)
        self.assertEqual((reply.body, reply.whole, seen), (b"x", True, [{"type": "http.disconnect"}]))
        self.assertIn("afterwards", reply.said)

    def test_failures_are_a_500_or_a_cut_connection(self):
        async def early(scope, receive, send):
            raise ValueError("early")

        async def late(scope, receive, send):
            await start(send)
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
            raise ValueError("late")

        async def nothing(scope, receive, send):
            return

        async def stuck(scope, receive, send):
            await asyncio.get_running_loop().create_future()

        for answer, status, whole, words in (
            (early, 500, True, "ValueError: early"),
            (late, 200, False, "ValueError: late"),
            (nothing, 500, True, "without completing its response"),
            (stuck, 500, True, "no timer is set"),
        ):
            with self.subTest(words):
                reply = get(answer)
                self.assertEqual((reply.status, reply.whole), (status, whole))
                self.assertIn(words, reply.said)

    def test_a_visitor_who_leaves_is_an_oserror_of_send(self):
        raised = []

        async def answer(scope, receive, send):
            await start(send)
            try:
                while True:
                    await send({"type": "http.response.body", "body": b"x" * 10, "more_body": True})
            except OSError as error:
                raised.append(error)
                raise

        reply = get(answer, visitor_leaves_after=20)
        self.assertEqual((len(raised), reply.whole, reply.said), (1, False, ""))


class Requests(unittest.TestCase):
    def test_the_scope_says_what_the_host_says(self):
        found = {}

        async def answer(scope, receive, send):
            found.update(scope)
            await start(send, 204)
            await send({"type": "http.response.body"})

        headers = [
            ("x-forwarded-prefix", "/shop"),
            ("x-forwarded-for", "192.0.2.1"),
            ("x-forwarded-proto", "https"),
            ("A", "1"),
            ("a", "2"),
        ]
        get(answer, "/a%2Fb%252f", headers=headers)
        self.assertEqual((found["path"], found["raw_path"]), ("/shop/a/b%2f", b"/shop/a%2Fb%252f"))
        get(answer, "/caf%C3%A9?q=%41", headers=headers)
        self.assertEqual(
            (found["path"], found["raw_path"], found["root_path"]), ("/shop/café", b"/shop/caf%C3%A9", "/shop")
        )
        self.assertEqual(
            (found["query_string"], found["scheme"], found["client"]), (b"q=%41", "https", ("192.0.2.1", 0))
        )
        self.assertEqual(found["server"], ("shop.localhost", 8080))
        self.assertEqual([value for name, value in found["headers"] if name == b"a"], [b"1", b"2"])
        self.assertIn((b"host", b"shop.localhost:8080"), found["headers"])

    def test_a_body_comes_in_pieces_and_ends(self):
        pieces = []

        async def answer(scope, receive, send):
            while True:
                message = await receive()
                pieces.append(message)
                if not message["more_body"]:
                    break
            await start(send)
            await send({"type": "http.response.body"})

        get(answer, method="POST", body=[b"abc", b"def"])
        self.assertEqual(b"".join(one["body"] for one in pieces), b"abcdef")

    def test_a_task_may_listen_for_the_disconnect_beside_the_response(self):
        async def answer(scope, receive, send):
            while (await receive()).get("more_body"):
                pass
            listening = asyncio.ensure_future(receive())
            await start(send)
            await send({"type": "http.response.body", "body": b"a", "more_body": True})
            await send({"type": "http.response.body", "body": b"b"})
            assert (await listening)["type"] == "http.disconnect"

        reply = get(answer)
        self.assertEqual((reply.body, reply.said), (b"ab", ""))


class Lifespans(unittest.TestCase):
    def app(self, log, failing=False):
        async def app(scope, receive, send):
            if scope["type"] == "lifespan":
                await receive()
                log.append("startup")
                scope["state"]["pool"] = "open"
                if failing:
                    await send({"type": "lifespan.startup.failed", "message": "no database"})
                    return
                await send({"type": "lifespan.startup.complete"})
                await receive()
                log.append("shutdown")
                await send({"type": "lifespan.shutdown.complete"})
                return
            log.append(scope["state"]["pool"])
            await start(send)
            await send({"type": "http.response.body"})

        return app

    def test_the_startup_comes_once_before_the_requests_and_its_state_is_theirs(self):
        log = []
        gateway = Gateway(self.app(log))
        visit(None, gateway=gateway)
        visit(None, gateway=gateway)
        self.assertEqual(log, ["startup", "open", "open"])
        gateway.stop()
        self.assertEqual(log[3:], ["shutdown"])

    def test_a_startup_that_fails_is_a_500_and_is_tried_again(self):
        log = []
        gateway = Gateway(self.app(log, failing=True))
        self.assertIn("no database", visit(None, gateway=gateway).said)
        self.assertEqual(visit(None, gateway=gateway).status, 500)
        self.assertEqual(log, ["startup", "startup"])
        gateway.stop()


class Threads(unittest.TestCase):
    def test_what_a_thread_would_do_is_done_at_once_and_without_a_running_loop(self):
        def work():
            with self.assertRaises(RuntimeError):
                asyncio.get_running_loop()
            return 2

        async def main():
            return [await asyncio.to_thread(work), await asyncio.get_running_loop().run_in_executor(None, work)]

        loop = Loop()
        self.assertEqual(loop.run_until_complete(main()), [2, 2])
        loop.close()

    def test_an_executor_answers_without_a_thread(self):
        def fail():
            raise KeyError("x")

        with mock.patch.object(ThreadPoolExecutor, "submit", threads.submit), ThreadPoolExecutor() as executor:
            self.assertEqual(executor.submit(pow, 2, 3).result(), 8)
            self.assertEqual(list(executor.map(abs, [-1, 2])), [1, 2])
            with self.assertRaises(KeyError):
                executor.submit(fail).result()

    def test_timeouts_and_gathering_work_on_a_clock_alone(self):
        async def main():
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(asyncio.sleep(5), 0.001)
            return await asyncio.gather(asyncio.sleep(0.002, "b"), asyncio.sleep(0.001, "a"))

        loop = Loop()
        self.assertEqual(loop.run_until_complete(main()), ["b", "a"])
        loop.close()
