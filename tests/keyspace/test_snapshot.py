"""Snapshots of the keyspace: what is restored is the dataset as it was, down to the size of each block.

The random tests run commands of all types, take snapshots between them, and restore them in any order.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyredmem.base.slice_limit import SliceLimit
from pyredmem.keyspace.compaction import KeyspaceWalk
from pyredmem.keyspace.database import Database
from pyredmem.keyspace.defrag import DefragScan
from pyredmem.keyspace.snapshot import KeyspaceSnapshot
from pyredmem.objects.object import RedisObject
from pyredmem.objects.rdb_writer import RdbWriter
from pyredmem.structures.dict import Dict
from tests.differential.grammar import sequences, with_few_names
from tests.differential.harness import Step
from tests.keyspace.test_compaction import SIZE, fill
from tests.support.movers import Evictor, Shuffler
from tests.support.replies import NULL_ARRAY
from tests.support.suites import SUITE
from tests.support.wire import Argument
from tests.support.world import LAYOUT_VERSIONS, World
from tests.test_closed_database import FORMS

Portrait = list[object]


def table_portrait(table: Dict) -> Portrait:
    """The keys by slot and by bucket, and the sizes of all blocks."""
    sizes = sorted(int(table.allocator.usable(address)) for address in table.addresses())
    return [table.keys.copy(), table.walk(0), int(table.buckets()), int(table.rehash_index), sizes]


def value_portrait(world: World, value: RedisObject) -> Portrait:
    """Content, encoding, access field, what MEMORY USAGE gives, and the sizes of all blocks."""
    allocator = world.engine.allocator
    writer = RdbWriter(False)
    value.save(writer)
    sizes = [int(allocator.usable(address)) for address in value.addresses()]
    return [value.encoding(), writer.payload(), value.lru, int(value.memory(allocator, 0)), sizes]


def database_portrait(world: World, database: Database) -> Portrait:
    return [
        table_portrait(database.keys),
        [value_portrait(world, value) for value in database.keys.all_values()],
        table_portrait(database.expires),
        list(database.expires.all_words()),
        database.due_keys.when.copy(),
        int(database.average_ttl),
    ]


def portrait(world: World) -> list[Portrait]:
    """Everything about the dataset."""
    return [database_portrait(world, database) for database in world.engine.keyspace.databases]


@pytest.fixture(params=LAYOUT_VERSIONS)
def world(request: pytest.FixtureRequest) -> World:
    world = World(mem_allocator="jemalloc", redis_version=request.param)
    world.engine.keyspace.update_clocks()
    return world


def take(world: World) -> KeyspaceSnapshot:
    return KeyspaceSnapshot(world.engine.keyspace)


# What is restored.


@pytest.mark.parametrize(
    "command",
    [
        ("APPEND", "string:1", "x"),
        ("SET", "string:1", "value of the same length"),
        ("SETRANGE", "string:3", 2, "abc"),
        ("INCR", "number:1"),
        ("SET", "number:1", 7),
        ("RPUSH", "list:5", "x"),
        ("LPOP", f"list:{SIZE}", 300),
        ("LREM", "list:5", 0, "member 2"),
        ("SADD", "intset:5", "no number"),
        ("SREM", f"set:{SIZE}", *[f"member {number}" for number in range(SIZE - 1)]),
        ("HSET", "hash:5", "member 1", "x"),
        ("HDEL", f"hash:{SIZE}", "member 1"),
        ("HPEXPIRE", f"hash:{SIZE}", 1000, "FIELDS", 1, "member 1"),
        ("HPERSIST", "hash:5", "FIELDS", 1, "member 1"),
        ("ZADD", "zset:5", 3, "x" * 100),
        ("ZINCRBY", f"zset:{SIZE}", 50, "member 3"),
        ("XADD", f"stream:{SIZE}", "*", "f", "v"),
        ("XACK", f"stream:{SIZE}", "group", "3-1"),
        ("XGROUP", "DESTROY", f"stream:{SIZE}", "group"),
        ("DEL", "string:1", f"hash:{SIZE}"),
        ("UNLINK", f"list:{SIZE}", f"zset:{SIZE}"),
        ("RENAME", f"zset:{SIZE}", "string:1"),
        ("MOVE", f"set:{SIZE}", 5),
        ("COPY", "list:5", "string:1", "REPLACE"),
        ("SORT", "list:5", "ALPHA", "STORE", "set:5"),
        ("EXPIRE", "string:1", 100),
        ("PERSIST", "string:7"),
        ("PEXPIREAT", f"hash:{SIZE}", 1),
        ("GET", "string:1"),
        ("SWAPDB", 0, 3),
        ("SWAPDB", 3, 9),
        ("FLUSHDB", "SYNC"),
        ("FLUSHALL", "ASYNC"),
        ("SET", "new", "value"),
    ],
)
def test_what_a_command_changes_is_restored(world: World, command: tuple[Argument, ...]) -> None:
    fill(world)
    before = portrait(world)
    digest = world.do("DEBUG", "DIGEST")
    snapshot = take(world)
    world.advance(2000)
    world.do(*command)
    assert portrait(world) != before
    snapshot.restore()
    assert portrait(world) == before
    assert world.do("DEBUG", "DIGEST") == digest
    world.check()
    world.do(*command)  # the restored values work
    world.check()


def test_the_memory_in_use_is_that_of_the_dataset(world: World) -> None:
    fill(world)
    world.do("FLUSHALL", "ASYNC")
    world.do("DEBUG", "DIGEST")
    world.check()
    empty = world.used_memory
    snapshot = take(world)
    fill(world)
    filled = take(world)
    world.check()
    used = world.used_memory
    snapshot.restore()
    assert world.used_memory == empty
    filled.restore()
    assert world.used_memory == used
    world.check()


def test_a_snapshot_takes_nothing_of_the_memory(world: World) -> None:
    fill(world)
    before = world.used_memory
    take(world)
    assert world.used_memory == before


def test_keys_that_did_not_change_keep_their_values_and_blocks(world: World) -> None:
    fill(world)
    database = world.engine.keyspace.databases[0]
    value = database.stored_value(b"hash:5")
    assert value is not None
    addresses = value.addresses()
    snapshot = take(world)
    world.do("SET", "string:1", "another value")
    world.do("GET", "hash:5")
    snapshot.restore()
    assert database.stored_value(b"hash:5") is value
    assert value.addresses() == addresses


def test_a_key_that_expires_after_the_snapshot_expires_again(world: World) -> None:
    world.do("SET", "k", "v", "PX", 1000)
    snapshot = take(world)
    world.advance(5000)
    assert world.do("GET", "k") is None
    snapshot.restore()
    assert world.do("DBSIZE") == 1
    assert world.do("GET", "k") is None
    assert world.do("DBSIZE") == 0


def test_a_field_that_expires_after_the_snapshot_expires_again_by_itself(world: World) -> None:
    world.do("HSET", "h", "f", "v", "g", "w")
    world.do("HPEXPIRE", "h", 1000, "FIELDS", 1, "f")
    snapshot = take(world)
    world.advance(5000)
    assert world.do("HLEN", "h") == 1
    snapshot.restore()
    assert world.do("HLEN", "h") == 2
    world.advance(1000)
    assert world.do("HLEN", "h") == 1


@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-lfu"])
def test_access_fields_are_restored(policy: str) -> None:
    world = World(maxmemory="100mb", maxmemory_policy=policy)
    world.do("MSET", "a", "1", "b", "2")
    before = portrait(world)
    snapshot = take(world)
    world.advance(100_000)
    for _ in range(50):
        world.do("GET", "a")
    assert portrait(world) != before
    snapshot.restore()
    assert portrait(world) == before


def test_access_is_counted_while_there_is_a_snapshot_as_without_one() -> None:
    def idle(with_snapshot: bool) -> list[object]:
        world = World()
        world.do("MSET", "a", "1", "b", "2", "c", "word")
        if with_snapshot:
            take(world)
        world.advance(10_000)
        world.do("APPEND", "a", "x")
        world.do("GET", "c")
        world.advance(5_000)
        world.do("CLIENT", "NO-TOUCH", "ON")
        world.do("GET", "c")
        return [world.do("OBJECT", "IDLETIME", key) for key in ("a", "b", "c")]

    assert idle(True) == idle(False) == [5, 15, 5]


def test_a_rehash_that_was_in_progress_goes_on_where_it_was(world: World) -> None:
    grouped = world.engine.allocator.sizes.groups_buckets
    for number in range(900 if grouped else 1025):
        world.do("HSET", "h", f"f{number}", "v")
        world.do("SADD", "s", f"f{number}")
    database = world.engine.keyspace.databases[0]
    for key in (b"h", b"s"):
        value = database.stored_value(key)
        assert value is not None
        assert value.is_changed_by_reading()
    before = portrait(world)
    snapshot = take(world)
    for _ in range(2):
        for number in range(1100):
            world.do("HGET", "h", f"f{number}")
            world.do("SISMEMBER", "s", f"f{number}")
        assert portrait(world) != before
        snapshot.restore()
        assert portrait(world) == before
    world.check()


def test_nodes_of_a_compressed_list_are_restored_as_they_were(world: World) -> None:
    world.do("CONFIG", "SET", "list-compress-depth", 1, "list-max-listpack-size", 4)
    world.do("RPUSH", "l", *["element " * 8] * 60)
    before = portrait(world)
    snapshot = take(world)
    world.do("LSET", "l", 30, "x")
    world.do("LRANGE", "l", 10, 40)
    snapshot.restore()
    assert portrait(world) == before
    world.check()


def compact(world: World) -> None:
    """Replace every Python object, as active defragmentation of the process's heap does."""
    way = KeyspaceWalk(world.engine.keyspace, Evictor(world.engine.allocator))
    while not way.step(64):
        pass


