"""HGETEX, HSETEX and HGETDEL of Redis 8.0."""

from __future__ import annotations

import pytest

from tests.commands.test_hash_expiry import expire, lazily, now_ms
from tests.support.filling import fill_hash
from tests.support.keys import Watched, encoding
from tests.support.replies import Error
from tests.support.world import World

ONE_TIME = "Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified"
ONE_CONDITION = "Only one of FXX or FNX arguments can be specified"
NO_FIELDS = "Mandatory argument FIELDS is missing or not at the right position"
MISMATCH = "The `numfields` parameter must match the number of arguments"
BAD_COUNT = "Number of fields must be a positive integer"
NOT_AN_INTEGER = "value is not an integer or out of range"
NEGATIVE = "invalid expire time, must be >= 0"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("HGETDEL k NOPE 1 a", NO_FIELDS),
        ("HGETDEL k FIELDS 2 a", MISMATCH),
        ("HGETDEL k FIELDS 0 a", BAD_COUNT),
        ("HGETEX k NOPE 1 a", NO_FIELDS),
        ("HGETEX k PXAT 1 1", "wrong number of arguments for 'hgetex' command"),
        ("HGETEX k PXAT 1 1 2", NO_FIELDS),
        ("HGETEX k PERSIST 1 FIELDS 1 a", NO_FIELDS),
        ("HGETEX k FIELDS 2 a", MISMATCH),
        ("HGETEX k FIELDS -1 a", BAD_COUNT),
        ("HGETEX k EX x FIELDS 1 a", NOT_AN_INTEGER),
        ("HGETEX k PX -1 FIELDS 1 a", NEGATIVE),
        ("HGETEX k PXAT 70368744177664 FIELDS 1 a", "invalid expire time in 'hgetex' command"),
        ("HSETEX k nx FIELDS 1 a b", "unknown argument: nx"),
        ("HSETEX k FXX FNX FIELDS 1 a b", ONE_CONDITION),
        ("HSETEX k FNX FNX FIELDS 1 a b", ONE_CONDITION),
        ("HSETEX k EX 1 PX 1 FIELDS 1 a b", ONE_TIME),
        ("HSETEX k KEEPTTL EX 1 FIELDS 1 a b", ONE_TIME),
        ("HSETEX k EX FIELDS 1 a b", NOT_AN_INTEGER),
        ("HSETEX k EXAT -1 FIELDS 1 a b", NEGATIVE),
        ("HSETEX k EXAT 281474976710656 1 a b", "invalid expire time in 'hsetex' command"),
        ("HSETEX k KEEPTTL FNX 1 FIELDS EX", "unknown argument: 1"),
        ("HSETEX k FNX EX 1 EX", ONE_TIME),
        ("HSETEX k FNX KEEPTTL FNX EX", ONE_CONDITION),
        ("HSETEX k FIELDS x a b", "invalid number of fields"),
        ("HSETEX k FIELDS 0 a b", "invalid number of fields"),
        ("HSETEX k FIELDS 2147483648 a 1 b 2", "invalid number of fields"),
        ("HSETEX k FIELDS 2147483647 a 1 b 2", "wrong number of arguments for 'hsetex' command"),
        ("HGETEX k EX 10 FIELDS", "wrong number of arguments for 'hgetex' command"),
        ("HGETEX k EX 10 FIELDS 1", MISMATCH),
        ("HSETEX k FNX FIELDS x a", "wrong number of arguments for 'hsetex' command"),
        ("HSETEX k FNX EX 1 FIELDS", "wrong number of arguments for 'hsetex' command"),
        ("HSETEX k FIELDS 2 a b c", "wrong number of arguments for 'hsetex' command"),
        ("HSETEX k FIELDS 1 a b c", "wrong number of arguments for 'hsetex' command"),
    ],
)
def test_bad_arguments(world: World, line: str, message: str) -> None:
    assert world.do(*line.split()) == Error(f"ERR {message}".encode())
    assert world.do("EXISTS", "k") == 0


# HGETDEL


def test_hgetdel_replies_with_values_and_deletes_the_fields(world: World) -> None:
    fill_hash(world, "a", "b", "c")
    assert world.do("HGETDEL", "k", "FIELDS", "3", "a", "x", "b") == [b"a", None, b"b"]
    assert world.do("HKEYS", "k") == [b"c"]
    assert world.do("HGETDEL", "k", "FIELDS", "1", "c") == [b"c"]
    assert world.do("EXISTS", "k") == 0
    assert world.do("HGETDEL", "k", "FIELDS", "2", "a", "b") == [None, None]


