"""Commands of the group *hash* that work on fields and values.

An expired field counts as missing. Commands compare one integer of the hash (``due_us``) with the clock before they
check single fields. :mod:`pyredmem.keyspace.field_expiry` deletes expired fields; `hash_expiry` has the commands on
expire times, and `hash_walks` those that return all, random or some fields.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.errors import (
    INCREMENT_NAN,
    INCREMENT_OVERFLOW,
    NOT_A_FLOAT,
    WRONG_TYPE,
    CommandError,
    wrong_arity,
)
from pyredmem.base.numbers import INT64_MAX, INT64_MIN, parse_integer, parse_long_double
from pyredmem.engine.arguments import integer
from pyredmem.engine.command import (
    ACCESS,
    DELETE,
    DENYOOM,
    FAST,
    INSERT,
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
from pyredmem.keyspace.field_expiry import delete_if_expired, is_field_expired, note_due
from pyredmem.objects.hash import HashObject, new_hash

hashes: Final = Group("hash")

_VALUE_NOT_AN_INTEGER: Final = b"ERR hash value is not an integer"
_VALUE_NOT_A_FLOAT: Final = b"ERR hash value is not a float"
_NAN_OR_INFINITY: Final = b"ERR value is NaN or Infinity"


# Lookup.


def hash_to_read(context: Context, key: bytes) -> HashObject | None:
    """The hash of a key, for a command that reads it; None if there is no such key."""
    value = context.db.read(key)
    if value is None or isinstance(value, HashObject):
        return value
    raise CommandError(WRONG_TYPE)


def hash_to_write(context: Context, key: bytes) -> HashObject | None:
    """The hash of a key, for a command that changes it; None if there is no such key."""
    value = context.db.write(key)
    if value is None or isinstance(value, HashObject):
        return value
    raise CommandError(WRONG_TYPE)


def existing_or_new(context: Context, key: bytes, value: HashObject | None) -> HashObject:
    """The hash that was looked up; a new one if there was none, or if it was deleted with its last expired fields."""
    if value is not None and value.refcount > 0:
        return value
    created = new_hash(context.keyspace.allocator)
    context.db.add(key, created)
    return created


def delete_expired_of(context: Context, key: bytes, value: HashObject, fields: list[bytes]) -> bool:
    """Delete the given fields that have expired; True if the key was deleted with its last field."""
    keyspace = context.keyspace
    if value.due_us >= keyspace.now_us or keyspace.stands_still:
        return False
    return delete_if_expired(context.db, key, value, fields)


def field_value(context: Context, key: bytes, value: HashObject, field: bytes) -> bytes | None:
    """The value of one field; an expired field is deleted and has none."""
    return None if has_expired(context, key, value, field) else value.get(field)


def has_expired(context: Context, key: bytes, value: HashObject, field: bytes) -> bool:
    """Whether a field has expired; if so it is deleted."""
    if value.due_us < context.keyspace.now_us and is_field_expired(value, field, context.keyspace.expiry_us()):
        delete_expired_of(context, key, value, [field])
        return True
    return False


def fields_changed(context: Context, key: bytes, value: HashObject) -> None:
    """Update when the next field of the hash expires, after fields were removed or lost their expire time."""
    if value.times is not None:
        note_due(context.db, key, value)


# Setting.


@hashes.command(
    "hset",
    arity=-4,
    flags=WRITE | DENYOOM | FAST,
    keys=(key_at(READ_WRITE, UPDATE),),
    acl="hash",
    since="2.0.0",
    complexity="O(1) for each field, so O(N) for N fields.",
    summary="Sets the values of fields of a hash, and returns how many of the fields are new.",
    syntax="key field value [field value ...]",
    history=(("4.0.0", "Accepts multiple `field` and `value` arguments."),),
)
def hset(context: Context, argv: list[bytes]) -> None:
    if len(argv) != 4:
        context.reply.integer(_set_pairs(context, argv, b"hset"))
        return
    key = argv[1]
    value = context.db.write(key)
    if isinstance(value, HashObject):
        is_new = value.set(argv[2], argv[3], context.keyspace.limits)
        if value.times is not None:
            note_due(context.db, key, value)
    elif value is None:
        created = new_hash(context.keyspace.allocator)
        context.db.add(key, created)
        is_new = created.set(argv[2], argv[3], context.keyspace.limits)
    else:
        raise CommandError(WRONG_TYPE)
    context.changed(key, events.HASH, b"hset")
    context.reply.integer(1 if is_new else 0)


@hashes.command(
    "hmset",
    arity=-4,
    flags=WRITE | DENYOOM | FAST,
    keys=(key_at(READ_WRITE, UPDATE),),
    acl="hash",
    since="2.0.0",
    complexity="O(N) where N is the number of fields.",
    summary="Sets the values of several fields of a hash.",
    syntax="key field value [field value ...]",
    deprecated=("4.0.0", "`HSET` with multiple field-value pairs"),
)
def hmset(context: Context, argv: list[bytes]) -> None:
    _set_pairs(context, argv, b"hmset")
    context.reply.ok()


def _set_pairs(context: Context, argv: list[bytes], command: bytes) -> int:
    """Set all fields; returns how many of them are new."""
    if len(argv) % 2 == 1:
        raise wrong_arity(command)
    key = argv[1]
    value = existing_or_new(context, key, hash_to_write(context, key))
    limits = context.keyspace.limits
    value.prepare(argv, 2, limits)
    created = 0
    for index in range(2, len(argv), 2):
        if value.set(argv[index], argv[index + 1], limits):
            created += 1
    fields_changed(context, key, value)
    context.changed(key, events.HASH, b"hset", len(argv) // 2 - 1)
    return created


@hashes.command(
    "hsetnx",
    arity=4,
    flags=WRITE | DENYOOM | FAST,
    keys=(key_at(READ_WRITE, INSERT),),
    acl="hash",
    since="2.0.0",
    complexity="O(1)",
    summary="Sets the value of a field of a hash if the field does not exist.",
    syntax="key field value",
)
def hsetnx(context: Context, argv: list[bytes]) -> None:
    key = argv[1]
    value = hash_to_write(context, key)
    if value is not None and field_value(context, key, value, argv[2]) is not None:
        context.reply.integer(0)
        return
    value = existing_or_new(context, key, value)
    value.set(argv[2], argv[3], context.keyspace.limits)
    fields_changed(context, key, value)
    context.changed(key, events.HASH, b"hset")
    context.reply.integer(1)


@hashes.command(
    "hincrby",
    arity=4,
    flags=WRITE | DENYOOM | FAST,
    keys=(key_at(READ_WRITE, ACCESS, UPDATE),),
    acl="hash",
    since="2.0.0",
    complexity="O(1)",
    summary="Adds a number to the integer value of a field of a hash; a missing field counts as 0.",
    syntax="key field increment",
)
def hincrby(context: Context, argv: list[bytes]) -> None:
    """The field keeps its expire time."""
    increment: i64 = integer(argv[3])
    value = hash_to_write(context, argv[1])
    old = None if value is None else field_value(context, argv[1], value, argv[2])
    number: i64 = 0
    if old is not None:
        found = parse_integer(old)
        if found is None:
            raise CommandError(_VALUE_NOT_AN_INTEGER)
        number = found
    if (number > INT64_MAX - increment) if increment > 0 else (number < INT64_MIN - increment):
        raise CommandError(INCREMENT_OVERFLOW)
    number += increment
    existing_or_new(context, argv[1], value).put(argv[2], b"%d" % number, context.keyspace.limits)
    context.changed(argv[1], events.HASH, b"hincrby")
    context.reply.integer(number)


@hashes.command(
    "hincrbyfloat",
    arity=4,
    flags=WRITE | DENYOOM | FAST,
    keys=(key_at(READ_WRITE, ACCESS, UPDATE),),
    acl="hash",
    since="2.6.0",
    complexity="O(1)",
    summary="Adds a floating-point number to the value of a field of a hash; a missing field counts as 0.",
    syntax="key field increment:double",
)
def hincrbyfloat(context: Context, argv: list[bytes]) -> None:
    """The sum is computed with 80 bits, as in Redis; the field keeps its expire time."""
    increment = parse_long_double(argv[3])
    if increment is None:
        raise CommandError(NOT_A_FLOAT)
    if not increment.finite:
        raise CommandError(_NAN_OR_INFINITY)
    value = hash_to_write(context, argv[1])
    old = None if value is None else field_value(context, argv[1], value, argv[2])
    number = parse_long_double(b"0" if old is None else old)
    if number is None:
        raise CommandError(_VALUE_NOT_A_FLOAT)
    total = number.plus(increment)
    if not total.finite:
        raise CommandError(INCREMENT_NAN)
    text = total.text()
    value = existing_or_new(context, argv[1], value)
    value.put(argv[2], text, context.keyspace.limits)
    context.changed(argv[1], events.HASH, b"hincrbyfloat")
    if context.is_recording and value.times is None:
        context.record_instead([b"HSET", argv[1], argv[2], text])
    elif context.is_recording:  # HSET would remove the expire time of the field
        context.record_instead([b"HSETEX", argv[1], b"KEEPTTL", b"FIELDS", b"1", argv[2], text])
    context.reply.bulk(text)


# Getting.


@hashes.command(
    "hget",
    arity=3,
    flags=READONLY | FAST,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="hash",
    since="2.0.0",
    complexity="O(1)",
    summary="Returns the value of a field of a hash.",
    syntax="key field",
)
def hget(context: Context, argv: list[bytes]) -> None:
    value = hash_to_read(context, argv[1])
    if value is None or has_expired(context, argv[1], value, argv[2]):
        context.reply.null()
    else:
        value.fields.reply(argv[2], context.reply)


@hashes.command(
    "hmget",
    arity=-3,
    flags=READONLY | FAST,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="hash",
    since="2.0.0",
    complexity="O(N) where N is the number of requested fields.",
    summary="Returns the values of several fields of a hash; null for a field that does not exist.",
    syntax="key field [field ...]",
)
def hmget(context: Context, argv: list[bytes]) -> None:
    reply_values(context, argv[1], hash_to_read(context, argv[1]), argv[2:])


def reply_values(context: Context, key: bytes, value: HashObject | None, fields: list[bytes]) -> None:
    """Reply with the values of fields; expired fields are deleted and have none."""
    reply = context.reply
    reply.array(len(fields))
    if value is not None and value.due_us < context.keyspace.now_us:
        for found in living_values(context, key, value, fields):
            if found is None:
                reply.null()
            else:
                reply.bulk(found)
        return
    for field in fields:
        if value is None:
            reply.null()
        else:
            value.fields.reply(field, reply)


def living_values(context: Context, key: bytes, value: HashObject, fields: list[bytes]) -> list[bytes | None]:
    """The values of fields, None for missing ones; expired fields are deleted and count as missing."""
    now_us = context.keyspace.expiry_us()
    found = [None if is_field_expired(value, field, now_us) else value.get(field) for field in fields]
    delete_expired_of(context, key, value, fields)
    return found


@hashes.command(
    "hstrlen",
    arity=3,
    flags=READONLY | FAST,
    keys=(key_at(READ_ONLY),),
    acl="hash",
    since="3.2.0",
    complexity="O(1)",
    summary="Returns the length of the value of a field of a hash, in bytes.",
    syntax="key field",
)
def hstrlen(context: Context, argv: list[bytes]) -> None:
    value = hash_to_read(context, argv[1])
    found = None if value is None else field_value(context, argv[1], value, argv[2])
    context.reply.integer(0 if found is None else len(found))


@hashes.command(
    "hexists",
    arity=3,
    flags=READONLY | FAST,
    keys=(key_at(READ_ONLY),),
    acl="hash",
    since="2.0.0",
    complexity="O(1)",
    summary="Returns whether a field of a hash exists.",
    syntax="key field",
)
def hexists(context: Context, argv: list[bytes]) -> None:
    value = hash_to_read(context, argv[1])
    found = None if value is None else field_value(context, argv[1], value, argv[2])
    context.reply.integer(0 if found is None else 1)


@hashes.command(
    "hlen",
    arity=2,
    flags=READONLY | FAST,
    keys=(key_at(READ_ONLY),),
    acl="hash",
    since="2.0.0",
    complexity="O(1)",
    summary="Counts the fields of a hash.",
    syntax="key",
)
def hlen(context: Context, argv: list[bytes]) -> None:
    """Expired fields count until they are deleted."""
    value = hash_to_read(context, argv[1])
    context.reply.integer(0 if value is None else value.length())


# Deleting.


@hashes.command(
    "hdel",
    arity=-3,
    flags=WRITE | FAST,
    keys=(key_at(READ_WRITE, DELETE),),
    acl="hash",
    since="2.0.0",
    complexity="O(N) where N is the number of fields.",
    summary="Deletes fields of a hash and returns how many existed. A hash without fields is deleted.",
    syntax="key field [field ...]",
    history=(("2.4.0", "Accepts multiple `field` arguments."),),
)
def hdel(context: Context, argv: list[bytes]) -> None:
    """An expired field that is not deleted yet counts as deleted by this command."""
    value = hash_to_write(context, argv[1])
    deleted = 0 if value is None else delete_fields(context, argv[1], value, argv[2:])
    context.reply.integer(deleted)


def delete_fields(context: Context, key: bytes, value: HashObject, fields: list[bytes], event: bytes = b"hdel") -> int:
    """Delete fields and notify of ``event``; returns how many of them existed."""
    deleted = 0
    value.pause_shrinking()
    for field in fields:
        if value.remove(field):
            deleted += 1
            if value.length() == 0:
                break
    value.resume_shrinking()
    if deleted > 0:
        context.changed(key, events.HASH, event, deleted)
        if value.length() == 0:
            context.delete_emptied(key)
        else:
            fields_changed(context, key, value)
    return deleted
