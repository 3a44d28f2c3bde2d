"""Commands of the group *sorted-set* on ranges of members: by rank, by score, or by member.

Every range is first converted to a range of ranks. From there on all commands work alike: LIMIT narrows the range, REV
reads it backwards, and its members are returned, stored, counted or removed.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.errors import SYNTAX_ERROR, CommandError
from pyredmem.commands.destinations import store_or_delete
from pyredmem.commands.sorted_set_bounds import BY_LEX, BY_RANK, BY_SCORE, Bounds
from pyredmem.commands.sorted_sets import reply_members, sorted_set_to_read, sorted_set_to_write
from pyredmem.config.profiles import Profile
from pyredmem.engine.arguments import Arguments
from pyredmem.engine.command import (
    ACCESS,
    DELETE,
    DENYOOM,
    FAST,
    OVERWRITE,
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
from pyredmem.objects.sorted_set import SortedSetObject, new_sorted_set

sorted_set_ranges: Final = Group("sorted-set")

_OF_MANY: Final = "O(log(N)+M) where N is the number of members and M that of those in the range."
_COUNTED: Final = "O(log(N)) where N is the number of members."
_LIMIT_BY_RANK: Final = (
    b"ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"
)  # fmt: skip
_SCORES_BY_LEX: Final = b"ERR syntax error, WITHSCORES not supported in combination with BYLEX"

#: The kind or the direction of the range is not fixed by the command, but given by an option.
_OPEN: Final = -1


class _Range:
    """The arguments of a command of the ZRANGE family: the bounds, and what to do with the members between them."""

    def __init__(self, profile: Profile, argv: list[bytes], start: i64, kind: i64, reverse: i64, stores: bool) -> None:
        self.offset = 0
        self.limit = -1
        self._counts_from_end = profile.counts_offsets_from_end
        self.with_scores = False
        self._read_options(Arguments(argv, start + 2), kind, reverse, stores)
        self.reverse = reverse == 1 or self._asked_reverse
        kind = self._asked_kind if kind == _OPEN else kind
        if self.limit != -1 and kind == BY_RANK:
            raise CommandError(_LIMIT_BY_RANK)
        if self.with_scores and kind == BY_LEX:
            raise CommandError(_SCORES_BY_LEX)
        swapped = self.reverse and kind != BY_RANK
        low, high = argv[start], argv[start + 1]
        self.bounds = Bounds(profile, kind, high, low) if swapped else Bounds(profile, kind, low, high)

    def _read_options(self, arguments: Arguments, kind: i64, reverse: i64, stores: bool) -> None:
        asked_kind: i64 = _OPEN
        self._asked_reverse = False
        while arguments.left() > 0:
            option = arguments.word()
            if option == b"WITHSCORES" and not stores:
                self.with_scores = True
            elif option == b"LIMIT" and arguments.left() >= 2:
                self.offset = arguments.integer()
                self.limit = arguments.integer()
            elif option == b"REV" and reverse == _OPEN and not self._asked_reverse:
                self._asked_reverse = True
            elif option in (b"BYSCORE", b"BYLEX") and kind == _OPEN and asked_kind == _OPEN:
                asked_kind = BY_SCORE if option == b"BYSCORE" else BY_LEX
            else:
                raise CommandError(SYNTAX_ERROR)
        self._asked_kind: i64 = BY_RANK if asked_kind == _OPEN else asked_kind

    def ranks(self, found: SortedSetObject) -> tuple[i64, i64]:
        """The first rank and the number of ranks, in ascending order."""
        start, end = self.bounds.ranks(found, self.reverse)
        if self.bounds.kind == BY_RANK:
            return start, end - start
        offset = self.offset
        if offset < 0 and self._counts_from_end and found.content.table() is not None:
            offset += end - start
        if offset < 0 or offset >= end - start:
            return 0, 0
        count = end - start - offset
        if 0 <= self.limit < count:
            count = self.limit
        return (end - offset - count if self.reverse else start + offset), count

    def members(self, found: SortedSetObject, start: i64, count: i64) -> list[bytes]:
        """The members of a range of ranks, in the requested order."""
        members = found.order().members(start, count)
        if self.reverse:
            members.reverse()
        return members

    def scores(self, found: SortedSetObject, start: i64, count: i64) -> list[float]:
        """The scores of a range of ranks, in the requested order."""
        scores = found.order().scores(start, count)
        if self.reverse:
            scores.reverse()
        return scores


def _reply_range(context: Context, argv: list[bytes], kind: i64, reverse: i64) -> None:
    """Run a command of the ZRANGE family."""
    wanted = _Range(context.engine.profile, argv, 2, kind, reverse, False)
    found = sorted_set_to_read(context, argv[1])
    if found is None:
        context.reply.array(0)
        return
    start, count = wanted.ranks(found)
    members = wanted.members(found, start, count)
    reply_members(context, members, wanted.scores(found, start, count) if wanted.with_scores else None)


@sorted_set_ranges.command(
    "zrange",
    arity=-4,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="sortedset",
    since="1.2.0",
    complexity=_OF_MANY,
    summary="Returns the members in a range of ranks, scores or members.",
    syntax="key start:string stop:string [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]",
    history=(("6.2.0", "Added the `REV`, `BYSCORE`, `BYLEX` and `LIMIT` options."),),
)
def zrange(context: Context, argv: list[bytes]) -> None:
    _reply_range(context, argv, _OPEN, _OPEN)


@sorted_set_ranges.command(
    "zrevrange",
    arity=-4,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="sortedset",
    since="1.2.0",
    complexity=_OF_MANY,
    summary="Returns the members in a range of ranks, in descending order.",
    syntax="key start stop [WITHSCORES]",
    deprecated=("6.2.0", "`ZRANGE` with the `REV` argument"),
)
def zrevrange(context: Context, argv: list[bytes]) -> None:
    _reply_range(context, argv, BY_RANK, 1)


@sorted_set_ranges.command(
    "zrangebyscore",
    arity=-4,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="sortedset",
    since="1.0.5",
    complexity=_OF_MANY,
    summary="Returns the members in a range of scores.",
    syntax="key min:double max:double [WITHSCORES] [LIMIT offset count]",
    history=(("2.0.0", "Added the `WITHSCORES` option."),),
    deprecated=("6.2.0", "`ZRANGE` with the `BYSCORE` argument"),
)
def zrangebyscore(context: Context, argv: list[bytes]) -> None:
    _reply_range(context, argv, BY_SCORE, 0)


@sorted_set_ranges.command(
    "zrevrangebyscore",
    arity=-4,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="sortedset",
    since="2.2.0",
    complexity=_OF_MANY,
    summary="Returns the members in a range of scores, in descending order.",
    syntax="key max:double min:double [WITHSCORES] [LIMIT offset count]",
    history=(("2.1.6", "Accepts exclusive bounds."),),
    deprecated=("6.2.0", "`ZRANGE` with the `REV` and `BYSCORE` arguments"),
)
def zrevrangebyscore(context: Context, argv: list[bytes]) -> None:
    _reply_range(context, argv, BY_SCORE, 1)


@sorted_set_ranges.command(
    "zrangebylex",
    arity=-4,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="sortedset",
    since="2.8.9",
    complexity=_OF_MANY,
    summary="Returns the members in a range of members, if all scores are equal.",
    syntax="key min:string max:string [LIMIT offset count]",
    deprecated=("6.2.0", "`ZRANGE` with the `BYLEX` argument"),
)
def zrangebylex(context: Context, argv: list[bytes]) -> None:
    _reply_range(context, argv, BY_LEX, 0)


@sorted_set_ranges.command(
    "zrevrangebylex",
    arity=-4,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="sortedset",
    since="2.8.9",
    complexity=_OF_MANY,
    summary="Returns the members in a range of members in descending order, if all scores are equal.",
    syntax="key max:string min:string [LIMIT offset count]",
    deprecated=("6.2.0", "`ZRANGE` with the `REV` and `BYLEX` arguments"),
)
def zrevrangebylex(context: Context, argv: list[bytes]) -> None:
    _reply_range(context, argv, BY_LEX, 1)


@sorted_set_ranges.command(
    "zrangestore",
    arity=-5,
    flags=WRITE | DENYOOM,
    keys=(key_at(OVERWRITE, UPDATE), key_at(READ_ONLY, ACCESS, index=2)),
    acl="sortedset",
    since="6.2.0",
    complexity=_OF_MANY,
    summary="Stores a range of members of a sorted set in another key.",
    syntax="dst:key src:key min:string max:string [BYSCORE | BYLEX] [REV] [LIMIT offset count]",
)
def zrangestore(context: Context, argv: list[bytes]) -> None:
    """Members are added one by one, and only with a range of ranks is the size known beforehand, as in Redis."""
    wanted = _Range(context.engine.profile, argv, 3, _OPEN, _OPEN, True)
    found = sorted_set_to_read(context, argv[2])
    if found is None:
        store_result(context, argv[1], None, b"")
        return
    start, count = wanted.ranks(found)
    if count == 0:
        store_result(context, argv[1], None, b"")
        return
    keyspace = context.keyspace
    limits = keyspace.limits
    made = new_sorted_set(keyspace.allocator, limits, count if wanted.bounds.kind == BY_RANK else 0)
    scores = wanted.scores(found, start, count)
    for at, member in enumerate(wanted.members(found, start, count)):
        made.add(member, scores[at], limits, keyspace.rng)
    store_result(context, argv[1], made, b"zrangestore")


def store_result(context: Context, key: bytes, result: SortedSetObject | None, event: bytes) -> None:
    """Store a result in a key and reply with its length; without a result the key is deleted."""
    store_or_delete(context, key, result, events.SORTED_SET, event)
    context.reply.integer(0 if result is None else result.length())


# Counting.


@sorted_set_ranges.command(
    "zcount",
    arity=4,
    flags=READONLY | FAST,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="sortedset",
    since="2.0.0",
    complexity=_COUNTED,
    summary="Counts the members in a range of scores.",
    syntax="key min:double max:double",
)
def zcount(context: Context, argv: list[bytes]) -> None:
    _reply_count(context, argv, BY_SCORE)


@sorted_set_ranges.command(
    "zlexcount",
    arity=4,
    flags=READONLY | FAST,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="sortedset",
    since="2.8.9",
    complexity=_COUNTED,
    summary="Counts the members in a range of members, if all scores are equal.",
    syntax="key min:string max:string",
)
def zlexcount(context: Context, argv: list[bytes]) -> None:
    _reply_count(context, argv, BY_LEX)


def _reply_count(context: Context, argv: list[bytes], kind: i64) -> None:
    bounds = Bounds(context.engine.profile, kind, argv[2], argv[3])
    found = sorted_set_to_read(context, argv[1])
    if found is None:
        context.reply.integer(0)
        return
    start, end = bounds.ranks(found, False)
    context.reply.integer(end - start)


# Removing.


@sorted_set_ranges.command(
    "zremrangebyrank",
    arity=4,
    flags=WRITE,
    keys=(key_at(READ_WRITE, DELETE),),
    acl="sortedset",
    since="2.0.0",
    complexity=_OF_MANY,
    summary="Removes the members in a range of ranks. A sorted set without members is deleted.",
    syntax="key start stop",
)
def zremrangebyrank(context: Context, argv: list[bytes]) -> None:
    _remove_range(context, argv, BY_RANK, b"zremrangebyrank")


@sorted_set_ranges.command(
    "zremrangebyscore",
    arity=4,
    flags=WRITE,
    keys=(key_at(READ_WRITE, DELETE),),
    acl="sortedset",
    since="1.2.0",
    complexity=_OF_MANY,
    summary="Removes the members in a range of scores. A sorted set without members is deleted.",
    syntax="key min:double max:double",
)
def zremrangebyscore(context: Context, argv: list[bytes]) -> None:
    _remove_range(context, argv, BY_SCORE, b"zremrangebyscore")


@sorted_set_ranges.command(
    "zremrangebylex",
    arity=4,
    flags=WRITE,
    keys=(key_at(READ_WRITE, DELETE),),
    acl="sortedset",
    since="2.8.9",
    complexity=_OF_MANY,
    summary="Removes the members in a range of members, if all scores are equal.",
    syntax="key min:string max:string",
)
def zremrangebylex(context: Context, argv: list[bytes]) -> None:
    _remove_range(context, argv, BY_LEX, b"zremrangebylex")


def _remove_range(context: Context, argv: list[bytes], kind: i64, event: bytes) -> None:
    bounds = Bounds(context.engine.profile, kind, argv[2], argv[3])
    key = argv[1]
    found = sorted_set_to_write(context, key)
    if found is None:
        context.reply.integer(0)
        return
    start, end = bounds.ranks(found, False)
    if end > start:
        found.remove_all(found.order().members(start, end - start))
        context.changed(key, events.SORTED_SET, event, end - start)
        if found.length() == 0:
            context.delete_emptied(key)
    context.reply.integer(end - start)
