"""DUMP and RESTORE: keys, times and events. The tests of objects show what serialized values look like."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.journal import Journal
from tests.support.payloads import sealed
from tests.support.replies import BUSY_KEY, NO_REPLY, NULL_ARRAY, OK, Error, is_error
from tests.support.world import World

WORD = sealed(b"\x00\x05hello")
HASH = sealed(b"\x04\x01\x01f\x01v")

BAD = Error(b"ERR Bad data format")
NOT_INTACT = Error(b"ERR DUMP payload version or checksum are wrong")


@pytest.fixture
def world() -> Iterator[World]:
    """A world in which DEBUG is allowed."""
    made = World(enable_debug_command="yes")
    yield made
    made.check()


def dumped(world: World, key: str) -> bytes:
    reply = world.do("DUMP", key)
    assert isinstance(reply, bytes)
    return reply


def test_dump_of_a_missing_key_is_null(world: World) -> None:
    assert world.do("DUMP", "k") is None
    world.do("HELLO", "3")
    assert world.do("DUMP", "k") is None


def test_a_string_is_serialized_as_in_redis(world: World) -> None:
    world.do("SET", "k", "hello")
    assert dumped(world, "k") == WORD


def test_dumping_a_key_counts_as_use(world: World) -> None:
    world.do("SET", "k", "hello")
    world.advance(5000)
    world.do("DUMP", "k")
    assert world.do("OBJECT", "IDLETIME", "k") == 0


@pytest.mark.parametrize("taken_away", [False, True])
def test_a_restored_hash_keeps_its_encoding_and_the_order_of_its_fields(world: World, taken_away: bool) -> None:
    world.do("HSET", "k", "a", "1", "b", "2", "c", "3")
    world.do("HPEXPIREAT", "k", "4102444800000", "FIELDS", "3", "a", "b", "c")
    if taken_away:
        world.do("HPERSIST", "k", "FIELDS", "3", "a", "b", "c")
    before = world.do("HGETALL", "k")
    world.do("RESTORE", "l", "0", dumped(world, "k"))
    assert world.do("HGETALL", "l") == before
    assert world.do("OBJECT", "ENCODING", "l") == b"listpackex"


def test_dump_compresses_only_if_rdbcompression_is_on(world: World) -> None:
    world.do("SET", "k", "x" * 1000)
    short = dumped(world, "k")
    world.do("CONFIG", "SET", "rdbcompression", "no")
    assert len(short) < 50
    assert len(dumped(world, "k")) == 1000 + 3 + 10


def test_the_length_that_debug_object_shows_is_that_of_the_value_alone(world: World) -> None:
    world.do("SET", "k", "x" * 1000)
    world.do("CONFIG", "SET", "rdbcompression", "no")
    assert b" serializedlength:1002 " in world.do("DEBUG", "OBJECT", "k").text
    world.do("RPUSH", "l", "a")
    assert b" serializedlength:%d " % (len(dumped(world, "l")) - 11) in world.do("DEBUG", "OBJECT", "l").text


def test_an_existing_key_is_replaced_only_with_replace(world: World) -> None:
    world.do("SET", "k", "there", "EX", "100")
    assert world.do("RESTORE", "k", "0", WORD) == BUSY_KEY
    assert world.do("RESTORE", "k", "0", WORD, "REPLACE") == OK
    assert world.do("GET", "k") == b"hello"
    assert world.do("TTL", "k") == -1


def test_a_bad_value_does_not_delete_the_key_that_it_would_replace(world: World) -> None:
    world.do("SET", "k", "there", "EX", "100")
    assert world.do("RESTORE", "k", "0", sealed(b"\x63\x05hello"), "REPLACE") == BAD
    assert world.do("RESTORE", "k", "0", WORD[:-1] + b"\x00", "REPLACE") == NOT_INTACT
    assert world.do("GET", "k") == b"there"
    assert world.do("TTL", "k") == 100


def test_an_expired_key_does_not_prevent_a_restore(world: World) -> None:
    world.do("SET", "k", "there", "PX", "10")
    world.advance(100)
    assert world.do("RESTORE", "k", "0", WORD) == OK


def test_the_time_to_live_is_relative_or_absolute(world: World) -> None:
    world.do("RESTORE", "k", "5000", WORD)
    assert world.do("PTTL", "k") == 5000
    moment = world.do("PEXPIRETIME", "k")
    world.do("RESTORE", "l", str(moment), WORD, "ABSTTL")
    assert world.do("PTTL", "l") == 5000


@pytest.mark.parametrize("options", [["1", "ABSTTL"], [str((1 << 63) - 1)]])
def test_restoring_with_a_time_in_the_past_creates_no_key(world: World, options: list[str]) -> None:
    """A time too far in the future wraps around, as in Redis."""
    world.do("SET", "k", "there")
    assert world.do("RESTORE", "k", options[0], HASH, "REPLACE", *options[1:]) == OK
    assert world.do("EXISTS", "k") == 0


def test_a_truncated_value_is_not_read_on_into_the_footer(world: World) -> None:
    """Redis does read on there."""
    assert world.do("RESTORE", "k", "0", sealed(b"\x00\x05hell")) == BAD


@pytest.mark.parametrize("setting", ["no", "clients", "yes"])
def test_values_are_always_checked_in_full(world: World, setting: str) -> None:
    """By default Redis would accept a hash that has a field twice."""
    world.do("CONFIG", "SET", "sanitize-dump-payload", setting)
    assert world.do("RESTORE", "k", "0", sealed(b"\x04\x02\x01a\x01a\x01a\x01b")) == BAD


def test_restore_sets_the_idle_time(world: World) -> None:
    world.do("RESTORE", "k", "0", WORD, "IDLETIME", "1000")
    assert world.do("OBJECT", "IDLETIME", "k") == 1000
    world.do("RESTORE", "l", "0", WORD, "FREQ", "3")
    assert world.do("OBJECT", "IDLETIME", "l") == 0
    assert world.do("RESTORE", "m", "0", WORD, "IDLETIME", str((1 << 63) - 1)) == OK


def test_restoring_an_idle_time_sets_that_of_the_shared_integer(world: World) -> None:
    world.do("SET", "s", "5")
    assert world.do("RESTORE", "k", "0", dumped(world, "s"), "IDLETIME", "1000") == OK
    assert world.do("OBJECT", "REFCOUNT", "k") == 2147483647
    assert world.do("OBJECT", "IDLETIME", "k") == 1000
    assert world.do("OBJECT", "IDLETIME", "s") == 1000


def test_restoring_a_frequency_sets_that_of_the_shared_integer(world: World) -> None:
    world.do("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu")
    world.do("SET", "s", "5")
    assert world.do("RESTORE", "k", "0", dumped(world, "s"), "FREQ", "200") == OK
    assert world.do("OBJECT", "FREQ", "k") == 200


def test_events(world: World) -> None:
    journal = Journal(world)
    world.do("RESTORE", "k", "0", WORD)
    assert journal.take() == ["new k", "* k", "restore k"]
    world.do("RESTORE", "k", "0", WORD, "REPLACE")
    assert journal.take() == ["new k", "* k", "restore k"]
    world.do("RESTORE", "k", "1", WORD, "REPLACE", "ABSTTL")
    assert journal.take() == ["* k", "del k"]
    world.do("RESTORE", "k", "1", WORD, "REPLACE", "ABSTTL")
    assert journal.take() == []
    assert b"rdb_changes_since_last_save:3\r\n" in world.do("INFO", "persistence")


def test_restoring_a_watched_key_fails_the_transaction(world: World) -> None:
    other = world.client()
    world.do("WATCH", "k")
    other.do("RESTORE", "k", "0", WORD)
    world.do("MULTI")
    world.do("PING")
    assert world.do("EXEC") == NULL_ARRAY


def test_restoring_a_list_serves_a_blocked_client(world: World) -> None:
    other = world.client()
    assert world.do("BLPOP", "k", "0") == NO_REPLY
    other.do("RESTORE", "k", "0", sealed(b"\x01\x01\x01a"))
    assert world.replies() == [[b"k", b"a"]]


def test_the_fields_of_a_restored_hash_keep_their_times(world: World) -> None:
    world.do("HSET", "h", "f", "v", "g", "w")
    world.do("HPEXPIRE", "h", "5000", "FIELDS", "1", "f")
    payload = dumped(world, "h")
    world.do("DEL", "h")
    assert world.do("RESTORE", "h", "0", payload) == OK
    assert world.do("HPTTL", "h", "FIELDS", "2", "f", "g") == [5000, -1]
    world.check()
    world.advance(6000)
    assert world.do("HLEN", "h") == 1


def test_fields_that_have_expired_since_the_dump_are_deleted(world: World) -> None:
    world.do("HSET", "h", "f", "v")
    world.do("HPEXPIRE", "h", "5000", "FIELDS", "1", "f")
    payload = dumped(world, "h")
    world.advance(6000)
    assert world.do("RESTORE", "h", "0", payload) == OK
    world.advance(1000)
    assert world.do("EXISTS", "h") == 0


def test_restore_is_refused_above_the_memory_limit(world: World) -> None:
    world.do("CONFIG", "SET", "maxmemory", "1")
    assert is_error(world.do("RESTORE", "k", "0", WORD), b"OOM")


def test_checksums_can_be_left_unchecked(world: World) -> None:
    wrong = WORD[:-1] + b"\x00"
    assert world.do("DEBUG", "SET-SKIP-CHECKSUM-VALIDATION", "1") == OK
    assert world.do("RESTORE", "k", "0", wrong) == OK
    assert world.do("DEBUG", "SET-SKIP-CHECKSUM-VALIDATION", "0") == OK
    assert world.do("RESTORE", "l", "0", wrong) == NOT_INTACT


@pytest.mark.parametrize(("version", "number"), [("7.2.6", 11), ("7.4.1", 12), ("8.2.3", 12), ("mixed", 11)])
def test_a_payload_has_the_version_of_the_profile(version: str, number: int) -> None:
    one = World(redis_version=version)
    one.do("SET", "k", "v")
    payload = one.do("DUMP", "k")
    assert isinstance(payload, bytes)
    assert payload[-10:-8] == bytes((number, 0))
    assert World(redis_version="7.2.6").do("RESTORE", "k", "0", payload) == OK
