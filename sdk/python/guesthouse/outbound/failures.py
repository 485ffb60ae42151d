"""What the host says of a request that failed, as the exceptions that a socket raises, with a sentence."""

import copy
import errno
import socket

_REFUSED, _RESET, _ABORTED = errno.ECONNREFUSED, errno.ECONNRESET, errno.ECONNABORTED
_TIMEOUT = "a time limit"

# The host's word → what kind of failure that is, and the rest of the sentence.
_WORDS = {
    "HttpRequestDenied": (
        _REFUSED,
        'the host does not let it: "{origin}" must be in [outbound] http of the manifest, and the policy must allow '
        "it",
    ),
    "DestinationIpProhibited": (
        _REFUSED,
        "the host does not let it: its address is private, special or the host's own, and [policy] private_networks does not "
        "allow it",
    ),
    "ConnectionLimitReached": (_REFUSED, "it has as many connections open as it may (`connections` in [outbound])"),
    "DnsTimeout": ("name", "the name could not be looked up in time"),
    "DnsError": ("name", "the name has no address"),
    "DestinationNotFound": ("name", "there is no such place"),
    "DestinationUnavailable": (_REFUSED, "it cannot be reached"),
    "DestinationIpUnroutable": (_REFUSED, "there is no route to it"),
    "ConnectionRefused": (_REFUSED, "the connection was refused"),
    "ConnectionTerminated": (_RESET, "the connection broke off"),
    "HttpResponseIncomplete": (_RESET, "the answer broke off"),
    "ConnectionTimeout": (_TIMEOUT, "no connection came about in time"),
    "ConnectionReadTimeout": (_TIMEOUT, "nothing came for too long"),
    "ConnectionWriteTimeout": (_TIMEOUT, "nothing was taken for too long"),
    "HttpResponseTimeout": (_TIMEOUT, "no answer came in time"),
    "TlsCertificateError": ("certificate", "its certificate is not one that the host trusts for this name"),
    "TlsProtocolError": ("tls", "no TLS connection came about"),
    "TlsAlertReceived": ("tls", "it ended the TLS handshake with an alert"),
    "HttpResponseBodySize": (_ABORTED, "the answer is longer than it may be (`response_body` in [outbound])"),
    "HttpResponseHeaderSectionSize": (_ABORTED, "the head of the answer is too long"),
    "HttpProtocolError": (_ABORTED, "what came is no HTTP"),
}
# The same for connections of the app's own (`network.error-code`).
_NETWORK_WORDS = {
    "ACCESS_DENIED": (
        _REFUSED,
        'the host does not let it: "{origin}" must be in [outbound] tcp of the manifest, and the policy must allow it',
    ),
    "NEW_SOCKET_LIMIT": _WORDS["ConnectionLimitReached"],
    "NAME_UNRESOLVABLE": _WORDS["DnsError"],
    "INVALID_ARGUMENT": ("name", "this is no address that can be connected to"),
    "TEMPORARY_RESOLVER_FAILURE": ("again", "the name could not be looked up now"),
    "PERMANENT_RESOLVER_FAILURE": ("name", "the name could not be looked up"),
    "TIMEOUT": _WORDS["ConnectionTimeout"],
    "REMOTE_UNREACHABLE": (errno.EHOSTUNREACH, "it cannot be reached"),
    "CONNECTION_REFUSED": _WORDS["ConnectionRefused"],
    "CONNECTION_RESET": _WORDS["ConnectionTerminated"],
    "CONNECTION_ABORTED": (_ABORTED, "the connection was broken off"),
}


def of_code(code, origin):
    """An exception for the host's error code; `origin` is what was asked for."""
    kind = type(code).__name__.removeprefix("ErrorCode_")
    number, rest = _WORDS.get(kind, (_ABORTED, "the host says `%s`" % kind))
    said = getattr(code, "value", None)
    said = getattr(said, "rcode", said)
    if isinstance(said, str) and said:
        rest += " (%s)" % said[:500]
    return failure(number, sentence(origin, rest.replace("{origin}", origin)))


def of_network(word, place):
    """An exception for the host's word on a connection of the app's own."""
    number, rest = _NETWORK_WORDS.get(word, (_ABORTED, "the host says `%s`" % word.lower().replace("_", "-")))
    return failure(number, sentence(place, rest.replace("{origin}", place)))


def of_tls(said, place):
    """An exception for a TLS handshake that failed, by what the host's library says of it."""
    kind = "certificate" if "certificate" in said.lower() else "tls"
    rest = "no TLS connection came about"
    if kind == "certificate":
        rest = "its certificate is not one that the host trusts for this name, and the host checks all of them"
    return failure(kind, sentence(place, "%s (%s)" % (rest, said[:500])))


def sentence(origin, rest):
    return "this app asked for %s: %s" % (origin, rest)


def failure(kind, text):
    if kind in ("name", "again"):
        return socket.gaierror(socket.EAI_NONAME if kind == "name" else socket.EAI_AGAIN, text)
    if kind == _TIMEOUT:
        return TimeoutError(errno.ETIMEDOUT, text)
    if kind in ("tls", "certificate"):
        import ssl

        if kind == "tls":
            return ssl.SSLError(ssl.SSL_ERROR_SSL, text)
        error = ssl.SSLCertVerificationError(ssl.SSL_ERROR_SSL, text)
        error.verify_code, error.verify_message = 20, text
        return error
    return OSError(kind, text)


def not_carried(what):
    """For what is no request that the host could send."""
    return OSError(_ABORTED, what)


def broken_off(origin):
    return OSError(_RESET, sentence(origin, "the connection broke off"))


def fresh(error):
    """The same, without the frames that it went through: they hold the socket, and whoever keeps it would hold them."""
    return copy.copy(error)


def too_slow():
    return TimeoutError("timed out")
