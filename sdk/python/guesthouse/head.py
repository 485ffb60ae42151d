"""The head of a WSGI response: what `start_response` takes, and the fields that go to the host."""

# PEP 3333: these belong to the server. `wasi:http` refuses them.
HOP_BY_HOP = frozenset(
    (
        "connection",
        "http2-settings",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "trailers",
        "transfer-encoding",
        "upgrade",
    )
)


def check_head(status, headers):
    """What a status line and a list of headers must be, in the words of the PEP."""
    if type(status) is not str:
        raise TypeError("the status must be a str, not " + type(status).__name__)
    if len(status) < 3 or not status[:3].isdigit() or (len(status) > 3 and status[3] != " "):
        raise ValueError("the status must be three digits, a space and a reason, not %r" % (status,))
    if type(headers) is not list:
        raise TypeError("the headers must be a list, not " + type(headers).__name__)


def fields_of(headers, errors):
    """The fields for the host, and the declared length, or None."""
    fields, length = [], None
    for name, value in headers:
        if type(name) is not str or type(value) is not str:
            raise TypeError("a header must be two str, not %r: %r" % (name, value))
        lower = name.lower()
        if lower in HOP_BY_HOP:
            print("guesthouse: dropped the response's header `%s`: it belongs to the server" % name, file=errors)
            continue
        if lower == "content-length":
            length = length_of(value, length)
        # Blanks around a value are no part of it (RFC 9110, section 5.5); Django begins a cookie's with one.
        fields.append((lower, value.strip(" \t").encode("latin-1")))
    return fields, length


def length_of(value, before):
    """A declared length. A second one that differs would let two readers see two responses."""
    if not (value.isascii() and value.isdigit()):
        raise ValueError("content-length must be a number, not %r" % value)
    length = int(value)
    if before is not None and before != length:
        raise ValueError("two values of content-length: %d and %d" % (before, length))
    return length


def culprit(headers, refused):
    """The header that the host refuses, for the error's text."""
    for name, value in headers:
        if refused(name, value):
            return "%s: %s" % (name, value)
    return "all of them together"
