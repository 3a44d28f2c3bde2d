"""LZF, the compression of list nodes: the bytes that Redis 7.2's copy of liblzf makes, so that their number is right.

A compressed string is a sequence of two kinds of pieces, which differ in their first byte::

    000nnnnn  n+1 bytes            literals: 1 to 32 bytes, unchanged
    lllddddd  dddddddd             reference: l+2 bytes (l = 1..6) that begin d+1 bytes further back
    111ddddd  llllllll  dddddddd   reference: l+9 bytes

The compressor finds references with a table that maps a hash of three bytes to the last place where they were seen.
The size of the result depends on which places are in the table: there are 65536 hashes, and places with the same hash
overwrite each other; of the places inside a reference only the last two are entered; and liblzf has three limits at the
end of the data (see :func:`_match`). A reference never begins at the very first byte.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter
from librt.vecs import extend, vec
from mypy_extensions import i32, i64, u8

_HASHES: Final = 65536
_HASH_MASK: Final = _HASHES - 1
_LONGEST_RUN: Final = 32
_FARTHEST: Final = 8192
_LONGEST_MATCH: Final = 264
#: Places are stored in 31 bits.
_OFFSET_LIMIT: Final = (1 << 31) - 1
#: A reference to more bytes than this has a third byte.
_SHORT_MATCH: Final = 8


def _empty_table() -> vec[i32]:
    table = vec[i32]([0] * 1024)
    while len(table) < _HASHES:
        table = extend(table, table)
    return table


class Compressor:
    """Compresses one string after another; the table of places is made only once.

    Places are stored with an offset that grows by the length of each string. So the places of earlier strings lie
    before the beginning of the current one, and are ignored.
    """

    def __init__(self) -> None:
        self._table: vec[i32] = vec[i32]()
        self._offset: i64 = 0

    def compress(self, data: bytes, limit: i64) -> bytes:
        """The compressed data, of at most about ``limit`` bytes; empty if more would be needed."""
        end: i64 = len(data)
        if end == 0 or limit <= 0:
            return b""
        if len(self._table) == 0 or self._offset + end > _OFFSET_LIMIT:
            self._table = _empty_table()
            self._offset = 0
        offset = self._offset
        self._offset += end
        return _compressed(data, limit, self._table, offset)


def compress(data: bytes, limit: i64) -> bytes:
    """One string compressed to at most about ``limit`` bytes; empty if more would be needed."""
    return Compressor().compress(data, limit)


def _compressed(data: bytes, limit: i64, table: vec[i32], offset: i64) -> bytes:
    end: i64 = len(data)
    output = BytesWriter()
    at: i64 = 0
    run: i64 = 0  # the beginning of the literals that are not written yet
    hashed_end: i64 = end - 2
    while at < hashed_end:
        first: i64 = data[at]
        second: i64 = data[at + 1]
        third: i64 = data[at + 2]
        place = _hash(first, second, third)
        seen: i64 = i64(table[place]) - offset
        table[place] = i32(at + offset)
        distance = at - seen - 1
        if (
            seen > 0
            and distance < _FARTHEST
            and data[seen] == first
            and data[seen + 1] == second
            and data[seen + 2] == third
        ):
            written: i64 = len(output)
            literals = at - run
            if written + (literals + 1 if literals > 0 else 0) + 4 >= limit:
                return b""
            _write_run(output, data, run, at)
            length = _match(data, seen, at, end)
            _write_reference(output, length, distance)
            at += length
            run = at
            if at < hashed_end:
                table[_hash(data[at - 2], data[at - 1], data[at])] = i32(at - 2 + offset)
                table[_hash(data[at - 1], data[at], data[at + 1])] = i32(at - 1 + offset)
        else:
            written = len(output)
            if written + 1 + at - run >= limit:
                return b""
            at += 1
            if at - run == _LONGEST_RUN:
                _write_run(output, data, run, at)
                run = at
    written = len(output)
    if written + 1 + at - run + 3 > limit:
        return b""
    if end - run > _LONGEST_RUN:
        _write_run(output, data, run, run + _LONGEST_RUN)
        run += _LONGEST_RUN
    _write_run(output, data, run, end)
    return output.getvalue()


def _hash(first: i64, second: i64, third: i64) -> i64:
    return ((first << 8 | second) - (second << 8 | third) * 5) & _HASH_MASK


def _match(data: bytes, seen: i64, at: i64, end: i64) -> i64:
    """How many bytes at ``at`` equal those at ``seen``, the first three of which do; at most 264.

    The last two bytes of the data belong to a match only if they are among the first 19 bytes of it, because liblzf
    compares 16 bytes without checking for the end as long as there is room for them.
    """
    most: i64 = end - at - 2
    if most > _LONGEST_MATCH:
        most = _LONGEST_MATCH
    length: i64 = 3
    if most > 16:
        while length < 19:
            if data[seen + length] != data[at + length]:
                return length
            length += 1
    while length < most and data[seen + length] == data[at + length]:
        length += 1
    return length


def _write_run(output: BytesWriter, data: bytes, start: i64, end: i64) -> None:
    if end > start:
        output.append(u8(end - start - 1))
        output.write(data[start:end])


def _write_reference(output: BytesWriter, length: i64, distance: i64) -> None:
    high = distance >> 8
    if length <= _SHORT_MATCH:
        output.append(u8((length - 2) << 5 | high))
    else:
        output.append(u8(224 | high))
        output.append(u8(length - 9))
    output.append(u8(distance & 255))


def decompress(data: bytes) -> bytes:
    """The data that was compressed; raises ValueError if the bytes are not compressed data."""
    output = BytesWriter()
    at: i64 = 0
    end: i64 = len(data)
    while at < end:
        control: i64 = data[at]
        at += 1
        if control < _LONGEST_RUN:
            if at + control >= end:
                raise ValueError("literals are missing")
            output.write(data[at : at + control + 1])
            at += control + 1
            continue
        length: i64 = control >> 5
        if length == 7 and at < end:
            longer: i64 = data[at]
            length += longer
            at += 1
        if at >= end:
            raise ValueError("a reference is cut off")
        low: i64 = data[at]
        at += 1
        written: i64 = len(output)
        place: i64 = written - ((control & 31) << 8 | low) - 1
        if place < 0:
            raise ValueError("a reference points before the beginning")
        last: i64 = place + length + 2
        while place < last:
            output.append(output[place])
            place += 1
    return output.getvalue()
