"""Commands of the group *bitmap* on single bits and ranges of bits; `bitfields` has the integers.

A bitmap is a string, which is modified in place, so that setting a bit takes the same time in a string of any length.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.errors import SYNTAX_ERROR, CommandError
from pyredmem.base.numbers import parse_integer
from pyredmem.commands.destinations import store_or_delete
from pyredmem.config.profiles import BITCOUNT_START, BITOP_DIFFERENCES
from pyredmem.engine.arguments import integer
from pyredmem.engine.command import (
    ACCESS,
    DENYOOM,
    FAST,
    OVERWRITE,
    READ_ONLY,
    READ_WRITE,
    READONLY,
    UPDATE,
    WRITE,
    Group,
    key_at,
)
from pyredmem.engine.context import Context
from pyredmem.keyspace import events
from pyredmem.keyspace.lookups import NO_STRING
from pyredmem.objects import bits

bitmaps: Final = Group("bitmap")

_OFFSET_ERROR: Final = b"ERR bit offset is not an integer or out of range"
_BIT_ERROR: Final = b"ERR bit is not an integer or out of range"
_SEARCHED_BIT_ERROR: Final = b"ERR The bit argument must be 1 or 0."
_NOT_OF_MANY: Final = b"ERR BITOP NOT must be called with a single source key."
_OF_ONE: Final = b"ERR BITOP %b must be called with at least two source keys."
_UNIT_HISTORY: Final = (("7.0.0", "Added the `BYTE` and `BIT` options."),)
_OPERATIONS: Final = {b"AND": bits.AND, b"OR": bits.OR, b"XOR": bits.XOR}
_NOT: Final = -1
_DIFFERENCES: Final = {b"DIFF": bits.DIFF, b"DIFF1": bits.DIFF1, b"ANDOR": bits.ANDOR, b"ONE": bits.ONE}


def bit_offset(context: Context, argument: bytes) -> i64:
    """An argument as the offset of a bit; an error if no string may be that long."""
    return checked_offset(context, parse_integer(argument))


def checked_offset(context: Context, offset: int | None) -> i64:
    """The offset of a bit, checked against the longest string that is allowed; None is refused too."""
    if offset is None or offset < 0 or offset >> 3 >= context.keyspace.strings.max_length:
        raise CommandError(_OFFSET_ERROR)
    return offset


def grow_bits(context: Context, key: bytes, last: i64) -> bool:
    """Let the string of a key, which is created if needed, have a bit ``last``; whether it is longer than before."""
    db = context.db
    place: i64 = last >> 3
    length = db.write_string(key)
    if length == NO_STRING:
        db.add(key, context.keyspace.strings.create_buffer(bytearray(place + 1)))
    elif place >= length:
        db.set_string_part(place, b"\0")
    return place >= length


@bitmaps.command(
    "setbit",
    arity=4,
    flags=WRITE | DENYOOM,
    keys=(key_at(READ_WRITE, ACCESS, UPDATE),),
    acl="bitmap",
    since="2.2.0",
    complexity="O(1)",
    summary="Sets or clears a bit of the string value of a key and returns the old bit. The string grows as needed.",
    syntax="key offset value:integer",
)
def setbit(context: Context, argv: list[bytes]) -> None:
    """Setting a bit to the value that it has is not a change: nobody is notified."""
    offset = bit_offset(context, argv[2])
    bit: i64 = integer(argv[3], _BIT_ERROR)
    if not 0 <= bit <= 1:
        raise CommandError(_BIT_ERROR)
    db = context.db
    grown = grow_bits(context, argv[1], offset)
    byte = db.string_byte(offset >> 3)
    before = bits.bit_of(byte, offset)
    db.set_string_part(offset >> 3, bytes((bits.with_bit(byte, offset, bit),)))
    if grown or before != bit:
        context.changed(argv[1], events.STRING, b"setbit")
    context.reply.integer(before)


@bitmaps.command(
    "getbit",
    arity=3,
    flags=READONLY | FAST,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="bitmap",
    since="2.2.0",
    complexity="O(1)",
    summary="Returns a bit of the string value of a key.",
    syntax="key offset",
)
def getbit(context: Context, argv: list[bytes]) -> None:
    offset = bit_offset(context, argv[2])
    length = context.db.read_string(argv[1])
    byte: i64 = context.db.string_byte(offset >> 3) if offset >> 3 < length else 0
    context.reply.integer(bits.bit_of(byte, offset))


class _Range:
    """A range of a string, as BITCOUNT and BITPOS take it: in bytes or bits, counted from the end if negative."""

    def __init__(self, start: i64, end: i64, in_bits: bool) -> None:
        self.start: i64 = start
        self.end: i64 = end
        self.in_bits = in_bits

    def fit(self, length: i64) -> tuple[i64, i64]:
        """The first and last bit of the range in a string of ``length`` bytes; it is empty if the first is greater."""
        size: i64 = length * 8 if self.in_bits else length
        start = self.start
        end = self.end
        if start < 0:
            start = max(start + size, 0)
        if end < 0:
            end = max(end + size, 0)
        if end >= size:
            end = size - 1
        if start > end:
            return 1, 0
        return (start, end) if self.in_bits else (start * 8, end * 8 + 7)


def _in_bits(argv: list[bytes], at: i64) -> bool:
    """Whether argument ``at``, which may be missing, gives the unit of a range as BIT and not as BYTE."""
    if len(argv) <= at:
        return False
    unit = argv[at].upper()
    if unit not in (b"BIT", b"BYTE"):
        raise CommandError(SYNTAX_ERROR)
    return unit == b"BIT"


@bitmaps.command(
    "bitcount",
    arity=-2,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="bitmap",
    since="2.6.0",
    complexity="O(N)",
    summary="Counts the set bits in the string value of a key, or in a range of it.",
    syntax="key [start [end [BYTE | BIT]]]",
    history=_UNIT_HISTORY,
)
def bitcount(context: Context, argv: list[bytes]) -> None:
    """A missing key has no bits set; before Redis 7.4 its range is not even checked."""
    counted = _counted_range(context, argv) if context.engine.profile.has_strict_bit_ranges else None
    length = context.db.read_string(argv[1])
    if length == NO_STRING:
        context.reply.integer(0)
        return
    if counted is None:
        counted = _counted_range(context, argv, skips_unit=True)
    first, last = counted.fit(length)
    context.reply.integer(bits.count_bits(context.db.string_data(), first, last))


def _counted_range(context: Context, argv: list[bytes], skips_unit: bool = False) -> _Range:
    """The range of BITCOUNT, empty if both ends are negative and the first is greater, however short the string is.

    Before Redis 7.4 the unit is not checked then.
    """
    may_omit_end = context.engine.profile.has(BITCOUNT_START)
    if len(argv) > 5 or (len(argv) == 3 and not may_omit_end):
        raise CommandError(SYNTAX_ERROR)
    if len(argv) == 2:
        return _Range(0, -1, False)
    if len(argv) == 3:
        return _Range(integer(argv[2]), -1, False)
    start: i64 = integer(argv[2])
    if may_omit_end:
        _in_bits(argv, 4)  # Valkey looks at the unit before the end
    end: i64 = integer(argv[3])
    is_empty = start < 0 and end < start
    in_bits = not (is_empty and skips_unit) and _in_bits(argv, 4)
    return _Range(1, 0, in_bits) if is_empty else _Range(start, end, in_bits)


@bitmaps.command(
    "bitpos",
    arity=-3,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="bitmap",
    since="2.8.7",
    complexity="O(N)",
    summary="Finds the first set or clear bit in the string value of a key, or in a range of it.",
    syntax="key bit [start [end [BYTE | BIT]]]",
    history=_UNIT_HISTORY,
)
def bitpos(context: Context, argv: list[bytes]) -> None:
    """Without an end, zeros are assumed after the string. Before Redis 7.4 a missing key hides a bad range."""
    bit: i64 = integer(argv[2])
    if not 0 <= bit <= 1:
        raise CommandError(_SEARCHED_BIT_ERROR)
    searched = _searched_range(argv) if context.engine.profile.has_strict_bit_ranges else None
    length = context.db.read_string(argv[1])
    if length == NO_STRING:
        context.reply.integer(-1 if bit else 0)
        return
    if searched is None:
        searched = _searched_range(argv)
    first, last = searched.fit(length)
    found = bits.find_bit(context.db.string_data(), bit, first, last)
    if found < 0 and first <= last and bit == 0 and len(argv) < 5:
        found = length * 8
    context.reply.integer(found)


def _searched_range(argv: list[bytes]) -> _Range:
    """The range of BITPOS."""
    if len(argv) > 6:
        raise CommandError(SYNTAX_ERROR)
    start: i64 = integer(argv[3]) if len(argv) > 3 else 0
    in_bits = _in_bits(argv, 5)
    end: i64 = integer(argv[4]) if len(argv) > 4 else -1
    return _Range(start, end, in_bits)


@bitmaps.command(
    "bitop",
    arity=-4,
    flags=WRITE | DENYOOM,
    keys=(key_at(OVERWRITE, UPDATE, index=2), key_at(READ_ONLY, ACCESS, index=3, last=-1)),
    acl="bitmap",
    since="2.6.0",
    complexity="O(N)",
    summary="Performs a bitwise operation on string values and stores the result in a key.",
    syntax="<AND | OR | XOR | NOT | DIFF | DIFF1 | ANDOR | ONE> destkey key [key ...]",
)
def bitop(context: Context, argv: list[bytes]) -> None:
    """Missing keys count as empty strings; an empty result deletes the destination."""
    operation = _operation(context, argv)
    sources: list[bits.Data] = []
    for source in argv[3:]:
        exists = context.db.read_string(source) != NO_STRING
        sources.append(context.db.string_data() if exists else b"")
    result = bits.invert(sources[0]) if operation == _NOT else bits.combine(operation, sources)
    stored = context.keyspace.strings.create_buffer(result) if result else None
    store_or_delete(context, argv[2], stored, events.STRING, b"set")
    context.reply.integer(len(result))


def _operation(context: Context, argv: list[bytes]) -> i64:
    """The operation of BITOP; an error if there are too many or too few source keys for it."""
    name = argv[1].upper()
    if name == b"NOT":
        if len(argv) != 4:
            raise CommandError(_NOT_OF_MANY)
        return _NOT
    if name in _DIFFERENCES and context.engine.profile.has(BITOP_DIFFERENCES):
        if len(argv) == 4 and name != b"ONE":
            raise CommandError(_OF_ONE % name)
        return _DIFFERENCES[name]
    if name not in _OPERATIONS:
        raise CommandError(SYNTAX_ERROR)
    return _OPERATIONS[name]
