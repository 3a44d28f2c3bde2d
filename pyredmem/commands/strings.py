"""Commands of the group *string* that set and get whole values.

All of them store with :meth:`Database.store_string`; GET and the three-argument SET are the shortest paths of the
server. `counters` has the commands on numbers, `string_ranges` those on parts of strings.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base import errors
from pyredmem.base.errors import SYNTAX_ERROR, WRONG_TYPE, CommandError
from pyredmem.commands.string_options import (
    COMPARISON_OPTIONS,
    COMPARISONS,
    EXPIRY,
    EXPIRY_SYNTAX,
    GET,
    GETEX_OPTIONS,
    KEEP_TTL,
    NX,
    PERSIST,
    SET_OPTIONS,
    TRUE_OF_NONE,
    XX,
    StringOptions,
    expiry_deadline_ms,
    is_fulfilled,
    known_comparisons,
)
from pyredmem.config.profiles import SET_COMPARISONS, SET_IFEQ
from pyredmem.engine.command import (
    ACCESS,
    DELETE,
    DENYOOM,
    FAST,
    INSERT,
    OVERWRITE,
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
from pyredmem.objects.object import RedisObject
from pyredmem.objects.string import StringObject

strings: Final = Group("string")


def string_value(value: RedisObject) -> StringObject:
    """The value as a string; an error if it has another type."""
    if isinstance(value, StringObject):
        return value
    raise CommandError(WRONG_TYPE)


def _store(context: Context, key: bytes, data: bytes, keep_ttl: bool = False) -> None:
    """Store a string and notify; SET and MSET save this call."""
    context.db.store_string(key, data, keep_ttl)
    context.changed(key, events.STRING, b"set")


def _store_until(context: Context, key: bytes, data: bytes, deadline_ms: i64) -> None:
    """Store a string with an expire time, and notify."""
    _store(context, key, data, True)
    context.db.expire_at(key, deadline_ms)
    context.notify(events.GENERIC, b"expire", key)
    if context.is_recording:
        context.record_instead([b"SET", key, data, b"PXAT", b"%d" % int(deadline_ms)])


# Getting.


@strings.command(
    "get",
    arity=2,
    flags=READONLY | FAST,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="string",
    since="1.0.0",
    complexity="O(1)",
    summary="Returns the string value of a key.",
    syntax="key",
)
def get(context: Context, argv: list[bytes]) -> None:
    if not context.db.reply_string(argv[1], context.reply):
        raise CommandError(WRONG_TYPE)


@strings.command(
    "mget",
    arity=-2,
    flags=READONLY | FAST,
    keys=(key_at(READ_ONLY, ACCESS, last=-1),),
    acl="string",
    since="1.0.0",
    complexity="O(N) where N is the number of keys.",
    summary="Returns the string values of several keys; null for a key without one.",
    syntax="key [key ...]",
    tips=("request_policy:multi_shard",),
)
def mget(context: Context, argv: list[bytes]) -> None:
    """A value of another type gives null, not an error."""
    db = context.db
    reply = context.reply
    reply.array(len(argv) - 1)
    for at in range(1, len(argv)):
        db.prepare(argv, at, 1)
        if not db.reply_string(argv[at], reply):
            reply.null()


@strings.command(
    "strlen",
    arity=2,
    flags=READONLY | FAST,
    keys=(key_at(READ_ONLY),),
    acl="string",
    since="2.2.0",
    complexity="O(1)",
    summary="Returns the length of the string value of a key, in bytes.",
    syntax="key",
)
def strlen(context: Context, argv: list[bytes]) -> None:
    length = context.db.read_string(argv[1])
    context.reply.integer(0 if length == NO_STRING else length)


@strings.command(
    "getdel",
    arity=2,
    flags=WRITE | FAST,
    keys=(key_at(READ_WRITE, ACCESS, DELETE),),
    acl="string",
    since="6.2.0",
    complexity="O(1)",
    summary="Returns the string value of a key and deletes the key.",
    syntax="key",
)
def getdel(context: Context, argv: list[bytes]) -> None:
    value = context.db.read(argv[1])
    if value is None:
        context.reply.null()
        return
    context.reply.bulk(string_value(value).data())
    delete_key(context, argv[1], context.keyspace.lazy_user_del)


def delete_key(context: Context, key: bytes, lazily: bool) -> None:
    """Delete a key that exists, notify and record that, whatever the command is called."""
    context.db.delete(key, lazily)
    context.changed(key, events.GENERIC, b"del")
    context.record_deletion(key, lazily)


@strings.command(
    "getex",
    arity=-2,
    flags=WRITE | FAST,
    keys=(key_at(READ_WRITE, ACCESS, UPDATE, notes="RW and UPDATE because it changes the TTL"),),
    acl="string",
    since="6.2.0",
    complexity="O(1)",
    summary="Returns the string value of a key and sets or removes its expire time.",
    syntax=f"key [{EXPIRY_SYNTAX} | PERSIST]",
)
def getex(context: Context, argv: list[bytes]) -> None:
    """The expire time is usually checked only if there is a string; if it has passed, the key is deleted."""
    options = StringOptions(argv, 2, GETEX_OPTIONS)
    key = argv[1]
    if options.given & EXPIRY and context.engine.profile.has_strict_getex:
        options.deadline_ms(context, b"getex")
    value = context.db.read(key)
    if value is None:
        context.reply.null()
        return
    text = string_value(value)
    if options.given & EXPIRY:
        deadline_ms = options.deadline_ms(context, b"getex")
        context.reply.bulk(text.data())
        if context.keyspace.is_past(deadline_ms):
            delete_key(context, key, context.keyspace.lazy_expire)
            return
        context.db.expire_at(key, deadline_ms)
        context.changed(key, events.GENERIC, b"expire")
        if context.is_recording:
            context.record_instead([b"PEXPIREAT", key, b"%d" % int(deadline_ms)])
        return
    context.reply.bulk(text.data())
    if options.given & PERSIST and context.db.persist(key):
        context.changed(key, events.GENERIC, b"persist")
        if context.is_recording:
            context.record_instead([b"PERSIST", key])


# Setting.


def _keys_of_set(argv: list[bytes]) -> list[FoundKey]:
    """The key of SET, which is also read if there is a GET option."""
    if any(argument.lower() == b"get" for argument in argv[3:]):
        return [FoundKey(1, (READ_WRITE, ACCESS, UPDATE))]
    return [FoundKey(1, (OVERWRITE, UPDATE))]


def _compared_keys_of_set(argv: list[bytes]) -> list[FoundKey]:
    """The same in Redis 8.4, where the value is looked at if it is compared, though the client does not get it."""
    [key] = _keys_of_set(argv)
    if ACCESS not in key.flags and any(argument.upper() in COMPARISON_OPTIONS for argument in argv[3:]):
        return [FoundKey(1, (READ_WRITE, UPDATE))]
    return [key]


@strings.command(
    "set",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=(
        key_at(READ_WRITE, ACCESS, UPDATE, VARIABLE_FLAGS, notes="RW and ACCESS due to the optional `GET` argument"),
    ),
    acl="string",
    since="1.0.0",
    complexity="O(1)",
    summary="Sets the string value of a key and overwrites a value of any type.",
    syntax=f"key value [NX | XX{SET_IFEQ.syntax}{SET_COMPARISONS.syntax}] [GET] [{EXPIRY_SYNTAX} | KEEPTTL]",
    history=(
        ("2.6.12", "Added the `EX`, `PX`, `NX` and `XX` options."),
        ("6.0.0", "Added the `KEEPTTL` option."),
        ("6.2.0", "Added the `GET`, `EXAT` and `PXAT` options."),
        ("7.0.0", "Accepts `NX` and `GET` together."),
        ("8.4.0", "Added the `IFEQ`, `IFNE`, `IFDEQ` and `IFDNE` options."),
    ),
    find_keys=_keys_of_set,
    find_keys_since=("8.4.0", _compared_keys_of_set),
)
def set_(context: Context, argv: list[bytes]) -> None:
    if len(argv) == 3:
        context.db.store_string(argv[1], argv[2], False)
        context.changed(argv[1], events.STRING, b"set")
        context.reply.ok()
    else:
        _set_with_options(context, argv)


def _set_with_options(context: Context, argv: list[bytes]) -> None:
    options = StringOptions(argv, 3, SET_OPTIONS)
    given = options.given
    if given & COMPARISONS and not given & known_comparisons(context.engine.profile):
        raise CommandError(SYNTAX_ERROR)
    key = argv[1]
    deadline_ms: i64 = options.deadline_ms(context, b"set") if given & EXPIRY else 0
    old: bytes | None = None
    if given & GET:
        value = context.db.read(key)
        if value is not None:
            old = string_value(value).data()
    if given & COMPARISONS:
        present = context.db.write(key)
        if present is None:
            allowed = given & TRUE_OF_NONE != 0
        else:
            allowed = is_fulfilled(given & COMPARISONS, options.compared, string_value(present).data())
    else:
        allowed = not given & (NX | XX) or context.db.exists(key) == (given & XX != 0)
    if allowed:
        if deadline_ms > 0:
            _store_until(context, key, argv[2], deadline_ms)
        else:
            _store(context, key, argv[2], given & KEEP_TTL != 0)
            if given & COMPARISONS and context.is_recording:
                context.record_instead([*argv[:3], b"KEEPTTL"] if given & KEEP_TTL else argv[:3])
            elif given & GET and context.is_recording:
                context.record_instead(argv[:3] + [word for word in argv[3:] if word.upper() != b"GET"])
    else:
        context.db.write(key)  # the key that prevented the change counts as used
    if old is not None:
        context.reply.bulk(old)
    elif given & GET or not allowed:
        context.reply.null()
    else:
        context.reply.ok()


@strings.command(
    "setnx",
    arity=3,
    flags=WRITE | DENYOOM | FAST,
    keys=(key_at(OVERWRITE, INSERT),),
    acl="string",
    since="1.0.0",
    complexity="O(1)",
    summary="Sets the string value of a key if the key does not exist.",
    syntax="key value",
    deprecated=("2.6.12", "`SET` with the `NX` argument"),
)
def setnx(context: Context, argv: list[bytes]) -> None:
    if context.db.write(argv[1]) is not None:
        context.reply.integer(0)
        return
    _store(context, argv[1], argv[2])
    context.reply.integer(1)


@strings.command(
    "setex",
    arity=4,
    flags=WRITE | DENYOOM,
    keys=(key_at(OVERWRITE, UPDATE),),
    acl="string",
    since="2.0.0",
    complexity="O(1)",
    summary="Sets the string value of a key and its time to live in seconds.",
    syntax="key seconds value",
    deprecated=("2.6.12", "`SET` with the `EX` argument"),
)
def setex(context: Context, argv: list[bytes]) -> None:
    _store_until(context, argv[1], argv[3], expiry_deadline_ms(context, argv[2], 1000, True, b"setex"))
    context.reply.ok()


@strings.command(
    "psetex",
    arity=4,
    flags=WRITE | DENYOOM,
    keys=(key_at(OVERWRITE, UPDATE),),
    acl="string",
    since="2.6.0",
    complexity="O(1)",
    summary="Sets the string value of a key and its time to live in milliseconds.",
    syntax="key milliseconds value",
    deprecated=("2.6.12", "`SET` with the `PX` argument"),
)
def psetex(context: Context, argv: list[bytes]) -> None:
    _store_until(context, argv[1], argv[3], expiry_deadline_ms(context, argv[2], 1, True, b"psetex"))
    context.reply.ok()


@strings.command(
    "getset",
    arity=3,
    flags=WRITE | DENYOOM | FAST,
    keys=(key_at(READ_WRITE, ACCESS, UPDATE),),
    acl="string",
    since="1.0.0",
    complexity="O(1)",
    summary="Sets the string value of a key and returns the old one.",
    syntax="key value",
    deprecated=("6.2.0", "`SET` with the `!GET` argument"),
)
def getset(context: Context, argv: list[bytes]) -> None:
    value = context.db.read(argv[1])
    old = None if value is None else string_value(value).data()
    _store(context, argv[1], argv[2])
    if context.is_recording:
        context.record_instead([b"SET", argv[1], argv[2]])
    if old is None:
        context.reply.null()
    else:
        context.reply.bulk(old)


@strings.command(
    "mset",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=(key_at(OVERWRITE, UPDATE, last=-1, step=2),),
    acl="string",
    since="1.0.1",
    complexity="O(N) where N is the number of keys.",
    summary="Sets the string values of several keys.",
    syntax="key value [key value ...]",
    tips=("request_policy:multi_shard", "response_policy:all_succeeded"),
)
def mset(context: Context, argv: list[bytes]) -> None:
    _store_pairs(context, argv, b"mset")
    context.reply.ok()


@strings.command(
    "msetnx",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=(key_at(OVERWRITE, INSERT, last=-1, step=2),),
    acl="string",
    since="1.0.1",
    complexity="O(N) where N is the number of keys.",
    summary="Sets the string values of several keys if none of them exists.",
    syntax="key value [key value ...]",
)
def msetnx(context: Context, argv: list[bytes]) -> None:
    if len(argv) % 2 == 1 and any(context.db.write(key) is not None for key in argv[1::2]):
        context.reply.integer(0)
        return
    _store_pairs(context, argv, b"msetnx")
    context.reply.integer(1)


def _store_pairs(context: Context, argv: list[bytes], command: bytes) -> None:
    if len(argv) % 2 == 0:
        raise errors.wrong_arity(command)
    db = context.db
    for at in range(1, len(argv), 2):
        db.prepare(argv, at, 2)
        db.store_string(argv[at], argv[at + 1], False)
        context.changed(argv[at], events.STRING, b"set")
