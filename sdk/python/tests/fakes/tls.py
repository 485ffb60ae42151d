"""`wasi:tls` of a strict host: a handshake on two streams, by the OpenSSL of the machine."""

import threading

from tests.fakes.generated import Err
from tests.fakes.generated import Ok
from tests.fakes.host import Resource
from tests.fakes.outside import Pollable
from tests.fakes.outside import World
from tests.fakes.outside import happen
from tests.fakes.sockets import InputStream
from tests.fakes.sockets import OutputStream


class Trusted:
    # The machine's own module `ssl`, since the guest's takes its place, and what the host trusts.
    ssl = None
    context = None


class Wire:
    """The bytes of a TLS connection, over those of a socket."""

    def __init__(self, below, server_name):
        self.below = below
        self.came, self.ended, self.failed = bytearray(), False, False
        self.going, self.last, self.cut = bytearray(), False, False
        self.incoming, self.outgoing = Trusted.ssl.MemoryBIO(), Trusted.ssl.MemoryBIO()
        self.tls = Trusted.context.wrap_bio(self.incoming, self.outgoing, server_hostname=server_name)
        self.shaken, self.wrong = False, None
        threading.Thread(target=self.carry, daemon=True).start()

    def carry(self):
        below = self.below
        with World.happened:
            while not self.cut and not (below.ended and self.ended):
                try:
                    self.step()
                except Trusted.ssl.SSLWantReadError:
                    pass
                except OSError as error:
                    self.wrong, self.ended, self.cut = error, True, True
                below.going.extend(self.outgoing.read())
                World.happened.notify_all()
                World.happened.wait_for(lambda: below.came or below.ended or below.cut or self.going or self.last)
                if below.came:
                    self.incoming.write(bytes(below.came))
                    below.came.clear()
                elif below.ended:
                    self.incoming.write_eof()
                self.cut = self.cut or below.cut

    def step(self):
        if not self.shaken:
            self.tls.do_handshake()
            self.shaken = True
        if self.going:
            self.tls.write(bytes(self.going))
            self.going.clear()
        if self.last:
            self.cut = True
            self.tls.unwrap()
        while data := self.tls.read(64 * 1024):
            self.came.extend(data)
        self.ended = True

    def put(self, data):
        happen(lambda: self.going.extend(data))

    def shut(self):
        happen(lambda: setattr(self, "last", True))


class Failed(Resource):
    def __init__(self, text):
        super().__init__(World.host)
        self.text = text

    def to_debug_string(self):
        return self.text


class ClientHandshake(Resource):
    def __init__(self, server_name, incoming, outgoing):
        super().__init__(World.host)
        incoming.give_back()
        outgoing.give_back()
        self.server_name, self.wire = server_name, incoming.wire

    @classmethod
    def finish(cls, this):
        this.give_back()
        return FutureClientStreams(Wire(this.wire, this.server_name))


class FutureClientStreams(Resource):
    def __init__(self, wire):
        super().__init__(World.host)
        self.wire = wire
        happen(lambda: setattr(wire, "going", wire.going))

    def get(self):
        if self.wire.wrong is not None:
            return Ok(Err(Failed("invalid peer certificate: %s" % self.wire.wrong)))
        if not self.wire.shaken:
            return None
        connection = ClientConnection(self.wire)
        return Ok(Ok((connection, InputStream(connection, self.wire), OutputStream(connection, self.wire))))

    def subscribe(self):
        return Pollable(self, lambda: self.wire.shaken or self.wire.wrong is not None)


class ClientConnection(Resource):
    def __init__(self, wire):
        super().__init__(World.host)
        self.wire = wire

    def close_output(self):
        self.wire.shut()
