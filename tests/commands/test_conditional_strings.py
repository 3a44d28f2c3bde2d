"""SET IFEQ, DELIFEQ and MSETEX of Valkey."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.replies import NOT_AN_INTEGER, OK, SYNTAX_ERROR, WRONG_TYPE, Error, Reply
from tests.support.world import World

BAD_COUNT = Error(b"ERR invalid numkeys value or out of range")


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    made = World(redis_version="valkey-9.1", protocol=request.param)
    made.do("SET", "k", "old")
    made.do("RPUSH", "list", "x")
    yield made
    made.check()


# SET IFEQ


def test_set_ifeq_sets_a_key_with_the_value(world: World) -> None:
    assert world.do("SET", "k", "new", "IFEQ", "old") == OK
    assert world.do("GET", "k") == b"new"


def test_set_ifeq_leaves_a_key_with_another_value(world: World) -> None:
    assert world.do("SET", "k", "new", "IFEQ", "other") is None
    assert world.do("GET", "k") == b"old"


def test_set_ifeq_creates_no_key(world: World) -> None:
    assert world.do("SET", "missing", "new", "IFEQ", "") is None
    assert world.do("EXISTS", "missing") == 0


def test_set_ifeq_with_get_replies_with_the_old_value_in_any_case(world: World) -> None:
    assert world.do("SET", "k", "new", "IFEQ", "old", "GET") == b"old"
    assert world.do("SET", "k", "newer", "GET", "IFEQ", "old") == b"new"
    assert world.do("GET", "k") == b"new"
    assert world.do("SET", "missing", "new", "IFEQ", "x", "GET") is None


def test_set_ifeq_goes_with_an_expire_time(world: World) -> None:
    assert world.do("SET", "k", "new", "IFEQ", "old", "EX", "100") == OK
    assert world.do("TTL", "k") == 100
    assert world.do("SET", "k", "newer", "IFEQ", "new", "KEEPTTL") == OK
    assert world.do("TTL", "k") == 100


def test_set_ifeq_compares_with_an_expired_key_as_with_none(world: World) -> None:
    world.do("PEXPIRE", "k", "5")
    world.advance(10, most_ticks=0)
    assert world.do("SET", "k", "new", "IFEQ", "old") is None


def test_set_ifeq_compares_with_strings_only(world: World) -> None:
    assert world.do("SET", "list", "new", "IFEQ", "x") == WRONG_TYPE


@pytest.mark.parametrize("options", ["IFEQ", "NX IFEQ a", "IFEQ a XX", "IFEQ a IFEQ a"])
def test_set_refuses_options_that_exclude_each_other(world: World, options: str) -> None:
    assert world.do("SET", "k", "new", *options.split()) == SYNTAX_ERROR


def test_redis_has_no_ifeq() -> None:
    assert World(redis_version="redis-8.2").do("SET", "k", "v", "IFEQ", "v") == SYNTAX_ERROR


# DELIFEQ


def test_delifeq_deletes_a_key_with_the_value(world: World) -> None:
    assert world.do("DELIFEQ", "k", "other") == 0
    assert world.do("EXISTS", "k") == 1
    assert world.do("DELIFEQ", "k", "old") == 1
    assert world.do("EXISTS", "k") == 0


def test_delifeq_of_an_integer_compares_its_text(world: World) -> None:
    world.do("SET", "n", "17")
    assert world.do("DELIFEQ", "n", "017") == 0
    assert world.do("DELIFEQ", "n", "17") == 1


def test_delifeq_of_a_missing_key_and_of_a_list(world: World) -> None:
    assert world.do("DELIFEQ", "missing", "") == 0
    assert world.do("DELIFEQ", "list", "x") == WRONG_TYPE


def test_delifeq_fails_the_transaction_of_who_watches_only_if_it_deletes(world: World) -> None:
    other = world.client()
    for value, reply in (("other", [b"old"]), ("old", None)):
        other.do("WATCH", "k")
        world.do("DELIFEQ", "k", value)
        other.do("MULTI")
        other.do("GET", "k")
        assert (other.do("EXEC") == reply) or reply is None


# MSETEX


def test_msetex_sets_all_keys_and_their_expire_time(world: World) -> None:
    assert world.do("MSETEX", "2", "a", "1", "b", "2", "EX", "100") == 1
    assert world.do("MGET", "a", "b") == [b"1", b"2"]
    assert [world.do("TTL", key) for key in ("a", "b")] == [100, 100]


def test_msetex_without_options_removes_expire_times_and_with_keepttl_not(world: World) -> None:
    world.do("MSETEX", "1", "a", "1", "EX", "100")
    assert world.do("MSETEX", "1", "a", "2", "KEEPTTL") == 1
    assert world.do("TTL", "a") == 100
    assert world.do("MSETEX", "1", "a", "3") == 1
    assert world.do("TTL", "a") == -1


def test_msetex_with_a_condition_sets_all_or_none(world: World) -> None:
    assert world.do("MSETEX", "2", "new", "1", "k", "2", "NX") == 0
    assert world.do("MSETEX", "2", "k", "1", "new", "2", "XX") == 0
    assert world.do("MGET", "k", "new") == [b"old", None]
    assert world.do("MSETEX", "2", "k", "1", "list", "2", "XX") == 1
    assert world.do("MGET", "k", "list") == [b"1", b"2"]
    assert world.do("MSETEX", "1", "new", "1", "NX") == 1


def test_keys_of_an_expire_time_that_has_passed_are_gone(world: World) -> None:
    assert world.do("MSETEX", "1", "k", "1", "PXAT", "1") == 1
    assert world.do("EXISTS", "k") == 0


@pytest.mark.parametrize(
    ("words", "reply"),
    [
        *[(f"{count} a 1", BAD_COUNT) for count in ("0", "-1", "x", "2147483648")],
        *[(words, SYNTAX_ERROR) for words in ("2 a 1", "2 a 1 b", "1 a 1 b 2", "1 a 1 NX XX", "1 a 1 EX")],
        *[(f"1 a 1 {options}", SYNTAX_ERROR) for options in ("EX 1 PX 1", "KEEPTTL EX 1", "GET", "IFEQ 1", "PERSIST")],
        ("1 a 1 EX x", NOT_AN_INTEGER),
        ("1 a 1 EX 0", Error(b"ERR invalid expire time in 'msetex' command")),
    ],
)
def test_msetex_refuses_bad_arguments_and_sets_nothing(world: World, words: str, reply: Reply) -> None:
    assert world.do("MSETEX", *words.split()) == reply
    assert world.do("EXISTS", "a") == 0


def test_getkeys_finds_every_other_argument(world: World) -> None:
    assert world.do("COMMAND", "GETKEYS", "MSETEX", "2", "a", "1", "b", "2", "NX") == [b"a", b"b"]
