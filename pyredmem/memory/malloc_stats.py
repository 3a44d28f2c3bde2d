"""The text of MEMORY MALLOC-STATS: the allocator's figures, laid out as in jemalloc's own report."""

from __future__ import annotations

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.decay import DECAY_MS
from pyredmem.memory.pages import GROWTH_PAGES
from pyredmem.memory.size_classes import PAGE_BYTES
from pyredmem.memory.statistics import BinStatistics, bin_statistics, large_statistics


def malloc_stats(allocator: Allocator) -> str:
    """The report, for an allocator whose profile has statistics."""
    lines = ["___ Begin jemalloc statistics ___"]
    lines += _options(allocator)
    lines += _totals(allocator)
    lines += _bins(allocator)
    lines += _large(allocator)
    lines += _pages(allocator)
    lines.append("--- End jemalloc statistics ---")
    return "\n".join(lines) + "\n"


def _options(allocator: Allocator) -> list[str]:
    return [
        'Version: "5.3.0-0-g0"',
        "Build-time option settings",
        "  a model of the allocator: addresses and pages are accounted, not mapped",
        "Run-time option settings",
        "  opt.narenas: 1",
        "  opt.tcache: false",
        "  opt.retain: true",
        f"  opt.dirty_decay_ms: {DECAY_MS}",
        "  opt.muzzy_decay_ms: 0",
        f"Profile: {allocator.profile.name}",
        "Quantum size: " + ("16" if allocator.good_size(17) == 32 else "8"),
        f"Page size: {PAGE_BYTES}",
        f"Maximum small size: {allocator.small_limit}",
    ]


def _totals(allocator: Allocator) -> list[str]:
    return [
        f"Allocated: {allocator.allocated()}, active: {allocator.active()}, "
        f"metadata: {allocator.metadata()} (n_thp 0), resident: {allocator.resident()}, "
        f"mapped: {allocator.mapped()}, retained: {allocator.retained()}"
    ]


def _bins(allocator: Allocator) -> list[str]:
    """The small classes that were ever used: their live blocks, their slabs, and the free part of the slabs.

    ``frag_bytes`` are the bytes of the slabs that no block uses; over all classes they add up to
    ``allocator_frag_bytes``.
    """
    lines = [
        "bins:           size  ind    allocated   frag_bytes      curregs     capacity   util     curslabs"
        "  nonfull_slabs  regs  pgs      nmalloc      ndalloc       nslabs"
    ]
    used = [item for item in bin_statistics(allocator) if item.allocations > 0]
    lines += [
        f"{item.size:>20}{item.index:>5}{item.allocated():>13}{item.active() - item.allocated():>13}{item.regions:>13}"
        f"{item.capacity():>13}{item.utilisation():>7.3f}{item.slabs:>13}{item.nonfull_slabs:>15}"
        f"{item.regions_per_slab:>6}{item.pages_per_slab:>5}{item.allocations:>13}{item.frees:>13}{item.slabs_made:>13}"
        for item in used
    ]
    lines.append(_total_of_bins(used))
    return lines


def _total_of_bins(used: list[BinStatistics]) -> str:
    """The last line of the table; its utilisation is the used share of all the slabs' bytes."""
    allocated = sum([item.allocated() for item in used])
    active = sum([item.active() for item in used])
    return (
        f"{'total':>20}{'':>5}{allocated:>13}{active - allocated:>13}{sum([item.regions for item in used]):>13}"
        f"{sum([item.capacity() for item in used]):>13}{allocated / active if active > 0 else 1.0:>7.3f}"
        f"{sum([item.slabs for item in used]):>13}{sum([item.nonfull_slabs for item in used]):>15}{'':>11}"
        f"{sum([item.allocations for item in used]):>13}{sum([item.frees for item in used]):>13}"
        f"{sum([item.slabs_made for item in used]):>13}"
    )


def _large(allocator: Allocator) -> list[str]:
    """The live large blocks, by size."""
    lines = [
        f"large: nmalloc: {allocator.large_allocations}, ndalloc: {allocator.large_frees}",
        "                size    allocated    curlextents",
    ]
    live = large_statistics(allocator)
    lines += [f"{item.size:>20}{item.size * item.blocks:>13}{item.blocks:>15}" for item in live]
    allocated = sum([item.size * item.blocks for item in live])
    lines.append(f"{'total':>20}{allocated:>13}{sum([item.blocks for item in live]):>15}")
    return lines


def _pages(allocator: Allocator) -> list[str]:
    pool = allocator.pages
    return [
        "extents:       state        pages        bytes",
        f"{'active':>20}{pool.used_pages:>13}{pool.used_pages * PAGE_BYTES:>13}",
        f"{'dirty':>20}{pool.dirty_pages:>13}{pool.dirty_pages * PAGE_BYTES:>13}",
        f"{'retained':>20}{pool.retained_pages:>13}{pool.retained_pages * PAGE_BYTES:>13}",
        f"address space grows by: {GROWTH_PAGES} pages and an eighth",
    ]
