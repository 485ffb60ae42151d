"""Warm-up: the app answers requests at the build. Templates are compiled, late imports are in, the code is specialised."""

import contextlib
import io
import sys
import traceback

from guesthouse import rehearsal
from guesthouse.failure import line_of
from guesthouse.raised import Raised

# How often the way through the gateway is gone, so that the interpreter specialises it (its counters end below this).
_ROUNDS = 24


def warm(gateway, requests, root):
    """Sends the requests, and returns what the report says about each."""
    try:
        return [answered(gateway, request, root) for request in requests]
    finally:
        try:
            stop(gateway)
        except BaseException as error:
            # Its shutdown is never called in an instance.
            print("guesthouse: after the warm-up: %s" % line_of(error, root), file=sys.stderr)


def answered(gateway, request, root):
    """One request; where the answer is a failure, once more, to learn which exception it was."""
    found = answer_to(gateway, request)
    if failed(found):
        with Raised() as raised:
            answer_to(gateway, request)
            found["raised"] = raised.told(root)
    return found


def failed(found):
    return found["status"] is None or found["status"] >= 500


def answer_to(gateway, given):
    request = {"path": given} if isinstance(given, str) else given
    method, body = request.get("method", "GET"), request.get("body", "")
    body = body.encode("utf-8") if isinstance(body, str) else body
    out = rehearsal.ResponseOutparam()
    incoming = rehearsal.IncomingRequest(request["path"], method, request.get("headers"), body)
    doors, errors = gateway.doors, gateway.errors
    said = io.StringIO()
    gateway.doors = rehearsal.DOORS
    gateway.say_to(said)
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            gateway.serve(incoming, out)
    except BaseException:
        # No gateway lets one out; a warm-up that fails is no reason for a build to fail, whatever it is.
        said.write(traceback.format_exc())
    finally:
        gateway.doors = doors
        gateway.say_to(errors)
    response = out.response
    found = {
        "path": request["path"],
        "method": method,
        "status": None,
        "bytes": 0,
        "error": said.getvalue()[-4000:] or None,
        "raised": None,
    }
    if response is not None:
        found["status"], found["bytes"] = response.status, response.body().size
        if not response.body().finished:
            found["error"] = found["error"] or "the response was not completed"
    return found


def exercise(gateway, interface):
    """Goes the gateway's own way a few times, with an app that does next to nothing."""
    app, gateway.app = gateway.app, echo_asgi if interface == "asgi" else echo
    try:
        for _ in range(_ROUNDS):
            answer_to(gateway, {"path": "/", "headers": {"accept": "*/*", "user-agent": "-", "cookie": "a=b"}})
            answer_to(gateway, {"path": "/a%20b?c=d", "method": "POST", "body": "e=f"})
        stop(gateway)
    finally:
        gateway.app = app


def stop(gateway):
    """Ends what an instance begins for itself. WSGI knows nothing of the kind."""
    if hasattr(gateway, "stop"):
        gateway.stop()


def echo(env, start_response):
    data = env["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(data) or 2))])
    return [data or b"ok"] if env["QUERY_STRING"] else iter([data or b"ok"])


async def echo_asgi(scope, receive, send):
    if scope["type"] != "http":
        raise ValueError(scope["type"])
    message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": message["body"]})
