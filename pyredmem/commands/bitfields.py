"""BITFIELD and BITFIELD_RO: integers of 1 to 64 bits, packed into the string value of a key."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.errors import SYNTAX_ERROR, CommandError
from pyredmem.base.numbers import parse_integer
from pyredmem.commands.bitmaps import bit_offset, checked_offset, grow_bits
from pyredmem.commands.c_strings import c_string
from pyredmem.engine.arguments import Arguments
from pyredmem.engine.command import (
    ACCESS,
    DENYOOM,
    FAST,
    READ_ONLY,
    READ_WRITE,
    READONLY,
    UPDATE,
    VARIABLE_FLAGS,
    WRITE,
    FoundKey,
    Group,
    key_at,
)
from pyredmem.engine.context import Context
from pyredmem.keyspace import events
from pyredmem.keyspace.lookups import NO_STRING
from pyredmem.objects import bits

bitfields: Final = Group("bitmap")

# Subcommands.
_GET: Final = 0
_SET: Final = 1
_INCRBY: Final = 2
_SUBCOMMANDS: Final = {b"GET": _GET, b"SET": _SET, b"INCRBY": _INCRBY}

# What OVERFLOW does with a number that does not fit.
_WRAP: Final = 0
_SATURATE: Final = 1
_FAIL: Final = 2
_OVERFLOWS: Final = {b"WRAP": _WRAP, b"SAT": _SATURATE, b"FAIL": _FAIL}

_TYPE_ERROR: Final = b"ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."
_OVERFLOW_ERROR: Final = b"ERR Invalid OVERFLOW type specified"
_GET_ONLY: Final = b"ERR BITFIELD_RO only supports the GET subcommand"
_LETTER_I: Final = 105
_LETTER_U: Final = 117
_HASH: Final = 35
_WORD: Final = 1 << 64
#: Bytes that a field of 64 bits may touch.
_FIELD_BYTES: Final = 9


class _Kind:
    """An integer type, such as ``u8`` or ``i16``."""

    def __init__(self, argument: bytes) -> None:
        letter = argument[0] if argument else 0
        width = parse_integer(c_string(argument[1:]))
        self.signed = letter == _LETTER_I
        if letter not in (_LETTER_I, _LETTER_U) or width is None or not 1 <= width <= (64 if self.signed else 63):
            raise CommandError(_TYPE_ERROR)
        self.width: int = width
        self.low: int = -(1 << (width - 1)) if self.signed else 0
        self.high: int = (1 << (width - 1)) - 1 if self.signed else (1 << width) - 1

    def read(self, data: bits.Data, offset: int) -> int:
        """The number at bit ``offset``."""
        number = bits.field_at(data, offset, self.width)
        return bits.as_signed(number, self.width) if self.signed else number

    def fitted(self, number: int, overflow: int) -> int | None:
        """The number as the type stores it; None if it does not fit and OVERFLOW is FAIL."""
        if self.low <= number <= self.high:
            return number
        if overflow == _FAIL:
            return None
        if overflow == _SATURATE:
            return self.high if number > self.high else self.low
        wrapped = number & ((1 << self.width) - 1)
        return bits.as_signed(wrapped, self.width) if self.signed else wrapped


class _Step:
    """One subcommand, with the OVERFLOW rule that applies to it."""

    def __init__(self, action: int, kind: _Kind, offset: i64, operand: int, overflow: int) -> None:
        self.action = action
        self.kind = kind
        self.offset: i64 = offset
        self.operand: int = operand
        self.overflow = overflow

    def last_bit(self) -> i64:
        """The last bit that the subcommand reads or writes."""
        width: i64 = self.kind.width
        return self.offset + width - 1

    def result(self, before: int) -> int | None:
        """The number that SET or INCRBY stores where ``before`` was; None if OVERFLOW makes it fail."""
        if self.action == _INCRBY:
            return self.kind.fitted(before + self.operand, self.overflow)
        number = self.operand
        if number < 0 and not self.kind.signed:
            number += _WORD  # Redis casts it to unsigned, so it is too large, not too small
        return self.kind.fitted(number, self.overflow)


def _steps(context: Context, argv: list[bytes], read_only: bool) -> list[_Step]:
    """Read and check all subcommands before any of them runs."""
    found: list[_Step] = []
    writes = False
    overflow = _WRAP
    arguments = Arguments(argv, 2)
    while arguments.left() > 0:
        word = arguments.word()
        if word == b"OVERFLOW" and arguments.left() > 0:
            rule = _OVERFLOWS.get(arguments.word())
            if rule is None:
                raise CommandError(_OVERFLOW_ERROR)
            overflow = rule
            continue
        action = _SUBCOMMANDS.get(word)
        if action is None or arguments.left() < (2 if action == _GET else 3):
            raise CommandError(SYNTAX_ERROR)
        kind = _Kind(arguments.next())
        offset = _field_offset(context, arguments.next(), kind.width)
        operand = 0
        if action != _GET:
            writes = True
            operand = arguments.integer()
        found.append(_Step(action, kind, offset, operand, overflow))
    if writes and read_only:
        raise CommandError(_GET_ONLY)
    return found


def _field_offset(context: Context, argument: bytes, width: int) -> i64:
    """The bit at which a field begins; ``#n`` means the n-th field of this width."""
    if not argument or argument[0] != _HASH:
        return bit_offset(context, argument)
    index = parse_integer(argument[1:])
    if index is None:
        return checked_offset(context, None)
    # Redis multiplies in 64 bits, wraps around, and checks the result.
    return checked_offset(context, bits.as_signed(index * width & (_WORD - 1), 64))


