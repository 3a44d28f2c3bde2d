"""Commands of the group *hash* that set, return and remove the expire times of fields (Redis 7.4).

The expire time of a field is stored in unix milliseconds, in 46 bits; a time that is not in the future deletes the
field at once. These commands check the type of the value before they check their arguments; in Valkey after that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pyredmem.base import errors
from pyredmem.base.errors import CommandError
from pyredmem.base.numbers import parse_integer
from pyredmem.commands import valkey_fields
from pyredmem.commands.expire import CONDITIONS, condition_holds, conditions_of
from pyredmem.commands.hashes import delete_fields, fields_changed, hash_to_read, hash_to_write
from pyredmem.engine.arguments import integer
from pyredmem.engine.command import ACCESS, FAST, READ_ONLY, READ_WRITE, READONLY, UPDATE, WRITE, Group, key_at
from pyredmem.engine.context import Context
from pyredmem.keyspace import events
from pyredmem.keyspace.field_expiry import is_field_expired, note_due
from pyredmem.objects.field_times import NO_TIME
from pyredmem.objects.hash import HashObject

hash_expiry: Final = Group("hash")

#: The latest expire time of a field, in unix milliseconds: 46 bits.
LATEST_MS: Final = (1 << 46) - 1

# The reply for each field.
_NO_FIELD: Final = -2
_NO_EXPIRY: Final = -1
_NOT_MET: Final = 0
_DONE: Final = 1
_DELETED: Final = 2

_SETTER_SYNTAX: Final = "[NX | XX | GT | LT] FIELDS numfields:integer field [field ...]"
_FIELDS_SYNTAX: Final = "key FIELDS numfields:integer field [field ...]"
PER_FIELD: Final = "O(N) where N is the number of fields."

_NEGATIVE_TIME: Final = b"ERR invalid expire time, must be >= 0"
_NO_FIELDS: Final = b"ERR Mandatory argument FIELDS is missing or not at the right position"
_BAD_COUNT: Final = b"ERR Number of fields must be a positive integer"
_BAD_COUNT_TO_SET: Final = b"ERR Parameter `numFields` should be greater than 0"
_COUNT_MISMATCH: Final = b"ERR The `numfields` parameter must match the number of arguments"


def moment(context: Context, argument: bytes, command: bytes, unit_ms: int, relative: bool) -> int:
    """An argument as the expire time of a field, in unix milliseconds; it counts from now if ``relative``."""
    number = integer(argument)
    if number < 0:
        raise errors.invalid_expire(command) if reads_as_valkey(context) else CommandError(_NEGATIVE_TIME)
    when_ms = number * unit_ms + (context.keyspace.now_ms() if relative else 0)
    if when_ms > LATEST_MS:
        raise errors.invalid_expire(command)
    return when_ms


def reads_as_valkey(context: Context) -> bool:
    """Whether arguments are read and refused as in :mod:`.valkey_fields`."""
    return context.engine.profile.has_valkey_field_arguments


def event_at_once(context: Context) -> bytes:
    """The event for fields that are deleted at once, because their new expire time has passed."""
    return b"hexpired" if context.engine.profile.notifies_of_fields_as_expired else b"hdel"


def hash_and_fields(
    context: Context,
    argv: list[bytes],
    find: Callable[[Context, bytes], HashObject | None],
    mismatch: bytes = valkey_fields.MISMATCH,
) -> tuple[HashObject | None, list[bytes]]:
    """The hash and the fields of a command that has no options; ``mismatch`` is Valkey's error for a wrong number."""
    if reads_as_valkey(context):
        fields = valkey_fields.only_fields(argv, mismatch)
        return find(context, argv[1]), fields
    value = find(context, argv[1])
    return value, counted_fields(argv, 2)


def counted_fields(argv: list[bytes], at: int, bad_count: bytes = _BAD_COUNT) -> list[bytes]:
    """The fields of ``FIELDS numfields field ...``, which must be the arguments from ``at`` on."""
    if at + 1 >= len(argv) or argv[at].upper() != b"FIELDS":
        raise CommandError(_NO_FIELDS)
    count = parse_integer(argv[at + 1])
    if count is None or count < 1:
        raise CommandError(bad_count)
    fields = argv[at + 2 :]
    if count != len(fields):
        raise CommandError(_COUNT_MISMATCH)
    return fields


def set_times(context: Context, key: bytes, value: HashObject, fields: list[bytes], when_ms: int) -> None:
    """Set the expire time of existing fields, or delete them if it has passed; and notify."""
    value.prepare_times()
    if context.keyspace.is_past(when_ms):
        context.keyspace.expired_fields += delete_fields(context, key, value, fields, event_at_once(context))
        return
    for field in fields:
        value.expire_at(field, when_ms)
    note_due(context.db, key, value)
    context.changed(key, events.HASH, b"hexpire", len(fields))


