"""The exact bytes of a listpack (Redis 7.2 listpack.c), needed where they matter: to compress a list node, and to read
and write serialized values.

::

    total bytes (4)  elements (2)  entry ... entry  FF

Numbers are little-endian. An entry is an encoding with the data, followed by their length in groups of seven bits, so
that a listpack can be read backwards.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter, read_i16_le, read_i32_le, read_i64_le, write_i16_le, write_i32_le, write_i64_le
from mypy_extensions import i16, i32, i64, u8

from pyredmem.base.numbers import integer_text, parse_integer
from pyredmem.memory.layout import LISTPACK_EMPTY_SIZE, listpack_back_length_size, listpack_integer_size
from pyredmem.structures.listpack import entry_size

_HEADER_COUNT_LIMIT: Final = 65535
_LONGEST_INTEGER: Final = 20  # characters
_NINE: Final = 57
_HEADER_SIZE: Final = 6
_END: Final = 0xFF
_LAST_INTEGER_TYPE: Final = 0xF4
#: Entries that begin with a lower byte are numbers up to 127, or strings of up to 63 bytes. Their length is one byte.
_SHORT_END: Final = 0xC0
_UINT32_MAX: Final = 0xFFFFFFFF


class ListpackWriter:
    """Makes the bytes of one listpack, element by element."""

    def __init__(self) -> None:
        self._out = BytesWriter()
        self._out.write(b"\0\0\0\0\0\0")
        self._count: i64 = 0

    def add(self, element: bytes) -> None:
        """Append an element, as an integer if it is the text of one."""
        length: i64 = len(element)
        if 0 < length <= _LONGEST_INTEGER and element[0] <= _NINE:
            number = parse_integer(element)
            if number is not None:
                self.add_integer(number)
                return
        out = self._out
        self._count += 1
        if length < 64:
            out.append(u8(0x80 | length))
            out.write(element)
            out.append(u8(length + 1))
            return
        if length < 4096:
            out.append(u8(0xE0 | length >> 8))
            out.append(u8(length & 255))
            out.write(element)
            _write_back_length(out, length + 2)
            return
        out.append(u8(0xF0))
        write_i32_le(out, i32(length))
        out.write(element)
        _write_back_length(out, length + 5)

    def add_integer(self, number: i64) -> None:
        """Append an integer."""
        out = self._out
        self._count += 1
        if 0 <= number <= 127:
            out.append(u8(number))
            out.append(u8(1))
        elif -4096 <= number <= 4095:
            out.append(u8(0xC0 | number >> 8 & 0x1F))
            out.append(u8(number & 255))
            out.append(u8(2))
        elif -(1 << 15) <= number < 1 << 15:
            out.append(u8(0xF1))
            write_i16_le(out, i16(number))
            out.append(u8(3))
        elif -(1 << 23) <= number < 1 << 23:
            out.append(u8(0xF2))
            for shift in range(0, 24, 8):
                out.append(u8(number >> shift & 255))
            out.append(u8(4))
        elif -(1 << 31) <= number < 1 << 31:
            out.append(u8(0xF3))
            write_i32_le(out, i32(number))
            out.append(u8(5))
        else:
            out.append(u8(0xF4))
            write_i64_le(out, number)
            out.append(u8(9))

    def finish(self) -> bytes:
        """The listpack with these elements."""
        out = self._out
        out.append(u8(_END))
        total: i64 = len(out)
        count: i64 = self._count if self._count < _HEADER_COUNT_LIMIT else _HEADER_COUNT_LIMIT
        for at in range(4):
            out[at] = u8(total >> 8 * at & 255)
        out[4] = u8(count & 255)
        out[5] = u8(count >> 8)
        return out.getvalue()


def listpack_bytes(elements: list[bytes]) -> bytes:
    """The bytes of a listpack with these elements."""
    writer = ListpackWriter()
    for element in elements:
        writer.add(element)
    return writer.finish()


def _write_back_length(out: BytesWriter, length: i64) -> None:
    """Write the length that follows an entry, its highest seven bits first; all but the first have the top bit set."""
    left: i64 = listpack_back_length_size(length) - 1
    out.append(u8(length >> 7 * left & 127))
    while left > 0:
        left -= 1
        out.append(u8(length >> 7 * left & 127 | 128))


def _has_back_length(data: bytes, at: i64, length: i64) -> bool:
    """Whether the length of an entry stands at a place, where there is room for it."""
    left: i64 = listpack_back_length_size(length) - 1
    if data[at] != length >> 7 * left:
        return False
    while left > 0:
        left -= 1
        at += 1
        if data[at] != length >> 7 * left & 127 | 128:
            return False
    return True


def listpack_elements(data: bytes) -> list[bytes]:
    """The elements of a listpack; raises ValueError or IndexError if the bytes are not a listpack."""
    return read_listpack(data)[0]


def read_listpack(data: bytes) -> tuple[list[bytes], i64]:
    """The elements of a listpack, and the bytes of their entries; raises as ``listpack_elements`` does.

    The bytes are those of the entries that are written here. Other writers might take more, and write an integer as
    text, for example.
    """
    end = _end_of_entries(data)
    elements: list[bytes] = []
    entries: i64 = 0
    at: i64 = _HEADER_SIZE
    while at < end:
        start, length, following = _entry_at(data, at, end)
        if start == 0:
            number = _number(data, at)
            elements.append(integer_text(number))
            entries += listpack_integer_size(number)
        else:
            element = data[at + start : at + length]
            elements.append(element)
            entries += entry_size(element)
        at = following
    _check_count(data, len(elements))
    return elements, entries


class ListpackReader:
    """Reads a listpack element by element, integers as numbers; raises as ``listpack_elements`` does.

    There must be an element when one is read, and an integer when an integer is read.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at: i64 = _HEADER_SIZE
        self._end: i64 = _end_of_entries(data)
        self._seen: i64 = 0

    def left(self) -> i64:
        """The bytes of the elements that have not been read; at least two for each."""
        return self._end - self._at

    def next(self) -> bytes:
        """The next element."""
        at = self._at
        start, length, self._at = _entry_at(self._data, at, self._end)
        self._seen += 1
        return integer_text(_number(self._data, at)) if start == 0 else self._data[at + start : at + length]

    def integer(self) -> i64:
        """The next element, which must be an integer or the text of one."""
        at = self._at
        start, length, self._at = _entry_at(self._data, at, self._end)
        self._seen += 1
        if start == 0:
            return _number(self._data, at)
        number = parse_integer(self._data[at + start : at + length])
        if number is None:
            raise ValueError("an element is no integer")
        return number

    def finish(self) -> None:
        """Check that the header gives the number of elements that were read."""
        _check_count(self._data, self._seen)


