"""SORT and SORT_RO."""

from __future__ import annotations

import pytest

from pyredmem.objects.sorted_set import build_sorted_set
from tests.support.keys import Watched, add_foreign, encoding, time_left_ms
from tests.support.replies import NOT_AN_INTEGER, SYNTAX_ERROR, WRONG_TYPE, Error
from tests.support.world import World

NOT_A_SCORE = Error(b"ERR One or more scores can't be converted into double")


def add_sorted_set(world: World, *items: tuple[bytes, float]) -> None:
    """Let the key hold a sorted set."""
    keyspace = world.engine.keyspace
    made = build_sorted_set(list(items), keyspace.allocator, keyspace.limits, keyspace.rng)
    keyspace.databases[0].add(b"k", made)


def test_numbers_are_sorted_as_numbers(world: World) -> None:
    world.do("RPUSH", "k", "10", "9", "-1", "1.5")
    assert world.do("SORT", "k") == [b"-1", b"1.5", b"9", b"10"]
    assert world.do("SORT", "k", "DESC") == [b"10", b"9", b"1.5", b"-1"]
    assert world.do("SORT", "k", "DESC", "ASC") == [b"-1", b"1.5", b"9", b"10"]


def test_equal_numbers_are_in_the_order_of_their_bytes(world: World) -> None:
    world.do("RPUSH", "k", "1.0", "1", "01")
    assert world.do("SORT", "k") == [b"01", b"1", b"1.0"]


@pytest.mark.parametrize("element", [b"a", b"1 ", b"1,5", b"nan", b"1e999", b"-"])
def test_elements_that_are_no_numbers_are_refused(world: World, element: bytes) -> None:
    world.do("RPUSH", "k", "1", element)
    assert world.do("SORT", "k") == NOT_A_SCORE
    world.do("SET", "d", "stays")
    assert world.do("SORT", "k", "STORE", "d") == NOT_A_SCORE
    assert world.do("GET", "d") == b"stays"


def test_numbers_are_read_as_c_reads_them(world: World) -> None:
    found = [b"-inf", b"", b" 1", b"2\x00x", b"0x10", b"inf"]
    world.do("RPUSH", "k", *reversed(found))
    assert world.do("SORT", "k") == [*found]


def test_alpha_sorts_by_text(world: World) -> None:
    world.do("RPUSH", "k", "b", "10", "9", "")
    assert world.do("SORT", "k", "ALPHA") == [b"", b"10", b"9", b"b"]
    assert world.do("SORT", "k", "alpha", "desc") == [b"b", b"9", b"10", b""]


def test_texts_are_compared_up_to_a_nul_byte_unless_the_result_is_stored(world: World) -> None:
    world.do("RPUSH", "k", b"a\x00b", b"a\x00a", b"a")
    assert world.do("SORT", "k", "ALPHA") == [b"a\x00b", b"a\x00a", b"a"]
    world.do("SORT", "k", "ALPHA", "STORE", "d")
    assert world.do("LRANGE", "d", "0", "-1") == [b"a", b"a\x00a", b"a\x00b"]


@pytest.mark.parametrize(
    ("start", "count", "found"),
    [
        ("0", "2", (b"1", b"2")),
        ("1", "1", (b"2",)),
        ("2", "100", (b"3",)),
        ("3", "1", ()),
        ("0", "0", ()),
        ("1", "-1", (b"2", b"3")),
        ("-5", "2", (b"1", b"2")),
        ("9223372036854775807", "9223372036854775807", ()),
    ],
)
def test_limit_shows_a_part(world: World, start: str, count: str, found: tuple[bytes, ...]) -> None:
    for kind in ("RPUSH", "SADD"):
        world.do("DEL", "k")
        world.do(kind, "k", "3", "1", "2")
        assert world.do("SORT", "k", "LIMIT", start, count) == [*found]


# BY and GET


