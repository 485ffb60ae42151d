"""A server on this machine that speaks lines, on sockets that are real: with a greeting or without, in plain or with TLS."""

import os
import queue
import shutil
import socket
import subprocess
import tempfile
import threading

from guesthouse.outbound.socket import Socket
from tests.fakes import tls

_Real = Socket.__mro__[1]


class Speaking:
    """Says each line again in capitals. `STARTTLS` begins TLS, `BYE` ends it all, `WAIT` waits for `go_on`."""

    go_on = threading.Event()
    waits = threading.Event()
    # What came until the other end closed or shut its half, one for each connection that is over.
    heard = queue.SimpleQueue()

    def __init__(self, greets=False, encrypts=False):
        self.greets, self.encrypts = greets, encrypts
        self.socket = _Real(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen()
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            sock, _ = self.socket.accept()
            threading.Thread(target=self.speak, args=(sock,), daemon=True).start()

    def speak(self, sock):
        lines = []
        try:
            if self.encrypts:
                sock = encrypted(sock)
            if self.greets:
                sock.sendall(b"hello\n")
            while line := line_of(sock):
                lines.append(line)
                if line == b"WAIT\n":
                    self.waits.set()
                    self.go_on.wait(10)
                sock.sendall(line.upper())
                if line == b"STARTTLS\n":
                    sock = encrypted(sock)
                if line.endswith(b"BYE\n"):
                    break
            sock.sendall(b"over\n")
        except OSError:
            pass
        finally:
            self.heard.put(b"".join(lines))
            sock.close()


def line_of(sock):
    """The next line; nothing follows it, since the other end waits for it to come back."""
    pieces = []
    while not (pieces and pieces[-1].endswith(b"\n")) and (data := sock.recv(64 * 1024)):
        pieces.append(data)
    return b"".join(pieces)


def encrypted(sock):
    return Certificate.context.wrap_socket(sock, server_side=True)


class Certificate:
    """Made by the machine's OpenSSL, for `db.example`."""

    context = None


def make_certificate():
    """Whether there is one, which the host trusts from now on."""
    if shutil.which("openssl") is None:
        return False
    real = tls.Trusted.ssl
    with tempfile.TemporaryDirectory() as folder:
        key, certificate = os.path.join(folder, "key.pem"), os.path.join(folder, "certificate.pem")
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate]
        command += ["-subj", "/CN=db.example", "-days", "2", "-addext", "subjectAltName=DNS:db.example"]
        # Python 3.13 asks more of a certificate that others are checked by.
        command += ["-addext", "keyUsage=critical,digitalSignature,keyCertSign"]
        subprocess.run(command, check=True, capture_output=True)
        Certificate.context = real.SSLContext(real.PROTOCOL_TLS_SERVER)
        Certificate.context.load_cert_chain(certificate, key)
        tls.Trusted.context = real.create_default_context(cafile=certificate)
    return True
