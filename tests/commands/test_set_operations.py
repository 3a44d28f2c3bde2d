"""Intersections, unions and differences, and the results that their STORE forms leave."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.keys import Watched, encoding, time_left_ms
from tests.support.replies import Error, Reply
from tests.support.world import World


def members(reply: Reply) -> set[bytes]:
    return set(reply)


def test_intersection_union_and_difference(world: World) -> None:
    world.do("SADD", "a", "1", "2", "x")
    world.do("SADD", "b", "2", "3", "x")
    assert members(world.do("SINTER", "a", "b")) == {b"2", b"x"}
    assert members(world.do("SUNION", "a", "b")) == {b"1", b"2", b"3", b"x"}
    assert members(world.do("SDIFF", "a", "b")) == {b"1"}


def test_missing_keys_are_empty_sets(world: World) -> None:
    world.do("SADD", "a", "1")
    assert world.do("SINTER", "a", "none") == []
    assert members(world.do("SUNION", "none", "a")) == {b"1"}
    assert members(world.do("SDIFF", "a", "none")) == {b"1"}
    assert world.do("SDIFF", "none", "a") == []


def test_a_set_minus_itself_is_empty(world: World) -> None:
    world.do("SADD", "a", "1", "x")
    assert world.do("SDIFF", "a", "none", "a") == []
    assert world.do("SINTER", "a", "a") == [b"1", b"x"]


@pytest.mark.parametrize("limit", [0, 1, 2, 3, 100])
def test_sintercard_counts_up_to_a_limit(world: World, limit: int) -> None:
    world.do("SADD", "a", *range(10))
    world.do("SADD", "b", *range(7, 20))
    assert world.do("SINTERCARD", "2", "a", "b", "LIMIT", limit) == (min(limit, 3) if limit else 3)
    assert world.do("SINTERCARD", "1", "a", "LIMIT", limit) == (min(limit, 10) if limit else 10)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("0", "a"), "numkeys should be greater than 0"),
        (("x", "a"), "numkeys should be greater than 0"),
        (("2", "a"), "Number of keys can't be greater than number of args"),
        (("1", "a", "LIMIT"), "syntax error"),
        (("1", "a", "FOO", "1"), "syntax error"),
        (("1", "a", "LIMIT", "-1"), "LIMIT can't be negative"),
        (("1", "a", "LIMIT", "x"), "LIMIT can't be negative"),
    ],
)
def test_sintercard_checks_its_arguments(world: World, words: tuple[str, ...], error: str) -> None:
    assert world.do("SINTERCARD", *words) == Error(f"ERR {error}".encode())


@pytest.mark.parametrize("command", ["SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"])
def test_a_stored_result_replaces_any_value(world: World, command: str) -> None:
    world.do("SADD", "a", "1", "2")
    world.do("SET", "k", "string", "PX", "5000")
    assert Watched(world).by(command, "k", "a") == ([f"{command.lower()} k"], 1)
    assert members(world.do("SMEMBERS", "k")) == {b"1", b"2"}
    assert time_left_ms(world) == -1


@pytest.mark.parametrize("command", ["SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"])
def test_storing_an_empty_result_deletes_the_destination(world: World, command: str) -> None:
    world.do("SET", "k", "string")
    watched = Watched(world)
    assert watched.by(command, "k", "none", "none") == (["del k"], 1)
    assert watched.by(command, "k", "none", "none") == ([], 0)
    assert world.do(command, "k", "none") == 0


def test_the_destination_may_be_a_source(world: World) -> None:
    world.do("SADD", "a", "1", "2")
    world.do("SADD", "b", "2", "3")
    assert world.do("SUNIONSTORE", "a", "a", "b") == 3
    assert world.do("SINTERSTORE", "a", "a", "b") == 2
    assert world.do("SDIFFSTORE", "a", "a", "b") == 0
    assert world.do("EXISTS", "a") == 0


# The encodings of results


def test_an_intersection_of_integers_becomes_an_intset(world: World) -> None:
    world.do("SADD", "words", "1", "2", "a")
    world.do("SADD", "more", "1", "2", "b", "c")
    world.do("SINTERSTORE", "k", "words", "more")
    assert encoding(world) == "intset"
    world.do("SADD", "long", "x" * 65, "1", "2")
    world.do("SINTERSTORE", "k", "long", "more")
    assert encoding(world) == "intset"


def test_an_intersection_with_a_word_is_a_listpack(world: World) -> None:
    world.do("SADD", "a", "x" * 65, "w", "1")
    world.do("SADD", "b", "w", "1", "y" * 65, "z")
    world.do("SINTERSTORE", "k", "a", "b")
    assert encoding(world) == "listpack"


def test_a_large_intersection_of_integers_stays_a_hash_table(world: World) -> None:
    world.do("SADD", "a", *range(600))
    world.do("SINTERSTORE", "k", "a", "a")
    assert encoding(world) == "hashtable"


def test_a_large_intersection_that_fits_an_intset_becomes_one(world: World) -> None:
    world.do("SADD", "a", *range(600))
    world.do("SADD", "b", *range(100, 612))
    world.do("SREM", "b", "600")
    world.do("SINTERSTORE", "k", "a", "b")
    assert encoding(world) == "intset"


def test_a_union_begins_as_an_intset(world: World) -> None:
    world.do("SADD", "a", "2", "x")
    world.do("SADD", "b", "1")
    world.do("SUNIONSTORE", "k", "a", "b")
    assert world.do("SMEMBERS", "k") == [b"2", b"x", b"1"]
    world.do("SREM", "a", "x")
    world.do("SUNIONSTORE", "k", "a", "b")
    assert encoding(world) == "intset"


def test_the_encoding_of_a_difference_depends_on_how_it_was_computed(world: World) -> None:
    """Redis either looks up each member in the other sets, or adds all members and removes those of the other sets."""
    everything = [b"m%d" % number for number in range(200)]
    world.do("SADD", "a", *everything)
    world.do("SADD", "b", *everything[:190])
    world.do("SDIFFSTORE", "k", "a", "b")
    assert encoding(world) == "listpack"
    for name in (b"c", b"d", b"e"):
        world.do("SADD", name, "m1")
    world.do("SADD", "b", *everything[:198])
    world.do("SDIFFSTORE", "k", "a", "b", "c", "d", "e")
    assert encoding(world) == "hashtable"
    assert world.do("SCARD", "k") == 2


MEMBER = st.one_of(st.integers(0, 9).map(str), st.sampled_from(["a", "b", "x" * 65]))


@given(st.lists(st.sets(MEMBER, min_size=1), min_size=1, max_size=4))
def test_operations_agree_with_python(sets: list[set[str]]) -> None:
    world = World()
    for at, one in enumerate(sets):
        world.do("SADD", f"s{at}", *sorted(one))
    names = [f"s{at}" for at in range(len(sets))]
    expected = {"SINTER": set.intersection(*sets), "SUNION": set.union(*sets), "SDIFF": sets[0].difference(*sets[1:])}
    for command, wanted in expected.items():
        assert members(world.do(command, *names)) == {one.encode() for one in wanted}
        assert world.do(f"{command}STORE", "k", *names) == len(wanted)
        assert members(world.do("SMEMBERS", "k")) == {one.encode() for one in wanted}
        world.check()
