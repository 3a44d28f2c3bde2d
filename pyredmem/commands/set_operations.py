"""Commands of the group *set* on several sets: intersection, union, difference, and their STORE forms.

A result is built as Redis builds it: member by member, in a new set that begins as an intset (for an intersection, in
the encoding of the smallest set). The final encoding depends on these steps, and the order of a small result depends on
the encoding.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.errors import SYNTAX_ERROR, CommandError
from pyredmem.base.numbers import parse_integer
from pyredmem.commands.counts import LIMIT_NEGATIVE, NUMKEYS_TOO_LOW, at_least
from pyredmem.commands.destinations import store_or_delete
from pyredmem.commands.sets import reply_set, set_to_read
from pyredmem.engine.arguments import Arguments
from pyredmem.engine.command import (
    ACCESS,
    DENYOOM,
    OVERWRITE,
    READ_ONLY,
    READONLY,
    UPDATE,
    WRITE,
    Group,
    counted_keys,
    key_at,
)
from pyredmem.engine.context import Context
from pyredmem.keyspace import events
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.object import decr_ref_count
from pyredmem.objects.set import SetObject, new_integer_set, new_listpack_set
from pyredmem.objects.set_encodings import IntegerMembers, ListpackMembers

set_operations: Final = Group("set")

_INTERSECTION_COST: Final = (
    "O(N*M) at worst, where N is the number of members of the smallest set and M is the number of sets."
)
_UNION_COST: Final = "O(N) where N is the number of members of all sets together."
_TOO_MANY_KEYS: Final = b"ERR Number of keys can't be greater than number of args"

_SOURCES: Final = key_at(READ_ONLY, ACCESS, last=-1)
_SOURCES_AFTER: Final = key_at(READ_ONLY, ACCESS, index=2, last=-1)
_ANY_ORDER: Final = ("nondeterministic_output_order",)


def _read_all(context: Context, keys: list[bytes]) -> list[SetObject | None]:
    """The sets of several keys; all of them are looked up, and their types checked, before any is used."""
    return [set_to_read(context, key) for key in keys]


def _store(context: Context, key: bytes, result: SetObject, event: bytes) -> None:
    """Store a result in a key and reply with its length; an empty result deletes the key."""
    length = result.length()
    if length == 0:
        decr_ref_count(result, context.keyspace.allocator)
    store_or_delete(context, key, result if length > 0 else None, events.SET, event)
    context.reply.integer(length)


def _reply(context: Context, result: SetObject) -> None:
    """Reply with a result and free it."""
    members = result.members()
    keyspace = context.keyspace
    if keyspace.lazy_server_del:
        keyspace.lazyfree.submit(result)
    else:
        decr_ref_count(result, keyspace.allocator)
    reply_set(context, members)


# Intersections.


@set_operations.command(
    "sinter",
    arity=-2,
    flags=READONLY,
    keys=(_SOURCES,),
    acl="set",
    since="1.0.0",
    complexity=_INTERSECTION_COST,
    summary="Returns the intersection of several sets.",
    syntax="key [key ...]",
    tips=_ANY_ORDER,
)
def sinter(context: Context, argv: list[bytes]) -> None:
    reply_set(context, _common(_smallest_first(context, argv[1:]), 0))


@set_operations.command(
    "sintercard",
    arity=-3,
    flags=READONLY,
    keys=(counted_keys(READ_ONLY, ACCESS, index=1),),
    acl="set",
    since="7.0.0",
    complexity=_INTERSECTION_COST,
    summary="Returns the number of members in the intersection of several sets, at most the limit.",
    syntax="numkeys key [key ...] [LIMIT limit]",
)
def sintercard(context: Context, argv: list[bytes]) -> None:
    count = at_least(1, argv[1], NUMKEYS_TOO_LOW)
    if count > len(argv) - 2:
        raise CommandError(_TOO_MANY_KEYS)
    limit = 0
    arguments = Arguments(argv, 2 + count)
    while arguments.left() > 0:
        if arguments.word() != b"LIMIT" or arguments.left() == 0:
            raise CommandError(SYNTAX_ERROR)
        limit = at_least(0, arguments.next(), LIMIT_NEGATIVE)
    context.reply.integer(len(_common(_smallest_first(context, argv[2 : 2 + count]), limit)))


@set_operations.command(
    "sinterstore",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=(key_at(OVERWRITE, UPDATE), _SOURCES_AFTER),
    acl="set",
    since="1.0.0",
    complexity=_INTERSECTION_COST,
    summary="Stores the intersection of several sets in a key.",
    syntax="destination key [key ...]",
)
def sinterstore(context: Context, argv: list[bytes]) -> None:
    found = _smallest_first(context, argv[2:])
    if not found:
        store_or_delete(context, argv[1], None, events.SET, b"sinterstore")
        context.reply.integer(0)
        return
    _store(context, argv[1], _stored_intersection(context, found), b"sinterstore")


def _smallest_first(context: Context, keys: list[bytes]) -> list[SetObject]:
    """The sets to intersect, the smallest first; an empty list if one of the keys does not exist."""
    found = [one for one in _read_all(context, keys) if one is not None]
    if len(found) < len(keys):
        return []
    found.sort(key=_length)
    return found


def _length(one: SetObject) -> int:
    return one.length()


def _common(found: list[SetObject], limit: i64) -> list[bytes]:
    """The members of the first set that all others have, at most ``limit`` of them unless it is 0."""
    if not found:
        return []
    first = found[0]
    others = [one for one in found if one is not first]
    if not others and limit == 0:
        return first.members()
    common: list[bytes] = []
    for member in first.members():
        if _in_all(member, others):
            common.append(member)
            if len(common) == limit:
                break
    return common


def _in_all(member: bytes, others: list[SetObject]) -> bool:
    for one in others:  # noqa: SIM110 - a generator for all() costs a call per set
        if not one.contains(member):
            return False
    return True


def _stored_intersection(context: Context, found: list[SetObject]) -> SetObject:
    """The intersection as a new set, an intset if possible (Redis 7.2 sinterGenericCommand)."""
    limits = context.keyspace.limits
    allocator = context.keyspace.allocator
    content = found[0].content
    if isinstance(content, IntegerMembers):
        result = new_integer_set(allocator)
    elif isinstance(content, ListpackMembers):
        result = new_listpack_set(allocator, content.block.size)  # as big as the result can get; it is shrunk below
    else:
        result = new_listpack_set(allocator)
    only_integers = True
    for member in _common(found, 0):
        only_integers = only_integers and parse_integer(member) is not None
        result.add(member, limits)
    if only_integers and result.length() > 0:
        result.tighten(limits)
    stored = result.content
    if isinstance(stored, ListpackMembers):
        stored.block.shrink_to_fit()
    return result


# Unions and differences.


@set_operations.command(
    "sunion",
    arity=-2,
    flags=READONLY,
    keys=(_SOURCES,),
    acl="set",
    since="1.0.0",
    complexity=_UNION_COST,
    summary="Returns the union of several sets.",
    syntax="key [key ...]",
    tips=_ANY_ORDER,
)
def sunion(context: Context, argv: list[bytes]) -> None:
    _reply(context, _union(context, _read_all(context, argv[1:])))


@set_operations.command(
    "sunionstore",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=(key_at(OVERWRITE, UPDATE), _SOURCES_AFTER),
    acl="set",
    since="1.0.0",
    complexity=_UNION_COST,
    summary="Stores the union of several sets in a key.",
    syntax="destination key [key ...]",
)
def sunionstore(context: Context, argv: list[bytes]) -> None:
    _store(context, argv[1], _union(context, _read_all(context, argv[2:])), b"sunionstore")


@set_operations.command(
    "sdiff",
    arity=-2,
    flags=READONLY,
    keys=(_SOURCES,),
    acl="set",
    since="1.0.0",
    complexity=_UNION_COST,
    summary="Returns the members of the first set that are in none of the others.",
    syntax="key [key ...]",
    tips=_ANY_ORDER,
)
def sdiff(context: Context, argv: list[bytes]) -> None:
    _reply(context, _difference(context, _read_all(context, argv[1:])))


@set_operations.command(
    "sdiffstore",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=(key_at(OVERWRITE, UPDATE), _SOURCES_AFTER),
    acl="set",
    since="1.0.0",
    complexity=_UNION_COST,
    summary="Stores the members of the first set that are in none of the others in a key.",
    syntax="destination key [key ...]",
)
def sdiffstore(context: Context, argv: list[bytes]) -> None:
    _store(context, argv[1], _difference(context, _read_all(context, argv[2:])), b"sdiffstore")


def _union(context: Context, found: list[SetObject | None]) -> SetObject:
    """The union of all sets, in a new set."""
    result = new_integer_set(context.keyspace.allocator)
    limits = context.keyspace.limits
    for one in found:
        if one is not None:
            for member in one.members():
                result.add(member, limits)
    return result


def _difference(context: Context, found: list[SetObject | None]) -> SetObject:
    """The members of the first set that no other has, in a new set.

    There are two ways: look up each member of the first set in the others, or add all members of the first set and
    remove those of the others. As in Redis the cheaper one is taken; it matters, because the second way may leave the
    result in a larger encoding.
    """
    result = new_integer_set(context.keyspace.allocator)
    first = found[0]
    if first is None:
        return result
    others: list[SetObject] = []
    for one in found[1:]:
        if one is first:
            return result
        if one is not None:
            others.append(one)
    limits = context.keyspace.limits
    size = first.length()
    total = size
    for other in others:
        total += other.length()
    if size * (len(others) + 1) // 2 <= total:
        _keep_missing(first, sorted(others, key=_length, reverse=True), result, limits)
    else:
        _subtract(first, others, result, limits)
    return result


def _keep_missing(first: SetObject, others: list[SetObject], result: SetObject, limits: EncodingLimits) -> None:
    for member in first.members():
        for other in others:
            if other.contains(member):
                break
        else:
            result.add(member, limits)


def _subtract(first: SetObject, others: list[SetObject], result: SetObject, limits: EncodingLimits) -> None:
    for member in first.members():
        result.add(member, limits)
    for other in others:
        for member in other.members():
            result.remove(member)
        if result.length() == 0:
            return
