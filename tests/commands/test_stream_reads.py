"""XREAD and XREADGROUP, and clients that are blocked in them."""

from __future__ import annotations

import pytest

from tests.support.filling import fill_stream
from tests.support.replies import NO_REPLY, NULL_ARRAY, WRONG_TYPE, Error, Map, Reply
from tests.support.specs import ask
from tests.support.world import Client, World

NO_GROUP = Error(b"NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option")
NEW = ("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">")
HISTORY = ("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", "0")


def one_entry(name: str, key: str = "s") -> Reply:
    """The RESP2 reply that has one entry of one stream."""
    return [[key.encode(), [[name.encode(), [b"f", b"v"]]]]]


def waiting(world: World, *words: str) -> Client:
    client = world.client()
    assert client.do(*words) == NO_REPLY
    return client


# XREAD.


def test_xread_gives_the_entries_after_an_id(world: World) -> None:
    fill_stream(world, "1-1", "2-1")
    assert world.do("XREAD", "STREAMS", "s", "1-1") == one_entry("2-1")
    assert world.do("XREAD", "COUNT", "1", "STREAMS", "s", "0") == one_entry("1-1")
    assert world.do("XREAD", "STREAMS", "s", "2-1") == NULL_ARRAY
    assert world.do("XREAD", "STREAMS", "s", "$") == NULL_ARRAY


def test_streams_without_new_entries_are_left_out(world: World) -> None:
    fill_stream(world, "1-1")
    fill_stream(world, "1-1", key="t")
    assert world.do("XREAD", "STREAMS", "s", "none", "t", "1-1", "0", "0") == one_entry("1-1", "t")


def test_the_reply_is_a_map_in_resp3(world: World) -> None:
    fill_stream(world, "1-1")
    world.do("HELLO", "3")
    assert world.do("XREAD", "STREAMS", "s", "0") == Map({b"s": [[b"1-1", [b"f", b"v"]]]})
    assert world.do("XREAD", "STREAMS", "s", "9") is None


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("XREAD", "COUNT", "1", "STREAMS"), "syntax error"),
        (
            ("XREAD", "STREAMS", "s", "t", "0"),
            "Unbalanced 'xread' list of streams: for each stream key an ID or '$' must be specified.",
        ),
        (
            ("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", "t", "0"),
            "Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be specified.",
        ),
        (("XREAD", "BLOCK", "x", "STREAMS", "s", "0"), "timeout is not an integer or out of range"),
        (("XREAD", "BLOCK", "-1", "STREAMS", "s", "0"), "timeout is negative"),
        (
            ("XREAD", "NOACK", "STREAMS", "s", "0"),
            "The NOACK option is only supported by XREADGROUP. You called XREAD instead.",
        ),
        (("XREADGROUP", "COUNT", "1", "COUNT", "1", "STREAMS", "s", "0"), "Missing GROUP option for XREADGROUP"),
        (
            ("XREAD", "STREAMS", "s", ">"),
            "The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.",
        ),
    ],
)
def test_bad_calls_are_refused(world: World, words: tuple[str, ...], error: str) -> None:
    assert world.do(*words) == Error(f"ERR {error}".encode())


# XREADGROUP.


def test_each_entry_goes_to_one_consumer(world: World) -> None:
    fill_stream(world, "1-1", "2-1")
    world.do("XGROUP", "CREATE", "s", "g", "0")
    assert world.do("XREADGROUP", "GROUP", "g", "a", "COUNT", "1", "STREAMS", "s", ">") == one_entry("1-1")
    assert world.do("XREADGROUP", "GROUP", "g", "b", "STREAMS", "s", ">") == one_entry("2-1")
    assert world.do("XREADGROUP", "GROUP", "g", "b", "STREAMS", "s", ">") == NULL_ARRAY


def test_a_stream_named_twice_has_nothing_new_the_second_time(world: World) -> None:
    fill_stream(world, "1-1")
    world.do("XGROUP", "CREATE", "s", "g", "0")
    assert world.do("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", "s", ">", ">") == one_entry("1-1")


def test_the_history_of_a_consumer_is_its_pending_entries(world: World) -> None:
    fill_stream(world, "1-1", "2-1")
    world.do("XGROUP", "CREATE", "s", "g", "0")
    assert ask(world, *HISTORY) == [["s", []]]
    world.do(*NEW)
    world.do("XACK", "s", "g", "1-1")
    assert world.do(*HISTORY) == one_entry("2-1")


