"""Commands of the group *generic* that set, return and remove the expire times of keys.

An expire time is stored in unix milliseconds; a time that is not in the future deletes the key at once.
"""

from __future__ import annotations

from typing import Final

from pyredmem.base import errors
from pyredmem.base.errors import CommandError
from pyredmem.base.numbers import INT64_MAX, INT64_MIN
from pyredmem.engine.arguments import integer
from pyredmem.engine.command import ACCESS, FAST, READ_ONLY, READ_WRITE, READONLY, UPDATE, WRITE, Group, key_at
from pyredmem.engine.context import Context
from pyredmem.keyspace import events
from pyredmem.keyspace.database_tables import NO_EXPIRE

expiry: Final = Group("generic")

_NX: Final = 1
_XX: Final = 2
_GT: Final = 4
_LT: Final = 8
CONDITIONS: Final = {b"NX": _NX, b"XX": _XX, b"GT": _GT, b"LT": _LT}

_OPTIONS_SINCE: Final = (("7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`."),)
_MINUS_TWO_SINCE: Final = (("2.8.0", "Added the -2 reply."),)
_NO_KEY: Final = -2
_NO_TIME: Final = -1


# Setting.


@expiry.command(
    "expire",
    arity=-3,
    flags=WRITE | FAST,
    keys=(key_at(READ_WRITE, UPDATE),),
    acl="keyspace",
    since="1.0.0",
    complexity="O(1)",
    summary="Sets the time to live of a key, in seconds.",
    syntax="key seconds [NX | XX | GT | LT]",
    history=_OPTIONS_SINCE,
)
def expire(context: Context, argv: list[bytes]) -> None:
    _expire(context, argv, b"expire", unit_ms=1000, relative=True)


@expiry.command(
    "pexpire",
    arity=-3,
    flags=WRITE | FAST,
    keys=(key_at(READ_WRITE, UPDATE),),
    acl="keyspace",
    since="2.6.0",
    complexity="O(1)",
    summary="Sets the time to live of a key, in milliseconds.",
    syntax="key milliseconds [NX | XX | GT | LT]",
    history=_OPTIONS_SINCE,
)
def pexpire(context: Context, argv: list[bytes]) -> None:
    _expire(context, argv, b"pexpire", unit_ms=1, relative=True)


@expiry.command(
    "expireat",
    arity=-3,
    flags=WRITE | FAST,
    keys=(key_at(READ_WRITE, UPDATE),),
    acl="keyspace",
    since="1.2.0",
    complexity="O(1)",
    summary="Sets the time at which a key expires, in unix seconds.",
    syntax="key unix-time-seconds [NX | XX | GT | LT]",
    history=_OPTIONS_SINCE,
)
def expireat(context: Context, argv: list[bytes]) -> None:
    _expire(context, argv, b"expireat", unit_ms=1000, relative=False)


@expiry.command(
    "pexpireat",
    arity=-3,
    flags=WRITE | FAST,
    keys=(key_at(READ_WRITE, UPDATE),),
    acl="keyspace",
    since="2.6.0",
    complexity="O(1)",
    summary="Sets the time at which a key expires, in unix milliseconds.",
    syntax="key unix-time-milliseconds [NX | XX | GT | LT]",
    history=_OPTIONS_SINCE,
)
def pexpireat(context: Context, argv: list[bytes]) -> None:
    _expire(context, argv, b"pexpireat", unit_ms=1, relative=False)


def _expire(context: Context, argv: list[bytes], command: bytes, unit_ms: int, relative: bool) -> None:
    """Run one of the four; the time counts in units of ``unit_ms``, from now if ``relative``."""
    key = argv[1]
    conditions = conditions_of(argv[3:])
    when_ms = _moment(integer(argv[2]), command, unit_ms, context.keyspace.now_ms() if relative else 0)
    db = context.db
    if db.write(key) is None or not condition_holds(conditions, when_ms, db.expire_time(key)):
        context.reply.integer(0)
        return
    if context.keyspace.is_past(when_ms):
        db.delete(key, context.keyspace.lazy_expire)
        context.changed(key, events.GENERIC, b"del")
        context.record_deletion(key, context.keyspace.lazy_expire)
    else:
        db.expire_at(key, when_ms)
        context.changed(key, events.GENERIC, b"expire")
        if context.is_recording and (relative or unit_ms != 1):  # PEXPIREAT itself can be replayed as it is
            context.record_instead([b"PEXPIREAT", key, b"%d" % when_ms, *argv[3:]])
    context.reply.integer(1)


