"""RedisObject: what a key holds.

Every data type and encoding is a subclass that owns its ledger allocations: nobody else allocates, frees or measures
them. The fields are those of Redis's ``robj``: the 24-bit access field (LRU clock or LFU minutes and counter), the
reference count, and ``address``, the ledger address of the object's own block. Type and encoding are the class.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i32, i64, mypyc_attr

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.mover import Mover
from pyredmem.objects.digest import Digest
from pyredmem.objects.rdb_writer import RdbWriter
from pyredmem.structures.dict import Dict

#: The reference count of objects that are never freed (Redis 7.2 OBJ_SHARED_REFCOUNT).
SHARED_REFERENCE_COUNT: Final = 2147483647


@mypyc_attr(acyclic=True, allow_interpreted_subclasses=True)
class RedisObject:
    """A value with its reference count; the keyspace holds one reference."""

    def __init__(self, address: i64) -> None:
        self.lru: i32 = 0
        self.refcount: i32 = 1
        self.address: i32 = i32(address)

    def type_name(self) -> bytes:
        """What TYPE says."""
        raise NotImplementedError

    def encoding(self) -> bytes:
        """What OBJECT ENCODING says."""
        raise NotImplementedError

    def memory(self, allocator: Allocator, samples: i64) -> i64:
        """Bytes of the value as MEMORY USAGE counts them; ``samples`` elements are measured, all if 0."""
        raise NotImplementedError

    def free_effort(self) -> i64:
        """How many deallocations freeing the value is worth (Redis 7.2 lazyfreeGetFreeEffort)."""
        return 1

    def free(self, allocator: Allocator) -> None:
        """Give all ledger allocations back; called when the last reference goes."""
        raise NotImplementedError

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        """Take about ``limit`` elements out, their ledger blocks into ``freed``; True when nothing is left.

        For a value that nobody else can reach any more; from the first call on it is good for nothing else. It may be
        called in any thread: it touches the value alone, never the allocator.
        """
        freed.extend(self.addresses())
        return True

    def scan_effort(self) -> i64:
        """How many elements a defrag pass has to visit (nodes of a list, listpacks of a stream); 1 if that is all."""
        return 1

    def defrag_head(self, mover: Mover) -> None:
        """Let the mover place the object's own block, and all else that is not visited with the elements."""
        raise NotImplementedError

    def defrag_elements(self, mover: Mover, cursor: i64, limit: i64) -> i64:
        """Let the mover place about ``limit`` elements from a cursor on, 0 at first; the next cursor, 0 at the end."""
        return 0

    def relocated(self, mover: Mover) -> RedisObject:
        """This object or, if it has to leave its place in the process's heap, its twin, which takes over everything."""
        if self.refcount != 1 or not mover.must_leave(self):
            return self
        twin = self.twin()
        while mover.must_plug(twin):
            twin = self.twin()
        self.let_go()
        return twin

    def twin(self) -> RedisObject:
        """Another Python object with the very same fields; no ledger block is allocated, one of the two is dropped."""
        raise NotImplementedError

    def let_go(self) -> None:
        """Forget large content, which the twin has: the mover may keep this object for the rest of its pass."""

    def succeed(self, original: RedisObject) -> RedisObject:
        """Take over, as a twin, what every object has: its block and all that is noted; returns this object."""
        self.address = original.address
        self.lru = original.lru
        self.refcount = original.refcount
        return self

    def duplicate(self, allocator: Allocator) -> RedisObject:
        """A value of its own with the same content, in the same encoding, as COPY makes it."""
        raise NotImplementedError

    def addresses(self) -> list[int]:
        """Every ledger address the value owns."""
        raise NotImplementedError

    def digest(self, digest: Digest) -> None:
        """Add type and content to a digest, so that equal values of any encoding have equal digests."""
        raise NotImplementedError

    def save(self, writer: RdbWriter) -> None:
        """Write the value, its type first."""
        raise NotImplementedError

    def serialized_length(self, compresses: bool) -> i64:
        """Bytes of the value in a snapshot, without its type."""
        writer = RdbWriter(compresses)
        self.save(writer)
        return writer.content_length()

    def hash_table(self) -> Dict | None:
        """The hash table that the value is made of, for DEBUG HTSTATS-KEY; None if there is none."""
        return None


def incr_ref_count(value: RedisObject) -> None:
    """Take a reference."""
    if value.refcount != SHARED_REFERENCE_COUNT:
        value.refcount += 1


def decr_ref_count(value: RedisObject, allocator: Allocator) -> None:
    """Give a reference back; the last one frees the value."""
    if value.refcount == 1:
        value.refcount = 0
        value.free(allocator)
    elif value.refcount != SHARED_REFERENCE_COUNT:
        assert value.refcount > 0, f"the object at {value.address} has been freed already"
        value.refcount -= 1
