"""A TCP connection of the host's, encrypted from some moment on if the app wants that: bytes in both directions."""

from componentize_py_types import Err
from wit_world.imports.streams import StreamError_Closed
from wit_world.imports.tcp import ShutdownType

from guesthouse.outbound import failures
from guesthouse.outbound import handshake
from guesthouse.outbound.opening import opened
from guesthouse.outbound.outbox import Outbox

_READ_BYTES = 64 * 1024


class Connection:
    """Begins to connect at once. Nothing in here waits: who gets nothing asks for the pollables."""

    def __init__(self, inbox, host, port, server_name):
        self.place = "[%s]:%d" % (host, port) if ":" in host else "%s:%d" % (host, port)
        self.is_opening = True
        # Nothing more comes.
        self.ended = False
        # Why nothing more can be written. What the other end said before can still be read.
        self.unsent = None
        self._inbox, self._outbox = inbox, Outbox()
        self._shutting = self._is_shut = False
        self._socket = self._in = self._out = self._tls = None
        # What is to be done before bytes go on: generators, and what the host has to say first.
        self._steps, self._awaits = self._open(host, port, server_name), None
        if server_name is not None:
            handshake.check()

    # Words may come at any time.
    is_idle = False

    @property
    def takes(self):
        """Whether more may be written."""
        return not self._shutting and self.unsent is None

    def _open(self, host, port, server_name):
        self._socket, self._in, self._out = yield from opened(host, port, self.place)
        if server_name is not None:
            yield from self._shake(server_name)

    def _shake(self, server_name):
        streams, self._in, self._out = (self._in, self._out), None, None
        self._tls, self._in, self._out = yield from handshake.shaken(server_name, streams, self.place)

    def secure(self, server_name):
        """From here on it is encrypted. To be called when all is flushed."""
        handshake.check()
        if self._tls is not None:
            raise failures.failure("tls", "the connection to %s is encrypted already" % self.place)
        if self._inbox:
            raise failures.failure("tls", "%s said something before TLS began that nobody has read" % self.place)
        self._steps = self._shake(server_name)

    def advance(self):
        """Whether bytes can go through; if not, a step was made towards it as far as the host is."""
        if self._steps is None:
            return True
        for self._awaits in self._steps:
            return False
        self._steps = self._awaits = None
        self.is_opening = False
        return True

    def feed(self, data):
        self._outbox.put(bytes(data))

    def flush(self):
        """Gives the host what it takes now. False: it wants time."""
        if not self.advance():
            return not self._outbox
        try:
            if self._outbox:
                if not self._outbox.flush(self._out):
                    return False
                self._out.flush()
        except Err as error:
            self._outbox.clear()
            self.unsent = failures.broken_off(self.place)
            give_back(error.value)
        if self._shutting and not self._is_shut:
            self._shut()
        return True

    def has_some(self):
        """Whether there are bytes for the app, as far as can be said without waiting."""
        if self._inbox or self.ended:
            return bool(self._inbox)
        self.flush()
        if self._steps is not None:
            return False
        try:
            self._inbox.put(self._in.read(_READ_BYTES))
        except Err as error:
            # Many servers leave out the word that ends TLS.
            if not isinstance(error.value, StreamError_Closed) and "UnexpectedEof" not in give_back(error.value):
                raise failures.broken_off(self.place) from None
            self.ended = True
        return bool(self._inbox)

    def readable(self):
        """What to wait for before there is something to read."""
        if self._steps is not None:
            return [self._awaits.subscribe()] if self._awaits is not None else []
        return [self._in.subscribe()] + (self.writable() if self._outbox else [])

    def writable(self):
        """What to wait for before the host takes more."""
        if self._steps is not None:
            return self.readable()
        return [self._out.subscribe()] if self._outbox else []

    def asked(self):
        return None

    def shut(self):
        """The app writes no more."""
        self._shutting = True
        self.flush()

    def _shut(self):
        self._is_shut = True
        if self._tls is not None:
            # With a word to the other end, after which the host shuts the socket too.
            self._tls.close_output()
            return
        try:
            self._socket.shutdown(ShutdownType.SEND)
        except Err:
            # The other end was first.
            pass

    def finish(self):
        """Before it is closed: whether the host has sent all that was written."""
        if self._steps is not None and not self._outbox or self.unsent is not None:
            return True
        if not self.flush():
            return False
        try:
            return self.unsent is not None or self._is_shut or self._out.check_write() > 0
        except Err as error:
            give_back(error.value)
            return True

    def sending(self):
        """What to wait for before that may be so."""
        return [self._out.subscribe()] if self._steps is None else self.readable()

    def drop(self):
        """Gives everything back: streams before what they belong to."""
        if self._steps is not None:
            self._steps.close()
        held = (self._in, self._out, self._tls, self._socket)
        self._in = self._out = self._tls = self._socket = self._steps = self._awaits = None
        self._outbox.clear()
        for one in held:
            if one is not None:
                one.__exit__(None, None, None)


def give_back(problem):
    """What the host says of a stream's operation that failed; nothing if it is only closed."""
    if isinstance(problem, StreamError_Closed):
        return ""
    with problem.value as error:
        return error.to_debug_string()
