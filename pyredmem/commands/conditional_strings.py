"""Commands of the group *string* that Redis has since 8.4, or Valkey: comparing, and setting several keys at once.

DELEX deletes a key whose value, or its digest, fulfils a condition; DELIFEQ is Valkey's command for that. DIGEST gives
the digest. MSETEX sets several keys.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base import errors
from pyredmem.base.errors import SYNTAX_ERROR, CommandError
from pyredmem.base.numbers import parse_integer
from pyredmem.base.xxh3 import xxh3_digest
from pyredmem.commands.string_options import (
    COMPARISON_OPTIONS,
    EXPIRY,
    EXPIRY_SYNTAX,
    KEEP_TTL,
    MSETEX_OPTIONS,
    NX,
    XX,
    StringOptions,
    is_fulfilled,
)
from pyredmem.commands.strings import delete_key, string_value
from pyredmem.config.kinds import INT_MAX
from pyredmem.config.profiles import COMPARISON_SYNTAX
from pyredmem.engine.command import (
    ACCESS,
    DELETE,
    DENYOOM,
    FAST,
    OVERWRITE,
    READ_ONLY,
    READ_WRITE,
    READONLY,
    REMOVE,
    UPDATE,
    VARIABLE_FLAGS,
    WRITE,
    FoundKey,
    Group,
    KeySpec,
    key_at,
)
from pyredmem.engine.context import Context
from pyredmem.keyspace import events
from pyredmem.objects.object import RedisObject
from pyredmem.objects.string import StringObject

conditional_strings: Final = Group("string")

_BAD_COUNT: Final = b"ERR invalid numkeys value"
_BAD_PAIRS: Final = b"ERR wrong number of key-value pairs"
_NOT_A_STRING: Final = b"ERR Key should be of string type if conditions are specified"
_BAD_CONDITION: Final = b"ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE"


@conditional_strings.command(
    "digest",
    arity=2,
    flags=READONLY | FAST,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="string",
    since="8.4.0",
    complexity="O(N) where N is the length of the string.",
    summary="Returns the XXH3 hash of the string value of a key.",
    syntax="key",
)
def digest(context: Context, argv: list[bytes]) -> None:
    value = context.db.read(argv[1])
    if value is None:
        context.reply.null()
    else:
        context.reply.bulk(xxh3_digest(string_value(value).data()))


def _keys_of_delex(argv: list[bytes]) -> list[FoundKey]:
    """The key of DELEX, whose value is only looked at if there is a condition."""
    return [FoundKey(1, (REMOVE if len(argv) == 2 else READ_WRITE, DELETE))]


@conditional_strings.command(
    "delex",
    arity=-2,
    flags=WRITE | FAST,
    keys=(key_at(READ_WRITE, DELETE, VARIABLE_FLAGS),),
    acl="string",
    since="8.4.0",
    complexity="O(1) for IFEQ and IFNE, O(N) for IFDEQ and IFDNE where N is the length of the string.",
    summary="Deletes a key if its string value, or the digest of that, fulfils a condition.",
    syntax=f"key [{COMPARISON_SYNTAX}]",
    find_keys=_keys_of_delex,
)
def delex(context: Context, argv: list[bytes]) -> None:
    """Without a condition it deletes a key of any type, as DEL does. A missing key is no error."""
    if len(argv) not in {2, 4}:
        raise errors.wrong_arity(b"delex")
    value = context.db.write(argv[1])
    if value is None or (len(argv) == 4 and not _fulfils(value, argv[2], argv[3])):
        context.reply.integer(0)
        return
    delete_key(context, argv[1], context.keyspace.lazy_user_del)
    context.reply.integer(1)


def _fulfils(value: RedisObject, word: bytes, compared: bytes) -> bool:
    """Whether a value fulfils a condition of DELEX."""
    if not isinstance(value, StringObject):
        raise CommandError(_NOT_A_STRING)
    comparison = COMPARISON_OPTIONS.get(word.upper(), 0)
    if comparison == 0:
        raise CommandError(_BAD_CONDITION)
    return is_fulfilled(comparison, compared, value.data())


@conditional_strings.command(
    "delifeq",
    arity=3,
    flags=WRITE | FAST,
    keys=(key_at(REMOVE, DELETE),),
    acl="string",
    since="9.0.0",
    complexity="O(1)",
    summary="Deletes a key if its string value is the given one.",
    syntax="key value",
)
def delifeq(context: Context, argv: list[bytes]) -> None:
    key = argv[1]
    value = context.db.write(key)
    if value is None or string_value(value).data() != argv[2]:
        context.reply.integer(0)
        return
    delete_key(context, key, context.keyspace.lazy_user_del)
    context.reply.integer(1)


@conditional_strings.command(
    "msetex",
    arity=-4,
    flags=WRITE | DENYOOM,
    keys=(KeySpec(flags=(OVERWRITE, UPDATE), index=1, count_at=0, step=2),),
    acl="string",
    since="8.4.0",
    complexity="O(N) where N is the number of keys.",
    summary="Sets the string values of several keys, and their expire time, if all exist or none does.",
    syntax=f"numkeys key value [key value ...] [NX | XX] [{EXPIRY_SYNTAX} | KEEPTTL]",
    tips=("request_policy:multi_shard", "response_policy:all_succeeded"),
)
def msetex(context: Context, argv: list[bytes]) -> None:
    """An expire time that has passed is set too: the keys expire when somebody meets them."""
    end = 2 + 2 * _count(context, argv)
    options = StringOptions(argv, end, MSETEX_OPTIONS)
    deadline_ms: i64 = options.deadline_ms(context, b"msetex") if options.given & EXPIRY else 0
    if options.given & (NX | XX):
        wanted = options.given & XX != 0
        if any((context.db.write(key) is not None) != wanted for key in argv[2:end:2]):
            context.reply.integer(0)
            return
    keeps_ttl = options.given & (KEEP_TTL | EXPIRY) != 0
    for at in range(2, end, 2):
        context.db.store_string(argv[at], argv[at + 1], keeps_ttl)
        if deadline_ms > 0:
            context.db.expire_at(argv[at], deadline_ms)
        _notify_of_pair(context, argv[at], deadline_ms > 0)
    if deadline_ms > 0 and context.is_recording:
        context.record_instead([*argv[:end], b"PXAT", b"%d" % int(deadline_ms)])
    context.reply.integer(1)


def _notify_of_pair(context: Context, key: bytes, has_deadline: bool) -> None:
    """Notify of a key that MSETEX has set: in Redis of its expire time first."""
    if not has_deadline:
        context.changed(key, events.STRING, b"set")
    elif context.engine.profile.has_redis_msetex:
        context.notify(events.GENERIC, b"expire", key)
        context.changed(key, events.STRING, b"set")
    else:
        context.changed(key, events.STRING, b"set")
        context.notify(events.GENERIC, b"expire", key)


def _count(context: Context, argv: list[bytes]) -> int:
    """The number of keys, which must all have values."""
    is_redis = context.engine.profile.has_redis_msetex
    count = parse_integer(argv[1])
    if count is None or not 1 <= count <= INT_MAX:
        raise CommandError(_BAD_COUNT if is_redis else _BAD_COUNT + b" or out of range")
    if 2 * count > len(argv) - 2:
        raise CommandError(_BAD_PAIRS if is_redis else SYNTAX_ERROR)
    return count
