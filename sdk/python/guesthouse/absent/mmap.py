"""`mmap` over a copy: what a file holds can be looked at; what is changed goes to the file with `flush`."""

import os

from guesthouse.standin import numbers

globals().update(
    numbers(
        """
    PROT_EXEC=4 PROT_READ=1 PROT_WRITE=2 MAP_SHARED=1 MAP_PRIVATE=2 MAP_DENYWRITE=2048 MAP_EXECUTABLE=4096 MAP_ANON=32
    MAP_ANONYMOUS=32 MAP_POPULATE=32768 MAP_STACK=131072 PAGESIZE=4096 ALLOCATIONGRANULARITY=4096 ACCESS_DEFAULT=0
    ACCESS_READ=1 ACCESS_WRITE=2 ACCESS_COPY=3 MADV_NORMAL=0 MADV_RANDOM=1 MADV_SEQUENTIAL=2 MADV_WILLNEED=3
    MADV_DONTNEED=4 MADV_REMOVE=9 MADV_DONTFORK=10 MADV_DOFORK=11 MADV_HWPOISON=100 MADV_MERGEABLE=12
    MADV_UNMERGEABLE=13 MADV_HUGEPAGE=14 MADV_NOHUGEPAGE=15 MADV_DONTDUMP=16 MADV_DODUMP=17 MADV_FREE=8
        """
    )
)
error = OSError


class mmap:
    """A file's bytes, or none of a file at all (`fileno` is -1)."""

    def __new__(cls, fileno, length, flags=1, prot=3, access=0, offset=0, trackfd=True):
        mapped = super().__new__(cls)
        mapped._position, mapped._offset, mapped._fd = 0, offset, -1
        mapped._writes = access in (2, 3) or (access == 0 and bool(prot & 2))
        mapped._kept = access != 3 and flags != 2
        if fileno == -1:
            if length <= 0:
                raise ValueError("cannot mmap an empty file")
            mapped._data = bytearray(length)
            return mapped
        size = os.fstat(fileno).st_size
        length = length or size - offset
        if length <= 0:
            raise ValueError("cannot mmap an empty file")
        if offset + length > size:
            raise ValueError("mmap length is greater than file size")
        if mapped._writes and mapped._kept:
            mapped._fd = os.dup(fileno)
        data = os.pread(fileno, length, offset)
        mapped._data = bytearray(data) if mapped._writes else data
        return mapped

    def __len__(self):
        return len(self._data)

    def __getitem__(self, key):
        found = self._data[key]
        return found if isinstance(found, int) else bytes(found)

    def __setitem__(self, key, value):
        if not self._writes:
            raise TypeError("mmap can't modify a readonly memory map.")
        if isinstance(key, slice) and len(self._data[key]) != len(value):
            raise IndexError("mmap slice assignment is wrong size")
        self._data[key] = value

    def __buffer__(self, flags):
        return memoryview(self._data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def closed(self):
        return self._data is None

    def close(self):
        if self._data is not None:
            self.flush()
            if self._fd >= 0:
                os.close(self._fd)
            self._data = None

    def flush(self, *_, **__):
        if self._fd >= 0:
            os.pwrite(self._fd, self._data, self._offset)

    def find(self, sub, *bounds):
        return self._data.find(sub, *(bounds or (self._position,)))

    def rfind(self, sub, *bounds):
        return self._data.rfind(sub, *(bounds or (self._position,)))

    def read(self, count=None):
        end = len(self._data) if count is None or count < 0 else self._position + count
        data = bytes(self._data[self._position : end])
        self._position += len(data)
        return data

    def read_byte(self):
        data = self.read(1)
        if not data:
            raise ValueError("read byte out of range")
        return data[0]

    def readline(self):
        end = self._data.find(b"\n", self._position)
        return self.read(None if end < 0 else end + 1 - self._position)

    def write(self, data):
        if self._position + len(data) > len(self._data):
            raise ValueError("data out of range")
        self[self._position : self._position + len(data)] = data
        self._position += len(data)
        return len(data)

    def write_byte(self, byte):
        self.write(bytes((byte,)))

    def seek(self, position, whence=0):
        self._position = position + (0, self._position, len(self._data))[whence]
        return self._position

    def seekable(self):
        return True

    def tell(self):
        return self._position

    def size(self):
        return len(self._data)

    def move(self, dest, src, count):
        self[dest : dest + count] = self._data[src : src + count]

    def resize(self, newsize):
        raise SystemError("a map cannot be resized in this guest")

    def madvise(self, *_):
        return None
