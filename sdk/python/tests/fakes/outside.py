"""The outside of a strict host: requests that the SDK sends go to real servers on this machine, by sockets that are real.

One condition stands for the host's clock: whatever happens wakes all who poll.
"""

import queue
import socket
import threading
import time

from tests.fakes.generated import Err
from tests.fakes.generated import Ok
from tests.fakes.generated import StreamErrorClosed
from tests.fakes.generated import StreamErrorLastOperationFailed
from tests.fakes.host import Fields
from tests.fakes.host import Host
from tests.fakes.host import Resource

_connect = socket.socket
_FORBIDDEN = {"connection", "keep-alive", "proxy-authorization", "transfer-encoding", "upgrade", "host", "http2-settings"}
_PATIENCE_SECONDS = 20


class World:
    """What there is outside: authority → port on this machine, or the host's error code."""

    host = Host()
    places = {}
    happened = threading.Condition()
    # What the SDK asked for, in order.
    asked = []
    # How much of a body the host takes at once.
    portion = 16 * 1024


def happen(change):
    with World.happened:
        change()
        World.happened.notify_all()


class Pollable(Resource):
    def __init__(self, parent, is_ready, until=None):
        super().__init__(World.host, parent)
        self.ready, self.until = is_ready, until


def poll(pollables):
    if not pollables:
        World.host.trap("nothing to poll")
    with World.happened:
        end = time.monotonic() + _PATIENCE_SECONDS
        while not (found := [index for index, one in enumerate(pollables) if one.ready()]):
            waits = [one.until for one in pollables if one.until is not None]
            World.happened.wait(max(0.0, min([*waits, end]) - time.monotonic()))
            if time.monotonic() > end:
                World.host.trap("a poll without an end")
        return found


def subscribe_duration(nanoseconds):
    until = time.monotonic() + nanoseconds / 1e9
    return Pollable(None, lambda: time.monotonic() >= until, until)


class RequestOptions(Resource):
    def __init__(self):
        super().__init__(World.host)
        self.connect = None

    def set_connect_timeout(self, nanoseconds):
        self.connect = nanoseconds


class OutputStream(Resource):
    def __init__(self, body):
        super().__init__(World.host, body)
        self.body = body

    def check_write(self):
        if self.body.cut:
            raise Err(StreamErrorClosed())
        return max(0, World.portion - self.body.held)

    def write(self, data):
        if len(data) > self.check_write() or type(data) is not bytes:
            World.host.trap("wrote more than `check_write` permits, or no bytes")
        self.body.held += len(data)
        self.body.pieces.put(data)

    def subscribe(self):
        return Pollable(self, lambda: self.body.cut or self.body.held < World.portion)


class OutgoingBody(Resource):
    def __init__(self):
        super().__init__(World.host)
        self.pieces, self.held, self.cut, self.finished, self.declared = queue.Queue(), 0, False, False, None

    def write(self):
        return OutputStream(self)

    def give_back(self):
        super().give_back()
        self.pieces.put(None if self.finished else ConnectionAbortedError())


class OutgoingRequest(Resource):
    def __init__(self, fields):
        super().__init__(World.host)
        fields.give_back()
        for name, _ in fields.entries():
            if name.lower() in _FORBIDDEN:
                World.host.trap("a field that the host forbids: " + name)
        self.fields, self.method, self.out = fields.entries(), "GET", None

    def body(self):
        self.out = OutgoingBody()
        return self.out

    def set_method(self, method):
        self.method = getattr(method, "value", None) or type(method).__name__.removeprefix("Method_").upper()

    def set_scheme(self, scheme):
        self.scheme = type(scheme).__name__.removeprefix("Scheme_").lower()

    def set_authority(self, authority):
        self.authority = authority

    def set_path_with_query(self, target):
        self.target = target


