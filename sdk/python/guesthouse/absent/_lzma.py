"""`_lzma` without the library: archives of this kind can be neither read nor written."""

from guesthouse.standin import numbers
from guesthouse.standin import unavailable
from guesthouse.standin import unavailable_class

_WHY = "there is no LZMA in this guest"
globals().update(
    numbers(
        """
    FORMAT_AUTO=0 FORMAT_XZ=1 FORMAT_ALONE=2 FORMAT_RAW=3 CHECK_NONE=0 CHECK_CRC32=1 CHECK_CRC64=4 CHECK_SHA256=10
    CHECK_ID_MAX=15 CHECK_UNKNOWN=16 FILTER_LZMA1=4611686018427387905 FILTER_LZMA2=33 FILTER_DELTA=3 FILTER_X86=4
    FILTER_POWERPC=5 FILTER_IA64=6 FILTER_ARM=7 FILTER_ARMTHUMB=8 FILTER_SPARC=9 MF_HC3=3 MF_HC4=4 MF_BT2=18 MF_BT3=19
    MF_BT4=20 MODE_FAST=1 MODE_NORMAL=2 PRESET_DEFAULT=6 PRESET_EXTREME=2147483648
        """
    )
)


class LZMAError(Exception):
    """As the module has it."""


LZMACompressor = unavailable_class("_lzma", "LZMACompressor", _WHY, LZMAError, "compress flush")
LZMADecompressor = unavailable_class("_lzma", "LZMADecompressor", _WHY, LZMAError, "decompress")
_encode_filter_properties = unavailable("_lzma._encode_filter_properties", _WHY, LZMAError)
_decode_filter_properties = unavailable("_lzma._decode_filter_properties", _WHY, LZMAError)


def is_check_supported(check_id, /):
    return False
