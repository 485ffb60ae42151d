"""TLS on a connection's two streams, by `wasi:tls`: a generator, as those of `opening.py` are."""

from componentize_py_types import Err

from guesthouse import interfaces
from guesthouse.outbound import failures


def check():
    """Raises where the component has no TLS."""
    if interfaces.tls is None:
        raise failures.failure(
            "tls",
            "TLS on this connection is spoken by the host for apps whose manifest asks for `[outbound] tcp`: build it again "
            "with that",
        )


def shaken(server_name, streams, place):
    """The TLS connection and its two streams, in the place of these, which are the host's from here on."""
    future = interfaces.tls.ClientHandshake.finish(interfaces.tls.ClientHandshake(server_name, *streams))
    try:
        while (got := future.get()) is None:
            yield future
    finally:
        future.__exit__(None, None, None)
    # The outer one says that nobody asked before.
    got = got.value
    if isinstance(got, Err):
        with got.value as error:
            raise failures.of_tls(error.to_debug_string(), place)
    return got.value
