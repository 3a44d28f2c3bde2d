"""The encodings of sorted sets, and the one of small sets, ``listpack``, sized as in Redis 7.2 (t_zset.c).

Both encodings keep their members in a :class:`ScoreOrder`. They differ in how the score of a member is found (in a
Python dict, or in a hash table like Redis's) and in their ledger blocks: a listpack is one block; the blocks of the
other encoding are described in :mod:`pyredmem.objects.sorted_set_skiplist`.

A score is never NaN, so NaN means that a member is not there.
"""

from __future__ import annotations

from math import isnan, nan
from typing import Final, cast

from mypy_extensions import i64, mypyc_attr

from pyredmem.base.double_text import format_double, length_of_fraction
from pyredmem.base.rng import Random
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.layout import LISTPACK_LIMIT, listpack_integer_size, listpack_string_size
from pyredmem.memory.mover import Mover
from pyredmem.memory.relocation import relocated_float
from pyredmem.objects.collection import Encoded, dismantle_packed
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.rdb_types import ZSET_LISTPACK
from pyredmem.objects.rdb_writer import RdbWriter
from pyredmem.objects.sorted_set_table import SkiplistTable
from pyredmem.structures.listpack import Listpack, entry_size
from pyredmem.structures.listpack_bytes import ListpackWriter
from pyredmem.structures.score_order import ScoreOrder

#: Whole numbers up to this one are integers in a listpack (util.c double2ll).
_INTEGER_LIMIT: Final = 4611686018427387904.0


def score_entry_size(score: float) -> i64:
    """Bytes of a score's entry in a listpack: an integer's if the score is a whole number, else those of its text."""
    if -_INTEGER_LIMIT <= score <= _INTEGER_LIMIT:
        whole: i64 = i64(int(score))
        if float(whole) == score:
            return listpack_integer_size(whole)
        return listpack_string_size(length_of_fraction(score))
    return entry_size(format_double(score))


def _add_score(block: ListpackWriter, score: float) -> None:
    """Append the entry of a score to a listpack."""
    if -_INTEGER_LIMIT <= score <= _INTEGER_LIMIT and float(int(score)) == score:
        block.add_integer(int(score))
    else:
        block.add(format_double(score))


@mypyc_attr(acyclic=True)
class SortedSetEncoding(Encoded):
    """The members of a sorted set in one encoding, with their order."""

    def __init__(self, allocator: Allocator) -> None:
        self.allocator = allocator
        self.order = ScoreOrder()

    def score(self, member: bytes) -> float:
        """The score of a member; NaN if it is not there."""
        raise NotImplementedError

    def takes(self, member: bytes, limits: EncodingLimits) -> bool:
        """Whether this member may be added without a conversion."""
        return True

    def insert(self, member: bytes, score: float, rng: Random) -> None:
        """Add a member that is not there. It was looked up just before."""
        raise NotImplementedError

    def update(self, member: bytes, score: float, new_score: float, rng: Random) -> None:
        """Change the score of a member from ``score`` to ``new_score``. It was looked up just before."""
        raise NotImplementedError

    def remove(self, member: bytes, shrinks: bool = True) -> bool:
        """Remove a member; False if it is not there. ``shrinks``: a hash table that is now sparse is resized."""
        raise NotImplementedError

    def removed_some(self) -> None:
        """Called after several members were removed with ``shrinks`` off: resize the hash table now if it is sparse."""

    def copy(self) -> SortedSetEncoding:
        """Another set of blocks with the same members, as COPY makes it."""
        raise NotImplementedError

    def chance_bytes(self) -> i64:
        """How many bytes more there would be on average over all random numbers."""
        return 0

    def table(self) -> SkiplistTable | None:
        """The hash table, if the encoding has one."""
        return None

    def twin(self) -> SortedSetEncoding:
        raise NotImplementedError


