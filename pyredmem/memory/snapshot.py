"""The sample of allocator figures that Redis takes every 100 ms, and the ratios it derives from it.

All ratios of INFO and MEMORY STATS come from one sample, so they are consistent with each other, and lag by up to 100
ms. Redis calculates them in 32-bit floats; here each operand and each quotient is rounded to 32 bits, which gives the
same digits.

For an allocator without statistics (libc, tcmalloc) the figures of the process are used: its resident memory in place
of active, and used_memory in place of allocated.

The caller says how much memory of the process is resident; this module does not ask the operating system.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import pack, unpack

from pyredmem.memory.allocator import Allocator


def float32(value: float) -> float:
    """Round to the nearest 32-bit float."""
    rounded: float = unpack("f", pack("f", value))[0]
    return rounded


def ratio(numerator: int, denominator: int) -> float:
    """Divide as 32-bit floats; the result is 0 if the denominator is."""
    if denominator == 0:
        return 0.0
    return float32(float32(numerator) / float32(denominator))


@dataclass(frozen=True)
class AllocatorSample:
    """The allocator's figures at one moment, in bytes."""

    used_memory: int
    allocated: int
    active: int
    resident: int
    process_rss: int

    def fragmentation_ratio(self) -> float:
        """Active to allocated bytes, more than 1 where free regions keep pages in use (allocator_frag_ratio)."""
        return ratio(self.active, self.allocated)

    def fragmentation_bytes(self) -> int:
        """Active less allocated bytes (allocator_frag_bytes)."""
        return self.active - self.allocated

    def allocator_rss_ratio(self) -> float:
        """Resident to active bytes, more than 1 by the pages not yet returned (allocator_rss_ratio)."""
        return ratio(self.resident, self.active)

    def allocator_rss_bytes(self) -> int:
        """Resident less active bytes (allocator_rss_bytes)."""
        return self.resident - self.active

    def rss_overhead_ratio(self) -> float:
        """Resident bytes of the process to those of the allocator (rss_overhead_ratio)."""
        return ratio(self.process_rss, self.resident)

    def rss_overhead_bytes(self) -> int:
        """Resident bytes of the process less those of the allocator (rss_overhead_bytes)."""
        return self.process_rss - self.resident

    def total_fragmentation_ratio(self) -> float:
        """Resident bytes of the process to used_memory (mem_fragmentation_ratio)."""
        return ratio(self.process_rss, self.used_memory)

    def total_fragmentation_bytes(self) -> int:
        """Resident bytes of the process less used_memory (mem_fragmentation_bytes)."""
        return self.process_rss - self.used_memory


def take_sample(allocator: Allocator, process_rss: int) -> AllocatorSample:
    """The allocator's figures now."""
    used_memory = allocator.used_memory
    if allocator.profile.has_statistics:
        return AllocatorSample(
            used_memory, allocator.allocated(), allocator.active(), allocator.resident(), process_rss
        )
    return AllocatorSample(used_memory, used_memory, process_rss, process_rss, process_rss)
