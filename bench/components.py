"""Components made of other components, for loads: a new revision of one, or one that is as large as wanted."""

CORE_MODULE = 1


def with_number(code, number):
    """The same component with a number in a custom section of its own: other bytes, and so another revision."""
    name, text = b"bench", str(number).encode()
    return code + section(0, leb(len(name)) + name + text)


def padded(code, filler, bytes_min):
    """`code` with the core modules of `filler` in it, again and again, until it has `bytes_min`.

    Nothing instantiates them, but a compiler has to compile them all, as it has those of an interpreter.
    """
    modules = b"".join(section(CORE_MODULE, body) for number, body in sections(filler) if number == CORE_MODULE)
    times = -(-(bytes_min - len(code)) // len(modules))
    return code + modules * max(times, 0)


def sections(code):
    """The number and the content of each section of a binary component."""
    at = 8
    while at < len(code):
        number = code[at]
        length, at = unleb(code, at + 1)
        yield number, code[at:at + length]
        at += length


def section(number, content):
    return bytes([number]) + leb(len(content)) + content


def leb(number):
    """LEB128, unsigned."""
    text = b""
    while number >= 0x80:
        text += bytes([number & 0x7F | 0x80])
        number >>= 7
    return text + bytes([number])


def unleb(code, at):
    number = shift = 0
    while True:
        byte = code[at]
        number |= (byte & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if byte < 0x80:
            return number, at
