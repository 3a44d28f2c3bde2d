"""The ledger's front: what the rest of the server calls instead of malloc.

``used_memory`` is Redis's counter: the sum of the *usable* sizes of all live blocks.
"""

from __future__ import annotations

from mypy_extensions import i64

from pyredmem.memory.heap import Heap
from pyredmem.memory.size_classes import create_profile


class Allocator(Heap):
    """The heap of one server with the accounting of Redis."""

    def __init__(self, profile_name: str = "jemalloc") -> None:
        super().__init__(create_profile(profile_name))
        #: the highest used_memory anyone noted
        self.peak: i64 = 0

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
        if self.good_size(request) == old:
            return address
        new: i64 = self.alloc(request)
        self.free(address)
        return new

    def replace(self, address: i64, size: i64) -> i64:
        """Free a block and take one of ``size`` bytes; the same block when the class is the same.

        This is what a thread cache does in effect: the block just freed is the next one handed out.
        """
        old: i64 = self.usable(address)
        if self.good_size(size) == old:
            return address
        new: i64 = self.alloc(size)
        self.free(address)
        return new

    def note_peak(self) -> None:
        """Raise the peak to the memory in use now."""
        self.peak = max(self.peak, self.used_memory)
