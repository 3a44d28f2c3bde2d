"""ZSCAN and ZRANDMEMBER."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.support.filling import fill_sorted_set
from tests.support.replies import INVALID_CURSOR, NOT_AN_INTEGER, SYNTAX_ERROR, Error, Reply
from tests.support.world import World


def scan(world: World, *options: str) -> dict[bytes, bytes]:
    """Everything that a full ZSCAN lists: members and their scores."""
    found: dict[bytes, bytes] = {}
    cursor = b"0"
    while True:
        cursor, flat = world.do("ZSCAN", "z", cursor, *options)
        assert isinstance(flat, list)
        found.update(zip(flat[::2], flat[1::2], strict=True))
        if cursor == b"0":
            return found


@pytest.mark.parametrize("count", [5, 1000])
def test_a_full_scan_lists_all(world: World, count: int) -> None:
    fill_sorted_set(world, count=count)
    assert scan(world) == {b"m%d" % number: b"%d" % number for number in range(count)}
    assert set(scan(world, "MATCH", "m[01]")) == {b"m0", b"m1"}


def test_scores_of_a_skiplist_have_17_digits(world: World) -> None:
    world.do("ZADD", "z", "0.1", "m")
    assert scan(world) == {b"m": b"0.1"}
    world.do("CONFIG", "SET", "zset-max-listpack-entries", "0")
    world.do("ZADD", "z", "inf", "n")
    assert scan(world) == {b"m": b"0.10000000000000001", b"n": b"inf"}


def test_zscan_checks_its_options_only_if_the_key_exists(world: World) -> None:
    fill_sorted_set(world)
    assert world.do("ZSCAN", "z", "x") == INVALID_CURSOR
    assert world.do("ZSCAN", "z", "0", "COUNT", "0") == SYNTAX_ERROR
    assert world.do("ZSCAN", "none", "0", "COUNT", "0") == [b"0", []]


@pytest.mark.parametrize("count", [4, 300])
def test_every_member_has_the_same_chance(world: World, count: int) -> None:
    fill_sorted_set(world, count=count)
    draws = 400 * count
    counts: Counter[bytes] = Counter(world.do("ZRANDMEMBER", "z", str(-draws)))
    assert len(counts) == count
    chi_square = sum((drawn - 400) ** 2 / 400 for drawn in counts.values())
    assert chi_square < count + 5 * (2 * count) ** 0.5


@pytest.mark.parametrize("count", [10, 300])
@pytest.mark.parametrize("wanted", [1, 3, 9, 10, 50, 290])
def test_a_positive_count_draws_different_members(world: World, count: int, wanted: int) -> None:
    fill_sorted_set(world, count=count)
    drawn = world.do("ZRANDMEMBER", "z", str(wanted))
    assert len(set(drawn)) == len(drawn) == min(wanted, count)


def test_scores_come_with_the_members(world: World) -> None:
    fill_sorted_set(world)
    flat = world.do("ZRANDMEMBER", "z", "-3", "WITHSCORES")
    assert [b"m" + score for score in flat[1::2]] == flat[::2]
    world.do("HELLO", "3")
    assert world.raw("ZRANDMEMBER", "z", "1", "withscores").startswith(b"*1\r\n*2\r\n$2\r\nm")


def test_nothing_is_drawn_from_a_missing_key(world: World) -> None:
    assert world.do("ZRANDMEMBER", "none") is None
    assert world.do("ZRANDMEMBER", "none", "5") == []
    fill_sorted_set(world)
    assert world.do("ZRANDMEMBER", "z", "0") == []


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("x", NOT_AN_INTEGER),
        ("1 x", SYNTAX_ERROR),
        ("1 WITHSCORES x", SYNTAX_ERROR),
        (
            "-9223372036854775808",
            Error(b"ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"),
        ),
        ("4611686018427387904 WITHSCORES", Error(b"ERR value is out of range")),
        ("-4611686018427387904 WITHSCORES", Error(b"ERR value is out of range")),
    ],
)
def test_bad_counts_are_refused(world: World, words: str, error: Reply) -> None:
    assert world.do("ZRANDMEMBER", "none", *words.split()) == error
