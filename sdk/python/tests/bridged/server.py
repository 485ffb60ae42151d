"""A server on this machine, on sockets that are real, which answers by the path that it is asked for."""

import http.server
import json
import socket
import threading

from guesthouse.outbound.socket import Socket
from tests.fakes.outside import World

_Real = Socket.__mro__[1]


class Answering(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = self.body()
        path = self.path.partition("?")[0]
        if path == "/slow":
            Server.go_on.wait(10)
        if path == "/chunks":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for piece in (b"one,", b"two,", b"three"):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")
            return
        if path == "/cut":
            self.send_response(200)
            self.send_header("Content-Length", "10")
            self.end_headers()
            self.wfile.write(b"short")
            self.close_connection = True
            return
        if path.startswith("/status/"):
            self.send_response(int(path.rpartition("/")[2]))
            self.send_header("Location", "/echo")
            if path not in ("/status/204", "/status/304"):
                self.send_header("Content-Length", "0")
            self.end_headers()
            return
        told = {"method": self.command, "path": self.path, "headers": dict(self.headers.items()), "bytes": len(body)}
        told["body"] = body[:100].decode("latin-1")
        answer = b"x" * int(path.rpartition("/")[2]) if path.startswith("/bytes/") else json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    do_POST = do_PUT = do_HEAD = do_GET

    def body(self):
        if "Content-Length" in self.headers:
            return self.rfile.read(int(self.headers["Content-Length"]))
        pieces = []
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
        return b"".join(pieces)

    def log_message(self, *_):
        return None


class Server(http.server.ThreadingHTTPServer):
    """Also at shop.example, under both schemes."""

    daemon_threads = True
    go_on = threading.Event()

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answering, bind_and_activate=False)
        self.socket = _Real(socket.AF_INET, socket.SOCK_STREAM)
        self.server_bind()
        self.server_activate()
        port = self.server_address[1]
        for place in ("shop.example", "127.0.0.1", "[2001:db8::1]", "shop.example:8080"):
            World.places[place] = port
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def server_bind(self):
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.server_address
