"""`hashlib.pbkdf2_hmac` and `hashlib.scrypt` for a guest without OpenSSL: frameworks hash passwords with them.

The extension `_guesthouse_kdf` does the work (`sdk/kdf`). Where the builder could not make it, Python does it here: the same
keys, and far more time.
"""

import hashlib
import hmac
import sys
import types

# As OpenSSL has it, where nothing is said.
_MEMORY_BYTES_MAX = 32 * 1024 * 1024


def install():
    """To be called before anything of the app is imported."""
    if not hasattr(hashlib, "pbkdf2_hmac"):
        hashlib.pbkdf2_hmac = pbkdf2_hmac
    if not hasattr(hashlib, "scrypt"):
        hashlib.scrypt = scrypt
    if "_hashlib" not in sys.modules:
        # Only now: `hashlib` and `hmac` have looked for it, and go their own ways.
        sys.modules["_hashlib"] = below()


def extension():
    try:
        import _guesthouse_kdf
    except ImportError:
        return None
    return _guesthouse_kdf


_EXTENSION = extension()


def pbkdf2_hmac(hash_name, password, salt, iterations, dklen=None):
    """The key that follows from a password (RFC 8018), as hashlib has it."""
    if iterations < 1:
        raise ValueError("iteration value must be greater than 0.")
    size = hashlib.new(hash_name).digest_size
    length = size if dklen is None else dklen
    if length < 1:
        raise ValueError("key length must be greater than 0.")
    password, salt = bytes(memoryview(password)), bytes(memoryview(salt))
    name = hash_name.lower().replace("-", "")
    if _EXTENSION is not None and name in ("sha1", "sha224", "sha256", "sha384", "sha512") and iterations < 1 << 32:
        return _EXTENSION.pbkdf2(name.encode(), password, salt, iterations, length)
    return pbkdf2_in_python(hash_name, password, salt, iterations, length, size)


def pbkdf2_in_python(hash_name, password, salt, iterations, length, size):
    """Each iteration is one call of C."""
    mac, number, key = mac_of(hash_name), int.from_bytes, b""
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


def scrypt(password, *, salt, n, r, p, maxmem=0, dklen=64):
    """The key that follows from a password (RFC 7914), as hashlib has it."""
    if n < 2 or n & (n - 1):
        raise ValueError("n must be a power of 2.")
    if r < 1 or p < 1:
        raise ValueError("r and p must be positive numbers")
    if dklen < 1:
        raise ValueError("dklen must be greater than 0 and smaller than INT_MAX")
    if maxmem < 0:
        raise ValueError("maxmem must be positive and smaller than INT_MAX")
    if 128 * r * (n + p + 2) > (maxmem or _MEMORY_BYTES_MAX) or r * p >= 1 << 30 or n >= 1 << 16 * r:
        raise ValueError("Invalid parameter combination for n, r, p, maxmem.")
    password, salt = bytes(memoryview(password)), bytes(memoryview(salt))
    if _EXTENSION is not None:
        return _EXTENSION.scrypt(password, salt, n.bit_length() - 1, r, p, dklen)
    from guesthouse import scrypt_in_python

    return scrypt_in_python.scrypt(pbkdf2_hmac, password, salt, n, r, p, dklen)


def below():
    """The module that is below `hashlib` elsewhere, for those that ask for it."""
    module = types.ModuleType("_hashlib")
    for name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_224", "sha3_256", "sha3_384", "sha3_512"):
        setattr(module, "openssl_" + name, getattr(hashlib, name))
    module.openssl_shake_128, module.openssl_shake_256 = hashlib.shake_128, hashlib.shake_256
    module.openssl_md_meth_names = hashlib.algorithms_available
    module.new, module.pbkdf2_hmac, module.scrypt = hashlib.new, hashlib.pbkdf2_hmac, hashlib.scrypt
    module.compare_digest, module.hmac_digest, module.hmac_new = hmac.compare_digest, hmac.digest, hmac.new
    module.get_fips_mode = lambda: 0
    module.HASH = module.HASHXOF = type(hashlib.sha256())
    module.HMAC = hmac.HMAC
    module.UnsupportedDigestmodError = type("UnsupportedDigestmodError", (ValueError,), {"__module__": "_hashlib"})
    return module
