"""How often a command looks its key up, seen from outside: during a rehash each lookup moves one bucket.

The numbers were taken from redis-server 7.0.15 with DEBUG HTSTATS, after 100 times the same command. Two differ in 7.2,
where removing an expire time no longer looks up the key itself: SET and GETSET took one lookup more in 7.0.
"""

from __future__ import annotations

import pytest

from tests.support.world import World

TIMES = 100


def world_that_rehashes(*first: str) -> World:
    """A world with 4,097 keys: the table of 4,096 buckets has just begun to grow."""
    world = World(activerehashing="no")
    world.do(*first)
    for number in range(4096):
        world.do("SET", f"key:{number}", "v")
    assert world.engine.keyspace.databases[0].is_rehashing()
    return world


def moved(world: World) -> tuple[int, int]:
    """How far the rehash is: the next bucket, and how many keys are left in the old table."""
    table = world.engine.keyspace.databases[0].keys
    return int(table.rehash_index), int(table.old_used)


def after_lookups(count: int) -> tuple[int, int]:
    """How far the rehash is after ``count`` lookups and no more."""
    world = world_that_rehashes("SET", "k", "v")
    for _ in range(count):
        world.do("GET", "k")
    return moved(world)


@pytest.mark.parametrize(
    ("first", "command", "lookups"),
    [
        ("SET k a", "SET k b", 2),
        ("SET k a", "SET k b KEEPTTL", 2),
        ("SET k a", "GETSET k b", 3),
        ("SET k a", "SETNX k b", 1),
        ("SET k 500000", "INCR k", 1),
        ("SET k 5", "INCR k", 2),  # a shared number is replaced by another one
        ("SET k 5.5", "INCRBYFLOAT k 1.5", 2),
        ("PFADD k a", "PFADD k a", 1),
    ],
)
def test_a_command_looks_its_key_up_as_often_as_in_redis(first: str, command: str, lookups: int) -> None:
    world = world_that_rehashes(*first.split())
    for _ in range(TIMES):
        world.do(*command.split())
    assert moved(world) == after_lookups(TIMES * lookups)


@pytest.mark.parametrize("command", ["APPEND k b", "SETRANGE k 1 b"])
def test_only_the_first_change_in_place_looks_the_key_up_twice(command: str) -> None:
    world = world_that_rehashes("SET", "k", "abc")
    for _ in range(TIMES):
        world.do(*command.split())
    assert moved(world) == after_lookups(TIMES + 1)
