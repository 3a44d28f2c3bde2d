"""Commands of the group *sorted-set* that pop members with the lowest or highest scores, blocking or not.

A blocking command first tries like its non-blocking form. If there are no members, the client is blocked, and the same
handler runs again when one of its keys gets a member.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.errors import MUST_BE_POSITIVE, SYNTAX_ERROR, WRONG_TYPE, CommandError
from pyredmem.commands.counts import at_least
from pyredmem.commands.popping import FRACTIONAL_TIMEOUT, SeveralKeys
from pyredmem.commands.sorted_sets import reply_members, sorted_set_to_write
from pyredmem.engine.arguments import deadline_of_seconds
from pyredmem.engine.command import (
    ACCESS,
    BLOCKING,
    DELETE,
    FAST,
    MOVABLE_KEYS,
    READ_WRITE,
    WRITE,
    Group,
    counted_keys,
    key_at,
)
from pyredmem.engine.context import Context
from pyredmem.keyspace import events
from pyredmem.objects.sorted_set import SortedSetObject

sorted_set_pops: Final = Group("sorted-set")

_TYPE: Final = b"zset"
_OF_MANY: Final = "O(M*log(N)) where N is the number of members and M that of the removed ones."
_OF_KEYS: Final = "O(K) + O(M*log(N)) for K keys, with N members in the sorted set and M removed ones."
_OF_ONE: Final = "O(log(N)) where N is the number of members."


def _take(found: SortedSetObject, count: i64, highest: bool, scores: list[float]) -> list[bytes]:
    """Remove and return at most ``count`` members from an end, the outermost first; add their scores to ``scores``."""
    order = found.order()
    length = order.length
    if count > length:
        count = length
    members = order.members(length - count if highest else 0, count)
    scores.extend(order.scores(length - count if highest else 0, count))
    if highest:
        members.reverse()
        scores.reverse()
    for member in members:
        found.remove(member)
    return members


def _members_removed(context: Context, key: bytes, found: SortedSetObject, highest: bool, taken: i64) -> None:
    """Notify of removed members; an empty sorted set is deleted."""
    event = b"zpopmax" if highest else b"zpopmin"
    context.removed(key, events.SORTED_SET, event, taken, found.length() == 0)


# From one key.


@sorted_set_pops.command(
    "zpopmin",
    arity=-2,
    flags=WRITE | FAST,
    keys=(key_at(READ_WRITE, ACCESS, DELETE),),
    acl="sortedset",
    since="5.0.0",
    complexity=_OF_MANY,
    summary="Removes and returns the members with the lowest scores. A sorted set without members is deleted.",
    syntax="key [count]",
)
def zpopmin(context: Context, argv: list[bytes]) -> None:
    if len(argv) == 2:
        _pop_one(context, argv[1], False)
    else:
        _pop_many(context, argv, False)


@sorted_set_pops.command(
    "zpopmax",
    arity=-2,
    flags=WRITE | FAST,
    keys=(key_at(READ_WRITE, ACCESS, DELETE),),
    acl="sortedset",
    since="5.0.0",
    complexity=_OF_MANY,
    summary="Removes and returns the members with the highest scores. A sorted set without members is deleted.",
    syntax="key [count]",
)
def zpopmax(context: Context, argv: list[bytes]) -> None:
    if len(argv) == 2:
        _pop_one(context, argv[1], True)
    else:
        _pop_many(context, argv, True)


def _pop_one(context: Context, key: bytes, highest: bool) -> None:
    value = context.db.write(key)
    reply = context.reply
    if value is None:
        reply.array(0)
        return
    if not isinstance(value, SortedSetObject):
        raise CommandError(WRONG_TYPE)
    order = value.content.order
    rank = order.length - 1 if highest else 0
    member = order.member_at(rank)
    reply.array(2)
    reply.bulk(member)
    reply.double(order.score_at(rank))
    value.content.remove(member)
    _members_removed(context, key, value, highest, 1)


def _pop_many(context: Context, argv: list[bytes], highest: bool) -> None:
    if len(argv) > 3:
        raise CommandError(SYNTAX_ERROR)
    count = at_least(0, argv[2], MUST_BE_POSITIVE)
    found = sorted_set_to_write(context, argv[1])
    if found is None or count == 0:
        context.reply.array(0)
        return
    scores: list[float] = []
    members = _take(found, count, highest, scores)
    reply_members(context, members, scores)
    _members_removed(context, argv[1], found, highest, len(members))


@sorted_set_pops.command(
    "bzpopmin",
    arity=-3,
    flags=WRITE | BLOCKING | FAST,
    keys=(key_at(READ_WRITE, ACCESS, DELETE, last=-2),),
    acl="sortedset",
    since="5.0.0",
    complexity=_OF_ONE,
    summary="Removes and returns the member with the lowest score of the first sorted set; blocks until there is one.",
    syntax="key [key ...] timeout:double",
    history=FRACTIONAL_TIMEOUT,
)
def bzpopmin(context: Context, argv: list[bytes]) -> None:
    _pop_or_block(context, argv, False)


@sorted_set_pops.command(
    "bzpopmax",
    arity=-3,
    flags=WRITE | BLOCKING | FAST,
    keys=(key_at(READ_WRITE, ACCESS, DELETE, last=-2),),
    acl="sortedset",
    since="5.0.0",
    complexity=_OF_ONE,
    summary="Removes and returns the member with the highest score of the first sorted set; blocks until there is one.",
    syntax="key [key ...] timeout:double",
    history=FRACTIONAL_TIMEOUT,
)
def bzpopmax(context: Context, argv: list[bytes]) -> None:
    _pop_or_block(context, argv, True)


def _pop_or_block(context: Context, argv: list[bytes], highest: bool) -> None:
    deadline_ms = deadline_of_seconds(argv[-1], context.keyspace.now_ms())
    keys = argv[1:-1]
    for key in keys:
        found = sorted_set_to_write(context, key)
        if found is not None:
            reply = context.reply
            scores: list[float] = []
            members = _take(found, 1, highest, scores)
            reply.array(3)
            reply.bulk(key)
            reply.bulk(members[0])
            reply.double(scores[0])
            _members_removed(context, key, found, highest, 1)
            if context.is_recording:
                context.record_instead([b"ZPOPMAX" if highest else b"ZPOPMIN", key])
            return
    context.block(argv, keys, _TYPE, deadline_ms)


# From one of several keys.


def _several_sorted_sets(argv: list[bytes], start: i64) -> SeveralKeys:
    return SeveralKeys(argv, start, b"MIN", b"MAX")


def _pop_from_first(context: Context, wanted: SeveralKeys) -> bool:
    """Pop members of the first sorted set that exists, and reply with its key and them; False if none exists."""
    highest = wanted.at_high_end
    for key in wanted.keys:
        found = sorted_set_to_write(context, key)
        if found is not None:
            reply = context.reply
            scores: list[float] = []
            members = _take(found, wanted.count, highest, scores)
            reply.array(2)
            reply.bulk(key)
            reply.array(len(members))
            for at, member in enumerate(members):
                reply.array(2)
                reply.bulk(member)
                reply.double(scores[at])
            _members_removed(context, key, found, highest, len(members))
            if context.is_recording:
                context.record_instead([b"ZPOPMAX" if highest else b"ZPOPMIN", key, b"%d" % len(members)])
            return True
    return False


@sorted_set_pops.command(
    "zmpop",
    arity=-4,
    flags=WRITE | MOVABLE_KEYS,
    keys=(counted_keys(READ_WRITE, ACCESS, DELETE, index=1),),
    acl="sortedset",
    since="7.0.0",
    complexity=_OF_KEYS,
    summary="Removes and returns members with the lowest or highest scores of the first sorted set that exists.",
    syntax="numkeys key [key ...] <MIN | MAX> [COUNT count]",
)
def zmpop(context: Context, argv: list[bytes]) -> None:
    if not _pop_from_first(context, _several_sorted_sets(argv, 1)):
        context.reply.null_array()


@sorted_set_pops.command(
    "bzmpop",
    arity=-5,
    flags=WRITE | BLOCKING | MOVABLE_KEYS,
    keys=(counted_keys(READ_WRITE, ACCESS, DELETE, index=2),),
    acl="sortedset",
    since="7.0.0",
    complexity=_OF_KEYS,
    summary="Removes and returns members with the lowest or highest scores; blocks until one of the keys has some.",
    syntax="timeout:double numkeys key [key ...] <MIN | MAX> [COUNT count]",
)
def bzmpop(context: Context, argv: list[bytes]) -> None:
    wanted = _several_sorted_sets(argv, 2)
    deadline_ms = deadline_of_seconds(argv[1], context.keyspace.now_ms())
    if not _pop_from_first(context, wanted):
        context.block(argv, wanted.keys, _TYPE, deadline_ms)
