"""A server whose keys, strings and elements lie in the heap is like one with objects: replies, memory, blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyredmem.base.slice_limit import SliceLimit
from pyredmem.keyspace.compaction import KeyspaceWalk
from pyredmem.keyspace.defrag import DefragScan
from pyredmem.keyspace.snapshot import KeyspaceSnapshot
from pyredmem.memory.heap_bytes import LONGEST_IN_HEAP as LONGEST
from pyredmem.memory.process import CHECKED_HEAP_VARIABLE
from pyredmem.objects.object import SHARED_REFERENCE_COUNT
from tests.support.movers import Evictor, Shuffler
from tests.support.replies import Reply
from tests.support.world import LAYOUT_VERSIONS, World

#: With more than two elements hashes and sets have tables.
SMALL: dict[str, Any] = {"hash_max_listpack_entries": "2", "set_max_listpack_entries": "2"}


def world_in_heap(monkeypatch: pytest.MonkeyPatch, **options: Any) -> World:
    """A world whose strings and keys lie in the heap, where each access is checked."""
    with monkeypatch.context() as patch:
        patch.setenv(CHECKED_HEAP_VARIABLE, "1")
        return World(enable_debug_command="yes", mem_allocator="jemalloc", **SMALL, **options)


def world_of_objects(**options: Any) -> World:
    world = World(enable_debug_command="yes", mem_allocator="jemalloc", **SMALL, **options)
    world.engine.keyspace.heap_strings.longest = -1
    return world


@pytest.fixture(params=LAYOUT_VERSIONS)
def world(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[World]:
    made = world_in_heap(monkeypatch, redis_version=request.param)
    assert made.engine.keyspace.heap_strings.longest == LONGEST
    yield made
    made.check()


@pytest.fixture
def separate(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world in which keys, entries and values have blocks of their own, and small numbers are shared."""
    made = world_in_heap(monkeypatch)
    yield made
    made.check()


