"""my-app: a page that shows its visitor's own request, a form, and a stream."""

from html import escape
from urllib.parse import parse_qs

FORM_BYTES_MAX = 64 * 1024

PAGE = """<!doctype html>
<html lang="en">
<title>my-app</title>
<h1>Hello, {name}</h1>
<form method="post" action="{mount}/">
<input name="name" placeholder="your name" required> <button>Greet</button>
</form>
<p><a href="{mount}/lines">Five lines</a></p>
<h2>Your request</h2>
<table>
{rows}
</table>
</html>
"""


def application(environ, start_response):
    """What the server calls for each request."""
    pages = {"/": page, "/lines": lines}
    answer = pages.get(environ["PATH_INFO"], not_found)
    return answer(environ, start_response)


def page(environ, start_response):
    method = environ["REQUEST_METHOD"]
    if method not in ("GET", "HEAD", "POST"):
        start_response("405 Method Not Allowed", [("Allow", "GET, HEAD, POST"), TEXT])
        return [b"405: this page takes GET, HEAD and POST\n"]
    name = form(environ).get("name", ["world"])[0] if method == "POST" else "world"
    # What the server tells; the rest are objects of its own.
    told = sorted((key, value) for key, value in environ.items() if isinstance(value, str))
    rows = "\n".join(f"<tr><th>{escape(key)}<td>{escape(value)}" for key, value in told)
    # Links begin with the mount: the app may lie at /my-app/ as well as on a host of its own.
    mount = escape(environ.get("SCRIPT_NAME", ""))
    body = PAGE.format(name=escape(name), mount=mount, rows=rows).encode()
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(body)))])
    return [body]


def lines(environ, start_response):
    """A body whose length nobody knows when it begins: it is sent as it comes."""
    start_response("200 OK", [TEXT])
    return (f"line {number}\n".encode() for number in range(1, 6))


def not_found(environ, start_response):
    start_response("404 Not Found", [TEXT])
    return [b"404: there is no such page here\n"]


def form(environ):
    """The fields of a form that was sent as the body."""
    length = min(int(environ.get("CONTENT_LENGTH") or 0), FORM_BYTES_MAX)
    return parse_qs(environ["wsgi.input"].read(length).decode("utf-8", "replace"))


TEXT = ("Content-Type", "text/plain; charset=utf-8")