def defrag(world: World) -> None:
    """Move every block in the ledger, as active defragmentation does."""
    scan = DefragScan(world.engine.keyspace)
    scan.mover = Shuffler(world.engine.allocator)
    while not scan.run(SliceLimit()):
        pass


@pytest.mark.parametrize("move", [compact, defrag])
def test_defragmentation_loses_nothing(world: World, move: Callable[[World], None]) -> None:
    fill(world)
    before = portrait(world)
    snapshot = take(world)
    move(world)
    world.do("LPOP", "list:5")
    world.do("DEL", f"zset:{SIZE}")
    snapshot.restore()
    assert portrait(world) == before
    world.check()


def test_evicted_keys_come_back() -> None:
    world = World(maxmemory_policy="allkeys-random")
    for number in range(300):
        world.do("SET", f"k{number}", "x" * 1000)
    before = portrait(world)
    snapshot = take(world)
    world.do("CONFIG", "SET", "maxmemory", world.used_memory - 200_000)
    world.advance(1000)
    size = world.do("DBSIZE")
    assert isinstance(size, int)
    assert size < 250
    world.do("CONFIG", "SET", "maxmemory", 0)
    snapshot.restore()
    assert portrait(world) == before
    world.check()


# Several snapshots, many times.


def test_snapshots_are_restored_in_any_order(world: World) -> None:
    snapshots, portraits = [], []
    for number in range(4):
        world.do("RPUSH", "l", f"e{number}")
        world.do("SET", f"k{number}", number)
        world.do("INCR", "n")
        snapshots.append(take(world))
        portraits.append(portrait(world))
    for number in (1, 3, 0, 0, 2, 1, 3):
        world.do("LPUSH", "l", "more")
        world.do("SWAPDB", 0, 2)
        snapshots[number].restore()
        assert portrait(world) == portraits[number]
        world.check()


