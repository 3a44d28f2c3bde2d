"""Defragmentation among random commands on values of all types: no data is lost or damaged."""

from __future__ import annotations

import pytest

from pyredmem.base.slice_limit import SliceLimit
from pyredmem.keyspace.defrag import DefragScan
from pyredmem.memory.mover import Mover
from tests.stress.churn import Churn, is_expected
from tests.support.movers import Shuffler
from tests.support.replies import Error
from tests.support.world import LAYOUT_VERSIONS, World

CALLS = 1500


class EverywhereMover(Shuffler):
    """Moves every block, so that a block which is shown twice, or not at all, is noticed."""

    def block(self, address: int) -> int:
        self.hits += 1
        return super().block(address)


class Immediately(SliceLimit):
    """A slice that ends as soon as its limit is checked."""

    def spend(self, steps: int) -> bool:
        return True


def scan_of(world: World, everywhere: bool) -> DefragScan:
    """A scan that visits every value of more than 100 elements in several steps."""
    scan = DefragScan(world.engine.keyspace)
    scan.max_scan_fields = 100
    scan.mover = EverywhereMover(world.engine.allocator) if everywhere else Mover(world.engine.allocator)
    return scan


def state(world: World) -> tuple[bytes, int]:
    return world.do("DEBUG", "DIGEST").text, world.used_memory


@pytest.mark.parametrize("version", LAYOUT_VERSIONS)
@pytest.mark.parametrize("everywhere", [False, True])
@pytest.mark.parametrize("seed", range(2))
def test_scans_between_random_commands_do_no_harm(seed: int, everywhere: bool, version: str) -> None:
    # With libc, Valkey's own, there is no defragmentation: a large block may take a page more where it has moved to.
    world = World(enable_debug_command="yes", redis_version=version, mem_allocator="jemalloc")
    world.do("DEBUG", "DIGEST")
    churn = Churn(seed, 8 * 1024 * 1024)
    scan = scan_of(world, everywhere)
    scans = 0
    for number in range(CALLS):
        reply = world.do(*churn.call())
        assert not isinstance(reply, Error) or is_expected(reply.text), reply
        scans += scan.run(Immediately())
        if number % 20 == 0:
            world.advance(10)
        if number % 500 == 499:
            world.check()
            before = state(world)
            while not scan.run(Immediately()):
                pass
            assert state(world) == before
            world.check()
    assert scans > 0
