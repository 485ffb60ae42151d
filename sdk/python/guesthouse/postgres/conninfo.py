"""Connection strings: `host=db user=me` and `postgresql://me@db/shop`, as libpq reads them."""

import re

from guesthouse.postgres.options import KEYWORDS

_SCHEMES = ("postgresql://", "postgres://")
_SPACES = " \t\n\r\f\v"
_ESCAPE = re.compile("%(?:([0-9A-Fa-f]{2})|)")


class Invalid(ValueError):
    """A string that is no connection string, with libpq's text."""


def parse(text):
    """The options that the string names, as a dictionary."""
    for scheme in _SCHEMES:
        if text.startswith(scheme):
            return from_uri(text, len(scheme))
    return from_pairs(text)


def from_pairs(text):
    """`keyword = value`, with quotes and backslashes."""
    options, at = {}, skip(text, 0)
    while at < len(text):
        end = at
        while end < len(text) and text[end] != "=" and text[end] not in _SPACES:
            end += 1
        keyword, at = text[at:end], skip(text, end)
        if text[at : at + 1] != "=":
            raise Invalid('missing "=" after "%s" in connection info string\n' % keyword)
        value, at = pair_value(text, skip(text, at + 1))
        options[known(keyword)] = value
        at = skip(text, at)
    return options


def skip(text, at):
    while at < len(text) and text[at] in _SPACES:
        at += 1
    return at


def pair_value(text, at):
    """The value that begins at `at`, and where it ends."""
    quoted = text[at : at + 1] == "'"
    at += quoted
    letters = []
    while at < len(text):
        letter = text[at]
        if letter == "'" and quoted:
            return "".join(letters), at + 1
        if letter in _SPACES and not quoted:
            break
        if letter == "\\":
            at += 1
            letter = text[at : at + 1]
        letters.append(letter)
        at += 1
    if quoted:
        raise Invalid("unterminated quoted string in connection info string\n")
    return "".join(letters), at


def known(keyword):
    if keyword not in KEYWORDS:
        raise Invalid('invalid connection option "%s"\n' % keyword)
    return keyword


def from_uri(text, at):
    """`postgresql://user:password@host:port,host:port/dbname?keyword=value`."""
    options = {}
    rest, _, query = text[at:].partition("?")
    authority, slash, dbname = rest.partition("/")
    # A name or a password may hold `@` in escaped form alone: libpq takes the first.
    credentials, found, hosts = authority.partition("@")
    if found:
        user, colon, password = credentials.partition(":")
        options.update({"user": decoded(user)} if user else {})
        options.update({"password": decoded(password)} if colon and password else {})
    else:
        hosts = authority
    names, ports = zip(*(host_and_port(one, text) for one in hosts.split(",")))
    if any(names):
        options["host"] = ",".join(map(decoded, names))
    if any(ports):
        options["port"] = ",".join(map(decoded, ports))
    if slash and dbname:
        options["dbname"] = decoded(dbname)
    if query:
        options.update(uri_parameters(query))
    return options


def host_and_port(one, text):
    if not one.startswith("["):
        name, _, port = one.partition(":")
        return name, port
    name, bracket, rest = one[1:].partition("]")
    if not bracket:
        raise Invalid(
            'end of string reached when looking for matching "]" in IPv6 host address in URI: "%s"\n' % text
        )
    if not name:
        raise Invalid('IPv6 host address may not be empty in URI: "%s"\n' % text)
    if rest and not rest.startswith(":"):
        raise Invalid(
            'unexpected character "%s" at position %d in URI (expected ":" or "/"): "%s"\n'
            % (rest[0], text.index(one) + len(name) + 3, text)
        )
    return name, rest[1:]


def uri_parameters(query):
    options = {}
    for pair in query.split("&"):
        keyword, equals, value = pair.partition("=")
        if not equals:
            raise Invalid('missing key/value separator "=" in URI query parameter: "%s"\n' % pair)
        if "=" in value:
            raise Invalid('extra key/value separator "=" in URI query parameter: "%s"\n' % keyword)
        keyword, value = decoded(keyword), decoded(value)
        # JDBC's spelling, which libpq takes too.
        if (keyword, value) == ("ssl", "true"):
            keyword, value = "sslmode", "require"
        if keyword not in KEYWORDS:
            raise Invalid('invalid URI query parameter: "%s"\n' % keyword)
        options[keyword] = value
    return options


def decoded(text):
    """Without percent-encoding; `+` stays what it is."""

    def byte(match):
        if match[1] is None:
            raise Invalid('invalid percent-encoded token: "%s"\n' % text)
        if match[1] == "00":
            raise Invalid('forbidden value %%00 in percent-encoded value: "%s"\n' % text)
        return chr(int(match[1], 16))

    if "%" not in text:
        return text
    plain = text.encode("utf-8", "surrogateescape").decode("latin-1")
    return _ESCAPE.sub(byte, plain).encode("latin-1").decode("utf-8", "surrogateescape")
