"""Commands on the ends of lists, and commands that read lists."""

from __future__ import annotations

import pytest

from tests.support.journal import Journal
from tests.support.keys import encoding, used
from tests.support.replies import NOT_AN_INTEGER, NOT_POSITIVE, NULL_ARRAY, WRONG_TYPE, Reply, bulks, wrong_arity
from tests.support.world import World


def whole(world: World, key: str = "l") -> Reply:
    return world.do("LRANGE", key, "0", "-1")


# Pushing.


def test_elements_are_pushed_one_after_the_other(world: World) -> None:
    assert world.do("RPUSH", "l", "a", "b") == 2
    assert world.do("LPUSH", "l", "c", "d") == 4
    assert whole(world) == [b"d", b"c", b"a", b"b"]


@pytest.mark.parametrize("command", ["LPUSHX", "RPUSHX"])
def test_lpushx_and_rpushx_need_an_existing_list(world: World, command: str) -> None:
    assert world.do(command, "l", "a") == 0
    assert world.do("EXISTS", "l") == 0
    world.do("RPUSH", "l", "a")
    assert world.do(command, "l", "b", "c") == 3


def test_each_pushed_element_counts_as_a_change(world: World) -> None:
    before = world.engine.keyspace.changes.since_save()
    world.do("RPUSH", "l", "a", "b", "c")
    assert world.engine.keyspace.changes.since_save() - before == 3


def test_a_push_notifies_its_event(world: World) -> None:
    journal = Journal(world)
    world.do("RPUSH", "l", "a", "b")
    world.do("LPUSH", "l", "c")
    assert journal.take() == ["new l", "* l", "rpush l", "* l", "lpush l"]


def test_a_list_of_numbers_is_small(world: World) -> None:
    before = used(world)
    world.do("RPUSH", "l", *range(100))
    world.do("RPUSH", "m", *range(100))
    assert encoding(world, b"l") == "listpack"
    assert world.do("MEMORY", "USAGE", "l") == 272
    assert used(world) > before


def test_a_large_list_is_a_quicklist_until_few_elements_are_left(world: World) -> None:
    world.do("RPUSH", "l", *["x" * 64] * 200)
    assert encoding(world, b"l") == "quicklist"
    assert world.do("MEMORY", "USAGE", "l") == 14504
    world.do("LPOP", "l", "190")
    assert encoding(world, b"l") == "listpack"


# Popping.


def test_pops_take_from_their_end(world: World) -> None:
    world.do("RPUSH", "l", "a", "b", "c")
    assert world.do("LPOP", "l") == b"a"
    assert world.do("RPOP", "l") == b"c"
    assert world.do("LPOP", "l") == b"b"
    assert world.do("EXISTS", "l") == 0


def test_several_elements_come_in_order_from_the_end_inwards(world: World) -> None:
    world.do("RPUSH", "l", "a", "b", "c", "d", "e")
    assert world.do("LPOP", "l", "2") == [b"a", b"b"]
    assert world.do("RPOP", "l", "2") == [b"e", b"d"]
    assert world.do("RPOP", "l", "0") == []
    assert world.do("RPOP", "l", "100") == [b"c"]


def test_popping_from_a_missing_list_gives_null(world: World) -> None:
    assert world.do("LPOP", "l") is None
    assert world.do("LPOP", "l", "2") == NULL_ARRAY
    assert world.do("LPOP", "l", "0") == NULL_ARRAY
    world.set_protocol(3)
    assert world.do("LPOP", "l") == world.do("LPOP", "l", "2") is None


@pytest.mark.parametrize("count", ["-1", "x", "", "1.0", "9223372036854775808"])
def test_a_count_must_not_be_negative(world: World, count: str) -> None:
    assert world.do("LPOP", "l", count) == NOT_POSITIVE


def test_pops_refuse_further_arguments(world: World) -> None:
    assert world.do("RPOP", "l", "1", "2") == wrong_arity("rpop")


