"""Commands on whole streams: adding, trimming, ranges, deleting."""

from __future__ import annotations

import pytest

from tests.support.filling import fill_stream
from tests.support.journal import Journal
from tests.support.replies import NOT_AN_INTEGER, NULL_ARRAY, OK, SYNTAX_ERROR, WRONG_TYPE, Error, Reply, wrong_arity
from tests.support.specs import ask
from tests.support.world import World

INVALID_ID = Error(b"ERR Invalid stream ID specified as stream command argument")
TOO_SMALL = Error(b"ERR The ID specified in XADD is equal or smaller than the target stream top item")
HIGHEST = "18446744073709551615-18446744073709551615"


def ids(world: World, *words: str) -> list[str]:
    """The ids that a range command gives."""
    found = ask(world, *(words or ("XRANGE", "s", "-", "+")))
    assert isinstance(found, list)
    return [str(entry[0]) for entry in found if isinstance(entry, list)]


# XADD.


def test_an_entry_is_added_and_read(world: World) -> None:
    assert world.do("XADD", "s", "5-1", "f", "v", "g", "w") == b"5-1"
    assert ask(world, "XRANGE", "s", "-", "+") == [["5-1", ["f", "v", "g", "w"]]]


def test_an_automatic_id_is_the_time(world: World) -> None:
    now_ms = world.clock.now_us() // 1000
    world.do("XADD", "s", "*", "f", "v")
    world.do("XADD", "s", "*", "f", "v")
    assert ids(world) == [f"{now_ms}-0", f"{now_ms}-1"]


def test_an_automatic_id_is_never_lower_than_the_last_one(world: World) -> None:
    fill_stream(world, "9999999999999-5", "*")
    assert ids(world) == ["9999999999999-5", "9999999999999-6"]


def test_an_automatic_id_follows_a_last_one_of_64_bits(world: World) -> None:
    for last in ("9223372036854775808", "9999999999999999999", "18446744073709551615"):
        assert world.do("XADD", "s", f"{last}-0", "f", "v") == f"{last}-0".encode()
        assert world.do("XADD", "s", "*", "f", "v") == f"{last}-1".encode()


def test_the_sequence_alone_can_be_automatic(world: World) -> None:
    fill_stream(world, "5-*", "5-*", "6-*")
    assert ids(world) == ["5-0", "5-1", "6-0"]
    assert world.do("XADD", "t", "0-*", "f", "v") == b"0-1"


@pytest.mark.parametrize("one", ["5-1", "5-0", "4", "3-*"])
def test_an_id_must_be_above_the_last_one(world: World, one: str) -> None:
    fill_stream(world, "5-1")
    assert world.do("XADD", "s", one, "f", "v") == TOO_SMALL


def test_an_automatic_sequence_is_refused_after_the_highest_one_of_its_millisecond(world: World) -> None:
    fill_stream(world, "5-18446744073709551615")
    assert world.do("XADD", "s", "5-*", "f", "v") == TOO_SMALL


def test_after_the_highest_id_nothing_can_be_added(world: World) -> None:
    fill_stream(world, HIGHEST)
    exhausted = Error(b"ERR The stream has exhausted the last possible ID, unable to add more items")
    assert world.do("XADD", "s", "*", "f", "v") == exhausted
    assert world.do("XADD", "s", "7-7", "f", "v") == exhausted


def test_the_id_zero_is_refused(world: World) -> None:
    assert world.do("XADD", "s", "0-0", "f", "v") == Error(b"ERR The ID specified in XADD must be greater than 0-0")
    assert world.do("EXISTS", "s") == 0


@pytest.mark.parametrize("one", ["x", "-", "+", "1-", "-1", "1-2-*", "*-1", "1-*x", ""])
def test_a_text_that_is_no_id_is_refused(world: World, one: str) -> None:
    assert world.do("XADD", "s", one, "f", "v") == INVALID_ID


