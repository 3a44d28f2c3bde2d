"""A save that goes on while commands run writes the dataset as it was when the save began."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyredmem.keyspace.dataset_save import KeyspaceSave
from pyredmem.keyspace.snapshot import KeyspaceSnapshot
from pyredmem.objects.list import ListObject
from pyredmem.objects.list_encodings import QuicklistList
from pyredmem.objects.rdb_file_writer import RdbFileWriter
from pyredmem.structures.quicklist import Quicklist
from tests.differential.grammar import sequences, with_few_names
from tests.differential.harness import Step
from tests.differential.replicas import dataset
from tests.persistence.test_round_trip import CONTENTS, LIMITS, is_left_out
from tests.persistence.worlds import SavingWorld
from tests.support.suites import SUITE, time_limit

#: Values with at least this many elements are written piece by piece.
LEAST = 64


class Saving:
    """A save of a world's dataset that goes on."""

    def __init__(self, world: SavingWorld, least: int = LEAST) -> None:
        self.world = world
        self.before = dataset(world)
        self.now_us = world.clock.now_us()
        self.file = world.files.create("saved.rdb")
        self.writer = RdbFileWriter(self.file, True, True, True)
        self.save = KeyspaceSave(world.engine.keyspace, self.writer, True, True, least)

    def step(self, size: int = 1) -> bool:
        return self.save.step(size)

    def end(self) -> None:
        """End the save, and compare what it has written with what there was when it began."""
        while self.step(1000):
            pass
        self.let_go()
        self.writer.finish()
        self.file.close()
        other = self.world.another(dbfilename="saved.rdb", **self.world.settings_given)
        other.clock.advance_us(self.now_us - other.clock.now_us())
        other.tick(0)
        other.persistence.load()
        assert dataset(other) == self.before
        other.check()

    def let_go(self) -> None:
        """Nothing watches or refers to anything any more."""
        self.save.let_go()
        world = self.world
        world.engine.keyspace.lazyfree.drain(world.clock)
        assert not any(database.preservers for database in world.engine.keyspace.databases)
        for database in world.engine.keyspace.databases:
            assert database.keys.keeper is None
            for value in database.keys.all_values():
                table = value.hash_table()
                assert table is None or table.keeper is None
                assert value.refcount == 1 or value.type_name() == b"string"
        world.check()


@pytest.fixture
def world() -> Iterator[SavingWorld]:
    """Elements lie in tables, and in nodes of two."""
    made = SavingWorld(**LIMITS["low"])
    yield made
    made.check()


# What happens to one large value: by type how it is made, and commands that change it.

Fill = Callable[[SavingWorld, str], object]
Change = Callable[[Random], list[str | int | float]]
MEMBERS = 200


def member(random: Random) -> str:
    return f"member:{random.randrange(MEMBERS * 3 // 2)}"


def fill_list(world: SavingWorld, key: str) -> None:
    world.do("RPUSH", key, *[f"member:{number}" for number in range(MEMBERS)])


def fill_set(world: SavingWorld, key: str) -> None:
    world.do("SADD", key, *[f"member:{number}" for number in range(MEMBERS)])


def fill_hash(world: SavingWorld, key: str) -> None:
    for number in range(MEMBERS):
        world.do("HSET", key, f"member:{number}", "x" * (number * 5))


def fill_timed_hash(world: SavingWorld, key: str) -> None:
    fill_hash(world, key)
    for number in range(0, MEMBERS, 3):
        world.do("HPEXPIRE", key, 1_000_000 + number, "FIELDS", 1, f"member:{number}")


def fill_sorted_set(world: SavingWorld, key: str) -> None:
    for number in range(MEMBERS):
        world.do("ZADD", key, number / 7, f"member:{number}")


