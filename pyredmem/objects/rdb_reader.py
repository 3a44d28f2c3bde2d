"""The other way: a cursor over the bytes of a serialized value, and the check of its footer.

See :mod:`pyredmem.objects.rdb_writer` for the format. Whatever is not as it should be raises :class:`PayloadError`; so
does any byte that is missing.
"""

from __future__ import annotations

from math import isnan
from struct import unpack
from typing import Final

from pyredmem.base.crc64 import crc64
from pyredmem.base.numbers import parse_double
from pyredmem.objects.rdb_types import INT8, INT16, INT32, LZF, VERSION_WITH_FIELD_TIMES
from pyredmem.structures.lzf import decompress

FOOTER_BYTES: Final = 10
_CHECKSUM_BYTES: Final = 8
#: Integers in place of a string, and their bytes.
_WIDTHS: Final = {INT8: 1, INT16: 2, INT32: 4}
# Scores as text, in the oldest form: instead of a length.
_INFINITY: Final = 254
_MINUS_INFINITY: Final = 255
_NO_NUMBER: Final = 253


class PayloadError(Exception):
    """The bytes are no serialized value."""


def is_intact(payload: bytes, checks_sum: bool) -> bool:
    """Whether the footer is there, of a version that is known, and has the right checksum."""
    if len(payload) < FOOTER_BYTES:
        return False
    if int.from_bytes(payload[-FOOTER_BYTES:-_CHECKSUM_BYTES], "little") > VERSION_WITH_FIELD_TIMES:
        return False
    if not checks_sum:
        return True
    return crc64(payload[:-_CHECKSUM_BYTES]) == int.from_bytes(payload[-_CHECKSUM_BYTES:], "little")


class RdbReader:
    """Reads a payload from its beginning; the footer is not part of it."""

    def __init__(self, payload: bytes) -> None:
        self._data = payload
        self._at = 0
        self._end = len(payload) - FOOTER_BYTES

    def raw(self, size: int) -> bytes:
        """So many bytes."""
        start = self._at
        if size > self._end - start:
            raise PayloadError
        self._at = start + size
        return self._data[start : self._at]

    def byte(self) -> int:
        """One byte."""
        return self.raw(1)[0]

    def length(self) -> int:
        """A number that is not negative."""
        first = self.byte()
        if first >= 0xC0:
            raise PayloadError
        return self._length(first)

    def _length(self, first: int) -> int:
        if first < 0x40:
            return first
        if first < 0x80:
            return (first & 63) << 8 | self.byte()
        if first == 0x80:
            return int.from_bytes(self.raw(4), "big")
        if first == 0x81:
            return int.from_bytes(self.raw(8), "big")
        raise PayloadError

    def count(self) -> int:
        """How many elements follow; there is at least one."""
        number = self.length()
        if number == 0:
            raise PayloadError
        return number

    def string(self) -> bytes:
        """A string in any of its forms."""
        first = self.byte()
        if first < 0xC0:
            return self.raw(self._length(first))
        code = first & 63
        width = _WIDTHS.get(code)
        if width is not None:
            return b"%d" % int.from_bytes(self.raw(width), "little", signed=True)
        if code != LZF:
            raise PayloadError
        return self._compressed()

    def _compressed(self) -> bytes:
        compressed_size = self.length()
        size = self.length()
        try:
            data = decompress(self.raw(compressed_size))
        except ValueError:
            raise PayloadError from None
        if len(data) != size or size == 0:
            raise PayloadError
        return data

    def double(self) -> float:
        """A floating-point number that is one."""
        number: float = unpack("<d", self.raw(8))[0]
        if isnan(number):
            raise PayloadError
        return number

    def double_text(self) -> float:
        """The same as text."""
        size = self.byte()
        if size == _INFINITY:
            return float("inf")
        if size == _MINUS_INFINITY:
            return float("-inf")
        number = None if size == _NO_NUMBER else parse_double(self.raw(size))
        if number is None:
            raise PayloadError
        return number

    def moment(self) -> int:
        """A time, unix milliseconds."""
        return int.from_bytes(self.raw(8), "little", signed=True)
