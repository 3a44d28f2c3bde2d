"""XGROUP, XINFO: consumer groups, their consumers, and how far these have read."""

from __future__ import annotations

import pytest

from tests.support.filling import fill_stream
from tests.support.journal import Journal
from tests.support.replies import NO_SUCH_KEY, OK, Error, is_error
from tests.support.specs import Value, ask, items, pairs
from tests.support.world import World

KEY_REQUIRED = Error(
    b"ERR The XGROUP subcommand requires the key to exist. "
    b"Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically."
)
NO_GROUP = Error(b"NOGROUP No such consumer group 'none' for key name 's'")


def group(world: World) -> dict[str, Value]:
    """What XINFO GROUPS says of the first group."""
    return pairs(items(ask(world, "XINFO", "GROUPS", "s"))[0])


def consumers(world: World) -> list[dict[str, Value]]:
    return [pairs(one) for one in items(ask(world, "XINFO", "CONSUMERS", "s", "g"))]


# XGROUP.


def test_a_group_begins_at_an_id_or_at_the_end(world: World) -> None:
    fill_stream(world, "1-1", "2-1")
    assert world.do("XGROUP", "CREATE", "s", "g", "1") == OK
    assert group(world)["last-delivered-id"] == "1-0"
    assert world.do("XGROUP", "SETID", "s", "g", "$") == OK
    assert group(world)["last-delivered-id"] == "2-1"


def test_setid_accepts_minus_and_plus_as_ids_and_create_does_not(world: World) -> None:
    fill_stream(world, "1-1")
    world.do("XGROUP", "CREATE", "s", "g", "1")
    for sign, last_id in (("+", f"{2**64 - 1}-{2**64 - 1}"), ("-", "0-0")):
        assert world.do("XGROUP", "SETID", "s", "g", sign) == OK
        assert group(world)["last-delivered-id"] == last_id
        assert is_error(world.do("XGROUP", "CREATE", "s", "other", sign), b"ERR Invalid stream ID")


def test_mkstream_creates_an_empty_stream(world: World) -> None:
    assert world.do("XGROUP", "CREATE", "s", "g", "$") == KEY_REQUIRED
    assert world.do("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM") == OK
    assert world.do("XLEN", "s") == 0


def test_a_group_cannot_be_created_twice(world: World) -> None:
    fill_stream(world, "1-1")
    world.do("XGROUP", "CREATE", "s", "g", "0")
    assert world.do("XGROUP", "CREATE", "s", "g", "0") == Error(b"BUSYGROUP Consumer Group name already exists")


def test_a_bad_id_creates_no_stream(world: World) -> None:
    assert is_error(world.do("XGROUP", "CREATE", "s", "g", "x", "MKSTREAM"), b"ERR Invalid stream ID")
    assert world.do("EXISTS", "s") == 0


@pytest.mark.parametrize("words", [("foo",), ("ENTRIESREAD",), ("MKSTREAM",) * 4])
def test_bad_options_are_refused(world: World, words: tuple[str, ...]) -> None:
    fill_stream(world, "1-1")
    refusal = Error(b"ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP.")
    assert world.do("XGROUP", "CREATE", "s", "g", "0", *words) == refusal


def test_entriesread_is_a_number_or_unknown(world: World) -> None:
    fill_stream(world, "1-1")
    refusal = Error(b"ERR value for ENTRIESREAD must be positive or -1")
    assert world.do("XGROUP", "CREATE", "s", "g", "0", "ENTRIESREAD", "-2") == refusal
    world.do("XGROUP", "CREATE", "s", "g", "0", "ENTRIESREAD", "7")
    assert group(world)["entries-read"] == 7


@pytest.mark.parametrize(
    "words", [("SETID", "s", "none", "0"), ("CREATECONSUMER", "s", "none", "c"), ("DELCONSUMER", "s", "none", "c")]
)
def test_a_group_must_exist(world: World, words: tuple[str, ...]) -> None:
    assert world.do("XGROUP", *words) == KEY_REQUIRED
    fill_stream(world, "1-1")
    assert world.do("XGROUP", *words) == NO_GROUP


def test_a_group_is_destroyed(world: World) -> None:
    fill_stream(world, "1-1")
    world.do("XGROUP", "CREATE", "s", "g", "0")
    assert world.do("XGROUP", "DESTROY", "s", "g") == 1
    assert world.do("XGROUP", "DESTROY", "s", "g") == 0


