"""Commands on one set or two: replies, encodings, events, blocks."""

from __future__ import annotations

import pytest

from tests.support.keys import Watched, add_foreign, encoding, time_left_ms, used
from tests.support.replies import INVALID_CURSOR, SYNTAX_ERROR, WRONG_TYPE, Set
from tests.support.world import World


@pytest.mark.parametrize(
    "words",
    [
        ("SADD", "f", "m"),
        ("SREM", "f", "m"),
        ("SMOVE", "f", "k", "m"),
        ("SMOVE", "k", "f", "m"),
        ("SCARD", "f"),
        ("SISMEMBER", "f", "m"),
        ("SMISMEMBER", "f", "m"),
        ("SMEMBERS", "f"),
        ("SPOP", "f"),
        ("SPOP", "f", "2"),
        ("SRANDMEMBER", "f"),
        ("SRANDMEMBER", "f", "2"),
        ("SSCAN", "f", "0"),
        ("SINTER", "k", "f"),
        ("SINTER", "none", "f"),
        ("SINTERCARD", "2", "none", "f"),
        ("SINTERSTORE", "d", "none", "f"),
        ("SUNION", "k", "f"),
        ("SUNIONSTORE", "d", "f"),
        ("SDIFF", "none", "f"),
        ("SDIFFSTORE", "d", "k", "k", "f"),
    ],
)
def test_other_types_are_refused(world: World, words: tuple[str, ...]) -> None:
    world.do("SADD", "k", "m")
    add_foreign(world)
    assert world.do(*words) == WRONG_TYPE
    assert world.do("SMEMBERS", "k") == [b"m"]


# SADD, SREM


def test_sadd_counts_the_new_members(world: World) -> None:
    assert world.do("SADD", "k", "a", "b", "a") == 2
    assert world.do("SADD", "k", "b", "c") == 1
    assert world.do("SMEMBERS", "k") == [b"a", b"b", b"c"]


def test_sadd_of_one_member(world: World) -> None:
    assert world.do("SADD", "k", "a") == 1
    assert world.do("SADD", "k", "a") == 0


def test_sadd_notifies_only_if_it_adds_a_member(world: World) -> None:
    watched = Watched(world)
    assert watched.by("SADD", "k", "a", "b", "a") == (["sadd k"], 2)
    assert watched.by("SADD", "k", "a") == ([], 0)


def test_integers_are_listed_in_ascending_order(world: World) -> None:
    world.do("SADD", "k", "10", "9", "-1")
    assert world.do("SMEMBERS", "k") == [b"-1", b"9", b"10"]


@pytest.mark.parametrize(
    ("members", "name"),
    [
        ([b"1", b"2"], "intset"),
        ([b"1", b"a"], "listpack"),
        ([b"a", b"1"], "listpack"),
        ([b"%d" % number for number in range(513)], "hashtable"),
        ([b"a"] * 129, "hashtable"),
        ([b"1"] * 513, "hashtable"),
        ([b"a", b"x" * 65], "hashtable"),
    ],
)
def test_the_first_members_choose_the_encoding(world: World, members: list[bytes], name: str) -> None:
    world.do("SADD", "k", *members)
    assert encoding(world) == name


def test_settings_take_effect_with_the_next_addition(world: World) -> None:
    world.do("SADD", "i", "1", "2", "3")
    world.do("SADD", "l", "a", "b", "c")
    world.do("CONFIG", "SET", "set-max-intset-entries", "2", "set-max-listpack-entries", "2")
    assert encoding(world, b"i") == "intset"
    world.do("SADD", "i", "1")
    world.do("SADD", "l", "a")
    assert (encoding(world, b"i"), encoding(world, b"l")) == ("intset", "listpack")
    world.do("SADD", "i", "4")
    world.do("SADD", "l", "d")
    assert (encoding(world, b"i"), encoding(world, b"l")) == ("hashtable", "hashtable")


def test_with_a_limit_of_zero_every_sadd_makes_a_hash_table(world: World) -> None:
    world.do("SADD", "i", "1")
    world.do("SADD", "l", "a")
    world.do("CONFIG", "SET", "set-max-intset-entries", "0", "set-max-listpack-entries", "0")
    world.do("SADD", "i", "1")
    world.do("SADD", "l", "a")
    assert (encoding(world, b"i"), encoding(world, b"l")) == ("hashtable", "hashtable")


def test_srem_counts_the_members_removed(world: World) -> None:
    world.do("SADD", "k", "a", "b", "c")
    assert world.do("SREM", "k", "a", "z", "a", "b") == 2
    assert world.do("SREM", "none", "a") == 0


def test_the_key_is_deleted_with_the_last_member(world: World) -> None:
    watched = Watched(world)
    empty = used(world)
    for members in (("1", "2"), ("a", "b"), ("a" * 65, "b")):
        world.do("SADD", "k", *members)
        assert watched.by("SREM", "k", *members, "more") == (["srem k", "del k"], 2)
        assert world.do("EXISTS", "k") == 0
    assert used(world) == pytest.approx(empty, abs=200_000)  # the first call of each command allocates a histogram


# SMOVE


