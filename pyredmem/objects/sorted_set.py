"""Sorted sets: members with scores, converted between their encodings as in Redis 7.2 (t_zset.c)."""

from __future__ import annotations

from math import isnan
from typing import Final

from mypy_extensions import i64, mypyc_attr

from pyredmem.base.rng import Random
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.layout import LISTPACK_LIMIT
from pyredmem.memory.mover import Mover
from pyredmem.memory.relocation import relocated
from pyredmem.objects.collection import Collection, Encoded
from pyredmem.objects.digest import SORTED_SET_TYPE, Digest
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.object import RedisObject
from pyredmem.objects.sorted_set_encodings import SortedSetEncoding, SortedSetListpack
from pyredmem.objects.sorted_set_skiplist import SortedSetSkiplist
from pyredmem.structures.dict import Dict
from pyredmem.structures.score_order import ScoreOrder

Item = tuple[bytes, float]

# What ``add`` did.
ADDED: Final = 1
UPDATED: Final = 2


@mypyc_attr(acyclic=True)
class SortedSetObject(Collection):
    """A sorted set."""

    def __init__(self, allocator: Allocator | None, content: SortedSetEncoding) -> None:
        super().__init__(allocator)
        self.content = content

    def type_name(self) -> bytes:
        return b"zset"

    def payload(self) -> Encoded:
        return self.content

    def length(self) -> i64:
        return self.content.order.length

    def order(self) -> ScoreOrder:
        """The members in order, to read only."""
        return self.content.order

    def score(self, member: bytes) -> float | None:
        """The score of a member, None if it is not there."""
        score = self.content.score(member)
        return None if isnan(score) else score

    def items(self) -> list[Item]:
        """All members and scores in order."""
        return self.slice(0, self.length())

    def slice(self, start: i64, count: i64) -> list[Item]:
        """Members and scores of the ``count`` ranks from ``start`` on, which must all exist."""
        order = self.content.order
        scores = order.scores(start, count)
        return [(member, scores[at]) for at, member in enumerate(order.members(start, count))]

    # Change.

    def add(self, member: bytes, score: float, limits: EncodingLimits, rng: Random) -> int:
        """Set the score of a member; returns ADDED, UPDATED, or 0 if that was its score already."""
        return self.put(member, self.content.score(member), score, limits, rng)

    def put(self, member: bytes, old: float, score: float, limits: EncodingLimits, rng: Random) -> int:
        """As ``add``, for a member that was looked up just before: ``old`` is its score, NaN if it is not there."""
        content = self.content
        if isnan(old):
            if not content.takes(member, limits):
                self._become_skiplist(content.order.length + 1, rng)
                content = self.content
            content.insert(member, score, rng)
            return ADDED
        if old == score:
            return 0
        content.update(member, old, score, rng)
        return UPDATED

    def remove(self, member: bytes) -> bool:
        """Remove a member; False if it is not there."""
        return self.content.remove(member)

    def remove_all(self, members: list[bytes]) -> None:
        """Remove members that are there, as the commands for ranges do: the table is resized once, at the end."""
        content = self.content
        for member in members:
            content.remove(member, shrinks=False)
        content.removed_some()

    def expect(self, count: i64, limits: EncodingLimits, rng: Random) -> None:
        """Called before ``count`` members are added: a listpack that cannot hold them is converted now."""
        if count > limits.zset_entries and self.content.table() is None:
            self._become_skiplist(count, rng)

    def expect_members(self, argv: list[bytes], start: i64, limits: EncodingLimits, rng: Random) -> None:
        """Called before members may be added, every other argument: a listpack that cannot hold one is converted."""
        for at in range(start, len(argv), 2):
            if self.content.table() is None and len(argv[at]) > limits.zset_value:
                self._become_skiplist(self.length(), rng)

    def unpack(self, rng: Random) -> None:
        """Convert to a skiplist, as SORT does with every sorted set it reads."""
        if self.content.table() is None:
            self._become_skiplist(self.length(), rng)

    def _become_skiplist(self, expected: i64, rng: Random) -> None:
        old = self.content
        skiplist = SortedSetSkiplist(old.allocator, expected)
        for member, score in self.items():
            skiplist.insert(member, score, rng)
        self.content = skiplist
        old.free()

    # As a value.

    def expected_memory(self, allocator: Allocator) -> i64:
        """The same with nodes of average size, if there is a skiplist."""
        return self.memory(allocator, 0) + self.content.chance_bytes()

    def depends_on_chance(self) -> bool:
        return self.content.table() is not None

    def duplicate(self, allocator: Allocator) -> RedisObject:
        """Another sorted set with the same members in the same encoding."""
        return SortedSetObject(allocator, self.content.copy())

    def defrag_head(self, mover: Mover) -> None:
        if mover.steers():
            self.content = relocated(self.content, mover)
        super().defrag_head(mover)

    def twin(self) -> RedisObject:
        return SortedSetObject(None, self.content).succeed(self)

    def detach(self) -> None:
        self.content = self.content.twin()
        self.content.detach()

    def digest(self, digest: Digest) -> None:
        digest.mix_number(SORTED_SET_TYPE)
        for member, score in self.items():
            item = Digest(digest.has_short_scores)
            item.mix(member)
            item.mix_score(score)
            digest.xor(item.data())

    def hash_table(self) -> Dict | None:
        return self.content.table()


def new_sorted_set(
    allocator: Allocator, limits: EncodingLimits, expected: i64 = 0, member_length: i64 = 0
) -> SortedSetObject:
    """An empty sorted set for ``expected`` members, the first of which has ``member_length`` bytes (zsetTypeCreate)."""
    if expected <= limits.zset_entries and member_length <= limits.zset_value:
        return SortedSetObject(allocator, SortedSetListpack(allocator))
    return SortedSetObject(allocator, SortedSetSkiplist(allocator, expected))


def build_sorted_set(
    items: list[Item], allocator: Allocator, limits: EncodingLimits, rng: Random, presized: bool = False
) -> SortedSetObject:
    """The sorted set that a command stores. The members of ``items`` are distinct.

    ``presized``: a hash table is allocated with room for all of them.
    """
    fits = len(items) <= limits.zset_entries
    total: i64 = 0
    for member, _ in items:
        total += len(member)
        fits = fits and len(member) <= limits.zset_value
    content: SortedSetEncoding
    if fits and total <= LISTPACK_LIMIT:
        content = SortedSetListpack(allocator)
        items = sorted(items, key=_by_score)
    else:
        content = SortedSetSkiplist(allocator, len(items) if presized else 0)
    for member, score in items:
        content.insert(member, score, rng)
    return SortedSetObject(allocator, content)


def _by_score(item: Item) -> tuple[float, bytes]:
    return item[1], item[0]
