"""Defragmentation among random commands on values of all types: nothing is lost, nothing is moved that is not there."""

from __future__ import annotations

import pytest

from pyredmem.base.slice_limit import SliceLimit
from pyredmem.keyspace.defrag import DefragScan
from pyredmem.memory.mover import Mover
from tests.stress.churn import Churn, is_expected
from tests.support.movers import Shuffler
from tests.support.replies import Error
from tests.support.world import World

CALLS = 1500


class EverywhereMover(Shuffler):
    """Moves all blocks, so that a block which is shown twice, or forgotten, is found."""

    def block(self, address: int) -> int:
        self.hits += 1
        return super().block(address)


class Now(SliceLimit):
    """A slice that is over at the first look."""

    def spend(self, steps: int) -> bool:
        return True


def scan_of(world: World, everywhere: bool) -> DefragScan:
    """A scan that puts off and interrupts whatever it can."""
    scan = DefragScan(world.engine.keyspace)
    scan.max_scan_fields = 100
    scan.mover = EverywhereMover(world.engine.allocator) if everywhere else Mover(world.engine.allocator)
    return scan


def state(world: World) -> tuple[bytes, int]:
    return world.do("DEBUG", "DIGEST").text, world.used_memory


@pytest.mark.parametrize("everywhere", [False, True])
@pytest.mark.parametrize("seed", range(2))
def test_scans_among_random_commands(seed: int, everywhere: bool) -> None:
    world = World(enable_debug_command="yes")
    world.do("DEBUG", "DIGEST")
    churn = Churn(seed, 8 * 1024 * 1024)
    scan = scan_of(world, everywhere)
    scans = 0
    for number in range(CALLS):
        reply = world.do(*churn.call())
        assert not isinstance(reply, Error) or is_expected(reply.text), reply
        scans += scan.run(Now())
        if number % 20 == 0:
            world.advance(10)
        if number % 500 == 499:
            world.check()
            before = state(world)
            while not scan.run(Now()):
                pass
            assert state(world) == before
            world.check()
    assert scans > 0
