"""Commands that search lists and change them in the middle."""

from __future__ import annotations

import pytest

from tests.commands.test_lists import whole
from tests.support.journal import Journal
from tests.support.keys import encoding
from tests.support.replies import NO_SUCH_KEY, NOT_AN_INTEGER, OK, SYNTAX_ERROR, Error, Reply, bulks
from tests.support.world import World

FILLS = ["-2", "3"]


@pytest.fixture(params=FILLS)
def letters(world: World, request: pytest.FixtureRequest) -> World:
    """The list a b c a b c a, as a listpack and as a quicklist."""
    world.do("CONFIG", "SET", "list-max-listpack-size", request.param)
    world.do("RPUSH", "l", *"abcabca")
    return world


# LSET, LINSERT


def test_an_element_is_set(letters: World) -> None:
    assert letters.do("LSET", "l", "1", "x") == OK
    assert letters.do("LSET", "l", "-1", "y") == OK
    assert whole(letters) == bulks(*"axcabcy")


def test_lset_needs_an_existing_element(letters: World) -> None:
    assert letters.do("LSET", "l", "7", "x") == letters.do("LSET", "l", "-8", "x") == Error(b"ERR index out of range")
    assert letters.do("LSET", "none", "x", "x") == NO_SUCH_KEY
    assert letters.do("LSET", "l", "x", "x") == NOT_AN_INTEGER


@pytest.mark.parametrize(
    ("index", "place"),
    [(1 << 32, 0), ((1 << 32) + 2, 2), (-(1 << 63), 0), ((1 << 63) - 1, 6), ((1 << 32) - 3, 4), (-(1 << 32) - 1, 6)],
)
def test_lset_takes_the_low_32_bits_of_an_index(letters: World, index: int, place: int) -> None:
    assert letters.do("LSET", "l", index, "x") == OK
    assert whole(letters) == bulks(*("x" if at == place else letter for at, letter in enumerate("abcabca")))


def test_an_element_is_inserted_beside_the_first_match(letters: World) -> None:
    assert letters.do("LINSERT", "l", "before", "c", "x") == 8
    assert letters.do("LINSERT", "l", "AFTER", "c", "y") == 9
    assert whole(letters) == bulks(*"abxcyabca")


def test_without_a_match_nothing_is_inserted(letters: World) -> None:
    assert letters.do("LINSERT", "l", "AFTER", "z", "x") == -1
    assert letters.do("LINSERT", "none", "AFTER", "z", "x") == 0
    assert letters.do("LINSERT", "none", "BESIDE", "z", "x") == SYNTAX_ERROR


def test_a_list_grows_for_an_element_that_is_not_inserted(world: World) -> None:
    world.do("RPUSH", "l", "a")
    world.do("LINSERT", "l", "AFTER", "z", "x" * 9000)
    assert encoding(world, b"l") == "quicklist"


# LREM, LTRIM


@pytest.mark.parametrize(
    ("count", "removed", "left"),
    [("0", 3, "bcbc"), ("2", 2, "bcbca"), ("-2", 2, "abcbc"), ("-9223372036854775808", 3, "bcbc")],
)
def test_equal_elements_are_removed(letters: World, count: str, removed: int, left: str) -> None:
    assert letters.do("LREM", "l", count, "a") == removed
    assert whole(letters) == bulks(*left)


def test_each_removed_element_counts_as_a_change(letters: World) -> None:
    before = letters.engine.keyspace.changes.since_save()
    journal = Journal(letters)
    letters.do("LREM", "l", "0", "x")
    letters.do("LREM", "l", "0", "a")
    assert letters.engine.keyspace.changes.since_save() - before == 3
    assert journal.take() == ["lrem l", "* l"]


def test_removing_all_elements_deletes_the_list(world: World) -> None:
    world.do("RPUSH", "l", "a", "a")
    journal = Journal(world)
    assert world.do("LREM", "l", "0", "a") == 2
    assert journal.take() == ["lrem l", "del l", "* l"]


@pytest.mark.parametrize(
    ("start", "stop", "left"),
    [
        ("1", "-2", "bcabc"),
        ("0", "-1", "abcabca"),
        ("-3", "100", "bca"),
        ("2", "2", "c"),
        ("5", "1", ""),
        ("9", "9", ""),
    ],
)
def test_a_list_is_trimmed_to_a_range(letters: World, start: str, stop: str, left: str) -> None:
    assert letters.do("LTRIM", "l", start, stop) == OK
    assert whole(letters) == bulks(*left)
    assert letters.do("EXISTS", "l") == (1 if left else 0)


def test_trimming_notifies_even_if_it_removes_nothing(world: World) -> None:
    world.do("RPUSH", "l", "a")
    journal = Journal(world)
    before = world.engine.keyspace.changes.since_save()
    world.do("LTRIM", "l", "0", "-1")
    assert journal.take() == ["ltrim l", "* l"]
    assert world.engine.keyspace.changes.since_save() == before
    assert world.do("LTRIM", "none", "0", "1") == OK


# LPOS


@pytest.mark.parametrize(
    ("options", "reply"),
    [
        ("", 0),
        ("RANK 2", 3),
        ("rank -1", 6),
        ("RANK -3", 0),
        ("RANK 4", None),
        ("COUNT 0", [0, 3, 6]),
        ("COUNT 2", [0, 3]),
        ("COUNT 2 RANK -1", [6, 3]),
        ("COUNT 0 MAXLEN 6", [0, 3]),
        ("COUNT 0 MAXLEN 4 RANK -1", [6, 3]),
        ("RANK 3 MAXLEN 6", None),
        ("COUNT 0 MAXLEN 0 RANK 5", []),
        ("COUNT 1 RANK 9223372036854775807", []),
    ],
)
def test_places_of_equal_elements(letters: World, options: str, reply: Reply) -> None:
    assert letters.do("LPOS", "l", "a", *options.split()) == reply


def test_places_in_a_missing_list(world: World) -> None:
    assert world.do("LPOS", "l", "a") is None
    assert world.do("LPOS", "l", "a", "COUNT", "0") == []


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (
            "RANK 0",
            "RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start "
            "from the end of the list",
        ),
        (
            "RANK -9223372036854775808",
            "value is out of range, value must between -9223372036854775807 and 9223372036854775807",
        ),
        ("RANK x", "value is not an integer or out of range"),
        ("COUNT -1", "COUNT can't be negative"),
        ("COUNT x", "COUNT can't be negative"),
        ("MAXLEN -1", "MAXLEN can't be negative"),
        ("RANK", "syntax error"),
        ("FIRST 1", "syntax error"),
    ],
)
def test_bad_options_are_refused(world: World, options: str, error: str) -> None:
    assert world.do("LPOS", "l", "a", *options.split()) == Error(f"ERR {error}".encode())


def test_since_7_4_lrem_refuses_the_least_number() -> None:
    least = "-9223372036854775808"
    bounds = b"-9223372036854775807 and 9223372036854775807"
    assert World(redis_version="7.2.6").do("LREM", "l", least, "a") == 0
    newer = World(redis_version="7.4.1")
    assert newer.do("LREM", "l", least, "a") == Error(b"ERR value is out of range, value must between " + bounds)
    assert newer.do("LREM", "l", "-9223372036854775807", "a") == 0
