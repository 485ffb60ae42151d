"""The way out for Python's own clients: sockets whose HTTP/1.1 becomes requests of `wasi:http`, below every library.

`install.py` puts them in place. A socket (`socket.py`) holds a link (`link.py`), which reads what is written (`http1.py`),
has the host send it (`exchange.py`), and writes the answer as a server would.
"""
