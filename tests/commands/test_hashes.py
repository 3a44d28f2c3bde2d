"""Commands that set, get and delete fields of hashes."""

from __future__ import annotations

import pytest

from tests.support.keys import Watched, encoding
from tests.support.replies import OK, WRONG_TYPE, Error, Simple
from tests.support.world import World

LONG = "x" * 65


@pytest.mark.parametrize(
    "words",
    [
        ["HSET", "s", "f", "v"],
        ["HSET", "s", "f", "v", "g", "w"],
        ["HMSET", "s", "f", "v"],
        ["HSETNX", "s", "f", "v"],
        ["HINCRBY", "s", "f", "1"],
        ["HINCRBYFLOAT", "s", "f", "1"],
        ["HGET", "s", "f"],
        ["HMGET", "s", "f"],
        ["HSTRLEN", "s", "f"],
        ["HEXISTS", "s", "f"],
        ["HLEN", "s"],
        ["HDEL", "s", "f"],
        ["HGETALL", "s"],
        ["HKEYS", "s"],
        ["HVALS", "s"],
        ["HRANDFIELD", "s"],
        ["HRANDFIELD", "s", "1"],
        ["HSCAN", "s", "0"],
        ["HEXPIRE", "s", "1", "FIELDS", "1", "f"],
        ["HTTL", "s", "FIELDS", "1", "f"],
        ["HPERSIST", "s", "FIELDS", "1", "f"],
        ["HGETEX", "s", "FIELDS", "1", "f"],
        ["HSETEX", "s", "FIELDS", "1", "f", "v"],
        ["HGETDEL", "s", "FIELDS", "1", "f"],
    ],
)
def test_a_string_is_no_hash(world: World, words: list[str]) -> None:
    world.do("SET", "s", "v")
    assert world.do(*words) == WRONG_TYPE


# Setting.


def test_hset_replies_with_the_number_of_new_fields(world: World) -> None:
    assert world.do("HSET", "k", "a", "1") == 1
    assert world.do("HSET", "k", "a", "2") == 0
    assert world.do("HSET", "k", "a", "3", "b", "4", "c", "5", "c", "6") == 2
    assert world.do("HMGET", "k", "a", "b", "c") == [b"3", b"4", b"6"]


@pytest.mark.parametrize("command", ["hset", "hmset"])
def test_a_field_without_a_value_is_refused(world: World, command: str) -> None:
    refusal = Error(f"ERR wrong number of arguments for '{command}' command".encode())
    assert world.do(command, "k", "a", "1", "b") == refusal
    assert world.do("EXISTS", "k") == 0


def test_hmset_says_ok(world: World) -> None:
    assert world.do("HMSET", "k", "a", "1", "b", "2") == OK
    assert world.do("HLEN", "k") == 2


def test_hsetnx_sets_only_new_fields(world: World) -> None:
    assert world.do("HSETNX", "k", "a", "1") == 1
    assert world.do("HSETNX", "k", "a", "2") == 0
    assert world.do("HGET", "k", "a") == b"1"


def test_a_long_value_that_is_not_set_does_not_convert_the_hash(world: World) -> None:
    world.do("HSET", "k", "a", "1")
    world.do("HSETNX", "k", "a", LONG)
    assert encoding(world) == "listpack"


def test_setting_notifies_an_event_and_counts_each_pair_as_a_change(world: World) -> None:
    watched = Watched(world)
    assert watched.by("HSET", "k", "a", "1") == (["hset k"], 1)
    assert watched.by("HSET", "k", "a", "1", "b", "2", "b", "3") == (["hset k"], 3)
    assert watched.by("HMSET", "k", "a", "1", "b", "2") == (["hset k"], 2)
    assert watched.by("HSETNX", "k", "a", "1") == ([], 0)
    assert watched.by("HSETNX", "k", "c", "1") == (["hset k"], 1)
    assert watched.by("HINCRBY", "k", "c", "1") == (["hincrby k"], 1)
    assert watched.by("HINCRBYFLOAT", "k", "c", "1") == (["hincrbyfloat k"], 1)


