"""Redis 8.2: when the block of a key changes. The figures are those of a redis-server 8.2.3."""

from __future__ import annotations

import pytest

from tests.support.world import World

LONG = "x" * 100
#: Commands, each with what MEMORY USAGE and OBJECT ENCODING say of the key `keyxx` after it.
STORIES = {
    "a raw string gets room for a time once": (
        (f"SET keyxx {LONG}", 136, b"raw"),
        ("EXPIRE keyxx 1000", 144, b"raw"),
        ("PERSIST keyxx", 144, b"raw"),
        (f"SET keyxx {LONG}", 144, b"raw"),
        (f"SET keyxx {LONG}{LONG} EX 100", 256, b"raw"),
        ("SET keyxx abcd", 32, b"embstr"),
        (f"SET keyxx {LONG}", 136, b"raw"),
    ),
    "an embedded string is always replaced": (
        ("SET keyxx abcd EX 100", 40, b"embstr"),
        ("PERSIST keyxx", 40, b"embstr"),
        ("SET keyxx abcd", 32, b"embstr"),
        ("SET keyxx abcd EX 100", 40, b"embstr"),
        ("SET keyxx abcd KEEPTTL", 40, b"embstr"),
        ("APPEND keyxx e", 48, b"raw"),
        ("PERSIST keyxx", 48, b"raw"),
        ("APPEND keyxx e", 48, b"raw"),
    ),
    "a number that could be shared gets a block of its own": (
        ("SET keyxx 5 EX 100", 32, b"int"),
        ("PERSIST keyxx", 32, b"int"),
        ("INCR keyxx", 32, b"int"),
        ("SET keyxx 800000", 32, b"int"),
        ("SET keyxx 7", 24, b"int"),
    ),
    "numbers stay where they cannot be shared": (
        ("CONFIG SET maxmemory 100mb maxmemory-policy allkeys-lru", 0, b""),
        ("SET keyxx 5 EX 100", 32, b"int"),
        ("PERSIST keyxx", 32, b"int"),
        ("SET keyxx 7", 32, b"int"),
    ),
    "another name is another block": (
        ("SET aaaaa abcd EX 100", 0, b""),
        ("RENAME aaaaa keyxx", 40, b"embstr"),
        ("PERSIST keyxx", 40, b"embstr"),
        ("RENAME keyxx other", 0, b""),
        ("RENAME other keyxx", 32, b"embstr"),
        (f"SET {35 * 'k'} abcdefghij", 32, b"embstr"),
        (f"RENAME {35 * 'k'} keyxx", 40, b"raw"),
    ),
    "a collection takes the place of another value": (
        ("SADD s 1", 0, b""),
        ("SINTERSTORE keyxx s", 40, b"intset"),
        ("EXPIRE keyxx 100", 48, b"intset"),
        ("SINTERSTORE keyxx s", 48, b"intset"),
        ("SET keyxx abcd EX 100", 40, b"embstr"),
        ("SINTERSTORE keyxx s", 40, b"intset"),
    ),
}


@pytest.mark.parametrize("story", STORIES)
def test_the_block_changes_when_that_of_redis_does(story: str) -> None:
    world = World(redis_version="8.2.0")
    for command, usage, encoding in STORIES[story]:
        world.do(*command.split())
        if usage:
            assert (world.do("MEMORY", "USAGE", "keyxx"), world.do("OBJECT", "ENCODING", "keyxx")) == (usage, encoding)
        world.engine.keyspace.check()
    world.check()


def test_a_time_that_comes_later_leaves_a_string_in_its_block_if_there_is_room() -> None:
    world = World(redis_version="8.2.0")
    for value, encoding in (("x" * 7, b"raw"), ("x" * 8, b"embstr")):
        world.do("SET", "k" * 32, value)
        assert world.do("OBJECT", "ENCODING", "k" * 32) == b"embstr"
        world.do("EXPIRE", "k" * 32, 100)
        assert world.do("OBJECT", "ENCODING", "k" * 32) == encoding
    world.check()


def test_deleting_frees_what_memory_usage_says() -> None:
    world = World(redis_version="8.2.0")
    world.do("SET", "warm", LONG)
    for command in ("DEL", "UNLINK", "GETDEL"):
        world.do(command, "warm")
        world.do("SET", "k", LONG, "EX", "100")
        usage, before = world.do("MEMORY", "USAGE", "k"), world.used_memory
        world.do(command, "k")
        assert before - world.used_memory == usage


def test_no_object_is_shared() -> None:
    world = World(redis_version="8.2.0")
    world.do("MSET", "a", "7", "b", "7")
    assert world.do("OBJECT", "REFCOUNT", "a") == 1
    world.do("OBJECT", "IDLETIME", "a")
    world.check()
