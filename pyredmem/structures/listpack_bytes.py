"""The exact bytes of a listpack (Redis 7.2 listpack.c), needed where they matter: to compress a list node, and to read
and write serialized values.

::

    total bytes (4)  elements (2)  entry ... entry  FF

Numbers are little-endian. An entry is an encoding with the data, followed by their length in groups of seven bits, so
that a listpack can be read backwards.
"""

from __future__ import annotations

from typing import Final

from pyredmem.base.numbers import parse_integer
from pyredmem.memory.layout import LISTPACK_EMPTY_SIZE, listpack_back_length_size

_HEADER_COUNT_LIMIT: Final = 65535
_LONGEST_INTEGER: Final = 20  # characters
_HEADER_SIZE: Final = 6
_END: Final = 0xFF
#: The bytes of the integer types F1 to F4.
_INTEGER_WIDTHS: Final = (2, 3, 4, 8)
_LAST_INTEGER_TYPE: Final = 0xF4


def listpack_bytes(elements: list[bytes]) -> bytes:
    """The bytes of a listpack with these elements."""
    entries = b"".join([_entry(element) for element in elements])
    total = len(entries) + LISTPACK_EMPTY_SIZE
    count = min(len(elements), _HEADER_COUNT_LIMIT)
    return total.to_bytes(4, "little") + count.to_bytes(2, "little") + entries + b"\xff"


def _entry(element: bytes) -> bytes:
    number = parse_integer(element) if 0 < len(element) <= _LONGEST_INTEGER else None
    data = _string(element) if number is None else _integer(number)
    return data + _back_length(len(data))


def _integer(number: int) -> bytes:
    if 0 <= number <= 127:
        return number.to_bytes(1, "little")
    if -4096 <= number <= 4095:
        return (0xC000 | number & 0x1FFF).to_bytes(2, "big")
    if -(1 << 15) <= number < 1 << 15:
        return b"\xf1" + number.to_bytes(2, "little", signed=True)
    if -(1 << 23) <= number < 1 << 23:
        return b"\xf2" + number.to_bytes(3, "little", signed=True)
    if -(1 << 31) <= number < 1 << 31:
        return b"\xf3" + number.to_bytes(4, "little", signed=True)
    return b"\xf4" + number.to_bytes(8, "little", signed=True)


def _string(data: bytes) -> bytes:
    length = len(data)
    if length < 64:
        return (0x80 | length).to_bytes(1, "little") + data
    if length < 4096:
        return (0xE000 | length).to_bytes(2, "big") + data
    return b"\xf0" + length.to_bytes(4, "little") + data


def _back_length(length: int) -> bytes:
    """The length that follows an entry, its highest seven bits first; all bytes but the first have the top bit set."""
    size = int(listpack_back_length_size(length))
    groups = [length >> 7 * at & 127 for at in reversed(range(size))]
    return bytes([groups[0], *[group | 128 for group in groups[1:]]])


def listpack_elements(data: bytes) -> list[bytes]:
    """The elements of a listpack; raises ValueError if the bytes are not a listpack."""
    size = len(data)
    if size < LISTPACK_EMPTY_SIZE or int.from_bytes(data[:4], "little") != size or data[-1] != _END:
        raise ValueError("not a listpack")
    elements: list[bytes] = []
    at = _HEADER_SIZE
    while at < size - 1:
        length = _encoded_length(data, at)
        following = at + length + int(listpack_back_length_size(length))
        if following > size - 1 or data[at + length : following] != _back_length(length):
            raise ValueError("an entry is damaged")
        elements.append(_element(data, at, length))
        at = following
    count = int.from_bytes(data[4:6], "little")
    if count not in (len(elements), _HEADER_COUNT_LIMIT):
        raise ValueError("the header gives another number of elements")
    return elements


def _encoded_length(data: bytes, at: int) -> int:
    """The bytes of an entry without the length that follows it."""
    first = data[at]
    if first < 0x80:
        return 1
    if first < 0xC0:
        return 1 + (first & 63)
    if first < 0xE0:
        return 2
    if first < 0xF0:
        return 2 + ((first & 15) << 8 | data[at + 1])
    if first == 0xF0:
        return 5 + int.from_bytes(data[at + 1 : at + 5], "little")
    if first > _LAST_INTEGER_TYPE:
        raise ValueError("an entry of an unknown type")
    return 1 + _INTEGER_WIDTHS[first - 0xF1]


def _element(data: bytes, at: int, length: int) -> bytes:
    first = data[at]
    if first < 0x80:
        return b"%d" % first
    if first < 0xC0:
        return data[at + 1 : at + length]
    if first < 0xE0:
        number = (first & 31) << 8 | data[at + 1]
        return b"%d" % (number if number < 4096 else number - 8192)
    if first < 0xF0:
        return data[at + 2 : at + length]
    if first == 0xF0:
        return data[at + 5 : at + length]
    return b"%d" % int.from_bytes(data[at + 1 : at + length], "little", signed=True)