# Incrementing.


def test_hincrby_starts_from_zero(world: World) -> None:
    assert world.do("HINCRBY", "k", "n", "5") == 5
    assert world.do("HINCRBY", "k", "n", "-7") == -2
    assert world.do("HGET", "k", "n") == b"-2"


@pytest.mark.parametrize(
    ("value", "increment", "message"),
    [
        ("1", "x", b"ERR value is not an integer or out of range"),
        ("text", "1", b"ERR hash value is not an integer"),
        ("", "1", b"ERR hash value is not an integer"),
        ("01", "1", b"ERR hash value is not an integer"),
        ("9223372036854775807", "1", b"ERR increment or decrement would overflow"),
        ("-9223372036854775808", "-1", b"ERR increment or decrement would overflow"),
    ],
)
def test_hincrby_refuses(world: World, value: str, increment: str, message: bytes) -> None:
    world.do("HSET", "k", "n", value)
    assert world.do("HINCRBY", "k", "n", increment) == Error(message)
    assert world.do("HGET", "k", "n") == value.encode()


def test_hincrbyfloat_writes_numbers_as_redis_does(world: World) -> None:
    assert world.do("HINCRBYFLOAT", "k", "n", "3.0e3") == b"3000"
    assert world.do("HINCRBYFLOAT", "k", "n", "0.5") == b"3000.5"
    assert world.do("HINCRBYFLOAT", "k", "n", "-3000.5") == b"0"


@pytest.mark.parametrize(
    ("value", "increment", "message"),
    [
        ("1", "x", b"ERR value is not a valid float"),
        ("1", "nan", b"ERR value is not a valid float"),
        ("1", "inf", b"ERR value is NaN or Infinity"),
        ("text", "1", b"ERR hash value is not a float"),
        ("", "1", b"ERR hash value is not a float"),
        ("inf", "1", b"ERR increment would produce NaN or Infinity"),
    ],
)
def test_hincrbyfloat_refuses(world: World, value: str, increment: str, message: bytes) -> None:
    world.do("HSET", "k", "n", value)
    assert world.do("HINCRBYFLOAT", "k", "n", increment) == Error(message)


def test_a_refused_increment_creates_no_key(world: World) -> None:
    world.do("HINCRBY", "k", "n", "x")
    world.do("HINCRBYFLOAT", "k", "n", "inf")
    assert world.do("EXISTS", "k") == 0


@pytest.mark.parametrize(
    "words",
    [["HSET", "k", "a", "1"], ["HSETNX", "k", "z", "1"], ["HINCRBY", "k", "a", "1"], ["HINCRBYFLOAT", "k", "a", "1"]],
)
def test_a_command_counts_as_a_single_use_of_its_key(words: list[str]) -> None:
    world = World(maxmemory_policy="allkeys-lfu", lfu_log_factor="0")
    world.do("HSET", "k", "a", "1")
    before = world.do("OBJECT", "FREQ", "k")
    world.do(*words)
    assert world.do("OBJECT", "FREQ", "k") == before + 1


# Getting.


def test_missing_keys_and_fields(world: World) -> None:
    world.do("HSET", "k", "a", "1")
    for key in ("k", "missing"):
        assert world.do("HGET", key, "x") is None
        assert world.do("HMGET", key, "x", "y") == [None, None]
        assert world.do("HSTRLEN", key, "x") == 0
        assert world.do("HEXISTS", key, "x") == 0
        assert world.do("HDEL", key, "x") == 0
    assert world.do("HLEN", "missing") == 0


def test_lengths_and_presence(world: World) -> None:
    world.do("HSET", "k", "a", "hello", "", "")
    assert world.do("HSTRLEN", "k", "a") == 5
    assert world.do("HEXISTS", "k", "") == 1
    assert world.do("HLEN", "k") == 2
    assert world.do("HGET", "k", "") == b""


