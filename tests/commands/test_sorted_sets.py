"""Commands on single members of sorted sets: replies, options, events, encodings, blocks."""

from __future__ import annotations

import pytest

from tests.support.filling import fill_sorted_set
from tests.support.keys import Watched, add_foreign, encoding
from tests.support.replies import NOT_A_FLOAT, NULL_ARRAY, SYNTAX_ERROR, WRONG_TYPE, Double, Error, Reply, wrong_arity
from tests.support.world import World


@pytest.mark.parametrize(
    "words",
    [
        ("ZADD", "f", "1", "m"),
        ("ZADD", "f", "NX", "1", "m"),
        ("ZINCRBY", "f", "1", "m"),
        ("ZREM", "f", "m"),
        ("ZCARD", "f"),
        ("ZSCORE", "f", "m"),
        ("ZMSCORE", "f", "m"),
        ("ZRANK", "f", "m"),
        ("ZREVRANK", "f", "m"),
        ("ZCOUNT", "f", "0", "1"),
        ("ZLEXCOUNT", "f", "-", "+"),
        ("ZRANGE", "f", "0", "1"),
        ("ZREVRANGE", "f", "0", "1"),
        ("ZRANGEBYSCORE", "f", "0", "1"),
        ("ZREVRANGEBYSCORE", "f", "0", "1"),
        ("ZRANGEBYLEX", "f", "-", "+"),
        ("ZREVRANGEBYLEX", "f", "+", "-"),
        ("ZRANGESTORE", "z", "f", "0", "1"),
        ("ZREMRANGEBYRANK", "f", "0", "1"),
        ("ZREMRANGEBYSCORE", "f", "0", "1"),
        ("ZREMRANGEBYLEX", "f", "-", "+"),
        ("ZUNION", "1", "f"),
        ("ZINTER", "2", "z", "f"),
        ("ZDIFF", "2", "none", "f"),
        ("ZUNIONSTORE", "z", "1", "f"),
        ("ZINTERSTORE", "z", "2", "none", "f"),
        ("ZDIFFSTORE", "z", "1", "f"),
        ("ZINTERCARD", "1", "f"),
        ("ZPOPMIN", "f"),
        ("ZPOPMAX", "f", "2"),
        ("ZPOPMAX", "f", "0"),
        ("BZPOPMIN", "none", "f", "0"),
        ("BZPOPMAX", "f", "0"),
        ("ZMPOP", "2", "none", "f", "MIN"),
        ("BZMPOP", "0", "1", "f", "MAX"),
        ("ZRANDMEMBER", "f"),
        ("ZRANDMEMBER", "f", "1"),
        ("ZSCAN", "f", "0"),
    ],
)
def test_other_types_are_refused(world: World, words: tuple[str, ...]) -> None:
    fill_sorted_set(world, count=1)
    add_foreign(world)
    assert world.do(*words) == WRONG_TYPE
    assert world.do("ZRANGE", "z", "0", "-1") == [b"m0"]


# ZADD


def test_zadd_counts_the_new_members(world: World) -> None:
    assert world.do("ZADD", "z", "1", "a", "2", "b") == 2
    assert world.do("ZADD", "z", "2", "a", "3", "c") == 1
    assert world.do("ZRANGE", "z", "0", "-1") == [b"a", b"b", b"c"]


def test_zadd_ch_counts_changed_members_too(world: World) -> None:
    fill_sorted_set(world)
    assert world.do("ZADD", "z", "CH", "0", "m0", "7", "m1", "9", "new") == 2


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", b"5"),
        ("NX", b"3"),
        ("XX", b"5"),
        ("GT", b"5"),
        ("LT", b"3"),
        ("gt xx Ch", b"5"),
        ("INCR", b"8"),
        ("INCR LT", b"3"),
    ],
)
def test_the_options_of_zadd_say_which_scores_change(world: World, options: str, expected: Reply) -> None:
    world.do("ZADD", "z", "3", "m")
    world.do("ZADD", "z", *options.split(), "5", "m")
    assert world.do("ZSCORE", "z", "m") == expected


@pytest.mark.parametrize(("options", "there"), [("NX", True), ("XX", False), ("GT", True), ("LT", True)])
def test_the_options_of_zadd_say_whether_members_are_added(world: World, options: str, there: bool) -> None:
    fill_sorted_set(world)
    world.do("ZADD", "z", options, "5", "new")
    assert (world.do("ZSCORE", "z", "new") is not None) == there


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("1", wrong_arity("zadd")),
        ("NX m", SYNTAX_ERROR),
        ("NX XX 1", SYNTAX_ERROR),
        ("1 m 2", SYNTAX_ERROR),
        ("x m", NOT_A_FLOAT),
        ("nan m", NOT_A_FLOAT),
        ("1 m x n", NOT_A_FLOAT),
        ("NX XX 1 m", Error(b"ERR XX and NX options at the same time are not compatible")),
        ("GT LT 1 m", Error(b"ERR GT, LT, and/or NX options at the same time are not compatible")),
        ("NX GT 1 m", Error(b"ERR GT, LT, and/or NX options at the same time are not compatible")),
        ("INCR 1 m 2 n", Error(b"ERR INCR option supports a single increment-element pair")),
    ],
)
def test_zadd_refuses_bad_arguments_before_it_looks_up_the_key(world: World, words: str, error: Reply) -> None:
    add_foreign(world)
    assert world.do("ZADD", "f", *words.split()) == error


