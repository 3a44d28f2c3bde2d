"""The interpreter's heap, read from outside: headers of pools, the census, the figures."""

from __future__ import annotations

import os
import struct
import subprocess
import sys

import pytest

from pyredmem.memory.process_heap import (
    ARENA_BYTES,
    BYTES_OVERHEAD,
    HEADER_BYTES,
    POOL_BITS,
    POOL_BYTES,
    Arena,
    HeapCensus,
    HeapFigures,
    PoolMemory,
    heap_regions,
    lie_in_pools,
    live_bytes_of,
    obstacle,
    parse_figures,
    read_figures,
    read_regions,
)

MAPS = """\
55d0c0a00000-55d0c0a01000 r-xp 00000000 08:01 1234 /usr/bin/python3.11
55d0c1d0e000-55d0c1e2f000 rw-p 00000000 00:00 0    [heap]
7f09e7fc8000-7f09f21c8000 rw-p 00000000 00:00 0
7f09f3000000-7f09f3002000 rw-p 00000000 00:00 0
7f09f58cb000-7f09f75cb000 rw-s 00000000 00:00 0
7f09f9d78000-7f09f9ddb000 ---p 00000000 00:00 0
7ffc3f5e2000-7ffc3f603000 rw-p 00000000 00:00 0    [stack]
"""
STATISTICS = """\
# arenas allocated total           =                1,235
# arenas reclaimed                 =                1,000
# arenas highwater mark            =                  240
# arenas allocated current         =                  235
235 arenas * 1048576 bytes/arena   =          246,415,360

# bytes in allocated blocks        =           61,000,720
# bytes in available blocks        =          180,000,000
"""


def header(count: int, arena: int, size_class: int, last_offset: int | None = None) -> bytes:
    """The header of a pool, as the interpreter writes it."""
    if last_offset is None:
        last_offset = POOL_BYTES - 16 * (size_class + 1)
    return struct.pack("<I28xIIII", count, arena, size_class, 48, last_offset)


def census(regions: list[tuple[int, int]], pools: dict[int, bytes]) -> list[Arena]:
    found = HeapCensus(regions, lambda address: pools.get(address, bytes(HEADER_BYTES)))
    while not found.step(7):
        pass
    return found.arenas()


def test_arenas_can_lie_in_private_writable_memory_without_a_name() -> None:
    assert heap_regions(MAPS) == [(0x7F09E7FC8000, 0x7F09F21C8000)]


def test_the_live_bytes_of_a_pool_are_its_blocks_times_their_size() -> None:
    assert live_bytes_of(header(10, 3, 8)) == 10 * 144


def test_an_empty_pool_is_recognised_as_a_pool() -> None:
    assert live_bytes_of(header(0, 3, 8)) == 0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(HEADER_BYTES),
        b"\xff" * HEADER_BYTES,
        header(1, 0, 32),
        header(1, 0, 8, last_offset=POOL_BYTES - 16),
        header(1 + (POOL_BYTES - HEADER_BYTES) // 144, 0, 8),
        header(1, 0, 8)[:-1],
    ],
    ids=["nothing", "zeros", "ones", "class too large", "class and offset differ", "more than fit", "cut off"],
)
def test_other_bytes_are_not_mistaken_for_the_header_of_a_pool(data: bytes) -> None:
    assert live_bytes_of(data) == -1


def test_the_census_adds_up_the_pools_of_each_arena() -> None:
    start = 0x7F0000004000
    pools = {start: header(2, 7, 0), start + POOL_BYTES: header(3, 7, 1), start + ARENA_BYTES: header(1, 4, 31)}
    arenas = census([(start, start + 2 * ARENA_BYTES)], pools)
    assert [(arena.number, arena.live_bytes, arena.pools) for arena in arenas] == [(7, 2 * 16 + 3 * 32, 2), (4, 512, 1)]


def test_a_region_that_does_not_begin_at_a_pool_is_read_from_its_first_pool_on() -> None:
    pools = {0x7F0000008000: header(2, 7, 0)}
    assert [arena.first_pool for arena in census([(0x7F0000005000, 0x7F0000010000)], pools)] == [
        0x7F0000008000 >> POOL_BITS
    ]


def test_pools_too_far_apart_for_one_arena_are_not_taken_for_pools() -> None:
    start = 0x7F0000000000
    pools = {start: header(2, 7, 0), start + ARENA_BYTES: header(2, 7, 0)}
    assert census([(start, start + 2 * ARENA_BYTES)], pools) == []


def test_empty_pools_belong_to_an_arena_but_do_not_count_as_used() -> None:
    start = 0x7F0000000000
    pools = {start: header(0, 7, 0), start + POOL_BYTES: header(2, 7, 0)}
    (arena,) = census([(start, start + ARENA_BYTES)], pools)
    assert (arena.first_pool, arena.last_pool, arena.pools) == (start >> POOL_BITS, (start >> POOL_BITS) + 1, 1)


def test_an_address_without_memory_has_no_header() -> None:
    memory = PoolMemory()
    try:
        assert memory.header(0) == b""
        assert memory.header(1 << 70) == b""
    finally:
        memory.close()


def test_the_figures_are_read_from_what_the_interpreter_prints() -> None:
    figures = parse_figures(STATISTICS)
    assert figures is not None
    assert (figures.arenas, figures.live_bytes) == (235, 61_000_720)


def test_a_text_without_figures_gives_none() -> None:
    assert parse_figures("11 free PyDictObjects * 48 bytes each = 528\n") is None


def test_releasable_are_the_arenas_that_closely_packed_blocks_would_not_need() -> None:
    assert HeapFigures(10, 3_000_000).releasable_bytes() == 7 * ARENA_BYTES
    assert HeapFigures(3, 3_000_000).releasable_bytes() == 0


def test_the_ratio_is_bytes_of_arenas_to_live_bytes() -> None:
    assert HeapFigures(2, ARENA_BYTES).ratio() == 2.0
    assert HeapFigures(2, 0).ratio() == 0.0


def test_reading_the_figures_leaves_standard_error_alone(capfd: pytest.CaptureFixture[str]) -> None:
    read_figures()
    os.write(2, b"still there")
    assert capfd.readouterr().err == "still there"


def test_bytes_that_do_not_lie_in_pools_of_their_class_are_noticed() -> None:
    probes = [os.urandom(100) for _ in range(300)]
    pool = (100 + BYTES_OVERHEAD + 15) // 16 - 1
    assert not lie_in_pools(probes, lambda address: header(5, 0, pool + 1))
    assert not lie_in_pools(probes, lambda address: b"")


def run(code: str, **environment: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


OBSTACLE = "from pyredmem.memory.process_heap import obstacle; print(obstacle())"


def test_another_allocator_is_an_obstacle() -> None:
    assert run(OBSTACLE, PYTHONMALLOC="malloc").startswith("objects do not lie in pools")


def test_debug_hooks_are_an_obstacle() -> None:
    assert run(OBSTACLE, PYTHONMALLOC="debug").startswith("objects do not lie in pools")


@pytest.mark.skipif(bool(obstacle()), reason="this interpreter has another heap")
def test_the_census_of_this_process_agrees_with_the_interpreter() -> None:
    memory = PoolMemory()
    try:
        figures = read_figures()
        found = HeapCensus(read_regions(), memory.header)
        while not found.step(1000):
            pass
    finally:
        memory.close()
    assert figures is not None
    assert len(found.arenas()) == pytest.approx(figures.arenas, abs=2)
    assert sum(arena.live_bytes for arena in found.arenas()) == pytest.approx(figures.live_bytes, rel=0.02)