def test_consumers_can_be_created_and_deleted(world: World) -> None:
    fill_stream(world, "1-1", "2-1")
    world.do("XGROUP", "CREATE", "s", "g", "0")
    assert world.do("XGROUP", "CREATECONSUMER", "s", "g", "c") == 1
    assert world.do("XGROUP", "CREATECONSUMER", "s", "g", "c") == 0
    world.do("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">")
    assert world.do("XGROUP", "DELCONSUMER", "s", "g", "c") == 2
    assert world.do("XGROUP", "DELCONSUMER", "s", "g", "c") == 0
    assert ask(world, "XPENDING", "s", "g") == [0, None, None, None]


def test_changes_of_groups_do_not_fail_a_transaction_that_watches_the_key(world: World) -> None:
    journal = Journal(world)
    world.do("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM")
    assert [line for line in journal.take() if line != "new s"] == ["* s", "xgroup-create s"]
    world.do("XGROUP", "CREATE", "s", "h", "0")
    world.do("XGROUP", "SETID", "s", "h", "1")
    world.do("XGROUP", "DESTROY", "s", "h")
    world.do("XGROUP", "CREATECONSUMER", "s", "g", "c")
    world.do("XGROUP", "DELCONSUMER", "s", "g", "c")
    names = ["create", "setid", "destroy", "createconsumer", "delconsumer"]
    assert journal.take() == [f"xgroup-{name} s" for name in names]


def test_help_lists_the_subcommands(world: World) -> None:
    assert any(b"CREATE <key> <group>" in line.text for line in world.do("XGROUP", "HELP"))
    assert any(b"STREAM <key>" in line.text for line in world.do("XINFO", "HELP"))


# XINFO.


def test_a_read_that_finds_nothing_creates_the_consumer_all_the_same(world: World) -> None:
    world.do("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM")
    world.do("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">")
    assert consumers(world) == [{"name": "c", "pending": 0, "idle": 0, "inactive": -1}]


def test_idle_counts_from_the_last_read_and_inactive_from_the_last_entry_read(world: World) -> None:
    fill_stream(world, "1-1")
    world.do("XGROUP", "CREATE", "s", "g", "0")
    world.do("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">")
    world.advance(500)
    world.do("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">")
    world.advance(300)
    assert consumers(world) == [{"name": "c", "pending": 1, "idle": 300, "inactive": 800}]


def test_neither_history_nor_noack_makes_a_consumer_active(world: World) -> None:
    fill_stream(world, "1-1")
    world.do("XGROUP", "CREATE", "s", "g", "0")
    world.do("XREADGROUP", "GROUP", "g", "c", "NOACK", "STREAMS", "s", ">")
    world.do("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", "0")
    assert consumers(world)[0]["inactive"] == -1


def test_lag_is_the_number_of_entries_left_to_read(world: World) -> None:
    fill_stream(world, "1-1", "2-1", "3-1")
    world.do("XGROUP", "CREATE", "s", "g", "0")
    assert group(world)["lag"] == 3
    world.do("XREADGROUP", "GROUP", "g", "c", "COUNT", "2", "STREAMS", "s", ">")
    assert (group(world)["entries-read"], group(world)["lag"]) == (2, 1)


def test_lag_is_unknown_while_entries_ahead_were_deleted(world: World) -> None:
    fill_stream(world, "1-1", "2-1", "3-1", "4-1")
    world.do("XGROUP", "CREATE", "s", "g", "0")
    world.do("XREADGROUP", "GROUP", "g", "c", "COUNT", "1", "STREAMS", "s", ">")
    world.do("XDEL", "s", "3-1")
    assert group(world)["lag"] is None
    world.do("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">")
    assert (group(world)["entries-read"], group(world)["lag"]) == (4, 0)


def test_lag_is_unknown_from_the_middle_of_a_stream(world: World) -> None:
    fill_stream(world, "1-1", "2-1", "3-1")
    world.do("XGROUP", "CREATE", "s", "g", "2-1")
    assert (group(world)["entries-read"], group(world)["lag"]) == (None, None)
    world.do("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">")
    assert (group(world)["entries-read"], group(world)["lag"]) == (3, 0)


def test_lag_after_trimming_counts_the_entries_left(world: World) -> None:
    fill_stream(world, "1-1", "2-1", "3-1")
    world.do("XGROUP", "CREATE", "s", "g", "0")
    world.do("XTRIM", "s", "MAXLEN", "1")
    assert group(world)["lag"] == 1


def test_a_stream_is_described(world: World) -> None:
    fill_stream(world, "1-1", "2-1")
    world.do("XDEL", "s", "1-1")
    assert pairs(ask(world, "XINFO", "STREAM", "s")) == {
        "length": 1,
        "radix-tree-keys": 1,
        "radix-tree-nodes": 2,
        "last-generated-id": "2-1",
        "max-deleted-entry-id": "1-1",
        "entries-added": 2,
        "recorded-first-entry-id": "2-1",
        "groups": 0,
        "first-entry": ["2-1", ["f", "v"]],
        "last-entry": ["2-1", ["f", "v"]],
    }


def test_an_empty_stream_has_no_first_entry(world: World) -> None:
    world.do("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM")
    found = pairs(ask(world, "XINFO", "STREAM", "s"))
    assert (found["first-entry"], found["last-entry"], found["radix-tree-nodes"]) == (None, None, 1)


def test_full_shows_everything(world: World) -> None:
    now_ms = world.clock.now_us() // 1000
    fill_stream(world, "1-1", "2-1")
    world.do("XGROUP", "CREATE", "s", "g", "0")
    world.do("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">")
    full = pairs(ask(world, "XINFO", "STREAM", "s", "FULL", "COUNT", "1"))
    assert full["entries"] == [["1-1", ["f", "v"]]]
    found = pairs(items(full["groups"])[0])
    assert found["pending"] == [["1-1", "c", now_ms, 1]]
    assert found["pel-count"] == 2
    assert pairs(items(found["consumers"])[0]) == {
        "name": "c",
        "seen-time": now_ms,
        "active-time": now_ms,
        "pel-count": 2,
        "pending": [["1-1", now_ms, 1]],
    }


def test_full_shows_ten_entries_unless_a_count_is_given(world: World) -> None:
    fill_stream(world, *[f"{number}-1" for number in range(1, 13)])
    for words, count in (((), 10), (("COUNT", "0"), 12), (("COUNT", "-1"), 10), (("COUNT", "11"), 11)):
        full = pairs(ask(world, "XINFO", "STREAM", "s", "FULL", *words))
        assert len(items(full["entries"])) == count


def test_xinfo_checks_the_key_before_its_arguments(world: World) -> None:
    assert world.do("XINFO", "STREAM", "s", "FULL", "COUNT") == NO_SUCH_KEY
    fill_stream(world, "1-1")
    refusal = Error(b"ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.")
    assert world.do("XINFO", "STREAM", "s", "FULL", "COUNT") == refusal
    assert world.do("XINFO", "CONSUMERS", "s", "none") == NO_GROUP


def test_since_8_2_a_group_has_read_at_most_what_was_added() -> None:
    for version, read in (("7.4.1", 100), ("8.2.3", 2)):
        one = World(redis_version=version)
        fill_stream(one, "1-1", "2-1")
        one.do("XGROUP", "CREATE", "s", "g", "2-1", "ENTRIESREAD", "100")
        assert pairs(items(ask(one, "XINFO", "GROUPS", "s"))[0])["entries-read"] == read
        one.do("XGROUP", "SETID", "s", "g", "2-1", "ENTRIESREAD", "100")
        assert pairs(items(ask(one, "XINFO", "GROUPS", "s"))[0])["entries-read"] == read
        one.do("XGROUP", "SETID", "s", "g", "2-1", "ENTRIESREAD", "1")
        assert pairs(items(ask(one, "XINFO", "GROUPS", "s"))[0])["entries-read"] == 1


def test_since_7_4_the_lag_counts_what_is_left() -> None:
    for version, lags in (("7.2.6", [1, 2]), ("7.4.7", [0, 1])):
        one = World(redis_version=version)
        fill_stream(one, "1-1")
        one.do("XGROUP", "CREATE", "s", "g", "$", "ENTRIESREAD", "0")
        one.do("XDEL", "s", "1-1")
        assert pairs(items(ask(one, "XINFO", "GROUPS", "s"))[0])["lag"] == lags[0]
        fill_stream(one, "2-1")
        assert pairs(items(ask(one, "XINFO", "GROUPS", "s"))[0])["lag"] == lags[1]
