"""Ranges of sorted sets: bounds, directions, limits; replied, counted, stored and removed."""

from __future__ import annotations

import pytest

from tests.support.filling import fill_sorted_set
from tests.support.keys import Watched, encoding, time_left_ms
from tests.support.replies import MIN_OR_MAX_NOT_A_FLOAT, NOT_AN_INTEGER, SYNTAX_ERROR, Double, Error, Reply, bulks
from tests.support.world import World

NOT_MEMBERS = Error(b"ERR min or max not valid string range item")

SIZES = pytest.mark.parametrize("count", [6, 400])


def members(*numbers: int) -> list[bytes]:
    return [b"m%d" % number for number in numbers]


# Ranks


@SIZES
def test_ranks_are_counted_from_the_end_if_negative(world: World, count: int) -> None:
    fill_sorted_set(world, count=count)
    assert world.do("ZRANGE", "z", "1", "2") == members(1, 2)
    assert world.do("ZRANGE", "z", "-2", "-1") == members(count - 2, count - 1)
    assert world.do("ZRANGE", "z", "-1000", "0") == members(0)
    assert world.do("ZRANGE", "z", str(count), "-1") == []
    assert world.do("ZRANGE", "z", "2", "1") == []


@SIZES
def test_a_reversed_range_is_counted_from_the_highest_score(world: World, count: int) -> None:
    fill_sorted_set(world, count=count)
    assert world.do("ZRANGE", "z", "0", "1", "REV") == members(count - 1, count - 2)
    assert world.do("ZREVRANGE", "z", "-1", "-1") == members(0)


def test_scores_come_with_members_in_pairs_under_resp3(world: World) -> None:
    world.do("ZADD", "z", "1", "a", "2.5", "b")
    assert world.do("ZRANGE", "z", "0", "-1", "WITHSCORES") == [b"a", b"1", b"b", b"2.5"]
    world.do("HELLO", "3")
    assert world.do("ZRANGE", "z", "0", "-1", "withscores") == [[b"a", Double(b"1")], [b"b", Double(b"2.5")]]


# Scores


@SIZES
@pytest.mark.parametrize(
    ("low", "high", "found"),
    [
        ("1", "3", (1, 2, 3)),
        ("(1", "3", (2, 3)),
        ("1", "(3", (1, 2)),
        ("(1", "(2", ()),
        ("3", "1", ()),
        ("-inf", "(1", (0,)),
        ("1.5", " 2.5", (2,)),
        ("", "0", (0,)),
        ("(", "1", (1,)),
        ("0x2", "2\0x", (2,)),
        ("1e999", "+inf", ()),
        ("inf", "inf", ()),
    ],
)
def test_bounds_of_scores(world: World, count: int, low: str, high: str, found: tuple[int, ...]) -> None:
    fill_sorted_set(world, count=count)
    assert world.do("ZRANGEBYSCORE", "z", low, high) == members(*found)
    assert world.do("ZRANGE", "z", high, low, "BYSCORE", "REV") == members(*reversed(found))
    assert world.do("ZCOUNT", "z", low, high) == len(found)


@pytest.mark.parametrize("bound", ["x", "1x", "1 ", " ", "((1", "nan", "(nan", "0x", "--1", "1_0"])
def test_bounds_that_are_no_scores_are_refused(world: World, bound: str) -> None:
    for words in (
        ["ZCOUNT", "z", bound, "1"],
        ["ZRANGEBYSCORE", "z", "1", bound],
        ["ZREMRANGEBYSCORE", "z", bound, "1"],
    ):
        assert world.do(*words) == MIN_OR_MAX_NOT_A_FLOAT


