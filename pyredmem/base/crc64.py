"""The CRC-64 that Redis appends to each serialized value: the polynomial of Jones, reflected, starting from zero.

The checksum of the nine digits ``123456789`` is ``e9c6d914c4b8d9ca``.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64

#: 0xad93d23594c935a9 with its bits in reverse order, as a signed number.
_POLYNOMIAL: Final = 0x95AC9329AC4BC9B5 - (1 << 64)
_MASK: Final = (1 << 64) - 1
#: The bits to keep after a shift to the right by one and by eight, as the shift fills up with the sign from the left.
_BELOW_SIGN: Final = (1 << 63) - 1
_BELOW_BYTE: Final = (1 << 56) - 1


def _remainders() -> vec[i64]:
    """By byte value, the register after that byte if it was zero before."""
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
    """The checksum of a string, as an unsigned number."""
    table = _TABLE
    register: i64 = 0
    for byte in data:
        register = table[(register ^ byte) & 255] ^ (register >> 8 & _BELOW_BYTE)
    return int(register) & _MASK