def test_smove_moves_a_member(world: World) -> None:
    world.do("SADD", "a", "1", "2")
    watched = Watched(world)
    assert watched.by("SMOVE", "a", "b", "1") == (["srem a", "sadd b"], 2)
    assert watched.by("SMOVE", "a", "b", "9") == ([], 0)
    assert watched.by("SMOVE", "a", "b", "2") == (["srem a", "del a", "sadd b"], 2)
    assert world.do("SMEMBERS", "b") == [b"1", b"2"]


def test_smove_to_a_set_that_has_the_member_only_removes_it(world: World) -> None:
    world.do("SADD", "a", "1", "2")
    world.do("SADD", "b", "1")
    assert Watched(world).by("SMOVE", "a", "b", "1") == (["srem a"], 1)


def test_smove_within_one_set_changes_nothing(world: World) -> None:
    world.do("SADD", "a", "1")
    assert world.do("SMOVE", "a", "a", "1") == 1
    assert world.do("SMOVE", "a", "a", "2") == 0
    assert Watched(world).by("SMOVE", "a", "a", "1") == ([], 0)


def test_smove_from_a_missing_key_does_not_check_the_destination(world: World) -> None:
    add_foreign(world)
    assert world.do("SMOVE", "none", "f", "1") == 0


# Reading


def test_membership(world: World) -> None:
    world.do("SADD", "k", "a", "1")
    assert world.do("SISMEMBER", "k", "a") == 1
    assert world.do("SISMEMBER", "k", "b") == 0
    assert world.do("SMISMEMBER", "k", "1", "x", "a") == [1, 0, 1]
    assert world.do("SCARD", "k") == 2


def test_only_the_canonical_spelling_is_an_integer(world: World) -> None:
    world.do("SADD", "k", "1")
    assert world.do("SMISMEMBER", "k", "01", "+1", "1.0", " 1", "") == [0] * 5


def test_a_missing_key_is_an_empty_set(world: World) -> None:
    assert world.do("SCARD", "k") == 0
    assert world.do("SISMEMBER", "k", "a") == 0
    assert world.do("SMISMEMBER", "k", "a", "b") == [0, 0]
    assert world.do("SMEMBERS", "k") == []
    assert world.do("SSCAN", "k", "0", "COUNT", "0") == [b"0", []]


def test_sets_are_sets_under_resp3(world: World) -> None:
    world.do("SADD", "k", "1", "2")
    world.set_protocol(3)
    both = Set([b"1", b"2"])
    for words in (("SMEMBERS", "k"), ("SINTER", "k"), ("SUNION", "k"), ("SDIFF", "k"), ("SPOP", "k", "5")):
        assert world.do(*words) == both
    assert world.do("SMEMBERS", "k") == Set([])
    assert world.do("SPOP", "k", "1") == Set([])
    assert world.do("SPOP", "k") is None
    assert world.do("SRANDMEMBER", "k") is None
    assert world.do("SRANDMEMBER", "k", "1") == []


# SSCAN


def scanned(world: World, *options: str | int) -> list[bytes]:
    """All members that a full scan gives."""
    cursor = b"0"
    found: list[bytes] = []
    while True:
        cursor, page = world.do("SSCAN", "k", cursor, *options)
        assert isinstance(page, list)
        found += page
        if cursor == b"0":
            return found


def test_sscan_gives_a_small_set_at_once(world: World) -> None:
    world.do("SADD", "k", "1", "2", "3")
    assert world.do("SSCAN", "k", "0", "COUNT", "1") == [b"0", [b"1", b"2", b"3"]]


def test_sscan_scans_a_large_set_in_steps(world: World) -> None:
    members = [b"m%d" % number for number in range(1000)]
    world.do("SADD", "k", *members)
    assert world.do("SSCAN", "k", "0")[0] != b"0"
    assert sorted(scanned(world)) == sorted(members)
    assert sorted(scanned(world, "MATCH", "m1?", "COUNT", 50)) == [b"m%d" % number for number in range(10, 20)]


def test_sscan_checks_its_arguments(world: World) -> None:
    world.do("SADD", "k", "1")
    assert world.do("SSCAN", "none", "x") == INVALID_CURSOR
    assert world.do("SSCAN", "k", "0", "COUNT", "0") == SYNTAX_ERROR
    assert world.do("SSCAN", "k", "0", "TYPE", "set") == SYNTAX_ERROR


# Generic commands


def test_copies_are_independent(world: World) -> None:
    for members in (("1", "2"), ("a", "b"), ("a", "b" * 65)):
        world.do("DEL", "k", "c")
        world.do("SADD", "k", *members)
        assert world.do("COPY", "k", "c") == 1
        world.do("SADD", "c", "3")
        assert world.do("SCARD", "k") == 2
        assert encoding(world, b"c") == encoding(world, b"k")


def test_changes_keep_the_time_to_live(world: World) -> None:
    world.do("SADD", "k", "a")
    world.do("PEXPIRE", "k", 5000)
    world.do("SADD", "k", "b", "c")
    world.do("SREM", "k", "a")
    assert time_left_ms(world) == 5000


def test_the_effort_to_free_a_hash_table_is_its_number_of_members(world: World) -> None:
    world.do("SADD", "k", *range(100))
    world.do("SADD", "h", "x" * 65, *range(100))
    values = world.engine.keyspace.databases[0]
    efforts = [values.peek(name) for name in (b"k", b"h")]
    assert [value.free_effort() for value in efforts if value is not None] == [1, 101]
