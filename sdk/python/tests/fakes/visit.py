"""One request to a gateway, and what came of it."""

import io

from tests.fakes import generated

generated.install()

from tests.fakes import host as fake  # noqa: E402
from wit_world.imports import types  # noqa: E402

from guesthouse.wsgi import Gateway  # noqa: E402

METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}


class Reply:
    """What the visitor and the operator see."""

    def __init__(self, host, request, said):
        response = host.response
        self.host = host
        self.request = request
        self.said = said
        self.status = response and response.status
        self.headers = [(name, value.decode("latin-1")) for name, value in response.headers] if response else []
        self.body = host.body
        # The response ended as it should; otherwise the connection is cut.
        self.whole = bool(response and response.body().finished)

    def header(self, name):
        return [value for one, value in self.headers if one.lower() == name]


def visit(
    app,
    path="/",
    method="GET",
    headers=(),
    body=(),
    scheme=None,
    authority="shop.localhost:8080",
    gateway=Gateway,
    **bounds,
):
    """Calls the app through the gateway, with a host that traps on every breach of the contract."""
    host = fake.Host(**bounds)
    fake.Fields.current = host
    kind = getattr(types, "Method_" + method.capitalize())() if method in METHODS else types.Method_Other(method)
    fields = [(name, value if isinstance(value, bytes) else value.encode("latin-1")) for name, value in headers]
    pieces = [body] if isinstance(body, bytes) and body else list(body)
    request = fake.IncomingRequest(host, kind, path, fields, pieces, scheme or types.Scheme_Http(), authority)
    made = gateway(app) if isinstance(gateway, type) else gateway
    said = io.StringIO()
    made.say_to(said)
    made.serve(request, fake.ResponseOutparam(host))
    if host.traps:
        raise AssertionError("the host trapped: " + "; ".join(host.traps))
    if host.alive != (0 if host.response is None or host.response.body().gone else 1):
        raise AssertionError("%d resources were left behind" % host.alive)
    return Reply(host, request, said.getvalue())
