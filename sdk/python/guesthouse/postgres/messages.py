"""The text of what a server reports, as libpq puts it together."""

# Columns of a query that are shown below an error, and how many of them stand right of the place at least.
_WIDTH, _RIGHT_MIN = 60, 10

_FIELDS = {letter: ord(letter) for letter in "SVCMDHPpqW"}


def text(fields, query, encoding, context=True):
    """`ERROR:  no such column`, the line of the query, and what else there is."""
    get = {letter: fields.get(number) for letter, number in _FIELDS.items()}.get
    parts = [get("S") + b":  " if get("S") else b"", get("M") or b"no error text available"]
    position, of = (get("P"), query) if get("P") else (get("p"), get("q"))
    line = b""
    if position and of and position.isdigit():
        line = place(of.decode(encoding, "replace"), int(position)).encode(encoding, "replace")
    elif position:
        parts.append(b" at character " + position)
    parts.append(b"\n" + line)
    for title, letter in (("DETAIL", "D"), ("HINT", "H"), ("QUERY", "q"), ("CONTEXT", "W")):
        if get(letter) and (context or letter != "W"):
            parts.append(b"%s:  %s\n" % (title.encode(), get(letter)))
    return b"".join(parts)


def place(query, position):
    """`LINE 1: select wat` with a caret below; positions count from 1."""
    at = position - 1
    if not 0 <= at <= len(query):
        return ""
    before = query[:at].replace("\r\n", "\n").replace("\r", "\n")
    number = before.count("\n") + 1
    start = max(query.rfind("\n", 0, at), query.rfind("\r", 0, at)) + 1
    ends = [end for end in (query.find("\n", at), query.find("\r", at)) if end >= 0]
    end = min(ends, default=len(query))
    line, column = query[start:end].replace("\t", " "), at - start
    left = right = ""
    if len(line) > _WIDTH:
        if column + _RIGHT_MIN <= _WIDTH:
            line, right = line[:_WIDTH], "..."
        else:
            last = len(line)
            if last - column > _RIGHT_MIN:
                last, right = column + _RIGHT_MIN, "..."
            first = max(0, last - _WIDTH)
            line, column, left = line[first:last], column - first, "..."
    head = "LINE %d: %s" % (number, left)
    return "%s%s%s\n%s^\n" % (head, line, right, " " * (len(head) + column))
