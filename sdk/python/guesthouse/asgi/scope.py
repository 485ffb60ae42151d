"""The scope of an HTTP request, from a request of `wasi:http` and the headers that only the host may set."""

from urllib.parse import unquote_to_bytes

from guesthouse.environ import METHODS
from guesthouse.interfaces import http as types
from guesthouse.older import Mount

_VERSIONS = {"version": "3.0", "spec_version": "2.4"}


def build(request, state):
    method = request.method()
    target = request.path_with_query() or "/"
    raw, _, query = target.partition("?")
    fields = request.headers()
    entries = fields.entries()
    fields.__exit__(None, None, None)
    headers, seen = [], {}
    for name, value in entries:
        name = name.lower()
        headers.append((name.encode("latin-1"), value))
        seen[name] = value
    authority = seen.get("host")
    if authority is None:
        authority = (request.authority() or "localhost").encode("latin-1")
        headers.insert(0, (b"host", authority))
    prefix = seen.get("x-forwarded-prefix", b"").decode("latin-1").rstrip("/")
    scheme = scheme_of(seen.get("x-forwarded-proto"), request)
    path = unquote_to_bytes(raw).decode("utf-8", "replace")
    mount = prefix if Mount.in_path else ""
    client = seen.get("x-forwarded-for", b"").rpartition(b",")[2].strip().decode("latin-1")
    return {
        "type": "http",
        "asgi": _VERSIONS,
        "http_version": "1.1",
        "method": METHODS.get(type(method)) or method.value,
        "scheme": scheme,
        # Both with the mount, as the specification has it: an app takes `root_path` off.
        "path": mount + path,
        "raw_path": (mount + raw).encode("utf-8"),
        "query_string": query.encode("utf-8"),
        "root_path": prefix,
        "headers": headers,
        "client": (client, 0) if client else None,
        "server": server_of(authority.decode("latin-1"), scheme),
        "state": state.copy(),
    }


def scheme_of(proto, request):
    if proto in (b"http", b"https"):
        return proto.decode()
    return "https" if isinstance(request.scheme(), types.Scheme_Https) else "http"


def server_of(authority, scheme):
    host, _, port = authority.rpartition(":")
    if not host or not port.isdigit() or authority.endswith("]"):
        host, port = authority, "443" if scheme == "https" else "80"
    return host.strip("[]"), int(port)
