"""XACK, XPENDING, XCLAIM, XAUTOCLAIM."""

from __future__ import annotations

import pytest

from tests.support.replies import NULL_ARRAY, SYNTAX_ERROR, Error, is_error
from tests.support.specs import Value, ask
from tests.support.world import World

NO_GROUP = Error(b"NOGROUP No such key 's' or consumer group 'g'")


@pytest.fixture
def group(world: World) -> World:
    """A stream of four entries, of which consumer c has three pending for a second."""
    for number in range(1, 5):
        world.do("XADD", "s", f"{number}-1", "f", "v")
    world.do("XGROUP", "CREATE", "s", "g", "0")
    world.do("XREADGROUP", "GROUP", "g", "c", "COUNT", "3", "STREAMS", "s", ">")
    world.advance(1000)
    return world


def pending(world: World) -> Value:
    return ask(world, "XPENDING", "s", "g", "-", "+", "100")


# XACK.


def test_acknowledged_entries_are_pending_no_more(group: World) -> None:
    assert group.do("XACK", "s", "g", "1-1", "1-1", "9-9", "3-1") == 2
    assert pending(group) == [["2-1", "c", 1000, 1]]


def test_a_bad_id_acknowledges_nothing(group: World) -> None:
    assert is_error(group.do("XACK", "s", "g", "1-1", "x"), b"ERR Invalid stream ID")
    assert ask(group, "XPENDING", "s", "g") == [3, "1-1", "3-1", [["c", "3"]]]


def test_without_a_group_nothing_is_acknowledged(group: World) -> None:
    assert group.do("XACK", "s", "none", "x") == 0
    assert group.do("XACK", "none", "g", "x") == 0


# XPENDING.


def test_the_summary_lists_consumers(group: World) -> None:
    group.do("XREADGROUP", "GROUP", "g", "b", "STREAMS", "s", ">")
    assert ask(group, "XPENDING", "s", "g") == [4, "1-1", "4-1", [["b", "1"], ["c", "3"]]]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("-", "+", "2"), ["1-1", "2-1"]),
        (("(1-1", "(3-1", "9"), ["2-1"]),
        (("-", "+", "9", "c"), ["1-1", "2-1", "3-1"]),
        (("-", "+", "9", "nobody"), []),
        (("-", "+", "-1"), []),
        (("IDLE", "1000", "-", "+", "9"), ["1-1", "2-1", "3-1"]),
        (("IDLE", "1001", "-", "+", "9"), []),
    ],
)
def test_ranges_of_pending_entries(group: World, words: tuple[str, ...], expected: list[str]) -> None:
    found = ask(group, "XPENDING", "s", "g", *words)
    assert isinstance(found, list)
    assert [entry[0] for entry in found if isinstance(entry, list)] == expected


@pytest.mark.parametrize(
    "words", [("-", "+"), ("IDLE", "4"), ("IDLE", "0", "-", "+"), ("IDLE", "0", "-", "+", "4", "c", "c")]
)
def test_incomplete_calls_are_refused(group: World, words: tuple[str, ...]) -> None:
    assert group.do("XPENDING", "s", "g", *words) == SYNTAX_ERROR


@pytest.mark.parametrize(
    "words", [("XPENDING", "s", "g"), ("XCLAIM", "s", "g", "c", "x", "1"), ("XAUTOCLAIM", "s", "g", "c", "0", "0")]
)
def test_a_group_must_exist(world: World, words: tuple[str, ...]) -> None:
    assert world.do(*words) == NO_GROUP


# XCLAIM.


def test_a_claimed_entry_belongs_to_the_other_consumer(group: World) -> None:
    assert ask(group, "XCLAIM", "s", "g", "d", "1000", "1-1", "9-9") == [["1-1", ["f", "v"]]]
    assert pending(group) == [["1-1", "d", 0, 2], ["2-1", "c", 1000, 1], ["3-1", "c", 1000, 1]]


def test_entries_that_have_not_been_idle_long_enough_are_not_claimed(group: World) -> None:
    assert ask(group, "XCLAIM", "s", "g", "d", "1001", "1-1") == []


def test_justid_replies_with_ids_and_counts_no_delivery(group: World) -> None:
    assert ask(group, "XCLAIM", "s", "g", "d", "0", "1-1", "JUSTID") == ["1-1"]
    assert pending(group)[0] == ["1-1", "d", 0, 1]  # type: ignore[index]


