"""Bytes that have come and that the app has not read."""


class Inbox:
    def __init__(self):
        self._data, self._at = b"", 0

    def __bool__(self):
        return self._at < len(self._data)

    def put(self, data):
        self._data, self._at = self._data[self._at :] + data, 0

    def take(self, most, stay=False):
        """The next ones, at most so many; with `stay` they are also the next time's."""
        data = self._data[self._at : self._at + most]
        if not stay:
            self._at += len(data)
        return data

    def clear(self):
        self._data, self._at = b"", 0
