"""PBKDF2 against the one of OpenSSL, which this machine's Python has."""

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


if __name__ == "__main__":
    unittest.main()