# Setting.


@hash_expiry.command(
    "hexpire",
    arity=-6,
    flags=WRITE | FAST,
    keys=(key_at(READ_WRITE, UPDATE),),
    acl="hash",
    since="7.4.0",
    complexity=PER_FIELD,
    summary="Sets the time to live of fields of a hash, in seconds.",
    syntax=f"key seconds {_SETTER_SYNTAX}",
)
def hexpire(context: Context, argv: list[bytes]) -> None:
    _expire(context, argv, b"hexpire", 1000, relative=True)


@hash_expiry.command(
    "hpexpire",
    arity=-6,
    flags=WRITE | FAST,
    keys=(key_at(READ_WRITE, UPDATE),),
    acl="hash",
    since="7.4.0",
    complexity=PER_FIELD,
    summary="Sets the time to live of fields of a hash, in milliseconds.",
    syntax=f"key milliseconds {_SETTER_SYNTAX}",
)
def hpexpire(context: Context, argv: list[bytes]) -> None:
    _expire(context, argv, b"hpexpire", 1, relative=True)


@hash_expiry.command(
    "hexpireat",
    arity=-6,
    flags=WRITE | FAST,
    keys=(key_at(READ_WRITE, UPDATE),),
    acl="hash",
    since="7.4.0",
    complexity=PER_FIELD,
    summary="Sets the time at which fields of a hash expire, in unix seconds.",
    syntax=f"key unix-time-seconds {_SETTER_SYNTAX}",
)
def hexpireat(context: Context, argv: list[bytes]) -> None:
    _expire(context, argv, b"hexpireat", 1000, relative=False)


@hash_expiry.command(
    "hpexpireat",
    arity=-6,
    flags=WRITE | FAST,
    keys=(key_at(READ_WRITE, UPDATE),),
    acl="hash",
    since="7.4.0",
    complexity=PER_FIELD,
    summary="Sets the time at which fields of a hash expire, in unix milliseconds.",
    syntax=f"key unix-time-milliseconds {_SETTER_SYNTAX}",
)
def hpexpireat(context: Context, argv: list[bytes]) -> None:
    _expire(context, argv, b"hpexpireat", 1, relative=False)


def _expire(context: Context, argv: list[bytes], command: bytes, unit_ms: int, relative: bool) -> None:
    """Run one of the four; the time counts in units of ``unit_ms``, from now if ``relative``."""
    key = argv[1]
    if reads_as_valkey(context):
        at = valkey_fields.place_of_fields(argv, 3)
        condition = conditions_of(argv[3:at])
        fields = valkey_fields.fields_from(argv, at)
        when_ms = moment(context, argv[2], command, unit_ms, relative)
        value = hash_to_write(context, key)
    else:
        value = hash_to_write(context, key)
        when_ms = moment(context, argv[2], command, unit_ms, relative)
        condition = CONDITIONS.get(argv[3].upper(), 0)
        fields = counted_fields(argv, 4 if condition else 3, _BAD_COUNT_TO_SET)
    if value is None:
        _reply_same(context, _NO_FIELD, len(fields))
        return
    results = _expire_fields(context, key, value, fields, when_ms, condition)
    if context.is_recording:
        _record_times(context, argv, results, when_ms, is_absolute=unit_ms == 1 and not relative)
    context.reply.array(len(results))
    for result in results:
        context.reply.integer(result)


def _record_times(context: Context, argv: list[bytes], results: list[int], when_ms: int, is_absolute: bool) -> None:
    """Record the fields that got an expire time, with the absolute time, and the fields that were deleted."""
    key = argv[1]
    words, fields = argv[3 : -len(results)], argv[-len(results) :]
    deleted = [field for field, result in zip(fields, results, strict=True) if result == _DELETED]
    timed = [field for field, result in zip(fields, results, strict=True) if result == _DONE]
    for field in deleted:
        context.record_instead([b"HDEL", key, field])
    if timed and not (is_absolute and len(timed) == len(fields)):
        count = b"%d" % len(timed)
        context.record_instead([b"HPEXPIREAT", key, b"%d" % when_ms, *words[:-1], count, *timed])


