"""Commands that wait for elements: who gets them, when, and what wakes a client."""

from __future__ import annotations

import pytest

from tests.commands.test_lists import whole
from tests.support.journal import Journal
from tests.support.replies import NO_REPLY, NULL_ARRAY, SYNTAX_ERROR, WRONG_TYPE, Error
from tests.support.wire import request
from tests.support.world import Client, World


def blocked(world: World, *words: str) -> Client:
    """A client that a command blocks."""
    client = world.client()
    assert client.do(*words) == NO_REPLY
    return client


# Without waiting.


def test_what_is_there_is_taken_at_once(world: World) -> None:
    world.do("RPUSH", "l", *"abcd")
    assert world.do("BLPOP", "none", "l", "0") == [b"l", b"a"]
    assert world.do("BRPOP", "l", "0") == [b"l", b"d"]
    assert world.do("BLMOVE", "l", "m", "LEFT", "RIGHT", "0") == b"b"
    assert world.do("BLMPOP", "0", "2", "m", "l", "LEFT", "COUNT", "2") == [b"m", [b"b"]]
    assert world.do("BRPOPLPUSH", "l", "m", "0") == b"c"


def test_in_a_transaction_nobody_waits(world: World) -> None:
    world.do("MULTI")
    for words in (
        ["BLPOP", "l", "0"],
        ["BLMOVE", "l", "m", "LEFT", "LEFT", "0"],
        ["BLMPOP", "0", "1", "l", "LEFT"],
        ["BRPOPLPUSH", "l", "m", "0"],
    ):
        world.do(*words)
    assert world.do("EXEC") == [NULL_ARRAY, None, NULL_ARRAY, None]


@pytest.mark.parametrize(
    ("timeout", "error"),
    [
        ("x", "timeout is not a float or out of range"),
        ("", "timeout is not a float or out of range"),
        ("-1", "timeout is negative"),
        ("-0.5", "timeout is negative"),
        ("1e300", "timeout is out of range"),
    ],
)
def test_a_bad_timeout_is_refused(world: World, timeout: str, error: str) -> None:
    reply = Error(f"ERR {error}".encode())
    assert world.do("BLPOP", "l", timeout) == reply
    assert world.do("BLMOVE", "l", "m", "LEFT", "LEFT", timeout) == reply
    assert world.do("BLMPOP", timeout, "1", "l", "LEFT") == reply


def test_ends_are_read_before_the_timeout(world: World) -> None:
    assert world.do("BLMOVE", "l", "m", "UP", "LEFT", "x") == SYNTAX_ERROR
    assert world.do("BLMPOP", "x", "1", "l", "UP") == SYNTAX_ERROR


# Waiting.


def test_a_push_serves_who_waits(world: World) -> None:
    waiting = blocked(world, "BLPOP", "a", "b", "0")
    assert world.do("RPUSH", "b", "x", "y") == 2
    assert waiting.replies() == [[b"b", b"x"]]
    assert whole(world, "b") == [b"y"]


def test_first_come_first_served(world: World) -> None:
    first, second, third = [blocked(world, "BLPOP", "l", "0") for _ in range(3)]
    world.do("RPUSH", "l", "a", "b")
    assert [one.replies() for one in (first, second, third)] == [[[b"l", b"a"]], [[b"l", b"b"]], []]


def test_a_served_client_goes_to_the_end_of_the_queue(world: World) -> None:
    first, second = [blocked(world, "BLPOP", "l", "0") for _ in range(2)]
    world.do("RPUSH", "l", "a")
    assert first.replies() == [[b"l", b"a"]]
    first.do("BLPOP", "l", "0")
    world.do("RPUSH", "l", "b")
    assert (first.replies(), second.replies()) == ([], [[b"l", b"b"]])


def test_of_several_lists_the_first_named_is_served_first(world: World) -> None:
    waiting = blocked(world, "BLPOP", "a", "b", "0")
    for words in (["MULTI"], ["RPUSH", "b", "1"], ["RPUSH", "a", "2"], ["EXEC"]):
        world.do(*words)
    assert waiting.replies() == [[b"a", b"2"]]