def fill_stream(world: SavingWorld, key: str) -> None:
    for number in range(1, MEMBERS):
        world.do("XADD", key, f"{number}-0", "field", f"member:{number}")
    world.do("XGROUP", "CREATE", key, "group", "0")
    world.do("XREADGROUP", "GROUP", "group", "consumer", "COUNT", 50, "STREAMS", key, ">")


ENDS = ("LEFT", "RIGHT")
VALUES: dict[str, tuple[Fill, list[Change]]] = {
    "list": (
        fill_list,
        [
            lambda random: ["LPUSH", "k", member(random)],
            lambda random: ["RPUSH", "k", member(random)],
            lambda random: ["LPOP", "k"],
            lambda random: ["RPOP", "k", 3],
            lambda random: ["LSET", "k", random.randrange(50), member(random)],
            lambda random: ["LSET", "k", random.randrange(50), "x" * 9000],
            lambda random: ["LINSERT", "k", random.choice(["BEFORE", "AFTER"]), member(random), member(random)],
            lambda random: ["LREM", "k", random.choice([-1, 0, 1]), member(random)],
            lambda random: ["LTRIM", "k", 1, -2],
            lambda random: ["LMOVE", "k", random.choice(["k", "other"]), random.choice(ENDS), random.choice(ENDS)],
        ],
    ),
    "set": (
        fill_set,
        [
            lambda random: ["SADD", "k", member(random), member(random)],
            lambda random: ["SREM", "k", member(random), member(random), member(random)],
            lambda random: ["SPOP", "k"],
            lambda random: ["SPOP", "k", random.choice([2, 150])],
            lambda random: ["SMOVE", "k", "other", member(random)],
        ],
    ),
    "hash": (
        fill_hash,
        [
            lambda random: ["HSET", "k", member(random), "y" * random.randrange(1000), member(random), "z"],
            lambda random: ["HDEL", "k", member(random), member(random)],
            lambda random: ["HSET", "k", "number", "5"],
            lambda random: ["HINCRBY", "k", "number", 1],
            lambda random: ["HPEXPIRE", "k", random.randrange(1000), "FIELDS", 1, member(random)],
        ],
    ),
    "hash with times": (
        fill_timed_hash,
        [
            lambda random: ["HSET", "k", member(random), "y" * random.randrange(1000)],
            lambda random: ["HDEL", "k", member(random)],
            lambda random: ["HPEXPIRE", "k", random.randrange(2_000_000), "FIELDS", 2, member(random), member(random)],
            lambda random: ["HPERSIST", "k", "FIELDS", 2, member(random), member(random)],
        ],
    ),
    "sorted set": (
        fill_sorted_set,
        [
            lambda random: ["ZADD", "k", random.randrange(100), member(random)],
            lambda random: ["ZINCRBY", "k", 0.5, member(random)],
            lambda random: ["ZREM", "k", member(random), member(random)],
            lambda random: ["ZPOPMIN", "k"],
            lambda random: ["ZPOPMAX", "k", 2],
            lambda random: ["ZREMRANGEBYRANK", "k", 10, 12],
        ],
    ),
    "stream": (
        fill_stream,
        [
            lambda random: ["XADD", "k", "*", "field", member(random)],
            lambda random: ["XDEL", "k", f"{random.randrange(MEMBERS)}-0"],
            lambda random: ["XTRIM", "k", "MAXLEN", "~", random.randrange(100, 200)],
            lambda random: ["XTRIM", "k", "MINID", f"{random.randrange(20)}-0"],
            lambda random: ["XACK", "k", "group", f"{random.randrange(60)}-0"],
            lambda random: ["XREADGROUP", "GROUP", "group", "consumer", "COUNT", 1, "STREAMS", "k", ">"],
            lambda random: ["XGROUP", "DESTROY", "k", "group"],
        ],
    ),
}
#: What can happen to any key. The rarer ones end the value.
ANY: list[Change] = [
    lambda random: ["RENAME", "k", "other"],
    lambda random: ["RENAME", "other", "k"],
    lambda random: ["COPY", "k", "copy", "REPLACE"],
    lambda random: ["RENAME", "copy", "k"],
    lambda random: ["PEXPIRE", "k", random.choice([1, 1_000_000])],
    lambda random: ["PERSIST", "k"],
    lambda random: ["MOVE", "k", 1],
    lambda random: ["SWAPDB", 0, 1],
    lambda random: ["DEL", "k"],
    lambda random: ["UNLINK", "k"],
    lambda random: ["SET", "k", "string"],
    lambda random: ["FLUSHDB", random.choice(["SYNC", "ASYNC"])],
    lambda random: ["DEBUG", "RELOAD"],
]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("name", VALUES)
def test_a_large_value_is_saved_as_it_was(world: SavingWorld, name: str, seed: int) -> None:
    random = Random(seed)
    fill, changes = VALUES[name]
    fill(world, "k")
    for number in range(30):
        world.do("SET", f"string:{number}", number)
        world.do("PEXPIRE", f"string:{number}", 100_000 + number)
    saving = Saving(world)
    for _ in range(300):
        if random.random() < 0.4:
            saving.step(random.choice([1, 100]))
        if random.random() < 0.02:
            world.do(*random.choice(ANY)(random))
        elif random.random() < 0.1:
            key = f"string:{random.randrange(40)}"
            world.do(*random.choice([("SET", key, "x"), ("INCR", key), ("APPEND", key, "y"), ("DEL", key)]))
        else:
            world.do(*random.choice(changes)(random))
        if random.random() < 0.05:
            world.advance(1)
    saving.end()


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("steps", [0, 1, 3, 8])
def test_a_large_value_that_is_deleted_is_saved(world: SavingWorld, name: str, steps: int) -> None:
    fill, _ = VALUES[name]
    fill(world, "k")
    saving = Saving(world)
    for _ in range(steps):
        saving.step()
    world.do("DEL", "k")
    assert world.do("EXISTS", "k") == 0
    saving.end()
    assert world.engine.keyspace.databases[0].size() == 0


