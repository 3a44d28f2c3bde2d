"""What lists, hashes, sets, sorted sets and streams have in common.

A collection is one :class:`RedisObject` for as long as the key lives: the ``robj`` block of 16 bytes. What its pointer
points at is an :class:`Encoded`, the elements in one of the type's encodings; a conversion swaps it for another one, as
Redis does, and the object stays.
"""

from __future__ import annotations

from mypy_extensions import i32, i64, mypyc_attr

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.layout import ROBJ_SIZE
from pyredmem.memory.mover import Mover
from pyredmem.objects.object import RedisObject
from pyredmem.objects.rdb_writer import RdbWriter


@mypyc_attr(acyclic=True)
class Encoded:
    """The elements of a collection in one encoding, with their ledger allocations."""

    def encoding(self) -> bytes:
        """What OBJECT ENCODING says."""
        raise NotImplementedError

    def memory(self, samples: i64) -> i64:
        """Bytes as MEMORY USAGE counts them, without the object's header."""
        raise NotImplementedError

    def free_effort(self) -> i64:
        """How many deallocations freeing it is worth."""
        return 1

    def free(self) -> None:
        """Give all ledger allocations back."""
        raise NotImplementedError

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        """Take about ``limit`` elements out, their blocks into ``freed``; True when nothing is left.

        See :meth:`RedisObject.dismantle` for what it may not touch.
        """
        freed.extend(self.addresses())
        return True

    def scan_effort(self) -> i64:
        """How many elements a defrag pass has to visit."""
        return 1

    def defrag_head(self, mover: Mover) -> None:
        """Let the mover place everything that is not visited with the elements."""
        raise NotImplementedError

    def defrag_elements(self, mover: Mover, cursor: i64, limit: i64) -> i64:
        """Let the mover place about ``limit`` elements from a cursor on; the next cursor, 0 at the end."""
        return 0

    def addresses(self) -> list[int]:
        """Every ledger address it owns."""
        raise NotImplementedError

    def save(self, writer: RdbWriter) -> None:
        """Write type and elements as this encoding is serialized."""
        raise NotImplementedError


@mypyc_attr(acyclic=True)
class Collection(RedisObject):
    """A value with elements."""

    def __init__(self, allocator: Allocator | None) -> None:
        """Without an allocator: a twin to be, see ``succeed``."""
        super().__init__(0 if allocator is None else allocator.alloc(ROBJ_SIZE))

    def payload(self) -> Encoded:
        """The elements in their encoding of the moment."""
        raise NotImplementedError

    def length(self) -> i64:
        """How many elements there are."""
        raise NotImplementedError

    def encoding(self) -> bytes:
        """What OBJECT ENCODING says."""
        return self.payload().encoding()

    def memory(self, allocator: Allocator, samples: i64) -> i64:
        """The object's header and the elements."""
        return ROBJ_SIZE + self.payload().memory(samples)

    def free_effort(self) -> i64:
        """That of the elements."""
        return self.payload().free_effort()

    def free(self, allocator: Allocator) -> None:
        """Give the header and the elements back."""
        self.payload().free()
        allocator.free(i64(self.address))

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        """The elements first, the header with the last ones."""
        if not self.payload().dismantle(limit, freed):
            return False
        freed.add(i64(self.address))
        return True

    def scan_effort(self) -> i64:
        """That of the elements."""
        return self.payload().scan_effort()

    def defrag_head(self, mover: Mover) -> None:
        """The header, and what holds the elements."""
        self.address = i32(mover.block(i64(self.address)))
        self.payload().defrag_head(mover)

    def defrag_elements(self, mover: Mover, cursor: i64, limit: i64) -> i64:
        """Elements of the payload."""
        return self.payload().defrag_elements(mover, cursor, limit)

    def addresses(self) -> list[int]:
        """The header and what the elements own."""
        return [int(self.address), *self.payload().addresses()]

    def save(self, writer: RdbWriter) -> None:
        """Write the elements in their encoding."""
        self.payload().save(writer)
