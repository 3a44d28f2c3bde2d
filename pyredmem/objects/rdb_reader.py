"""Reads the bytes of serialized values from the first to the last: of one payload, or of a file in pieces.

The format is described in :mod:`pyredmem.objects.rdb_writer`. Anything invalid, and any missing byte, raises
:class:`PayloadError`.
"""

from __future__ import annotations

from math import isnan
from typing import Final

from librt.strings import read_f64_le, read_i16_le, read_i32_be, read_i32_le, read_i64_le
from mypy_extensions import i64

from pyredmem.base.crc64 import Checksum, crc64
from pyredmem.base.files import ReadableFile
from pyredmem.base.numbers import integer_text, parse_double
from pyredmem.objects.rdb_types import INT8, INT16, INT32, LZF, VERSION_WITH_FIELD_TIMES
from pyredmem.structures.lzf import decompress

FOOTER_BYTES: Final = 10
_CHECKSUM_BYTES: Final = 8
#: The longest length that is written in one byte.
_SHORT: Final = 63
# Scores as text, the oldest form: these stand in place of the length of the text.
_INFINITY: Final = 254
_MINUS_INFINITY: Final = 255
_NO_NUMBER: Final = 253


#: How much of a file is read at a time (bytes).
_PIECE: Final = 1 << 16
#: More bytes than a file can have.
_TOO_MANY: Final = 1 << 61
_UINT32_MAX: Final = 0xFFFFFFFF


class PayloadError(Exception):
    """The bytes are not a valid serialized value."""


class MissingBytesError(PayloadError):
    """The bytes end before the value does."""


def is_intact(payload: bytes, checks_sum: bool) -> bool:
    """Whether the payload has a footer with a known version and, if ``checks_sum``, the right checksum."""
    if len(payload) < FOOTER_BYTES:
        return False
    if int.from_bytes(payload[-FOOTER_BYTES:-_CHECKSUM_BYTES], "little") > VERSION_WITH_FIELD_TIMES:
        return False
    if not checks_sum:
        return True
    return crc64(payload[:-_CHECKSUM_BYTES]) == int.from_bytes(payload[-_CHECKSUM_BYTES:], "little")


class EmptyValueError(PayloadError):
    """A collection without elements, which no server should have written. All its bytes have been read."""


class RdbReader:
    """Reads a payload from its beginning up to the footer."""

    def __init__(self, payload: bytes) -> None:
        self._data = payload
        self._at: i64 = 0
        self._end: i64 = len(payload) - FOOTER_BYTES

    def raw(self, size: int) -> bytes:
        """The next ``size`` bytes."""
        if size >= _TOO_MANY:
            raise MissingBytesError
        count: i64 = size
        start = self._pass(count)
        return self._data[start : start + count]

    def _pass(self, count: i64) -> i64:
        """Go on by ``count`` bytes; returns where in the data they begin."""
        if count > self._end - self._at:
            self._read_on(count)
        start = self._at
        self._at = start + count
        return start

    def left(self) -> int:
        """How many bytes are left before the footer."""
        return self._end - self._at

    def byte(self) -> int:
        if self._at >= self._end:
            self._read_on(1)
        at = self._at
        self._at = at + 1
        return self._data[at]

    def _read_on(self, count: i64) -> None:
        """Have at least ``count`` bytes before the end; raises MissingBytesError if there are none."""
        raise MissingBytesError

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
            start = self._pass(4)
            return i64(read_i32_be(self._data, start)) & _UINT32_MAX
        if first == 0x81:
            return int.from_bytes(self.raw(8), "big")
        raise PayloadError

    def count(self) -> int:
        """The number of elements that follow, at least one."""
        number = self.length()
        if number == 0:
            raise EmptyValueError
        return number

    def string(self) -> bytes:
        """A string in any of its forms."""
        at = self._at
        if at < self._end:
            size: i64 = self._data[at]
            end = at + 1 + size
            if size <= _SHORT and end <= self._end:
                self._at = end
                return self._data[at + 1 : end]
        return self._any_string()

    def _any_string(self) -> bytes:
        first = self.byte()
        if first < 0xC0:
            return self.raw(self._length(first))
        code = first & 63
        if code == LZF:
            return self._compressed()
        return integer_text(self._integer(code))

    def integer(self) -> tuple[bool, i64]:
        """Whether an integer stands in place of the string that comes next, and the integer, which has then been read.

        If not, nothing has been read.
        """
        if self._at >= self._end:
            self._read_on(1)
        first: i64 = self._data[self._at]
        if first < 0xC0 or first & 63 == LZF:
            return False, 0
        self._at += 1
        return True, self._integer(first & 63)

    def _integer(self, code: i64) -> i64:
        """The integer that stands in place of a string."""
        if code == INT8:
            number: i64 = self.byte()
            return number if number < 128 else number - 256
        if code == INT16:
            start = self._pass(2)
            return i64(read_i16_le(self._data, start))
        if code == INT32:
            start = self._pass(4)
            return i64(read_i32_le(self._data, start))
        raise PayloadError

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
        start = self._pass(8)
        number = read_f64_le(self._data, start)
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
        start = self._pass(8)
        return read_i64_le(self._data, start)


class RdbFileReader(RdbReader):
    """Reads a file from its beginning to its end, and adds up its checksum."""

    def __init__(self, file: ReadableFile) -> None:
        super().__init__(b"")
        self._end = 0
        self._file: ReadableFile = file
        self._start: i64 = 0  # where the data begins in the file
        self._added: i64 = 0  # the bytes of the data that the checksum has
        self._checksum = Checksum()

    def offset(self) -> int:
        """Where in the file the next byte is."""
        return self._start + self._at

    def read_ahead(self) -> bytes:
        """The bytes from ``offset`` on that were already read from the file."""
        return self._data[self._at :]

    def checksum(self) -> int:
        """The checksum of the bytes that were read so far."""
        self._checksum.add(self._data, self._added, self._at)
        self._added = self._at
        return self._checksum.value()

    def _read_on(self, count: i64) -> None:
        self.checksum()
        pieces = [self._data[self._at :]]
        have: i64 = len(pieces[0])
        while have < count:  # piece by piece: a false length must not ask for more memory than the file has bytes
            piece = self._file.read(_PIECE)
            if not piece:
                break
            pieces.append(piece)
            have += len(piece)
        self._start += self._at
        self._data = b"".join(pieces)
        self._at = 0
        self._added = 0
        self._end = have
        if have < count:
            raise MissingBytesError