@pytest.mark.parametrize("name", VALUES)
def test_a_save_that_is_given_up_lets_go_of_large_values(world: SavingWorld, name: str) -> None:
    fill, changes = VALUES[name]
    fill(world, "k")
    fill(world, "l")
    saving = Saving(world)
    for _ in range(4):
        saving.step()
    for number, change in enumerate(changes):
        world.do(*change(Random(number)))
    world.do("DEL", "k")
    world.do("PERSIST", "l")
    saving.let_go()
    assert world.do("EXISTS", "l") == 1


def test_a_key_that_expires_or_is_evicted_is_saved(world: SavingWorld) -> None:
    for number in range(50):
        world.do("SET", f"short:{number}", "x", "PX", "5000")
        world.do("SET", f"long:{number}", "x" * 100, "EX", "1000")
    saving = Saving(world)
    saving.step()
    world.advance(6000)
    for policy in ("volatile-ttl", "allkeys-random"):
        world.do("CONFIG", "SET", "maxmemory-policy", policy)
        world.do("CONFIG", "SET", "maxmemory", world.engine.allocator.used_memory - 2000)
        world.do("SET", "another", "y")
    world.do("CONFIG", "SET", "maxmemory", 0)
    assert world.do("DBSIZE") < 50
    saving.end()


@pytest.mark.parametrize("command", [("PEXPIRE", 5000), ("PERSIST",), ("GETEX", "EX", 9)])
def test_expire_times_are_saved_as_they_were(world: SavingWorld, command: tuple[Any, ...]) -> None:
    world.do("SET", "none", "x")
    world.do("SET", "some", "x", "EX", 100)
    saving = Saving(world)
    for key in ("none", "some"):
        world.do(command[0], key, *command[1:])
    saving.end()