@pytest.mark.parametrize(
    ("words", "idle", "deliveries"),
    [
        (("IDLE", "300"), 300, 2),
        (("RETRYCOUNT", "7"), 0, 7),
        (("IDLE", "-300"), 0, 2),
        (("TIME", "-1"), 0, 2),
        (("TIME", "99999999999999"), 0, 2),
    ],
)
def test_time_and_count_can_be_given(group: World, words: tuple[str, ...], idle: int, deliveries: int) -> None:
    group.do("XCLAIM", "s", "g", "c", "0", "1-1", *words)
    assert pending(group)[0] == ["1-1", "c", idle, deliveries]  # type: ignore[index]


def test_force_claims_an_entry_that_is_not_pending(group: World) -> None:
    assert ask(group, "XCLAIM", "s", "g", "d", "5000", "4-1", "9-9", "FORCE") == [["4-1", ["f", "v"]]]
    assert pending(group)[3] == ["4-1", "d", 0, 2]  # type: ignore[index]


def test_claiming_a_deleted_entry_removes_it_from_the_pending_entries(group: World) -> None:
    group.do("XDEL", "s", "2-1")
    assert ask(group, "XCLAIM", "s", "g", "d", "0", "2-1") == []
    assert ask(group, "XPENDING", "s", "g") == [2, "1-1", "3-1", [["c", "2"]]]


def test_a_claim_that_finds_nothing_creates_the_consumer_all_the_same(group: World) -> None:
    group.do("XCLAIM", "s", "g", "d", "99999", "1-1")
    assert group.do("XGROUP", "CREATECONSUMER", "s", "g", "d") == 0


def test_lastid_moves_the_group_on(group: World) -> None:
    group.do("XCLAIM", "s", "g", "c", "0", "1-1", "LASTID", "4-1")
    assert group.do("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">") == NULL_ARRAY


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("0", "1-1", "foo"), "Unrecognized XCLAIM option 'foo'"),
        (("0", "1-1", "IDLE"), "Unrecognized XCLAIM option 'IDLE'"),
        (("x", "1-1"), "Invalid min-idle-time argument for XCLAIM"),
        (("0", "1-1", "IDLE", "x"), "Invalid IDLE option argument for XCLAIM"),
        (("0", "1-1", "TIME", "x"), "Invalid TIME option argument for XCLAIM"),
        (("0", "1-1", "RETRYCOUNT", "x"), "Invalid RETRYCOUNT option argument for XCLAIM"),
    ],
)
def test_bad_claims_are_refused(group: World, words: tuple[str, ...], error: str) -> None:
    assert group.do("XCLAIM", "s", "g", "d", *words) == Error(f"ERR {error}".encode())


# XAUTOCLAIM.


def test_autoclaim_goes_on_where_it_stopped(group: World) -> None:
    assert ask(group, "XAUTOCLAIM", "s", "g", "d", "0", "0", "COUNT", "2", "JUSTID") == ["3-1", ["1-1", "2-1"], []]
    assert ask(group, "XAUTOCLAIM", "s", "g", "d", "0", "3-1", "COUNT", "2", "JUSTID") == ["0-0", ["3-1"], []]


def test_autoclaim_reports_deleted_entries(group: World) -> None:
    group.do("XDEL", "s", "1-1")
    assert ask(group, "XAUTOCLAIM", "s", "g", "d", "0", "-", "COUNT", "2") == ["3-1", [["2-1", ["f", "v"]]], ["1-1"]]
    assert ask(group, "XPENDING", "s", "g") == [2, "2-1", "3-1", [["c", "1"], ["d", "1"]]]


def test_autoclaim_looks_at_ten_entries_for_each_it_may_claim(world: World) -> None:
    for number in range(1, 21):
        world.do("XADD", "s", f"{number}-1", "f", "v")
    world.do("XGROUP", "CREATE", "s", "g", "0")
    world.do("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">")
    assert ask(world, "XAUTOCLAIM", "s", "g", "d", "1000", "0", "COUNT", "1") == ["11-1", [], []]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("0", "0", "COUNT", "0"), "COUNT must be > 0"),
        (("0", "0", "COUNT", "9223372036854775807"), "COUNT must be > 0"),
        (("0", "0", "COUNT"), "syntax error"),
        (("x", "y"), "Invalid min-idle-time argument for XAUTOCLAIM"),
        (("0", "y"), "Invalid stream ID specified as stream command argument"),
    ],
)
def test_bad_autoclaims_are_refused(group: World, words: tuple[str, ...], error: str) -> None:
    assert group.do("XAUTOCLAIM", "s", "g", "d", *words) == Error(f"ERR {error}".encode())
