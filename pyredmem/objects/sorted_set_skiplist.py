"""The encoding of large sorted sets, ``skiplist``, sized as in Redis 7.2 (t_zset.c).

Its ledger blocks are the structures, the header node, the hash table, and for each member its string, its entry and a
node of random height.
"""

from __future__ import annotations

from math import nan
from typing import Final

from mypy_extensions import i32, i64, mypyc_attr

from pyredmem.base.rng import Random
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.layout import (
    DICT_SIZE,
    SKIPLIST_HEAD_SIZE,
    SKIPLIST_HEADER_NODE_SIZE,
    SKIPLIST_LEVEL_SIZE,
    SKIPLIST_MAX_LEVEL,
    SKIPLIST_SIZE,
    ZSET_SIZE,
    member_node_size,
    skiplist_node_size,
)
from pyredmem.memory.mover import Mover
from pyredmem.objects.collection import sampled_memory
from pyredmem.objects.field_times import NEVER
from pyredmem.objects.pieces import Pieces
from pyredmem.objects.rdb_types import ZSET_2
from pyredmem.objects.rdb_writer import RdbWriter
from pyredmem.objects.sorted_set_encodings import SortedSetEncoding
from pyredmem.objects.sorted_set_table import SkiplistTable
from pyredmem.objects.table_pieces import table_pieces
from pyredmem.structures.dict import Dict

#: A cursor of a pass is a slot of the table, or from this number on a rank in the order.
_ORDER_CURSOR: Final = 1 << 40
#: A random number below this one has 31 pairs of bits, one pair for each level above the first.
_HEIGHT_DRAWS: Final = 4611686018427387904