def test_the_key_is_deleted_with_the_last_element(world: World) -> None:
    world.do("RPUSH", "l", "a", "b")
    journal = Journal(world)
    world.do("LPOP", "l")
    assert journal.take() == ["lpop l", "* l"]
    world.do("RPOP", "l", "5")
    assert journal.take() == ["rpop l", "del l", "* l"]


def test_each_popped_element_counts_as_a_change(world: World) -> None:
    world.do("RPUSH", "l", "a", "b", "c")
    before = world.engine.keyspace.changes.since_save()
    world.do("LPOP", "l", "10")
    assert world.engine.keyspace.changes.since_save() - before == 3


# Reading.


@pytest.mark.parametrize(
    ("start", "stop", "found"),
    [
        ("0", "-1", "abcde"),
        ("1", "3", "bcd"),
        ("-2", "-1", "de"),
        ("-100", "100", "abcde"),
        ("3", "1", ""),
        ("5", "6", ""),
        ("4", "9223372036854775807", "e"),
        ("-9223372036854775808", "0", "a"),
        ("0", "-6", ""),
    ],
)
def test_a_range_includes_both_ends(world: World, start: str, stop: str, found: str) -> None:
    for fill in ("-2", "2"):
        world.do("CONFIG", "SET", "list-max-listpack-size", fill)
        world.do("DEL", "l")
        world.do("RPUSH", "l", *"abcde")
        assert world.do("LRANGE", "l", start, stop) == bulks(*found)


def test_an_index_counts_from_either_end(world: World) -> None:
    world.do("RPUSH", "l", "a", "b", "c")
    assert [world.do("LINDEX", "l", at) for at in ("0", "-1", "3", "-4")] == [
        b"a",
        b"c",
        None,
        None,
    ]


def test_reading_a_missing_list(world: World) -> None:
    assert world.do("LLEN", "l") == 0
    assert world.do("LRANGE", "l", "0", "-1") == []
    assert world.do("LINDEX", "l", "x") is None


def test_the_numbers_of_a_range_are_checked_before_the_key(world: World) -> None:
    world.do("SET", "s", "v")
    assert world.do("LRANGE", "s", "a", "1") == NOT_AN_INTEGER
    assert world.do("LINDEX", "s", "a") == WRONG_TYPE
    world.do("RPUSH", "l", "a")
    assert world.do("LINDEX", "l", "a") == NOT_AN_INTEGER


@pytest.mark.parametrize(
    "words",
    [
        *[("RPUSH", "s", "a"), ("LPUSHX", "s", "a"), ("LPOP", "s"), ("RPOP", "s", "0"), ("LLEN", "s")],
        *[("LRANGE", "s", "0", "1"), ("LINDEX", "s", "0"), ("LSET", "s", "0", "v"), ("LREM", "s", "0", "v")],
        *[("LTRIM", "s", "0", "1"), ("LINSERT", "s", "AFTER", "a", "b"), ("LPOS", "s", "a")],
        *[("LMOVE", "s", "l", "LEFT", "LEFT"), ("RPOPLPUSH", "l", "s"), ("LMPOP", "1", "s", "LEFT")],
        *[("BLPOP", "s", "0"), ("BRPOPLPUSH", "l", "s", "0"), ("BLMPOP", "0", "1", "s", "LEFT")],
    ],
)
def test_other_types_are_refused(world: World, words: tuple[str, ...]) -> None:
    world.do("SET", "s", "v")
    world.do("RPUSH", "l", "a")
    assert world.do(*words) == WRONG_TYPE
    assert whole(world) == [b"a"]


def test_an_expired_list_does_not_exist(world: World) -> None:
    world.do("RPUSH", "l", "a")
    world.do("PEXPIRE", "l", "10")
    world.advance(20)
    assert world.do("RPUSH", "l", "b") == 1


def test_a_copy_of_a_list_has_the_same_digest(world: World) -> None:
    world.do("RPUSH", "l", "a", *["x" * 5000] * 3)
    world.do("COPY", "l", "m")
    assert world.do("DEBUG", "DIGEST-VALUE", "l") == world.do("DEBUG", "DIGEST-VALUE", "m")
    world.do("RPOP", "m")
    assert world.do("LLEN", "l") == 4
