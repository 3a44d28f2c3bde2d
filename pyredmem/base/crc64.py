"""The CRC-64 that Redis appends to serialized values and RDB files: Jones's polynomial, reflected, starting from zero.

The checksum of the nine digits ``123456789`` is ``e9c6d914c4b8d9ca``.
"""

from __future__ import annotations

from typing import Final

from librt.strings import read_i64_le
from librt.vecs import append, vec
from mypy_extensions import i64

#: 0xad93d23594c935a9 with its bits in reverse order, as a signed number.
_POLYNOMIAL: Final = 0x95AC9329AC4BC9B5 - (1 << 64)
_MASK: Final = (1 << 64) - 1
#: The bits to keep after a shift to the right by one and by eight, as the shift fills up with the sign from the left.
_BELOW_SIGN: Final = (1 << 63) - 1
_BELOW_BYTE: Final = (1 << 56) - 1
_BYTES: Final = 256
_WORD: Final = 8
#: Strings from this length on are read by the word.
_LONG: Final = 64


def _remainders() -> vec[i64]:
    """By byte value, the register after that byte if it was zero before."""
    table = vec[i64]()
    for byte in range(_BYTES):
        register: i64 = byte
        for _ in range(8):
            odd = register & 1
            register = register >> 1 & _BELOW_SIGN
            if odd != 0:
                register ^= _POLYNOMIAL
        table = append(table, register)
    return table


_TABLE: Final = _remainders()


class _WordRemainders:
    """Eight such tables, one after the other: table n tells the register when n more bytes, all zero, have followed.

    They are made when they are first needed.
    """

    def __init__(self) -> None:
        self._tables = vec[i64]()

    def get(self) -> vec[i64]:
        if len(self._tables) == 0:
            tables = _TABLE[:]
            for at in range((_WORD - 1) * _BYTES):
                register: i64 = tables[at]
                tables = append(tables, _TABLE[register & 255] ^ (register >> 8 & _BELOW_BYTE))
            self._tables = tables
        return self._tables


_WORD_REMAINDERS: Final = _WordRemainders()


class Checksum:
    """The checksum of bytes that come in pieces."""

    def __init__(self) -> None:
        self._register: i64 = 0

    def add(self, data: bytes, start: i64, end: i64) -> None:
        """The bytes from ``start`` to ``end`` come next."""
        register = self._register
        if end - start >= _LONG:
            tables = _WORD_REMAINDERS.get()
            last: i64 = end - _WORD
            while start <= last:
                word: i64 = read_i64_le(data, start) ^ register
                register = (
                    tables[1792 + (word & 255)]
                    ^ tables[1536 + (word >> 8 & 255)]
                    ^ tables[1280 + (word >> 16 & 255)]
                    ^ tables[1024 + (word >> 24 & 255)]
                    ^ tables[768 + (word >> 32 & 255)]
                    ^ tables[512 + (word >> 40 & 255)]
                    ^ tables[256 + (word >> 48 & 255)]
                    ^ tables[word >> 56 & 255]
                )
                start += _WORD
        while start < end:
            register = _TABLE[(register ^ data[start]) & 255] ^ (register >> 8 & _BELOW_BYTE)
            start += 1
        self._register = register

    def value(self) -> int:
        """The checksum, as an unsigned number."""
        return int(self._register) & _MASK


def crc64(data: bytes) -> int:
    """The checksum of a string, as an unsigned number."""
    checksum = Checksum()
    checksum.add(data, 0, len(data))
    return checksum.value()