def test_a_transaction_is_over_before_anyone_is_served(world: World) -> None:
    waiting = blocked(world, "BLPOP", "l", "0")
    for words in (["MULTI"], ["RPUSH", "l", "a"], ["DEL", "l"], ["EXEC"]):
        world.do(*words)
    assert waiting.replies() == []
    for words in (["MULTI"], ["RPUSH", "l", "a"], ["DEL", "l"], ["LPUSH", "l", "b"], ["LPUSH", "l", "c"], ["EXEC"]):
        world.do(*words)
    assert waiting.replies() == [[b"l", b"c"]]


def test_a_moved_element_serves_the_next_one(world: World) -> None:
    last = blocked(world, "BLPOP", "c", "0")
    second = blocked(world, "BLMOVE", "b", "c", "LEFT", "RIGHT", "0")
    first = blocked(world, "BRPOPLPUSH", "a", "b", "0")
    assert world.do("RPUSH", "a", "x") == 1
    assert first.replies() == second.replies() == [b"x"]
    assert last.replies() == [[b"c", b"x"]]
    assert world.do("DBSIZE") == 0


def test_a_circle_of_moves_ends(world: World) -> None:
    one = blocked(world, "BLMOVE", "a", "b", "LEFT", "RIGHT", "0")
    two = blocked(world, "BLMOVE", "b", "a", "LEFT", "RIGHT", "0")
    world.do("RPUSH", "a", "x")
    assert one.replies() == two.replies() == [b"x"]
    assert whole(world, "a") == [b"x"]


def test_who_waits_for_several_elements_takes_what_is_there(world: World) -> None:
    waiting = blocked(world, "BLMPOP", "0", "2", "a", "b", "RIGHT", "COUNT", "3")
    world.do("RPUSH", "b", *"wxyz")
    assert waiting.replies() == [[b"b", [b"z", b"y", b"x"]]]


def test_a_destination_of_another_type_is_told_when_it_matters(world: World) -> None:
    world.do("SET", "s", "v")
    waiting = blocked(world, "BLMOVE", "l", "s", "LEFT", "LEFT", "0")
    world.do("RPUSH", "l", "a")
    assert waiting.replies() == [WRONG_TYPE]
    assert whole(world) == [b"a"]


def test_a_key_of_another_type_is_waited_past(world: World) -> None:
    waiting = blocked(world, "BLPOP", "k", "0")
    world.do("SET", "k", "v")
    world.do("DEL", "k")
    assert waiting.replies() == []
    world.do("RPUSH", "k", "a")
    assert waiting.replies() == [[b"k", b"a"]]


def test_served_by_a_later_key_a_wrong_type_before_it_is_told(world: World) -> None:
    waiting = blocked(world, "BLPOP", "k", "l", "0")
    world.do("SET", "k", "v")
    world.do("RPUSH", "l", "a")
    assert waiting.replies() == [WRONG_TYPE]
    assert whole(world) == [b"a"]


def _rename(world: World) -> None:
    world.do("RPUSH", "other", "x")
    world.do("RENAME", "other", "l")


def _copy(world: World) -> None:
    world.do("RPUSH", "other", "x")
    world.do("COPY", "other", "l")


def _move(world: World) -> None:
    world.do("SELECT", "1")
    world.do("RPUSH", "l", "x")
    world.do("MOVE", "l", "0")
    world.do("SELECT", "0")


def _swap(world: World) -> None:
    world.do("SELECT", "1")
    world.do("RPUSH", "l", "x")
    world.do("SWAPDB", "0", "1")
    world.do("SELECT", "0")


def _sort(world: World) -> None:
    world.do("RPUSH", "other", "x")
    world.do("SORT", "other", "ALPHA", "STORE", "l")


def _insert(world: World) -> None:
    world.do("RPUSH", "other", "x")
    world.do("LMOVE", "other", "l", "LEFT", "LEFT")


def test_a_list_that_overwrites_what_nobody_waited_for_serves_no_client(world: World) -> None:
    waiting = blocked(world, "BLPOP", "l", "0")
    world.do("RPUSH", "other", "x")
    for words in (("MULTI",), ("SET", "l", "v"), ("SORT", "other", "ALPHA", "STORE", "l"), ("EXEC",)):
        world.do(*words)
    assert waiting.take_output() == b""
    assert world.do("LLEN", "l") == 1