def weigh(world: World) -> None:
    world.do("RPUSH", "k", "1", "2", "3")
    world.do("MSET", "w_1", "30", "w_2", "20", "w_3", "10")
    world.do("HSET", "h_1", "f", "x")
    world.do("HSET", "h_2", "f", "z")
    world.do("HSET", "h_3", "f", "y")


def test_by_sorts_by_other_keys(world: World) -> None:
    weigh(world)
    assert world.do("SORT", "k", "BY", "w_*") == [b"3", b"2", b"1"]
    assert world.do("SORT", "k", "BY", "h_*->f", "ALPHA") == [b"1", b"3", b"2"]


def test_a_missing_weight_counts_as_zero_or_as_the_lowest_text(world: World) -> None:
    weigh(world)
    world.do("DEL", "w_1")
    world.do("SET", "w_3", "-1")
    assert world.do("SORT", "k", "BY", "w_*") == [b"3", b"1", b"2"]
    world.do("SET", "w_3", "")
    assert world.do("SORT", "k", "BY", "w_*", "ALPHA") == [b"1", b"3", b"2"]


def test_get_fetches_other_keys(world: World) -> None:
    weigh(world)
    world.do("DEL", "w_2")
    assert world.do("SORT", "k", "GET", "#", "GET", "w_*", "GET", "h_*->f") == [
        b"1",
        b"30",
        b"x",
        b"2",
        None,
        b"z",
        b"3",
        b"10",
        b"y",
    ]


@pytest.mark.parametrize("pattern", ["fixed", "h_*", "w_*->f", "h_*->none", "none_*->f", "h_*->"])
def test_get_of_a_missing_key_or_of_another_type_is_null(world: World, pattern: str) -> None:
    weigh(world)
    world.do("SET", "fixed", "v")
    assert world.do("SORT", "k", "GET", pattern) == [None, None, None]


def test_an_arrow_without_a_field_is_part_of_the_key(world: World) -> None:
    world.do("RPUSH", "k", "1")
    world.do("SET", "h_1->", "v")
    assert world.do("SORT", "k", "GET", "h_*->") == [b"v"]


def test_missing_values_are_nulls_of_the_protocol(world: World) -> None:
    world.do("RPUSH", "k", "1")
    world.set_protocol(3)
    assert world.do("SORT", "k", "GET", "none_*") == [None]


# Not sorting


def test_a_list_that_is_not_sorted_keeps_its_order(world: World) -> None:
    world.do("RPUSH", "k", "3", "a", "2", "1")
    assert world.do("SORT", "k", "BY", "nosort") == [b"3", b"a", b"2", b"1"]
    assert world.do("SORT", "k", "BY", "nosort", "DESC") == [b"1", b"2", b"a", b"3"]
    assert world.do("SORT", "k", "BY", "nosort", "DESC", "LIMIT", "1", "2") == [b"2", b"a"]


def test_a_sorted_set_that_is_not_sorted_keeps_its_order(world: World) -> None:
    add_sorted_set(world, (b"a", 3), (b"b", 1), (b"c", 2))
    assert world.do("SORT", "k", "BY", "nosort") == [b"b", b"c", b"a"]
    assert world.do("SORT", "k", "BY", "nosort", "DESC") == [b"a", b"c", b"b"]
    assert world.do("SORT", "k", "BY", "nosort", "DESC", "LIMIT", "0", "2") == [b"a", b"c"]
    assert world.do("SORT", "k", "BY", "nosort", "LIMIT", "1", "5") == [b"c", b"a"]
    assert world.do("SORT", "k", "BY", "nosort", "LIMIT", "5", "5") == []


def test_a_set_that_is_stored_without_sorting_is_sorted_all_the_same(world: World) -> None:
    world.do("SADD", "k", "c", "a", "b")
    assert world.do("SORT", "k", "BY", "nosort", "DESC") == [b"c", b"a", b"b"]
    world.do("SORT", "k", "BY", "nosort", "STORE", "d")
    assert world.do("LRANGE", "d", "0", "-1") == [b"a", b"b", b"c"]


