"""`_ssl` without OpenSSL: contexts can be made and set up, and the host encrypts what goes out.

The module `ssl` of the standard library lies on top of it, and is complete: libraries make contexts when they are imported.
"""

import os

from guesthouse import network
from guesthouse.standin import numbers
from guesthouse.standin import unavailable_class

_WHY = "there is no TLS in this guest: the host speaks it, or a proxy before the service"

globals().update(
    numbers(
        """
    SSL_ERROR_ZERO_RETURN=6 SSL_ERROR_WANT_READ=2 SSL_ERROR_WANT_WRITE=3 SSL_ERROR_WANT_X509_LOOKUP=4
    SSL_ERROR_SYSCALL=5 SSL_ERROR_SSL=1 SSL_ERROR_WANT_CONNECT=7 SSL_ERROR_EOF=8 SSL_ERROR_INVALID_ERROR_CODE=10
    CERT_NONE=0 CERT_OPTIONAL=1 CERT_REQUIRED=2 VERIFY_DEFAULT=0 VERIFY_CRL_CHECK_LEAF=4 VERIFY_CRL_CHECK_CHAIN=12
    VERIFY_X509_STRICT=32 VERIFY_ALLOW_PROXY_CERTS=64 VERIFY_X509_TRUSTED_FIRST=32768 VERIFY_X509_PARTIAL_CHAIN=524288
    ALERT_DESCRIPTION_CLOSE_NOTIFY=0 ALERT_DESCRIPTION_UNEXPECTED_MESSAGE=10 ALERT_DESCRIPTION_BAD_RECORD_MAC=20
    ALERT_DESCRIPTION_RECORD_OVERFLOW=22 ALERT_DESCRIPTION_DECOMPRESSION_FAILURE=30
    ALERT_DESCRIPTION_HANDSHAKE_FAILURE=40 ALERT_DESCRIPTION_BAD_CERTIFICATE=42
    ALERT_DESCRIPTION_UNSUPPORTED_CERTIFICATE=43 ALERT_DESCRIPTION_CERTIFICATE_REVOKED=44
    ALERT_DESCRIPTION_CERTIFICATE_EXPIRED=45 ALERT_DESCRIPTION_CERTIFICATE_UNKNOWN=46
    ALERT_DESCRIPTION_ILLEGAL_PARAMETER=47 ALERT_DESCRIPTION_UNKNOWN_CA=48 ALERT_DESCRIPTION_ACCESS_DENIED=49
    ALERT_DESCRIPTION_DECODE_ERROR=50 ALERT_DESCRIPTION_DECRYPT_ERROR=51 ALERT_DESCRIPTION_PROTOCOL_VERSION=70
    ALERT_DESCRIPTION_INSUFFICIENT_SECURITY=71 ALERT_DESCRIPTION_INTERNAL_ERROR=80 ALERT_DESCRIPTION_USER_CANCELLED=90
    ALERT_DESCRIPTION_NO_RENEGOTIATION=100 ALERT_DESCRIPTION_UNSUPPORTED_EXTENSION=110
    ALERT_DESCRIPTION_CERTIFICATE_UNOBTAINABLE=111 ALERT_DESCRIPTION_UNRECOGNIZED_NAME=112
    ALERT_DESCRIPTION_BAD_CERTIFICATE_STATUS_RESPONSE=113 ALERT_DESCRIPTION_BAD_CERTIFICATE_HASH_VALUE=114
    ALERT_DESCRIPTION_UNKNOWN_PSK_IDENTITY=115 PROTOCOL_SSLv23=2 PROTOCOL_TLS=2 PROTOCOL_TLS_CLIENT=16
    PROTOCOL_TLS_SERVER=17 PROTOCOL_TLSv1=3 PROTOCOL_TLSv1_1=4 PROTOCOL_TLSv1_2=5 OP_ALL=2147483728 OP_NO_SSLv2=0
    OP_NO_SSLv3=33554432 OP_NO_TLSv1=67108864 OP_NO_TLSv1_1=268435456 OP_NO_TLSv1_2=134217728 OP_NO_TLSv1_3=536870912
    OP_CIPHER_SERVER_PREFERENCE=4194304 OP_SINGLE_DH_USE=0 OP_NO_TICKET=16384 OP_SINGLE_ECDH_USE=0
    OP_NO_COMPRESSION=131072 OP_ENABLE_MIDDLEBOX_COMPAT=1048576 OP_NO_RENEGOTIATION=1073741824
    OP_IGNORE_UNEXPECTED_EOF=128 HOSTFLAG_ALWAYS_CHECK_SUBJECT=1 HOSTFLAG_NEVER_CHECK_SUBJECT=32 HOSTFLAG_NO_WILDCARDS=2
    HOSTFLAG_NO_PARTIAL_WILDCARDS=4 HOSTFLAG_MULTI_LABEL_WILDCARDS=8 HOSTFLAG_SINGLE_LABEL_SUBDOMAINS=16 ENCODING_PEM=1
    ENCODING_DER=2 OP_LEGACY_SERVER_CONNECT=4 OP_ENABLE_KTLS=8 PROTO_MINIMUM_SUPPORTED=-2 PROTO_MAXIMUM_SUPPORTED=-1
    PROTO_SSLv3=768 PROTO_TLSv1=769 PROTO_TLSv1_1=770 PROTO_TLSv1_2=771 PROTO_TLSv1_3=772
        """
    )
)
OPENSSL_VERSION = "OpenSSL 3.0.0 (a stand-in: there is no TLS in this guest)"
OPENSSL_VERSION_INFO = _OPENSSL_API_VERSION = (3, 0, 0, 0, 0)
OPENSSL_VERSION_NUMBER = 0x30000000
HAS_SNI = HAS_ECDH = HAS_ALPN = HAS_TLSv1_2 = HAS_TLSv1_3 = HAS_TLS_UNIQUE = True
HAS_NPN = HAS_SSLv2 = HAS_SSLv3 = HAS_TLSv1 = HAS_TLSv1_1 = HAS_PSK = HAS_PHA = False
_DEFAULT_CIPHERS = "DEFAULT"
# Object identifiers that `ssl` asks for by itself.
_OBJECTS = (
    (129, "serverAuth", "TLS Web Server Authentication", "1.3.6.1.5.5.7.3.1"),
    (130, "clientAuth", "TLS Web Client Authentication", "1.3.6.1.5.5.7.3.2"),
)


