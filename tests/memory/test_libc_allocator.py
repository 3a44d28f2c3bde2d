"""The ledger with glibc's chunks: what blocks take, and what waiting requests change."""

from __future__ import annotations

import random

import pytest

from pyredmem.memory.heap_choice import create_allocator, is_checked
from pyredmem.memory.libc_allocator import LibcAllocator
from pyredmem.memory.pages import OutOfMemory
from pyredmem.memory.structure_sizes import VALKEY_9_1


def new_allocator() -> LibcAllocator:
    allocator = create_allocator("libc", checked=False)
    assert isinstance(allocator, LibcAllocator)
    return allocator


def with_a_hole(size: int) -> LibcAllocator:
    """An allocator that has a free chunk for a block with this usable size between two others."""
    allocator = new_allocator()
    hole = allocator.alloc(size)
    allocator.alloc(8)
    allocator.free(hole)
    return allocator


def test_a_block_takes_a_free_chunk_that_cannot_be_divided() -> None:
    allocator = with_a_hole(2000)
    assert allocator.usable(allocator.alloc(1990)) == 2008
    assert allocator.given_size(1990) == 2008
    allocator.check()


def test_a_block_is_cut_from_a_free_chunk_that_can_be_divided() -> None:
    allocator = with_a_hole(2000)
    assert allocator.usable(allocator.alloc(1960)) == 1960
    allocator.check()


def test_used_memory_counts_what_blocks_have_got() -> None:
    allocator = with_a_hole(2000)
    before = allocator.used_memory
    block = allocator.alloc(1990)
    assert allocator.used_memory == before + 2008
    allocator.free(block)
    assert allocator.used_memory == before


def test_a_reallocated_block_may_get_more_too() -> None:
    allocator = new_allocator()
    block, hole = allocator.alloc(1000), allocator.alloc(2000)
    allocator.alloc(8)
    allocator.free(hole)
    address, usable = allocator.start_resize(block, 1000, 3000)
    assert usable == allocator.usable(address) == 3016
    allocator.free(block)
    allocator.check()


def test_a_large_block_is_mapped_and_has_no_chunk() -> None:
    allocator = new_allocator()
    top = allocator.arena.top
    block = allocator.alloc(200_000)
    assert (allocator.usable(block), allocator.arena.top) == (200_688, top)
    smaller = allocator.realloc(block, 50_000)
    assert (allocator.usable(smaller), allocator.arena.top) == (50_008, top)
    larger = allocator.realloc(smaller, 300_000)
    assert allocator.usable(larger) == 303_088
    allocator.check()


def test_a_block_that_becomes_large_gives_its_chunk_back() -> None:
    allocator = new_allocator()
    top = allocator.arena.top
    block = allocator.alloc(50_000)
    assert allocator.arena.top == top + 50_016 // 16
    larger = allocator.realloc(block, 200_000)
    assert (allocator.usable(larger), allocator.arena.top) == (200_688, top)
    allocator.check()


def test_after_a_mapped_block_was_freed_one_of_its_size_has_a_chunk() -> None:
    allocator = new_allocator()
    allocator.free(allocator.alloc(200_000))
    top = allocator.arena.top
    allocator.alloc(150_000)
    assert allocator.arena.top > top
    allocator.check()


def test_a_request_that_is_refused_takes_no_chunk() -> None:
    allocator = new_allocator()
    allocator.alloc(8)
    allocator.set_limit(8192)
    before = allocator.arena.top
    with pytest.raises(OutOfMemory):
        allocator.alloc(100_000)
    assert allocator.arena.top == before
    allocator.check()


def test_only_an_allocator_that_shall_check_does() -> None:
    assert [is_checked(create_allocator("libc", checked)) for checked in (False, True)] == [False, True]


@pytest.mark.parametrize("seed", range(5))
def test_blocks_and_chunks_agree_after_random_requests(seed: int) -> None:
    rng = random.Random(seed)
    allocator = new_allocator()
    blocks: list[int] = []
    for _ in range(1500):
        size = int(rng.choice((10, 100, 1000, 9000, 100_000, 200_000)) * (0.5 + rng.random()))
        chance = rng.random()
        if chance < 0.5 or len(blocks) < 5:
            blocks.append(int(allocator.alloc_zeroed(size) if chance < 0.1 else allocator.alloc(size)))
        elif chance < 0.7:
            at = rng.randrange(len(blocks))
            blocks[at] = int(allocator.realloc(blocks[at], size))
        else:
            allocator.free(blocks.pop(rng.randrange(len(blocks))))
    allocator.check()
    assert sorted(blocks) == allocator.live_addresses()
    for block in blocks:
        allocator.free(block)
    allocator.check()
    assert allocator.used_memory == 0


def test_requests_that_wait_leave_nothing_behind() -> None:
    allocator = new_allocator()
    allocator.sizes = VALKEY_9_1
    requests = [[b"SET", b"key:%d" % number, b"v" * number] for number in range(300)]
    assert allocator.hold_requests(requests)
    held = allocator.arena.top
    for _ in requests:
        allocator.drop_request()
    allocator.drop_requests()
    allocator.check()
    assert allocator.used_memory == 0
    assert allocator.arena.top < held  # the queue was the last block


def test_few_requests_are_not_held() -> None:
    allocator = new_allocator()
    allocator.sizes = VALKEY_9_1
    assert not allocator.hold_requests([[b"PING"]] * 16)
    assert not allocator.hold_requests([[b"DEL", *[b"key"] * 7]])
    assert allocator.hold_requests([[b"DEL", *[b"key"] * 8]])
    assert allocator.hold_requests([[b"PING"]] * 17)


def test_requests_of_a_server_that_parses_one_at_a_time_are_not_held() -> None:
    allocator = new_allocator()
    top = allocator.arena.top
    assert not allocator.hold_requests([[b"PING"]] * 100)
    assert allocator.arena.top == top
