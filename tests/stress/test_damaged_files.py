"""Damaged files and payloads: they load, or there is an error with a message. Nothing else happens, memory included."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from pyredmem.persistence.loading import LoadError
from tests.persistence.aof_worlds import BASE, INCREMENT, recording
from tests.persistence.worlds import SavingWorld
from tests.support.replies import OK, Error
from tests.support.suites import SUITE, time_limit

SEED = 20261129
QUICK = 150
AUDIT_EVERY = 500
#: A loaded file takes at most this many times its size, and this much more (bytes). A compressed string may be 264
#: times as long as its bytes, and a listpack has elements of two bytes that take up to 150 in tables.
FACTOR = 400
SLACK = 4 << 20

LIMITS: dict[str, Any] = {
    "hash_max_listpack_entries": "4",
    "set_max_intset_entries": "4",
    "list_max_listpack_size": "4",
}


def fill(world: SavingWorld) -> None:
    """Write values of all types, in several encodings."""
    for size in (1, 3, 40):
        name = f"{size}"
        world.do("SET", "string" + name, "x" * size * 20)
        world.do("SET", "integer" + name, 10**size % 2**60)
        world.do("RPUSH", "list" + name, *range(size), *("element" * 3,) * size)
        world.do("SADD", "numbers" + name, *range(1000, 1000 + size))
        world.do("SADD", "set" + name, *(f"member {number}" for number in range(size)))
        world.do("HSET", "hash" + name, *(word for number in range(size) for word in (f"field {number}", number)))
        world.do("ZADD", "zset" + name, *(word for number in range(size) for word in (number / 4, f"member {number}")))
        for number in range(size):
            world.do("XADD", "stream" + name, f"{number + 1}-1", "field", number, "other", "x")
    world.do("XGROUP", "CREATE", "stream3", "group", "0")
    world.do("XREADGROUP", "GROUP", "group", "consumer", "COUNT", "2", "STREAMS", "stream3", ">")
    world.do("HPEXPIRE", "hash3", "100000", "FIELDS", "1", "field 1")
    world.do("PEXPIRE", "string1", "100000")
    world.do("SELECT", "1")
    world.do("MULTI")
    world.do("SET", "a", "1")
    world.do("PFADD", "hyperloglog", "x", "y")
    world.do("EXEC")
    world.do("SELECT", "0")


def mutated(chance: random.Random, data: bytes) -> bytes:
    """The data with one or a few mistakes."""
    spoiled = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        at = chance.randrange(len(spoiled) + 1)
        kind = chance.randrange(6)
        if kind == 0:
            del spoiled[at:]
        elif kind == 1:
            del spoiled[at : at + chance.randrange(1, 9)]
        elif kind == 2:
            spoiled[at:at] = chance.randbytes(chance.randrange(1, 9))
        elif kind == 3:
            spoiled[at : at + 1] = bytes([chance.choice((0, 1, 0x7F, 0x80, 0xC0, 0xC3, 0xFE, 0xFF))])
        elif kind == 4:
            start = chance.randrange(len(spoiled) + 1)
            spoiled[at:at] = spoiled[start : start + chance.randrange(1, 65)]
        else:
            spoiled[at : at + 1] = chance.randbytes(1)
    return bytes(spoiled)


@cache
def files_of(kind: str) -> dict[str, bytes]:
    """The undamaged files of a server."""
    options: dict[str, Any] = {"rdbchecksum": "no", "appendonly": "no" if kind == "rdb" else "yes"}
    world = recording(**{**options, "aof_timestamp_enabled": "yes"})
    fill(world)
    if kind == "rdb":
        world.do("SAVE")
    elif kind == "rewritten":
        world.do("BGREWRITEAOF")
        world.advance(1000)
        world.do("INCR", "a")
    return {path: bytes(content) for path, content in world.files.content.items()}


TARGETS = {
    "rdb": ["dump.rdb"],
    "aof": [INCREMENT],
    "rewritten": [BASE.replace(".1.", ".2."), INCREMENT.replace(".1.", ".2.")],
}


def load_damaged(kind: str, count: int) -> None:
    chance = random.Random(SEED)
    files = files_of(kind)
    loaded = 0
    messages: set[str] = set()
    for number in range(count):
        path = chance.choice(TARGETS[kind])
        content = mutated(chance, files[path])
        world = SavingWorld(appendonly="no" if kind == "rdb" else "yes", **(LIMITS if number % 2 else {}))
        world.files.content = {name: bytearray(data) for name, data in files.items()}
        world.files.content[path] = bytearray(content)
        try:
            world.started()
            loaded += 1
        except LoadError as refused:
            messages.add(str(refused))
        except Exception as error:
            error.add_note(f"input {number} of {kind}: {path} {content!r}")
            raise
        used = int(world.engine.allocator.used_memory)
        assert used < SLACK + FACTOR * sum(map(len, files.values())), f"input {number} of {kind}"
        if number % 10 == 0:
            world.check()
        world.engine.close()
    assert 0 < loaded < count
    assert all(messages)


@pytest.mark.parametrize("kind", TARGETS)
def test_a_damaged_file_loads_or_is_an_error(kind: str) -> None:
    load_damaged(kind, QUICK)


@pytest.mark.slow
@time_limit(1200)
@pytest.mark.parametrize("kind", TARGETS)
def test_many_damaged_files_load_or_are_errors(kind: str) -> None:
    load_damaged(kind, SUITE.damaged_inputs // 4)


# RESTORE.


@pytest.fixture
def world() -> Iterator[SavingWorld]:
    made = SavingWorld(**LIMITS)
    yield made
    made.check()


def restore_damaged(world: SavingWorld, count: int) -> None:
    chance = random.Random(SEED)
    fill(world)
    world.do("DEBUG", "SET-SKIP-CHECKSUM-VALIDATION", "1")
    payloads = [world.do("DUMP", key) for key in sorted(world.engine.keyspace.databases[0].all_keys())]
    restored = 0
    for number in range(count):
        payload = chance.choice(payloads)
        assert isinstance(payload, bytes)
        spoiled = mutated(chance, payload[:-10]) + payload[-10:]
        try:
            reply = world.do("RESTORE", "restored", "0", spoiled, "REPLACE")
        except Exception as error:
            error.add_note(f"input {number}: {spoiled!r}")
            raise
        restored += reply == OK
        assert reply == OK or isinstance(reply, Error), f"input {number}: {reply!r}"
        if number % AUDIT_EVERY == 0:
            world.check()
    assert 0 < restored < count


def test_a_damaged_payload_is_restored_or_is_an_error(world: SavingWorld) -> None:
    restore_damaged(world, 1000)


@pytest.mark.slow
@time_limit(1200)
def test_many_damaged_payloads_are_restored_or_are_errors(world: SavingWorld) -> None:
    restore_damaged(world, SUITE.damaged_inputs // 4)
