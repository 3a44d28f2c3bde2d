"""States of the whole server that faults pretend. What a real server refuses in them: tests/differential."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pyredmem.base import errors
from pyredmem.engine.fault_states import STATES, RedirectFault, StateFault
from pyredmem.engine.faults import UNLIMITED_TIMES, Schedule, Scope
from tests.support.replies import OK, PONG, Error
from tests.support.wire import QUEUED
from tests.support.world import World

EVERYTHING = Scope(None, None, None, None)


@pytest.fixture(name="world")
def fixture_world() -> Iterator[World]:
    """A world that is sound at the end."""
    world = World()
    yield world
    world.engine.faults.check()
    world.check()


def enter(world: World, name: str) -> None:
    world.engine.faults.add(StateFault(name, EVERYTHING, Schedule(UNLIMITED_TIMES, 0, 1, 1.0), STATES[name]))


def redirect(world: World, slot: int = -1, giving: bool = False) -> None:
    schedule = Schedule(UNLIMITED_TIMES, 0, 1, 1.0)
    world.engine.faults.add(RedirectFault("redirect", EVERYTHING, schedule, b"10.0.0.2:7000", slot, giving))


def test_the_error_of_a_refused_exec_says_that_the_transaction_is_discarded(world: World) -> None:
    world.do("MULTI")
    world.do("SET", "k", "v")
    enter(world, "readonly")
    expected = b"EXECABORT Transaction discarded because of: " + errors.READ_ONLY_REPLICA
    assert world.do("EXEC") == Error(expected)
    assert world.do("GET", "k") is None


def test_a_state_that_began_after_multi_looks_at_the_queued_commands(world: World) -> None:
    world.do("MULTI")
    world.do("GET", "k")
    enter(world, "loading")
    assert world.do("EXEC") == Error(b"EXECABORT Transaction discarded because of: " + errors.LOADING)


def test_exec_of_commands_that_are_allowed_runs_in_a_state(world: World) -> None:
    world.do("MULTI")
    assert world.do("GET", "k") == QUEUED
    enter(world, "readonly")
    assert world.do("EXEC") == [None]


def test_a_script_that_says_it_writes_nothing_runs_on_a_replica(world: World) -> None:
    enter(world, "readonly")
    assert world.do("EVAL", "#!lua flags=no-writes\nreturn 1", "0") == 1
    assert world.do("EVAL", "#!lua\nreturn 1", "0") == Error(errors.READ_ONLY_REPLICA)


def test_a_script_that_is_content_with_old_data_runs_without_the_master(world: World) -> None:
    enter(world, "masterdown")
    assert world.do("EVAL", "#!lua flags=allow-stale,no-writes\nreturn 1", "0") == 1
    assert world.do("EVAL", "#!lua flags=no-writes\nreturn 1", "0") == Error(errors.MASTER_DOWN)
    assert world.do("EVAL", "return 1", "0") == Error(errors.MASTER_DOWN)


def test_hello_needs_a_password_while_noauth_is_pretended(world: World) -> None:
    enter(world, "noauth")
    assert world.do("HELLO", "3") == Error(errors.HELLO_WITHOUT_AUTH)
    assert world.do("HELLO", "3", "AUTH", "default", "any") != Error(errors.HELLO_WITHOUT_AUTH)


def test_nothing_may_be_queued_without_memory(world: World) -> None:
    world.do("MULTI")
    enter(world, "oom")
    assert world.do("PING") == Error(errors.OUT_OF_MEMORY)


def test_ping_is_refused_when_snapshots_fail(world: World) -> None:
    enter(world, "misconf")
    assert world.do("PING") == Error(errors.CANNOT_SAVE)


# Clusters.


def test_keys_of_a_slot_that_has_moved(world: World) -> None:
    redirect(world, slot=12182)
    assert world.do("GET", "foo") == Error(b"MOVED 12182 10.0.0.2:7000")
    assert world.do("GET", "a") is None


def test_commands_without_keys_stay(world: World) -> None:
    redirect(world)
    assert world.do("PING") == PONG
    assert world.do("GET", "a") == Error(b"MOVED 15495 10.0.0.2:7000")


def test_keys_that_are_not_here_are_asked_for(world: World) -> None:
    world.do("SET", "{a}1", "v")
    redirect(world, giving=True)
    assert world.do("GET", "{a}1") == b"v"
    assert world.do("GET", "{a}2") == Error(b"ASK 15495 10.0.0.2:7000")
    assert world.do("MGET", "{a}1", "{a}2") == Error(errors.SLOT_IS_MOVING)


def test_keys_of_different_slots_do_not_go_together(world: World) -> None:
    redirect(world, slot=12182)
    assert world.do("MGET", "foo", "a") == Error(b"CROSSSLOT Keys in request don't hash to the same slot")


def test_a_transaction_ends_when_its_keys_have_moved(world: World) -> None:
    world.do("MULTI")
    world.do("SET", "a", "v")
    redirect(world)
    assert world.do("EXEC") == Error(b"MOVED 15495 10.0.0.2:7000")
    assert world.do("MULTI") == OK


def test_a_moved_key_in_a_transaction_spoils_it(world: World) -> None:
    redirect(world)
    world.do("MULTI")
    assert world.do("SET", "a", "v") == Error(b"MOVED 15495 10.0.0.2:7000")
    assert world.do("EXEC") == Error(b"EXECABORT Transaction discarded because of previous errors.")
