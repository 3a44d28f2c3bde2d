"""The encodings of sorted sets, and the one of small sets, ``listpack``, sized as in Redis 7.2 (t_zset.c).

All keep their members in a :class:`ScoreOrder`; they differ in how a member's score is found (a Python dict, a hash
table of Redis's kind) and in what the ledger is told: one block for a listpack; for the other one see
:mod:`pyredmem.objects.sorted_set_skiplist`.

A score is no NaN; NaN stands for «not there».
"""

from __future__ import annotations

from math import isnan, nan
from typing import Final, cast

from mypy_extensions import i64, mypyc_attr

from pyredmem.base.double_text import format_double
from pyredmem.base.rng import Random
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.layout import LISTPACK_LIMIT, listpack_integer_size
from pyredmem.memory.mover import Mover
from pyredmem.memory.relocation import relocated_float
from pyredmem.objects.collection import Encoded
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.rdb_types import ZSET_LISTPACK
from pyredmem.objects.rdb_writer import RdbWriter
from pyredmem.objects.sorted_set_table import SkiplistTable
from pyredmem.structures.listpack import Listpack, entry_size
from pyredmem.structures.listpack_bytes import listpack_bytes
from pyredmem.structures.score_order import ScoreOrder

#: Integral scores up to here are integers in a listpack (util.c double2ll).
_INTEGER_LIMIT: Final = 4611686018427387904.0


def score_entry_size(score: float) -> i64:
    """Bytes of a score's entry in a listpack: an integer if it is one, else the text."""
    if -_INTEGER_LIMIT <= score <= _INTEGER_LIMIT:
        whole: i64 = i64(int(score))
        if float(whole) == score:
            return listpack_integer_size(whole)
    return entry_size(format_double(score))


def _score_text(score: float) -> bytes:
    """What a score's entry in a listpack is made of."""
    if -_INTEGER_LIMIT <= score <= _INTEGER_LIMIT and float(int(score)) == score:
        return b"%d" % int(score)
    return format_double(score)


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
        """Whether one more member may come in without a conversion."""
        return True

    def insert(self, member: bytes, score: float, rng: Random) -> None:
        """Add a member that is not there; it was looked up just before."""
        raise NotImplementedError

    def update(self, member: bytes, score: float, new_score: float, rng: Random) -> None:
        """Give a member that has another score a new one; it was looked up just before."""
        raise NotImplementedError

    def remove(self, member: bytes, shrinks: bool = True) -> bool:
        """Take a member out; False if it is not there. ``shrinks``: a hash table that is sparse now gives room back."""
        raise NotImplementedError

    def removed_some(self) -> None:
        """Several members were taken out without shrinking; do it now."""

    def copy(self) -> SortedSetEncoding:
        """The same members in blocks of their own, as COPY makes them."""
        raise NotImplementedError

    def table(self) -> SkiplistTable | None:
        """The hash table, if the encoding has one."""
        return None

    def relocated(self, mover: Mover) -> SortedSetEncoding:
        """This object or, if it has to leave its place in the process's heap, its twin."""
        if not mover.must_leave(self):
            return self
        twin = self.twin()
        while mover.must_plug(twin):
            twin = self.twin()
        return twin

    def twin(self) -> SortedSetEncoding:
        """Another object with the very same members and blocks; one of the two is dropped."""
        raise NotImplementedError


@mypyc_attr(acyclic=True)
class SortedSetListpack(SortedSetEncoding):
    """One block: member, score, member, score ..."""

    def __init__(self, allocator: Allocator, original: SortedSetListpack | None = None) -> None:
        """``original``: the one that this one takes the place of."""
        super().__init__(allocator)
        self.by_member: dict[bytes, float]
        if original is None:
            self.pack = Listpack(allocator)
            self.by_member = {}
        else:
            self.pack = original.pack
            self.by_member = original.by_member
            self.order = original.order

    def encoding(self) -> bytes:
        """What OBJECT ENCODING says."""
        return b"listpack"

    def memory(self, samples: i64) -> i64:
        """The block."""
        return self.pack.usable()

    def free(self) -> None:
        """Give the block back."""
        self.pack.free()

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        """The members, then the block."""
        if not self.order.dismantle(limit):
            return False
        by_member = self.by_member
        while limit > 0 and len(by_member) > 0:
            by_member.popitem()
            limit -= 1
        if len(by_member) > 0:
            return False
        freed.add(i64(self.pack.address))
        return True

    def defrag_head(self, mover: Mover) -> None:
        """The block; the members, which are few, as well."""
        if mover.steers():
            self.pack = self.pack.relocated(mover)
            self._show_members(mover)
        self.pack.defrag(mover)

    def _show_members(self, mover: Mover) -> None:
        """Show the two structures with members and scores; a member stays one object for both."""
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
        """Another one around the same structures."""
        return SortedSetListpack(self.allocator, self)

    def addresses(self) -> list[int]:
        """The block."""
        return [int(self.pack.address)]

    def score(self, member: bytes) -> float:
        """The score of a member; NaN if it is not there."""
        return self.by_member.get(member, nan)

    def takes(self, member: bytes, limits: EncodingLimits) -> bool:
        """Whether one more member keeps within the limits."""
        return (
            self.order.length < limits.zset_entries
            and len(member) <= limits.zset_value
            and self.pack.size + len(member) <= LISTPACK_LIMIT
        )

    def insert(self, member: bytes, score: float, rng: Random) -> None:
        """Add a member; its entry, then that of its score."""
        score += 0.0  # an integer has no negative zero
        self.order.insert(score, member)
        self.by_member[member] = score
        pack = self.pack
        pack.grow(entry_size(member))
        pack.grow(score_entry_size(score))

    def update(self, member: bytes, score: float, new_score: float, rng: Random) -> None:
        """Both entries go, and come back in the new place."""
        new_score += 0.0
        self.order.move(score, member, new_score)
        self.by_member[member] = new_score
        pack = self.pack
        size = entry_size(member)
        pack.shrink(size + score_entry_size(score))
        pack.grow(size)
        pack.grow(score_entry_size(new_score))

    def remove(self, member: bytes, shrinks: bool = True) -> bool:
        """Take a member and its score out."""
        score = self.by_member.pop(member, nan)
        if isnan(score):
            return False
        self.order.remove(score, member)
        self.pack.shrink(entry_size(member) + score_entry_size(score))
        return True

    def save(self, writer: RdbWriter) -> None:
        """Write the block: each member, then its score."""
        order = self.order
        members = order.members(0, order.length)
        entries: list[bytes] = []
        for at, score in enumerate(order.scores(0, order.length)):
            entries += [members[at], _score_text(score)]
        writer.kind(ZSET_LISTPACK)
        writer.string(listpack_bytes(entries))

    def copy(self) -> SortedSetEncoding:
        """Another block of the same size."""
        copy = SortedSetListpack(self.allocator)
        copy.pack.free()
        copy.pack = self.pack.duplicate()
        copy.by_member = self.by_member.copy()
        length = self.order.length
        members = self.order.members(0, length)
        for at, score in enumerate(self.order.scores(0, length)):
            copy.order.insert(score, members[at])
        return copy