def test_the_history_shows_deleted_entries_without_fields(world: World) -> None:
    fill_stream(world, "1-1")
    world.do("XGROUP", "CREATE", "s", "g", "0")
    world.do(*NEW)
    world.do("XDEL", "s", "1-1")
    assert ask(world, *HISTORY) == [["s", [["1-1", None]]]]


def test_reading_the_history_counts_as_a_delivery(world: World) -> None:
    fill_stream(world, "1-1")
    world.do("XGROUP", "CREATE", "s", "g", "0")
    world.do(*NEW)
    world.advance(70)
    world.do(*HISTORY)
    assert ask(world, "XPENDING", "s", "g", "-", "+", "9") == [["1-1", "c", 0, 2]]


def test_noack_leaves_nothing_pending(world: World) -> None:
    fill_stream(world, "1-1")
    world.do("XGROUP", "CREATE", "s", "g", "0")
    assert world.do("XREADGROUP", "GROUP", "g", "c", "NOACK", "STREAMS", "s", ">") == one_entry("1-1")
    assert ask(world, "XPENDING", "s", "g") == [0, None, None, None]


def test_a_missing_group_is_an_error(world: World) -> None:
    assert world.do(*NEW) == NO_GROUP
    fill_stream(world, "1-1")
    assert world.do(*NEW) == NO_GROUP


# Being blocked.


def test_all_blocked_readers_get_a_new_entry(world: World) -> None:
    readers = [waiting(world, "XREAD", "BLOCK", "0", "STREAMS", "s", "$") for _ in range(3)]
    fill_stream(world, "1-1")
    assert [reader.replies() for reader in readers] == [[one_entry("1-1")]] * 3


def test_the_dollar_sign_is_the_last_id_at_the_time_of_the_call(world: World) -> None:
    fill_stream(world, "1-1")
    reader = waiting(world, "XREAD", "BLOCK", "0", "STREAMS", "s", "$")
    world.do("MULTI")
    fill_stream(world, "2-1", "3-1")
    world.do("EXEC")
    [[[key, entries]]] = reader.replies()
    assert key == b"s"
    assert [name for name, _ in entries] == [b"2-1", b"3-1"]


