"""Ballast brings the memory in use to a figure."""

from __future__ import annotations

import pytest

from pyredmem.engine.ballast import Ballast
from tests.support.world import World


@pytest.mark.parametrize("more", [0, 7, 8, 1000, 20_001, 3_000_000, 777_777_777])
@pytest.mark.parametrize("mem_allocator", ["jemalloc", "libc"])
def test_memory_in_use_comes_close_to_the_figure(more: int, mem_allocator: str) -> None:
    world = World(mem_allocator=mem_allocator)
    ballast = Ballast(world.engine.core)
    target = world.used_memory + more
    ballast.fill_to(target)
    assert target - world.engine.allocator.good_size(1) < world.used_memory <= target
    world.check()


def test_released_ballast_is_gone() -> None:
    world = World()
    ballast = Ballast(world.engine.core)
    before = world.used_memory
    first = ballast.fill_to(before + 10_000)
    second = ballast.fill_to(before + 20_000)
    ballast.release(first)
    world.check()
    ballast.release(second)
    assert world.used_memory == before
    world.check()


def test_no_ballast_is_taken_above_the_figure() -> None:
    world = World()
    assert Ballast(world.engine.core).fill_to(1000) == []