def test_fields_and_values_may_be_any_bytes(world: World) -> None:
    data = bytes(range(256)) * 200
    world.do("HSET", "k", data, data)
    assert world.do("HGET", "k", data) == data


# Deleting.


def test_hdel_replies_with_the_number_of_fields_deleted(world: World) -> None:
    world.do("HSET", "k", "a", "1", "b", "2", "c", "3")
    assert world.do("HDEL", "k", "a", "x", "a", "b") == 2
    assert world.do("HKEYS", "k") == [b"c"]


def test_the_hash_is_deleted_with_its_last_field(world: World) -> None:
    watched = Watched(world)
    world.do("HSET", "k", "a", "1", "b", "2")
    assert watched.by("HDEL", "k", "a") == (["hdel k"], 1)
    assert watched.by("HDEL", "k", "x") == ([], 0)
    assert watched.by("HDEL", "k", "b", "a") == (["hdel k", "del k"], 1)
    assert world.do("EXISTS", "k") == 0


# Encodings.


@pytest.mark.parametrize("command", ["HSET", "HMSET"])
def test_the_limits_are_those_of_the_settings(world: World, command: str) -> None:
    world.do("CONFIG", "SET", "hash-max-listpack-entries", "2", "hash-max-listpack-value", "3")
    world.do(command, "k", "a", "1", "b", "2")
    assert encoding(world) == "listpack"
    world.do(command, "k", "b", "222")
    assert encoding(world) == "listpack"
    world.do(command, "k", "c", "3")
    assert encoding(world) == "hashtable"
    world.do("DEL", "k")
    world.do(command, "k", "a", "1234")
    assert encoding(world) == "hashtable"
    world.do("DEL", "k")
    world.do(command, "k", "a", "1", "a", "2", "a", "3")  # three pairs, although one field
    assert encoding(world) == "hashtable"
    assert world.do("HLEN", "k") == 1


def test_an_increment_whose_result_is_too_long_converts_the_hash(world: World) -> None:
    world.do("CONFIG", "SET", "hash-max-listpack-value", "3")
    world.do("HINCRBY", "k", "n", "1000")
    assert encoding(world) == "hashtable"


def test_changing_a_limit_converts_nothing(world: World) -> None:
    world.do("HSET", "k", "a", "1", "b", "2")
    world.do("CONFIG", "SET", "hash-max-listpack-entries", "1")
    world.do("HSET", "k", "a", "2")
    assert encoding(world) == "listpack"
    world.do("HSET", "k", "c", "3")
    assert encoding(world) == "hashtable"


def test_a_copy_has_the_same_encoding_and_digest() -> None:
    world = World(enable_debug_command="yes")
    for count in (2, 600):
        world.do("DEL", "k", "copy")
        for index in range(count):
            world.do("HSET", "k", f"f{index}", index)
        world.do("COPY", "k", "copy")
        assert encoding(world, b"copy") == encoding(world)
        assert world.do("DEBUG", "DIGEST-VALUE", "copy") == world.do("DEBUG", "DIGEST-VALUE", "k")
    world.check()


def test_the_digest_is_that_of_redis() -> None:
    world = World(enable_debug_command="yes")
    world.do("HSET", "k", "1", "1", "01", "2", "a", "2")
    assert world.do("DEBUG", "DIGEST-VALUE", "k") == [Simple(b"8e852dc87b53fd9d5c0697d2690b0b2161826f22")]


def test_the_digest_depends_on_whether_a_field_expires_but_not_on_when() -> None:
    world = World(enable_debug_command="yes")
    digests = []
    for seconds in (0, 100, 200):
        world.do("HSET", "k", "a", "1")
        if seconds > 0:
            world.do("HEXPIRE", "k", seconds, "FIELDS", "1", "a")
        digests.append(world.do("DEBUG", "DIGEST-VALUE", "k"))
    assert digests[0] != digests[1] == digests[2]
