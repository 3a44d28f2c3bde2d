"""The phases of a compaction run, each by itself, and what one pass remembers for the next."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pyredmem.engine.compaction_run import (
    MOST_PASSES,
    MOST_WALKS,
    Census,
    CompactionRun,
    CompactionTotals,
    Moving,
    Phase,
    Releasing,
    VictimRecord,
    pays,
)
from pyredmem.memory.mover import Mover
from pyredmem.memory.process_heap import Arena, obstacle
from pyredmem.memory.steering import ARENA_ROOM, Steering
from tests.support.world import World

needs_heap = pytest.mark.skipif(bool(obstacle()), reason="this interpreter has another heap")

MEBIBYTE_POOLS = 64
NO_ARENAS: list[Arena] = []


def arena(number: int, live_bytes: int) -> Arena:
    made = Arena(number, number * MEBIBYTE_POOLS)
    made.live_bytes = live_bytes
    return made


@pytest.fixture
def world() -> World:
    made = World(activedefrag="yes")
    for number in range(50):
        made.do("SET", f"key:{number}", "value")
    return made


@pytest.fixture
def run(world: World) -> Iterator[CompactionRun]:
    made = new_run(world)
    yield made
    made.memory.close()


def new_run(world: World) -> CompactionRun:
    engine = world.engine
    settings = engine.defrag.settings
    return CompactionRun(engine.allocator, engine.keyspace, settings, [], VictimRecord(), CompactionTotals())


def steering_without_victims(run: CompactionRun) -> Steering:
    return Steering(run.allocator, NO_ARENAS, NO_ARENAS, run.memory)


def last_step(phase: Phase) -> Phase | None:
    """Run the steps of a phase until another phase follows or the run ends; returns that other phase, or None."""
    following = phase.step()
    while following is phase:
        following = phase.step()
    return following


# Phases.


@needs_heap
def test_a_run_begins_with_a_census(run: CompactionRun) -> None:
    assert run.phase_name() == "census"
    assert run.totals.runs == 1


@needs_heap
def test_a_run_without_activedefrag_ends_after_its_census(world: World) -> None:
    run = new_run(world)
    world.do("CONFIG", "SET", "activedefrag", "no")
    while not run.has_ended():
        assert run.phase_name() == "census"
        run.step()
    assert (run.phase_name(), run.passes) == ("idle", 0)


@needs_heap
def test_a_run_that_has_ended_does_nothing(world: World) -> None:
    run = new_run(world)
    run.settings.enabled = False
    while not run.has_ended():
        run.step()
    assert run.step() == 0


@needs_heap
def test_a_run_has_at_most_eight_passes(world: World) -> None:
    run = new_run(world)
    run.passes = MOST_PASSES
    while not run.has_ended():
        run.step()
    assert run.totals.passes == 0


@needs_heap
def test_moving_is_followed_by_releasing_and_that_by_a_census(run: CompactionRun) -> None:
    releasing = last_step(Moving(run, steering_without_victims(run)))
    assert isinstance(releasing, Releasing)
    assert isinstance(last_step(releasing), Census)


@needs_heap
def test_a_walk_that_finds_nothing_to_move_is_the_last(run: CompactionRun) -> None:
    shown: list[Mover] = []
    run.others.append(shown.append)
    last_step(Moving(run, steering_without_victims(run)))
    assert len(shown) == 1


@needs_heap
def test_a_pass_has_at_most_twelve_walks(run: CompactionRun) -> None:
    shown: list[Mover] = []

    def find_many(steering: Mover) -> None:
        assert isinstance(steering, Steering)
        steering.moved += 100
        shown.append(steering)

    run.others.append(find_many)
    last_step(Moving(run, steering_without_victims(run)))
    assert len(shown) == MOST_WALKS
    assert run.totals.moved == 100 * MOST_WALKS


@needs_heap
def test_moving_ends_at_once_without_activedefrag(run: CompactionRun) -> None:
    moving = Moving(run, steering_without_victims(run))
    run.settings.enabled = False
    assert isinstance(moving.step(), Releasing)


@needs_heap
def test_releasing_takes_as_many_steps_as_there_are_plugs_to_drop(run: CompactionRun) -> None:
    steering = Steering(run.allocator, [arena(1, 100)], [arena(1, 100)], run.memory)
    steering.plugs[0].extend(object() for _ in range(300))
    releasing = Releasing(run, steering)
    held = [releasing.held_plugs()]
    while releasing.step() is releasing:
        held.append(releasing.held_plugs())
    assert held == [300, 172, 44]
    assert releasing.held_plugs() == 0


# Victims.


def test_a_victim_that_no_longer_exists_counts_as_emptied() -> None:
    record = VictimRecord()
    record.note([arena(1, 1000), arena(2, 1000)])
    assert record.judge([arena(2, 500), arena(3, 700)]) == 1


def test_victims_are_judged_once() -> None:
    record = VictimRecord()
    record.note([arena(1, 1000)])
    assert record.judge([]) == 1
    assert record.judge([]) == 0


def test_an_arena_that_could_not_be_emptied_is_no_victim_again() -> None:
    arenas = [arena(1, 1000), arena(2, 2000), arena(3, 3000)]
    record = VictimRecord()
    assert arenas[0] in record.choose(arenas)
    record.note(arenas[:1])
    record.judge(arenas)
    assert arenas[0] not in record.choose(arenas)


# Whether a pass is worth its work.


def test_a_pass_has_to_free_two_arenas() -> None:
    arenas = [arena(number, 100) for number in range(10)]
    assert not pays(arenas[:2], arenas)
    assert pays(arenas[:3], arenas)


def test_the_arenas_that_the_objects_move_to_are_subtracted_from_the_gain() -> None:
    arenas = [arena(number, ARENA_ROOM // 2) for number in range(10)]
    assert not pays(arenas[:3], arenas)
    assert pays(arenas[:4], arenas)


def test_a_pass_has_to_free_two_percent_of_the_arenas() -> None:
    arenas = [arena(number, 100) for number in range(200)]
    assert not pays(arenas[:4], arenas)
    assert pays(arenas[:5], arenas)
