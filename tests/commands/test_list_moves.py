"""Commands that move an element from list to list, or take elements from one of several lists."""

from __future__ import annotations

import pytest

from tests.commands.test_lists import whole
from tests.support.journal import Journal
from tests.support.keys import encoding
from tests.support.replies import NULL_ARRAY, SYNTAX_ERROR, Error, bulks
from tests.support.world import World


@pytest.mark.parametrize(
    ("ends", "moved", "source", "target"),
    [
        ("LEFT LEFT", b"a", "bc", "axy"),
        ("left right", b"a", "bc", "xya"),
        ("RIGHT LEFT", b"c", "ab", "cxy"),
        ("RIGHT RIGHT", b"c", "ab", "xyc"),
    ],
)
def test_an_element_moves_from_end_to_end(world: World, ends: str, moved: bytes, source: str, target: str) -> None:
    world.do("RPUSH", "l", *"abc")
    world.do("RPUSH", "m", *"xy")
    assert world.do("LMOVE", "l", "m", *ends.split()) == moved
    assert whole(world) == bulks(*source)
    assert whole(world, "m") == bulks(*target)


def test_a_list_can_be_rotated(world: World) -> None:
    world.do("RPUSH", "l", *"abc")
    assert world.do("RPOPLPUSH", "l", "l") == b"c"
    assert whole(world) == bulks(*"cab")


def test_a_list_of_one_element_stays_when_rotated(world: World) -> None:
    world.do("RPUSH", "l", "a")
    journal = Journal(world)
    assert world.do("LMOVE", "l", "l", "LEFT", "RIGHT") == b"a"
    assert journal.take() == ["* l", "rpush l", "lpop l", "* l"]


def test_a_quicklist_of_one_element_can_be_rotated(world: World) -> None:
    world.do("CONFIG", "SET", "list-max-listpack-size", "1")
    world.do("RPUSH", "l", "a", "b")
    world.do("LPOP", "l")
    assert encoding(world, b"l") == "quicklist"
    world.do("LMOVE", "l", "l", "LEFT", "RIGHT")
    assert whole(world) == [b"b"]


def test_the_events_of_a_move(world: World) -> None:
    world.do("RPUSH", "l", "a")
    journal = Journal(world)
    before = world.engine.keyspace.changes.since_save()
    world.do("RPOPLPUSH", "l", "m")
    assert journal.take() == ["new m", "* m", "lpush m", "rpop l", "del l", "* l"]
    assert world.engine.keyspace.changes.since_save() - before == 1


def test_without_a_source_nothing_moves(world: World) -> None:
    world.do("SET", "s", "v")
    assert world.do("LMOVE", "l", "s", "LEFT", "LEFT") is None
    assert world.do("RPOPLPUSH", "l", "m") is None
    assert world.do("LMOVE", "l", "m", "LEFT", "UP") == SYNTAX_ERROR


# LMPOP


def test_elements_come_from_the_first_list_that_exists(world: World) -> None:
    world.do("RPUSH", "l", *"abc")
    assert world.do("LMPOP", "2", "none", "l", "LEFT") == [b"l", [b"a"]]
    assert world.do("LMPOP", "2", "none", "l", "right", "count", "10") == [b"l", [b"c", b"b"]]
    assert world.do("LMPOP", "2", "none", "l", "RIGHT") == NULL_ARRAY


def test_a_list_may_have_the_name_of_an_option(world: World) -> None:
    world.do("RPUSH", "COUNT", "a")
    assert world.do("LMPOP", "1", "COUNT", "LEFT") == [b"COUNT", [b"a"]]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("0 l LEFT", "numkeys should be greater than 0"),
        ("x l LEFT", "numkeys should be greater than 0"),
        ("2 l LEFT", "syntax error"),
        ("9223372036854775807 l LEFT", "syntax error"),
        ("1 l UP", "syntax error"),
        ("1 l LEFT COUNT", "syntax error"),
        ("1 l LEFT COUNT 0", "count should be greater than 0"),
        ("1 l LEFT COUNT x", "count should be greater than 0"),
        ("1 l LEFT COUNT 1 COUNT 1", "syntax error"),
        ("1 l LEFT LIMIT 1", "syntax error"),
    ],
)
def test_bad_calls_are_refused(world: World, words: str, error: str) -> None:
    assert world.do("LMPOP", *words.split()) == Error(f"ERR {error}".encode())
    assert world.do("BLMPOP", "0", *words.split()) == Error(f"ERR {error}".encode())
