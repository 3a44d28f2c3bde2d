"""The sample of allocator figures that Redis takes every 100 ms, and the ratios it derives from it.

All ratios of INFO and MEMORY STATS use one sample, so that they fit together, and lag by up to 100 ms.
Redis computes them in 32-bit floats; here each operand and each quotient is rounded to 32 bits, which gives
the same digits.

An allocator without statistics (libc, tcmalloc) is described by the process: what is resident is taken for
active, and used_memory for allocated.

Who takes the sample says how much memory of the process is resident; nothing here asks the operating system.
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
    """Divide as 32-bit floats; 0 when there is nothing to divide by."""
    if denominator == 0:
        return 0.0
    return float32(float32(numerator) / float32(denominator))


@dataclass(frozen=True)
class AllocatorSample:
    """The figures of one moment, in bytes."""

    used_memory: int
    allocated: int
    active: int
    resident: int
    process_rss: int

    def fragmentation_ratio(self) -> float:
        """Active to allocated: pages that free regions keep in use (allocator_frag_ratio)."""
        return ratio(self.active, self.allocated)

    def fragmentation_bytes(self) -> int:
        """Active less allocated (allocator_frag_bytes)."""
        return self.active - self.allocated

    def allocator_rss_ratio(self) -> float:
        """Resident to active: pages the allocator has not returned (allocator_rss_ratio)."""
        return ratio(self.resident, self.active)

    def allocator_rss_bytes(self) -> int:
        """Resident less active (allocator_rss_bytes)."""
        return self.resident - self.active

    def rss_overhead_ratio(self) -> float:
        """Process to allocator: what else the process holds (rss_overhead_ratio)."""
        return ratio(self.process_rss, self.resident)

    def rss_overhead_bytes(self) -> int:
        """Process less allocator (rss_overhead_bytes)."""
        return self.process_rss - self.resident

    def total_fragmentation_ratio(self) -> float:
        """Process to used_memory (mem_fragmentation_ratio)."""
        return ratio(self.process_rss, self.used_memory)

    def total_fragmentation_bytes(self) -> int:
        """Process less used_memory (mem_fragmentation_bytes)."""
        return self.process_rss - self.used_memory


def take_sample(allocator: Allocator, process_rss: int) -> AllocatorSample:
    """Note the figures of this moment."""
    used_memory = allocator.used_memory
    if allocator.profile.has_statistics:
        return AllocatorSample(
            used_memory, allocator.allocated(), allocator.active(), allocator.resident(), process_rss
        )
    return AllocatorSample(used_memory, used_memory, process_rss, process_rss, process_rss)