class InputStream(Resource):
    def __init__(self, body):
        super().__init__(World.host, body)
        self.response = body.response

    def read(self, most):
        response = self.response
        with World.happened:
            if response.pieces:
                piece = response.pieces.pop(0)
                if isinstance(piece, BaseException):
                    raise Err(StreamErrorLastOperationFailed(Broken()))
                if len(piece) > most:
                    response.pieces.insert(0, piece[most:])
                return piece[:most]
            if response.ended:
                raise Err(StreamErrorClosed())
            return b""

    def subscribe(self):
        return Pollable(self, lambda: self.response.pieces or self.response.ended)


class Broken(Resource):
    def __init__(self):
        super().__init__(World.host)

    def to_debug_string(self):
        return "it broke off"


def http_error_code(error):
    return None


class IncomingBody(Resource):
    def __init__(self, response):
        super().__init__(World.host)
        self.response = response

    def stream(self):
        return InputStream(self)


class IncomingResponse(Resource):
    def __init__(self, status, fields):
        super().__init__(World.host)
        self._status, self._fields, self.pieces, self.ended = status, fields, [], False

    def status(self):
        return self._status

    def headers(self):
        return Fields(World.host, self._fields)

    def consume(self):
        return IncomingBody(self)


class Future(Resource):
    def __init__(self):
        super().__init__(World.host)
        self.result = None

    def get(self):
        return None if self.result is None else Ok(self.result)

    def subscribe(self):
        return Pollable(self, lambda: self.result is not None)


def handle(request, options):
    if options is not None:
        options.give_back()
    request.give_back()
    World.asked.append((request.scheme, request.authority, request.method, options and options.connect))
    place = World.places.get(request.authority)
    future = Future()
    if type(place) is int:
        threading.Thread(target=carry, args=(request, place, future), daemon=True).start()
    else:
        code = place() if isinstance(place, type) else place
        if request.out is not None:
            request.out.cut = True
        happen(lambda: setattr(future, "result", Err(code)))
    return future


def carry(request, port, future):
    """As a host does: HTTP/1.1 on a connection of its own."""
    # Late, since `ssl` comes with it, which is to find the bridge.
    import http.client

    from wit_world.imports import types

    sock = _connect()
    try:
        sock.connect(("127.0.0.1", port))
        body = request.out
        chunked = body is not None and not any(name.lower() == "content-length" for name, _ in request.fields)
        lines = ["%s %s HTTP/1.1" % (request.method, request.target)]
        lines += ["Host: " + request.authority, "X-Scheme: " + request.scheme]
        lines += ["%s: %s" % (name, value.decode("latin-1")) for name, value in request.fields]
        lines += ["Transfer-Encoding: chunked"] * chunked + ["Connection: close", "", ""]
        sock.sendall("\r\n".join(lines).encode("latin-1"))
        if body is not None:
            threading.Thread(target=pour, args=(body, sock, chunked), daemon=True).start()
        response = http.client.HTTPResponse(sock, method=request.method)
        response.begin()
        fields = [(name.lower(), value.encode("latin-1")) for name, value in response.getheaders()]
        if future.gone:
            return
        incoming = IncomingResponse(response.status, fields)
        happen(lambda: setattr(future, "result", Ok(incoming)))
        while piece := response.read1(32 * 1024):
            happen(lambda piece=piece: incoming.pieces.append(piece))
        if response.length:
            happen(lambda: incoming.pieces.append(ConnectionResetError()))
        happen(lambda: setattr(incoming, "ended", True))
    except OSError:
        if future.result is None:
            happen(lambda: setattr(future, "result", Err(types.ErrorCode_ConnectionRefused())))
    finally:
        sock.close()


def pour(body, sock, chunked):
    try:
        while (piece := body.pieces.get()) is not None:
            if isinstance(piece, BaseException):
                return
            sock.sendall(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
            happen(lambda piece=piece: setattr(body, "held", body.held - len(piece)))
        if chunked:
            sock.sendall(b"0\r\n\r\n")
    except OSError:
        happen(lambda: setattr(body, "cut", True))
