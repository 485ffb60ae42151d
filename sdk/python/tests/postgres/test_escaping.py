"""Strings within SQL."""

import unittest

from guesthouse.postgres import escaping


class Strings(unittest.TestCase):
    def test_quotes_are_doubled(self):
        for data, expected in ((b"", b"''"), (b"it's", b"'it''s'"), (b"a\\b", b" E'a\\\\b'"), (b"a\0b", b"'a'")):
            self.assertEqual(escaping.literal(data, "UTF8"), expected)
        self.assertEqual(escaping.identifier(b'a"b\\', "UTF8"), b'"a""b\\"')
        self.assertEqual(escaping.string(b"'\\", "UTF8", True), b"''\\")
        self.assertEqual(escaping.string(b"'\\", "UTF8", False), b"''\\\\")

    def test_a_second_byte_is_no_quote(self):
        # In these encodings a backslash may be the second half of a character.
        for encoding in ("SJIS", "BIG5", "GBK", "GB18030", "UHC"):
            with self.subTest(encoding):
                self.assertEqual(escaping.literal(b"\x95\x5c'", encoding), b"'\x95\x5c'''")
        self.assertEqual(escaping.literal(b"\xb1\\", "SJIS"), b" E'\xb1\\\\'")

    def test_half_a_character_is_refused(self):
        for data, encoding in ((b"\xe2\x82", "UTF8"), (b"a\x95", "SJIS"), (b"\x95", "GB18030"), (b"\xc3", "EUC_JP")):
            with self.subTest(encoding), self.assertRaises(escaping.InvalidCharacter):
                escaping.literal(data, encoding)


class Bytes(unittest.TestCase):
    def test_bytea_goes_there_and_back(self):
        data = bytes(range(256))
        self.assertEqual(escaping.from_bytea(escaping.bytea(data, True)), data)
        self.assertEqual(escaping.bytea(b"\0", False), b"\\\\x00")
        octal = escaping.bytea_octal(data, True).replace(b"''", b"'")
        self.assertEqual(escaping.from_bytea(octal), data)
