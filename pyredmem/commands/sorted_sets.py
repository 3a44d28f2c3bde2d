"""Commands of the group *sorted-set* on single members: scores and ranks.

ZADD with one pair and no options is among the shortest paths of the server. The other commands are in
`sorted_set_ranges`, `sorted_set_pops`, `sorted_set_operations` (several sets) and `sorted_set_walks` (ZSCAN and
ZRANDMEMBER).
"""

from __future__ import annotations

from math import isnan
from typing import Final

from mypy_extensions import i64

from pyredmem.base.errors import NOT_A_FLOAT, SYNTAX_ERROR, WRONG_TYPE, CommandError, wrong_arity
from pyredmem.base.numbers import parse_double
from pyredmem.engine.command import (
    ACCESS,
    DELETE,
    DENYOOM,
    FAST,
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
from pyredmem.objects.object import RedisObject
from pyredmem.objects.sorted_set import ADDED, UPDATED, SortedSetObject, new_sorted_set

sorted_sets: Final = Group("sorted-set")

# Options of ZADD.
_NX: Final = 1
_XX: Final = 2
_GT: Final = 4
_LT: Final = 8
_CH: Final = 16
_INCR: Final = 32
_OPTIONS: Final = {b"NX": _NX, b"XX": _XX, b"GT": _GT, b"LT": _LT, b"CH": _CH, b"INCR": _INCR}

_NX_WITH_XX: Final = b"ERR XX and NX options at the same time are not compatible"
_NX_GT_LT: Final = b"ERR GT, LT, and/or NX options at the same time are not compatible"
_INCR_OF_MANY: Final = b"ERR INCR option supports a single increment-element pair"
_SUM_IS_NAN: Final = b"ERR resulting score is not a number (NaN)"

_OF_A_MEMBER: Final = "O(log(N)) where N is the number of members."
_WITH_SCORE: Final = (("7.2.0", "Added the `WITHSCORE` option."),)


def sorted_set_value(value: RedisObject) -> SortedSetObject:
    """The value as a sorted set; an error if it has another type."""
    if isinstance(value, SortedSetObject):
        return value
    raise CommandError(WRONG_TYPE)


def sorted_set_to_read(context: Context, key: bytes) -> SortedSetObject | None:
    """The sorted set of a key, for a command that reads it; None if there is no such key."""
    value = context.db.read(key)
    return None if value is None else sorted_set_value(value)


def sorted_set_to_write(context: Context, key: bytes) -> SortedSetObject | None:
    """The sorted set of a key, for a command that changes it; None if there is no such key."""
    value = context.db.write(key)
    return None if value is None else sorted_set_value(value)


def reply_members(context: Context, members: list[bytes], scores: list[float] | None) -> None:
    """Reply with members, alone or with scores: as pairs in RESP3, one after the other in RESP2."""
    reply = context.reply
    if scores is None:
        reply.bulks(members)
        return
    nested = reply.protocol > 2
    count: i64 = len(members)
    reply.array(count if nested else 2 * count)
    at: i64 = 0
    while at < count:
        if nested:
            reply.array(2)
        reply.bulk(members[at])
        reply.double(scores[at])
        at += 1


# Changing.


@sorted_sets.command(
    "zadd",
    arity=-4,
    flags=WRITE | DENYOOM | FAST,
    keys=(key_at(READ_WRITE, UPDATE),),
    acl="sortedset",
    since="1.2.0",
    complexity="O(log(N)) for each pair, where N is the number of members.",
    summary="Sets the scores of members of a sorted set; creates members and the key as needed.",
    syntax="key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]",
    history=(
        ("2.4.0", "Accepts multiple pairs."),
        ("3.0.2", "Added the `XX`, `NX`, `CH` and `INCR` options."),
        ("6.2.0", "Added the `GT` and `LT` options."),
    ),
)
def zadd(context: Context, argv: list[bytes]) -> None:
    if len(argv) != 4:
        _add(context, argv, 0)
        return
    text = argv[2]
    if text.isdigit():
        score = float(text)
    else:
        number = parse_double(text, context.engine.profile.has_hexadecimal_scores)
        if number is None:
            _add(context, argv, 0)
            return
        score = number
    key = argv[1]
    keyspace = context.keyspace
    limits = keyspace.limits
    value = context.db.write(key)
    if value is None:
        found = new_sorted_set(keyspace.allocator, limits, 1, len(argv[3]))
        context.db.add(key, found)
    elif isinstance(value, SortedSetObject):
        found = value
        found.expect(1, limits, keyspace.rng)
    else:
        raise CommandError(WRONG_TYPE)
    done = found.add(argv[3], score, limits, keyspace.rng)
    if done != 0:
        context.changed(key, events.SORTED_SET, b"zadd")
    context.reply.integer(1 if done == ADDED else 0)


@sorted_sets.command(
    "zincrby",
    arity=4,
    flags=WRITE | DENYOOM | FAST,
    keys=(key_at(READ_WRITE, ACCESS, UPDATE),),
    acl="sortedset",
    since="1.2.0",
    complexity=_OF_A_MEMBER,
    summary="Adds a number to the score of a member of a sorted set; a missing member counts as 0.",
    syntax="key increment member",
)
def zincrby(context: Context, argv: list[bytes]) -> None:
    """The options of ZADD are accepted here too, as in Redis."""
    _add(context, argv, _INCR)


def _add(context: Context, argv: list[bytes], given: i64) -> None:
    """Run ZADD or ZINCRBY in their general form."""
    start: i64 = 2
    while start < len(argv):
        option = _OPTIONS.get(argv[start].upper(), 0)
        if option == 0:
            break
        given |= option
        start += 1
    scores = _scores(context, argv, start, given)
    key = argv[1]
    value = context.db.write(key)
    if value is None:
        if given & _XX:
            _reply_added(context, given, 0, 0, None)
            return
        keyspace = context.keyspace
        found = new_sorted_set(keyspace.allocator, keyspace.limits, len(scores), len(argv[start + 1]))
        context.db.add(key, found)
    else:
        found = sorted_set_value(value)
        found.expect(len(scores), context.keyspace.limits, context.keyspace.rng)
    if context.engine.profile.converts_for_named_members:
        found.expect_members(argv, start + 1, context.keyspace.limits, context.keyspace.rng)
    _put_all(context, argv, start, given, found, scores)


def _scores(context: Context, argv: list[bytes], start: i64, given: i64) -> list[float]:
    """The scores among the arguments; an error if one is not a number or if options exclude each other."""
    count: i64 = len(argv) - start
    if count == 0 or count % 2 == 1:
        raise CommandError(SYNTAX_ERROR)
    if given & _NX and given & _XX:
        raise CommandError(_NX_WITH_XX)
    if (given & _GT and given & (_NX | _LT)) or (given & _LT and given & _NX):
        raise CommandError(_NX_GT_LT)
    if given & _INCR and count > 2:
        raise CommandError(_INCR_OF_MANY)
    scores: list[float] = []
    allows_hexadecimal = context.engine.profile.has_hexadecimal_scores
    while start < len(argv):
        score = parse_double(argv[start], allows_hexadecimal)
        if score is None:
            raise CommandError(NOT_A_FLOAT)
        scores.append(score)
        start += 2
    return scores


def _put_all(
    context: Context, argv: list[bytes], start: i64, given: i64, found: SortedSetObject, scores: list[float]
) -> None:
    """Add or update the pairs as the options allow, notify and reply."""
    limits = context.keyspace.limits
    rng = context.keyspace.rng
    added: i64 = 0
    updated: i64 = 0
    result: float | None = None
    at = start + 1
    for asked in scores:
        member = argv[at]
        at += 2
        score = asked
        old = found.content.score(member)
        is_new = isnan(old)
        if not is_new and given & _INCR and not given & _NX:
            score += old
            if isnan(score):
                raise CommandError(_SUM_IS_NAN)
        if _excluded(given, old, score, is_new):
            continue
        done = found.put(member, old, score, limits, rng)
        result = score
        if done == ADDED:
            added += 1
        elif done == UPDATED:
            updated += 1
    if added + updated > 0:
        context.changed(argv[1], events.SORTED_SET, b"zincr" if given & _INCR else b"zadd", added + updated)
    _reply_added(context, given, added, updated, result)


def _excluded(given: i64, old: float, score: float, is_new: bool) -> bool:
    """Whether the options forbid adding or updating a member."""
    if is_new:
        return given & _XX != 0
    return given & _NX != 0 or (given & _GT != 0 and score <= old) or (given & _LT != 0 and score >= old)


def _reply_added(context: Context, given: i64, added: i64, updated: i64, result: float | None) -> None:
    if not given & _INCR:
        context.reply.integer(added + updated if given & _CH else added)
    elif result is None:
        context.reply.null()
    else:
        context.reply.double(result)


@sorted_sets.command(
    "zrem",
    arity=-3,
    flags=WRITE | FAST,
    keys=(key_at(READ_WRITE, DELETE),),
    acl="sortedset",
    since="1.2.0",
    complexity="O(M*log(N)) where N is the number of members and M that of those to remove.",
    summary="Removes members from a sorted set. A sorted set without members is deleted.",
    syntax="key member [member ...]",
    history=(("2.4.0", "Accepts multiple members."),),
)
def zrem(context: Context, argv: list[bytes]) -> None:
    """Stop as soon as the sorted set is empty."""
    key = argv[1]
    found = sorted_set_to_write(context, key)
    if found is None:
        context.reply.integer(0)
        return
    removed: i64 = 0
    found.pause_shrinking()
    for at in range(2, len(argv)):
        if found.remove(argv[at]):
            removed += 1
            if found.length() == 0:
                break
    found.resume_shrinking()
    if removed > 0:
        context.removed(key, events.SORTED_SET, b"zrem", removed, found.length() == 0)
    context.reply.integer(removed)


# Reading.


@sorted_sets.command(
    "zcard",
    arity=2,
    flags=READONLY | FAST,
    keys=(key_at(READ_ONLY),),
    acl="sortedset",
    since="1.2.0",
    complexity="O(1)",
    summary="Counts the members of a sorted set.",
    syntax="key",
)
def zcard(context: Context, argv: list[bytes]) -> None:
    found = sorted_set_to_read(context, argv[1])
    context.reply.integer(0 if found is None else found.length())


@sorted_sets.command(
    "zscore",
    arity=3,
    flags=READONLY | FAST,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="sortedset",
    since="1.2.0",
    complexity="O(1)",
    summary="Returns the score of a member of a sorted set.",
    syntax="key member",
)
def zscore(context: Context, argv: list[bytes]) -> None:
    found = sorted_set_to_read(context, argv[1])
    if found is None:
        context.reply.null()
    else:
        _reply_score(context, found.content.score(argv[2]))


@sorted_sets.command(
    "zmscore",
    arity=-3,
    flags=READONLY | FAST,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="sortedset",
    since="6.2.0",
    complexity="O(N) where N is the number of requested members.",
    summary="Returns the scores of several members of a sorted set; null for a member that does not exist.",
    syntax="key member [member ...]",
)
def zmscore(context: Context, argv: list[bytes]) -> None:
    found = sorted_set_to_read(context, argv[1])
    context.reply.array(len(argv) - 2)
    for at in range(2, len(argv)):
        if found is None:
            context.reply.null()
        else:
            _reply_score(context, found.content.score(argv[at]))


def _reply_score(context: Context, score: float) -> None:
    """Reply with a score; with null if it is NaN, which means that there is no such member."""
    if isnan(score):
        context.reply.null()
    else:
        context.reply.double(score)


@sorted_sets.command(
    "zrank",
    arity=-3,
    flags=READONLY | FAST,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="sortedset",
    since="2.0.0",
    complexity=_OF_A_MEMBER,
    summary="Returns the rank of a member in ascending order of scores.",
    syntax="key member [WITHSCORE]",
    history=_WITH_SCORE,
)
def zrank(context: Context, argv: list[bytes]) -> None:
    _rank(context, argv, b"zrank", False)


@sorted_sets.command(
    "zrevrank",
    arity=-3,
    flags=READONLY | FAST,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="sortedset",
    since="2.0.0",
    complexity=_OF_A_MEMBER,
    summary="Returns the rank of a member in descending order of scores.",
    syntax="key member [WITHSCORE]",
    history=_WITH_SCORE,
)
def zrevrank(context: Context, argv: list[bytes]) -> None:
    _rank(context, argv, b"zrevrank", True)


def _rank(context: Context, argv: list[bytes], command: bytes, reverse: bool) -> None:
    if len(argv) > 4:
        raise wrong_arity(command)
    with_score = len(argv) > 3
    if with_score and argv[3].upper() != b"WITHSCORE":
        raise CommandError(SYNTAX_ERROR)
    reply = context.reply
    found = sorted_set_to_read(context, argv[1])
    if found is not None:
        score = found.content.score(argv[2])
        if not isnan(score):
            rank = found.order().rank(score, argv[2])
            if reverse:
                rank = found.length() - 1 - rank
            if with_score:
                reply.array(2)
            reply.integer(rank)
            if with_score:
                reply.double(score)
            return
    if with_score:
        reply.null_array()
    else:
        reply.null()