def test_a_dropped_snapshot_costs_nothing_any_more(world: World) -> None:
    world.do("SET", "k", "v")
    keyspace = world.engine.keyspace
    first, second = take(world), take(world)
    is_plain = [keyspace.only_tracks_lru]
    first.drop()
    first.drop()
    is_plain.append(keyspace.only_tracks_lru)
    world.do("SWAPDB", 0, 1)
    second.drop()
    is_plain.append(keyspace.only_tracks_lru)
    assert is_plain == [False, False, True]
    assert not any(database.preservers for database in keyspace.databases)


# What clients notice.


def test_only_transactions_fail_whose_watched_keys_change(world: World) -> None:
    world.do("MSET", "same", "1", "changed", "1", "gone", "1", "expiring", "1")
    snapshot = take(world)
    world.do("SET", "changed", "2")
    world.do("DEL", "gone")
    world.do("SET", "new", "1")
    world.do("EXPIRE", "expiring", "100")
    outcome = {}
    clients = {}
    for key in ("same", "changed", "gone", "new", "expiring", "never"):
        clients[key] = world.client()
        clients[key].do("WATCH", key)
        clients[key].do("MULTI")
        clients[key].do("PING")
    snapshot.restore()
    for key, client in clients.items():
        outcome[key] = client.do("EXEC") != NULL_ARRAY
    assert outcome == {
        "same": True,
        "changed": False,
        "gone": False,
        "new": False,
        "expiring": False,
        "never": True,
    }


