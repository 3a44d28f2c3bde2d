"""The test world itself: when two replies are equal, how time passes, and what its clients receive."""

from __future__ import annotations

import pytest

from tests.support.filling import fill
from tests.support.replies import (
    NO_REPLY,
    NULL_ARRAY,
    OK,
    SYNTAX_ERROR,
    Boolean,
    Double,
    Error,
    Map,
    Push,
    Reply,
    Set,
    Simple,
    Verbatim,
    decode,
    is_error,
)
from tests.support.world import EmptyWorld, World

# Values that look alike and are not the same on the wire.
DIFFERENT: list[Reply] = [
    *(5, b"5", Simple(b"5"), Error(b"5"), Double(b"5"), Verbatim(b"txt", b"5"), [5], [b"5"], Set([5]), Push([5])),
    *(None, NULL_ARRAY, NO_REPLY, [], Set(), Push(), Map(), Boolean(False), b"", [None]),
    *([b"f", b"v"], Map({b"f": b"v"}), Set([b"f", b"v"]), [[b"f", b"v"]], OK, b"OK"),
]


def test_replies_that_differ_on_the_wire_are_not_equal() -> None:
    for at, one in enumerate(DIFFERENT):
        equal = [other for other in DIFFERENT[:at] + DIFFERENT[at + 1 :] if other == one]
        assert equal == [], one
        assert not [other for other in DIFFERENT if (other != one) is (other == one)], one


def test_the_order_of_a_map_and_of_a_set_counts() -> None:
    assert Map({b"a": 1, b"b": 2}) != Map({b"b": 2, b"a": 1})
    assert Set([1, 2]) != Set([2, 1])


def test_a_map_is_not_a_plain_dictionary_and_a_set_not_a_list() -> None:
    assert Map({b"a": 1}) != {b"a": 1}
    assert Set([1]) != [1]
    assert Set([1]) != [1]


@pytest.mark.parametrize(
    ("data", "protocol"),
    [(b"_\r\n", 2), (b"%0\r\n", 2), (b"*1\r\n#t\r\n", 2), (b"$-1\r\n", 3), (b"*1\r\n*-1\r\n", 3)],
)
def test_a_reply_that_does_not_exist_in_the_protocol_of_the_client_fails(data: bytes, protocol: int) -> None:
    with pytest.raises(AssertionError, match="in a reply to a client that speaks RESP"):
        decode(data, protocol)
    assert len(decode(data, 5 - protocol)) == 1


def test_an_incomplete_reply_fails() -> None:
    with pytest.raises(AssertionError, match="not a whole reply"):
        decode(b"+OK\r\n$3\r\nab", 2)


def test_a_command_that_is_sent_more_than_its_reply_fails() -> None:
    world = World(protocol=3)
    world.do("CLIENT", "TRACKING", "ON")
    world.do("GET", "k")
    with pytest.raises(AssertionError, match="sent more than its reply"):
        world.do("SET", "k", "v")


def test_a_blocked_client_has_no_reply_yet() -> None:
    world = World()
    waiting = world.client()
    assert waiting.do("BLPOP", "l", "0") is NO_REPLY
    world.do("RPUSH", "l", "x")
    assert waiting.replies() == [[b"l", b"x"]]


def test_raw_gives_the_bytes_and_replies_give_everything_in_order() -> None:
    world = World()
    assert world.raw("GET", "k") == b"$-1\r\n"
    assert world.first.pipeline(("SET", "k", 1), ("INCR", "k")) == [OK, 2]


def test_an_error_is_known_by_its_beginning() -> None:
    assert is_error(SYNTAX_ERROR, b"ERR syntax")
    assert not is_error(SYNTAX_ERROR, b"WRONGTYPE")
    assert not is_error(b"ERR syntax error", b"ERR")


@pytest.mark.parametrize("most_ticks", [None, 100, 1, 0])
def test_time_passes_as_far_as_asked_however_often_the_timer_ticks(most_ticks: int | None) -> None:
    world = EmptyWorld()
    before = world.now_ms
    world.advance(2550, most_ticks)
    assert world.now_ms - before == 2550


def test_fill_sets_keys_and_returns_them() -> None:
    world = World()
    assert fill(world, 2) == {b"key:0", b"key:1"}
    assert world.do("DBSIZE") == 2


def test_a_leak_in_the_ledger_fails_the_check() -> None:
    world = World()
    world.check()
    world.engine.allocator.alloc(100)
    with pytest.raises(AssertionError, match="leaked"):
        world.check()
