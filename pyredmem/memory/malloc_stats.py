"""The text of MEMORY MALLOC-STATS: the allocator's figures in the shape of jemalloc's own report."""

from __future__ import annotations

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.decay import DECAY_MS
from pyredmem.memory.pages import GROWTH_PAGES
from pyredmem.memory.size_classes import PAGE_BYTES
from pyredmem.memory.statistics import bin_statistics, large_statistics


def malloc_stats(allocator: Allocator) -> str:
    """Return the report; only for profiles that have statistics."""
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
    lines = [
        "bins:           size  ind    allocated      nmalloc      ndalloc    nshards      curregs"
        "     curslabs  nonfull_slabs  regs  pgs   util       nslabs     nreslabs"
    ]
    for item in bin_statistics(allocator):
        if item.allocations == 0:
            continue
        lines.append(
            f"{item.size:>20}{item.index:>5}{item.allocated():>13}{item.allocations:>13}{item.frees:>13}{1:>11}"
            f"{item.regions:>13}{item.slabs:>13}{item.nonfull_slabs:>15}{item.regions_per_slab:>6}"
            f"{item.pages_per_slab:>5}{item.utilisation():>7.3f}{item.slabs_made:>13}{0:>13}"
        )
    return lines


def _large(allocator: Allocator) -> list[str]:
    lines = [
        f"large: nmalloc: {allocator.large_allocations}, ndalloc: {allocator.large_frees}",
        "                size    allocated    curlextents",
    ]
    live = large_statistics(allocator)
    lines += [f"{item.size:>20}{item.size * item.blocks:>13}{item.blocks:>15}" for item in live]
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
