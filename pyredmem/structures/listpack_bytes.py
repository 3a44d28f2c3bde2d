"""The very bytes of a listpack (Redis 7.2 listpack.c), for what depends on them: how well a list node compresses.

::

    total bytes (4)  elements (2)  entry ... entry  FF

Numbers are little-endian. An entry is an encoding with the data, and behind it their length in groups of seven bits, so
that it can be read backwards.
"""

from __future__ import annotations

from typing import Final

from pyredmem.base.numbers import parse_integer
from pyredmem.memory.layout import LISTPACK_EMPTY_SIZE, listpack_back_length_size

_HEADER_COUNT_LIMIT: Final = 65535
_LONGEST_INTEGER: Final = 20  # characters


def listpack_bytes(elements: list[bytes]) -> bytes:
    """A listpack of these elements."""
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
    """The length, the highest seven bits first; all but the first byte have their top bit set."""
    size = int(listpack_back_length_size(length))
    groups = [length >> 7 * at & 127 for at in reversed(range(size))]
    return bytes([groups[0], *[group | 128 for group in groups[1:]]])
