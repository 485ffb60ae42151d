"""The way out for Python's own clients, below every library: HTTP/1.1 on a socket becomes requests of `wasi:http`, and all
else goes through connections of `wasi:sockets`.

`install.py` puts them in place. A socket (`socket.py`) holds a link (`link.py`), whose first bytes decide what it is: a
conversation (`conversation.py`), which reads what is written (`http1.py`), has the host send it (`exchange.py`), and writes
the answer as a server would; or a connection (`tcp.py`), which the host opens (`opening.py`) and encrypts (`handshake.py`).
A server that speaks first is heard on trial (`greeting.py`).
"""
