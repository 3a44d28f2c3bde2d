"""Commands that list, draw and scan the fields of hashes."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.support.replies import INVALID_CURSOR, NOT_AN_INTEGER, SYNTAX_ERROR, Error, Map, Reply
from tests.support.world import World

SIZES = pytest.mark.parametrize("size", [5, 700], ids=["listpack", "hashtable"])


def fill(world: World, size: int) -> dict[bytes, bytes]:
    """Set fields of the hash k."""
    pairs = {b"f%d" % index: b"v%d" % index for index in range(size)}
    for field, value in pairs.items():
        world.do("HSET", "k", field, value)
    return pairs


@SIZES
def test_all_fields_and_values_are_listed(world: World, size: int) -> None:
    pairs = fill(world, size)
    assert sorted(world.do("HKEYS", "k")) == sorted(pairs)
    assert sorted(world.do("HVALS", "k")) == sorted(pairs.values())
    listed = world.do("HGETALL", "k")
    assert dict(zip(listed[::2], listed[1::2], strict=True)) == pairs


def test_nothing_is_listed_for_a_missing_key(world: World) -> None:
    for command in ("HKEYS", "HVALS", "HGETALL"):
        assert world.do(command, "k") == []
    world.do("HELLO", "3")
    assert world.do("HGETALL", "k") == Map({})
    assert world.do("HKEYS", "k") == []


def test_hgetall_is_a_map_under_resp3(world: World) -> None:
    world.do("HELLO", "3")
    fill(world, 2)
    assert world.do("HGETALL", "k") == Map({b"f0": b"v0", b"f1": b"v1"})


# HRANDFIELD.


def test_nothing_is_drawn_from_a_missing_key(world: World) -> None:
    assert world.do("HRANDFIELD", "k") is None
    assert world.do("HRANDFIELD", "k", "3") == []
    assert world.do("HRANDFIELD", "k", "-3", "WITHVALUES") == []


@SIZES
@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 300, 699, 10000])
def test_a_positive_count_draws_different_fields(world: World, size: int, count: int) -> None:
    pairs = fill(world, size)
    drawn = world.do("HRANDFIELD", "k", count)
    assert len(drawn) == len(set(drawn)) == min(count, size)
    assert set(drawn) <= set(pairs)
    flat = world.do("HRANDFIELD", "k", count, "withvalues")
    assert len(flat) == 2 * min(count, size)
    assert all(pairs[field] == value for field, value in zip(flat[::2], flat[1::2], strict=True))


@SIZES
def test_a_negative_count_draws_as_many_fields_with_repetition(world: World, size: int) -> None:
    pairs = fill(world, size)
    drawn = world.do("HRANDFIELD", "k", -1000)
    assert len(drawn) == 1000
    assert set(drawn) <= set(pairs)
    flat = world.do("HRANDFIELD", "k", -50, "WITHVALUES")
    assert all(pairs[field] == value for field, value in zip(flat[::2], flat[1::2], strict=True))
    assert len(flat) == 100


def test_values_come_in_pairs_under_resp3(world: World) -> None:
    world.do("HELLO", "3")
    fill(world, 1)
    pair = [b"f0", b"v0"]
    assert world.do("HRANDFIELD", "k", "1", "WITHVALUES") == [pair]
    assert world.do("HRANDFIELD", "k", "-2", "WITHVALUES") == [pair, pair]


@pytest.mark.parametrize("count", [1, 3, 5])
def test_every_field_has_the_same_chance(world: World, count: int) -> None:
    fill(world, 10)
    drawn: Counter[bytes] = Counter()
    for _ in range(3000):
        drawn.update(world.do("HRANDFIELD", "k", count))
    expected = 300 * count
    assert (
        sum((drawn[b"f%d" % i] - expected) ** 2 / expected for i in range(10)) < 27.9
    )  # chi-square with 9 degrees of freedom: exceeded by chance once in 1000 runs


@pytest.mark.parametrize(
    ("words", "reply"),
    [
        (["x"], NOT_AN_INTEGER),
        (["x", "y"], NOT_AN_INTEGER),
        (["1", "y"], SYNTAX_ERROR),
        (["1", "WITHVALUES", "y"], SYNTAX_ERROR),
        (
            ["-9223372036854775808"],
            Error(b"ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"),
        ),
        (["-4611686018427387904", "WITHVALUES"], Error(b"ERR value is out of range")),
        (["4611686018427387904", "WITHVALUES"], Error(b"ERR value is out of range")),
    ],
)
def test_hrandfield_refuses(world: World, words: list[str], reply: Reply) -> None:
    fill(world, 1)
    assert world.do("HRANDFIELD", "k", *words) == reply
    assert world.do("HRANDFIELD", "missing", *words) == reply


# HSCAN.


def scan_all(world: World, *options: str) -> list[bytes]:
    """Everything that a full scan lists."""
    listed: list[bytes] = []
    cursor = b"0"
    while True:
        cursor, page = world.do("HSCAN", "k", cursor, *options)
        assert isinstance(page, list)
        listed += page
        if cursor == b"0":
            return listed


@SIZES
@pytest.mark.parametrize("count", ["1", "10", "1000"])
def test_a_whole_scan_lists_all_pairs(world: World, size: int, count: str) -> None:
    pairs = fill(world, size)
    listed = scan_all(world, "COUNT", count)
    assert dict(zip(listed[::2], listed[1::2], strict=True)) == pairs


@SIZES
def test_a_scan_can_leave_out_the_values(world: World, size: int) -> None:
    pairs = fill(world, size)
    assert sorted(set(scan_all(world, "novalues"))) == sorted(pairs)
    assert scan_all(world, "MATCH", "f3", "NOVALUES") == [b"f3"]


@SIZES
def test_a_scan_can_select_fields(world: World, size: int) -> None:
    fill(world, size)
    assert scan_all(world, "MATCH", "f3", "COUNT", "1000") == [b"f3", b"v3"]


def test_a_scan_checks_its_options_only_if_the_key_exists(world: World) -> None:
    assert world.do("HSCAN", "k", "x") == INVALID_CURSOR
    assert world.do("HSCAN", "k", "7", "FOO") == [b"0", []]
    fill(world, 1)
    for words in (["FOO"], ["COUNT", "0"], ["TYPE", "hash"], ["MATCH"]):
        assert world.do("HSCAN", "k", "0", *words) == SYNTAX_ERROR