def _keys_of_bitfield(argv: list[bytes]) -> list[FoundKey]:
    """The key of BITFIELD, which is read-only if all subcommands are GET."""
    at = 2
    while at < len(argv):
        left = len(argv) - at - 1
        word = argv[at].lower()
        if word == b"get" and left >= 2:
            at += 3
        elif word == b"overflow" and left >= 1:
            at += 2
        else:
            return [FoundKey(1, (READ_WRITE, ACCESS, UPDATE))]
    return [FoundKey(1, (READ_ONLY, ACCESS))]


@bitfields.command(
    "bitfield",
    arity=-2,
    flags=WRITE | DENYOOM,
    keys=(
        key_at(
            READ_WRITE,
            ACCESS,
            UPDATE,
            VARIABLE_FLAGS,
            notes="This command allows both access and modification of the key",
        ),
    ),
    acl="bitmap",
    since="3.2.0",
    complexity="O(1) for each subcommand.",
    summary="Reads, sets or increments integers of any width in the string value of a key.",
    syntax="key [GET encoding offset | [OVERFLOW <WRAP | SAT | FAIL>] <SET encoding offset value:integer | "
    "INCRBY encoding offset increment> [GET encoding offset | [OVERFLOW <WRAP | SAT | FAIL>] "
    "<SET encoding offset value:integer | INCRBY encoding offset increment> ...]]",
    find_keys=_keys_of_bitfield,
)
def bitfield(context: Context, argv: list[bytes]) -> None:
    steps = _steps(context, argv, False)
    if any(step.action != _GET for step in steps):
        _run(context, argv[1], steps)
    else:
        _read(context, argv[1], steps)


@bitfields.command(
    "bitfield_ro",
    arity=-2,
    flags=READONLY | FAST,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="bitmap",
    since="6.0.0",
    complexity="O(1) for each subcommand.",
    summary="Reads integers of any width in the string value of a key.",
    syntax="key [GET encoding offset [GET encoding offset ...]]",
)
def bitfield_ro(context: Context, argv: list[bytes]) -> None:
    _read(context, argv[1], _steps(context, argv, True))


def _read(context: Context, key: bytes, steps: list[_Step]) -> None:
    """Run subcommands that only read: a missing key counts as all zeros and is not created."""
    exists = context.db.read_string(key) != NO_STRING
    data = context.db.string_data() if exists else b""
    context.reply.array(len(steps))
    for step in steps:
        context.reply.integer(step.kind.read(data, int(step.offset)))


def _run(context: Context, key: bytes, steps: list[_Step]) -> None:
    """Run subcommands of which at least one writes: the string first grows to hold every field that is written."""
    db = context.db
    grown = grow_bits(context, key, max([step.last_bit() for step in steps if step.action != _GET]))
    if not grown:
        db.set_string_part(0, b"")  # it becomes raw, even if nothing is written
    reply = context.reply
    reply.array(len(steps))
    changes: i64 = 0
    for step in steps:
        data = bytearray(db.string_part(step.offset >> 3, _FIELD_BYTES))
        offset: i64 = step.offset & 7
        before = step.kind.read(data, int(offset))
        if step.action == _GET:
            reply.integer(before)
            continue
        after = step.result(before)
        if after is None:
            reply.null()
            continue
        bits.set_field(data, int(offset), step.kind.width, after)
        db.set_string_part(step.offset >> 3, bytes(data))
        reply.integer(before if step.action == _SET else after)
        if grown or after != before:
            changes += 1
    if changes > 0:
        context.changed(key, events.STRING, b"setbit", changes)
