"""ASGI 3 on `wasi:http` 0.2: one request at a time, on an event loop that has timers and no sockets."""
