"""`wasi:sockets` of a strict host: connections to servers on this machine, by grant, on sockets that are real."""

import socket
import threading
from dataclasses import dataclass
from enum import Enum
from enum import auto

from tests.fakes.generated import Err
from tests.fakes.generated import StreamErrorClosed
from tests.fakes.generated import StreamErrorLastOperationFailed
from tests.fakes.host import Resource
from tests.fakes.outside import Broken
from tests.fakes.outside import Pollable
from tests.fakes.outside import World
from tests.fakes.outside import happen

_connect = socket.socket
_WORDS = """
    UNKNOWN ACCESS_DENIED NOT_SUPPORTED INVALID_ARGUMENT OUT_OF_MEMORY TIMEOUT CONCURRENCY_CONFLICT NOT_IN_PROGRESS
    WOULD_BLOCK INVALID_STATE NEW_SOCKET_LIMIT ADDRESS_NOT_BINDABLE ADDRESS_IN_USE REMOTE_UNREACHABLE CONNECTION_REFUSED
    CONNECTION_RESET CONNECTION_ABORTED DATAGRAM_TOO_LARGE NAME_UNRESOLVABLE TEMPORARY_RESOLVER_FAILURE
    PERMANENT_RESOLVER_FAILURE
"""
ErrorCode = Enum("ErrorCode", _WORDS.split())
# In the place of a port: nobody answers.
NEVER = object()


class Granted:
    """What there is for who connects: name → addresses, and (address, port) → port on this machine, or the host's word."""

    names = {}
    ports = {}
    # Where it was connected to, in order.
    asked = []
    # How much is taken at once.
    portion = 16 * 1024

    @classmethod
    def clear(cls):
        for one in (cls.names, cls.ports, cls.asked):
            one.clear()


class IpAddressFamily(Enum):
    IPV4 = auto()
    IPV6 = auto()


class ShutdownType(Enum):
    RECEIVE = auto()
    SEND = auto()
    BOTH = auto()


@dataclass
class IpAddress:
    value: tuple


@dataclass
class Ipv4SocketAddress:
    port: int
    address: tuple


@dataclass
class Ipv6SocketAddress:
    port: int
    flow_info: int
    address: tuple
    scope_id: int


@dataclass
class IpSocketAddress:
    value: object


class Network(Resource):
    def __init__(self):
        super().__init__(World.host)


class ResolveAddressStream(Resource):
    def __init__(self, addresses):
        super().__init__(World.host)
        self.addresses, self.there = list(addresses), False
        threading.Timer(0.01, happen, [lambda: setattr(self, "there", True)]).start()

    def resolve_next_address(self):
        if not self.there:
            raise Err(ErrorCode.WOULD_BLOCK)
        return IpAddress(self.addresses.pop(0)) if self.addresses else None

    def subscribe(self):
        return Pollable(self, lambda: self.there)


def resolve_addresses(network, name):
    found = Granted.names.get(name, ErrorCode.ACCESS_DENIED)
    if isinstance(found, ErrorCode):
        raise Err(found)
    return ResolveAddressStream(found)


class Wire:
    """A socket's bytes, as the host holds them for the guest."""

    def __init__(self, sock):
        self.sock, self.halves = sock, 2
        self.came, self.ended, self.failed = bytearray(), False, False
        self.going, self.last, self.cut = bytearray(), False, False
        threading.Thread(target=self.read, daemon=True).start()
        threading.Thread(target=self.write, daemon=True).start()

    def read(self):
        try:
            while data := self.sock.recv(64 * 1024):
                happen(lambda data=data: self.came.extend(data))
        except OSError:
            happen(lambda: setattr(self, "failed", True))
        happen(lambda: setattr(self, "ended", True))
        self.end()

    def write(self):
        try:
            while True:
                with World.happened:
                    World.happened.wait_for(lambda: self.going or self.last)
                    data = bytes(self.going)
                if not data:
                    self.sock.shutdown(socket.SHUT_WR)
                    break
                self.sock.sendall(data)
                happen(lambda data=data: self.going.__delitem__(slice(len(data))))
        except OSError:
            happen(lambda: setattr(self, "cut", True))
        self.end()

    def end(self):
        with World.happened:
            self.halves -= 1
            if not self.halves:
                self.sock.close()

    def put(self, data):
        """What the system takes at once is gone before anything else is written, on whatever socket."""
        try:
            data = data[self.sock.send(data, socket.MSG_DONTWAIT) :]
        except OSError:
            # Whoever writes the rest finds out.
            pass
        happen(lambda: self.going.extend(data))

    def shut(self):
        happen(lambda: setattr(self, "last", True))

    def close(self):
        """As the system does: who reads gets no more, and what is on its way is not lost."""
        self.shut()
        try:
            self.sock.shutdown(socket.SHUT_RD)
        except OSError:
            pass


