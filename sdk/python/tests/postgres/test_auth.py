"""Passwords: by the vectors of RFC 7677, and as PostgreSQL keeps them."""

import unittest

from guesthouse.postgres import auth

# RFC 7677, section 3.
_CLIENT_NONCE = b"rOprNGfwEbeRWgbNEkqO"
_SERVER_FIRST = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
_CLIENT_FINAL = (
    b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
)
_SERVER_FINAL = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


class Scram(unittest.TestCase):
    def begun(self):
        return auth.Scram(b"pencil", b"user", _CLIENT_NONCE)

    def test_an_exchange_is_that_of_the_rfc(self):
        scram = self.begun()
        self.assertEqual(scram.first(), b"n,,n=user,r=" + _CLIENT_NONCE)
        self.assertEqual(scram.final(_SERVER_FIRST), _CLIENT_FINAL)
        scram.check(_SERVER_FINAL)

    def test_a_server_that_does_not_know_the_password_is_found_out(self):
        for final in (b"v=AAAA", b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl96G4=", b"", b"v=?", b"e=other-error"):
            scram = self.begun()
            scram.final(_SERVER_FIRST)
            with self.subTest(final), self.assertRaises(auth.Refused):
                scram.check(final)
        with self.assertRaises(auth.Refused):
            self.begun().check(_SERVER_FINAL)

    def test_a_first_message_that_is_none_is_refused(self):
        nonce = b"r=" + _CLIENT_NONCE
        ends = (b",s=AAAA,i=1", b"x,s=AAAA", b"x,s=?,i=1", b"x,s=AAAA,i=99999999999")
        for first in (b"", b"r=other,s=AAAA,i=4096", *(nonce + end for end in ends)):
            with self.subTest(first), self.assertRaises(auth.Refused):
                self.begun().final(first)

    def test_passwords_are_prepared(self):
        # RFC 4013, section 3; what is not allowed stays as it is.
        given = {"I\u00adX": "IX", "ª": "a", "\u2168": "IX", "\u0627\u0031": "\u0627\u0031", "ä": "ä"}
        for text, expected in given.items():
            self.assertEqual(auth.prepared(text.encode()), expected.encode())
        self.assertEqual(auth.prepared(b"\xff"), b"\xff")

    def test_a_secret_is_as_the_server_keeps_it(self):
        # With the salt and the password of RFC 7677.
        secret = auth.scram_secret(b"pencil", b"[m\x99h\x9d\x125\x8e\xec\xa0K\x14\x126\xfa\x81")
        self.assertEqual(
            secret,
            b"SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
            b"wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
        )


class Others(unittest.TestCase):
    def test_md5_is_over_password_user_and_salt(self):
        self.assertEqual(auth.md5(b"secret", b"me"), b"md5ae557034da7821f8788e6ba4bd9926f3")
        self.assertEqual(auth.md5_answer(b"secret", b"me", b"salt"), b"md541c83370953958037c7298c50b238bda")

    def test_required_methods_are_held(self):
        self.assertEqual(auth.allowed("md5, scram-sha-256"), {"md5", "scram-sha-256"})
        self.assertNotIn("password", auth.allowed("!password"))
        for text in ("magic", "md5,!none"):
            with self.assertRaises(auth.Refused):
                auth.allowed(text)