def test_a_restored_swap_fails_the_transactions_of_both_databases(world: World) -> None:
    world.do("SET", "k", "v")
    snapshot = take(world)
    world.do("SWAPDB", 0, 1)
    clients = [world.client(), world.client()]
    for database, client in enumerate(clients):
        client.do("SELECT", database)
        client.do("WATCH", "k")
        client.do("MULTI")
    snapshot.restore()
    assert [client.do("EXEC") for client in clients] == [NULL_ARRAY, NULL_ARRAY]


def test_nothing_is_notified_of_keys(world: World) -> None:
    world.do("CONFIG", "SET", "notify-keyspace-events", "KEA")
    world.do("SET", "k", "v")
    snapshot = take(world)
    world.do("DEL", "k")
    listener = world.client()
    listener.do("PSUBSCRIBE", "*")
    snapshot.restore()
    assert listener.replies() == []


# At random.

EXAMPLES = max(20, SUITE.commands_per_group // 400)

EXTRAS: list[tuple[Argument, ...]] = [
    ("SWAPDB", 0, 1),
    ("SWAPDB", 1, 2),
    ("FLUSHALL", "ASYNC"),
    ("FLUSHDB", "SYNC"),
    ("SELECT", 1),
    ("SELECT", 0),
    ("MOVE", "a", 1),
    ("MOVE", "b", 2),
    ("COPY", "a", "b", "DB", 1, "REPLACE"),
    ("HPEXPIRE", "a", 500, "FIELDS", 1, "a"),
    ("HPEXPIRE", "b", 100_000, "FIELDS", 2, "a", "b"),
    ("HSET", "a", *[word for number in range(600) for word in (f"f{number}", "v")]),
    ("HPEXPIRE", "a", 900, "FIELDS", 40, *[f"f{number}" for number in range(40)]),
    ("SADD", "b", *[f"m{number}" for number in range(700)]),
    ("ZADD", "c", *[word for number in range(400) for word in (number % 7, f"m{number}")]),
    ("RPUSH", "a", *["some element " * 10] * 200),
    ("CONFIG", "SET", "list-compress-depth", 2),
    ("CONFIG", "SET", "list-compress-depth", 0),
    ("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu"),
    ("CONFIG", "SET", "maxmemory-policy", "noeviction"),
    ("MSET", *[word for number in range(300) for word in (f"k{number}", number)]),
    ("DEL", *[f"k{number}" for number in range(280)]),
]

DEEDS = ("take", "restore", "restore", "drop", "advance", "compact", "defrag", "audit")


class Played:
    """A world in which snapshots are taken and restored at any time; all are compared with what they were taken of."""

    def __init__(self, version: str) -> None:
        self.world = World(mem_allocator="jemalloc", redis_version=version)
        self.snapshots: list[tuple[KeyspaceSnapshot, list[Portrait]]] = []

    def act(self, what: str, number: int = 0) -> None:
        if what == "take":
            self.snapshots.append((take(self.world), portrait(self.world)))
        elif what == "advance":
            self.world.advance(number * 150)
        elif what == "compact":
            compact(self.world)
        elif what == "defrag":
            defrag(self.world)
        elif what == "audit":
            self.world.check()
        elif self.snapshots:
            snapshot, before = self.snapshots[number % len(self.snapshots)]
            if what == "drop":
                self.snapshots.remove((snapshot, before))
                snapshot.drop()
            else:
                snapshot.restore()
                assert portrait(self.world) == before
                self.world.check()


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    sequences(FORMS, least=20, most=50).map(with_few_names), st.integers(0, 1 << 32), st.sampled_from(LAYOUT_VERSIONS)
)
def test_whatever_happens_a_snapshot_is_restored_as_it_was(steps: list[Step], seed: int, version: str) -> None:
    chance = Random(seed)
    played = Played(version)
    played.act("take")
    for step in steps:
        if chance.random() < 0.25:
            played.world.raw(*chance.choice(EXTRAS))
        if chance.random() < 0.3:
            played.act(chance.choice(DEEDS), chance.randrange(8))
        played.world.raw(*step.argv)
    played.world.check()
    for number in range(len(played.snapshots)):
        played.act("restore", number)
