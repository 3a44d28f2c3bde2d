"""The encodings of sorted sets: ``listpack`` and ``skiplist``, sized as in Redis 7.2 (t_zset.c).

Both keep their members in a :class:`ScoreOrder`; they differ in how a member's score is found (a Python dict, a hash
table of Redis's kind) and in what the ledger is told: one block for a listpack; for a skiplist the two structures, the
header node, the hash table, and for each member its string, its entry and a node of random height.

A score is no NaN; NaN stands for «not there».
"""

from __future__ import annotations

from math import isnan, nan
from typing import Final, cast

from librt.vecs import append, vec
from mypy_extensions import i32, i64, mypyc_attr

from pyredmem.base.double_text import format_double
from pyredmem.base.rng import Random
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.layout import (
    DICT_ENTRY_SIZE,
    DICT_SIZE,
    LISTPACK_LIMIT,
    SKIPLIST_HEADER_NODE_SIZE,
    SKIPLIST_MAX_LEVEL,
    SKIPLIST_SIZE,
    ZSET_SIZE,
    listpack_integer_size,
    skiplist_node_size,
)
from pyredmem.memory.mover import Mover
from pyredmem.memory.relocation import relocated_array, relocated_float, relocated_floats
from pyredmem.objects.collection import Encoded
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.rdb_types import ZSET_2, ZSET_LISTPACK
from pyredmem.objects.rdb_writer import RdbWriter
from pyredmem.structures.dict import LARGE_ARRAY, Dict
from pyredmem.structures.listpack import Listpack, entry_size
from pyredmem.structures.listpack_bytes import listpack_bytes
from pyredmem.structures.score_order import ScoreOrder

#: Integral scores up to here are integers in a listpack (util.c double2ll).
_INTEGER_LIMIT: Final = 4611686018427387904.0
#: Cursors from here on are of the order, by rank.
_ORDER_CURSOR: Final = 1 << 40
#: Random numbers below this one have 31 pairs of bits, one for each level above the first.
_HEIGHT_DRAWS: Final = 4611686018427387904


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


class SkiplistTable(Dict):
    """Member to score and skiplist node."""

    def __init__(self, allocator: Allocator) -> None:
        super().__init__(allocator, owns_keys=True)
        self.scores: vec[float] = vec[float]()
        self.nodes: vec[i32] = vec[i32]()

    def add(self, member: bytes, score: float, node: i64) -> None:
        """Add a member that is not there, with its node; takes no step."""
        slot = self.insert(member, 0)
        if slot < len(self.scores):
            self.scores[slot] = score
            self.nodes[slot] = i32(node)
        else:
            self.scores = append(self.scores, score)
            self.nodes = append(self.nodes, i32(node))

    def peek(self, member: bytes) -> i64:
        """The slot of a member that is there, without a step."""
        return self.find_rehashing(member) if self.rehash_index >= 0 else self.find(member)

    def move_value(self, source: i64, target: i64) -> None:
        """Copy score and node of one slot over those of another."""
        self.scores[target] = self.scores[source]
        self.nodes[target] = self.nodes[source]

    def trim_values(self) -> None:
        """Give back the memory of slots that are no longer used."""
        self.scores = self.scores[: self.used]
        self.nodes = self.nodes[: self.used]

    def clear_values(self) -> None:
        """Forget all scores and nodes."""
        self.scores = vec[float]()
        self.nodes = vec[i32]()

    def dismantle_values(self, first: i64, freed: FreedBlocks) -> None:
        """The nodes from a slot on."""
        addresses = freed.addresses
        slot = first
        while slot < self.used:
            addresses = append(addresses, self.nodes[slot])
            slot += 1
        freed.addresses = addresses

    def dismantle_arrays(self, freed: FreedBlocks) -> bool:
        """Large arrays of scores and nodes go before the others, one at a time."""
        if len(self.scores) > LARGE_ARRAY:
            if self.is_released(self.scores, len(self.scores) * 8):
                self.scores = vec[float]()
            return False
        if len(self.nodes) > LARGE_ARRAY:
            if self.is_released(self.nodes, len(self.nodes) * 4):
                self.nodes = vec[i32]()
            return False
        return super().dismantle_arrays(freed)

    def defrag_value(self, mover: Mover, slot: i64) -> None:
        """The node."""
        self.nodes[slot] = i32(mover.block(i64(self.nodes[slot])))

    def relocate_values(self, mover: Mover) -> None:
        """The arrays."""
        self.scores = relocated_floats(self.scores, mover)
        self.nodes = relocated_array(self.nodes, mover)

    def take_over_values(self, other: Dict) -> None:
        """Scores and nodes."""
        assert isinstance(other, SkiplistTable)
        self.scores = other.scores
        self.nodes = other.nodes

    def empty_twin(self) -> Dict:
        """An empty table of this class."""
        return SkiplistTable(self.allocator)

    def relocated(self, mover: Mover) -> SkiplistTable:
        """This table, or its twin."""
        table = super().relocated(mover)
        assert isinstance(table, SkiplistTable)
        return table


