"""The memory limit: what is evicted when, what is refused, and what is told of it."""

from __future__ import annotations

import pytest

from pyredmem.keyspace.database import Database
from tests.support.engine import World


def first(world: World) -> Database:
    return world.engine.keyspace.databases[0]


def fill(world: World, count: int) -> None:
    database = first(world)
    for number in range(count):
        database.add(b"key:%d" % number, world.engine.keyspace.strings.create(b"v"))


def change(world: World, **settings: str) -> None:
    world.engine.settings.set_many([(name.replace("_", "-"), value) for name, value in settings.items()])


# Growth near the memory limit.


def slots_after_filling(world: World, count: int) -> int:
    fill(world, count)
    return int(first(world).keys.slots())


def test_a_table_does_not_grow_over_the_limit_until_it_is_far_too_full() -> None:
    world = World()
    fill(world, 512)
    assert first(world).keys.slots() == 512
    change(world, maxmemory=str(world.engine.allocator.used_memory + 4000), maxmemory_policy="noeviction")
    database = first(world)
    for number in range(512, 829):
        database.add(b"key:%d" % number, world.engine.keyspace.strings.create(b"1"))
    assert database.keys.slots() == 512
    # 829 keys are 1.619 times as many: the next one lets it grow
    database.add(b"one more", world.engine.keyspace.strings.create(b"1"))
    assert database.keys.slots() == 512 + 1024
    world.check()


def test_a_table_grows_freely_far_below_the_limit() -> None:
    world = World(maxmemory="100mb")
    assert slots_after_filling(world, 513) == 512 + 1024
    world.check()


def test_taking_the_limit_away_lets_tables_grow_again() -> None:
    world = World()
    fill(world, 512)
    change(world, maxmemory=str(world.engine.allocator.used_memory + 4000))
    change(world, maxmemory="0")
    first(world).add(b"one more", world.engine.keyspace.strings.create(b"1"))
    assert first(world).keys.slots() == 512 + 1024


# The policy.


@pytest.mark.parametrize(
    ("maxmemory", "policy", "shared"),
    [
        ("0", "allkeys-lru", True),
        ("100mb", "noeviction", True),
        ("100mb", "volatile-ttl", True),
        ("100mb", "allkeys-random", True),
        ("100mb", "allkeys-lru", False),
        ("100mb", "volatile-lru", False),
        ("100mb", "volatile-lfu", False),
    ],
)
def test_numbers_are_shared_unless_each_key_needs_an_access_field(maxmemory: str, policy: str, shared: bool) -> None:
    world = World(maxmemory=maxmemory, maxmemory_policy=policy)
    world.do("SET", "k", "7")
    assert world.do("OBJECT", "REFCOUNT", "k") == (b":2147483647\r\n" if shared else b":1\r\n")
    change(world, maxmemory="0")
    world.do("SET", "k", "8")
    assert world.do("OBJECT", "REFCOUNT", "k") == b":2147483647\r\n"


def test_the_policy_rules_the_access_field() -> None:
    world = World()
    seen: list[bool] = []
    for policy in ("noeviction", "volatile-lfu", "allkeys-lfu", "volatile-lru"):
        change(world, maxmemory_policy=policy)
        seen.append(world.engine.keyspace.lfu_policy)
    assert seen == [False, True, True, False]
