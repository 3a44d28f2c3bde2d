"""The sizes of the keys, which INFO keysizes shows: `Database.check`, at the end of each test, counts them anew."""

from __future__ import annotations

import pytest

from pyredmem.keyspace.key_sizes import HASHES, LISTS, SETS, SORTED_SETS, STRINGS
from tests.support.wire import Argument
from tests.support.world import World


def sizes_of(world: World, kind: int, database: int = 0) -> dict[int, int]:
    sizes = world.engine.keyspace.databases[database].key_sizes()
    assert sizes is not None
    return sizes.by_size(kind)


@pytest.fixture
def world() -> World:
    return World(redis_version="redis-8.2")


@pytest.mark.parametrize("version", ["redis-7.2", "redis-7.4", "mixed", "valkey-9.1"])
def test_a_version_without_the_section_counts_no_sizes(version: str) -> None:
    assert World(redis_version=version).engine.keyspace.databases[0].key_sizes() is None


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        (["SET k 1234567"], {4: 1}),
        (["SET k 9", "INCR k"], {2: 1}),
        (["SET k -1", "INCRBY k -99999"], {4: 1}),
        (["SET k abc", "APPEND k def"], {4: 1}),
        (["SET k abc", "SETRANGE k 700 x"], {512: 1}),
        (["SET k abc", "SETRANGE k 700 x", "SET k x"], {1: 1}),
        (["SETBIT k 4000 1", "SETBIT k 9000 1"], {1024: 1}),
        (["RPUSH k a b c", "SET k abc"], {2: 1}),
        (["SET k abc", "DEL k"], {}),
        (["SET k abc", "RENAME k another"], {2: 1}),
        (["SET k abc", "COPY k another"], {2: 2}),
        (["SET k abc", "MOVE k 1"], {}),
        (["SET k abc", "PEXPIRE k -1"], {}),
        (["SET k abc", "FLUSHALL"], {}),
        (["SET k abc", "FLUSHALL ASYNC"], {}),
        (["SET k abc", "SWAPDB 0 1"], {}),
        (["SET k abc", "SET k abc EX 100", "APPEND k d"], {4: 1}),
    ],
)
def test_strings_are_counted_by_their_length(world: World, commands: list[str], expected: dict[int, int]) -> None:
    for command in commands:
        world.do(*command.split())
    assert sizes_of(world, STRINGS) == expected
    world.check()


@pytest.mark.parametrize(
    ("kind", "commands", "expected"),
    [
        (LISTS, ["RPUSH k a b c", "LPOP k"], {2: 1}),
        (LISTS, ["RPUSH k a b c d", "LMOVE k other LEFT LEFT"], {2: 1, 1: 1}),
        (LISTS, ["RPUSH k a", "LPOP k"], {}),
        (SETS, ["SADD k a b c d", "SMOVE k other a"], {2: 1, 1: 1}),
        (SETS, ["SADD k 1 2 3 4", "SADD k a", "SUNIONSTORE k k none"], {4: 1}),
        (SORTED_SETS, ["ZADD k 1 a 2 b", "ZREMRANGEBYRANK k 0 0"], {1: 1}),
        (HASHES, ["HSET k a 1 b 2", "HPEXPIRE k 1 FIELDS 1 a"], {2: 1}),
        (HASHES, ["HSET k a 1 b 2", "RENAME k other", "HSET other c 3 d 4"], {4: 1}),
    ],
)
def test_collections_are_counted_by_their_elements(
    world: World, kind: int, commands: list[str], expected: dict[int, int]
) -> None:
    for command in commands:
        world.do(*command.split())
    assert sizes_of(world, kind) == expected
    world.check()


def test_streams_are_not_counted(world: World) -> None:
    world.do("XADD", "k", "*", "f", "v")
    assert [sizes_of(world, kind) for kind in (STRINGS, LISTS, SETS, SORTED_SETS, HASHES)] == [{}] * 5


def test_fields_that_expire_are_counted_off(world: World) -> None:
    world.do("HSET", "k", *[word for number in range(8) for word in (number, "v")])
    world.do("HPEXPIRE", "k", 100, "FIELDS", 5, *range(5))
    world.advance(1000)
    assert sizes_of(world, HASHES) == {2: 1}


def test_a_moved_key_is_counted_in_its_new_database(world: World) -> None:
    world.do("RPUSH", "k", *range(8))
    world.do("MOVE", "k", 1)
    assert (sizes_of(world, LISTS, 0), sizes_of(world, LISTS, 1)) == ({}, {8: 1})
    world.do("SWAPDB", 0, 1)
    assert (sizes_of(world, LISTS, 0), sizes_of(world, LISTS, 1)) == ({8: 1}, {})


def test_many_values_that_change_in_turn_are_counted(world: World) -> None:
    names: list[Argument] = [f"list:{number}" for number in range(20)]
    for count in range(1, 10):
        for name in names:
            world.do("RPUSH", name, count)
    assert sizes_of(world, LISTS) == {8: 20}
    world.do("DEL", *names[:5])
    assert sizes_of(world, LISTS) == {8: 15}
