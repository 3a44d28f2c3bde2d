"""XDELEX and XACKDEL, and the options KEEPREF, DELREF and ACKED of XADD and XTRIM."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.filling import fill_stream
from tests.support.journal import Journal
from tests.support.replies import NULL_ARRAY, OK, SYNTAX_ERROR, WRONG_TYPE, Error, Reply
from tests.support.specs import ask
from tests.support.world import World

BAD_COUNT = Error(b"ERR Number of IDs must be a positive integer")
OTHER_COUNT = Error(b"ERR The `numids` parameter must match the number of arguments")
INVALID_ID = Error(b"ERR Invalid stream ID specified as stream command argument")


@pytest.fixture
def world() -> Iterator[World]:
    """A stream of six entries. Group g has four of them pending, and group h the first two."""
    made = World(redis_version="8.2.3")
    for number in range(1, 7):
        made.do("XADD", "s", f"{number}-0", "f", "v")
    for group, count in (("g", "4"), ("h", "2")):
        made.do("XGROUP", "CREATE", "s", group, "0")
        made.do("XREADGROUP", "GROUP", group, "c", "COUNT", count, "STREAMS", "s", ">")
    yield made
    made.check()


def ids(world: World) -> list[int]:
    """The milliseconds of the entries that are there."""
    entries = ask(world, "XRANGE", "s", "-", "+")
    assert isinstance(entries, list)
    return [int(str(entry[0]).partition("-")[0]) for entry in entries if isinstance(entry, list)]


def pending(world: World, group: str) -> list[int]:
    """The milliseconds of the entries that are pending in a group."""
    entries = ask(world, "XPENDING", "s", group, "-", "+", "100")
    assert isinstance(entries, list)
    return [int(str(entry[0]).partition("-")[0]) for entry in entries if isinstance(entry, list)]


# XDELEX.


def test_an_entry_is_deleted_and_stays_pending_unless_something_else_is_asked(world: World) -> None:
    assert world.do("XDELEX", "s", "IDS", "2", "1-0", "9-0") == [1, -1]
    assert world.do("XDELEX", "s", "KEEPREF", "IDS", "1", "2-0") == [1]
    assert (ids(world), pending(world, "g"), pending(world, "h")) == ([3, 4, 5, 6], [1, 2, 3, 4], [1, 2])


def test_delref_lets_no_group_refer_to_the_entry(world: World) -> None:
    world.do("XDEL", "s", "2-0")
    assert world.do("XDELEX", "s", "DELREF", "IDS", "3", "1-0", "2-0", "5-0") == [1, -1, 1]
    assert (ids(world), pending(world, "g"), pending(world, "h")) == ([3, 4, 6], [3, 4], [])


def test_acked_keeps_what_is_pending_or_unread_somewhere(world: World) -> None:
    world.do("XACK", "s", "g", "1-0", "2-0", "3-0")
    world.do("XACK", "s", "h", "1-0")
    assert world.do("XDELEX", "s", "ACKED", "IDS", "4", "1-0", "2-0", "3-0", "6-0") == [1, 2, 2, 2]
    assert ids(world) == [2, 3, 4, 5, 6]
    world.do("XGROUP", "DESTROY", "s", "h")
    world.do("XGROUP", "DESTROY", "s", "g")
    assert world.do("XDELEX", "s", "ACKED", "IDS", "2", "2-0", "9-0") == [1, -1]


def test_options_come_in_any_order_and_the_last_ids_count(world: World) -> None:
    assert world.do("XDELEX", "s", "ids", "1", "1-0", "acked") == [2]
    assert world.do("XDELEX", "s", "IDS", "1", "1-0", "IDS", "2", "5-0", "6-0") == [1, 1]
    assert ids(world) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("IDS x 1-0", BAD_COUNT),
        ("IDS 0 1-0", BAD_COUNT),
        ("IDS -1 1-0", BAD_COUNT),
        ("IDS 99999999999999999999 1-0", BAD_COUNT),
        ("IDS 2 1-0", OTHER_COUNT),
        ("IDS 1 1-0 2-0", SYNTAX_ERROR),
        ("IDS 1 x", INVALID_ID),
        ("IDS 2 1-0 x", INVALID_ID),
        ("ACKED DELREF IDS 1 1-0", SYNTAX_ERROR),
        ("ACKED ACKED IDS 1 1-0", SYNTAX_ERROR),
        ("x IDS 1 1-0", SYNTAX_ERROR),
        ("1-0 2-0 3-0", SYNTAX_ERROR),
        ("DELREF ACKED x", SYNTAX_ERROR),
    ],
)
def test_a_bad_call_deletes_nothing(world: World, words: str, error: Error) -> None:
    assert world.do("XDELEX", "s", *words.split()) == error
    assert world.do("XACKDEL", "s", "g", *words.split()) == error
    assert (ids(world), pending(world, "g")) == ([1, 2, 3, 4, 5, 6], [1, 2, 3, 4])


def test_without_a_stream_or_a_group_ids_are_not_even_parsed(world: World) -> None:
    assert world.do("XDELEX", "none", "IDS", "2", "x", "1-0") == [-1, -1]
    assert world.do("XACKDEL", "none", "g", "IDS", "1", "x") == [-1]
    assert world.do("XACKDEL", "s", "none", "IDS", "1", "x") == [-1]
    assert world.do("XDELEX", "none", "IDS", "2", "x") == OTHER_COUNT


def test_another_type_is_refused_before_the_arguments_are_looked_at(world: World) -> None:
    world.do("SET", "k", "v")
    assert world.do("XDELEX", "k", "x", "x", "x") == WRONG_TYPE
    assert world.do("XACKDEL", "k", "g", "x", "x", "x") == WRONG_TYPE


def test_the_ids_of_the_stream_follow(world: World) -> None:
    assert world.do("XDELEX", "s", "IDS", "2", "1-0", "4-0") == [1, 1]
    info = ask(world, "XINFO", "STREAM", "s")
    assert isinstance(info, list)
    found = dict(zip(map(str, info[::2]), info[1::2], strict=True))
    assert (found["max-deleted-entry-id"], found["recorded-first-entry-id"]) == ("4-0", "2-0")
    assert world.do("XDELEX", "s", "IDS", "4", "2-0", "3-0", "5-0", "6-0") == [1, 1, 1, 1]
    assert (world.do("XLEN", "s"), world.do("EXISTS", "s")) == (0, 1)


def test_older_versions_do_not_know_the_commands() -> None:
    for name in ("redis-7.2", "redis-7.4"):
        assert b"unknown command" in World(redis_version=name).raw("XDELEX", "s", "IDS", "1", "1-0")


# XACKDEL.


def test_xackdel_acknowledges_and_deletes(world: World) -> None:
    assert world.do("XACKDEL", "s", "g", "IDS", "3", "1-0", "6-0", "9-0") == [1, -1, -1]
    assert (ids(world), pending(world, "g"), pending(world, "h")) == ([2, 3, 4, 5, 6], [2, 3, 4], [1, 2])


def test_xackdel_of_an_entry_that_was_deleted_before_acknowledges_it(world: World) -> None:
    world.do("XDEL", "s", "1-0")
    assert world.do("XACKDEL", "s", "h", "IDS", "1", "1-0") == [1]
    assert pending(world, "h") == [2]


def test_xackdel_delref_cleans_all_groups(world: World) -> None:
    assert world.do("XACKDEL", "s", "g", "DELREF", "IDS", "1", "1-0") == [1]
    assert (ids(world), pending(world, "g"), pending(world, "h")) == ([2, 3, 4, 5, 6], [2, 3, 4], [2])


def test_xackdel_acked_deletes_only_what_no_other_group_needs(world: World) -> None:
    assert world.do("XACKDEL", "s", "g", "ACKED", "IDS", "2", "1-0", "3-0") == [2, 2]
    assert world.do("XACKDEL", "s", "h", "ACKED", "IDS", "2", "1-0", "2-0") == [1, 2]
    assert (ids(world), pending(world, "g"), pending(world, "h")) == ([2, 3, 4, 5, 6], [2, 4], [])


# Changes.


def changes(world: World, *words: str) -> tuple[Reply, int, list[str]]:
    """The reply to a command, what it adds to the number of changes, and its events."""
    journal = Journal(world)
    dirty = world.dirty
    return world.do(*words), world.dirty - dirty, journal.events()


def test_what_is_deleted_or_acknowledged_counts_as_changed(world: World) -> None:
    assert changes(world, "XDELEX", "s", "IDS", "2", "1-0", "9-0") == ([1, -1], 1, ["xdel s"])
    assert changes(world, "XDELEX", "s", "IDS", "1", "9-0") == ([-1], 0, [])
    assert changes(world, "XDELEX", "s", "ACKED", "IDS", "1", "2-0") == ([2], 0, [])
    assert changes(world, "XACKDEL", "s", "g", "ACKED", "IDS", "1", "2-0") == ([2], 1, [])
    assert changes(world, "XACKDEL", "s", "h", "ACKED", "IDS", "2", "2-0", "1-0") == ([1, 2], 2, ["xdel s"])


def test_watchers_notice_a_deletion_but_no_acknowledgement(world: World) -> None:
    world.do("WATCH", "s")
    world.client().do("XACKDEL", "s", "g", "ACKED", "IDS", "1", "1-0")
    world.do("MULTI")
    assert world.do("EXEC") == []
    world.do("WATCH", "s")
    world.client().do("XDELEX", "s", "IDS", "1", "1-0")
    world.do("MULTI")
    assert world.do("EXEC") == NULL_ARRAY


# XADD and XTRIM.


def test_xtrim_acked_passes_over_what_is_needed(world: World) -> None:
    world.do("XACK", "s", "g", "1-0", "2-0", "3-0")
    world.do("XACK", "s", "h", "2-0")
    assert world.do("XTRIM", "s", "MAXLEN", "2", "ACKED") == 1
    assert ids(world) == [1, 3, 4, 5, 6]
    world.do("XGROUP", "DESTROY", "s", "h")
    assert world.do("XTRIM", "s", "ACKED", "MINID", "4-0") == 2
    assert ids(world) == [4, 5, 6]


def test_xtrim_acked_stops_at_the_length(world: World) -> None:
    world.do("XGROUP", "DESTROY", "s", "h")
    world.do("XGROUP", "DESTROY", "s", "g")
    assert world.do("XTRIM", "s", "MAXLEN", "4", "ACKED") == 2
    assert ids(world) == [3, 4, 5, 6]


def test_xtrim_delref_forgets_what_was_pending(world: World) -> None:
    assert world.do("XTRIM", "s", "MAXLEN", "=", "3", "DELREF") == 3
    assert (ids(world), pending(world, "g"), pending(world, "h")) == ([4, 5, 6], [4], [])
    assert world.do("XTRIM", "s", "MINID", "6-0", "KEEPREF") == 2
    assert pending(world, "g") == [4]


def test_approximate_trimming_deletes_nothing_if_references_matter() -> None:
    world = World(redis_version="8.2.3", stream_node_max_entries="2")
    fill_stream(world, *[f"{number}-1" for number in range(1, 9)])
    assert world.do("XTRIM", "s", "MAXLEN", "~", "1", "DELREF") == 0
    assert world.do("XTRIM", "s", "MAXLEN", "~", "1", "ACKED") == 0
    assert world.do("XTRIM", "s", "MAXLEN", "~", "2", "KEEPREF") == 6


def test_long_streams_are_trimmed_in_stretches() -> None:
    world = World(redis_version="8.2.3")
    fill_stream(world, *[f"{number}-1" for number in range(1, 401)])
    world.do("XGROUP", "CREATE", "s", "g", "0")
    world.do("XREADGROUP", "GROUP", "g", "c", "COUNT", "390", "STREAMS", "s", ">")
    world.do("XACK", "s", "g", *[f"{number}-1" for number in range(2, 400, 2)])
    assert world.do("XTRIM", "s", "MAXLEN", "0", "ACKED") == 195
    assert world.do("XLEN", "s") == 205
    world.check()


def test_xadd_trims_with_regard_to_references(world: World) -> None:
    assert world.do("XADD", "s", "ACKED", "MAXLEN", "1", "7-0", "f", "v") == b"7-0"
    assert ids(world) == [1, 2, 3, 4, 5, 6, 7]
    assert world.do("XADD", "s", "MAXLEN", "3", "DELREF", "NOMKSTREAM", "8-0", "f", "v") == b"8-0"
    assert (ids(world), pending(world, "g")) == ([6, 7, 8], [])
    assert world.do("XADD", "s", "KEEPREF", "9-0", "f", "v") == b"9-0"


def test_a_second_option_is_none(world: World) -> None:
    assert world.do("XADD", "s", "ACKED", "KEEPREF", "7-0", "f", "v") == INVALID_ID
    assert world.do("XTRIM", "s", "MAXLEN", "1", "ACKED", "ACKED") == SYNTAX_ERROR
    assert ids(world) == [1, 2, 3, 4, 5, 6]


def test_in_older_versions_they_are_no_options() -> None:
    world = World(redis_version="7.4.1")
    assert world.do("XADD", "s", "KEEPREF", "1-1", "f", "v") == INVALID_ID
    assert world.do("XTRIM", "s", "MAXLEN", "1", "ACKED") == SYNTAX_ERROR
    assert world.do("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM") == OK
