"""The decay of dirty pages over ten seconds."""

from __future__ import annotations

import pytest

from pyredmem.memory.decay import DirtyDecay
from pyredmem.memory.pages import PagePool


def dirty_after(ms: int) -> int:
    """Free 1000 pages at time 0 and tick every 100 ms; returns how many are dirty at ``ms``."""
    pool = PagePool()
    decay = DirtyDecay(pool)
    decay.tick(0)
    pool.give(pool.take(1000), 1000)
    for now_ms in range(100, ms + 1, 100):
        decay.tick(now_ms)
    pool.check()
    return int(pool.dirty_pages)


@pytest.mark.parametrize(("ms", "low", "high"), [(100, 999, 1000), (2500, 880, 920), (5000, 480, 540), (7500, 90, 120)])
def test_dirty_pages_decay_along_the_curve(ms: int, low: int, high: int) -> None:
    assert low <= dirty_after(ms) <= high


def test_no_page_is_dirty_after_ten_seconds() -> None:
    assert dirty_after(10_200) == 0


def test_the_first_tick_only_starts_the_clock() -> None:
    pool = PagePool()
    pool.give(pool.take(10), 10)
    assert DirtyDecay(pool).tick(1_000_000) == 0
    assert pool.dirty_pages == 10


def test_a_clock_that_goes_back_purges_nothing() -> None:
    pool = PagePool()
    decay = DirtyDecay(pool)
    decay.tick(5000)
    pool.give(pool.take(10), 10)
    assert decay.tick(1000) == 0


def test_after_a_long_pause_pages_freed_in_it_count_as_new() -> None:
    """The pages that were dirty before the pause are purged."""
    pool = PagePool()
    decay = DirtyDecay(pool)
    decay.tick(0)
    first, second = pool.take(10), pool.take(10)
    pool.give(first, 10)
    decay.tick(100)
    pool.give(second, 10)
    decay.tick(60_000)
    assert pool.dirty_pages == 10
    decay.tick(120_000)
    assert pool.dirty_pages == 0


def test_pages_freed_later_decay_later() -> None:
    pool = PagePool()
    decay = DirtyDecay(pool)
    decay.tick(0)
    pool.give(pool.take(100), 100)
    for now_ms in range(100, 10_100, 100):
        decay.tick(now_ms)
    assert pool.dirty_pages == 0
    pool.give(pool.take(100), 100)
    decay.tick(10_200)
    assert pool.dirty_pages >= 99