@pytest.mark.parametrize("command", ["SORT", "SORT_RO"])
def test_a_set_that_a_script_does_not_sort_is_sorted_all_the_same(world: World, command: str) -> None:
    world.do("SADD", "k", "10", "9", "1", "-2")
    assert world.do(command, "k", "BY", "nosort") == [b"-2", b"1", b"9", b"10"]
    script = f"return redis.call('{command}', KEYS[1], 'BY', 'nosort')"
    assert world.do("EVAL", script, "1", "k") == [b"-2", b"1", b"10", b"9"]


def test_a_sorted_set_becomes_a_skiplist(world: World) -> None:
    add_sorted_set(world, (b"2", 1))
    assert encoding(world) == "listpack"
    world.do("SORT", "k")
    assert encoding(world) == "skiplist"


# STORE


def test_a_stored_result_replaces_any_value(world: World) -> None:
    world.do("RPUSH", "k", "2", "1")
    world.do("SET", "d", "x", "PX", "1000")
    assert Watched(world).by("SORT", "k", "STORE", "d") == (["sortstore d"], 2)
    assert world.do("LRANGE", "d", "0", "-1") == [b"1", b"2"]
    assert time_left_ms(world, b"d") == -1


def test_storing_an_empty_result_deletes_the_destination(world: World) -> None:
    world.do("SET", "d", "x")
    watched = Watched(world)
    assert watched.by("SORT", "none", "STORE", "d") == (["del d"], 1)
    assert watched.by("SORT", "none", "STORE", "d") == ([], 0)
    assert world.do("SORT", "none", "STORE", "d") == 0


def test_nulls_are_stored_as_empty_elements(world: World) -> None:
    world.do("RPUSH", "k", "1")
    assert world.do("SORT", "k", "GET", "none", "GET", "#", "STORE", "k") == 2
    assert world.do("LRANGE", "k", "0", "-1") == [b"", b"1"]


@pytest.mark.parametrize(("count", "name"), [(10, "listpack"), (4000, "quicklist")])
def test_a_stored_list_has_the_smallest_encoding_that_fits(world: World, count: int, name: str) -> None:
    world.do("RPUSH", "k", *range(count))
    world.do("SORT", "k", "STORE", "d")
    assert encoding(world, b"d") == name


# Refusals


@pytest.mark.parametrize(
    "words",
    [("BY",), ("GET",), ("STORE",), ("LIMIT", "1"), ("FOO",), ("ASC", "FOO")],
)
def test_syntax_errors(world: World, words: tuple[str, ...]) -> None:
    assert world.do("SORT", "none", *words) == SYNTAX_ERROR


def test_sort_ro_does_not_store(world: World) -> None:
    world.do("RPUSH", "k", "2", "1")
    assert world.do("SORT_RO", "k", "DESC") == [b"2", b"1"]
    assert world.do("SORT_RO", "k", "STORE", "d") == SYNTAX_ERROR


def test_limit_needs_integers(world: World) -> None:
    assert world.do("SORT", "none", "LIMIT", "x", "1") == NOT_AN_INTEGER


def test_other_types_cannot_be_sorted(world: World) -> None:
    add_foreign(world)
    world.do("SET", "s", "x")
    for name in ("f", "s"):
        assert world.do("SORT", name) == (WRONG_TYPE)


def test_a_missing_key_has_no_elements(world: World) -> None:
    assert world.do("SORT", "none") == []
    assert world.do("SORT_RO", "none", "GET", "#") == []


@pytest.mark.parametrize(
    ("text", "older", "newer"),
    [(" 1", True, False), ("0x1", True, False), ("1e400", False, True), ("1e-400", False, True)],
)
def test_since_8_2_elements_are_decimal_numbers_of_any_size(text: str, older: bool, newer: bool) -> None:
    for version, is_number in (("7.4.1", older), ("8.2.3", newer)):
        one = World(redis_version=version)
        one.do("RPUSH", "l", text, "", "3")
        assert (one.do("SORT", "l") != NOT_A_SCORE) == is_number
