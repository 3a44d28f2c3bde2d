"""glibc's chunks: the same requests take as much as in the malloc of this machine."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterator

import pytest

from pyredmem.memory.libc_arena import FRESH_TOP, UNIT, LibcArena, chunk_units, usable_bytes
from tests.memory.glibc_malloc import requests

COUNT = 20_000
#: Others have another thread cache, or other rules.
KNOWN_VERSIONS = ("2.35", "2.36", "2.37", "2.38", "2.39")


def blocks_after(arena: LibcArena, seed: int, count: int) -> Iterator[tuple[list[int], int]]:
    """Make a sequence of requests; yields after each one the blocks, and the number of the one that was made, or -1."""
    blocks: list[int] = []
    for name, number, size in requests(seed, count):
        units = chunk_units(size)
        if name == "free":
            arena.release(blocks[number])
            blocks[number] = blocks[-1]
            blocks.pop()
        elif name == "realloc":
            blocks[number] = int(arena.resize(blocks[number], units))
        else:
            blocks.append(int(arena.take(units) if name == "malloc" else arena.take_zeroed(units)))
        yield blocks, -1 if name == "free" else number


@pytest.mark.skipif(
    platform.libc_ver()[1] not in KNOWN_VERSIONS, reason="another C library than the one that is modelled"
)
@pytest.mark.parametrize("seed", range(4))
def test_requests_take_as_much_as_in_the_c_library(seed: int) -> None:
    command = [sys.executable, "-m", "tests.memory.glibc_malloc", str(seed), str(COUNT)]
    # So that the interpreter asks malloc for nothing meanwhile.
    environment = {**os.environ, "PYTHONMALLOC": "pymalloc"}
    process = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    top, usable = process.stdout.splitlines()
    expected = list(map(int, usable.split()))
    arena = LibcArena(int(top) // UNIT)
    usable_here = [
        int(usable_bytes(arena.size(blocks[number]))) if number >= 0 else 0
        for blocks, number in blocks_after(arena, seed, COUNT)
    ]
    assert usable_here == expected
    arena.check()
    needed = [int(usable_bytes(chunk_units(size))) for _, _, size in requests(seed, COUNT)]
    larger = sum(have > need for have, need in zip(expected, needed, strict=True))
    assert larger > COUNT // 100  # blocks that got more than they need


def test_the_invariants_hold_after_each_request() -> None:
    arena = LibcArena()
    for blocks, _ in blocks_after(arena, seed=9, count=2_000):
        arena.check()
        assert len(set(blocks)) == len(blocks)


def test_a_rest_that_is_too_small_for_a_chunk_stays_with_the_block() -> None:
    arena = LibcArena()
    freed = [int(arena.take(70)), int(arena.take(2))]
    arena.release(freed[0])
    assert arena.size(arena.take(69)) == 70


def test_the_thread_cache_returns_the_chunk_that_was_freed_last() -> None:
    arena = LibcArena()
    chunks = [int(arena.take(5)) for _ in range(3)]
    for chunk in chunks:
        arena.release(chunk)
    assert [arena.take(5) for _ in range(3)] == chunks[::-1]


def test_calloc_passes_by_the_thread_cache() -> None:
    arena = LibcArena()
    chunk = arena.take(5)
    arena.release(chunk)
    assert arena.take_zeroed(5) != chunk
    assert arena.take(5) == chunk


def test_small_chunks_are_joined_when_a_large_one_is_requested() -> None:
    arena = LibcArena()
    chunks = [int(arena.take(4)) for _ in range(40)]
    arena.take(4)
    for chunk in chunks:
        arena.release(chunk)
    assert arena.take(30) == chunks[-1] + 8  # from the top: those in the fast bins are still apart
    arena.release(arena.take(200))
    assert arena.take(30) == chunks[7]  # seven are in the thread cache


def test_a_block_grows_into_the_free_chunk_after_it() -> None:
    arena = LibcArena()
    first, second = arena.take(80), arena.take(80)
    arena.take(2)
    arena.release(second)
    assert arena.resize(first, 120) == first
    assert arena.size(first) == 120
    assert arena.take(40) == first + 120


def test_a_block_at_the_end_grows_into_the_top() -> None:
    arena = LibcArena()
    block = arena.take(80)
    assert arena.resize(block, 500) == block
    assert arena.top == block + 500


def test_the_heap_grows_when_the_top_is_used_up() -> None:
    arena = LibcArena()
    chunk = arena.take(FRESH_TOP * 3)
    assert arena.size(chunk) == FRESH_TOP * 3
    arena.check()
