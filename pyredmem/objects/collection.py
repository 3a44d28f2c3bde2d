"""What lists, hashes, sets, sorted sets and streams have in common.

A collection is one :class:`RedisObject`, the ``robj`` block of 16 bytes, for as long as the key lives. Its pointer
points to an :class:`Encoded`: the elements in one of the type's encodings. A conversion replaces the elements' object
by another one and keeps the collection's, as in Redis.
"""

from __future__ import annotations

from typing import TypeVar

from mypy_extensions import i32, i64, mypyc_attr

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks, drop_items
from pyredmem.memory.layout import ROBJ_SIZE
from pyredmem.memory.mover import Mover
from pyredmem.memory.relocation import Relocatable
from pyredmem.objects.object import RedisObject
from pyredmem.objects.pieces import Pieces
from pyredmem.objects.rdb_writer import RdbWriter
from pyredmem.structures.dict import Dict
from pyredmem.structures.listpack import Listpack

Value = TypeVar("Value")


def sampled_memory(structure: i64, elements: i64, sampled: i64, length: i64) -> i64:
    """Bytes of a structure and of ``length`` elements, of which ``sampled`` take ``elements`` bytes.

    The arithmetic is Redis's (7.2 object.c): the average is a double, so a byte may get lost.
    """
    return i64(int(float(structure) + float(elements) / float(sampled) * float(length)))


@mypyc_attr(acyclic=True)
class Encoded(Relocatable):
    """The elements of a collection in one encoding, with their ledger blocks."""

    def encoding(self) -> bytes:
        """The reply of OBJECT ENCODING."""
        raise NotImplementedError

    def memory(self, samples: i64) -> i64:
        """Bytes as MEMORY USAGE counts them, without the object's header."""
        raise NotImplementedError

    def free_effort(self) -> i64:
        """How many deallocations it takes to free the elements."""
        return 1

    def free(self) -> None:
        """Free all ledger blocks."""
        raise NotImplementedError

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        """Remove about ``limit`` elements and add their blocks to ``freed``; True when nothing is left.

        The rules are those of :meth:`RedisObject.dismantle`.
        """
        freed.extend(self.addresses())
        return True

    def lookup_table(self) -> Dict | None:
        """The hash table in which elements are found, if there is one."""
        return None

    def is_changed_by_reading(self) -> bool:
        """Whether even commands that read change ledger blocks (a rehash in progress, compressed nodes)."""
        return False

    def scan_effort(self) -> i64:
        """How many elements a defrag pass has to visit one by one."""
        return 1

    def defrag_head(self, mover: Mover) -> None:
        """Let the mover place everything that is not visited with the elements."""
        raise NotImplementedError

    def defrag_elements(self, mover: Mover, cursor: i64, limit: i64) -> i64:
        """Let the mover place about ``limit`` elements from ``cursor`` on; returns the next cursor, 0 at the end."""
        return 0

    def addresses(self) -> list[int]:
        """The address of every ledger block that the elements own."""
        raise NotImplementedError

    def save(self, writer: RdbWriter) -> None:
        """Write type and elements in the serialized form of this encoding."""
        raise NotImplementedError

    def pieces(self, compresses: bool, least: i64) -> Pieces | None:
        """The elements, to be written piece by piece; None if they are fewer than ``least``."""
        return None

    # Of an encoding that is a hash table.

    def save_head(self, writer: RdbWriter) -> i64:
        """Write the type, and how many elements there are; returns what `save_slot` wants to know."""
        raise NotImplementedError

    def save_slot(self, writer: RdbWriter, slot: i64, first_ms: i64) -> None:
        """Write the element in a slot. ``first_ms``: the earliest time of a field, if they have times."""
        raise NotImplementedError


@mypyc_attr(acyclic=True)
class Collection(RedisObject):
    """A value with elements."""

    def __init__(self, allocator: Allocator | None) -> None:
        """Without an allocator it becomes a twin, see ``succeed``."""
        super().__init__(0 if allocator is None else allocator.alloc(ROBJ_SIZE))

    def payload(self) -> Encoded:
        """The elements in their present encoding."""
        raise NotImplementedError

    def pause_shrinking(self) -> None:
        """Begin to remove several elements: in Valkey a hash table then shrinks only when that ends."""
        table = self.payload().lookup_table()
        if table is not None:
            table.pause_shrinking()

    def resume_shrinking(self) -> None:
        """End it."""
        table = self.payload().lookup_table()
        if table is not None:
            table.resume_shrinking()

    def length(self) -> i64:
        """How many elements there are."""
        raise NotImplementedError

    def encoding(self) -> bytes:
        return self.payload().encoding()

    def memory(self, allocator: Allocator, samples: i64) -> i64:
        """The object's header and the elements."""
        return ROBJ_SIZE + self.payload().memory(samples)

    def free_effort(self) -> i64:
        return self.payload().free_effort()

    def free(self, allocator: Allocator) -> None:
        self.payload().free()
        allocator.free(i64(self.address))

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        """The elements first, then the header."""
        if not self.payload().dismantle(limit, freed):
            return False
        freed.add(i64(self.address))
        return True

    def is_changed_by_reading(self) -> bool:
        return self.payload().is_changed_by_reading()

    def scan_effort(self) -> i64:
        return self.payload().scan_effort()

    def defrag_head(self, mover: Mover) -> None:
        self.address = i32(mover.block(i64(self.address)))
        self.payload().defrag_head(mover)

    def defrag_elements(self, mover: Mover, cursor: i64, limit: i64) -> i64:
        return self.payload().defrag_elements(mover, cursor, limit)

    def addresses(self) -> list[int]:
        return [int(self.address), *self.payload().addresses()]

    def save(self, writer: RdbWriter) -> None:
        self.payload().save(writer)

    def pieces(self, compresses: bool, least: i64) -> Pieces | None:
        return self.payload().pieces(compresses, least)


def dismantle_packed(items: dict[bytes, Value], block: Listpack, limit: i64, freed: FreedBlocks) -> bool:
    """Dismantle a collection that is a dict beside the block of a listpack: the items first, then the block."""
    if not drop_items(items, limit):
        return False
    freed.add(i64(block.address))
    return True