@mypyc_attr(acyclic=True)
class SortedSetListpack(SortedSetEncoding):
    """One block: member, score, member, score ..."""

    def __init__(self, allocator: Allocator, original: SortedSetListpack | None = None, capacity: i64 = 0) -> None:
        """``original`` is the object whose twin this is. A new block has room for ``capacity`` bytes."""
        super().__init__(allocator)
        self.by_member: dict[bytes, float]
        if original is None:
            self.pack = Listpack(allocator, capacity)
            self.by_member = {}
        else:
            self.pack = original.pack
            self.by_member = original.by_member
            self.order = original.order

    def encoding(self) -> bytes:
        return b"listpack"

    def memory(self, samples: i64) -> i64:
        return self.pack.usable()

    def free(self) -> None:
        self.pack.free()

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        """The order of the members, then the members, then the block."""
        return self.order.dismantle(limit) and dismantle_packed(self.by_member, self.pack, limit, freed)

    def defrag_head(self, mover: Mover) -> None:
        """The block, and the members, which are few."""
        if mover.steers():
            self.pack = self.pack.relocated(mover)
            self._show_members(mover)
        self.pack.defrag(mover)

    def _show_members(self, mover: Mover) -> None:
        """Show both structures with the members and scores. A member remains one object for both."""
        order = self.order.relocated(mover)
        self.order = order
        by_member = self.by_member
        leaves = mover.must_leave(by_member)
        twin: dict[bytes, object] = {}
        scores = cast("dict[bytes, object]", by_member)
        for member, score in scores.items():
            text = mover.text(member)
            number = relocated_float(score, mover)
            if text is not member:
                order.replace(by_member[member], text)
                leaves = True
            elif number is not score:
                leaves = True
            twin[text] = number
        if leaves:
            while mover.must_plug(twin):
                twin = twin.copy()
            self.by_member = cast("dict[bytes, float]", twin)
        rank: i64 = order.show(mover, 0, order.length)
        while rank != 0:
            rank = order.show(mover, rank, order.length)

    def twin(self) -> SortedSetEncoding:
        return SortedSetListpack(self.allocator, self)

    def detach(self) -> None:
        self.pack = self.pack.image()
        self.by_member = self.by_member.copy()
        self.order = self.order.image()

    def addresses(self) -> list[int]:
        return [int(self.pack.address)]

    def score(self, member: bytes) -> float:
        return self.by_member.get(member, nan)

    def takes(self, member: bytes, limits: EncodingLimits) -> bool:
        """Whether the limits hold with this member too."""
        return (
            self.order.length < limits.zset_entries
            and len(member) <= limits.zset_value
            and self.pack.size + len(member) <= LISTPACK_LIMIT
        )

    def insert(self, member: bytes, score: float, rng: Random) -> None:
        """Add a member: its entry, then the entry of its score."""
        score += 0.0  # an integer has no negative zero
        self.order.insert(score, member)
        self.by_member[member] = score
        pack = self.pack
        pack.grow(entry_size(member))
        pack.grow(score_entry_size(score))

    def fill(self, scores: dict[bytes, float]) -> None:
        """Add all members, in an empty listpack. The dict is taken over."""
        order = self.order
        added: i64 = 0
        for member, score in scores.items():
            if score == 0.0:
                scores[member] = 0.0  # an integer has no negative zero
            order.insert(score + 0.0, member)
            added += entry_size(member) + score_entry_size(score)
        self.by_member = scores
        self.pack.grow(added)

    def update(self, member: bytes, score: float, new_score: float, rng: Random) -> None:
        """Remove both entries, and add them again in the new place."""
        new_score += 0.0
        self.order.move(score, member, new_score)
        self.by_member[member] = new_score
        pack = self.pack
        size = entry_size(member)
        pack.shrink(size + score_entry_size(score))
        pack.grow(size)
        pack.grow(score_entry_size(new_score))

    def remove(self, member: bytes, shrinks: bool = True) -> bool:
        """Remove both entries of a member."""
        score = self.by_member.pop(member, nan)
        if isnan(score):
            return False
        self.order.remove(score, member)
        self.pack.shrink(entry_size(member) + score_entry_size(score))
        return True

    def save(self, writer: RdbWriter) -> None:
        """Write the block: each member, followed by its score."""
        order = self.order
        members = order.members(0, order.length)
        scores = order.scores(0, order.length)
        block = ListpackWriter()
        at: i64 = 0
        while at < order.length:
            block.add(members[at])
            _add_score(block, scores[at])
            at += 1
        writer.kind(ZSET_LISTPACK)
        writer.string(block.finish())

    def copy(self) -> SortedSetEncoding:
        """A copy whose block has the same size."""
        copy = SortedSetListpack(self.allocator)
        copy.pack.free()
        copy.pack = self.pack.duplicate()
        copy.by_member = self.by_member.copy()
        length = self.order.length
        members = self.order.members(0, length)
        for at, score in enumerate(self.order.scores(0, length)):
            copy.order.insert(score, members[at])
        return copy
