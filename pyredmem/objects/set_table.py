"""The members of a large set: a hash table with keys and no values."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i32, i64, mypyc_attr

from pyredmem.base.rng import Random
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.mover import Mover
from pyredmem.objects.field_times import NEVER
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.pieces import Pieces
from pyredmem.objects.rdb_types import SET
from pyredmem.objects.rdb_writer import RdbWriter
from pyredmem.objects.set_encodings import ADDED, PRESENT, SetEncoding
from pyredmem.objects.table_pieces import table_pieces
from pyredmem.structures.dict import Dict

#: Keys that Redis samples to choose one fairly (Redis 7.2 dict.c GETFAIR_NUM_ENTRIES), each with a rehash step.
_DRAWN_FROM: Final = 15


@mypyc_attr(acyclic=True)
class HashedMembers(SetEncoding):
    """``hashtable``: in no particular order."""

    def __init__(self, address: i64, keys: Dict) -> None:
        self.address: i32 = i32(address)  # of the table's header
        self.keys = keys

    def lookup_table(self) -> Dict | None:
        return self.keys

    def encoding(self) -> bytes:
        return b"hashtable"

    def length(self) -> i64:
        return self.keys.used

    def contains(self, member: bytes) -> bool:
        return self.keys.find(member) >= 0

    def add(self, member: bytes, limits: EncodingLimits) -> i64:
        keys = self.keys
        if keys.find_for_insert(member) >= 0:
            return PRESENT
        keys.insert(member, 0)
        return ADDED

    def remove(self, member: bytes) -> bool:
        keys = self.keys
        slot = keys.find(member)
        if slot < 0:
            return False
        keys.remove(slot)
        keys.shrink_if_sparse()
        return True

    def members(self) -> list[bytes]:
        """All members, in no particular order."""
        return self.keys.all_keys()

    def draw(self, rng: Random) -> bytes:
        """A random member, found by one index in the dense arrays.

        A rehash in progress advances by as many steps as in Redis, which samples several keys.
        """
        keys = self.keys
        if keys.rehash_index >= 0:
            keys.rehash(min(keys.used, _DRAWN_FROM))
        return keys.key(rng.below(keys.used))

    def pop(self, rng: Random) -> bytes:
        """Remove a random member and return it."""
        keys = self.keys
        if keys.rehash_index >= 0:
            keys.rehash(min(keys.used, _DRAWN_FROM))
            keys.step()
        slot = rng.below(keys.used)
        member = keys.key(slot)
        keys.remove(slot)
        keys.shrink_if_sparse()
        return member

    def duplicate(self) -> SetEncoding:
        """A copy in a table with room for just these members."""
        copy = new_hashed_members(self.keys.allocator, self.keys.used)
        for member in self.keys.all_keys():
            copy.keys.insert(member, 0)
        return copy

    def memory(self, samples: i64) -> i64:
        """The table, and the average of the first members times their number.

        An entry is counted for each member, although the first one of a bucket has none, as in Redis.
        """
        keys = self.keys
        allocator = keys.allocator
        sizes = allocator.sizes
        total = sizes.set_header + keys.table_bytes()
        if keys.used == 0:
            return total
        measured: i64 = 0
        slots = keys.walk(samples)
        for slot in slots:
            measured += sizes.counted_set_entry + allocator.usable(keys.key_address(slot))
        # As in Redis, a sum of doubles truncated to an integer.
        return i64(int(int(total) + int(measured) / len(slots) * int(keys.used)))

    def free_effort(self) -> i64:
        return self.keys.used

    def free(self) -> None:
        """Free the table with the members, and the table's header."""
        allocator = self.keys.allocator
        self.keys.clear()
        allocator.free(i64(self.address))

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        """The members first, then the table."""
        if not self.keys.dismantle(limit, freed):
            return False
        freed.add(i64(self.address))
        return True

    def scan_effort(self) -> i64:
        return self.keys.used

    def defrag_head(self, mover: Mover) -> None:
        """The table's header and its arrays."""
        self.address = i32(mover.block(i64(self.address)))
        if mover.steers():
            self.keys = self.keys.relocated(mover)
        self.keys.defrag_table(mover)

    def defrag_elements(self, mover: Mover, cursor: i64, limit: i64) -> i64:
        """Some members, in the order of their slots."""
        return self.keys.defrag_slots(mover, cursor, limit)

    def twin(self) -> SetEncoding:
        return HashedMembers(i64(self.address), self.keys)

    def detach(self) -> None:
        self.keys = self.keys.image()

    def is_changed_by_reading(self) -> bool:
        return self.keys.rehash_index >= 0

    def addresses(self) -> list[int]:
        return [int(self.address), *self.keys.addresses()]

    def save(self, writer: RdbWriter) -> None:
        first_ms = self.save_head(writer)
        for slot in range(self.keys.used):
            self.save_slot(writer, slot, first_ms)

    def save_head(self, writer: RdbWriter) -> i64:
        writer.kind(SET)
        writer.length(self.keys.used)
        return NEVER

    def save_slot(self, writer: RdbWriter, slot: i64, first_ms: i64) -> None:
        writer.string(self.keys.key(slot))

    def pieces(self, compresses: bool, least: i64) -> Pieces | None:
        return table_pieces(self, self.keys, compresses, least)

    def table(self) -> Dict | None:
        return self.keys

    def check(self) -> None:
        self.keys.check()


def new_hashed_members(allocator: Allocator, expected: i64) -> HashedMembers:
    """An empty hash table with room for ``expected`` members."""
    address = allocator.alloc(allocator.sizes.set_header)
    keys = Dict(allocator, owns_keys=True, without_values=True, in_heap=True)
    keys.expand(expected)
    return HashedMembers(address, keys)