@pytest.mark.parametrize("way", [_rename, _copy, _move, _swap, _sort, _insert])
def test_a_list_may_come_in_many_ways(world: World, way: object) -> None:
    waiting = blocked(world, "BLPOP", "l", "0")
    assert callable(way)
    way(world)
    assert waiting.replies() == [[b"l", b"x"]]


def test_lists_of_other_databases_do_not_count(world: World) -> None:
    waiting = blocked(world, "BLPOP", "l", "0")
    world.do("SELECT", "1")
    world.do("RPUSH", "l", "x")
    assert waiting.replies() == []
    assert world.do("LLEN", "l") == 1


def test_serving_tells_the_events_of_a_pop(world: World) -> None:
    blocked(world, "BRPOP", "l", "0")
    journal = Journal(world)
    world.do("RPUSH", "l", "x")
    assert journal.take() == ["new l", "* l", "rpush l", "* l", "rpop l", "del l"]


# The end of waiting.


def test_the_time_may_be_a_fraction_of_a_second(world: World) -> None:
    waiting = blocked(world, "BLPOP", "l", "0.3")
    world.advance(200)
    assert waiting.replies() == []
    world.advance(200)
    assert waiting.replies() == [NULL_ARRAY]


@pytest.mark.parametrize(
    "words",
    [
        ("BRPOP", "l", "1"),
        ("BLMOVE", "l", "m", "LEFT", "LEFT", "1"),
        ("BRPOPLPUSH", "l", "m", "1"),
        ("BLMPOP", "1", "1", "l", "LEFT"),
    ],
)
def test_when_the_time_is_over_there_is_a_null_array(world: World, words: tuple[str, ...]) -> None:
    waiting = blocked(world, *words)
    world.advance(1200)
    assert waiting.replies() == [NULL_ARRAY]


def test_under_resp3_it_is_the_null(world: World) -> None:
    client = world.client()
    client.set_protocol(3)
    client.do("BLMOVE", "l", "m", "LEFT", "LEFT", "1")
    world.advance(1200)
    assert client.replies() == [None]


def test_waiting_again_in_vain_does_not_prolong_the_time(world: World) -> None:
    waiting = blocked(world, "BLPOP", "l", "1")
    world.advance(700)
    for words in (["MULTI"], ["RPUSH", "l", "a"], ["LPOP", "l"], ["EXEC"]):
        world.do(*words)
    world.advance(400)
    assert waiting.replies() == [NULL_ARRAY]


def test_a_client_can_be_released(world: World) -> None:
    waiting = blocked(world, "BLPOP", "l", "0")
    assert world.do("CLIENT", "UNBLOCK", waiting.id) == 1
    assert waiting.replies() == [NULL_ARRAY]
    waiting = blocked(world, "BLPOP", "l", "0")
    assert world.do("CLIENT", "UNBLOCK", waiting.id, "ERROR") == 1
    assert waiting.replies() == [Error(b"UNBLOCKED client unblocked via CLIENT UNBLOCK")]


def test_who_is_gone_takes_nothing(world: World) -> None:
    gone, waiting = [blocked(world, "BLPOP", "l", "0") for _ in range(2)]
    gone.leave()
    world.do("RPUSH", "l", "a")
    assert waiting.replies() == [[b"l", b"a"]]


def test_further_requests_wait_too(world: World) -> None:
    waiting = world.client()
    waiting.receive(request("BLPOP", "l", "0") + request("RPUSH", "m", "x"))
    assert world.do("EXISTS", "m") == 0
    world.do("RPUSH", "l", "a")
    assert waiting.replies() == [[b"l", b"a"], 1]


def test_one_batch_serves_after_each_command(world: World) -> None:
    waiting = blocked(world, "BLPOP", "l", "0")
    world.first.receive(request("RPUSH", "l", "a") + request("LLEN", "l"))
    assert world.replies() == [1, 0]
    assert waiting.replies() == [[b"l", b"a"]]