class InputStream(Resource):
    def __init__(self, parent, wire):
        super().__init__(World.host, parent)
        self.wire = wire

    def read(self, most):
        wire = self.wire
        with World.happened:
            if wire.came:
                piece = bytes(wire.came[:most])
                del wire.came[:most]
                return piece
            if wire.failed:
                raise Err(StreamErrorLastOperationFailed(Broken()))
            if wire.ended:
                raise Err(StreamErrorClosed())
            return b""

    def subscribe(self):
        return Pollable(self, lambda: self.wire.came or self.wire.ended)


class OutputStream(Resource):
    def __init__(self, parent, wire):
        super().__init__(World.host, parent)
        self.wire, self.permitted = wire, 0

    def check_write(self):
        if self.wire.cut or self.wire.last:
            raise Err(StreamErrorClosed())
        self.permitted = 0 if self.wire.going else Granted.portion
        return self.permitted

    def write(self, data):
        if len(data) > self.permitted or type(data) is not bytes:
            World.host.trap("wrote more than `check_write` permits, or no bytes")
        self.permitted = 0
        self.wire.put(data)

    def flush(self):
        if self.wire.cut:
            raise Err(StreamErrorClosed())

    def subscribe(self):
        return Pollable(self, lambda: self.wire.cut or self.wire.last or not self.wire.going)


class TcpSocket(Resource):
    def __init__(self, family):
        super().__init__(World.host)
        self.wire = self.result = None

    def start_connect(self, network, remote):
        if network.gone or network.children:
            World.host.trap("a network that was given back")
        to = remote.value
        colons = ":".join("%x" % one for one in to.address)
        place = ".".join(map(str, to.address)) if len(to.address) == 4 else colons, to.port
        Granted.asked.append(place)
        found = Granted.ports.get(place, ErrorCode.ACCESS_DENIED)
        if found is ErrorCode.ACCESS_DENIED:
            raise Err(found)
        if found is NEVER:
            return
        threading.Thread(target=self.connect, args=(found,), daemon=True).start()

    def connect(self, found):
        if isinstance(found, ErrorCode):
            happen(lambda: setattr(self, "result", found))
            return
        sock = _connect()
        try:
            sock.connect(("127.0.0.1", found))
            happen(lambda: setattr(self, "result", sock))
        except OSError:
            sock.close()
            happen(lambda: setattr(self, "result", ErrorCode.CONNECTION_REFUSED))

    def finish_connect(self):
        if self.result is None:
            raise Err(ErrorCode.WOULD_BLOCK)
        if isinstance(self.result, ErrorCode):
            raise Err(self.result)
        self.wire = Wire(self.result)
        return InputStream(self, self.wire), OutputStream(self, self.wire)

    def shutdown(self, kind):
        assert kind is ShutdownType.SEND
        self.wire.shut()

    def subscribe(self):
        return Pollable(self, lambda: self.result is not None)

    def give_back(self):
        super().give_back()
        if self.wire is not None:
            self.wire.close()
        elif isinstance(self.result, _connect):
            self.result.close()


def create_tcp_socket(family):
    return TcpSocket(family)
