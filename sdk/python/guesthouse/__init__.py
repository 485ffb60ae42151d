"""Guesthouse for Python: an unmodified WSGI or ASGI app as one component of `wasi:http` 0.2."""

__version__ = "0.1.0"
