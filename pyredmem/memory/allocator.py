"""The front of the ledger: what the rest of the server calls instead of malloc.

``used_memory`` is Redis's counter: the sum of the *usable* sizes of all live blocks, plus a constant block for what a
server allocates before its first client (event loop tables, shared integers, command table ...), which is not modelled
in detail. ``begin()`` takes that block.

The allocator's own statistics have constant floors as well, measured on a fresh server with the bundled jemalloc:
blocks idle in thread caches and blocks that no counter sees are *allocated*; the pages of all these are *active*; the
allocator's own bookkeeping is *resident*. So a fresh server with one client shows about 1.17 MB allocated, 1.29 MB
active and 3.95 MB resident.

The allocator is one object made of three classes, each the base of the next: ``SlabHeap`` (small blocks), ``Heap``
(large blocks, and whatever looks at all blocks), ``Allocator`` (reallocation and Redis's figures). They are classes for
the reader, who can take one subject at a time, and subclasses rather than parts for speed: all three work on the same
arrays, and compiled code reads a field of ``self``, and calls a method of ``self``, without going through a second
object.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.memory.decay import DirtyDecay
from pyredmem.memory.heap import Heap
from pyredmem.memory.pages import PAGE_LIMIT
from pyredmem.memory.size_classes import PAGE_BYTES, create_profile
from pyredmem.memory.structure_sizes import REDIS_7_2, StructureSizes

#: Pages of the startup block and of the caches of Redis 7.2.
STARTUP_PAGES: Final = 284
#: The allocator's own structures at startup, and its descriptor of one slab or extent.
METADATA_BYTES: Final = 648 * PAGE_BYTES
DESCRIPTOR_BYTES: Final = 128
#: An eighth of the address space is left free.
ADDRESSABLE_BYTES: Final = (PAGE_LIMIT - PAGE_LIMIT // 8) * PAGE_BYTES


class Allocator(Heap):
    """The heap of one server, with Redis's accounting."""

    def __init__(self, profile_name: str = "jemalloc") -> None:
        super().__init__(create_profile(profile_name))
        #: The seed of `key_hash` for the tables that are allocated here.
        self.hash_seed: i64 = 0
        #: The sizes of what is allocated here, where they depend on the version of Redis.
        self.sizes: StructureSizes = REDIS_7_2
        #: By how many bytes a block may be larger than a request needs.
        self.spare_bytes: i64 = 0
        #: The highest used_memory that ``note_peak`` has seen.
        self.peak: i64 = 0
        #: The used_memory of the server when it was ready and empty.
        self.startup: i64 = 0
        #: What may be in use (bytes): the address space, but for what one command adds and for fragmentation.
        self.addressable_bytes: i64 = ADDRESSABLE_BYTES
        self._decay: Final = DirtyDecay(self.pages)

    def begin(self) -> None:
        """Take the startup block. To be called once, before anything is allocated."""
        assert self.startup == 0, "begin() was called twice"
        change: i64 = self.sizes.startup_change
        cached: i64 = self.sizes.cached_bytes - REDIS_7_2.cached_bytes
        pages = STARTUP_PAGES + (change + cached) // PAGE_BYTES
        self.pages.take(pages)
        self.reserved_pages = pages
        self.reserved_bytes = self.profile.startup_bytes + change
        self.used_memory += self.reserved_bytes
        self.startup = self.used_memory
        self.note_peak()

    def set_limit(self, limit_bytes: i64) -> None:
        """Raise OutOfMemory for an allocation that would make more than ``limit_bytes`` active; 0 means no limit."""
        self.pages.page_limit = (limit_bytes + PAGE_BYTES - 1) // PAGE_BYTES

    # Blocks.

    def alloc_zeroed(self, size: i64) -> i64:
        """A block that Redis asks for with zeros in it (calloc), which an allocator may take from another place."""
        return self.alloc(size)

    def given_size(self, request: i64) -> i64:
        """The usable size of the block that ``alloc(request)`` has just returned."""
        return self.good_size(request)

    def realloc(self, address: i64, size: i64) -> i64:
        """Resize a block by the rule of the profile and return its address; size 0 frees it, address 0 allocates one.

        Returns 0 when the block was freed.
        """
        if address == 0:
            return self.alloc(size)
        if size == 0:
            self.free(address)
            return 0
        new: i64 = self.start_realloc(address, size)
        if new != address:
            self.free(address)
        return new

    def start_realloc(self, address: i64, size: i64) -> i64:
        """Resize a block as ``realloc`` does. If it moves, the old block stays until the caller has freed it.

        So its content can be moved in between.
        """
        assert size > 0, f"negative size {size}"
        return self.start_resize(address, self.usable(address), size)[0]

    def start_resize(self, address: i64, old: i64, size: i64) -> tuple[i64, i64]:
        """As ``start_realloc``, for an owner who keeps the usable size, which was ``old``; returns the new one too."""
        request: i64 = self.profile.realloc_request(old, size)
        usable: i64 = self.good_size(request)
        if usable == old:
            return address, usable
        if old > self.small_limit and request > self.small_limit and self._resize_large(address, usable):
            return address, usable
        return self.alloc(request), usable

    def replace(self, address: i64, size: i64) -> i64:
        """Free a block and take one of ``size`` bytes, which is the same block if the size class is the same.

        This is the effect of a thread cache: the block freed last is the next one handed out.
        """
        if self.usable(address) == self.good_size(size):
            return address
        new: i64 = self.alloc(size)
        self.free(address)
        return new

    def hold_requests(self, requests: list[list[bytes]]) -> bool:
        """Note that these requests have been parsed, and will run; returns whether `drop_request` must follow each.

        What Redis takes for them comes and goes, and is in no figure. It matters where a block depends on what was
        freed before it.
        """
        return False

    def drop_request(self) -> None:
        """The first of the requests that are held has run."""

    def drop_requests(self) -> None:
        """No request is held any more: those that are left will not run now."""

    def reset_peak(self) -> None:
        """Make the memory in use now the peak."""
        self.peak = self.used_memory

    def note_peak(self) -> None:
        """Raise the peak to the memory in use now; called once per batch of commands."""
        if self.used_memory > self.peak:
            self.peak = self.used_memory

    # Pages.

    def tick(self, now_ms: i64) -> None:
        """Let dirty pages decay."""
        self._decay.tick(now_ms)

    def purge(self) -> i64:
        """Return all dirty pages to the system at once; returns how many there were."""
        purged: i64 = self.pages.purge(0)
        self._decay.forget()
        return purged

    # Figures.

    def allocated(self) -> i64:
        """Bytes that the allocator has handed out, counted by Redis or not."""
        return self.used_memory + self.sizes.cached_bytes if self.startup else self.used_memory

    def active(self) -> i64:
        """Bytes of pages in use."""
        return self.pages.used_pages * PAGE_BYTES

    def dirty(self) -> i64:
        """Bytes of the free pages that are still resident."""
        return self.pages.dirty_pages * PAGE_BYTES

    def metadata(self) -> i64:
        """Bytes of the allocator's own structures, in whole pages."""
        descriptors: i64 = self.record_count() * DESCRIPTOR_BYTES
        whole: i64 = (descriptors + PAGE_BYTES - 1) // PAGE_BYTES * PAGE_BYTES
        return whole + METADATA_BYTES if self.startup else whole

    def resident(self) -> i64:
        """Bytes of the pages that are in memory: active, dirty, metadata."""
        return self.active() + self.dirty() + self.metadata()

    def mapped(self) -> i64:
        """Bytes of address space in use, without the retained part."""
        return self.resident()

    def retained(self) -> i64:
        """Bytes of address space that is kept although its pages were returned to the system."""
        return self.pages.retained_pages * PAGE_BYTES
