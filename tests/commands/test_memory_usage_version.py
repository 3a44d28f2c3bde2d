"""MEMORY USAGE key VERSION: what a key would take in another version of the server."""

from __future__ import annotations

import pytest

from tests.support.wire import Bulk, Error, Integer, Null
from tests.support.world import World

#: A key of each type and encoding.
KEYS = (
    ("SET", "number", "12345"),
    ("SET", "small number", "7"),
    ("SET", "short", "bar"),
    ("SET", "long", "x" * 200),
    ("SET", "n" * 200, "bar", "PX", "100000"),
    ("RPUSH", "list", *"abc"),
    ("RPUSH", "long list", *["x" * 500] * 100),
    ("SADD", "set of numbers", *"123"),
    ("SADD", "set", *"abc"),
    ("SADD", "large set", *[f"member:{number}" for number in range(200)]),
    ("HSET", "hash", "f", "v"),
    ("HSET", "large hash", *[word for number in range(600) for word in (f"field:{number}", "v")]),
    ("HSETEX", "hash with times", "PX", "100000", "FIELDS", "1", "f", "v"),
    ("ZADD", "sorted set", "1", "a"),
    ("XADD", "stream", "1-1", "f", "v"),
    ("PFADD", "hyperloglog", *"abc"),
)


@pytest.fixture
def world() -> World:
    world = World()
    for command in KEYS:
        world.do(*command)
    return world


@pytest.mark.parametrize(("version", "size"), [("redis-7.2", 56), ("7.0.15", 56), ("redis-8.2", 32), ("8.2.3", 32)])
def test_a_string_takes_less_in_8_2(world: World, version: str, size: int) -> None:
    world.do("SET", "foo", "bar")
    assert world.do("MEMORY", "USAGE", "foo", "VERSION", version) == size
    assert world.do("MEMORY", "USAGE", "foo") == 56


@pytest.mark.parametrize("version", ["redis-7.2", "redis-8.2"])
@pytest.mark.parametrize("key", [command[1] for command in KEYS], ids=lambda key: key[:20])
def test_it_is_what_a_server_of_that_version_says_of_a_restored_key(world: World, version: str, key: str) -> None:
    payload, left_ms = world.reply("DUMP", key), world.reply("PTTL", key)
    assert isinstance(payload, Bulk)
    assert isinstance(left_ms, Integer)
    other = World(redis_version=version)
    other.do("RESTORE", key, str(max(left_ms.value, 0)), payload.data)
    for options in ((), ("SAMPLES", "0")):
        expected = other.reply("MEMORY", "USAGE", key, *options)
        assert world.reply("MEMORY", "USAGE", key, *options, "VERSION", version) == expected
    world.check()


def test_asking_changes_nothing(world: World) -> None:
    world.do("MEMORY", "USAGE", "list")  # the first call of a command takes memory for its statistics
    before = world.used_memory
    for command in KEYS:
        world.do("MEMORY", "USAGE", command[1], "VERSION", "redis-8.2")
    assert world.used_memory == before


def test_a_missing_key_has_no_size(world: World) -> None:
    assert world.reply("MEMORY", "USAGE", "none", "VERSION", "redis-8.2") == Null()


def test_a_version_that_is_none_is_refused(world: World) -> None:
    reply = world.reply("MEMORY", "USAGE", "list", "VERSION", "redis-9")
    assert isinstance(reply, Error)
    assert reply.text.startswith(b"ERR argument must be one of the following: redis-7.2, ")
    assert world.reply("MEMORY", "USAGE", "list", "VERSION") == Error(b"ERR syntax error")
