"""RedisObject: what a key holds.

Every data type and encoding is a subclass that owns its blocks in the ledger: nobody else allocates, frees or measures
them. The fields are those of Redis's ``robj``: the 24-bit access field (the LRU clock, or the LFU minutes and counter),
the reference count, and ``address``, the ledger address of the object's own block. The class itself tells type and
encoding.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i32, i64, mypyc_attr

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.mover import Mover
from pyredmem.memory.relocation import Relocatable, twin_elsewhere
from pyredmem.objects.digest import Digest
from pyredmem.objects.pieces import Pieces
from pyredmem.objects.rdb_writer import RdbWriter
from pyredmem.structures.dict import Dict

#: The reference count of objects that are never freed (Redis 7.2 OBJ_SHARED_REFCOUNT).
SHARED_REFERENCE_COUNT: Final = 2147483647


@mypyc_attr(acyclic=True, allow_interpreted_subclasses=True)
class RedisObject(Relocatable):
    """A value with its reference count; the keyspace holds one reference."""

    def __init__(self, address: i64) -> None:
        self.lru: i32 = 0
        self.refcount: i32 = 1
        self.address: i32 = i32(address)

    def type_name(self) -> bytes:
        """The reply of TYPE."""
        raise NotImplementedError

    def encoding(self) -> bytes:
        """The reply of OBJECT ENCODING."""
        raise NotImplementedError

    def memory(self, allocator: Allocator, samples: i64) -> i64:
        """Bytes of the value as MEMORY USAGE counts them, by measuring ``samples`` elements, or all if that is 0."""
        raise NotImplementedError

    def expected_memory(self, allocator: Allocator) -> i64:
        """What ``memory`` returns for all elements, on average if that depends on chance."""
        return self.memory(allocator, 0)

    def depends_on_chance(self) -> bool:
        """Whether equal values may differ in their memory."""
        return False

    def free_effort(self) -> i64:
        """How many deallocations it takes to free the value (Redis 7.2 lazyfreeGetFreeEffort)."""
        return 1

    def free(self, allocator: Allocator) -> None:
        """Free all blocks of the value. Called when the last reference is dropped."""
        raise NotImplementedError

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        """Remove about ``limit`` elements and add their ledger blocks to ``freed``; True when nothing is left.

        Only for a value that nothing refers to any more: after the first call it can only be dismantled further. Any
        thread may call this, since it touches the value alone and never the allocator.
        """
        freed.extend(self.addresses())
        return True

    def scan_effort(self) -> i64:
        """How many elements a defrag pass visits one by one (nodes of a list, listpacks of a stream), at least 1."""
        return 1

    def defrag_head(self, mover: Mover) -> None:
        """Let the mover place the object's own block, and everything else that is not visited with the elements."""
        raise NotImplementedError

    def defrag_elements(self, mover: Mover, cursor: i64, limit: i64) -> i64:
        """Let the mover place about ``limit`` elements from ``cursor`` on; a pass starts with 0.

        Returns the cursor to continue with, 0 at the end.
        """
        return 0

    def relocated(self, mover: Mover) -> RedisObject:
        """This object or, if it has to leave its place in the process's heap, its twin, which takes over everything."""
        if self.refcount != 1 or not mover.must_leave(self):
            return self
        twin = twin_elsewhere(self, mover)
        self.drop_content()
        return twin

    def twin(self) -> RedisObject:
        raise NotImplementedError

    def drop_content(self) -> None:
        """Drop large content that the twin has now: the mover may keep this object until the end of its pass."""

    def succeed(self, original: RedisObject) -> RedisObject:
        """Take over from ``original``, as its twin, the fields that every object has; returns this object."""
        self.address = original.address
        self.lru = original.lru
        self.refcount = original.refcount
        return self

    def image(self) -> RedisObject:
        """A copy for a snapshot, down to the spare room of its blocks; it refers to the same blocks.

        :mod:`pyredmem.objects.image` makes it independent of the ledger.
        """
        image = self.twin()
        image.refcount = 1
        image.detach()
        return image

    def is_changed_by_reading(self) -> bool:
        """Whether even commands that read the value change its ledger blocks."""
        return False

    def duplicate(self, allocator: Allocator) -> RedisObject:
        """Another value with the same content in the same encoding, as COPY makes it."""
        raise NotImplementedError

    def addresses(self) -> list[int]:
        """The address of every ledger block that the value owns."""
        raise NotImplementedError

    def digest(self, digest: Digest) -> None:
        """Add type and content to a digest, so that equal values of any encoding have equal digests."""
        raise NotImplementedError

    def save(self, writer: RdbWriter) -> None:
        """Write the value, its type first."""
        raise NotImplementedError

    def pieces(self, compresses: bool, least: i64) -> Pieces | None:
        """The value as it is now, to be written piece by piece while commands change it.

        None if it is small: fewer than ``least`` elements, or than a 32nd of that many nodes.
        """
        return None

    def serialized_length(self, compresses: bool) -> i64:
        """Bytes of the value in a snapshot, without its type."""
        writer = RdbWriter(compresses)
        self.save(writer)
        return writer.size() - 1

    def hash_table(self) -> Dict | None:
        """The hash table that holds the elements, for DEBUG HTSTATS-KEY; None if there is none."""
        return None


def incr_ref_count(value: RedisObject) -> None:
    if value.refcount != SHARED_REFERENCE_COUNT:
        value.refcount += 1


def decr_ref_count(value: RedisObject, allocator: Allocator) -> None:
    """Drop a reference; dropping the last one frees the value."""
    if value.refcount == 1:
        value.refcount = 0
        value.free(allocator)
    elif value.refcount != SHARED_REFERENCE_COUNT:
        assert value.refcount > 0, f"the object at {value.address} has been freed already"
        value.refcount -= 1
