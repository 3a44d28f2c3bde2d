"""The hash table of a large sorted set, from member to score and node. Both are in arrays beside that of the keys."""

from __future__ import annotations

from librt.vecs import append, vec
from mypy_extensions import i32, i64

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.mover import Mover
from pyredmem.memory.relocation import relocated_array, relocated_floats
from pyredmem.structures.dict import LARGE_ARRAY, Dict


class SkiplistTable(Dict):
    """A hash table from member to score and skiplist node."""

    def __init__(self, allocator: Allocator) -> None:
        embeds = allocator.sizes.embeds_members
        super().__init__(allocator, owns_keys=not embeds, without_values=embeds)
        #: Whether a member is in the block of its node, so that it has no address of its own.
        self.embeds_members = embeds
        self.scores: vec[float] = vec[float]()
        self.nodes: vec[i32] = vec[i32]()

    def add(self, member: bytes, score: float, node: i64) -> None:
        """Add a member that is not there, with its node, without a rehash step."""
        slot = self.insert(member, 0)
        if slot < len(self.scores):
            self.scores[slot] = score
            self.nodes[slot] = i32(node)
        else:
            self.scores = append(self.scores, score)
            self.nodes = append(self.nodes, i32(node))

    def peek(self, member: bytes) -> i64:
        """The slot of a member that is there, without a rehash step."""
        return self.find_rehashing(member) if self.rehash_index >= 0 else self.find(member)

    def look_at(self, slots: vec[i64], count: i64, scratch: vec[i64]) -> i64:
        """Read the member in a slot, and its score."""
        seen: i64 = 0
        nodes = self.nodes
        scores = self.scores
        at: i64 = 0
        while at < count:
            slot = slots[at]
            seen += i64(nodes[slot])
            if scores[slot] != 0:
                seen += 1
            at += 1
        return seen + super().look_at(slots, count, scratch)

    def move_value(self, source: i64, target: i64) -> None:
        """Copy the score and the node of one slot over those of another."""
        self.scores[target] = self.scores[source]
        self.nodes[target] = self.nodes[source]

    def trim_values(self) -> None:
        """Release the memory of unused slots."""
        self.scores = self.scores[: self.used]
        self.nodes = self.nodes[: self.used]

    def clear_values(self) -> None:
        self.scores = vec[float]()
        self.nodes = vec[i32]()

    def dismantle_values(self, first: i64, freed: FreedBlocks) -> None:
        """Drop the nodes from slot ``first`` on."""
        addresses = freed.addresses
        slot = first
        while slot < self.used:
            addresses = append(addresses, self.nodes[slot])
            slot += 1
        freed.addresses = addresses

    def dismantle_arrays(self, freed: FreedBlocks) -> bool:
        """Release large arrays of scores and nodes before the other arrays, one in each call."""
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
        self.nodes[slot] = i32(mover.block(i64(self.nodes[slot])))

    def relocate_values(self, mover: Mover) -> None:
        self.scores = relocated_floats(self.scores, mover)
        self.nodes = relocated_array(self.nodes, mover)

    def take_over_values(self, other: Dict) -> None:
        assert isinstance(other, SkiplistTable)
        self.scores = other.scores
        self.nodes = other.nodes

    def copy_values(self, other: Dict) -> None:
        assert isinstance(other, SkiplistTable)
        self.scores = other.scores[:]
        self.nodes = other.nodes[:]

    def empty_twin(self) -> Dict:
        return SkiplistTable(self.allocator)

    def relocated(self, mover: Mover) -> SkiplistTable:
        table = super().relocated(mover)
        assert isinstance(table, SkiplistTable)
        return table
