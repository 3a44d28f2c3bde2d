"""The heap: placement, figures and the detection of wrong addresses, with every profile."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.size_classes import PROFILE_NAMES
from pyredmem.memory.slabs import CURRENT, NONFULL, SLABS

PAGE = 4096 // 8


def bin_figure(allocator: Allocator, size: int, field: int) -> int:
    return int(allocator.bins[allocator.bin_of[(size + 7) >> 3] + field])


@pytest.fixture(params=PROFILE_NAMES)
def allocator(request: pytest.FixtureRequest) -> Allocator:
    return Allocator(request.param)


def test_an_address_is_never_zero(allocator: Allocator) -> None:
    assert allocator.alloc(1) > 0


def test_used_memory_is_the_sum_of_usable_sizes(allocator: Allocator) -> None:
    addresses = [allocator.alloc(size) for size in (0, 1, 8, 9, 100, 5000, 14336, 14337, 40000, 1 << 20)]
    assert allocator.used_memory == sum(allocator.usable(address) for address in addresses)


def test_good_size_is_what_an_allocation_gets(allocator: Allocator) -> None:
    for size in (0, 1, 7, 8, 9, 24, 25, 4096, 14336, 14337, 32768, 32769, 100000):
        assert allocator.usable(allocator.alloc(size)) == allocator.good_size(size)


def test_freeing_everything_leaves_nothing(allocator: Allocator) -> None:
    addresses = [allocator.alloc(size) for size in range(0, 50000, 37)]
    for address in addresses:
        allocator.free(address)
    allocator.check()
    assert (allocator.used_memory, allocator.pages.used_pages) == (0, 0)


def test_live_addresses_lists_every_block_in_order(allocator: Allocator) -> None:
    addresses = [allocator.alloc(size) for size in range(0, 50000, 370)]
    assert allocator.live_addresses() == sorted(addresses)


@pytest.mark.parametrize("size", [24, 20000])
def test_a_double_free_names_the_address(allocator: Allocator, size: int) -> None:
    address, _other = allocator.alloc(size), allocator.alloc(size)
    allocator.free(address)
    with pytest.raises(AssertionError, match=str(address)):
        allocator.free(address)


@pytest.mark.parametrize("size", [24, 20000])
def test_an_address_inside_a_block_is_refused(allocator: Allocator, size: int) -> None:
    address = allocator.alloc(size) + 1
    with pytest.raises(AssertionError, match=f"{address} is inside a block"):
        allocator.free(address)
    with pytest.raises(AssertionError, match=str(address)):
        allocator.usable(address)


@pytest.mark.parametrize("address", [0, -1, -5000, 5, 1 << 30, (1 << 31) - 1])
def test_an_unknown_address_is_refused(allocator: Allocator, address: int) -> None:
    allocator.alloc(24)
    with pytest.raises(AssertionError, match=f"{address} does not belong to the heap"):
        allocator.free(address)


def test_a_refused_free_changes_nothing(allocator: Allocator) -> None:
    address = allocator.alloc(24)
    with pytest.raises(AssertionError):
        allocator.free(address + 1)
    allocator.check()
    assert allocator.live_size(address) >= 24


def test_a_negative_size_is_refused(allocator: Allocator) -> None:
    with pytest.raises(AssertionError, match="negative size -1"):
        allocator.alloc(-1)
    with pytest.raises(AssertionError, match="negative size -1"):
        allocator.good_size(-1)


def test_an_address_after_the_last_region_of_a_slab_is_refused() -> None:
    allocator = Allocator("tcmalloc")
    first = allocator.alloc(80)
    for region in range(8192 // 80, 8192 // 80 + 1):
        with pytest.raises(AssertionError, match="already free"):
            allocator.free(first + region * 10)


class TestPlacement:
    """jemalloc's rules. The class of 1024 bytes has 4 regions in a slab of one page."""

    def test_regions_of_a_slab_are_taken_in_order(self) -> None:
        allocator = Allocator()
        assert [allocator.alloc(1024) - PAGE for _ in range(4)] == [0, 128, 256, 384]

    def test_the_lowest_freed_region_is_taken_first(self) -> None:
        allocator = Allocator()
        addresses = [allocator.alloc(1024) for _ in range(3)]
        allocator.free(addresses[0])
        assert allocator.alloc(1024) == addresses[0]

    def test_a_full_slab_below_the_current_one_becomes_current_when_it_gets_room(self) -> None:
        allocator = Allocator()
        addresses = [allocator.alloc(1024) for _ in range(5)]
        allocator.free(addresses[2])
        assert allocator.alloc(1024) == addresses[2]

    def test_a_full_slab_above_the_current_one_waits_when_it_gets_room(self) -> None:
        allocator = Allocator()
        addresses = [allocator.alloc(1024) for _ in range(12)]
        allocator.free(addresses[1])
        allocator.free(addresses[9])
        allocator.free(addresses[5])
        assert bin_figure(allocator, 1024, NONFULL) == 2
        assert [allocator.alloc(1024) for _ in range(3)] == [addresses[1], addresses[5], addresses[9]]

    def test_a_slab_is_released_with_its_last_region(self) -> None:
        allocator = Allocator()
        addresses = [allocator.alloc(1024) for _ in range(8)]
        for address in addresses[4:]:
            allocator.free(address)
        assert bin_figure(allocator, 1024, SLABS) == 1
        assert (allocator.pages.used_pages, allocator.pages.dirty_pages) == (1, 1)

    def test_the_current_slab_is_released_with_its_last_region_too(self) -> None:
        allocator = Allocator()
        allocator.free(allocator.alloc(1024))
        assert (bin_figure(allocator, 1024, SLABS), bin_figure(allocator, 1024, CURRENT)) == (0, 0)

    def test_the_lowest_free_region_is_found_in_any_word_of_the_bitmap(self) -> None:
        allocator = Allocator()
        addresses = [allocator.alloc(8) for _ in range(512)]
        assert addresses == list(range(PAGE, 2 * PAGE))
        for index in (500, 40, 31, 63):
            allocator.free(addresses[index])
        assert [allocator.alloc(8) - PAGE for _ in range(4)] == [31, 40, 63, 500]

    def test_bins_have_slabs_of_their_own(self) -> None:
        allocator = Allocator()
        assert {allocator.alloc(size) // PAGE for size in (8, 16, 32, 64)} == {1, 2, 3, 4}

    def test_records_of_released_slabs_are_used_again(self) -> None:
        allocator = Allocator()
        for _ in range(50):
            for address in [allocator.alloc(64) for _ in range(1000)]:
                allocator.free(address)
        before = len(allocator.records), len(allocator.words)
        for address in [allocator.alloc(64) for _ in range(1000)]:
            allocator.free(address)
        assert (len(allocator.records), len(allocator.words)) == before


operations = st.lists(
    st.tuples(
        st.sampled_from(["alloc", "alloc", "free", "realloc", "replace"]),
        st.one_of(
            st.integers(0, 64),
            st.sampled_from([1024, 2048, 4096]),
            st.integers(0, 9000),
            st.integers(0, 200000),
        ),
        st.integers(0, 1 << 20),
    ),
    max_size=60,
)


@pytest.mark.parametrize("profile", PROFILE_NAMES)
@settings(max_examples=25, deadline=None)
@given(operations=operations)
def test_a_naive_model_agrees(profile: str, operations: list[tuple[str, int, int]]) -> None:
    """No two blocks overlap, each is large enough, and each figure is the sum of its parts, whatever happens."""
    allocator = Allocator(profile)
    sizes: dict[int, int] = {}
    for operation, size, choice in operations:
        if operation == "alloc" or not sizes:
            address = allocator.alloc(size)
            assert address not in sizes
            sizes[address] = size
        else:
            address = sorted(sizes)[choice % len(sizes)]
            del sizes[address]
            if operation == "free":
                allocator.free(address)
            elif operation == "replace":
                sizes[allocator.replace(address, size)] = size
            elif size > 0:
                sizes[allocator.realloc(address, size)] = size
            else:
                assert allocator.realloc(address, 0) == 0
        allocator.check()
    end = 0
    for address in sorted(sizes):
        usable = allocator.usable(address)
        assert address >= end
        assert usable >= sizes[address]
        end = address + usable // 8
    assert allocator.used_memory == sum(allocator.usable(address) for address in sizes)
    for address in sizes:
        allocator.free(address)
    allocator.check()
    assert (allocator.used_memory, allocator.pages.used_pages) == (0, 0)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.sampled_from([1024, 2048, 3584, 64]), st.integers(0, 1 << 16)),
        max_size=150,
    )
)
def test_a_block_takes_the_lowest_free_region_of_all_slabs(steps: list[tuple[int, int, int]]) -> None:
    """This is what the rules about current and waiting slabs amount to."""
    allocator = Allocator()
    shapes = {shape.usable: shape for shape in allocator.profile.bins}
    live: dict[int, list[int]] = {size: [] for size in (1024, 2048, 3584, 64)}
    slabs: dict[int, set[int]] = {size: set() for size in live}
    for step, size, choice in steps:
        shape = shapes[size]
        if step < 4 and live[size]:
            allocator.free(live[size].pop(choice % len(live[size])))
        else:
            regions = [base + index * (size // 8) for base in slabs[size] for index in range(shape.regions)]
            expected = min((address for address in regions if address not in live[size]), default=0)
            address = allocator.alloc(size)
            assert expected in (0, address)
            live[size].append(address)
            if expected == 0:
                slabs[size].add(address)
        slabs[size] = {base for base in slabs[size] if any(base <= at < base + shape.pages * PAGE for at in live[size])}
    allocator.check()


def test_the_bookkeeping_costs_about_a_byte_per_region() -> None:
    for sizes in ((24, 16, 16, 112), (24, 32), (64,), (40, 48, 56)):
        allocator = Allocator()
        count = 20_000
        for _ in range(count):
            for size in sizes:
                allocator.alloc(size)
        numbers = len(allocator.owner) + len(allocator.pages.tags) + len(allocator.records) + len(allocator.words)
        assert numbers * 8 / (count * len(sizes)) <= 1.2


@pytest.mark.parametrize("step", [1, 7, -1, 20_011])
def test_an_emptied_heap_keeps_no_entries_for_its_slabs(step: int) -> None:
    heap = Allocator()
    addresses = [heap.alloc(48) for _ in range(50_000)]
    for number in range(50_000):
        heap.free(addresses[number * step % 50_000])
    heap.check()
    assert not any(heap._nonfull)
