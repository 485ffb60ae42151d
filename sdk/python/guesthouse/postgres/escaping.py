"""Strings within SQL: quotes doubled, in the encoding of the client."""

import binascii
import re

# Encodings of clients whose second byte may be a backslash or a quote. Lead bytes of GB18030 may begin four bytes.
_TRAILING = {"BIG5", "GBK", "GB18030", "JOHAB", "SHIFT_JIS_2004", "SHIFTJIS2004", "SJIS", "UHC"}
_TWO_BYTES = {"EUC_CN", "EUC_JIS_2004", "EUC_JP", "EUC_KR", "EUC_TW"}
_OCTAL = re.compile(rb"\\(\\|[0-3][0-7]{2})")


class InvalidCharacter(ValueError):
    """Bytes that are no character in the encoding: a server could read the quote after them as a part of it."""


class Settings:
    """How strings are read without a connection: as the last one had it, which is libpq's way."""

    encoding, standard_strings = "SQL_ASCII", False


def characters(data, encoding):
    """Each character of the data, as bytes: what is of one byte alone may be a quote."""
    at, end = 0, len(data)
    while at < end:
        length = 1
        if data[at] >= 0x80:
            length = width(data, at, encoding)
            if at + length > end:
                raise InvalidCharacter("incomplete multibyte character\n")
        yield data[at : at + length]
        at += length


def width(data, at, encoding):
    lead = data[at]
    if encoding in ("SJIS", "SHIFT_JIS_2004", "SHIFTJIS2004"):
        return 1 if 0xA1 <= lead <= 0xDF else 2
    if encoding == "GB18030":
        return 4 if 0x30 <= (data[at + 1] if at + 1 < len(data) else 0) <= 0x39 else 2
    if encoding in ("EUC_JP", "EUC_JIS_2004", "EUC_CN", "EUC_KR"):
        return 3 if lead == 0x8F else 2
    if encoding == "EUC_TW":
        return 4 if lead == 0x8E else 2
    return 2


def doubled(data, quotes, encoding):
    """The data with each of the bytes in `quotes` twice."""
    data = data.partition(b"\0")[0]
    encoding = encoding.upper()
    if encoding in ("UTF8", "UNICODE", "UTF-8"):
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            raise InvalidCharacter("invalid multibyte character\n") from None
    elif encoding in _TRAILING or encoding in _TWO_BYTES:
        return b"".join(one * 2 if len(one) == 1 and one in quotes else one for one in characters(data, encoding))
    for quote in quotes:
        data = data.replace(quote, quote * 2)
    return data


def literal(data, encoding):
    """With its quotes; with a backslash in it, right whatever `standard_conforming_strings` is."""
    text = doubled(data, (b"'", b"\\"), encoding)
    return b" E'%s'" % text if has_backslash(text, encoding) else b"'%s'" % text


def has_backslash(text, encoding):
    if encoding.upper() in _TRAILING:
        return any(one == b"\\" for one in characters(text, encoding.upper()))
    return b"\\" in text


def identifier(data, encoding):
    return b'"%s"' % doubled(data, (b'"',), encoding)


def string(data, encoding, standard_strings):
    """Without quotes around it."""
    return doubled(data, (b"'",) if standard_strings else (b"\\", b"'"), encoding)


def bytea(data, standard_strings):
    return (b"\\x" if standard_strings else b"\\\\x") + binascii.hexlify(data)


def bytea_octal(data, standard_strings):
    """As servers before 9.0 read it, and all of them."""
    slash = b"\\" if standard_strings else b"\\\\"
    special = {0x27: b"''", 0x5C: slash * 2}
    return b"".join(
        special.get(one) or (b"%c" % one if 0x20 <= one < 0x7F else b"%s%03o" % (slash, one)) for one in data
    )


def from_bytea(data):
    if not data.startswith(b"\\x"):
        return _OCTAL.sub(lambda match: b"\\" if match[1] == b"\\" else bytes((int(match[1], 8),)), data)
    digits = re.sub(rb"[^0-9A-Fa-f]", b"", data[2:])
    return binascii.unhexlify(digits[: len(digits) // 2 * 2])