@SIZES
@pytest.mark.parametrize(
    ("limit", "found"),
    [
        ("0 2", (1, 2)),
        ("1 1", (2,)),
        ("1 -1", (2, 3, 4)),
        ("0 0", ()),
        ("4 1", ()),
        ("-1 1", ()),
        ("3 100", (4,)),
    ],
)
def test_a_limit_narrows_a_range(world: World, count: int, limit: str, found: tuple[int, ...]) -> None:
    fill_sorted_set(world, count=count)
    assert world.do("ZRANGEBYSCORE", "z", "1", "4", "LIMIT", *limit.split()) == members(*found)
    backwards = [5 - number for number in found]
    assert world.do("ZREVRANGEBYSCORE", "z", "4", "1", "LIMIT", *limit.split()) == members(*backwards)


# Members


@SIZES
@pytest.mark.parametrize(
    ("low", "high", "found"),
    [
        ("-", "[b", (b"", b"a", b"b")),
        ("(a", "[b", (b"b",)),
        ("[a", "(b", (b"a",)),
        ("[", "[", (b"",)),
        ("(a", "(a", ()),
        ("+", "-", ()),
        ("+", "+", ()),
        ("[zy", "+", (b"zz",)),
        ("[y", "(z", ()),
    ],
)
def test_bounds_of_members(world: World, count: int, low: str, high: str, found: tuple[bytes, ...]) -> None:
    world.do("ZADD", "z", "0", "", "0", "a", "0", "b", "0", "zz")
    world.do("ZADD", "z", *[word for number in range(count) for word in ("0", f"m{number:03}")])
    assert world.do("ZRANGEBYLEX", "z", low, high) == bulks(*found)
    assert world.do("ZREVRANGEBYLEX", "z", high, low) == bulks(*reversed(found))
    assert world.do("ZLEXCOUNT", "z", low, high) == len(found)


@pytest.mark.parametrize("bound", ["", "a", "-a", "+a", "*"])
def test_bounds_that_are_no_members_are_refused(world: World, bound: str) -> None:
    for words in (
        ["ZLEXCOUNT", "z", bound, "+"],
        ["ZRANGEBYLEX", "z", "-", bound],
        ["ZREMRANGEBYLEX", "z", bound, "+"],
    ):
        assert world.do(*words) == NOT_MEMBERS


def test_a_range_of_members_with_different_scores_is_what_redis_finds_on_its_walk(world: World) -> None:
    world.do("ZADD", "z", "1", "c", "2", "a", "3", "d", "4", "b")
    assert world.do("ZRANGEBYLEX", "z", "[a", "[c") == [b"c", b"a"]
    assert world.do("ZREVRANGEBYLEX", "z", "[c", "[b") == [b"b", b"d"]
    assert world.do("ZRANGEBYLEX", "z", "[x", "+") == []


# Options


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (
            "ZRANGE f 0 1 LIMIT 0 1",
            Error(b"ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"),
        ),
        (
            "ZRANGE f - + BYLEX WITHSCORES",
            Error(b"ERR syntax error, WITHSCORES not supported in combination with BYLEX"),
        ),
        ("ZRANGE f 0 1 BYLEX", NOT_MEMBERS),
        ("ZRANGE f 0 1 BYLEX BYSCORE", SYNTAX_ERROR),
        ("ZRANGE f 0 1 REV REV", SYNTAX_ERROR),
        ("ZRANGE f 0 1 BYSCORE LIMIT 1", SYNTAX_ERROR),
        ("ZRANGE f 0 1 BYSCORE LIMIT x 1", NOT_AN_INTEGER),
        ("ZRANGE f 0 x", NOT_AN_INTEGER),
        ("ZREVRANGE f 0 1 REV", SYNTAX_ERROR),
        ("ZRANGEBYSCORE f 0 1 BYSCORE", SYNTAX_ERROR),
        ("ZRANGESTORE d f 0 1 WITHSCORES", SYNTAX_ERROR),
        ("ZREMRANGEBYRANK f 0 x", NOT_AN_INTEGER),
    ],
)
def test_bad_ranges_are_refused_before_the_key_is_looked_up(world: World, words: str, error: Reply) -> None:
    world.do("SET", "f", "x")
    assert world.do(*words.split()) == error