def _end_of_entries(data: bytes) -> i64:
    """Where the terminator is, after a look at it and at the header."""
    size: i64 = len(data)
    if size < LISTPACK_EMPTY_SIZE or data[size - 1] != _END:
        raise ValueError("not a listpack")
    if i64(read_i32_le(data, 0)) & _UINT32_MAX != size:
        raise ValueError("not a listpack")
    return size - 1


def _check_count(data: bytes, elements: i64) -> None:
    count: i64 = i64(read_i16_le(data, 4)) & _HEADER_COUNT_LIMIT
    if count < _HEADER_COUNT_LIMIT and count != elements:
        raise ValueError("the header gives another number of elements")


def _entry_at(data: bytes, at: i64, end: i64) -> tuple[i64, i64, i64]:
    """Of the entry at a place: after how many bytes its string begins (0: it is an integer) and ends, and the place
    of the next entry."""
    first: i64 = data[at]
    if first < _SHORT_END:  # as most entries are
        length: i64 = first - 0x7F if first >= 0x80 else 1
        start: i64 = 1 if first >= 0x80 else 0
        following: i64 = at + length + 1
        if following > end or data[at + length] != length:
            raise ValueError("an entry is damaged")
    else:
        length = _encoded_length(data, at, first)
        start = _start_of_string(first)
        following = at + length + listpack_back_length_size(length)
        if following > end or not _has_back_length(data, at + length, length):
            raise ValueError("an entry is damaged")
    return start, length, following


def _encoded_length(data: bytes, at: i64, first: i64) -> i64:
    """The bytes of an entry that is not short and begins with the byte ``first``, without the length after it."""
    if first < 0xE0:
        return 2
    if first < 0xF0:
        low: i64 = data[at + 1]
        return 2 + ((first & 15) << 8 | low)
    if first == 0xF0:
        return 5 + (i64(read_i32_le(data, at + 1)) & _UINT32_MAX)
    if first > _LAST_INTEGER_TYPE:
        raise ValueError("an entry of an unknown type")
    return 9 if first == _LAST_INTEGER_TYPE else first - 0xEE


def _start_of_string(first: i64) -> i64:
    """After how many bytes the string of an entry that is not short begins; 0 if it is an integer."""
    if first < 0xE0 or first > 0xF0:
        return 0
    return 5 if first == 0xF0 else 2


def _number(data: bytes, at: i64) -> i64:
    """The integer of an entry."""
    first: i64 = data[at]
    if first < 0x80:
        return first
    if first < 0xE0:
        low: i64 = data[at + 1]
        number: i64 = (first & 31) << 8 | low
        return number if number < 4096 else number - 8192
    if first == 0xF1:
        return i64(read_i16_le(data, at + 1))
    if first == 0xF2:
        high: i64 = data[at + 3]
        return (i64(read_i16_le(data, at + 1)) & 0xFFFF) | (high if high < 128 else high - 256) << 16
    if first == 0xF3:
        return i64(read_i32_le(data, at + 1))
    return read_i64_le(data, at + 1)
