"""Commands of the group *string* that treat the value as a number: INCR, DECR and their variants."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.errors import INCREMENT_NAN, INCREMENT_OVERFLOW, NOT_A_FLOAT, CommandError
from pyredmem.base.numbers import INT64_MAX, INT64_MIN, LongDouble, parse_long_double
from pyredmem.commands.strings import string_value
from pyredmem.engine.arguments import integer
from pyredmem.engine.command import ACCESS, DENYOOM, FAST, READ_WRITE, UPDATE, WRITE, Group, key_at
from pyredmem.engine.context import Context
from pyredmem.keyspace import events

counters: Final = Group("string")

_DECREMENT_OVERFLOW: Final = b"ERR decrement would overflow"


@counters.command(
    "incr",
    arity=2,
    flags=WRITE | DENYOOM | FAST,
    keys=(key_at(READ_WRITE, ACCESS, UPDATE),),
    acl="string",
    since="1.0.0",
    complexity="O(1)",
    summary="Increments the integer value of a key by one; a missing key counts as 0.",
    syntax="key",
)
def incr(context: Context, argv: list[bytes]) -> None:
    _add(context, argv[1], 1)


@counters.command(
    "decr",
    arity=2,
    flags=WRITE | DENYOOM | FAST,
    keys=(key_at(READ_WRITE, ACCESS, UPDATE),),
    acl="string",
    since="1.0.0",
    complexity="O(1)",
    summary="Decrements the integer value of a key by one; a missing key counts as 0.",
    syntax="key",
)
def decr(context: Context, argv: list[bytes]) -> None:
    _add(context, argv[1], -1)


@counters.command(
    "incrby",
    arity=3,
    flags=WRITE | DENYOOM | FAST,
    keys=(key_at(READ_WRITE, ACCESS, UPDATE),),
    acl="string",
    since="1.0.0",
    complexity="O(1)",
    summary="Adds a number to the integer value of a key; a missing key counts as 0.",
    syntax="key increment",
)
def incrby(context: Context, argv: list[bytes]) -> None:
    _add(context, argv[1], integer(argv[2]))


@counters.command(
    "decrby",
    arity=3,
    flags=WRITE | DENYOOM | FAST,
    keys=(key_at(READ_WRITE, ACCESS, UPDATE),),
    acl="string",
    since="1.0.0",
    complexity="O(1)",
    summary="Subtracts a number from the integer value of a key; a missing key counts as 0.",
    syntax="key decrement",
)
def decrby(context: Context, argv: list[bytes]) -> None:
    decrement = integer(argv[2])
    if decrement == INT64_MIN:
        raise CommandError(_DECREMENT_OVERFLOW)
    _add(context, argv[1], -decrement)


def _add(context: Context, key: bytes, increment: i64) -> None:
    """Add to the integer of a key."""
    db = context.db
    strings = context.keyspace.strings
    total: i64 = increment
    has_integer, number = db.write_integer(key)
    if has_integer:
        total = _sum(number, increment)
        db.replace_integer(total)
    else:
        old = db.written()
        if old is None:
            db.add(key, strings.create_integer(total))
        else:
            total = _sum(integer(string_value(old).data()), increment)
            db.replace_value(key, strings.create_integer(total))
    context.changed(key, events.STRING, b"incrby")
    context.reply.integer(total)


def _sum(number: i64, increment: i64) -> i64:
    """The sum, or an error if it does not fit 64 bits."""
    if (number > INT64_MAX - increment) if increment > 0 else (number < INT64_MIN - increment):
        raise CommandError(INCREMENT_OVERFLOW)
    return number + increment


@counters.command(
    "incrbyfloat",
    arity=3,
    flags=WRITE | DENYOOM | FAST,
    keys=(key_at(READ_WRITE, ACCESS, UPDATE),),
    acl="string",
    since="2.6.0",
    complexity="O(1)",
    summary="Adds a floating-point number to the value of a key; a missing key counts as 0.",
    syntax="key increment:double",
)
def incrbyfloat(context: Context, argv: list[bytes]) -> None:
    """The sum is computed with 80 bits, as in Redis, and stored as text."""
    db = context.db
    value = db.write(argv[1])
    number = _long_double(b"0" if value is None else string_value(value).data())
    total = number.plus(_long_double(argv[2]))
    if not total.finite:
        raise CommandError(INCREMENT_NAN)
    text = total.text()
    new = context.keyspace.strings.create_text(text)
    if value is None:
        db.add(argv[1], new)
    else:
        db.replace_value(argv[1], new)
    context.changed(argv[1], events.STRING, b"incrbyfloat")
    if context.is_recording:
        context.record_instead([b"SET", argv[1], text, b"KEEPTTL"])
    context.reply.bulk(text)


def _long_double(text: bytes) -> LongDouble:
    number = parse_long_double(text)
    if number is None:
        raise CommandError(NOT_A_FLOAT)
    return number