def test_a_missing_key_has_empty_ranges(world: World) -> None:
    assert world.do("ZRANGE", "none", "0", "-1", "WITHSCORES") == []
    assert world.do("ZCOUNT", "none", "0", "1") == 0
    assert world.do("ZREMRANGEBYRANK", "none", "0", "1") == 0


# ZRANGESTORE


def test_a_stored_range_replaces_any_value(world: World) -> None:
    fill_sorted_set(world)
    world.do("SET", "d", "x", "EX", "100")
    watched = Watched(world)
    assert watched.by("ZRANGESTORE", "d", "z", "(1", "9", "BYSCORE", "LIMIT", "0", "2") == (["zrangestore d"], 1)
    assert world.do("ZRANGE", "d", "0", "-1", "WITHSCORES") == [b"m2", b"2", b"m3", b"3"]
    assert time_left_ms(world, b"d") == -1


@pytest.mark.parametrize("source", ["z", "none"])
def test_storing_an_empty_range_deletes_the_destination(world: World, source: str) -> None:
    fill_sorted_set(world)
    world.do("SET", "d", "x")
    watched = Watched(world)
    assert watched.by("ZRANGESTORE", "d", source, "50", "60") == (["del d"], 1)
    assert watched.by("ZRANGESTORE", "d", source, "50", "60") == ([], 0)


def test_a_range_may_be_stored_over_its_source(world: World) -> None:
    fill_sorted_set(world, count=200)
    assert world.do("ZRANGESTORE", "z", "z", "0", "9", "REV") == 10
    assert encoding(world, b"z") == "listpack"


def test_a_large_range_of_ranks_is_stored_as_a_skiplist(world: World) -> None:
    fill_sorted_set(world, count=300)
    world.do("ZRANGESTORE", "d", "z", "0", "128")
    assert encoding(world, b"d") == "skiplist"


# Removing


@SIZES
def test_ranges_are_removed(world: World, count: int) -> None:
    fill_sorted_set(world, count=count)
    watched = Watched(world)
    assert watched.by("ZREMRANGEBYRANK", "z", "0", "1") == (["zremrangebyrank z"], 2)
    assert watched.by("ZREMRANGEBYSCORE", "z", "2", "(4") == (["zremrangebyscore z"], 2)
    assert watched.by("ZREMRANGEBYSCORE", "z", "2", "(4") == ([], 0)
    assert world.do("ZRANGE", "z", "0", "0") == members(4)
    assert watched.by("ZREMRANGEBYRANK", "z", "0", "-1") == (["zremrangebyrank z", "del z"], count - 4)


def test_zremrangebylex_removes_a_range_of_members(world: World) -> None:
    world.do("ZADD", "z", "0", "a", "0", "b", "0", "c")
    watched = Watched(world)
    assert watched.by("ZREMRANGEBYLEX", "z", "(a", "+") == (["zremrangebylex z"], 2)
    assert world.do("ZRANGE", "z", "0", "-1") == [b"a"]


@pytest.mark.parametrize("bound", [" 1", "0x2", "(0x2", "( 1", "0x", "nan"])
def test_since_8_2_bounds_of_scores_are_decimal(bound: str) -> None:
    newer = World(redis_version="8.2.3")
    for words in (
        ["ZCOUNT", "z", bound, "1"],
        ["ZRANGEBYSCORE", "z", "1", bound],
        ["ZRANGE", "z", bound, "1", "BYSCORE"],
        ["ZREMRANGEBYSCORE", "z", bound, "1"],
    ):
        assert newer.do(*words) == MIN_OR_MAX_NOT_A_FLOAT


@pytest.mark.parametrize(
    ("bound", "count"), [("", 3), ("(", 3), ("1e400", 0), ("-Infinity", 3), ("2\x00x", 2), ("+2.", 2)]
)
def test_since_8_2_other_bounds_are_the_same(bound: str, count: int) -> None:
    newer = World(redis_version="8.2.3")
    newer.do("ZADD", "z", "1", "a", "2", "b", "3", "c")
    assert newer.do("ZCOUNT", "z", bound, "+inf") == count