def test_one_blocked_consumer_of_each_group_gets_a_new_entry(world: World) -> None:
    world.do("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
    world.do("XGROUP", "CREATE", "s", "h", "$")
    clients = [
        waiting(world, "XREADGROUP", "GROUP", group, consumer, "BLOCK", "0", "STREAMS", "s", ">")
        for group in "gh"
        for consumer in "ab"
    ]
    fill_stream(world, "1-1")
    assert [client.replies() for client in clients] == [[one_entry("1-1")], [], [one_entry("1-1")], []]
    fill_stream(world, "2-1")
    assert [client.replies() for client in clients] == [[], [one_entry("2-1")], [], [one_entry("2-1")]]


def test_a_timeout_gives_a_null_array(world: World) -> None:
    reader = waiting(world, "XREAD", "BLOCK", "100", "STREAMS", "s", "0")
    world.advance(200)
    assert reader.replies() == [NULL_ARRAY]


def test_no_command_blocks_in_a_transaction(world: World) -> None:
    world.do("MULTI")
    world.do("XREAD", "BLOCK", "0", "STREAMS", "s", "0")
    assert world.do("EXEC") == [NULL_ARRAY]


@pytest.mark.parametrize("words", [("DEL", "s"), ("XGROUP", "DESTROY", "s", "g"), ("FLUSHALL",), ("RENAME", "s", "t")])
def test_a_blocked_consumer_gets_an_error_when_its_group_is_deleted(world: World, words: tuple[str, ...]) -> None:
    world.do("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
    client = waiting(world, "XREADGROUP", "GROUP", "g", "c", "BLOCK", "0", "STREAMS", "s", ">")
    world.do(*words)
    assert client.replies() == [NO_GROUP]


def test_a_blocked_consumer_gets_an_error_when_its_key_has_another_type(world: World) -> None:
    world.do("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
    client = waiting(world, "XREADGROUP", "GROUP", "g", "c", "BLOCK", "0", "STREAMS", "s", ">")
    world.do("SET", "s", "v")
    assert client.replies() == [WRONG_TYPE]


def test_a_reader_stays_blocked_when_its_key_is_deleted(world: World) -> None:
    fill_stream(world, "1-1")
    reader = waiting(world, "XREAD", "BLOCK", "0", "STREAMS", "s", "$")
    world.do("DEL", "s")
    world.do("SET", "s", "v")
    assert reader.replies() == []
    world.do("DEL", "s")
    fill_stream(world, "2-1")
    assert reader.replies() == [one_entry("2-1")]


def test_a_consumer_stays_blocked_when_another_group_is_destroyed(world: World) -> None:
    world.do("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
    world.do("XGROUP", "CREATE", "s", "h", "$")
    client = waiting(world, "XREADGROUP", "GROUP", "g", "c", "BLOCK", "0", "STREAMS", "s", ">")
    world.do("XGROUP", "DESTROY", "s", "h")
    assert client.replies() == []
    fill_stream(world, "1-1")
    assert client.replies() == [one_entry("1-1")]


def test_a_blocked_consumer_gets_an_error_when_its_key_expires(world: World) -> None:
    world.do("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
    world.do("PEXPIRE", "s", "150")
    client = waiting(world, "XREADGROUP", "GROUP", "g", "c", "BLOCK", "0", "STREAMS", "s", ">")
    world.advance(500)
    assert client.replies() == [NO_GROUP]


def test_a_group_that_is_set_back_serves_blocked_consumers_only_with_the_next_entry(world: World) -> None:
    fill_stream(world, "1-1")
    world.do("XGROUP", "CREATE", "s", "g", "$")
    client = waiting(world, "XREADGROUP", "GROUP", "g", "c", "BLOCK", "0", "COUNT", "1", "STREAMS", "s", ">")
    world.do("XGROUP", "SETID", "s", "g", "0")
    assert client.replies() == []
    fill_stream(world, "2-1")
    assert client.replies() == [one_entry("1-1")]


def test_an_entry_that_is_deleted_at_once_serves_no_reader(world: World) -> None:
    client = waiting(world, "XREAD", "BLOCK", "0", "STREAMS", "s", "$")
    for words in (["MULTI"], ["XADD", "s", "1-1", "f", "v"], ["XDEL", "s", "1-1"], ["EXEC"]):
        world.do(*words)
    assert client.replies() == []
    fill_stream(world, "2-1")
    assert client.replies() == [one_entry("2-1")]


# The last entry.


def test_since_7_4_plus_is_the_last_entry() -> None:
    newer = World(redis_version="7.4.1")
    assert newer.do("XREAD", "STREAMS", "s", "+") == NULL_ARRAY
    fill_stream(newer, "1-1", "2-1")
    assert newer.do("XREAD", "COUNT", "5", "STREAMS", "s", "+") == one_entry("2-1")
    newer.do("XDEL", "s", "2-1")
    assert newer.do("XREAD", "STREAMS", "s", "+") == one_entry("1-1")
    newer.do("XDEL", "s", "1-1")
    client = waiting(newer, "XREAD", "BLOCK", "0", "STREAMS", "s", "+")
    fill_stream(newer, "3-1")
    assert client.replies() == [one_entry("3-1")]


def test_plus_is_no_id_for_a_group_or_before_7_4(world: World) -> None:
    newer = World(redis_version="7.4.1")
    newer.do("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM")
    reply = newer.raw("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", "+")
    assert reply.startswith(b"-ERR The + ID is meaningless in the context of XREADGROUP")
    invalid = b"-ERR Invalid stream ID specified as stream command argument\r\n"
    assert World(redis_version="7.2.6").raw("XREAD", "STREAMS", "s", "+") == invalid


def test_unbalanced_streams_are_told_the_ids_of_the_version() -> None:
    for version, ids in (("7.2.6", b"an ID or '$'"), ("7.4.1", b"an ID, '+', or '$'")):
        error = b"-ERR Unbalanced 'xread' list of streams: for each stream key %b must be specified.\r\n" % ids
        assert World(redis_version=version).raw("XREAD", "STREAMS", "a", "b", "0") == error
