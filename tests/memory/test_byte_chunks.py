"""The memory under the ledger's addresses: where there is any, and when it goes back to the system."""

from __future__ import annotations

import gc

import pytest
from librt.vecs import vec
from mypy_extensions import i64

from pyredmem.memory import page_release
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.byte_chunks import CHUNK_WORDS, PAGES_SHIFT, SMALL_WORDS
from pyredmem.memory.heap_bytes import HeapBytes
from pyredmem.memory.heap_choice import create_heap_bytes
from pyredmem.memory.pages import PAGE_LIMIT, PAGE_SHIFT, PagePool, PageReceiver
from pyredmem.memory.process import resident_bytes

CHUNK_BYTES = CHUNK_WORDS * 8
CHUNK_PAGES = 1 << PAGES_SHIFT
MEGABYTE = 1 << 20

implementations = pytest.mark.parametrize("compiled", [True, False], ids=["words", "buffers"])
linux = pytest.mark.skipif(not page_release.KNOWS_VECS, reason="pages cannot be given back here")


class Recorder(PageReceiver):
    """What a pool says about pages that go back to the system."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, int, int, int]] = []

    def on_retained(self, page: i64, pages: i64, free_from: i64, free_to: i64) -> None:
        self.calls.append((page, pages, free_from, free_to))


def load(allocator: Allocator, heap: HeapBytes, count: int, size: int = 100) -> vec[i64]:
    """Store blocks with bytes that are not zero; their addresses."""
    addresses = vec[i64]([0] * count)
    data = b"x" * size
    for index in range(count):
        address = allocator.alloc(size)
        heap.store(address, data, size)
        addresses[index] = address
    return addresses


def resident() -> int:
    gc.collect()
    return resident_bytes()


# What the pool says.


def test_pages_that_are_purged_are_reported_as_runs() -> None:
    pool = PagePool()
    pool.receiver = recorder = Recorder()
    runs = [pool.take(3) for _ in range(4)]
    pool.give(runs[0], 3)
    pool.give(runs[2], 3)
    assert recorder.calls == []
    pool.purge()
    assert sorted(recorder.calls) == [(1, 3, 1, 4), (7, 3, 7, 10)]


def test_of_pages_that_join_a_retained_run_only_the_new_ones_are_reported() -> None:
    pool = PagePool()
    pool.receiver = recorder = Recorder()
    runs = [pool.take(2) for _ in range(4)]
    pool.give_to_system(runs[0], 2)
    pool.give_to_system(runs[1], 2)
    assert recorder.calls == [(1, 2, 1, 3), (3, 2, 1, 5)]


def test_behind_the_frontier_all_pages_are_free() -> None:
    pool = PagePool()
    pool.receiver = recorder = Recorder()
    pool.take(2)
    pool.give_to_system(pool.take(2), 2)
    assert recorder.calls == [(3, 2, 3, PAGE_LIMIT)]


def test_pages_that_are_taken_or_become_dirty_are_not_reported() -> None:
    pool = PagePool()
    pool.receiver = recorder = Recorder()
    pool.give(pool.take(2), 2)
    pool.take(600)
    pool.purge(100)
    assert recorder.calls == []


# Where there is memory.


@implementations
def test_there_is_no_memory_before_the_first_store(compiled: bool) -> None:
    allocator = Allocator()
    heap = create_heap_bytes(allocator, compiled)
    allocator.begin()
    allocator.alloc(100_000)
    assert heap.memory_bytes() == 0


@implementations
def test_the_first_string_takes_a_page(compiled: bool) -> None:
    allocator = Allocator()
    heap = create_heap_bytes(allocator, compiled)
    allocator.begin()
    load(allocator, heap, 1)
    assert heap.memory_bytes() == 4096


@implementations
def test_a_small_heap_has_at_most_twice_the_memory_that_it_uses(compiled: bool) -> None:
    allocator = Allocator()
    heap = create_heap_bytes(allocator, compiled)
    for _ in range(SMALL_WORDS * 8 // 128 // 2):
        load(allocator, heap, 1, 128)
        assert heap.memory_bytes() <= max(2 * allocator.active(), 16384)


@implementations
def test_a_chunk_appears_only_where_something_is_stored(compiled: bool) -> None:
    allocator = Allocator()
    heap = create_heap_bytes(allocator, compiled)
    for chunk in range(1, 100):
        heap.set_word(chunk * 5 * CHUNK_WORDS, 1)
    assert heap.memory_bytes() < 100 * CHUNK_BYTES
    assert all(heap.word(chunk * 5 * CHUNK_WORDS) == 1 for chunk in range(1, 100))


@implementations
def test_memory_that_grows_downwards_keeps_what_it_holds(compiled: bool) -> None:
    heap = create_heap_bytes(Allocator(), compiled)
    addresses = list(range(2 * CHUNK_WORDS - 8, CHUNK_WORDS - 1, -3 << PAGE_SHIFT))
    for address in addresses:
        heap.set_word(address, address)
    assert [heap.word(address) for address in addresses] == addresses


# What goes back.


@implementations
def test_a_chunk_without_used_or_dirty_pages_is_dropped(compiled: bool) -> None:
    allocator = Allocator()
    heap = create_heap_bytes(allocator, compiled)
    addresses = load(allocator, heap, 60_000)
    assert heap.memory_bytes() > 5 * CHUNK_BYTES
    for index in range(1, 60_000):
        allocator.free(addresses[index])
    allocator.purge()
    assert heap.memory_bytes() == CHUNK_BYTES
    allocator.free(addresses[0])
    assert heap.memory_bytes() == CHUNK_BYTES
    allocator.purge()
    assert heap.memory_bytes() == CHUNK_BYTES  # page 0 never is free


@implementations
def test_dropped_memory_comes_back_with_the_next_string(compiled: bool) -> None:
    allocator = Allocator()
    heap = create_heap_bytes(allocator, compiled)
    for _ in range(3):
        addresses = load(allocator, heap, 30_000)
        assert heap.load(addresses[29_999], 100) == b"x" * 100
        for address in addresses:
            allocator.free(address)
        allocator.purge()


@linux
@implementations
def test_pages_that_go_back_read_as_zero_and_their_neighbours_do_not(compiled: bool) -> None:
    """A page of the ledger is a page of the system, so that even a single one goes back."""
    allocator = Allocator()
    heap = create_heap_bytes(allocator, compiled)
    addresses = load(allocator, heap, 200_000, 32)
    for index in range(200_000):
        if addresses[index] >> PAGE_SHIFT & 1:
            allocator.free(addresses[index])
    allocator.purge()
    words = range(int(addresses[100_000]) >> PAGE_SHIFT << PAGE_SHIFT, int(addresses[150_000]), 256)
    assert all((heap.word(address) == 0) == (address >> PAGE_SHIFT & 1) for address in words)


@linux
@implementations
def test_the_process_gets_smaller_when_pages_go_back(compiled: bool) -> None:
    allocator = Allocator()
    heap = create_heap_bytes(allocator, compiled)
    addresses = load(allocator, heap, 70_000, 600)
    loaded = resident()
    for address in addresses:
        allocator.free(address)
    assert abs(resident() - loaded) < 2 * MEGABYTE  # dirty pages stay
    dirty = allocator.dirty()
    allocator.purge()
    assert loaded - resident() > dirty - 2 * MEGABYTE > 40 * MEGABYTE


@linux
@implementations
def test_the_process_grows_by_the_pages_in_use(compiled: bool) -> None:
    allocator = Allocator()
    heap = create_heap_bytes(allocator, compiled)
    load(allocator, heap, 1000)
    before, active = resident(), allocator.active()
    for _ in range(200):
        load(allocator, heap, 1, 10_000)
        allocator.alloc(100_000)  # nothing is stored here, so this takes no memory
    assert allocator.active() - active > 20 * MEGABYTE
    assert resident() - before < 4 * MEGABYTE


@linux
@implementations
def test_pages_go_back_as_they_decay(compiled: bool) -> None:
    allocator = Allocator()
    heap = create_heap_bytes(allocator, compiled)
    addresses = load(allocator, heap, 20_000, 600)
    allocator.tick(0)
    for address in addresses:
        allocator.free(address)
    loaded = resident()
    for now_ms in range(100, 5100, 100):
        allocator.tick(now_ms)
    half = resident()
    for now_ms in range(5100, 10_400, 100):
        allocator.tick(now_ms)
    assert allocator.dirty() == 0
    assert loaded - half > 4 * MEGABYTE
    assert half - resident() > 4 * MEGABYTE


@linux
@implementations
def test_defragmentation_makes_the_process_smaller(compiled: bool) -> None:
    allocator = Allocator()
    heap = create_heap_bytes(allocator, compiled)
    addresses = load(allocator, heap, 200_000)
    loaded = resident()
    kept = [address for index, address in enumerate(addresses) if index * 2654435761 % 101 < 20]
    for index, address in enumerate(addresses):
        if index * 2654435761 % 101 >= 20:
            allocator.free(address)
    for _ in range(2):
        kept = [heap.relocate(allocator, address, 100) for address in kept]
    allocator.purge()
    # 18 MB of blocks are freed, and the lists of addresses here take some of that again.
    assert loaded - resident() > 12 * MEGABYTE
    assert all(heap.equals(address, b"x" * 100, 100) for address in kept)


@implementations
@pytest.mark.skipif(not page_release.KNOWS_VECS, reason="so it is anyway")
def test_where_places_are_unknown_dropped_chunks_still_go(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if page_release.__file__.endswith(".so"):
        pytest.skip("constants of the compiled package cannot be replaced")
    monkeypatch.setattr(page_release, "KNOWS_VECS", False)
    monkeypatch.setattr(page_release, "KNOWS_LISTS", False)
    allocator = Allocator()
    heap = create_heap_bytes(allocator, compiled)
    addresses = load(allocator, heap, 60_000)
    for address in addresses:
        allocator.free(address)
    allocator.purge()
    assert heap.memory_bytes() == CHUNK_BYTES
