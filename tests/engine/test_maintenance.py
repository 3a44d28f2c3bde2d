"""The timer's work on the keyspace, and the settings that control it."""

from __future__ import annotations

import pytest

from pyredmem.base.limits import NEVER
from pyredmem.engine import figures
from pyredmem.engine.maintenance import frequency
from pyredmem.keyspace.database import Database
from tests.support.world import World


def first(world: World) -> Database:
    return world.engine.keyspace.databases[0]


def fill(world: World, count: int, when_ms: int = 0) -> None:
    database = first(world)
    for number in range(count):
        key = b"key:%d" % number
        database.add(key, world.engine.keyspace.strings.create(b"v"))
        if when_ms:
            database.expire_at(key, when_ms)


def change(world: World, **settings: str) -> None:
    world.engine.settings.set_many([(name.replace("_", "-"), value) for name, value in settings.items()])


def tick(world: World) -> None:
    world.engine.tick(world.clock.now_us() // 1000)


# How often.


@pytest.mark.parametrize(
    ("hz", "clients", "expected"),
    [(10, 0, 10), (10, 2009, 10), (10, 2010, 20), (10, 10_000, 80), (10, 10**6, 500), (1, 300, 2), (500, 9, 500)],
)
def test_the_timer_ticks_more_often_if_there_are_many_clients(hz: int, clients: int, expected: int) -> None:
    assert frequency(hz, clients) == expected


def test_the_interval_follows_hz() -> None:
    world = World(hz="100")
    assert world.engine.cron.interval_ms() == 10
    change(world, hz="20")
    assert world.engine.cron.interval_ms() == 50
    assert world.engine.maintenance.expiry.hz == 20


def test_the_number_of_clients_matters_only_while_dynamic_hz_is_on() -> None:
    world = World(hz="1")
    clients = [world.client() for _ in range(201)]
    tick(world)
    assert world.engine.cron.interval_ms() == 500
    change(world, dynamic_hz="no")
    assert world.engine.cron.interval_ms() == 1000
    assert len(clients) == 201


# Expiry.


def test_keys_expire_although_no_command_accesses_them(world: World) -> None:
    fill(world, 100, when_ms=world.clock.now_us() // 1000 + 50)
    world.advance(100)
    assert world.do("DBSIZE") == 0
    assert world.engine.keyspace.expired == 100


def test_active_expiry_can_be_switched_off(world: World) -> None:
    world.engine.switches.active_expire = False
    fill(world, 100, when_ms=world.clock.now_us() // 1000 + 50)
    world.advance(1000)
    assert world.do("DBSIZE") == 100
    world.engine.switches.active_expire = True
    world.advance(100)
    assert world.do("DBSIZE") == 0


def test_nothing_expires_while_the_data_set_stands_still(world: World) -> None:
    fill(world, 10, when_ms=world.clock.now_us() // 1000 + 50)
    world.engine.keyspace.stands_still = True
    world.advance(100)
    assert world.do("DBSIZE") == 10
    world.engine.keyspace.stands_still = False
    world.advance(100)
    assert world.do("DBSIZE") == 0


def test_the_effort_follows_its_setting() -> None:
    world = World(active_expire_effort="4")
    assert world.engine.maintenance.expiry.effort == 3
    change(world, active_expire_effort="1")
    assert world.engine.maintenance.expiry.effort == 0


def test_no_fast_cycle_is_due_unless_a_cycle_was_cut_short(world: World) -> None:
    world.do("PING")
    assert world.engine.core.fast_cycle_due_us == NEVER
    world.advance(100)
    assert world.engine.core.fast_cycle_due_us == NEVER


def test_a_fast_cycle_that_is_due_runs_after_a_batch(world: World) -> None:
    fill(world, 10, when_ms=world.clock.now_us() // 1000 + 50)
    world.clock.advance_ms(60)
    world.engine.core.fast_cycle_due_us = world.clock.now_us()
    world.do("PING")
    assert world.engine.keyspace.expired == 10
    assert world.engine.core.fast_cycle_due_us == NEVER


def test_figures_of_the_expire_cycle(world: World) -> None:
    fill(world, 10, when_ms=world.clock.now_us() // 1000 + 50)
    world.clock.advance_ms(100)
    tick(world)
    value = world.engine.figures.value
    assert value(figures.EXPIRED_STALE_PERCENT_X100) == 500
    assert value(figures.EXPIRED_TIME_CAP_REACHED) == 0
    assert value(figures.EXPIRE_CYCLE_US) == 0


# Tables.


def test_a_sparse_table_shrinks(world: World) -> None:
    fill(world, 1000, when_ms=1 << 50)
    world.advance(200)
    for number in range(950):
        world.do("DEL", f"key:{number}")
    world.advance(300)
    assert first(world).keys.buckets() == 64
    assert first(world).expires.buckets() == 64


def test_a_table_that_is_at_least_a_tenth_full_does_not_shrink(world: World) -> None:
    fill(world, 1000)
    world.advance(200)
    for number in range(1000 - 103):
        world.do("DEL", f"key:{number}")
    world.advance(300)
    assert first(world).keys.buckets() == 1024


def test_tables_that_are_rehashing_are_finished_one_after_another() -> None:
    world = World()
    fill(world, 600, when_ms=1 << 50)
    other = world.engine.keyspace.databases[5]
    for number in range(600):
        other.add(b"key:%d" % number, world.engine.keyspace.strings.create(b"v"))
    tables = [first(world).keys, first(world).expires, other.keys]
    assert [table.is_rehashing() for table in tables] == [True, True, True]
    states: list[list[bool]] = []
    for _ in range(3):
        tick(world)
        states.append([table.is_rehashing() for table in tables])
    assert states == [[False, True, True], [False, False, True], [False, False, False]]
    world.check()


def test_activerehashing_can_be_switched_off() -> None:
    world = World(activerehashing="no")
    fill(world, 600)
    world.advance(1000)
    assert first(world).keys.is_rehashing()
    change(world, activerehashing="yes")
    world.advance(100)
    assert not first(world).keys.is_rehashing()
