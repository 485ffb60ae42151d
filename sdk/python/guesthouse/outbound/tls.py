"""TLS in name: the host speaks it, checks the certificate, and tells nothing of it. What `_ssl` makes of a connection."""

import ssl

from guesthouse.outbound import marks
from guesthouse.outbound.socket import Socket

_CIPHER = ("TLS_AES_128_GCM_SHA256", "TLSv1.3", 128)


def check(context, anyhow=False):
    """Raises for what the host would not do."""
    if context.verify_mode == ssl.CERT_NONE and not anyhow:
        raise ssl.SSLError(
            ssl.SSL_ERROR_SSL,
            "the host checks the certificates of all connections: it cannot be told not to (`verify=False`, `CERT_NONE`)",
        )
    if context._kept.get("chain"):
        raise ssl.SSLError(
            ssl.SSL_ERROR_SSL, "the host speaks TLS for the app, and shows no client certificate: one cannot be loaded here"
        )


class Session:
    """What both kinds of connections say of their TLS."""

    session = None
    session_reused = False

    def __init__(self, context, server_name, owner):
        self.context, self.server_hostname, self.owner = context, server_name, owner

    def getpeercert(self, binary_form=False):
        """What the host has checked: that the certificate is for this name."""
        if binary_form:
            return None
        name = self.server_hostname or ""
        kind = "IP Address" if ":" in name or name.replace(".", "").isdigit() else "DNS"
        return {"subject": ((("commonName", name),),), "subjectAltName": ((kind, name),), "version": 3}

    def version(self):
        return "TLSv1.3"

    def cipher(self):
        return _CIPHER

    def shared_ciphers(self):
        return [_CIPHER]

    def selected_alpn_protocol(self):
        return None

    def selected_npn_protocol(self):
        return None

    def compression(self):
        return None

    def get_channel_binding(self, cb_type="tls-unique"):
        return None

    def get_verified_chain(self):
        return []

    get_unverified_chain = get_verified_chain

    def pending(self):
        return 0


def into(data, buffer):
    if buffer is None:
        return data
    buffer[: len(data)] = data
    return len(data)


class OnSocket(Session):
    """Below an `ssl.SSLSocket`, which has taken over the link of the socket that it wraps."""

    def __init__(self, context, sock, server_name):
        super().__init__(context, server_name, sock)
        self._link, self._begun = sock._link, False

    def do_handshake(self):
        """Notes what is wanted: the first bytes decide who does it."""
        if not self._begun:
            check(self.context)
            self._link.secure(self.server_hostname, self._seconds())
            self._begun = True

    def read(self, size=1024, buffer=None):
        try:
            return into(self._link.receive(size if buffer is None else size or len(buffer), self._seconds()), buffer)
        except BlockingIOError:
            raise ssl.SSLWantReadError(ssl.SSL_ERROR_WANT_READ, "nothing is there") from None

    def write(self, data):
        try:
            return self._link.send(data, self._seconds())
        except BlockingIOError:
            raise ssl.SSLWantWriteError(ssl.SSL_ERROR_WANT_WRITE, "it would have to wait") from None

    def _seconds(self):
        return self.owner.gettimeout()

    def shutdown(self):
        return self.owner


class Encrypted(Session, Socket):
    """A connection of the app's own that is encrypted from some moment on: the link does it, and stays what it is.

    It is no `ssl.SSLSocket`: who has one may bind its password to the certificate (SCRAM's `-PLUS`), which the host does not
    show.
    """

    @classmethod
    def _create(cls, sock, context, server_hostname=None, do_handshake_on_connect=True, **_):
        if context.check_hostname and not server_hostname:
            raise ValueError("check_hostname requires server_hostname")
        seconds = sock.gettimeout()
        made = cls(sock.family, sock.type, sock.proto, sock.detach())
        made.settimeout(seconds)
        Session.__init__(made, context, server_hostname, None)
        made._begun = False
        try:
            if do_handshake_on_connect:
                made.do_handshake()
        except BaseException:
            made.close()
            raise
        return made

    def __init__(self, *args):
        Socket.__init__(self, *args)

    def do_handshake(self, block=False):
        seconds = self.gettimeout()
        try:
            if not self._begun:
                # Database clients that encrypt where they can take any certificate, and are content with a good one.
                check(self.context, anyhow=True)
                self._link.secure(self.server_hostname, seconds)
                self._begun = True
            self._link.open_up(seconds)
        except BlockingIOError:
            raise ssl.SSLWantReadError(ssl.SSL_ERROR_WANT_READ, "the handshake takes time") from None

    def read(self, len=1024, buffer=None):
        return self.recv(len) if buffer is None else self.recv_into(buffer, len)

    def write(self, data):
        return self.send(data)

    def unwrap(self):
        return self


def wrapped(sock, context, **keywords):
    """What `SSLContext.wrap_socket` makes of a socket."""
    link = getattr(sock, "_link", None)
    kind = ssl.SSLSocket if link is None or not link.is_tcp else Encrypted
    return kind._create(sock=sock, context=context, **keywords)


class InMemory(Session):
    """Below an `ssl.SSLObject`: the bytes stay as they are, and a mark goes before them (`marks.py`)."""

    def __init__(self, context, incoming, outgoing, server_name, owner):
        super().__init__(context, server_name, owner)
        self._incoming, self._outgoing, self._marked = incoming, outgoing, False

    def do_handshake(self):
        check(self.context)
        if not self._marked:
            self._marked = True
            self._outgoing.write(marks.mark(self))

    def read(self, size=1024, buffer=None):
        data = self._incoming.read(size)
        if not data and size and not self._incoming.eof:
            raise ssl.SSLWantReadError(ssl.SSL_ERROR_WANT_READ, "nothing is there")
        return into(data, buffer)

    def write(self, data):
        return self._outgoing.write(data)

    def shutdown(self):
        return None
