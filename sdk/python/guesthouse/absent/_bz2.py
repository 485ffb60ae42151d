"""`_bz2` without the library: archives of this kind can be neither read nor written."""

from guesthouse.standin import unavailable_class

_WHY = "there is no bzip2 in this guest"
BZ2Compressor = unavailable_class("_bz2", "BZ2Compressor", _WHY, methods="compress flush")
BZ2Decompressor = unavailable_class("_bz2", "BZ2Decompressor", _WHY, methods="decompress")
