"""Commands of the group *sorted-set* on several sets: union, intersection, difference, and their STORE forms.

Plain sets count as sorted sets in which every score is 1. Scores are added in the order of Redis, the smallest set
first, because the order can change the last digit of a sum.
"""

from __future__ import annotations

from math import isnan, nan
from typing import Final

from mypy_extensions import i64

from pyredmem.base.errors import SYNTAX_ERROR, WRONG_TYPE, CommandError
from pyredmem.base.numbers import parse_double
from pyredmem.commands.counts import LIMIT_NEGATIVE, at_least
from pyredmem.commands.sorted_set_ranges import store_result
from pyredmem.commands.sorted_sets import reply_members
from pyredmem.engine.arguments import Arguments
from pyredmem.engine.command import (
    ACCESS,
    DENYOOM,
    MOVABLE_KEYS,
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
from pyredmem.objects.set import SetObject
from pyredmem.objects.sorted_set import Item, SortedSetObject, build_sorted_set

sorted_set_operations: Final = Group("sorted-set")

_UNION: Final = 0
_INTERSECTION: Final = 1
_DIFFERENCE: Final = 2
_COUNT: Final = 3  # the number of members of an intersection

_SUM: Final = 0
_MIN: Final = 1
_MAX: Final = 2
_AGGREGATES: Final = {b"SUM": _SUM, b"MIN": _MIN, b"MAX": _MAX}

_WEIGHT_NOT_A_FLOAT: Final = b"ERR weight value is not a float"

_UNION_COST: Final = "O(N)+O(M*log(M)) where N is the number of members of all sets together and M that of the result."
_INTERSECTION_COST: Final = "O(N*K)+O(M*log(M)) at worst, with N members in the smallest of K sets and M in the result."
_DIFFERENCE_COST: Final = "O(N*K)+O(M*log(M)) at worst, with N members in the first of K sets and M in the result."
_WEIGHTED: Final = "numkeys key [key ...] [WEIGHTS weight:integer [weight:integer ...]] [AGGREGATE <SUM | MIN | MAX>]"


class _Source:
    """A set or a sorted set that the operation reads, or a key that does not exist."""

    def __init__(self, plain: SetObject | None, scored: SortedSetObject | None) -> None:
        self.plain = plain
        self.scored = scored
        self.weight = 1.0

    def length(self) -> int:
        """The number of members."""
        if self.scored is not None:
            return self.scored.length()
        return 0 if self.plain is None else self.plain.length()

    def score(self, member: bytes) -> float:
        """The score of a member; NaN if there is no such member."""
        if self.scored is not None:
            return self.scored.content.score(member)
        return 1.0 if self.plain is not None and self.plain.contains(member) else nan

    def is_same(self, other: _Source) -> bool:
        """Whether both are the very same value."""
        if self.scored is not None:
            return self.scored is other.scored
        return self.plain is not None and self.plain is other.plain

    def items(self) -> list[Item]:
        """All members with their scores."""
        if self.scored is not None:
            return self.scored.items()
        return [] if self.plain is None else [(member, 1.0) for member in self.plain.members()]


def _source(context: Context, key: bytes) -> _Source:
    value = context.db.read(key)
    if value is None:
        return _Source(None, None)
    if isinstance(value, SortedSetObject):
        return _Source(None, value)
    if isinstance(value, SetObject):
        return _Source(value, None)
    raise CommandError(WRONG_TYPE)


def _length(source: _Source) -> int:
    return source.length()


def _in_order(item: Item) -> tuple[float, bytes]:
    return item[1], item[0]


class _Operation:
    """The arguments from ``numkeys`` on. The keys are looked up before the options are read, as in Redis."""

    def __init__(self, context: Context, argv: list[bytes], kind: i64, command: bytes, stores: bool = False) -> None:
        self.kind: i64 = kind
        self.aggregate: i64 = _SUM
        self.with_scores = False
        self.limit = 0
        arguments = Arguments(argv, 2 if stores else 1)
        count = arguments.integer()
        if count < 1:
            raise CommandError(b"ERR at least 1 input key is needed for '" + command + b"' command")
        if count > arguments.left():
            raise CommandError(SYNTAX_ERROR)
        self.sources = [_source(context, arguments.next()) for _ in range(count)]
        self._read_options(context, arguments, stores)
        if kind != _DIFFERENCE:
            self.sources.sort(key=_length)

    def _read_options(self, context: Context, arguments: Arguments, stores: bool) -> None:
        is_weighted = self.kind in (_UNION, _INTERSECTION)
        while arguments.left() > 0:
            option = arguments.word()
            if option == b"WEIGHTS" and is_weighted and arguments.left() >= len(self.sources):
                for source in self.sources:
                    source.weight = _weight(context, arguments.next())
            elif option == b"AGGREGATE" and is_weighted and arguments.left() > 0:
                self.aggregate = _AGGREGATES.get(arguments.word(), -1)
                if self.aggregate < 0:
                    raise CommandError(SYNTAX_ERROR)
            elif option == b"WITHSCORES" and not stores and self.kind != _COUNT:
                self.with_scores = True
            elif option == b"LIMIT" and self.kind == _COUNT and arguments.left() > 0:
                self.limit = at_least(0, arguments.next(), LIMIT_NEGATIVE)
            else:
                raise CommandError(SYNTAX_ERROR)

    def result(self) -> list[Item]:
        """The members of the result with their scores, unsorted."""
        if self.kind == _UNION:
            return self._union()
        if self.kind == _INTERSECTION:
            return self._intersection()
        first = self.sources[0]
        others = self.sources[1:]
        if any(first.is_same(other) for other in others):
            return []
        return [item for item in first.items() if all(isnan(other.score(item[0])) for other in others)]

    def _union(self) -> list[Item]:
        totals: dict[bytes, float] = {}
        for source in self.sources:
            for member, score in source.items():
                value = _not_nan(source.weight * score)
                old = totals.get(member)
                totals[member] = value if old is None else self._join(old, value)
        return list(totals.items())

    def _intersection(self) -> list[Item]:
        first = self.sources[0]
        others = self.sources[1:]
        found: list[Item] = []
        for member, score in first.items():
            total = _not_nan(first.weight * score)
            for other in others:
                value = score if other.is_same(first) else other.score(member)
                if isnan(value):
                    break
                total = self._join(total, value * other.weight)
            else:
                found.append((member, total))
        return found

    def _join(self, total: float, value: float) -> float:
        """Combine two scores of a member; infinities that cancel each other give 0."""
        if self.aggregate == _SUM:
            return _not_nan(total + value)
        if self.aggregate == _MIN:
            return value if value < total else total
        return value if value > total else total

    def count(self) -> int:
        """The number of members that all sources have, at most ``limit`` unless it is 0."""
        first = self.sources[0]
        others = self.sources[1:]
        found = 0
        for item in first.items():
            if all(not isnan(other.score(item[0])) for other in others):
                found += 1
                if found == self.limit:
                    break
        return found


def _not_nan(score: float) -> float:
    return 0.0 if isnan(score) else score


def _weight(context: Context, argument: bytes) -> float:
    weight = parse_double(argument, context.engine.profile.has_hexadecimal_scores)
    if weight is None:
        raise CommandError(_WEIGHT_NOT_A_FLOAT)
    return weight


def _reply(context: Context, argv: list[bytes], kind: i64, command: bytes) -> None:
    operation = _Operation(context, argv, kind, command)
    items = sorted(operation.result(), key=_in_order)
    scores = [score for _, score in items] if operation.with_scores else None
    reply_members(context, [member for member, _ in items], scores)


def _store(context: Context, argv: list[bytes], kind: i64, command: bytes) -> None:
    items = _Operation(context, argv, kind, command, stores=True).result()
    if not items:
        store_result(context, argv[1], None, command)
        return
    keyspace = context.keyspace
    made = build_sorted_set(items, keyspace.allocator, keyspace.limits, keyspace.rng, presized=kind == _UNION)
    store_result(context, argv[1], made, command)


@sorted_set_operations.command(
    "zunion",
    arity=-3,
    flags=READONLY | MOVABLE_KEYS,
    keys=(counted_keys(READ_ONLY, ACCESS, index=1),),
    acl="sortedset",
    since="6.2.0",
    complexity=_UNION_COST,
    summary="Returns the union of several sorted sets.",
    syntax=f"{_WEIGHTED} [WITHSCORES]",
)
def zunion(context: Context, argv: list[bytes]) -> None:
    _reply(context, argv, _UNION, b"zunion")


@sorted_set_operations.command(
    "zinter",
    arity=-3,
    flags=READONLY | MOVABLE_KEYS,
    keys=(counted_keys(READ_ONLY, ACCESS, index=1),),
    acl="sortedset",
    since="6.2.0",
    complexity=_INTERSECTION_COST,
    summary="Returns the intersection of several sorted sets.",
    syntax=f"{_WEIGHTED} [WITHSCORES]",
)
def zinter(context: Context, argv: list[bytes]) -> None:
    _reply(context, argv, _INTERSECTION, b"zinter")


@sorted_set_operations.command(
    "zdiff",
    arity=-3,
    flags=READONLY | MOVABLE_KEYS,
    keys=(counted_keys(READ_ONLY, ACCESS, index=1),),
    acl="sortedset",
    since="6.2.0",
    complexity=_DIFFERENCE_COST,
    summary="Returns the members of the first sorted set that are in none of the others.",
    syntax="numkeys key [key ...] [WITHSCORES]",
)
def zdiff(context: Context, argv: list[bytes]) -> None:
    _reply(context, argv, _DIFFERENCE, b"zdiff")


@sorted_set_operations.command(
    "zunionstore",
    arity=-4,
    flags=WRITE | DENYOOM | MOVABLE_KEYS,
    keys=(key_at(OVERWRITE, UPDATE), counted_keys(READ_ONLY, ACCESS, index=2)),
    acl="sortedset",
    since="2.0.0",
    complexity=_UNION_COST,
    summary="Stores the union of several sorted sets in a key.",
    syntax=f"destination {_WEIGHTED}",
)
def zunionstore(context: Context, argv: list[bytes]) -> None:
    _store(context, argv, _UNION, b"zunionstore")


@sorted_set_operations.command(
    "zinterstore",
    arity=-4,
    flags=WRITE | DENYOOM | MOVABLE_KEYS,
    keys=(key_at(OVERWRITE, UPDATE), counted_keys(READ_ONLY, ACCESS, index=2)),
    acl="sortedset",
    since="2.0.0",
    complexity=_INTERSECTION_COST,
    summary="Stores the intersection of several sorted sets in a key.",
    syntax=f"destination {_WEIGHTED}",
)
def zinterstore(context: Context, argv: list[bytes]) -> None:
    _store(context, argv, _INTERSECTION, b"zinterstore")


@sorted_set_operations.command(
    "zdiffstore",
    arity=-4,
    flags=WRITE | DENYOOM | MOVABLE_KEYS,
    keys=(key_at(OVERWRITE, UPDATE), counted_keys(READ_ONLY, ACCESS, index=2)),
    acl="sortedset",
    since="6.2.0",
    complexity=_DIFFERENCE_COST,
    summary="Stores the members of the first sorted set that are in none of the others in a key.",
    syntax="destination numkeys key [key ...]",
)
def zdiffstore(context: Context, argv: list[bytes]) -> None:
    _store(context, argv, _DIFFERENCE, b"zdiffstore")


@sorted_set_operations.command(
    "zintercard",
    arity=-3,
    flags=READONLY | MOVABLE_KEYS,
    keys=(counted_keys(READ_ONLY, ACCESS, index=1),),
    acl="sortedset",
    since="7.0.0",
    complexity="O(N*K) at worst, with N members in the smallest of K sets.",
    summary="Returns the number of members in the intersection of several sorted sets, at most the limit.",
    syntax="numkeys key [key ...] [LIMIT limit]",
)
def zintercard(context: Context, argv: list[bytes]) -> None:
    operation = _Operation(context, argv, _COUNT, b"zintercard")
    context.reply.integer(operation.count())