def conditions_of(words: list[bytes]) -> int:
    """The options as flags; an error if they exclude each other."""
    conditions = 0
    for word in words:
        condition = CONDITIONS.get(word.upper())
        if condition is None:
            raise errors.unsupported_option(word)
        conditions |= condition
    if conditions & _NX and conditions & ~_NX:
        raise CommandError(errors.NX_WITH_OTHERS)
    if conditions & _GT and conditions & _LT:
        raise CommandError(errors.GT_WITH_LT)
    return conditions


def _moment(number: int, command: bytes, unit_ms: int, from_ms: int) -> int:
    """``number`` units after ``from_ms``, in unix milliseconds; an error if a step does not fit 64 bits."""
    number *= unit_ms
    if not INT64_MIN <= number <= INT64_MAX or number > INT64_MAX - from_ms:
        raise errors.invalid_expire(command)
    return number + from_ms


def condition_holds(conditions: int, when_ms: int, current_ms: int) -> bool:
    """Whether a new expire time may replace the current one, which is negative if there is none.

    GT and LT take a key or field without an expire time as one that never expires.
    """
    expires = current_ms >= 0
    if conditions & _NX and expires:
        return False
    if conditions & _XX and not expires:
        return False
    if conditions & _GT and (not expires or when_ms <= current_ms):
        return False
    return not (conditions & _LT and expires and when_ms >= current_ms)


@expiry.command(
    "persist",
    arity=2,
    flags=WRITE | FAST,
    keys=(key_at(READ_WRITE, UPDATE),),
    acl="keyspace",
    since="2.2.0",
    complexity="O(1)",
    summary="Removes the expire time of a key.",
    syntax="key",
)
def persist(context: Context, argv: list[bytes]) -> None:
    key = argv[1]
    if context.db.write(key) is None or not context.db.persist(key):
        context.reply.integer(0)
        return
    context.changed(key, events.GENERIC, b"persist")
    context.reply.integer(1)


# Returning.


@expiry.command(
    "ttl",
    arity=2,
    flags=READONLY | FAST,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="keyspace",
    since="1.0.0",
    complexity="O(1)",
    summary="Returns the time to live of a key, in seconds.",
    syntax="key",
    history=_MINUS_TWO_SINCE,
    tips=("nondeterministic_output",),
)
def ttl(context: Context, argv: list[bytes]) -> None:
    _reply_seconds(context, _left_ms(context, argv[1]))


@expiry.command(
    "pttl",
    arity=2,
    flags=READONLY | FAST,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="keyspace",
    since="2.6.0",
    complexity="O(1)",
    summary="Returns the time to live of a key, in milliseconds.",
    syntax="key",
    history=_MINUS_TWO_SINCE,
    tips=("nondeterministic_output",),
)
def pttl(context: Context, argv: list[bytes]) -> None:
    context.reply.integer(_left_ms(context, argv[1]))


@expiry.command(
    "expiretime",
    arity=2,
    flags=READONLY | FAST,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="keyspace",
    since="7.0.0",
    complexity="O(1)",
    summary="Returns the time at which a key expires, in unix seconds.",
    syntax="key",
)
def expiretime(context: Context, argv: list[bytes]) -> None:
    _reply_seconds(context, _time_ms(context, argv[1]))


@expiry.command(
    "pexpiretime",
    arity=2,
    flags=READONLY | FAST,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="keyspace",
    since="7.0.0",
    complexity="O(1)",
    summary="Returns the time at which a key expires, in unix milliseconds.",
    syntax="key",
)
def pexpiretime(context: Context, argv: list[bytes]) -> None:
    context.reply.integer(_time_ms(context, argv[1]))


def _time_ms(context: Context, key: bytes) -> int:
    """The expire time of a key; negative if it has none, or if there is no such key."""
    if not context.db.finds(key):
        return _NO_KEY
    when_ms = context.db.expire_time(key)
    return _NO_TIME if when_ms == NO_EXPIRE else when_ms


def _left_ms(context: Context, key: bytes) -> int:
    """The time to live of a key; negative if it has none, or if there is no such key."""
    when_ms = _time_ms(context, key)
    return when_ms if when_ms < 0 else max(0, when_ms - context.keyspace.now_ms())


def _reply_seconds(context: Context, milliseconds: int) -> None:
    """Reply with whole seconds, rounded to the nearest."""
    context.reply.integer(milliseconds if milliseconds < 0 else (milliseconds + 500) // 1000)
