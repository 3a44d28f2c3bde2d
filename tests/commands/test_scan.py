"""KEYS and SCAN."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.filling import fill
from tests.support.replies import INVALID_CURSOR, NOT_AN_INTEGER, SYNTAX_ERROR, Reply
from tests.support.wire import Argument
from tests.support.world import World


def page(world: World, cursor: Argument, *options: Argument) -> tuple[bytes, list[bytes]]:
    """The next cursor and the keys of one SCAN."""
    following, keys = world.do("SCAN", cursor, *options)
    assert isinstance(following, bytes)
    assert all(isinstance(key, bytes) for key in keys)
    return following, keys


def scan_all(world: World, *options: Argument, between: Callable[[], None] | None = None) -> list[bytes]:
    """All keys of a full SCAN; `between` is called after each call of SCAN."""
    cursor, found = page(world, 0, *options)
    while cursor != b"0":
        if between is not None:
            between()
        cursor, keys = page(world, cursor, *options)
        found += keys
    return found


# KEYS


def test_keys_lists_the_keys_that_match(world: World) -> None:
    world.do("MSET", "one", "1", "two", "2", "three", "3")
    assert sorted(world.do("KEYS", "*")) == [b"one", b"three", b"two"]
    assert sorted(world.do("KEYS", "t*")) == [b"three", b"two"]
    assert world.do("KEYS", "t[a-w]?") == [b"two"]
    assert world.do("KEYS", "x*") == []


def test_keys_lists_the_empty_key_for_a_lone_star_only(world: World) -> None:
    world.do("SET", "", "v")
    assert world.do("KEYS", "*") == [b""]
    assert world.do("KEYS", "**") == []


def test_keys_leaves_out_expired_keys_without_deleting_them(world: World) -> None:
    world.do("SET", "old", "v", "PX", "5")
    world.do("SET", "young", "v")
    world.clock.advance_ms(6)
    assert world.do("KEYS", "*") == [b"young"]
    assert world.do("DBSIZE") == 2


# SCAN


def test_scan_of_an_empty_database_ends_at_once(world: World) -> None:
    assert page(world, 0) == (b"0", [])


@pytest.mark.parametrize("count", [1, 10, 100, 5000])
def test_a_full_scan_finds_every_key_once(world: World, count: int) -> None:
    names = fill(world, 1000)
    world.advance(100)  # the table is not rehashing any more
    found = scan_all(world, "COUNT", count)
    assert sorted(found) == sorted(names)


def test_scan_gives_about_as_many_keys_as_asked_for(world: World) -> None:
    fill(world, 1000)
    world.advance(100)
    _, keys = page(world, 0, "COUNT", 100)
    assert 100 <= len(keys) < 120


def test_scan_matches_a_pattern(world: World) -> None:
    names = fill(world, 50)
    fill(world, 50, "other")
    assert set(scan_all(world, "MATCH", "key:*")) == names
    assert scan_all(world, "match", "nothing") == []
    assert len(scan_all(world, "MATCH", "nothing", "MATCH", "*")) == 100


def test_the_type_given_to_scan_is_case_insensitive(world: World) -> None:
    names = fill(world, 50)
    assert set(scan_all(world, "TYPE", "STRING")) == names
    assert scan_all(world, "TYPE", "list") == []
    assert scan_all(world, "TYPE", "no such type") == []
    assert scan_all(world, "TYPE", "") == []


def test_scan_takes_its_options_in_any_order(world: World) -> None:
    fill(world, 30)
    found = scan_all(world, "type", "string", "count", "3", "match", "key:1*")
    assert set(found) == {b"key:1"} | {b"key:%d" % number for number in range(10, 20)}


def test_scan_counts_lookups_only_with_a_type(world: World) -> None:
    fill(world, 5)
    scan_all(world)
    assert world.engine.keyspace.hits == 0
    scan_all(world, "TYPE", "string")
    assert world.engine.keyspace.hits == 5


@pytest.mark.parametrize("options", [(), ("TYPE", "string")])
def test_scan_deletes_expired_keys(world: World, options: tuple[str, ...]) -> None:
    world.do("SET", "old", "v", "PX", "5")
    world.do("SET", "young", "v")
    world.clock.advance_ms(6)
    assert scan_all(world, *options) == [b"young"]
    assert world.do("DBSIZE") == 1


@pytest.mark.parametrize("cursor", ["x", " 1", "1 ", "1x", "0x10", "18446744073709551616", "9" * 30, "+", "-", "1.0"])
def test_an_invalid_cursor_is_refused(world: World, cursor: str) -> None:
    assert world.do("SCAN", cursor) == INVALID_CURSOR
    assert world.do("SCAN", cursor, "COUNT", "0") == INVALID_CURSOR


@pytest.mark.parametrize("cursor", ["", "0", "-1", "+1", "007", "18446744073709551615", "0" * 5000, b"0\0x"])
def test_whatever_strtoul_reads_is_a_cursor(world: World, cursor: Argument) -> None:
    fill(world, 3)
    assert len(world.do("SCAN", cursor)) == 2


@pytest.mark.parametrize(
    ("options", "reply"),
    [
        (("COUNT",), SYNTAX_ERROR),
        (("COUNT", "0"), SYNTAX_ERROR),
        (("COUNT", "-1"), SYNTAX_ERROR),
        (("COUNT", "x"), NOT_AN_INTEGER),
        (("MATCH",), SYNTAX_ERROR),
        (("TYPE",), SYNTAX_ERROR),
        (("NONSENSE",), SYNTAX_ERROR),
        (("NONSENSE", "1"), SYNTAX_ERROR),
    ],
)
def test_scan_checks_its_options(world: World, options: tuple[str, ...], reply: Reply) -> None:
    assert world.do("SCAN", "0", *options) == reply


def test_a_huge_count_is_allowed(world: World) -> None:
    names = fill(world, 20)
    assert set(scan_all(world, "COUNT", 2**63 - 1)) == names


# The promise of a scan: a key that exists from its beginning to its end is found.


def test_keys_that_stay_are_found_while_the_table_grows(world: World) -> None:
    names = fill(world, 100)
    added = 0

    def grow() -> None:
        nonlocal added
        for _ in range(40 if added < 1500 else 0):
            world.do("SET", f"more:{added}", "v")
            added += 1

    found = scan_all(world, "COUNT", 5, between=grow)
    assert names <= set(found)
    assert added > 400


def test_keys_that_stay_are_found_while_the_table_shrinks(world: World) -> None:
    fill(world, 4000)
    staying = {b"key:%d" % number for number in range(50)}
    doomed = iter(range(50, 4000))

    def shrink() -> None:
        for number in [number for _, number in zip(range(300), doomed, strict=False)]:
            world.do("DEL", f"key:{number}")
        world.advance(100)  # the timer shrinks sparse tables

    before = world.engine.keyspace.databases[0].keys.buckets()
    found = scan_all(world, "COUNT", 10, between=shrink)
    assert staying <= set(found)
    assert world.engine.keyspace.databases[0].keys.buckets() < before


def test_keys_that_stay_are_found_while_the_table_is_rehashing(world: World) -> None:
    names = fill(world, 513)  # the number of buckets has just doubled
    assert world.engine.keyspace.databases[0].keys.is_rehashing()

    def step() -> None:
        for _ in range(4):
            world.do("GET", "none")

    found = scan_all(world, "COUNT", 3, between=step)
    assert names <= set(found)


@pytest.mark.parametrize("cursor", ["-1", "", "1 ", "x", "1.0", "18446744073709551616", "--1"])
def test_since_7_4_a_cursor_is_an_unsigned_number(cursor: str) -> None:
    newer = World(redis_version="7.4.1")
    newer.do("SET", "k", "v")
    for words in (["SCAN", cursor], ["HSCAN", "k", cursor], ["SSCAN", "none", cursor], ["ZSCAN", "k", cursor, "x"]):
        assert newer.do(*words) == INVALID_CURSOR


@pytest.mark.parametrize("cursor", ["+1", "01", " 1", "\t1", "-0", "1\x002", "-18446744073709551615"])
def test_since_7_4_the_spelling_of_a_cursor_is_still_free(cursor: str) -> None:
    assert World(redis_version="7.4.1").do("SCAN", cursor) == [b"0", []]


def test_before_7_4_a_cursor_may_be_negative_or_empty() -> None:
    older = World(redis_version="7.2.6")
    assert older.do("SCAN", "-1") == [b"0", []]
    assert older.do("SCAN", "") == [b"0", []]
