"""The figures per size class, and the report that shows them."""

from __future__ import annotations

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.malloc_stats import malloc_stats
from pyredmem.memory.statistics import add_live_blocks, allocated_bytes, bin_statistics, large_statistics


def test_a_bin_counts_its_blocks_and_slabs() -> None:
    allocator = Allocator()
    addresses = [allocator.alloc(1024) for _ in range(10)]
    allocator.free(addresses[5])
    allocator.free(addresses[1])
    figures = next(item for item in bin_statistics(allocator) if item.size == 1024)
    assert (figures.regions, figures.slabs, figures.nonfull_slabs, figures.capacity()) == (8, 3, 2, 12)
    assert (figures.allocations, figures.frees, figures.slabs_made) == (10, 2, 3)
    assert (figures.allocated(), figures.active()) == (8192, 12288)
    assert round(figures.utilisation(), 3) == 0.667


def test_an_unused_bin_is_fully_utilised() -> None:
    assert {item.utilisation() for item in bin_statistics(Allocator())} == {1.0}


def test_large_blocks_are_counted_by_size() -> None:
    allocator = Allocator()
    for size in (20000, 20480, 1 << 20, 100):
        allocator.alloc(size)
    assert [(item.size, item.blocks) for item in large_statistics(allocator)] == [(20480, 2), (1 << 20, 1)]


def test_what_was_asked_for_and_what_was_allocated_are_told_apart() -> None:
    allocator = Allocator()
    small, large = allocator.alloc(100), allocator.alloc(20000)
    assert (allocator.requested_bytes, allocated_bytes(allocator)) == (20100, 112 + 20480)
    allocator.free(small)
    allocator.free(large)
    assert (allocator.requested_bytes, allocated_bytes(allocator)) == (20100, 112 + 20480)


def test_bins_add_up_to_the_heap() -> None:
    allocator = Allocator()
    for size in range(0, 14337, 13):
        allocator.alloc(size)
    bins = bin_statistics(allocator)
    assert sum(item.allocated() for item in bins) == allocator.used_memory
    assert sum(item.active() for item in bins) == allocator.active()


def test_the_report_is_laid_out_as_jemallocs() -> None:
    allocator = Allocator()
    allocator.begin()
    allocator.alloc(100)
    allocator.alloc(1 << 20)
    lines = malloc_stats(allocator).splitlines()
    assert lines[0] == "___ Begin jemalloc statistics ___"
    assert lines[-1] == "--- End jemalloc statistics ---"
    assert sum(line.startswith("Allocated: ") for line in lines) == 1
    assert any(line.split()[:2] == ["112", "10"] for line in lines)
    assert any(line.split() == ["1048576", "1048576", "1"] for line in lines)


def test_the_bins_table_ends_with_totals_that_agree_with_the_allocator() -> None:
    allocator = Allocator()
    blocks = [allocator.alloc(size) for size in range(0, 14337, 13)]
    for block in blocks[::3]:
        allocator.free(block)
    allocator.alloc(1 << 20)
    totals = [line.split() for line in malloc_stats(allocator).splitlines() if line.split()[:1] == ["total"]]
    small, large = totals
    assert int(small[1]) + int(large[1]) == allocator.allocated()
    assert int(small[1]) + int(small[2]) + (1 << 20) == allocator.active()
    assert int(small[3]) == len(blocks) - len(blocks[::3])
    assert large[2] == "1"


def test_a_bin_shows_how_much_of_its_slabs_is_free() -> None:
    allocator = Allocator()
    blocks = [allocator.alloc(1024) for _ in range(8)]  # two slabs of four regions
    allocator.free(blocks[0])
    allocator.free(blocks[4])
    row = next(line.split() for line in malloc_stats(allocator).splitlines() if line.split()[:1] == ["1024"])
    allocated, free_bytes, regions, capacity, utilisation, slabs = row[2:8]
    assert (int(allocated), int(free_bytes)) == (6 * 1024, 2 * 1024)
    assert (regions, capacity, utilisation, slabs) == ("6", "8", "0.750", "2")


def test_columns_of_the_bins_table_line_up() -> None:
    allocator = Allocator()
    for size in (8, 100, 14336):
        allocator.alloc(size)
    lines = malloc_stats(allocator).splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith("bins:"))
    assert len({len(line) for line in lines[start : start + 5]}) == 1


def test_live_blocks_of_several_states_are_added_up() -> None:
    allocator = Allocator()
    numbers: dict[int, int] = {}
    for size in (20, 20_000):
        addresses = [allocator.alloc(size) for _ in range(3)]
        allocator.free(addresses.pop())
        add_live_blocks(allocator, numbers)
        for address in addresses:
            allocator.free(address)
        add_live_blocks(allocator, numbers)
    assert numbers == {24: 2, 20_480: 2}
