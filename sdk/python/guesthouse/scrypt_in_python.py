"""scrypt (RFC 7914) without an extension: right, and some hundred times slower."""

import struct

# Positions of a quarter round of Salsa20: of its columns, then of its rows.
_QUARTERS = (
    (0, 4, 8, 12), (5, 9, 13, 1), (10, 14, 2, 6), (15, 3, 7, 11),
    (0, 1, 2, 3), (5, 6, 7, 4), (10, 11, 8, 9), (15, 12, 13, 14),
)  # fmt: skip
_WORD = 0xFFFFFFFF


def scrypt(pbkdf2_hmac, password, salt, n, r, p, length):
    size = 128 * r
    blocks = pbkdf2_hmac("sha256", password, salt, 1, p * size)
    mixed = b"".join(mix(blocks[start : start + size], n, r) for start in range(0, p * size, size))
    return pbkdf2_hmac("sha256", password, mixed, 1, length)


def mix(block, n, r):
    """scryptROMix, section 5."""
    layout = "<%dI" % (32 * r)
    words, kept = list(struct.unpack(layout, block)), []
    for _ in range(n):
        kept.append(words)
        words = mix_block(words, r)
    for _ in range(n):
        other = kept[words[32 * r - 16] & (n - 1)]
        words = mix_block([one ^ two for one, two in zip(words, other)], r)
    return struct.pack(layout, *words)


def mix_block(words, r):
    """scryptBlockMix, section 4."""
    last, even, odd = words[-16:], [], []
    for start in range(0, 32 * r, 16):
        last = salsa([one ^ two for one, two in zip(last, words[start : start + 16])])
        (odd if start & 16 else even).extend(last)
    return even + odd


def salsa(words):
    """Salsa20/8, section 3."""
    x = list(words)
    for _ in range(4):
        for a, b, c, d in _QUARTERS:
            t = x[a] + x[d] & _WORD
            x[b] ^= t << 7 & _WORD | t >> 25
            t = x[b] + x[a] & _WORD
            x[c] ^= t << 9 & _WORD | t >> 23
            t = x[c] + x[b] & _WORD
            x[d] ^= t << 13 & _WORD | t >> 19
            t = x[d] + x[c] & _WORD
            x[a] ^= t << 18 & _WORD | t >> 14
    return [one + two & _WORD for one, two in zip(x, words)]