@mypyc_attr(acyclic=True)
class SortedSetSkiplist(SortedSetEncoding):
    """A hash table and a skiplist that share the members' strings."""

    def __init__(self, allocator: Allocator, expected: i64, original: SortedSetSkiplist | None = None) -> None:
        """``original`` is the object whose twin this is."""
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
        self.dict_address = i32(allocator.alloc(allocator.sizes.set_header))
        if allocator.sizes.embeds_members:
            self.skiplist_address = 0
            self.header_address = i32(allocator.alloc(SKIPLIST_HEAD_SIZE))
        else:
            self.skiplist_address = i32(allocator.alloc(SKIPLIST_SIZE))
            self.header_address = i32(allocator.alloc(SKIPLIST_HEADER_NODE_SIZE))
        self.members = SkiplistTable(allocator)
        if expected > 0:
            self.members.expand(expected)

    def lookup_table(self) -> Dict | None:
        return self.members

    def encoding(self) -> bytes:
        return b"skiplist"

    def memory(self, samples: i64) -> i64:
        """The structures, and the average of the first ``samples`` members times their number."""
        allocator = self.allocator
        members = self.members
        length = self.order.length
        if length == 0:
            return self.structure_bytes()
        sampled = length if samples == 0 else min(samples, length)
        entry = allocator.sizes.counted_sorted_set_entry
        measured: i64 = 0
        for member in self.order.members(0, sampled):
            slot = members.peek(member)
            if not members.embeds_members:
                measured += allocator.usable(members.key_address(slot)) + entry
            measured += allocator.usable(i64(members.nodes[slot]))
        return sampled_memory(self.structure_bytes(), measured, sampled, length)

    def structure_bytes(self) -> i64:
        """What MEMORY USAGE counts besides the members."""
        if self.skiplist_address == 0:
            return ZSET_SIZE + SKIPLIST_HEAD_SIZE + self.allocator.sizes.set_header + self.members.table_bytes()
        header = self.allocator.usable(i64(self.header_address))
        return ZSET_SIZE + SKIPLIST_SIZE + DICT_SIZE + self.members.table_bytes() + header

    def node_bytes(self) -> i64:
        """Bytes of all nodes of the skiplist but the header."""
        allocator = self.allocator
        members = self.members
        found: i64 = 0
        slot: i64 = 0
        while slot < members.used:
            found += allocator.usable(i64(members.nodes[slot]))
            slot += 1
        return found

    def chance_bytes(self) -> i64:
        """The bytes of as many nodes of average size, less those of the nodes."""
        if self.members.embeds_members:
            return self._expected_node_bytes() - self.node_bytes()
        average = _average_node_bytes(self.allocator)
        return i64(round(average * float(self.members.used))) - self.node_bytes()

    def _expected_node_bytes(self) -> i64:
        """Bytes of nodes with these members, of which each has 4/3 levels on average."""
        found: i64 = 0
        for member in self.members.keys:
            found += self.allocator.good_size(member_node_size(1, len(member)))
        return found + i64(round(float(SKIPLIST_LEVEL_SIZE * self.members.used) / 3))

    def free_effort(self) -> i64:
        return self.order.length

    def free(self) -> None:
        allocator = self.allocator
        members = self.members
        slot: i64 = 0
        while slot < members.used:
            allocator.free(i64(members.nodes[slot]))
            slot += 1
        members.clear()
        allocator.free(i64(self.header_address))
        if self.skiplist_address != 0:
            allocator.free(i64(self.skiplist_address))
        allocator.free(i64(self.dict_address))
        allocator.free(i64(self.structure_address))

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        """The order first, then the table, then the structures."""
        if self.order.length > 0 and not self.order.dismantle(limit):
            return False
        if not self.members.dismantle(limit, freed):
            return False
        freed.add(i64(self.header_address))
        if self.skiplist_address != 0:
            freed.add(i64(self.skiplist_address))
        freed.add(i64(self.dict_address))
        freed.add(i64(self.structure_address))
        return True

    def scan_effort(self) -> i64:
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
        """Some members, in the order of their slots; then, if the mover steers, the objects of the order, by rank."""
        steers = mover.steers()
        if cursor >= _ORDER_CURSOR:
            rank = self.order.show(mover, cursor - _ORDER_CURSOR, limit) if steers else 0
            return _ORDER_CURSOR + rank if rank > 0 else 0
        if not steers:
            return self.members.defrag_slots(mover, cursor, limit)
        cursor = self._show_members(mover, cursor, limit)
        return cursor if cursor > 0 else _ORDER_CURSOR

    def _show_members(self, mover: Mover, cursor: i64, limit: i64) -> i64:
        """The same with the bytes of the members. Each member remains one object for table and order."""
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
        return SortedSetSkiplist(self.allocator, 0, self)

    def detach(self) -> None:
        members = self.members.image()
        assert isinstance(members, SkiplistTable)
        self.members = members
        self.order = self.order.image()

    def is_changed_by_reading(self) -> bool:
        return self.members.rehash_index >= 0

    def addresses(self) -> list[int]:
        own = [self.structure_address, self.dict_address, self.skiplist_address, self.header_address]
        nodes = list(self.members.nodes)[: self.members.used]
        return (
            [int(address) for address in own if address != 0] + self.members.addresses() + [int(node) for node in nodes]
        )

    def score(self, member: bytes) -> float:
        """The score of a member; NaN if it is not there. This is a step of a rehash that is in progress."""
        slot: i64 = self.members.find(member)
        return nan if slot < 0 else self.members.scores[slot]

    def insert(self, member: bytes, score: float, rng: Random) -> None:
        """Add a member with a node of random height."""
        self.order.insert(score, member)
        node = self.allocator.alloc(self._random_node_size(member, rng))
        self.members.step_for(member)
        self.members.add(member, score, node)

    def _random_node_size(self, member: bytes, rng: Random) -> i64:
        level = _random_level(rng)
        if self.members.embeds_members:
            return member_node_size(level, len(member))
        return skiplist_node_size(level)

    def update(self, member: bytes, score: float, new_score: float, rng: Random) -> None:
        """Change the score of a member. If that changes its place, a new node replaces the old one (not in Valkey)."""
        members = self.members
        slot = members.peek(member)
        if members.keeper is not None:
            members.keeper.before_change(slot)
        members.scores[slot] = new_score
        if not self.order.move(score, member, new_score) and not members.embeds_members:
            self.allocator.free(i64(members.nodes[slot]))
            members.nodes[slot] = i32(self.allocator.alloc(self._random_node_size(member, rng)))

    def remove(self, member: bytes, shrinks: bool = True) -> bool:
        """Remove a member with its node."""
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
        """Resize the table if it is sparse now."""
        self.members.shrink_if_sparse()

    def copy(self) -> SortedSetEncoding:
        """A copy in a table with room for just these members, filled from the last one. Nodes keep their heights."""
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
        """Write members and scores from the last to the first, so that a reader inserts each one at the front."""
        length = self.order.length
        members = self.order.members(0, length)
        scores = self.order.scores(0, length)
        self.save_head(writer)
        for at in range(length - 1, -1, -1):
            writer.string(members[at])
            writer.double(scores[at])

    def save_head(self, writer: RdbWriter) -> i64:
        writer.kind(ZSET_2)
        writer.length(self.order.length)
        return NEVER

    def save_slot(self, writer: RdbWriter, slot: i64, first_ms: i64) -> None:
        writer.string(self.members.key(slot))
        writer.double(self.members.scores[slot])

    def pieces(self, compresses: bool, least: i64) -> Pieces | None:
        return table_pieces(self, self.members, compresses, least)

    def table(self) -> SkiplistTable | None:
        return self.members


def _average_node_bytes(allocator: Allocator) -> float:
    """Usable bytes of a node, on average over the random numbers of levels."""
    total = 0.0
    share = 1.0  # of the nodes that have at least this level
    level: i64 = 1
    while level < SKIPLIST_MAX_LEVEL:
        total += share * 0.75 * float(allocator.good_size(skiplist_node_size(level)))
        share *= 0.25
        level += 1
    return total + share * float(allocator.good_size(skiplist_node_size(level)))


def _random_level(rng: Random) -> i64:
    """The levels of a skiplist node: each further level with probability 1/4, at most 32."""
    bits = rng.below(_HEIGHT_DRAWS)
    level: i64 = 1
    while bits & 3 == 0 and level < SKIPLIST_MAX_LEVEL:
        level += 1
        bits >>= 2
    return level
