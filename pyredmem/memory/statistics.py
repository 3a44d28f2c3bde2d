"""Figures per size class: the number of blocks and slabs, and how full the slabs are."""

from __future__ import annotations

from dataclasses import dataclass

from mypy_extensions import i64

from pyredmem.memory.heap import Heap
from pyredmem.memory.size_classes import PAGE_BYTES
from pyredmem.memory.slabs import (
    ALLOCATIONS,
    BIN_SIZE,
    FREES,
    NONFULL,
    PAGES,
    REGIONS,
    SLABS,
    SLABS_MADE,
    USABLE,
)


@dataclass(frozen=True)
class BinStatistics:
    """The figures of one small class."""

    index: int
    size: int
    regions_per_slab: int
    pages_per_slab: int
    slabs: int
    #: Slabs with room, without the current one, in which new blocks are made.
    nonfull_slabs: int
    slabs_made: int
    regions: int
    allocations: int
    frees: int

    def capacity(self) -> int:
        """The regions of all slabs, used or not."""
        return self.slabs * self.regions_per_slab

    def utilisation(self) -> float:
        """The used share of the regions; 1.0 for a class without slabs, which wastes nothing."""
        return self.regions / self.capacity() if self.slabs else 1.0

    def allocated(self) -> int:
        """Bytes of the live blocks."""
        return self.regions * self.size

    def active(self) -> int:
        """Bytes of the slabs."""
        return self.slabs * self.pages_per_slab * PAGE_BYTES


@dataclass(frozen=True)
class LargeStatistics:
    """The live large blocks of one size."""

    size: int
    blocks: int


def bin_statistics(heap: Heap) -> list[BinStatistics]:
    """The figures of all small classes, the smallest first."""
    bins = heap.bins
    found: list[BinStatistics] = []
    for index in range(len(heap.profile.bins)):
        bin_at: i64 = (index + 1) * BIN_SIZE
        found.append(
            BinStatistics(
                index=index,
                size=bins[bin_at + USABLE],
                regions_per_slab=bins[bin_at + REGIONS],
                pages_per_slab=bins[bin_at + PAGES],
                slabs=bins[bin_at + SLABS],
                nonfull_slabs=bins[bin_at + NONFULL],
                slabs_made=bins[bin_at + SLABS_MADE],
                regions=bins[bin_at + ALLOCATIONS] - bins[bin_at + FREES],
                allocations=bins[bin_at + ALLOCATIONS],
                frees=bins[bin_at + FREES],
            )
        )
    return found


def allocated_bytes(heap: Heap) -> int:
    """The sum of the usable sizes of all blocks that were ever allocated, whose requests were ``requested_bytes``."""
    return sum([one.allocations * one.size for one in bin_statistics(heap)]) + heap.large_bytes


def large_statistics(heap: Heap) -> list[LargeStatistics]:
    """The number of live large blocks of each size, the smallest first."""
    counts: dict[int, int] = {}
    for size in heap.live_large_sizes():
        counts[size] = counts.get(size, 0) + 1
    return [LargeStatistics(size, counts[size]) for size in sorted(counts)]


def add_live_blocks(heap: Heap, numbers: dict[int, int]) -> None:
    """Add the live blocks of a heap to ``numbers``, which has the number of blocks by usable size."""
    bins = heap.bins
    bin_at: i64 = BIN_SIZE
    for _ in range(len(heap.profile.bins)):
        live: i64 = bins[bin_at + ALLOCATIONS] - bins[bin_at + FREES]
        if live > 0:
            size: int = bins[bin_at + USABLE]
            numbers[size] = numbers.get(size, 0) + live
        bin_at += BIN_SIZE
    if heap.large_allocations != heap.large_frees:
        for large in heap.live_large_sizes():
            numbers[large] = numbers.get(large, 0) + 1