def _expire_fields(
    context: Context, key: bytes, value: HashObject, fields: list[bytes], when_ms: int, condition: int
) -> list[int]:
    """Set the expire time of the fields for which the condition holds, one after the other.

    A field that has expired but is not deleted yet counts as existing: a later expire time revives it.
    """
    is_past = context.keyspace.is_past(when_ms)
    value.prepare_times()
    results: list[int] = []
    done = 0
    for field in fields:
        if value.get(field) is None:
            results.append(_NO_FIELD)
        elif not condition_holds(condition, when_ms, int(value.time_of(field))):
            results.append(_NOT_MET)
        else:
            done += 1
            if is_past:
                value.remove(field)
                results.append(_DELETED)
            else:
                value.expire_at(field, when_ms)
                results.append(_DONE)
    if done > 0:
        if is_past:
            context.keyspace.expired_fields += done
        fields_changed(context, key, value)
        context.changed(key, events.HASH, event_at_once(context) if is_past else b"hexpire", done)
        if value.length() == 0:
            context.delete_emptied(key)
    return results


def _reply_same(context: Context, result: int, count: int) -> None:
    """Reply with the same result for each of ``count`` fields."""
    context.reply.array(count)
    for _ in range(count):
        context.reply.integer(result)


@hash_expiry.command(
    "hpersist",
    arity=-5,
    flags=WRITE | FAST,
    keys=(key_at(READ_WRITE, UPDATE),),
    acl="hash",
    since="7.4.0",
    complexity=PER_FIELD,
    summary="Removes the expire time of fields of a hash.",
    syntax=_FIELDS_SYNTAX,
)
def hpersist(context: Context, argv: list[bytes]) -> None:
    key = argv[1]
    value, fields = hash_and_fields(context, argv, hash_to_write)
    if value is None:
        _reply_same(context, _NO_FIELD, len(fields))
        return
    now_us = context.keyspace.expiry_us()
    reply = context.reply
    reply.array(len(fields))
    persisted = 0
    for field in fields:
        if value.get(field) is None or is_field_expired(value, field, now_us):
            reply.integer(_NO_FIELD)
        elif value.persist(field):
            persisted += 1
            reply.integer(_DONE)
        else:
            reply.integer(_NO_EXPIRY)
    if persisted > 0:
        note_due(context.db, key, value)
        context.changed(key, events.HASH, b"hpersist", persisted)


# Returning.


@hash_expiry.command(
    "httl",
    arity=-5,
    flags=READONLY | FAST,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="hash",
    since="7.4.0",
    complexity=PER_FIELD,
    summary="Returns the time to live of fields of a hash, in seconds.",
    syntax=_FIELDS_SYNTAX,
    tips=("nondeterministic_output",),
)
def httl(context: Context, argv: list[bytes]) -> None:
    _reply_times(context, argv, 1000, context.keyspace.now_ms())


@hash_expiry.command(
    "hpttl",
    arity=-5,
    flags=READONLY | FAST,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="hash",
    since="7.4.0",
    complexity=PER_FIELD,
    summary="Returns the time to live of fields of a hash, in milliseconds.",
    syntax=_FIELDS_SYNTAX,
    tips=("nondeterministic_output",),
)
def hpttl(context: Context, argv: list[bytes]) -> None:
    _reply_times(context, argv, 1, context.keyspace.now_ms())


@hash_expiry.command(
    "hexpiretime",
    arity=-5,
    flags=READONLY | FAST,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="hash",
    since="7.4.0",
    complexity=PER_FIELD,
    summary="Returns the time at which fields of a hash expire, in unix seconds.",
    syntax=_FIELDS_SYNTAX,
)
def hexpiretime(context: Context, argv: list[bytes]) -> None:
    _reply_times(context, argv, 1000, 0)


@hash_expiry.command(
    "hpexpiretime",
    arity=-5,
    flags=READONLY | FAST,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="hash",
    since="7.4.0",
    complexity=PER_FIELD,
    summary="Returns the time at which fields of a hash expire, in unix milliseconds.",
    syntax=_FIELDS_SYNTAX,
)
def hpexpiretime(context: Context, argv: list[bytes]) -> None:
    _reply_times(context, argv, 1, 0)


def _reply_times(context: Context, argv: list[bytes], unit_ms: int, from_ms: int) -> None:
    """Reply with the time from ``from_ms`` until each field expires, in units of ``unit_ms``, rounded up."""
    value, fields = hash_and_fields(context, argv, hash_to_read, errors.SYNTAX_ERROR)
    if value is None:
        _reply_same(context, _NO_FIELD, len(fields))
        return
    reply = context.reply
    reply.array(len(fields))
    for field in fields:
        when_ms = int(value.time_of(field))
        if value.get(field) is None or is_field_expired(value, field, context.keyspace.expiry_us()):
            reply.integer(_NO_FIELD)
        elif when_ms == NO_TIME:
            reply.integer(_NO_EXPIRY)
        else:
            reply.integer((when_ms - from_ms + unit_ms - 1) // unit_ms)
