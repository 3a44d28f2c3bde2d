"""Reads the bytes of a serialized value from the first to the last, and checks its footer.

The format is described in :mod:`pyredmem.objects.rdb_writer`. Anything invalid, and any missing byte, raises
:class:`PayloadError`.
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
#: The bytes of an integer that stands in place of a string.
_WIDTHS: Final = {INT8: 1, INT16: 2, INT32: 4}
# Scores as text, the oldest form: these stand in place of the length of the text.
_INFINITY: Final = 254
_MINUS_INFINITY: Final = 255
_NO_NUMBER: Final = 253


class PayloadError(Exception):
    """The bytes are not a valid serialized value."""


def is_intact(payload: bytes, checks_sum: bool) -> bool:
    """Whether the payload has a footer with a known version and, if ``checks_sum``, the right checksum."""
    if len(payload) < FOOTER_BYTES:
        return False
    if int.from_bytes(payload[-FOOTER_BYTES:-_CHECKSUM_BYTES], "little") > VERSION_WITH_FIELD_TIMES:
        return False
    if not checks_sum:
        return True
    return crc64(payload[:-_CHECKSUM_BYTES]) == int.from_bytes(payload[-_CHECKSUM_BYTES:], "little")


class RdbReader:
    """Reads a payload from its beginning up to the footer."""

    def __init__(self, payload: bytes) -> None:
        self._data = payload
        self._at = 0
        self._end = len(payload) - FOOTER_BYTES

    def raw(self, size: int) -> bytes:
        """The next ``size`` bytes."""
        start = self._at
        if size > self._end - start:
            raise PayloadError
        self._at = start + size
        return self._data[start : self._at]

    def left(self) -> int:
        """How many bytes are left before the footer."""
        return self._end - self._at

    def byte(self) -> int:
        return self.raw(1)[0]

    def length(self) -> int:
        """A length or another non-negative number."""
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
        """The number of elements that follow, at least one."""
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
        """A floating-point number, which must not be NaN."""
        number: float = unpack("<d", self.raw(8))[0]
        if isnan(number):
            raise PayloadError
        return number

    def double_text(self) -> float:
        """A floating-point number written as text."""
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