def test_a_key_with_an_expire_time_that_is_evicted_is_saved_with_it(world: SavingWorld) -> None:
    for number in range(100):
        world.do("SET", f"key:{number}", "x" * 100, "EX", 1000)
    world.do("CONFIG", "SET", "maxmemory-policy", "volatile-random")
    saving = Saving(world)
    world.do("CONFIG", "SET", "maxmemory", world.engine.allocator.used_memory - 5000)
    assert 0 < world.do("DBSIZE") < 100
    world.do("CONFIG", "SET", "maxmemory", 0)
    saving.end()


def test_nodes_of_a_list_that_are_merged_are_saved_as_they_were(world: SavingWorld) -> None:
    world.do("CONFIG", "SET", "list-max-listpack-size", 4)
    world.do("RPUSH", "k", *range(200))
    world.do("LREM", "k", 1, 101)
    for number in (*range(101, 104), *range(105, 108)):  # two nodes have one element left
        world.do("LREM", "k", 1, number)
    nodes = quicklist(world).nodes
    saving = Saving(world)
    world.do("LINSERT", "k", "BEFORE", 110, "new")
    assert quicklist(world).nodes == nodes  # one more by the split, one less by the merge
    saving.end()


def quicklist(world: SavingWorld) -> Quicklist:
    value = world.engine.keyspace.databases[0].keys.value(0)
    assert isinstance(value, ListObject)
    content = value.payload()
    assert isinstance(content, QuicklistList)
    return content.quicklist


def test_a_snapshot_may_be_restored_during_a_save(world: SavingWorld) -> None:
    for name, (fill, _) in VALUES.items():
        fill(world, name)
    snapshot = KeyspaceSnapshot(world.engine.keyspace)
    for name in list(VALUES)[2:4]:  # another key moves to a slot of theirs, and back when the snapshot is restored
        world.do("DEL", name)
        fill_set(world, f"{name} now")
    saving = Saving(world)
    saving.step(1000)
    snapshot.restore()
    snapshot.drop()
    assert world.do("EXISTS", *VALUES) == len(VALUES)
    saving.end()


def test_what_changes_before_its_turn_is_counted(world: SavingWorld) -> None:
    world.do("SET", "s", "x" * 1000)
    fill_set(world, "k")
    world.do("CONFIG", "SET", "rdbcompression", "no")
    saving = Saving(world)
    assert saving.save.kept_bytes() == 0
    world.do("SREM", "k", "member:1", "member:2")
    kept: Any = saving.save.kept_bytes()
    assert 0 < kept < 100
    world.do("APPEND", "s", "y")
    assert saving.save.kept_bytes() > kept
    saving.end()


# Random commands on small values, all of which are written by pieces or none of which are.


def survive(name: str, least: int, datasets: int) -> None:
    @settings(max_examples=datasets)
    @given(sequences(CONTENTS[name]), sequences(CONTENTS[name]), st.randoms(use_true_random=False))
    def survives(first: list[Step], then: list[Step], random: Random) -> None:
        world = SavingWorld(**LIMITS["low"])
        for step in with_few_names(first):
            if not is_left_out(step.argv):
                world.raw(*step.argv)
        saving = Saving(world, least)
        for step in with_few_names(then):
            if random.random() < 0.3:
                saving.step()
            if not is_left_out(step.argv):
                world.raw(*step.argv)
        saving.end()

    survives()


@pytest.mark.parametrize("least", [1, 10**9], ids=["pieces", "whole"])
@pytest.mark.parametrize("name", [name for name in CONTENTS if name != "hyperloglogs"])  # which take a minute each
def test_random_commands_do_not_change_what_is_saved(name: str, least: int) -> None:
    survive(name, least, 3)


@pytest.mark.slow
@time_limit(1200)
@pytest.mark.parametrize("least", [1, 10**9], ids=["pieces", "whole"])
@pytest.mark.parametrize("name", CONTENTS)
def test_many_random_commands_do_not_change_what_is_saved(name: str, least: int) -> None:
    survive(name, least, max(SUITE.round_trips // 4, 1))
