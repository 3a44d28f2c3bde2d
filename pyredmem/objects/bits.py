"""Bit arithmetic on strings, for the bitmap commands: count, search, combine, read and write fields.

Bits are numbered as in Redis: bit 0 is the highest bit of the first byte. All functions are pure. Large strings are
processed in chunks, with operations on bytes and on big integers, which run in C. A string that is only read is never
copied as a whole.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

Data = bytes | bytearray

AND: Final = 0
OR: Final = 1
XOR: Final = 2
DIFF: Final = 3  # bits of the first string that are in no other
DIFF1: Final = 4  # bits of any other string that are not in the first
ANDOR: Final = 5  # bits of the first string that are in any other
ONE: Final = 6  # bits that exactly one string has

#: Chunk of a count (bytes): larger ones exceed the processor's first cache, smaller ones cost more calls.
_COUNT_CHUNK: Final = 16384
#: Chunk of a search (bytes), which compares memory with memory.
_SEARCH_CHUNK: Final = 65536
_ALL_ONES: Final = 255
_INVERTED: Final = bytes(range(255, -1, -1))


def bit_of(byte: i64, offset: i64) -> i64:
    """The bit at an offset, taken from its byte."""
    return byte >> (7 - (offset & 7)) & 1


def with_bit(byte: i64, offset: i64, bit: i64) -> i64:
    """The byte of the bit at an offset, with this bit set or cleared."""
    mask: i64 = 128 >> (offset & 7)
    return byte | mask if bit else byte & ~mask


def count_bits(data: Data, first: i64, last: i64) -> i64:
    """The number of bits that are set from ``first`` to ``last``, both inside the string."""
    if first > last:
        return 0
    first_byte = first >> 3
    last_byte = last >> 3
    head: i64 = data[first_byte]
    head &= _ALL_ONES >> (first & 7)
    tail_mask: i64 = _ALL_ONES << (7 - (last & 7)) & _ALL_ONES
    if first_byte == last_byte:
        return int(head & tail_mask).bit_count()
    tail: i64 = data[last_byte]
    total: i64 = int(head).bit_count() + int(tail & tail_mask).bit_count()
    at = first_byte + 1
    while at < last_byte:
        end = at + _COUNT_CHUNK
        if end > last_byte:
            end = last_byte
        total += int.from_bytes(data[at:end], "little").bit_count()
        at = end
    return total


def find_bit(data: Data, bit: i64, first: i64, last: i64) -> i64:
    """The offset of the first bit equal to ``bit`` from ``first`` to ``last``, which are inside the string, or -1."""
    if first > last:
        return -1
    flip: i64 = 0 if bit else _ALL_ONES
    place = first >> 3
    byte: i64 = data[place]
    byte = (byte ^ flip) & (_ALL_ONES >> (first & 7))
    if byte == 0:
        place = _skip(data, b"\xff" if flip else b"\x00", place + 1, (last >> 3) + 1)
        if place < 0:
            return -1
        byte = data[place]
        byte ^= flip
    found = place * 8 + 8 - int(byte).bit_length()
    return found if found <= last else -1


def _skip(data: Data, filler: bytes, start: i64, end: i64) -> i64:
    """The first place of a byte other than ``filler`` from ``start`` to before ``end``; -1 if there is none."""
    full = filler * _SEARCH_CHUNK
    while start < end:
        stop = start + _SEARCH_CHUNK
        if stop > end:
            stop = end
        chunk = data[start:stop]
        if stop - start < _SEARCH_CHUNK or chunk != full:
            filled = len(chunk) - len(chunk.lstrip(filler))
            if filled < len(chunk):
                return start + filled
        start = stop
    return -1


def combine(operation: i64, sources: list[Data]) -> bytearray:
    """An operation on strings. The result is as long as the longest; shorter ones count as padded with zeros."""
    size = max([len(source) for source in sources])
    first = int.from_bytes(sources[0], "little")
    if operation == ONE:
        result = _in_one(sources)
    elif operation in (DIFF, DIFF1, ANDOR):
        others = int.from_bytes(combine(OR, sources[1:]), "little")
        result = first & ~others if operation == DIFF else others & ~first if operation == DIFF1 else first & others
    else:
        result = first
        for source in sources[1:]:
            number = int.from_bytes(source, "little")
            if operation == AND:
                result &= number
            elif operation == OR:
                result |= number
            else:
                result ^= number
    return bytearray(result.to_bytes(size, "little"))


def _in_one(sources: list[Data]) -> int:
    """The bits that exactly one string has, as a number."""
    once = 0
    often = 0
    for source in sources:
        number = int.from_bytes(source, "little")
        often |= once & number
        once = (once | number) & ~often
    return once


def invert(data: Data) -> bytearray:
    """NOT: every bit inverted."""
    return bytearray(data.translate(_INVERTED))


# Fields are computed with ints of any size, because a native operand would limit the result of a shift to 64 bits.


def field_at(data: Data, offset: int, width: int) -> int:
    """The unsigned number in the ``width`` bits (at most 64) at an offset. Bits after the end are zero."""
    first = offset >> 3
    last = (offset + width - 1) >> 3
    window = data[first : last + 1]
    number = int.from_bytes(window, "big") << 8 * (last - first + 1 - len(window))
    return number >> (7 - ((offset + width - 1) & 7)) & ((1 << width) - 1)


def set_field(buffer: bytearray, offset: int, width: int, number: int) -> None:
    """Write the low ``width`` bits of a number at an offset inside the buffer."""
    first = offset >> 3
    end = ((offset + width - 1) >> 3) + 1
    shift = 7 - ((offset + width - 1) & 7)
    mask = ((1 << width) - 1) << shift
    window = int.from_bytes(buffer[first:end], "big")
    window = window & ~mask | (number << shift) & mask
    buffer[first:end] = window.to_bytes(end - first, "big")


def as_signed(number: int, width: int) -> int:
    """The two's complement reading of an unsigned number of ``width`` bits."""
    return number - (1 << width) if number >> (width - 1) & 1 else number
