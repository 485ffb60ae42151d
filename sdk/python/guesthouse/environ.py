"""The environ of PEP 3333, from a request of `wasi:http` and the headers that only the host may set."""

from urllib.parse import unquote_to_bytes

from guesthouse.interfaces import http as types

# A request's method is a class of its own for the methods that `wasi:http` knows.
METHODS = {
    types.Method_Get: "GET",
    types.Method_Head: "HEAD",
    types.Method_Post: "POST",
    types.Method_Put: "PUT",
    types.Method_Delete: "DELETE",
    types.Method_Connect: "CONNECT",
    types.Method_Options: "OPTIONS",
    types.Method_Trace: "TRACE",
    types.Method_Patch: "PATCH",
}
# Names of headers repeat from request to request, their keys are made once. A visitor may invent names: no more than these.
_KEYS_MAX = 512
_keys = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}


def template(errors, file_wrapper):
    """What is the same in every request."""
    return {
        "SCRIPT_NAME": "",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_SOFTWARE": "guesthouse",
        "GATEWAY_INTERFACE": "CGI/1.1",
        "REMOTE_ADDR": "",
        "REMOTE_HOST": "",
        "wsgi.version": (1, 0),
        "wsgi.errors": errors,
        "wsgi.file_wrapper": file_wrapper,
        "wsgi.input_terminated": True,
        # An instance answers one request at a time, beside others that do the same, and may answer another afterwards.
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


def build(request, env):
    """Completes a copy of the template with what the request says."""
    method = request.method()
    env["REQUEST_METHOD"] = METHODS.get(type(method)) or method.value
    target = request.path_with_query() or "/"
    path, _, query = target.partition("?")
    env["PATH_INFO"] = decoded(path)
    env["QUERY_STRING"] = query if query.isascii() else latin(query)
    env["REQUEST_URI"] = env["RAW_URI"] = target
    fields = request.headers()
    add_headers(env, fields.entries())
    # It is a child of the request, which is given back at the end.
    fields.__exit__(None, None, None)
    scheme = env["wsgi.url_scheme"] = scheme_of(env, request)
    name, port = server_of(env, request)
    env["SERVER_NAME"] = name
    env["SERVER_PORT"] = port or ("443" if scheme == "https" else "80")
    if chain := env.get("HTTP_X_FORWARDED_FOR"):
        # The host sets exactly one address; behind another host the last is the one that it saw itself.
        # Nobody looks its name up: the address stands for it (RFC 3875, section 4.1.9).
        env["REMOTE_ADDR"] = env["REMOTE_HOST"] = chain.rpartition(",")[2].strip() if "," in chain else chain
    if prefix := env.get("HTTP_X_FORWARDED_PREFIX"):
        env["SCRIPT_NAME"] = decoded(prefix.rstrip("/"))


def add_headers(env, entries):
    """Headers as CGI has them; what is repeated is joined in the order in which it came."""
    keys = _keys
    for name, value in entries:
        key = keys.get(name) or key_of(name)
        if key == "":
            continue
        value = value.decode("latin-1")
        if key not in env:
            env[key] = value
        elif key == "HTTP_COOKIE":
            env[key] += "; " + value
        elif key != "CONTENT_LENGTH":
            env[key] += "," + value


def key_of(name):
    """`accept-language` is HTTP_ACCEPT_LANGUAGE. A name with `_` would pass for another, so it gets none."""
    lower = name.lower()
    if "_" in lower:
        return ""
    key = _keys.get(lower) or "HTTP_" + lower.upper().replace("-", "_")
    if len(_keys) < _KEYS_MAX:
        _keys[name] = key
    return key


def scheme_of(env, request):
    proto = env.get("HTTP_X_FORWARDED_PROTO")
    if proto == "http" or proto == "https":
        return proto
    return "https" if isinstance(request.scheme(), types.Scheme_Https) else "http"


def server_of(env, request):
    """SERVER_NAME, and SERVER_PORT if it was said."""
    authority = env.get("HTTP_HOST")
    if not authority:
        authority = env["HTTP_HOST"] = request.authority() or "localhost"
    if authority[0] == "[":
        host, _, port = authority.partition("]")
        return host + "]", port[1:]
    host, _, port = authority.partition(":")
    return host or "localhost", port


def decoded(path):
    """The bytes that a path means, each as one character (PEP 3333, "Unicode issues")."""
    if "%" not in path and path.isascii():
        return path
    return unquote_to_bytes(path).decode("latin-1")


def latin(text):
    """Text beyond ASCII as a WSGI string: its UTF-8 bytes, each as one character."""
    return text.encode("utf-8", "surrogateescape").decode("latin-1")