@mypyc_attr(acyclic=True)
class SortedSetSkiplist(SortedSetEncoding):
    """A hash table and a skiplist, which share the members' strings."""

    def __init__(self, allocator: Allocator, expected: i64, original: SortedSetSkiplist | None = None) -> None:
        """``original``: the one that this one takes the place of."""
        super().__init__(allocator)
        if original is not None:
            self.structure_address: i32 = original.structure_address
            self.dict_address: i32 = original.dict_address
            self.skiplist_address: i32 = original.skiplist_address
            self.header_address: i32 = original.header_address
            self.members: SkiplistTable = original.members
            self.order = original.order
            return
        self.structure_address = i32(allocator.alloc(ZSET_SIZE))
        self.dict_address = i32(allocator.alloc(DICT_SIZE))
        self.skiplist_address = i32(allocator.alloc(SKIPLIST_SIZE))
        self.header_address = i32(allocator.alloc(SKIPLIST_HEADER_NODE_SIZE))
        self.members = SkiplistTable(allocator)
        if expected > 0:
            self.members.expand(expected)

    def encoding(self) -> bytes:
        """What OBJECT ENCODING says."""
        return b"skiplist"

    def memory(self, samples: i64) -> i64:
        """The structures, and the average of the first members times their number."""
        allocator = self.allocator
        members = self.members
        fixed = ZSET_SIZE + SKIPLIST_SIZE + DICT_SIZE + 8 * members.slots()
        fixed += allocator.usable(i64(self.header_address))
        length = self.order.length
        if length == 0:
            return fixed
        sampled = length if samples == 0 else min(samples, length)
        measured: i64 = 0
        for member in self.order.members(0, sampled):
            slot = members.peek(member)
            measured += allocator.usable(i64(members.key_addresses[slot])) + DICT_ENTRY_SIZE
            measured += allocator.usable(i64(members.nodes[slot]))
        return fixed + i64(int(float(measured) / float(sampled) * float(length)))

    def free_effort(self) -> i64:
        """One for each member."""
        return self.order.length

    def free(self) -> None:
        """Give everything back."""
        allocator = self.allocator
        members = self.members
        slot: i64 = 0
        while slot < members.used:
            allocator.free(i64(members.nodes[slot]))
            slot += 1
        members.clear()
        allocator.free(i64(self.header_address))
        allocator.free(i64(self.skiplist_address))
        allocator.free(i64(self.dict_address))
        allocator.free(i64(self.structure_address))

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        """The order, then the table, then the structures."""
        if self.order.length > 0 and not self.order.dismantle(limit):
            return False
        if not self.members.dismantle(limit, freed):
            return False
        freed.add(i64(self.header_address))
        freed.add(i64(self.skiplist_address))
        freed.add(i64(self.dict_address))
        freed.add(i64(self.structure_address))
        return True

    def scan_effort(self) -> i64:
        """The members."""
        return self.order.length

    def defrag_head(self, mover: Mover) -> None:
        """The structures and the arrays of the table."""
        self.structure_address = i32(mover.block(i64(self.structure_address)))
        self.dict_address = i32(mover.block(i64(self.dict_address)))
        self.skiplist_address = i32(mover.block(i64(self.skiplist_address)))
        self.header_address = i32(mover.block(i64(self.header_address)))
        if mover.steers():
            self.members = self.members.relocated(mover)
            self.order = self.order.relocated(mover)
        self.members.defrag_table(mover)

    def defrag_elements(self, mover: Mover, cursor: i64, limit: i64) -> i64:
        """Some members by their slots; behind the last one, if the mover steers, what keeps them in order, by ranks."""
        steers = mover.steers()
        if cursor >= _ORDER_CURSOR:
            rank = self.order.show(mover, cursor - _ORDER_CURSOR, limit) if steers else 0
            return _ORDER_CURSOR + rank if rank > 0 else 0
        if not steers:
            return self.members.defrag_slots(mover, cursor, limit)
        cursor = self._show_members(mover, cursor, limit)
        return cursor if cursor > 0 else _ORDER_CURSOR

    def _show_members(self, mover: Mover, cursor: i64, limit: i64) -> i64:
        """The same with the bytes of the members, each one object for table and order."""
        members = self.members
        end = min(cursor + max(limit, 1), members.used)
        slot = cursor
        while slot < end:
            member = members.keys[slot]
            members.defrag_slot(mover, slot)
            members.defrag_value(mover, slot)
            text = members.keys[slot]
            if text is not member:
                self.order.replace(members.scores[slot], text)
            slot += 1
        return end if end < members.used else 0

    def twin(self) -> SortedSetEncoding:
        """Another one around the same structures."""
        return SortedSetSkiplist(self.allocator, 0, self)

    def addresses(self) -> list[int]:
        """The structures, the table, the members and the nodes."""
        own = [self.structure_address, self.dict_address, self.skiplist_address, self.header_address]
        nodes = list(self.members.nodes)[: self.members.used]
        return [int(address) for address in own] + self.members.addresses() + [int(node) for node in nodes]

    def score(self, member: bytes) -> float:
        """The score of a member; NaN if it is not there. A step of a rehash under way is done on the way."""
        slot: i64 = self.members.find(member)
        return nan if slot < 0 else self.members.scores[slot]

    def insert(self, member: bytes, score: float, rng: Random) -> None:
        """Add a member with a node of random height."""
        self.order.insert(score, member)
        node = self.allocator.alloc(_random_node_size(rng))
        self.members.step()
        self.members.add(member, score, node)

    def update(self, member: bytes, score: float, new_score: float, rng: Random) -> None:
        """The node stays if its place does; else it goes and a new one comes."""
        members = self.members
        slot = members.peek(member)
        members.scores[slot] = new_score
        if not self.order.move(score, member, new_score):
            self.allocator.free(i64(members.nodes[slot]))
            members.nodes[slot] = i32(self.allocator.alloc(_random_node_size(rng)))

    def remove(self, member: bytes, shrinks: bool = True) -> bool:
        """Take a member with its node out."""
        members = self.members
        slot: i64 = members.find(member)
        if slot < 0:
            return False
        self.order.remove(members.scores[slot], member)
        self.allocator.free(i64(members.nodes[slot]))
        members.remove(slot)
        if shrinks:
            members.shrink_if_sparse()
        return True

    def removed_some(self) -> None:
        """Shrink a table that is sparse now."""
        self.members.shrink_if_sparse()

    def copy(self) -> SortedSetEncoding:
        """A table for just as many members, filled from the end; the nodes are as high as the originals."""
        allocator = self.allocator
        length = self.order.length
        copy = SortedSetSkiplist(allocator, length)
        names = self.order.members(0, length)
        scores = self.order.scores(0, length)
        for at, member in enumerate(names):
            copy.order.insert(scores[at], member)
        for at in range(length - 1, -1, -1):
            node = i64(self.members.nodes[self.members.peek(names[at])])
            copy.members.add(names[at], scores[at], allocator.alloc(allocator.usable(node)))
        return copy

    def save(self, writer: RdbWriter) -> None:
        """Write members and scores from the last one to the first: so each comes in at the front when it is read."""
        length = self.order.length
        members = self.order.members(0, length)
        scores = self.order.scores(0, length)
        writer.kind(ZSET_2)
        writer.length(length)
        for at in range(length - 1, -1, -1):
            writer.string(members[at])
            writer.double(scores[at])

    def table(self) -> SkiplistTable | None:
        """The hash table."""
        return self.members


def _random_node_size(rng: Random) -> i64:
    """Bytes of a skiplist node: each further level with probability 1/4, up to 32 levels."""
    bits = rng.below(_HEIGHT_DRAWS)
    level: i64 = 1
    while bits & 3 == 0 and level < SKIPLIST_MAX_LEVEL:
        level += 1
        bits >>= 2
    return skiplist_node_size(level)
