"""How TLS that a library does in memory begins (`tls.py`): by a mark among the bytes, for its socket is not in hand there.

Each mark is drawn by chance and counts once, so that nothing an app writes can be one.
"""

import os
import weakref

_START = b"\0guesthouse-tls "
_TOKEN_BYTES = 16
_LENGTH = len(_START) + 2 * _TOKEN_BYTES + 1
# Token → the session in memory that it begins. What is never sent is forgotten with its session.
_sessions = weakref.WeakValueDictionary()


def mark(session):
    token = os.urandom(_TOKEN_BYTES).hex().encode()
    _sessions[token] = session
    return b"%s%s\n" % (_START, token)


def split(data):
    """The bytes before the first mark, and that mark's session; without one, all of them and nothing."""
    if not _sessions:
        return data, None
    whole, at = bytes(data), -1
    while (at := whole.find(_START, at + 1)) >= 0:
        session = _sessions.get(token_at(whole, at))
        if session is not None:
            return data[:at], session
    return data, None


def redeem(data):
    """Takes back the mark that these bytes begin with: its length."""
    del _sessions[token_at(bytes(data[:_LENGTH]), 0)]
    return _LENGTH


def token_at(data, at):
    return data[at + len(_START) : at + _LENGTH - 1]
