"""The host's interfaces that are called `types`: what their modules are named depends on how many of them the world has."""

try:
    from wit_world.imports import types as http
except ImportError:
    from wit_world.imports import wasi_http_types as http
try:
    from wit_world.imports import wasi_tls_types as tls
except ImportError:
    # The app's manifest has no `[outbound] tcp`: its component is to start on hosts without it as well.
    tls = None
