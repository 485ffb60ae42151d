"""What each `sslmode` checks."""

import ssl
import sys
import unittest
from unittest import mock

from guesthouse.postgres import options
from guesthouse.postgres import tls


def context(mode, **more):
    return tls.context(options.completed({"user": "me", "sslmode": mode, **more}))


class Modes(unittest.TestCase):
    def test_as_in_libpq_only_verify_modes_check(self):
        for mode, verify, name in (
            ("prefer", ssl.CERT_NONE, False),
            ("require", ssl.CERT_NONE, False),
            ("verify-ca", ssl.CERT_REQUIRED, False),
            ("verify-full", ssl.CERT_REQUIRED, True),
        ):
            with self.subTest(mode):
                made = context(mode)
                self.assertEqual((made.verify_mode, made.check_hostname), (verify, name))
                self.assertEqual(made.minimum_version, ssl.TLSVersion.TLSv1_2)

    def test_in_a_guest_all_modes_check(self):
        with mock.patch.object(sys, "platform", "wasi"):
            for mode in ("prefer", "require", "verify-ca", "verify-full"):
                made = context(mode, sslrootcert="/no/such/file")
                self.assertEqual((made.verify_mode, made.check_hostname), (ssl.CERT_REQUIRED, True))

    def test_what_cannot_be_checked_is_refused(self):
        for given in (
            {"mode": "verify-full", "sslrootcert": "/no/such/file"},
            {"mode": "require", "sslrootcert": "system"},
            {"mode": "require", "ssl_min_protocol_version": "SSLv3"},
            {"mode": "require", "sslcert": "/no/such/file"},
        ):
            with self.subTest(given), self.assertRaises(tls.Unusable):
                context(**given)