def test_hgetdel_notifies_expired_and_deleted_fields(world: World) -> None:
    lazily(world)
    fill_hash(world, "a", "b", "c")
    expire(world, "a")
    watched = Watched(world)
    assert watched.by("HGETDEL", "k", "FIELDS", "1", "a") == (["hexpired k"], 0)
    assert watched.by("HGETDEL", "k", "FIELDS", "1", "b") == (["hdel k"], 1)
    assert watched.by("HGETDEL", "k", "FIELDS", "1", "c") == (["hdel k", "del k"], 1)
    fill_hash(world, "a")
    expire(world, "a")
    assert watched.by("HGETDEL", "k", "FIELDS", "1", "a") == (["hexpired k", "del k"], 0)


def test_a_field_named_twice_gives_its_value_once_if_it_is_deleted(world: World) -> None:
    fill_hash(world, "a", "b", "c")
    assert world.do("HGETDEL", "k", "FIELDS", "3", "a", "b", "a") == [b"a", b"b", None]
    fill_hash(world, "a")
    assert world.do("HGETEX", "k", "PX", "9", "FIELDS", "2", "a", "a") == [b"a", b"a"]
    assert world.do("HGETEX", "k", "PX", "0", "FIELDS", "2", "a", "a") == [b"a", None]
    assert world.do("HKEYS", "k") == [b"c"]


# HGETEX


def test_hgetex_replies_with_values(world: World) -> None:
    fill_hash(world, "a", "b")
    assert world.do("HGETEX", "k", "FIELDS", "3", "a", "x", "b") == [b"a", None, b"b"]
    assert world.do("HTTL", "k", "FIELDS", "1", "a") == [-1]
    assert world.do("HGETEX", "missing", "EX", "1", "FIELDS", "1", "a") == [None]


@pytest.mark.parametrize("option", ["EX", "PX", "EXAT", "PXAT"])
def test_hgetex_sets_times(world: World, option: str) -> None:
    fill_hash(world, "a", "b")
    seconds = now_ms(world) // 1000 + 100
    time = {"EX": 100, "PX": 100000, "EXAT": seconds, "PXAT": seconds * 1000}[option]
    assert world.do("HGETEX", "k", option.lower(), time, "FIELDS", "2", "a", "x") == [b"a", None]
    assert world.do("HTTL", "k", "FIELDS", "2", "a", "b") == [100, -1]


def test_hgetex_notifies_what_it_changes(world: World) -> None:
    fill_hash(world, "a", "b")
    watched = Watched(world)
    assert watched.by("HGETEX", "k", "FIELDS", "1", "a") == ([], 0)
    assert watched.by("HGETEX", "k", "EX", "9", "FIELDS", "2", "a", "x") == (["hexpire k"], 1)
    assert watched.by("HGETEX", "k", "PERSIST", "FIELDS", "2", "a", "b") == (["hpersist k"], 1)
    assert watched.by("HGETEX", "k", "PERSIST", "FIELDS", "2", "a", "b") == ([], 0)
    assert watched.by("HGETEX", "k", "PX", "0", "FIELDS", "1", "a") == (["hdel k"], 1)
    assert watched.by("HGETEX", "k", "EXAT", "1", "FIELDS", "1", "b") == (["hdel k", "del k"], 1)


def test_hgetex_does_not_revive_expired_fields(world: World) -> None:
    lazily(world)
    fill_hash(world, "a", "b")
    expire(world, "a", "b")
    assert world.do("HGETEX", "k", "EX", "9", "FIELDS", "2", "a", "b") == [None, None]
    assert world.do("EXISTS", "k") == 0


# HSETEX


def test_hsetex_sets_fields(world: World) -> None:
    assert world.do("HSETEX", "k", "FIELDS", "2", "a", "1", "b", "2") == 1
    assert world.do("HGETALL", "k") == [b"a", b"1", b"b", b"2"]


def test_hsetex_sets_and_removes_times(world: World) -> None:
    world.do("HSETEX", "k", "EX", "100", "FIELDS", "2", "a", "1", "b", "2")
    assert world.do("HTTL", "k", "FIELDS", "2", "a", "b") == [100, 100]
    world.do("HSETEX", "k", "KEEPTTL", "FIELDS", "1", "a", "3")
    world.do("HSETEX", "k", "FIELDS", "1", "b", "4")
    assert world.do("HTTL", "k", "FIELDS", "2", "a", "b") == [100, -1]
    assert world.do("HMGET", "k", "a", "b") == [b"3", b"4"]