class SSLError(OSError):
    """As the module has it."""

    __module__ = "ssl"
    library = reason = None

    def __str__(self):
        return str(self.strerror or self.args and self.args[0] or "")


class SSLZeroReturnError(SSLError):
    """As the module has it."""

    __module__ = "ssl"


class SSLWantReadError(SSLError):
    """As the module has it."""

    __module__ = "ssl"


class SSLWantWriteError(SSLError):
    """As the module has it."""

    __module__ = "ssl"


class SSLSyscallError(SSLError):
    """As the module has it."""

    __module__ = "ssl"


class SSLEOFError(SSLError):
    """As the module has it."""

    __module__ = "ssl"


class SSLCertVerificationError(SSLError, ValueError):
    """As the module has it."""

    __module__ = "ssl"
    verify_code, verify_message = 0, ""


def _refuse(*_, **__):
    raise SSLError(_WHY)


def _outbound(otherwise):
    """What notes that a connection to the outside is to be encrypted, which the host does."""
    if otherwise or not network.is_open():
        _refuse()
    from guesthouse.outbound import tls

    return tls


def _kept(name, default):
    """An attribute that is what it was set to."""
    return property(lambda context: context._kept.get(name, default), lambda context, value: context._kept.update({name: value}))


class _Sockets:
    """In the place of the class of sockets that a context makes: which one depends on the socket that is wrapped."""

    @staticmethod
    def _create(sock, server_side=False, **keywords):
        return _outbound(server_side).wrapped(sock, server_side=server_side, **keywords)


