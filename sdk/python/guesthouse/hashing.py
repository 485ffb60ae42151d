"""`hashlib.pbkdf2_hmac` for a guest without OpenSSL: Django, Werkzeug and others hash passwords with it (RFC 8018)."""

import hashlib
import hmac


def install():
    if not hasattr(hashlib, "pbkdf2_hmac"):
        hashlib.pbkdf2_hmac = pbkdf2_hmac


def pbkdf2_hmac(hash_name, password, salt, iterations, dklen=None):
    """The key that follows from a password, as hashlib has it. Each iteration is one call of C."""
    if iterations < 1:
        raise ValueError("iteration value must be greater than 0.")
    size = hashlib.new(hash_name).digest_size
    length = size if dklen is None else dklen
    if length < 1:
        raise ValueError("key length must be greater than 0.")
    mac, password, salt = mac_of(hash_name), bytes(password), bytes(salt)
    number, key = int.from_bytes, b""
    for block in range(1, -(-length // size) + 1):
        last = mac(password, salt + block.to_bytes(4, "big"))
        total = number(last, "big")
        for _ in range(iterations - 1):
            last = mac(password, last)
            total ^= number(last, "big")
        key += total.to_bytes(size, "big")
    return key[:length]


def mac_of(hash_name):
    """HMAC with this hash, as a function of key and message."""
    try:
        import _hmac

        return getattr(_hmac, "compute_" + hash_name.replace("-", "_"))
    except (ImportError, AttributeError):
        return lambda key, message: hmac.digest(key, message, hash_name)
