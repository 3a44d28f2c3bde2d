"""The blocks of small values before Redis 7: ziplists and zipmaps. They are only read, from old payloads.

A ziplist (all numbers are little-endian, except the lengths of strings)::

    total bytes (4)  place of the last entry (4)  entries (2)  entry ... entry  FF

An entry is the length of the entry before it, an encoding, and the data. A zipmap, which is even older::

    entries (1)  [length] field [length] free (1) value, free bytes ...  FF
"""

from __future__ import annotations

from typing import Final

_HEADER_SIZE: Final = 10
_SHORTEST: Final = 11
_END: Final = 0xFF
_COUNT_LIMIT: Final = 65535
#: The byte before a length that takes four bytes.
_LONG: Final = 254
#: By encoding, the bytes of an integer.
_INTEGER_WIDTHS: Final = {0xC0: 2, 0xD0: 4, 0xE0: 8, 0xF0: 3, 0xFE: 1}
#: The encodings from here up to 0xFD mean the numbers 0 to 12.
_NUMBER_ZERO: Final = 0xF1


def ziplist_elements(data: bytes) -> list[bytes]:
    """The elements of a ziplist; raises ValueError if the bytes are not a ziplist."""
    size = len(data)
    if size < _SHORTEST or int.from_bytes(data[:4], "little") != size or data[-1] != _END:
        raise ValueError("not a ziplist")
    elements: list[bytes] = []
    at = _HEADER_SIZE
    end = size - 1
    while at < end:
        at += 5 if data[at] == _LONG else 1
        start, length = _content(data, at)
        if start + length > end:
            raise ValueError("an entry is cut off")
        elements.append(_element(data, at, start, length))
        at = start + length
    count = int.from_bytes(data[8:10], "little")
    if count not in (len(elements), _COUNT_LIMIT):
        raise ValueError("the header gives another number of elements")
    return elements


def _content(data: bytes, at: int) -> tuple[int, int]:
    """The beginning and the length of an entry's data; ``at`` is the place of the entry's encoding."""
    first = data[at]
    if first < 0x40:
        return at + 1, first
    if first < 0x80:
        return at + 2, (first & 63) << 8 | data[at + 1]
    if first == 0x80:
        return at + 5, int.from_bytes(data[at + 1 : at + 5], "big")
    if _NUMBER_ZERO <= first < 0xFE:
        return at + 1, 0
    width = _INTEGER_WIDTHS.get(first)
    if width is None:
        raise ValueError("an entry of an unknown type")
    return at + 1, width


def _element(data: bytes, at: int, start: int, length: int) -> bytes:
    first = data[at]
    if first <= 0x80:
        return data[start : start + length]
    if length == 0:
        return b"%d" % (first - _NUMBER_ZERO)
    return b"%d" % int.from_bytes(data[start : start + length], "little", signed=True)


def zipmap_elements(data: bytes) -> list[bytes]:
    """The fields and values of a zipmap, alternating; raises ValueError if the bytes are not a zipmap."""
    if len(data) < 2 or data[-1] != _END:
        raise ValueError("not a zipmap")
    elements: list[bytes] = []
    at = 1
    end = len(data) - 1
    while at < end:
        is_value = len(elements) & 1
        length = data[at]
        at += 1
        if length == _LONG:
            length = int.from_bytes(data[at : at + 4], "little")
            at += 4
        elif length == _END:
            raise ValueError("an entry without a length")
        free = data[at] if is_value and at < end else 0
        at += is_value
        if at + length + free > end:
            raise ValueError("an entry is cut off")
        elements.append(data[at : at + length])
        at += length + free
    return elements
