"""Plain WSGI (PEP 3333), without a framework: one callable, and a page for each thing that the interface can do."""

from html import escape
from urllib.parse import parse_qs


def application(environ, start_response):
    page = PAGES.get(environ["PATH_INFO"])
    if page is None:
        start_response("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
        return [b"there is no such page\n"]
    return page(environ, start_response)


def index(environ, start_response):
    """Visitors see their own request, as the server has put it into the environ."""
    rows = (
        f"<tr><th>{escape(name)}<td>{escape(str(value))}"
        for name, value in sorted(environ.items())
        if isinstance(value, (str, bool, tuple))
    )
    body = "<!doctype html><title>wsgi</title><h1>Your request</h1><table>" + "\n".join(rows) + "</table>"
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
    return [body.encode()]


def hello(environ, start_response):
    name = parse_qs(environ["QUERY_STRING"]).get("name", ["world"])[0]
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [f"hello {name}\n".encode()]


def echo(environ, start_response):
    """The request's body, piece by piece: no more than a piece of it is ever held."""
    source = environ["wsgi.input"]
    start_response("200 OK", [("Content-Type", environ.get("CONTENT_TYPE") or "application/octet-stream")])
    return iter(lambda: source.read(64 * 1024), b"")


def stream(environ, start_response):
    """A body whose length nobody knows when it begins."""
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return (f"line {number}\n".encode() for number in range(1, 6))


def write(environ, start_response):
    """The older way of sending: `write`, and what is returned comes after it."""
    send = start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    send(b"written, ")
    return [b"returned\n"]


def cookies(environ, start_response):
    """One header twice, and the visitor's own cookies."""
    fields = [("Content-Type", "text/plain; charset=utf-8"), ("Set-Cookie", "tea=green"), ("Set-Cookie", "cup=blue")]
    start_response("200 OK", fields)
    return [environ.get("HTTP_COOKIE", "none").encode("latin-1")]


def late(environ, start_response):
    """A module that is imported only now."""
    import fractions

    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [str(fractions.Fraction(3, 9)).encode()]


def error(environ, start_response):
    raise RuntimeError("raised on purpose")


def broken(environ, start_response):
    """Fails when its head is on the way: its visitor sees a body that is cut off."""
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    yield b"begun, "
    raise RuntimeError("raised in the middle on purpose")


PAGES = {
    "/": index,
    "/hello": hello,
    "/echo": echo,
    "/stream": stream,
    "/write": write,
    "/cookies": cookies,
    "/late": late,
    "/error": error,
    "/broken": broken,
}
