"""Values as bytes: the serialized form in RDB files and in the reply of DUMP (Redis 7.2 rdb.c).

A :class:`RdbWriter` writes lengths, strings and numbers. Each value writes itself with one
(:meth:`~pyredmem.objects.object.RedisObject.save`): its type first, then the content.

A length takes 1, 2, 5 or 9 bytes; its two highest bits tell how many. If both of them are set it is not a length, and a
small integer or a compressed string follows. ::

    00nnnnnn | 01nnnnnn nn | 10000000 nn nn nn nn | 10000001 nn nn nn nn nn nn nn nn
    11000000 int8 | 11000001 int16 | 11000010 int32 | 11000011 compressed length, length, compressed bytes
"""

from __future__ import annotations

from struct import pack
from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from pyredmem.base.crc64 import crc64
from pyredmem.base.numbers import parse_integer
from pyredmem.objects.rdb_types import INT8, INT16, INT32, LZF, VERSION, VERSION_WITH_FIELD_TIMES
from pyredmem.structures.lzf import Compressor

_SPECIAL: Final = 0xC0
_LENGTH_32: Final = 0x80
_LENGTH_64: Final = 0x81
_INTEGER_DIGITS: Final = 11
_NINE: Final = 57
#: Strings of up to this many bytes are never compressed. Compression must save at least four bytes.
_LONGEST_UNCOMPRESSED: Final = 20
_LEAST_SAVING: Final = 4
_UINT64_MASK: Final = (1 << 64) - 1
#: How many bytes a writer that passes them on collects before.
PIECE: Final = 1 << 16


class RdbWriter:
    """Collects the bytes of one value."""

    def __init__(self, compresses: bool) -> None:
        self._compresses = compresses
        self._compressor = Compressor()
        self._out = BytesWriter()
        self._version = VERSION
        #: Whether the reader knows hashes whose fields have expire times.
        self.has_field_times = True

    def kind(self, code: int) -> None:
        """Write the type of the value, which comes first."""
        self._out.append(code)

    def needs_field_times(self) -> None:
        """Note that only a server whose hash fields have expire times can read the value."""
        self._version = VERSION_WITH_FIELD_TIMES

    def raise_version(self, version: int) -> None:
        """Note that a server writes this version of the format even where an older one would do."""
        self._version = max(self._version, version)

    def length(self, number: int) -> None:
        """Write a length or another non-negative number of at most 64 bits."""
        out = self._out
        if number < 1 << 6:
            out.append(number)
        elif number < 1 << 14:
            out.append(number >> 8 | 0x40)
            out.append(number & 255)
        elif number < 1 << 32:
            out.append(_LENGTH_32)
            out.write(number.to_bytes(4, "big"))
        else:
            out.append(_LENGTH_64)
            out.write(number.to_bytes(8, "big"))

    def signed_length(self, number: int) -> None:
        """Write a number that may be negative, as a signed 64-bit number."""
        self.length(number & _UINT64_MASK)

    def string(self, data: bytes) -> None:
        """Write a string in the form that takes the fewest bytes."""
        size: i64 = len(data)
        if 0 < size <= _INTEGER_DIGITS and data[0] <= _NINE and self._small_integer(data):
            return
        if self._compresses and size > _LONGEST_UNCOMPRESSED:
            compressed = self._compressor.compress(data, size - _LEAST_SAVING)
            if compressed:
                self.compressed(compressed, size)
                return
        self.length(size)
        self.raw(data)

    def _small_integer(self, data: bytes) -> bool:
        number = parse_integer(data)
        if number is None:
            return False
        if -(1 << 7) <= number < 1 << 7:
            self._integer(INT8, number, 1)
        elif -(1 << 15) <= number < 1 << 15:
            self._integer(INT16, number, 2)
        elif -(1 << 31) <= number < 1 << 31:
            self._integer(INT32, number, 4)
        else:
            return False
        return True

    def _integer(self, code: int, number: int, width: int) -> None:
        self._out.append(_SPECIAL | code)
        self._out.write(number.to_bytes(width, "little", signed=True))

    def compressed(self, data: bytes, size: int) -> None:
        """Write a string of ``size`` bytes that is already compressed."""
        self._out.append(_SPECIAL | LZF)
        self.length(len(data))
        self.length(size)
        self.raw(data)

    def double(self, number: float) -> None:
        self._out.write(pack("<d", number))

    def moment(self, unix_ms: int) -> None:
        """Write a time, unix milliseconds, as a signed number."""
        self._out.write(unix_ms.to_bytes(8, "little", signed=True))

    def raw(self, data: bytes) -> None:
        """Write bytes without their length, because the reader knows it."""
        self._out.write(data)
        if len(self._out) >= PIECE:
            self._pass_on()

    def _pass_on(self) -> None:
        """Give away what was collected, if it is for somebody."""

    def size(self) -> i64:
        """How many bytes are collected."""
        return len(self._out)

    def content(self) -> bytes:
        """What is collected."""
        return self._out.getvalue()

    def payload(self) -> bytes:
        """The value with its footer: the version of the format, and a checksum of everything before it."""
        body = self.content() + self._version.to_bytes(2, "little")
        return body + crc64(body).to_bytes(8, "little")