def test_a_field_without_a_value_is_refused(world: World) -> None:
    assert world.do("XADD", "s", "1-1", "f", "v", "g") == wrong_arity("xadd")


def test_nomkstream_creates_no_stream(world: World) -> None:
    assert world.do("XADD", "s", "NOMKSTREAM", "1-1", "f", "v") is None
    assert world.do("EXISTS", "s") == 0
    fill_stream(world, "1-1")
    assert world.do("XADD", "s", "nomkstream", "2-1", "f", "v") == b"2-1"


def test_xadd_trims(world: World) -> None:
    fill_stream(world, "1-1", "2-1")
    world.do("XADD", "s", "MAXLEN", "=", "2", "3-1", "f", "v")
    assert ids(world) == ["2-1", "3-1"]
    world.do("XADD", "s", "MINID", "3", "4-1", "f", "v")
    assert ids(world) == ["3-1", "4-1"]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (("MAXLEN", "-1"), Error(b"ERR The MAXLEN argument must be >= 0.")),
        (("MAXLEN", "~", "x"), NOT_AN_INTEGER),
        (("MAXLEN", "~", "1", "LIMIT", "-1"), Error(b"ERR The LIMIT argument must be >= 0.")),
        (("MAXLEN", "1", "LIMIT", "1"), Error(b"ERR syntax error, LIMIT cannot be used without the special ~ option")),
        (("LIMIT", "1"), Error(b"ERR syntax error, LIMIT cannot be used without specifying a trimming strategy")),
        (("MINID", "x"), INVALID_ID),
        (
            ("MAXLEN", "1", "MINID", "1"),
            Error(b"ERR syntax error, MAXLEN and MINID options at the same time are not compatible"),
        ),
    ],
)
def test_bad_trimming_is_refused(world: World, options: tuple[str, ...], error: Reply) -> None:
    assert world.do("XADD", "s", *options, "1-1", "f", "v") == error


# XTRIM.


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (("LIMIT", "0"), b"ERR syntax error, XTRIM must be called with a trimming strategy"),
        (("LIMIT", "5"), b"ERR syntax error, LIMIT cannot be used without specifying a trimming strategy"),
        (("MAXLEN", "=", "5", "LIMIT", "0"), b"ERR syntax error, LIMIT cannot be used without the special ~ option"),
    ],
)
def test_xtrim_refuses_a_limit_that_limits_nothing(world: World, options: tuple[str, ...], error: bytes) -> None:
    assert world.do("XTRIM", "s", *options) == Error(error)


def test_approximate_trimming_removes_only_whole_nodes(world: World) -> None:
    world.do("CONFIG", "SET", "stream-node-max-entries", "10")
    fill_stream(world, *[f"{number}-1" for number in range(1, 31)])
    assert world.do("XTRIM", "s", "MAXLEN", "~", "15") == 10
    assert world.do("XTRIM", "s", "MINID", "~", "15-1") == 0
    assert world.do("XTRIM", "s", "MINID", "~", "21-1") == 10
    assert world.do("XLEN", "s") == 10


def test_exact_trimming_marks_entries_inside_a_node(world: World) -> None:
    fill_stream(world, *[f"{number}-1" for number in range(1, 11)])
    assert world.do("XTRIM", "s", "MAXLEN", "4") == 6
    assert ids(world) == ["7-1", "8-1", "9-1", "10-1"]


def test_a_limit_stops_before_a_node_that_is_too_large(world: World) -> None:
    world.do("CONFIG", "SET", "stream-node-max-entries", "10")
    fill_stream(world, *[f"{number}-1" for number in range(1, 31)])
    assert world.do("XTRIM", "s", "MAXLEN", "~", "0", "LIMIT", "19") == 10
    assert world.do("XTRIM", "s", "MAXLEN", "~", "0", "LIMIT", "0") == 20


