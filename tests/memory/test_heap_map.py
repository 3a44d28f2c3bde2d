"""The heap map: it agrees with the heap's own counts, tells differences only, and keeps to its budget."""

from __future__ import annotations

import random

import pytest
from librt.strings import BytesWriter

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.heap_map import HeapMap, append_number, place_at, size_classes
from pyredmem.memory.size_classes import PAGE_BYTES
from pyredmem.memory.statistics import bin_statistics
from tests.support.heap_maps import Kept, KeptMap, leb128

ALL_PAGES = 1 << 30
ENOUGH = 1 << 30


def told(heap_map: HeapMap, budget: int = ENOUGH, pages: int = ALL_PAGES) -> bytes:
    """The changes of one pass."""
    out = BytesWriter()
    while not heap_map.step(pages, budget - len(out), out):
        pass
    return out.getvalue()


def assert_agrees(kept: KeptMap, allocator: Allocator) -> None:
    for figures in bin_statistics(allocator):
        number = figures.index + 1
        assert (kept.slabs(number), kept.regions(number)) == (figures.slabs, figures.regions), figures.size
    large = len(allocator.profile.bins) + 1
    assert kept.slabs(large) == allocator.large_allocations - allocator.large_frees
    classes = size_classes(allocator)
    slab_pages = sum(classes[place.number - 1].pages for place in kept.places.values() if place.number < large)
    assert slab_pages + kept.regions(large) == allocator.pages.used_pages - allocator.reserved_pages


def churn(allocator: Allocator, live: list[int], chance: random.Random, steps: int) -> None:
    """Allocate, free and move blocks of all sizes at random."""
    for _ in range(steps):
        if live and chance.random() < 0.5:
            at = chance.randrange(len(live))
            live[at], live[-1] = live[-1], live[at]
            address = live.pop()
            if chance.random() < 0.2:
                live.append(allocator.relocate(address))
            else:
                allocator.free(address)
        else:
            live.append(allocator.alloc(int(8 * 4000 ** chance.random())))


@pytest.mark.parametrize("profile", ["jemalloc", "libc"])
def test_the_map_agrees_with_the_heap_after_any_change(profile: str) -> None:
    allocator = Allocator(profile)
    allocator.begin()
    chance = random.Random(1)
    heap_map, kept = HeapMap(allocator), KeptMap()
    live: list[int] = []
    for _ in range(30):
        churn(allocator, live, chance, 300)
        kept.apply(told(heap_map, pages=chance.randrange(1, 700)))
        assert_agrees(kept, allocator)
    for address in live:
        allocator.free(address)
    kept.apply(told(heap_map))
    assert kept.places == {}


def test_only_what_has_changed_is_told() -> None:
    allocator = Allocator()
    blocks = [allocator.alloc(1024) for _ in range(400)]
    heap_map, kept = HeapMap(allocator), KeptMap()
    kept.apply(told(heap_map))
    assert told(heap_map) == b""
    allocator.free(blocks[17])
    assert leb128(told(heap_map)) == [blocks[17] >> 9, kept.places[blocks[17] >> 9].number, 3]
    assert told(heap_map) == b""
    allocator.alloc(1024)  # into the same region
    allocator.free(blocks[20])
    allocator.alloc(1024)
    assert len(leb128(told(heap_map))) == 3


def test_two_watchers_do_not_disturb_each_other() -> None:
    allocator = Allocator()
    first, second = HeapMap(allocator), HeapMap(allocator)
    allocator.alloc(100)
    changes = told(first)
    assert changes
    assert told(second) == changes


@pytest.mark.parametrize("pages", [ALL_PAGES, 37])
def test_what_does_not_fit_the_budget_comes_later(pages: int) -> None:
    allocator = Allocator()
    blocks = [allocator.alloc(4096) for _ in range(1000)]
    heap_map, kept = HeapMap(allocator), KeptMap()
    most = 0
    passes = 0
    while passes == 0 or heap_map.left > 0:
        changes = told(heap_map, budget=300, pages=pages)
        assert len(changes) <= 300
        most += len(kept.apply(changes))
        assert most + heap_map.left == len(blocks)
        passes += 1
    assert passes > 5
    assert_agrees(kept, allocator)


def test_no_page_waits_for_ever_while_those_before_it_change() -> None:
    allocator = Allocator()
    blocks = [allocator.alloc(1024) for _ in range(4000)]
    heap_map, kept = HeapMap(allocator), KeptMap()
    waiting = {address >> 9 for address in blocks}
    for turn in range(100):
        if turn % 2:
            assert allocator.alloc(1024) == blocks[0]
        else:
            allocator.free(blocks[0])
        waiting -= set(kept.apply(told(heap_map, budget=100)))
    assert waiting == set()


def test_a_large_block_is_told_with_its_pages() -> None:
    allocator = Allocator()
    address = allocator.alloc(100_000)
    kept = KeptMap()
    kept.apply(told(HeapMap(allocator)))
    assert kept.places == {address >> 9: Kept(len(allocator.profile.bins) + 1, -(-114_688 // PAGE_BYTES))}


def test_the_place_of_any_page_of_it_is_found() -> None:
    allocator = Allocator()
    allocator.begin()
    small, large = allocator.alloc(24), allocator.alloc(100_000)
    for page in range(small >> 9, (small >> 9) + 3):
        found = place_at(allocator, page)
        assert found is not None
        assert (found.page, found.pages, found.size, found.regions, found.used) == (small >> 9, 3, 24, 512, 1)
    pages = allocator.profile.large_pages(allocator.usable(large))
    for page in ((large >> 9), (large >> 9) + pages - 1):
        found = place_at(allocator, page)
        assert found is not None
        assert (found.page, found.pages, found.size, found.regions) == (large >> 9, pages, 114_688, 1)
    for page in (-1, 0, 1, (large >> 9) + pages, 1 << 40):
        assert place_at(allocator, page) is None


@pytest.mark.parametrize("number", [0, 1, 127, 128, 300, 1 << 21, (1 << 31) - 1])
def test_numbers_are_read_as_they_were_written(number: int) -> None:
    out = BytesWriter()
    append_number(number, out)
    assert leb128(out.getvalue()) == [number]
