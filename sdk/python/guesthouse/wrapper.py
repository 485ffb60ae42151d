"""`wsgi.file_wrapper`: a file as a response, in large blocks."""

# Each block is a wait for the visitor: fewer are better, memory bounds them.
_BLOCK_BYTES_MIN = 64 * 1024


class FileWrapper:
    """The file's content from where it stands. The response closes the file at its end."""

    def __init__(self, filelike, blksize=8192):
        self.filelike = filelike
        self.blksize = max(blksize, _BLOCK_BYTES_MIN)
        if hasattr(filelike, "close"):
            self.close = filelike.close

    def __iter__(self):
        return self

    def __next__(self):
        if data := self.filelike.read(self.blksize):
            return data
        raise StopIteration