def test_approximate_trimming_without_limit_removes_at_most_a_hundred_nodes(world: World) -> None:
    world.do("CONFIG", "SET", "stream-node-max-entries", "1")
    fill_stream(world, *[f"{number}-1" for number in range(1, 121)])
    assert world.do("XTRIM", "s", "MAXLEN", "~", "0") == 100


def test_an_emptied_stream_is_not_deleted(world: World) -> None:
    fill_stream(world, "1-1")
    world.do("XTRIM", "s", "MAXLEN", "0")
    assert world.do("EXISTS", "s") == 1
    assert world.do("XLEN", "s") == 0


def test_a_node_may_be_left_with_deleted_entries_only(world: World) -> None:
    fill_stream(world, "1-1", "2-1", "3-1")
    world.do("XDEL", "s", "3-1")
    assert world.do("XTRIM", "s", "MINID", "3-1") == 2
    assert ids(world) == []
    fill_stream(world, "4-1")
    assert ids(world) == ["4-1"]


# Ranges.


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("-", "+", ["1-1", "2-1", "2-2", "3-1"]),
        ("2", "2", ["2-1", "2-2"]),
        ("2-2", "+", ["2-2", "3-1"]),
        ("(2-1", "(3-1", ["2-2"]),
        ("(2", "+", ["2-1", "2-2", "3-1"]),
        ("4", "+", []),
        ("3", "1", []),
    ],
)
def test_ranges(world: World, start: str, end: str, expected: list[str]) -> None:
    fill_stream(world, "1-1", "2-1", "2-2", "3-1")
    assert ids(world, "XRANGE", "s", start, end) == expected
    assert ids(world, "XREVRANGE", "s", end, start) == expected[::-1]


def test_ranges_over_many_nodes(world: World) -> None:
    world.do("CONFIG", "SET", "stream-node-max-entries", "3")
    names = [f"{number}-0" for number in range(1, 31)]
    fill_stream(world, *names)
    world.do("XDEL", "s", "7-0", "8-0", "9-0", "11-0")
    left = [name for name in names if name not in {"7-0", "8-0", "9-0", "11-0"}]
    assert ids(world) == left
    assert ids(world, "XREVRANGE", "s", "+", "-") == left[::-1]
    assert ids(world, "XRANGE", "s", "8", "+", "COUNT", "2") == ["10-0", "12-0"]
    assert ids(world, "XREVRANGE", "s", "11", "-", "COUNT", "2") == ["10-0", "6-0"]


def test_a_count_that_is_not_positive_gives_a_null_array(world: World) -> None:
    fill_stream(world, "1-1")
    assert world.do("XRANGE", "s", "-", "+", "COUNT", "0") == NULL_ARRAY
    assert world.do("XRANGE", "s", "-", "+", "COUNT", "-5") == NULL_ARRAY
    assert world.do("XRANGE", "none", "-", "+", "COUNT", "0") == []


def test_bad_ranges_are_refused(world: World) -> None:
    assert world.do("XRANGE", "s", "x", "+") == INVALID_ID
    assert world.do("XRANGE", "s", f"({HIGHEST}", "+") == Error(b"ERR invalid start ID for the interval")
    assert world.do("XRANGE", "s", "-", "(0-0") == Error(b"ERR invalid end ID for the interval")
    assert world.do("XRANGE", "s", "-", "+", "COUNT") == SYNTAX_ERROR


# XDEL.


def test_entries_are_deleted(world: World) -> None:
    fill_stream(world, "1-1", "2-1", "3-1")
    assert world.do("XDEL", "s", "2-1", "2-1", "9-9") == 1
    assert ids(world) == ["1-1", "3-1"]


def test_a_bad_id_deletes_nothing(world: World) -> None:
    fill_stream(world, "1-1")
    assert world.do("XDEL", "s", "1-1", "x") == INVALID_ID
    assert world.do("XLEN", "s") == 1


# XSETID.


