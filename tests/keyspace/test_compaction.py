"""The walk over the keyspace: the mover sees everything, and nothing changes but the identity of objects."""

from __future__ import annotations

import random

import pytest

from pyredmem.keyspace.compaction import KeyspaceWalk
from pyredmem.keyspace.database import Database
from pyredmem.memory.mover import Mover
from tests.support.movers import Evictor, Recorder
from tests.support.world import World

KINDS = ("list", "hash", "set", "intset", "zset", "stream")
SIZE = 600  # beyond the compact encodings


def walk(world: World, mover: Mover, limit: int = 8) -> int:
    """Walk over the whole keyspace; returns in how many pieces."""
    way = KeyspaceWalk(world.engine.keyspace, mover)
    pieces = 1
    while not way.step(limit):
        pieces += 1
        assert pieces < 100_000
    return pieces


def fill(world: World) -> None:
    """Values of all types, small and large, in two databases."""
    for database in (0, 3):
        world.do("SELECT", database)
        for number in range(40):
            world.do("SET", f"string:{number}", f"value {number} " * (number % 5 + 1))
            world.do("SET", f"number:{number}", 100_000 + number)
        world.do("APPEND", "string:3", "more")
        for size in (5, SIZE):
            numbers = range(size)
            members = [f"member {number}" for number in numbers]
            world.do("RPUSH", f"list:{size}", *members)
            world.do("SADD", f"set:{size}", *members)
            world.do("SADD", f"intset:{size}", *numbers)
            world.do("HSET", f"hash:{size}", *[word for name in members for word in (name, f"value of {name}")])
            world.do("ZADD", f"zset:{size}", *[word for n in numbers for word in (f"{n}.5", members[n])])
            for number in numbers[:150]:
                world.do("XADD", f"stream:{size}", f"{number + 1}-1", f"field {number}", "value")
        world.do("XGROUP", "CREATE", f"stream:{SIZE}", "group", "0")
        world.do("XREADGROUP", "GROUP", "group", "me", "COUNT", 100, "STREAMS", f"stream:{SIZE}", ">")
        world.do("PEXPIRE", "string:7", 10_000_000)
        world.do("PEXPIRE", f"hash:{SIZE}", 10_000_000)
        world.do("HPEXPIRE", "hash:5", 10_000_000, "FIELDS", 1, "member 1")
    world.do("SELECT", 0)


def seen(world: World) -> list[object]:
    """Everything that a walk must not change."""
    keyspace = world.engine.keyspace
    return [
        world.do("DEBUG", "DIGEST"),
        world.do("PTTL", "string:7"),
        world.do("HPTTL", "hash:5", "FIELDS", 1, "member 1"),
        [world.do("OBJECT", "ENCODING", f"{kind}:{size}") for kind in KINDS for size in (5, SIZE)],
        [database.keys.all_keys() for database in keyspace.databases],
        keyspace.now_us,
    ]


@pytest.fixture
def world() -> World:
    made = World(enable_debug_command="yes")
    fill(made)
    seen(made)  # the first call of a command pays for its histogram
    return made


def own_objects(database: Database) -> set[int]:
    """The identities of the values that are objects, but not shared ones."""
    return {id(value) for value in database.keys.objects if value is not None and value.refcount == 1}


def test_the_mover_sees_every_key_and_value(world: World) -> None:
    recorder = Recorder(world.engine.allocator, steering=True)
    walk(world, recorder)
    shown = {id(text) for text in recorder.texts}
    for database in world.engine.keyspace.databases:
        assert {id(key) for key in database.keys.keys} <= shown  # none, if they lie in the heap
        assert own_objects(database) <= {id(item) for item in recorder.items}


def test_a_piece_is_small(world: World) -> None:
    recorder = Recorder(world.engine.allocator, steering=True)
    way = KeyspaceWalk(world.engine.keyspace, recorder)
    done, most = False, 0
    while not done:
        before = len(recorder.texts) + len(recorder.items)
        done = way.step(1)
        most = max(most, len(recorder.texts) + len(recorder.items) - before)
    assert most < 1000