class _SSLContext:
    """What is set stays set. The host's own roots count, and its versions."""

    def __new__(cls, protocol, *_, **__):
        context = super().__new__(cls)
        client = protocol == PROTOCOL_TLS_CLIENT
        context._protocol = protocol
        context.sslsocket_class = _Sockets
        context._kept = {"verify_mode": CERT_REQUIRED if client else CERT_NONE, "check_hostname": client}
        return context

    minimum_version = _kept("minimum_version", PROTO_TLSv1_2)
    maximum_version = _kept("maximum_version", PROTO_MAXIMUM_SUPPORTED)
    options = _kept("options", OP_ALL | OP_NO_SSLv3)
    verify_flags = _kept("verify_flags", VERIFY_X509_TRUSTED_FIRST)
    keylog_filename = _kept("keylog_filename", None)
    num_tickets = _kept("num_tickets", 2)
    post_handshake_auth = _kept("post_handshake_auth", False)
    sni_callback = _kept("sni_callback", None)
    _host_flags = _kept("_host_flags", HOSTFLAG_NO_PARTIAL_WILDCARDS)
    _msg_callback = _kept("_msg_callback", None)
    security_level = 2
    protocol = property(lambda context: context._protocol)

    @property
    def verify_mode(self):
        return self._kept["verify_mode"]

    @verify_mode.setter
    def verify_mode(self, value):
        if value == CERT_NONE and self.check_hostname:
            raise ValueError("Cannot set verify_mode to CERT_NONE when check_hostname is enabled.")
        self._kept["verify_mode"] = value

    @property
    def check_hostname(self):
        return self._kept["check_hostname"]

    @check_hostname.setter
    def check_hostname(self, value):
        if value and self._kept["verify_mode"] == CERT_NONE:
            self._kept["verify_mode"] = CERT_REQUIRED
        self._kept["check_hostname"] = bool(value)

    def _nothing(self, *_, **__):
        return None

    load_dh_params = load_verify_locations = set_ciphers = set_default_verify_paths = _nothing
    set_ecdh_curve = set_psk_client_callback = set_psk_server_callback = _set_alpn_protocols = _nothing

    def cert_store_stats(self):
        return {"x509": 0, "crl": 0, "x509_ca": 0}

    def session_stats(self):
        names = "number connect connect_good connect_renegotiate accept accept_good accept_renegotiate hits misses timeouts"
        return dict.fromkeys((*names.split(), "cache_full"), 0)

    def get_ca_certs(self, binary_form=False):
        return []

    def get_ciphers(self):
        return []

    def load_cert_chain(self, certfile, keyfile=None, password=None):
        self._kept["chain"] = True

    def _wrap_bio(self, incoming, outgoing, server_side, server_hostname=None, *, owner=None, session=None):
        made = _outbound(server_side)
        return made.InMemory(self, incoming, outgoing, server_hostname, owner)

    def _wrap_socket(self, sock, server_side, server_hostname=None, *, owner=None, session=None):
        made = _outbound(server_side or sock._link is None)
        return made.OnSocket(self, sock, server_hostname)


class MemoryBIO:
    """Bytes on their way; nobody encrypts them."""

    def __init__(self):
        self._data, self.eof_written = b"", False

    pending = property(lambda bio: len(bio._data))
    eof = property(lambda bio: bio.eof_written and not bio._data)

    def read(self, size=-1):
        size = len(self._data) if size < 0 else size
        data, self._data = self._data[:size], self._data[size:]
        return data

    def write(self, data):
        self._data += bytes(data)
        return len(data)

    def write_eof(self):
        self.eof_written = True


SSLSession = unavailable_class("ssl", "SSLSession", _WHY, SSLError)
Certificate = unavailable_class("ssl", "Certificate", _WHY, SSLError)
_SSLSocket = unavailable_class("ssl", "_SSLSocket", _WHY, SSLError)
_test_decode_cert = _refuse


def RAND_status():
    return True


def RAND_add(data, entropy, /):
    return None


def RAND_bytes(count, /):
    return os.urandom(count)


RAND_pseudo_bytes = RAND_bytes


def get_default_verify_paths():
    return "SSL_CERT_FILE", "", "SSL_CERT_DIR", ""


def txt2obj(txt, name=False):
    for one in _OBJECTS:
        if txt == one[3] or (name and txt in one[1:3]):
            return one
    raise ValueError("unknown object %r" % txt[:100])


def nid2obj(nid, /):
    for one in _OBJECTS:
        if nid == one[0]:
            return one
    raise ValueError("unknown NID %d" % nid)