def test_hsetex_sets_nothing_unless_its_condition_is_met(world: World) -> None:
    assert world.do("HSETEX", "k", "FXX", "FIELDS", "1", "a", "1") == 0
    assert world.do("EXISTS", "k") == 0
    assert world.do("HSETEX", "k", "PX", "5000", "fnx", "FIELDS", "1", "a", "1") == 1
    assert world.do("HSETEX", "k", "FNX", "FIELDS", "2", "b", "1", "a", "2") == 0
    assert world.do("HSETEX", "k", "FXX", "FIELDS", "2", "b", "1", "a", "2") == 0
    assert world.do("HGETALL", "k") == [b"a", b"1"]
    assert world.do("HSETEX", "k", "FXX", "FIELDS", "1", "a", "2") == 1


def test_an_expired_field_does_not_exist_for_a_condition(world: World) -> None:
    lazily(world)
    fill_hash(world, "a")
    expire(world, "a")
    assert world.do("HSETEX", "k", "FXX", "FIELDS", "1", "a", "1") == 0
    assert world.do("EXISTS", "k") == 0


def test_keepttl_keeps_the_time_of_an_expired_field(world: World) -> None:
    lazily(world)
    fill_hash(world, "a", "b")
    expire(world, "a")
    assert world.do("HSETEX", "k", "KEEPTTL", "FIELDS", "1", "a", "5") == 1
    assert world.do("HGET", "k", "a") is None


@pytest.mark.parametrize("condition", ["FNX", "FXX"])
def test_a_condition_deletes_expired_fields_before_keepttl_can_keep_their_times(world: World, condition: str) -> None:
    lazily(world)
    fill_hash(world, "a", "b")
    expire(world, "a")
    is_new = condition == "FNX"
    assert world.do("HSETEX", "k", condition, "KEEPTTL", "FIELDS", "1", "a", "5") == int(is_new)
    assert world.do("HGET", "k", "a") == (b"5" if is_new else None)


def test_a_condition_looks_no_further_than_the_first_field_that_decides_it(world: World) -> None:
    lazily(world)
    fill_hash(world, "a", "b")
    expire(world, "a")
    assert world.do("HSETEX", "k", "FXX", "FIELDS", "2", "missing", "1", "a", "5") == 0
    assert world.do("HLEN", "k") == 2
    assert world.do("HSETEX", "k", "FXX", "FIELDS", "2", "a", "5", "missing", "1") == 0
    assert world.do("HLEN", "k") == 1


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ("HPEXPIREAT k 1 FIELDS 2 a missing", 1),
        ("HGETEX k PXAT 1 FIELDS 2 a missing", 1),
        ("HSETEX k PXAT 1 FIELDS 2 a 1 new 2", 2),
    ],
)
def test_fields_that_get_a_time_that_has_passed_count_as_expired(world: World, words: str, count: int) -> None:
    fill_hash(world, "a", "b")
    world.do(*words.split())
    assert world.engine.keyspace.expired_fields == count


def test_a_hash_of_expired_fields_that_is_filled_again_stays_the_same_key(world: World) -> None:
    lazily(world)
    fill_hash(world, "a")
    world.do("PEXPIRE", "k", 500000)
    expire(world, "a")
    watched = Watched(world)
    assert watched.by("HSETEX", "k", "FNX", "FIELDS", "1", "a", "5")[0] == ["hexpired k", "hset k"]
    assert encoding(world) == "listpackex"
    assert world.do("TTL", "k") == 500


def test_a_hash_of_expired_fields_is_deleted_when_a_condition_is_not_met(world: World) -> None:
    lazily(world)
    fill_hash(world, "a")
    expire(world, "a")
    watched = Watched(world)
    assert watched.by("HSETEX", "k", "FXX", "FIELDS", "1", "a", "5")[0] == ["hexpired k", "del k"]


def test_with_a_time_that_has_passed_each_field_is_deleted_before_the_next_is_set(world: World) -> None:
    world.do("CONFIG", "SET", "hash-max-listpack-entries", "2")
    fill_hash(world, "a", "b")
    world.do("HSETEX", "k", "PXAT", "1", "FIELDS", "2", "a", "1", "new", "2")
    assert encoding(world) == "listpackex"
    assert world.do("HKEYS", "k") == [b"b"]


def test_hsetex_notifies_what_it_does(world: World) -> None:
    watched = Watched(world)
    assert watched.by("HSETEX", "k", "FIELDS", "2", "a", "1", "b", "2")[0] == ["hset k"]
    assert watched.by("HSETEX", "k", "EX", "9", "FIELDS", "1", "a", "1")[0] == ["hset k", "hexpire k"]
    assert watched.by("HSETEX", "k", "PX", "0", "FIELDS", "1", "a", "1")[0] == ["hset k", "hdel k"]
    assert watched.by("HSETEX", "k", "PX", "0", "FIELDS", "1", "b", "1")[0] == ["hset k", "hdel k", "del k"]
