"""How a server is told who one is: MD5 and SCRAM-SHA-256 (RFC 5802, RFC 7677), and passwords as a server keeps them."""

import base64
import functools
import hashlib
import hmac
import os
import stringprep
import unicodedata

_ITERATIONS = 4096
# A server may ask for more work than anybody would wait for: PostgreSQL's default is 4,096.
_ITERATIONS_MAX = 10_000_000
_SALTED_MAX = 8
_SALT_BYTES, _NONCE_BYTES = 16, 18
MECHANISM = b"SCRAM-SHA-256"
# RFC 4013, section 2.3.
_PROHIBITED = (
    stringprep.in_table_c12, stringprep.in_table_c21_c22, stringprep.in_table_c3, stringprep.in_table_c4,
    stringprep.in_table_c5, stringprep.in_table_c6, stringprep.in_table_c7, stringprep.in_table_c8, stringprep.in_table_c9,
)  # fmt: skip


class Refused(Exception):
    """What the server said cannot be gone along with."""


def md5(password, user):
    """As a server keeps it: `md5` and the sum over password and user."""
    return b"md5" + hashlib.md5(password + user).hexdigest().encode()


def md5_answer(password, user, salt):
    return b"md5" + hashlib.md5(md5(password, user)[3:] + salt).hexdigest().encode()


def prepared(password):
    """SASLprep (RFC 4013). What is no UTF-8, or not allowed by it, is taken as it is: so does the server."""
    if password.isascii():
        return password
    try:
        text = password.decode("utf-8")
    except UnicodeDecodeError:
        return password
    mapped = "".join(
        " " if stringprep.in_table_c12(one) else one for one in text if not stringprep.in_table_b1(one)
    )
    normal = unicodedata.normalize("NFKC", mapped)
    if not normal or any(stringprep.in_table_a1(one) or any(bad(one) for bad in _PROHIBITED) for one in normal):
        return password
    right_to_left = [stringprep.in_table_d1(one) for one in normal]
    if any(right_to_left):
        if any(stringprep.in_table_d2(one) for one in normal) or not (right_to_left[0] and right_to_left[-1]):
            return password
    return normal.encode("utf-8")


def digest(key, text):
    return hmac.new(key, text, "sha256").digest()


# A user's salt stays the same from one connection to the next, and this is most of what a connection costs.
@functools.lru_cache(maxsize=_SALTED_MAX)
def salted(password, salt, iterations):
    return hashlib.pbkdf2_hmac("sha256", prepared(password), salt, iterations)


class Scram:
    """The client's side of one exchange, without channel binding."""

    def __init__(self, password, user=b"", nonce=None):
        self._password = password
        self._nonce = nonce or base64.b64encode(os.urandom(_NONCE_BYTES))
        # The server takes the user of the startup message.
        self._bare = b"n=%s,r=%s" % (user, self._nonce)
        self._expected = None

    def first(self):
        return b"n,," + self._bare

    def final(self, server_first):
        """The answer to the server's first message."""
        parts = attributes(server_first)
        nonce = parts.get(b"r", b"")
        if not nonce.startswith(self._nonce) or nonce == self._nonce:
            raise Refused("invalid SCRAM response (nonce mismatch)\n")
        try:
            salt = base64.b64decode(parts[b"s"], validate=True)
            iterations = int(parts[b"i"])
        except (KeyError, ValueError):
            raise Refused("malformed SCRAM message (invalid salt or iteration count)\n") from None
        if not 0 < iterations <= _ITERATIONS_MAX:
            raise Refused("malformed SCRAM message (invalid iteration count)\n")
        key = salted(self._password, salt, iterations)
        client = digest(key, b"Client Key")
        without_proof = b"c=biws,r=" + nonce
        signed = b",".join((self._bare, server_first, without_proof))
        signature = digest(hashlib.sha256(client).digest(), signed)
        proof = bytes(one ^ two for one, two in zip(client, signature))
        self._expected = digest(digest(key, b"Server Key"), signed)
        return without_proof + b",p=" + base64.b64encode(proof)

    def check(self, server_final):
        """Raises unless the server knows the password too."""
        parts = attributes(server_final)
        if b"e" in parts:
            text = parts[b"e"].decode("utf-8", "replace")
            raise Refused("error received from server in SCRAM exchange: %s\n" % text)
        try:
            signature = base64.b64decode(parts[b"v"], validate=True)
        except (KeyError, ValueError):
            raise Refused("malformed SCRAM message (invalid server signature)\n") from None
        if self._expected is None or not hmac.compare_digest(signature, self._expected):
            raise Refused("incorrect server signature\n")


def attributes(message):
    return {one[:1]: one[2:] for one in message.split(b",") if one[1:2] == b"="}


def scram_secret(password, salt=None):
    """As a server keeps it: `SCRAM-SHA-256$iterations:salt$stored key:server key`."""
    salt = salt or os.urandom(_SALT_BYTES)
    key = salted(password, salt, _ITERATIONS)
    stored = hashlib.sha256(digest(key, b"Client Key")).digest()
    encoded = tuple(base64.b64encode(one) for one in (salt, stored, digest(key, b"Server Key")))
    return b"SCRAM-SHA-256$%d:%s$%s:%s" % (_ITERATIONS, *encoded)


# The methods that `require_auth` names, by the number of the server's request; 10 is SASL.
METHODS = {0: "none", 3: "password", 5: "md5", 7: "gss", 9: "sspi", 10: "scram-sha-256"}


def allowed(required):
    """The methods that `require_auth` leaves."""
    if not required:
        return set(METHODS.values())
    names = [one.strip() for one in required.split(",")]
    known = {one.removeprefix("!") for one in names}
    if not known <= set(METHODS.values()):
        raise Refused('invalid require_auth value: "%s"\n' % required)
    negated = {one.startswith("!") for one in names}
    if len(negated) > 1:
        raise Refused('require_auth methods cannot be both negated and not: "%s"\n' % required)
    return set(METHODS.values()) - known if negated == {True} else known
