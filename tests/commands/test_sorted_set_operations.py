"""Unions, intersections and differences of sorted sets and sets."""

from __future__ import annotations

import pytest

from tests.support.keys import Watched, encoding, time_left_ms
from tests.support.replies import NOT_AN_INTEGER, SYNTAX_ERROR, WRONG_TYPE, Double, Error, Reply, bulks
from tests.support.world import World


@pytest.fixture
def filled(world: World) -> World:
    world.do("ZADD", "a", "1", "x", "2", "y", "3", "z")
    world.do("ZADD", "b", "10", "y", "20", "z", "30", "w")
    world.do("SADD", "s", "x", "y", "q")
    return world


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("ZUNION 2 a b", b"x1 y12 z23 w30"),
        ("ZUNION 2 a s", b"q1 x2 y3 z3"),
        ("ZUNION 2 a b AGGREGATE MAX", b"x1 y10 z20 w30"),
        ("ZUNION 2 a b WEIGHTS 2 -1 AGGREGATE min", b"w-30 z-20 y-10 x2"),
        ("ZINTER 2 a b", b"y12 z23"),
        ("ZINTER 2 a s WEIGHTS 1 100", b"x101 y102"),
        ("ZINTER 3 a b s AGGREGATE MIN", b"y1"),
        ("ZINTER 2 a none", b""),
        ("ZINTER 2 a a", b"x2 y4 z6"),
        ("ZDIFF 2 a b", b"x1"),
        ("ZDIFF 2 a none", b"x1 y2 z3"),
        ("ZDIFF 3 s a b", b"q1"),
        ("ZDIFF 2 a a", b""),
    ],
)
def test_scores_are_aggregated(filled: World, words: str, found: bytes) -> None:
    expected = [part for pair in found.split() for part in (pair[:1], pair[1:])]
    assert filled.do(*words.split(), "WITHSCORES") == bulks(*expected)
    assert filled.do(*words.split()) == bulks(*expected[::2])


def test_infinities_that_cancel_each_other_give_zero(filled: World) -> None:
    filled.do("ZADD", "up", "inf", "m")
    filled.do("ZADD", "down", "-inf", "m")
    assert filled.do("ZUNION", "2", "up", "down", "WITHSCORES") == [b"m", b"0"]
    assert filled.do("ZUNION", "1", "up", "WEIGHTS", "0", "WITHSCORES") == [b"m", b"0"]


def test_scores_are_added_beginning_with_the_smallest_set(world: World) -> None:
    world.do("ZADD", "big", "1e16", "m", "1", "n", "1", "o")
    world.do("ZADD", "middle", "-1e16", "m", "1", "n")
    world.do("ZADD", "small", "1", "m")
    assert world.do("ZINTER", "3", "big", "middle", "small", "WITHSCORES") == [b"m", b"0"]


def test_member_and_score_are_a_nested_pair_under_resp3(filled: World) -> None:
    filled.do("HELLO", "3")
    assert filled.do("ZDIFF", "2", "a", "b", "WITHSCORES") == [[b"x", Double(b"1")]]
    assert filled.do("ZDIFF", "2", "a", "b") == [b"x"]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("ZUNION x a", NOT_AN_INTEGER),
        ("ZUNION 0 a", Error(b"ERR at least 1 input key is needed for 'zunion' command")),
        ("ZINTERSTORE d 0 a", Error(b"ERR at least 1 input key is needed for 'zinterstore' command")),
        ("ZUNION 2 a", SYNTAX_ERROR),
        ("ZUNION 1 a WEIGHTS", SYNTAX_ERROR),
        ("ZUNION 1 a WEIGHTS x", Error(b"ERR weight value is not a float")),
        ("ZUNION 1 a AGGREGATE", SYNTAX_ERROR),
        ("ZUNION 1 a AGGREGATE avg", SYNTAX_ERROR),
        ("ZUNION 1 t AGGREGATE avg", WRONG_TYPE),
        ("ZUNIONSTORE d 1 a WITHSCORES", SYNTAX_ERROR),
        ("ZDIFF 1 a WEIGHTS 1", SYNTAX_ERROR),
        ("ZINTERCARD 1 a LIMIT -1", Error(b"ERR LIMIT can't be negative")),
        ("ZINTERCARD 1 a LIMIT x", Error(b"ERR LIMIT can't be negative")),
        ("ZINTERCARD 1 a WITHSCORES", SYNTAX_ERROR),
    ],
)
def test_bad_arguments_are_refused(filled: World, words: str, error: Reply) -> None:
    filled.do("SET", "t", "x")
    assert filled.do(*words.split()) == error


def test_zintercard_counts_up_to_a_limit(filled: World) -> None:
    assert filled.do("ZINTERCARD", "2", "a", "b") == 2
    assert filled.do("ZINTERCARD", "2", "a", "b", "LIMIT", "1") == 1
    assert filled.do("ZINTERCARD", "2", "a", "b", "LIMIT", "0") == 2
    assert filled.do("ZINTERCARD", "2", "a", "none") == 0


@pytest.mark.parametrize("command", ["ZUNIONSTORE", "ZINTERSTORE", "ZDIFFSTORE"])
def test_a_stored_result_replaces_any_value(filled: World, command: str) -> None:
    filled.do("SET", "d", "x", "EX", "100")
    watched = Watched(filled)
    assert watched.by(command, "d", "1", "a") == ([f"{command.lower()} d"], 1)
    assert filled.do("ZRANGE", "d", "0", "-1") == [b"x", b"y", b"z"]
    assert time_left_ms(filled, b"d") == -1
    assert watched.by(command, "d", "1", "none") == (["del d"], 1)
    assert watched.by(command, "d", "1", "none") == ([], 0)
    assert filled.do("ZRANGE", "d", "0", "-1") == []


def test_a_result_may_replace_its_source(filled: World) -> None:
    assert filled.do("ZUNIONSTORE", "a", "2", "a", "b") == 4
    assert filled.do("ZCARD", "a") == 4


def test_a_result_that_fits_is_a_listpack(world: World) -> None:
    world.do("ZADD", "a", *[word for number in range(200) for word in ("1", f"m{number}")])
    world.do("ZUNIONSTORE", "all", "1", "a")
    world.do("ZADD", "few", "1", "m1")
    world.do("ZINTERSTORE", "some", "2", "a", "few")
    assert (encoding(world, b"all"), encoding(world, b"some")) == ("skiplist", "listpack")