def test_xsetid_sets_the_ids_and_the_count_that_a_stream_keeps(world: World) -> None:
    fill_stream(world, "1-1")
    assert world.do("XSETID", "s", "9-9", "ENTRIESADDED", "5", "MAXDELETEDID", "3-3") == OK
    found = ask(world, "XINFO", "STREAM", "s")
    assert isinstance(found, list)
    assert found[6:14] == [
        *("last-generated-id", "9-9", "max-deleted-entry-id", "3-3"),
        *("entries-added", 5, "recorded-first-entry-id", "1-1"),
    ]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("1-0",), "The ID specified in XSETID is smaller than the target stream top item"),
        (("9", "ENTRIESADDED", "1"), "The entries_added specified in XSETID is smaller than the target stream length"),
        (("9", "ENTRIESADDED", "-1"), "entries_added must be positive"),
        (("9", "MAXDELETEDID", "10"), "The ID specified in XSETID is smaller than the provided max_deleted_entry_id"),
        (("9", "MAXDELETEDID"), "syntax error"),
    ],
)
def test_xsetid_refuses_impossible_values(world: World, words: tuple[str, ...], error: str) -> None:
    fill_stream(world, "1-1", "2-1")
    assert world.do("XSETID", "s", *words) == Error(f"ERR {error}".encode())


def test_xsetid_does_not_go_below_the_highest_deleted_id(world: World) -> None:
    fill_stream(world, "5-1")
    world.do("XDEL", "s", "5-1")
    refusal = Error(b"ERR The ID specified in XSETID is smaller than current max_deleted_entry_id")
    assert world.do("XSETID", "s", "5-0") == refusal


# Events and counting.


def test_events(world: World) -> None:
    fill_stream(world, "1-1", "2-1")
    journal = Journal(world)
    world.do("XADD", "s", "MAXLEN", "2", "3-1", "f", "v")
    assert journal.take() == ["xadd s", "xtrim s", "* s"]
    world.do("XDEL", "s", "9-9")
    world.do("XTRIM", "s", "MAXLEN", "9")
    assert journal.take() == []
    world.do("XDEL", "s", "2-1")
    assert journal.take() == ["* s", "xdel s"]
    world.do("XSETID", "s", "9-9")
    assert journal.take() == ["xsetid s"]


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        (("XADD", "s", "MAXLEN", "1", "9-9", "f", "v"), 1),
        (("XDEL", "s", "1-1", "2-1"), 2),
        (("XTRIM", "s", "MAXLEN", "0"), 3),
    ],
)
def test_changes_are_counted(world: World, words: tuple[str, ...], changes: int) -> None:
    fill_stream(world, "1-1", "2-1", "3-1")
    before = world.engine.keyspace.changes.since_save()
    world.do(*words)
    assert world.engine.keyspace.changes.since_save() - before == changes


@pytest.mark.parametrize(
    "words",
    [
        ("XADD", "k", "*", "f", "v"),
        ("XLEN", "k"),
        ("XRANGE", "k", "-", "+"),
        ("XREVRANGE", "k", "+", "-"),
        ("XDEL", "k", "1"),
        ("XTRIM", "k", "MAXLEN", "1"),
        ("XSETID", "k", "1"),
        ("XREAD", "STREAMS", "k", "0"),
        ("XREADGROUP", "GROUP", "g", "c", "STREAMS", "k", ">"),
        ("XGROUP", "CREATE", "k", "g", "0"),
        ("XACK", "k", "g", "1"),
        ("XPENDING", "k", "g"),
        ("XCLAIM", "k", "g", "c", "0", "1"),
        ("XAUTOCLAIM", "k", "g", "c", "0", "0"),
        ("XINFO", "STREAM", "k"),
    ],
)
def test_other_types_are_refused(world: World, words: tuple[str, ...]) -> None:
    world.do("SET", "k", "v")
    assert world.do(*words) == WRONG_TYPE