def test_zadd_xx_creates_no_key(world: World) -> None:
    assert world.do("ZADD", "z", "XX", "1", "m") == 0
    assert world.do("ZADD", "z", "XX", "INCR", "1", "m") is None
    assert world.do("EXISTS", "z") == 0


def test_zadd_incr_replies_with_the_score_or_null(world: World) -> None:
    assert world.do("ZADD", "z", "INCR", "1.5", "m") == b"1.5"
    assert world.do("ZADD", "z", "INCR", "2", "m") == b"3.5"
    assert world.do("ZADD", "z", "NX", "INCR", "2", "m") is None


def test_infinities_that_cancel_each_other_are_refused(world: World) -> None:
    world.do("ZADD", "z", "inf", "m")
    assert world.do("ZINCRBY", "z", "-inf", "m") == Error(b"ERR resulting score is not a number (NaN)")
    assert world.do("ZSCORE", "z", "m") == b"inf"


def test_zincrby_replies_with_the_new_score(world: World) -> None:
    assert world.do("ZINCRBY", "z", "2.5", "m") == b"2.5"
    assert world.do("ZINCRBY", "z", "0.1", "m") == b"2.6"


def test_scores_are_doubles_under_resp3(world: World) -> None:
    world.do("HELLO", "3")
    assert world.do("ZADD", "z", "INCR", "1.5", "m") == Double(b"1.5")
    assert world.do("ZSCORE", "z", "m") == Double(b"1.5")
    assert world.do("ZMSCORE", "z", "m", "n") == [Double(b"1.5"), None]


def test_adding_and_changing_notify_one_event(world: World) -> None:
    watched = Watched(world)
    assert watched.by("ZADD", "z", "1", "a", "2", "b") == (["zadd z"], 2)
    assert watched.by("ZADD", "z", "1", "a") == ([], 0)
    assert watched.by("ZADD", "z", "3", "a") == (["zadd z"], 1)
    assert watched.by("ZINCRBY", "z", "1", "a") == (["zincr z"], 1)
    assert watched.by("ZINCRBY", "z", "0", "a") == ([], 0)


def test_zadd_of_many_members_begins_as_a_skiplist(world: World) -> None:
    fill_sorted_set(world, "few", 128)
    fill_sorted_set(world, "many", 129)
    assert (encoding(world, b"few"), encoding(world, b"many")) == ("listpack", "skiplist")


def test_zadd_checks_the_length_of_every_member(world: World) -> None:
    world.do("ZADD", "z", "1", "a", "2", "x" * 65)
    assert encoding(world, b"z") == "skiplist"


def test_a_limit_of_no_entries_leaves_only_skiplists(world: World) -> None:
    world.do("ZADD", "old", "1", "a")
    world.do("CONFIG", "SET", "zset-max-listpack-entries", "0")
    world.do("ZADD", "new", "1", "a")
    assert encoding(world, b"new") == "skiplist"
    assert encoding(world, b"old") == "listpack"
    world.do("ZADD", "old", "1", "a")
    assert encoding(world, b"old") == "skiplist"


# ZREM, ZCARD, ZSCORE, ZRANK


def test_zrem_counts_and_deletes_the_key_with_the_last_member(world: World) -> None:
    fill_sorted_set(world, count=3)
    watched = Watched(world)
    assert watched.by("ZREM", "z", "m0", "x", "m1") == (["zrem z"], 2)
    assert watched.by("ZREM", "z", "x") == ([], 0)
    assert watched.by("ZREM", "z", "m2", "m2") == (["zrem z", "del z"], 1)
    assert world.do("EXISTS", "z") == 0


def test_zcard_counts(world: World) -> None:
    fill_sorted_set(world, count=300)
    assert world.do("ZCARD", "z") == 300
    assert world.do("ZCARD", "none") == 0


def test_missing_keys_and_members_have_no_score(world: World) -> None:
    fill_sorted_set(world)
    assert world.do("ZSCORE", "z", "x") is None
    assert world.do("ZSCORE", "none", "x") is None
    assert world.do("ZMSCORE", "none", "x", "y") == [None, None]


@pytest.mark.parametrize("count", [5, 1000])
def test_ranks_are_counted_from_either_end(world: World, count: int) -> None:
    fill_sorted_set(world, count=count)
    assert world.do("ZRANK", "z", "m1") == 1
    assert world.do("ZREVRANK", "z", "m1") == count - 2
    assert world.do("ZRANK", "z", "x") is None


def test_zrank_can_give_the_score_too(world: World) -> None:
    fill_sorted_set(world)
    assert world.do("ZRANK", "z", "m1", "withscore") == [1, b"1"]
    assert world.do("ZREVRANK", "z", "x", "WITHSCORE") == NULL_ARRAY
    assert world.do("ZRANK", "none", "x", "WITHSCORE") == NULL_ARRAY
    assert world.do("ZRANK", "none", "x", "WITHSCORES") == SYNTAX_ERROR
    assert world.do("ZRANK", "z", "x", "WITHSCORE", "x") == wrong_arity("zrank")


def test_members_may_be_any_bytes(world: World) -> None:
    world.do("ZADD", "z", "1", b"\x00\xff\r\n", "1", b"")
    assert world.do("ZRANGE", "z", "0", "-1") == [b"", b"\x00\xff\r\n"]
