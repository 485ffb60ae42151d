"""PBKDF2 and scrypt against those of OpenSSL, which this machine's Python has, and by the vectors of the RFCs."""

import hashlib
import unittest

from guesthouse import hashing


class Pbkdf2(unittest.TestCase):
    def test_it_derives_what_openssl_derives(self):
        for name in ("sha1", "sha256", "sha512"):
            for length in (None, 1, 20, 100):
                given = (name, b"password" * 20, b"salt", 7, length)
                self.assertEqual(hashing.pbkdf2_hmac(*given), hashlib.pbkdf2_hmac(*given), given)

    def test_nonsense_is_refused(self):
        with self.assertRaises(ValueError):
            hashing.pbkdf2_hmac("sha256", b"a", b"b", 0)
        with self.assertRaises(ValueError):
            hashing.pbkdf2_hmac("sha256", b"a", b"b", 1, 0)


class Scrypt(unittest.TestCase):
    def test_it_derives_what_rfc_7914_and_openssl_derive(self):
        first = "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"
        self.assertEqual(hashing.scrypt(b"", salt=b"", n=16, r=1, p=1).hex(), first)
        for n, r, p in ((2, 3, 2), (64, 8, 1)):
            given = {"salt": b"NaCl", "n": n, "r": r, "p": p, "dklen": 32}
            self.assertEqual(hashing.scrypt(b"password", **given), hashlib.scrypt(b"password", **given), given)

    def test_nonsense_is_refused_as_openssl_does(self):
        for wrong in ({"n": 3}, {"n": 1}, {"r": 0}, {"dklen": 0}, {"maxmem": 1000}, {"n": 1 << 20}, {"maxmem": -1}):
            given = {"salt": b"x", "n": 16, "r": 8, "p": 1, **wrong}
            for function in (hashing.scrypt, hashlib.scrypt):
                with self.assertRaises(ValueError, msg=wrong):
                    function(b"password", **given)


if __name__ == "__main__":
    unittest.main()
