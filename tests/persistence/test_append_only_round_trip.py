"""Whatever was written comes back from the append-only file: replayed, rewritten, and loaded while the server runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings

from tests.differential.grammar import sequences, with_few_names
from tests.differential.harness import Step
from tests.differential.replicas import dataset
from tests.persistence.aof_worlds import recording
from tests.persistence.test_round_trip import CONTENTS, LIMITS, is_left_out
from tests.persistence.worlds import SavingWorld
from tests.support.replies import OK
from tests.support.suites import SUITE, time_limit


def _restarted(world: SavingWorld) -> SavingWorld:
    other = SavingWorld(host=world.saving_host, appendonly="yes")
    other.clock.advance_us(world.clock.now_us() - other.clock.now_us())
    other.tick(0)
    return other.started()


def _rewrite(world: SavingWorld) -> None:
    world.do("BGREWRITEAOF")
    world.advance(500)
    assert world.field("aof_rewrites") == "1"


def _reloaded(world: SavingWorld) -> SavingWorld:
    assert world.do("DEBUG", "RELOAD") == OK
    return world


def _replayed(world: SavingWorld) -> SavingWorld:
    assert world.do("DEBUG", "LOADAOF") == OK
    return world


def _leave(world: SavingWorld) -> None:
    """Change nothing."""


#: What happens to the server, then what makes the dataset again, and the settings.
WAYS: dict[str, tuple[Callable[[SavingWorld], None], Callable[[SavingWorld], SavingWorld], dict[str, Any]]] = {
    "restart": (_leave, _restarted, {}),
    "rewrite": (_rewrite, _restarted, {}),
    "rewrite as commands": (_rewrite, _restarted, {"aof_use_rdb_preamble": "no"}),
    "reload": (_leave, _reloaded, {}),
    "replay": (_leave, _replayed, {}),
}


def survive(name: str, way: str, limits: str, datasets: int) -> None:
    """Try random datasets."""
    prepare, go, options = WAYS[way]

    @settings(max_examples=datasets)
    @given(sequences(CONTENTS[name]))
    def survives(steps: list[Step]) -> None:
        world = recording(**LIMITS[limits], **options)
        for step in with_few_names(steps):
            if not is_left_out(step.argv):
                world.raw(*step.argv)
        prepare(world)
        before = dataset(world)
        other = go(world)
        assert dataset(other) == before
        other.check()

    survives()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", [name for name in CONTENTS if name != "hyperloglogs"])  # which take a minute each
def test_a_dataset_survives(name: str, way: str) -> None:
    survive(name, way, "usual", 2)


@pytest.mark.slow
@time_limit(1200)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", CONTENTS)
def test_many_datasets_survive(name: str, way: str) -> None:
    survive(name, way, "low", max(SUITE.round_trips // 4, 1))


@pytest.mark.parametrize("way", WAYS)
def test_memory_is_what_it_was(way: str) -> None:
    prepare, go, options = WAYS[way]
    world = recording(**options)
    for number in range(1000):
        world.do("SET", f"string:{number}", "x" * (number % 300))
        world.do("RPUSH", f"list:{number % 50}", *range(number % 20 + 1))
        world.do("HSET", f"hash:{number % 200}", f"field:{number}", number)
        world.do("ZADD", f"zset:{number % 10}", number, f"member:{number}")
        world.do("SADD", f"set:{number % 30}", number, f"member:{number}")
    prepare(world)
    before = keyspace_bytes(world)
    other = go(world)
    other.advance(500)  # tables that have grown are rehashed
    assert keyspace_bytes(other) == pytest.approx(before, rel=0.005)


def keyspace_bytes(world: SavingWorld) -> int:
    """The memory of all databases: without that of clients, and of the histograms of the commands that have run."""
    return sum(int(world.engine.allocator.usable(address)) for address in world.engine.keyspace.addresses())
