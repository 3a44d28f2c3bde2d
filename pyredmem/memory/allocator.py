"""The ledger's front: what the rest of the server calls instead of malloc.

``used_memory`` is Redis's counter: the sum of the *usable* sizes of all live blocks, plus a constant block
for what a server allocates before it serves anyone (event loop tables, shared integers, command table ...),
which is not modelled in detail. ``begin()`` takes that block.

The figures of the allocator's own statistics have floors that are likewise constants, measured on a fresh
server with the bundled jemalloc: blocks idle in thread caches and blocks that no counter sees are
*allocated*; the pages of all that are *active*; the allocator's own bookkeeping is *resident*. A fresh
server with one client thus shows about 1.17 MB allocated, 1.29 MB active and 3.95 MB resident.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.memory.decay import DirtyDecay
from pyredmem.memory.heap import Heap
from pyredmem.memory.size_classes import PAGE_BYTES, create_profile

#: allocated, but not in used_memory: thread caches, and what is allocated behind the counter's back
CACHED_BYTES: Final = 267_112
#: pages of the startup block and of the caches
STARTUP_PAGES: Final = 284
#: the allocator's own structures at startup, and one descriptor per slab or extent
METADATA_BYTES: Final = 648 * PAGE_BYTES
DESCRIPTOR_BYTES: Final = 128


class Allocator(Heap):
    """The heap of one server with the accounting of Redis."""

    def __init__(self, profile_name: str = "jemalloc") -> None:
        super().__init__(create_profile(profile_name))
        #: the highest used_memory anyone noted
        self.peak: i64 = 0
        #: used_memory when the server was ready and empty
        self.startup: i64 = 0
        self._decay: Final = DirtyDecay(self.pages)

    def begin(self) -> None:
        """Take the startup block; call it once, before anything is allocated."""
        assert self.startup == 0, "begin() was called twice"
        self.pages.take(STARTUP_PAGES)
        self.reserved_pages = STARTUP_PAGES
        self.reserved_bytes = self.profile.startup_bytes
        self.used_memory += self.reserved_bytes
        self.startup = self.used_memory
        self.note_peak()

    def set_limit(self, limit_bytes: i64) -> None:
        """Refuse with OutOfMemory what would make more than this many bytes active; 0 = no limit."""
        self.pages.page_limit = (limit_bytes + PAGE_BYTES - 1) // PAGE_BYTES

    # -- blocks ------------------------------------------------------------------------------------

    def realloc(self, address: i64, size: i64) -> i64:
        """Resize a block by the rule of the profile; size 0 frees it (and returns 0), address 0 allocates."""
        if address == 0:
            return self.alloc(size)
        if size == 0:
            self.free(address)
            return 0
        assert size > 0, f"negative size {size}"
        old: i64 = self.usable(address)
        request: i64 = self.profile.realloc_request(old, size)
        usable: i64 = self.good_size(request)
        if usable == old:
            return address
        if old > self.small_limit and request > self.small_limit and self._resize_large(address, usable):
            return address
        new: i64 = self.alloc(request)
        self.free(address)
        return new

    def replace(self, address: i64, size: i64) -> i64:
        """Free a block and take one of ``size`` bytes; the same block when the class is the same.

        This is what a thread cache does in effect: the block just freed is the next one handed out.
        """
        if self.usable(address) == self.good_size(size):
            return address
        new: i64 = self.alloc(size)
        self.free(address)
        return new

    def reset_peak(self) -> None:
        """Let what is in use now be the peak."""
        self.peak = self.used_memory

    def note_peak(self) -> None:
        """Raise the peak to the memory in use now; called once per batch of commands."""
        if self.used_memory > self.peak:
            self.peak = self.used_memory

    # -- pages -------------------------------------------------------------------------------------

    def tick(self, now_ms: i64) -> None:
        """Let dirty pages decay."""
        self._decay.tick(now_ms)

    def purge(self) -> i64:
        """Return all dirty pages to the system at once; return how many there were."""
        purged: i64 = self.pages.purge(0)
        self._decay.forget()
        return purged

    # -- figures -----------------------------------------------------------------------------------

    def allocated(self) -> i64:
        """Bytes handed out by the allocator, counted by Redis or not."""
        return self.used_memory + CACHED_BYTES if self.startup else self.used_memory

    def active(self) -> i64:
        """Bytes of pages in use."""
        return self.pages.used_pages * PAGE_BYTES

    def dirty(self) -> i64:
        """Bytes of free pages that are still resident."""
        return self.pages.dirty_pages * PAGE_BYTES

    def metadata(self) -> i64:
        """Bytes of the allocator's own structures, in whole pages."""
        descriptors: i64 = self.record_count() * DESCRIPTOR_BYTES
        whole: i64 = (descriptors + PAGE_BYTES - 1) // PAGE_BYTES * PAGE_BYTES
        return whole + METADATA_BYTES if self.startup else whole

    def resident(self) -> i64:
        """Bytes of pages that are in memory: active, dirty, metadata."""
        return self.active() + self.dirty() + self.metadata()

    def mapped(self) -> i64:
        """Bytes of address space in use, without what is retained."""
        return self.resident()

    def retained(self) -> i64:
        """Bytes of address space kept although the pages were returned."""
        return self.pages.retained_pages * PAGE_BYTES