def test_nothing_changes_but_the_identity_of_objects(world: World) -> None:
    before = seen(world)
    used = world.engine.allocator.used_memory
    values = own_objects(world.engine.keyspace.databases[0])
    mover = Evictor(world.engine.allocator)
    walk(world, mover)
    assert seen(world) == before
    assert world.engine.allocator.used_memory == used
    assert not values & own_objects(world.engine.keyspace.databases[0])
    world.check()


def test_a_key_is_one_object_in_both_tables_afterwards(world: World) -> None:
    walk(world, Evictor(world.engine.allocator))
    database = world.engine.keyspace.databases[0]
    for expiring, key in enumerate(database.expires.all_keys()):
        slot = database.keys.find(key)
        assert database.keys.key_address(slot) == database.expires.key_address(expiring)
        if database.keys.heap is None:
            assert database.keys.key(slot) is database.expires.key(expiring)


def test_the_index_of_hashes_with_fields_that_expire_holds_the_new_object(world: World) -> None:
    walk(world, Evictor(world.engine.allocator))
    database = world.engine.keyspace.databases[0]
    (key,) = database.due_keys.when
    assert database.keys.find(key) >= 0
    if database.keys.heap is None:
        assert database.keys.key(database.keys.find(key)) is key


def test_fields_expire_as_before(world: World) -> None:
    walk(world, Evictor(world.engine.allocator))
    world.clock.advance_ms(10_000_001)
    world.advance(1000)
    assert world.do("HLEN", "hash:5") == 4
    assert world.do("EXISTS", "string:7") == 0


def test_shared_numbers_are_not_recreated(world: World) -> None:
    world.do("SET", "small", 7)
    database = world.engine.keyspace.databases[0]
    before = database.keys.all_values()[database.keys.find(b"small")]
    walk(world, Evictor(world.engine.allocator))
    assert database.keys.all_values()[database.keys.find(b"small")] is before


def test_a_walk_takes_no_step_of_a_rehash_in_progress(world: World) -> None:
    table = world.engine.keyspace.databases[0].expires
    for number in range(9):
        world.do("PEXPIRE", f"string:{number + 10}", 10_000_000)
    world.do("PEXPIRE", "string:30", 10_000_000)
    index, used = int(table.rehash_index), world.engine.allocator.used_memory
    walk(world, Evictor(world.engine.allocator))
    assert (int(table.rehash_index), world.engine.allocator.used_memory) == (index, used)


@pytest.mark.parametrize("seed", range(6))
def test_commands_between_two_pieces_do_no_harm(world: World, seed: int) -> None:
    chance = random.Random(seed)
    commands = (
        lambda: ("SET", f"string:{chance.randrange(60)}", "x" * chance.randrange(300)),
        lambda: ("DEL", f"string:{chance.randrange(60)}"),
        lambda: ("DEL", f"{chance.choice(KINDS)}:{chance.choice((5, SIZE))}"),
        lambda: ("RPUSH", f"list:{chance.choice((5, SIZE))}", "y" * 100),
        lambda: ("LPOP", f"list:{SIZE}", 50),
        lambda: ("HSET", f"hash:{chance.choice((5, SIZE))}", f"other {chance.randrange(300)}", "z" * 80),
        lambda: ("SPOP", f"set:{SIZE}", 20),
        lambda: ("SADD", f"intset:{chance.choice((5, SIZE))}", "no number"),
        lambda: ("ZREMRANGEBYRANK", f"zset:{SIZE}", 0, 30),
        lambda: ("XTRIM", f"stream:{SIZE}", "MAXLEN", chance.randrange(700)),
        lambda: ("RENAME", f"{chance.choice(KINDS)}:{SIZE}", f"{chance.choice(KINDS)}:5"),
        lambda: ("PEXPIRE", f"string:{chance.randrange(60)}", 10_000),
        lambda: ("FLUSHDB",) if chance.random() < 0.02 else ("DBSIZE",),
        lambda: ("SWAPDB", 0, 3),
    )
    mover = Evictor(world.engine.allocator)
    for _ in range(3):
        way = KeyspaceWalk(world.engine.keyspace, mover)
        while not way.step(20):
            world.do(*chance.choice(commands)())
    digest = world.do("DEBUG", "DIGEST")
    walk(world, mover)
    assert world.do("DEBUG", "DIGEST") == digest
    world.check()
