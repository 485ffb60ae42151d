"""A module `ssl` for a guest that has none: what imports it starts, what uses it is told plainly.

Libraries that can do without TLS ask for names that are not here, or for a context, and go their other way.
"""

import importlib.util
import sys
import types

_ERRORS = (
    "SSLZeroReturnError",
    "SSLWantReadError",
    "SSLWantWriteError",
    "SSLSyscallError",
    "SSLEOFError",
)
_NUMBERS = {
    "CERT_NONE": 0,
    "CERT_OPTIONAL": 1,
    "CERT_REQUIRED": 2,
    "PROTOCOL_TLS": 2,
    "PROTOCOL_TLS_CLIENT": 16,
    "PROTOCOL_TLS_SERVER": 17,
    "OP_NO_SSLv2": 0,
    "OP_NO_SSLv3": 0,
    "OP_NO_COMPRESSION": 0,
    "OP_IGNORE_UNEXPECTED_EOF": 0,
    "HAS_SNI": False,
    "HAS_ALPN": False,
}


class Unavailable(NotImplementedError):
    """There is no TLS in the guest."""

    def __init__(self, *_, **__):
        super().__init__("there is no TLS in this guest: the host speaks it, or a proxy before the service")


def install():
    """Puts the stub in place where the real module is missing."""
    if "ssl" not in sys.modules and importlib.util.find_spec("_ssl") is None:
        sys.modules["ssl"] = module()


def module():
    stub = types.ModuleType("ssl", __doc__)
    base = stub.SSLError = type("SSLError", (OSError,), {"__module__": "ssl"})
    for name in _ERRORS:
        setattr(stub, name, type(name, (base,), {"__module__": "ssl"}))
    invalid = type("SSLCertVerificationError", (base, ValueError), {"__module__": "ssl"})
    stub.SSLCertVerificationError = stub.CertificateError = invalid

    def refuse(*_, **__):
        raise Unavailable()

    for name in ("SSLContext", "SSLSocket", "SSLObject", "MemoryBIO"):
        setattr(stub, name, type(name, (), {"__module__": "ssl", "__init__": refuse}))
    for name in (
        "create_default_context",
        "_create_default_https_context",
        "_create_unverified_context",
        "get_server_certificate",
    ):
        setattr(stub, name, refuse)
    for name, value in _NUMBERS.items():
        setattr(stub, name, value)
    stub.Purpose = types.SimpleNamespace(SERVER_AUTH="SERVER_AUTH", CLIENT_AUTH="CLIENT_AUTH")
    stub.TLSVersion = types.SimpleNamespace(TLSv1_2=771, TLSv1_3=772)
    return stub
