"""Bytes on their way to the host, as far as it has not taken them yet."""

from collections import deque


class Outbox:
    """Pieces, in their order."""

    def __init__(self):
        self._pieces = deque()

    def __bool__(self):
        return bool(self._pieces)

    def put(self, data):
        self._pieces.append(data)

    def clear(self):
        self._pieces.clear()

    def flush(self, stream):
        """Gives the stream what it takes now. False: it wants time."""
        while self._pieces:
            permitted = stream.check_write()
            if not permitted:
                return False
            piece = self._pieces.popleft()
            if len(piece) > permitted:
                self._pieces.appendleft(piece[permitted:])
                piece = piece[:permitted]
            stream.write(piece)
        return True
