"""SPOP and SRANDMEMBER: the number of members, the encoding of what is left, and fairness."""

from __future__ import annotations

import pytest

from tests.support.keys import Watched, encoding, time_left_ms
from tests.support.replies import NOT_AN_INTEGER, NOT_POSITIVE, SYNTAX_ERROR, Error, Reply
from tests.support.world import World

#: Chi-square with 19 degrees of freedom: exceeded by chance once in 10,000 runs.
CHI_SQUARE_19 = 52.4
DRAWS = 4000


def members(reply: Reply) -> list[bytes]:
    """The bulk strings of an array, or the only one."""
    return reply if isinstance(reply, list) else [reply]


def sets_of(count: int) -> dict[str, list[bytes]]:
    """Members for a set of each encoding."""
    return {
        "intset": [b"%d" % number for number in range(count)],
        "listpack": [b"m%d" % number for number in range(count)],
        "hashtable": [b"m%d" % number for number in range(count - 1)] + [b"x" * 65],
    }


ENCODINGS = ["intset", "listpack", "hashtable"]


# SPOP


@pytest.mark.parametrize("name", ENCODINGS)
def test_spop_removes_one_member(world: World, name: str) -> None:
    world.do("SADD", "k", *sets_of(20)[name])
    (popped,) = members(world.do("SPOP", "k"))
    assert popped in sets_of(20)[name]
    assert world.do("SISMEMBER", "k", popped) == 0
    assert world.do("SCARD", "k") == 19
    assert encoding(world) == name


@pytest.mark.parametrize("count", [1, 5, 16, 17, 19, 20, 100])
@pytest.mark.parametrize("name", ENCODINGS)
def test_spop_with_a_count_removes_that_many_members(world: World, name: str, count: int) -> None:
    everything = sets_of(20)[name]
    world.do("SADD", "k", *everything)
    popped = members(world.do("SPOP", "k", count))
    assert len(popped) == len(set(popped)) == min(count, 20)
    assert sorted(popped + members(world.do("SMEMBERS", "k"))) == sorted(everything)


def test_spop_that_leaves_few_members_builds_a_smaller_encoding(world: World) -> None:
    everything = [b"m%d" % number for number in range(200)]
    world.do("SADD", "k", *everything)
    world.do("PEXPIRE", "k", 5000)
    world.do("SPOP", "k", 166)  # 34 are left, and five times 34 is more than 166
    assert encoding(world) == "hashtable"
    world.do("SPOP", "k", 29)  # 5 are left
    assert encoding(world) == "listpack"
    assert time_left_ms(world) == 5000


def test_a_set_that_is_rebuilt_from_long_members_is_a_hash_table_again(world: World) -> None:
    world.do("SADD", "k", *[b"%065d" % number for number in range(20)])
    world.do("SPOP", "k", 19)
    assert encoding(world) == "hashtable"


def test_a_rebuilt_intset_is_only_as_wide_as_it_has_to_be(world: World) -> None:
    world.do("SADD", "k", *range(100), 2**40)
    world.do("SREM", "k", 2**40)
    world.do("SPOP", "k", 90)
    assert encoding(world) == "intset"
    assert (
        world.do("MEMORY", "USAGE", "k") == 80
    )  # a header of 8 bytes and 10 integers of 2 bytes are 28 bytes, in a block of 32


def test_spop_of_a_missing_key(world: World) -> None:
    assert world.do("SPOP", "k") is None
    assert world.do("SPOP", "k", "3") == []


def test_spop_with_a_count_of_zero_changes_nothing(world: World) -> None:
    world.do("SADD", "k", "a")
    watched = Watched(world)
    assert watched.by("SPOP", "k", "0") == ([], 0)
    assert world.do("SPOP", "k", "0") == []


def test_spop_notifies_and_counts_what_it_removed(world: World) -> None:
    world.do("SADD", "k", *range(10))
    watched = Watched(world)
    assert watched.by("SPOP", "k") == (["spop k"], 1)
    assert watched.by("SPOP", "k", "8") == (["spop k"], 8)
    assert watched.by("SPOP", "k") == (["spop k", "del k"], 1)
    world.do("SADD", "k", *range(10))
    assert watched.by("SPOP", "k", "11") == (["spop k", "del k"], 10)


@pytest.mark.parametrize("count", ["-1", "x", "1.5", "", "9223372036854775808"])
def test_spop_checks_its_count_before_the_key(world: World, count: str) -> None:
    assert world.do("SPOP", "none", count) == NOT_POSITIVE


def test_spop_and_srandmember_take_only_one_count(world: World) -> None:
    assert world.do("SPOP", "k", "1", "2") == SYNTAX_ERROR
    assert world.do("SRANDMEMBER", "k", "1", "2") == SYNTAX_ERROR


# SRANDMEMBER


@pytest.mark.parametrize("count", [1, 3, 6, 7, 19, 20, 21])
@pytest.mark.parametrize("name", ENCODINGS)
def test_srandmember_gives_different_members(world: World, name: str, count: int) -> None:
    everything = sets_of(20)[name]
    world.do("SADD", "k", *everything)
    drawn = members(world.do("SRANDMEMBER", "k", count))
    assert len(drawn) == len(set(drawn)) == min(count, 20)
    assert set(drawn) <= set(everything)
    assert world.do("SCARD", "k") == 20


@pytest.mark.parametrize("name", ENCODINGS)
def test_a_negative_count_may_repeat_members(world: World, name: str) -> None:
    world.do("SADD", "k", *sets_of(20)[name])
    drawn = members(world.do("SRANDMEMBER", "k", -100))
    assert len(drawn) == 100
    assert set(drawn) <= set(sets_of(20)[name])


def test_srandmember_of_a_missing_key(world: World) -> None:
    assert world.do("SRANDMEMBER", "k") is None
    assert world.do("SRANDMEMBER", "k", "3") == []
    assert world.do("SRANDMEMBER", "k", "-3") == []


def test_srandmember_needs_a_count_in_range(world: World) -> None:
    assert world.do("SRANDMEMBER", "k", "x") == NOT_AN_INTEGER
    assert world.do("SRANDMEMBER", "k", -(2**63)) == Error(
        b"ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"
    )


# Fairness


def chi_square(drawn: list[bytes], everything: list[bytes]) -> float:
    expected = len(drawn) / len(everything)
    return sum((drawn.count(member) - expected) ** 2 / expected for member in everything)


@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize("count", ["", "-10", "1", "5", "12"])
def test_every_member_is_drawn_as_often(world: World, name: str, count: str) -> None:
    everything = sets_of(20)[name]
    world.do("SADD", "k", *everything)
    words = ["SRANDMEMBER", "k", count] if count else ["SRANDMEMBER", "k"]
    drawn: list[bytes] = []
    while len(drawn) < DRAWS:
        drawn += members(world.do(*words))
    assert chi_square(drawn, everything) < CHI_SQUARE_19


@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize("count", ["", "4", "18"])
def test_every_member_is_popped_as_often(world: World, name: str, count: str) -> None:
    everything = sets_of(20)[name]
    words = ["SPOP", "k", count] if count else ["SPOP", "k"]
    popped: list[bytes] = []
    while len(popped) < DRAWS:
        world.do("DEL", "k")
        world.do("SADD", "k", *everything)
        popped += members(world.do(*words))
    assert chi_square(popped, everything) < CHI_SQUARE_19