@pytest.fixture(params=LAYOUT_VERSIONS[1:])
def one_block(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[World]:
    """A world in which key and value have one block."""
    made = world_in_heap(monkeypatch, redis_version=request.param)
    yield made
    made.check()


def words_of(world: World, database: int = 0) -> int:
    """How many values of a database are strings in the heap."""
    keys = world.engine.keyspace.databases[database].keys
    return sum(keys.is_in_heap(slot) for slot in range(keys.used))


NAMES = st.sampled_from(["a", "b", "a key of some length", "k" * 300])
DATA = st.sampled_from(["", "x", "12345", "-7", "77", "a value", "v" * 44, "v" * 45, "v" * 100, "v" * 256, "v" * 257])
STEPS = st.one_of(
    st.tuples(st.sampled_from(["SET", "APPEND", "GETSET", "SETNX", "PFADD"]), NAMES, DATA),
    st.tuples(
        st.sampled_from(
            ["GET", "STRLEN", "INCR", "DEL", "UNLINK", "GETDEL", "PERSIST", "TYPE", "TOUCH", "PFCOUNT", "DUMP"]
        ),
        NAMES,
    ),
    st.tuples(st.sampled_from(["RENAME", "RENAMENX", "COPY", "MGET", "EXISTS"]), NAMES, NAMES),
    st.tuples(st.just("SETRANGE"), NAMES, st.integers(0, 60).map(str), DATA),
    st.tuples(st.just("GETRANGE"), NAMES, st.integers(-9, 9).map(str), st.integers(-9, 99).map(str)),
    st.tuples(st.just("SETBIT"), NAMES, st.integers(0, 400).map(str), st.sampled_from("01")),
    st.tuples(st.just("SETBIT"), NAMES, st.integers(1900, 2100).map(str), st.sampled_from("01")),
    st.tuples(st.just("GETBIT"), NAMES, st.integers(0, 400).map(str)),
    st.tuples(st.just("BITCOUNT"), NAMES, st.integers(-9, 9).map(str), st.just("999")),
    st.tuples(st.just("BITPOS"), NAMES, st.sampled_from("01"), st.integers(-9, 9).map(str)),
    st.tuples(st.just("BITOP"), st.sampled_from(["AND", "OR", "XOR"]), NAMES, NAMES, NAMES),
    st.tuples(st.just("BITFIELD"), NAMES, st.just("SET"), st.just("i33"), st.integers(0, 400).map(str), st.just("-5")),
    st.tuples(st.just("BITFIELD"), NAMES, st.just("GET"), st.just("u9"), st.integers(0, 400).map(str)),
    st.tuples(st.just("DEBUG"), st.just("SDSLEN"), NAMES),
    st.tuples(st.just("INCRBYFLOAT"), NAMES, st.just("0.5")),
    st.tuples(st.just("MSET"), NAMES, DATA, NAMES, DATA),
    st.tuples(st.just("SET"), NAMES, DATA, st.sampled_from(["KEEPTTL", "GET", "NX", "XX"])),
    st.tuples(st.just("EXPIRE"), NAMES, st.sampled_from(["1", "100"])),
    st.tuples(st.just("MOVE"), NAMES, st.just("1")),
    st.tuples(st.sampled_from(["RPUSH", "SADD", "SREM", "HGET", "HDEL", "SISMEMBER"]), NAMES, DATA),
    st.tuples(st.sampled_from(["HSET", "HSETNX", "HINCRBY"]), NAMES, DATA, DATA),
    st.tuples(st.just("SADD"), NAMES, DATA, DATA, DATA),
    st.tuples(st.just("HSET"), NAMES, DATA, DATA, DATA, DATA, DATA, DATA),
    st.tuples(
        st.sampled_from(["HGETALL", "HKEYS", "HVALS", "SMEMBERS", "SPOP", "SRANDMEMBER", "HRANDFIELD", "HLEN"]), NAMES
    ),
    st.tuples(st.just("HRANDFIELD"), NAMES, st.sampled_from(["2", "-3"]), st.just("WITHVALUES")),
    st.tuples(st.sampled_from(["HSCAN", "SSCAN"]), NAMES, st.just("0")),
    st.tuples(st.just("HEXPIRE"), NAMES, st.sampled_from(["1", "100"]), st.just("FIELDS"), st.just("1"), DATA),
    st.tuples(st.sampled_from(["SUNIONSTORE", "SINTERSTORE", "SDIFF"]), NAMES, NAMES, NAMES),
    st.tuples(st.just("OBJECT"), st.sampled_from(["ENCODING", "FREQ", "IDLETIME", "REFCOUNT"]), NAMES),
    st.tuples(st.just("MEMORY"), st.just("USAGE"), NAMES),
    st.sampled_from([("FLUSHALL", "ASYNC"), ("FLUSHDB",), ("SWAPDB", "0", "1"), ("SELECT", "1"), ("SELECT", "0")]),
    st.sampled_from([("DEBUG", "RELOAD"), ("MULTI",), ("EXEC",), ("ADVANCE", "1500"), ("DEFRAG",), ("WALK",)]),
    st.sampled_from([("SNAPSHOT",), ("RESTORED",)]),
    st.sampled_from(
        [
            ("CONFIG", "SET", "maxmemory-policy", policy, "maxmemory", "100mb")
            for policy in ("allkeys-lru", "allkeys-lfu", "noeviction")
        ]
    ),
)


def take(world: World, step: tuple[str, ...]) -> Reply:
    """Take a step; returns the reply, if there is one."""
    if step[0] == "ADVANCE":
        world.advance(int(step[1]))
    elif step[0] == "DEFRAG":
        scan = DefragScan(world.engine.keyspace)
        scan.mover = Shuffler(world.engine.allocator)
        scan.run(SliceLimit())
    elif step[0] == "WALK":
        walk = KeyspaceWalk(world.engine.keyspace, Evictor(world.engine.allocator))
        while not walk.step(1000):
            pass
    elif step[0] == "SNAPSHOT":
        KeyspaceSnapshot(world.engine.keyspace).drop()
    elif step[0] == "RESTORED":
        snapshot = KeyspaceSnapshot(world.engine.keyspace)
        world.do("FLUSHALL")
        snapshot.restore()
        snapshot.drop()
    else:
        return world.do(*step)
    return None


def blocks_of(world: World) -> list[tuple[int, int]]:
    """The blocks of the keyspace: where they are, and how large, or how large alone if key and value have one block.

    There a value in the heap may stay in its block where an object gets another one of the same size.
    """
    engine = world.engine
    blocks = [(int(address), int(engine.allocator.live_size(address))) for address in engine.keyspace.addresses()]
    if engine.allocator.sizes.knows_its_block:
        blocks = [(0, size) for _, size in blocks]
    return [(0, int(engine.allocator.used_memory)), *sorted(blocks)]


@pytest.mark.parametrize("version", LAYOUT_VERSIONS)
@given(st.lists(STEPS, max_size=40))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_sequence_of_commands_gives_the_same_replies_and_blocks(
    monkeypatch: pytest.MonkeyPatch, version: str, steps: list[tuple[str, ...]]
) -> None:
    worlds = (world_in_heap(monkeypatch, redis_version=version), world_of_objects(redis_version=version))
    for step in steps:
        replies = [take(world, step) for world in worlds]
        assert replies[0] == replies[1], step
        first, second = (blocks_of(world) for world in worlds)
        assert first == second, step
    for world in worlds:
        world.check()


def test_values_that_are_short_strings_lie_in_the_heap(world: World) -> None:
    world.do("MSET", "a", "text", "b", "123456", "c", "v" * LONGEST)
    assert words_of(world) == 3
    world.do("MSET", "d", "7", "e", "v" * (LONGEST + 1))
    world.do("RPUSH", "f", "x")
    assert words_of(world) == 4


@pytest.mark.parametrize("before", ["text", "v" * 100, "7", "-123456", ""])
def test_a_string_is_modified_in_the_heap(world: World, before: str) -> None:
    world.do("SET", "k", before)
    world.do("APPEND", "k", " and more")
    world.do("SETRANGE", "k", "120", "end")
    world.do("SETBIT", "k", "7", "1")
    world.do("BITFIELD", "k", "SET", "u8", "#100", "65")
    expected = bytearray((before + " and more").encode().ljust(120, b"\0") + b"end")
    expected[0] |= 1
    expected[100] = 65
    assert world.do("GET", "k") == bytes(expected)
    assert words_of(world) == 1


def test_a_string_that_is_created_by_a_change_of_a_part_lies_in_the_heap(world: World) -> None:
    world.do("APPEND", "a", "text")
    world.do("SETRANGE", "b", "3", "text")
    world.do("SETBIT", "c", "7", "1")
    world.do("BITFIELD", "d", "SET", "u8", "0", "65")
    world.do("BITOP", "OR", "e", "a", "b")
    assert words_of(world) == 5
    assert [world.do("GET", key) for key in "abcde"] == [b"text", b"\0\0\0text", b"\1", b"A", b"textext"]


def test_a_string_that_becomes_long_is_an_object_until_it_is_overwritten(world: World) -> None:
    world.do("SET", "k", "v" * LONGEST)
    world.do("APPEND", "k", "w")
    assert words_of(world) == 0
    assert world.do("GETRANGE", "k", "-2", "-1") == b"vw"
    world.do("SET", "k", "text")
    assert words_of(world) == 1


def test_a_number_stays_in_the_heap_when_it_is_raised(world: World) -> None:
    world.do("SET", "k", "20000")
    assert world.do("INCR", "k") == 20001
    assert world.do("GET", "k") == b"20001"
    assert words_of(world) == 1


def test_a_shared_number_needs_no_object_of_the_key(separate: World) -> None:
    assert separate.do("INCR", "k") == 1
    assert separate.do("INCRBY", "k", "9999") == 10000
    assert separate.do("DECR", "k") == 9999
    assert separate.do("OBJECT", "REFCOUNT", "k") == SHARED_REFERENCE_COUNT
    assert words_of(separate) == 1
    assert not separate.engine.keyspace.databases[0].keys.objects


def test_all_keys_with_a_shared_number_were_used_when_one_was(separate: World) -> None:
    separate.do("MSET", "a", "7", "b", "7", "c", "8")
    separate.advance(60_000)
    separate.do("GET", "a")
    separate.advance(10_000)
    assert [separate.do("OBJECT", "IDLETIME", key) for key in "abc"] == [10, 10, 70]


def test_a_renamed_or_moved_string_stays_in_the_heap(world: World) -> None:
    world.do("SET", "k", "text")
    world.do("RENAME", "k", "other")
    assert words_of(world) == 1
    world.do("MOVE", "other", "1")
    assert (words_of(world), words_of(world, 1)) == (0, 1)


def test_nothing_is_in_the_heap_while_there_is_a_snapshot(world: World) -> None:
    world.do("MSET", "a", "text", "b", "v" * 100)
    snapshot = KeyspaceSnapshot(world.engine.keyspace)
    world.do("SET", "c", "text")
    assert words_of(world) == 0
    world.do("SET", "a", "changed")
    snapshot.restore()
    assert world.do("MGET", "a", "b", "c") == [b"text", b"v" * 100, None]
    snapshot.drop()
    world.do("SET", "a", "text")
    assert words_of(world) == 1


def test_numbers_of_objects_are_used_again(world: World) -> None:
    keys = world.engine.keyspace.databases[0].keys
    for number in range(50):
        world.do("RPUSH", f"k{number}", "x")
    world.do("DEL", "k0", "k10", "k20")
    for number in range(3):
        world.do("SADD", f"new {number}", "x")
    assert len(keys.objects) == 50
    world.do("DEL", *[f"k{number}" for number in range(50)])
    world.do("DEL", "new 0", "new 1", "new 2")
    assert keys.objects == []


def test_access_fields_are_those_of_objects(world: World) -> None:
    world.do("CONFIG", "SET", "maxmemory", "100mb", "maxmemory-policy", "allkeys-lru")
    world.do("SET", "k", "text")
    world.advance(100_000)
    assert world.do("OBJECT", "IDLETIME", "k") == 100
    world.do("GET", "k")
    assert world.do("OBJECT", "IDLETIME", "k") == 0


def test_emptying_a_database_in_the_background_frees_the_blocks(world: World) -> None:
    def fill_and_flush() -> int:
        for number in range(3000):
            world.do("SET", f"k{number}", "v" * (number % 300))
        world.do("FLUSHALL", "ASYNC")
        world.advance(1000)
        assert world.do("DBSIZE") == 0
        return int(world.engine.allocator.used_memory)

    assert fill_and_flush() == fill_and_flush()  # the first time the histograms of the commands are made


def test_fields_values_and_members_lie_in_the_heap(world: World) -> None:
    are_fields_there = not world.engine.allocator.sizes.embeds_values
    world.do("HSET", "hash", "a", "1", "b", "2", "c", "v" * LONGEST, "d", "w" * (LONGEST + 1))
    world.do("SADD", "set", "x", "y", "z")
    for key in (b"hash", b"set") if are_fields_there else (b"set",):
        value = world.engine.keyspace.databases[0].peek(key)
        assert value is not None
        table = value.hash_table()
        assert table is not None
        assert table.heap is not None
        assert table.keys == []
    assert world.do("HMGET", "hash", "a", "c", "d", "e") == [b"1", b"v" * LONGEST, b"w" * (LONGEST + 1), None]
    world.do("HDEL", "hash", "d")
    world.do("HSET", "hash", "d", "short", "a", "w" * 300, "b", "x" * 300)
    assert world.do("HGETALL", "hash") is not None
    world.do("UNLINK", "hash")


def test_a_large_hash_is_freed_in_the_background(world: World) -> None:
    def fill_and_unlink() -> int:
        for first in range(0, 3000, 100):
            words = [word for number in range(first, first + 100) for word in (f"f{number}", "v" * (number % 300))]
            world.do("HSET", "hash", *words)
        world.do("UNLINK", "hash")
        world.advance(1000)
        return int(world.engine.allocator.used_memory)

    assert fill_and_unlink() == fill_and_unlink()


def test_tables_have_twelve_bytes_for_each_key_outside_the_heap(separate: World) -> None:
    """A link, the block of the entry, and, in the mean of a full table, a head."""
    separate.do("HSET", "hash", *map(str, range(200)))
    for number in range(100):
        separate.do("SET", f"k{number}", "text", "EX", "100")
    database = separate.engine.keyspace.databases[0]
    value = database.peek(b"hash")
    assert value is not None
    for table in (database.keys, database.expires, value.hash_table()):
        assert table is not None
        assert table.entries is not None
        assert table.used >= 100
        assert len(table.links) == len(table.entry_addresses) == table.used
        assert len(table.key_places) == len(table.words) == len(table.keys) == 0


# One block for key and value.


def block_of(world: World, key: bytes) -> int:
    keys = world.engine.keyspace.databases[0].keys
    return int(keys.key_address(keys.find_rehashing(key)))


NAME_LENGTHS = [0, 1, 7, 8, 9, 15, 16, 31, 32, 33, 127, 128, 255, 256, 5000, 20_000]


@pytest.mark.parametrize("length", NAME_LENGTHS)
@pytest.mark.parametrize("value", ["", "v", "v" * 7, "v" * 8, "v" * 41, "v" * 100, "1234567", "7"])
def test_a_block_has_room_for_name_and_value(one_block: World, length: int, value: str) -> None:
    key = "k" * length
    one_block.do("SET", key, value)
    assert words_of(one_block) == 1
    assert one_block.do("GET", key) == value.encode()
    one_block.do("EXPIRE", key, "100")
    assert one_block.do("GET", key) == value.encode()
    one_block.do("APPEND", key, "more")
    assert one_block.do("GET", key) == value.encode() + b"more"
    assert one_block.do("TTL", key) == 100
    assert words_of(one_block) == 1
    take(one_block, ("DEFRAG",))
    assert one_block.do("GET", key) == value.encode() + b"more"
    one_block.do("DEL", key)


@pytest.mark.parametrize("value", ["text", "number", "v" * 100, "12345678", "v" * 30])
def test_a_string_stays_in_its_block_if_another_one_would_be_of_the_same_size(one_block: World, value: str) -> None:
    one_block.do("SET", "key", value)
    block = block_of(one_block, b"key")
    for last in "abc":
        one_block.do("SET", "key", value[:-1] + last)
        assert one_block.do("GET", "key") == (value[:-1] + last).encode()
    assert (block_of(one_block, b"key") == block) == (value != "12345678")


def test_a_number_is_raised_in_the_block_of_its_key(one_block: World) -> None:
    one_block.do("SET", "key", "5")
    block = block_of(one_block, b"key")
    assert [one_block.do("INCR", "key") for _ in range(3)] == [6, 7, 8]
    assert (block_of(one_block, b"key"), words_of(one_block)) == (block, 1)


def test_a_collection_and_a_string_take_each_others_place(one_block: World) -> None:
    for value in ("text", "v" * 100, "123456"):
        one_block.do("SADD", "source", "1")
        one_block.do("SET", "key", value, "EX", "100")
        one_block.do("SINTERSTORE", "key", "source")
        assert words_of(one_block) == 0
        one_block.do("SET", "key", value)
        assert one_block.do("GET", "key") == value.encode()
        assert words_of(one_block) == 1
        one_block.engine.keyspace.check()


@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-lfu", "volatile-ttl"])
def test_strings_are_evicted_as_objects_are(one_block: World, policy: str) -> None:
    left = []
    for world in (one_block, world_of_objects(redis_version=one_block.engine.core.settings.text("redis-version"))):
        world.do("CONFIG", "SET", "maxmemory-policy", policy, "maxmemory", str(world.used_memory + 200_000))
        for number in range(3000):
            world.do("SET", f"key:{number}", "v" * (number % 100), "EX", "1000")
        left.append((world.used_memory, sorted(world.do("KEYS", "*"))))
    assert left[0] == left[1]
    assert 100 < words_of(one_block) == one_block.engine.keyspace.size() < 3000


def test_a_look_ahead_reads_strings_in_the_blocks_of_their_keys(world: World) -> None:
    requests = []
    for number in range(20):
        world.do("SET", f"key:{number}", "v" * (10 * number))
        requests.append([b"GET", b"key:%d" % number])
    world.do("DEL", "key:1")
    world.do("RPUSH", "key:1", "x")
    keyspace = world.engine.keyspace
    keyspace.look_ahead.requests(keyspace.databases[0].keys, requests, 0, 1)
    assert keyspace.look_ahead.count > 10
