"""CRC-64 as Redis has it under every serialized value: the polynomial of Jones, reflected, beginning with zero.

The remainder of the nine letters ``123456789`` is ``e9c6d914c4b8d9ca``.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64

#: 0xad93d23594c935a9 with its bits in the opposite order, as a number with a sign.
_POLYNOMIAL: Final = 0x95AC9329AC4BC9B5 - (1 << 64)
_MASK: Final = (1 << 64) - 1
#: What is left of 64 bits that move down by one and by eight, where a sign would fill up from above.
_BELOW_SIGN: Final = (1 << 63) - 1
_BELOW_BYTE: Final = (1 << 56) - 1


def _remainders() -> vec[i64]:
    """What each byte value makes of an empty register."""
    table = vec[i64]()
    for byte in range(256):
        register: i64 = byte
        for _ in range(8):
            odd = register & 1
            register = register >> 1 & _BELOW_SIGN
            if odd != 0:
                register ^= _POLYNOMIAL
        table = append(table, register)
    return table


_TABLE: Final = _remainders()


def crc64(data: bytes) -> int:
    """The checksum of a string, unsigned."""
    table = _TABLE
    register: i64 = 0
    for byte in data:
        register = table[(register ^ byte) & 255] ^ (register >> 8 & _BELOW_BYTE)
    return int(register) & _MASK
