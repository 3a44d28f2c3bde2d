"""Commands that wait for elements: who gets them, when, and what wakes a client."""

from __future__ import annotations

import pytest

from pyredmem.engine.session import Session
from tests.commands.test_lists import NULL, NULL_ARRAY, bulks, whole
from tests.support.engine import World, do, encode
from tests.support.journal import Journal

WRONG_TYPE = b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"


def blocked(world: World, *words: str) -> Session:
    """A client that waits."""
    session = world.connect()
    assert do(session, *words) == b""
    return session


# Without waiting.


def test_what_is_there_is_taken_at_once(world: World) -> None:
    world.do("RPUSH", "l", *"abcd")
    assert world.do("BLPOP", "none", "l", "0") == bulks("l", "a")
    assert world.do("BRPOP", "l", "0") == bulks("l", "d")
    assert world.do("BLMOVE", "l", "m", "LEFT", "RIGHT", "0") == b"$1\r\nb\r\n"
    assert world.do("BLMPOP", "0", "2", "m", "l", "LEFT", "COUNT", "2") == b"*2\r\n$1\r\nm\r\n" + bulks("b")
    assert world.do("BRPOPLPUSH", "l", "m", "0") == b"$1\r\nc\r\n"


def test_in_a_transaction_nobody_waits(world: World) -> None:
    world.do("MULTI")
    for words in (
        ["BLPOP", "l", "0"],
        ["BLMOVE", "l", "m", "LEFT", "LEFT", "0"],
        ["BLMPOP", "0", "1", "l", "LEFT"],
        ["BRPOPLPUSH", "l", "m", "0"],
    ):
        world.do(*words)
    assert world.do("EXEC") == b"*4\r\n" + NULL_ARRAY + NULL + NULL_ARRAY + NULL


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
    reply = f"-ERR {error}\r\n".encode()
    assert world.do("BLPOP", "l", timeout) == reply
    assert world.do("BLMOVE", "l", "m", "LEFT", "LEFT", timeout) == reply
    assert world.do("BLMPOP", timeout, "1", "l", "LEFT") == reply


def test_ends_are_read_before_the_timeout(world: World) -> None:
    assert world.do("BLMOVE", "l", "m", "UP", "LEFT", "x") == b"-ERR syntax error\r\n"
    assert world.do("BLMPOP", "x", "1", "l", "UP") == b"-ERR syntax error\r\n"


# Waiting.


def test_a_push_serves_who_waits(world: World) -> None:
    waiting = blocked(world, "BLPOP", "a", "b", "0")
    assert world.do("RPUSH", "b", "x", "y") == b":2\r\n"
    assert waiting.take_output() == bulks("b", "x")
    assert whole(world, "b") == bulks("y")


def test_first_come_first_served(world: World) -> None:
    first, second, third = [blocked(world, "BLPOP", "l", "0") for _ in range(3)]
    world.do("RPUSH", "l", "a", "b")
    assert [one.take_output() for one in (first, second, third)] == [bulks("l", "a"), bulks("l", "b"), b""]


def test_a_served_client_goes_to_the_end_of_the_queue(world: World) -> None:
    first, second = [blocked(world, "BLPOP", "l", "0") for _ in range(2)]
    world.do("RPUSH", "l", "a")
    assert first.take_output() == bulks("l", "a")
    do(first, "BLPOP", "l", "0")
    world.do("RPUSH", "l", "b")
    assert (first.take_output(), second.take_output()) == (b"", bulks("l", "b"))


def test_of_several_lists_the_first_named_is_served_first(world: World) -> None:
    waiting = blocked(world, "BLPOP", "a", "b", "0")
    for words in (["MULTI"], ["RPUSH", "b", "1"], ["RPUSH", "a", "2"], ["EXEC"]):
        world.do(*words)
    assert waiting.take_output() == bulks("a", "2")


def test_a_transaction_is_over_before_anyone_is_served(world: World) -> None:
    waiting = blocked(world, "BLPOP", "l", "0")
    for words in (["MULTI"], ["RPUSH", "l", "a"], ["DEL", "l"], ["EXEC"]):
        world.do(*words)
    assert waiting.take_output() == b""
    for words in (["MULTI"], ["RPUSH", "l", "a"], ["DEL", "l"], ["LPUSH", "l", "b"], ["LPUSH", "l", "c"], ["EXEC"]):
        world.do(*words)
    assert waiting.take_output() == bulks("l", "c")


def test_a_moved_element_serves_the_next_one(world: World) -> None:
    last = blocked(world, "BLPOP", "c", "0")
    second = blocked(world, "BLMOVE", "b", "c", "LEFT", "RIGHT", "0")
    first = blocked(world, "BRPOPLPUSH", "a", "b", "0")
    assert world.do("RPUSH", "a", "x") == b":1\r\n"
    assert first.take_output() == second.take_output() == b"$1\r\nx\r\n"
    assert last.take_output() == bulks("c", "x")
    assert world.do("DBSIZE") == b":0\r\n"


def test_a_circle_of_moves_ends(world: World) -> None:
    one = blocked(world, "BLMOVE", "a", "b", "LEFT", "RIGHT", "0")
    two = blocked(world, "BLMOVE", "b", "a", "LEFT", "RIGHT", "0")
    world.do("RPUSH", "a", "x")
    assert one.take_output() == two.take_output() == b"$1\r\nx\r\n"
    assert whole(world, "a") == bulks("x")


def test_who_waits_for_several_elements_takes_what_is_there(world: World) -> None:
    waiting = blocked(world, "BLMPOP", "0", "2", "a", "b", "RIGHT", "COUNT", "3")
    world.do("RPUSH", "b", *"wxyz")
    assert waiting.take_output() == b"*2\r\n$1\r\nb\r\n" + bulks("z", "y", "x")


def test_a_destination_of_another_type_is_told_when_it_matters(world: World) -> None:
    world.do("SET", "s", "v")
    waiting = blocked(world, "BLMOVE", "l", "s", "LEFT", "LEFT", "0")
    world.do("RPUSH", "l", "a")
    assert waiting.take_output() == WRONG_TYPE
    assert whole(world) == bulks("a")


def test_a_key_of_another_type_is_waited_past(world: World) -> None:
    waiting = blocked(world, "BLPOP", "k", "0")
    world.do("SET", "k", "v")
    world.do("DEL", "k")
    assert waiting.take_output() == b""
    world.do("RPUSH", "k", "a")
    assert waiting.take_output() == bulks("k", "a")


def test_served_by_a_later_key_a_wrong_type_before_it_is_told(world: World) -> None:
    waiting = blocked(world, "BLPOP", "k", "l", "0")
    world.do("SET", "k", "v")
    world.do("RPUSH", "l", "a")
    assert waiting.take_output() == WRONG_TYPE
    assert whole(world) == bulks("a")


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
    assert world.do("LLEN", "l") == b":1\r\n"


@pytest.mark.parametrize("way", [_rename, _copy, _move, _swap, _sort, _insert])
def test_a_list_may_come_in_many_ways(world: World, way: object) -> None:
    waiting = blocked(world, "BLPOP", "l", "0")
    assert callable(way)
    way(world)
    assert waiting.take_output() == bulks("l", "x")


def test_lists_of_other_databases_do_not_count(world: World) -> None:
    waiting = blocked(world, "BLPOP", "l", "0")
    world.do("SELECT", "1")
    world.do("RPUSH", "l", "x")
    assert waiting.take_output() == b""
    assert world.do("LLEN", "l") == b":1\r\n"


def test_serving_tells_the_events_of_a_pop(world: World) -> None:
    blocked(world, "BRPOP", "l", "0")
    journal = Journal(world)
    world.do("RPUSH", "l", "x")
    assert journal.take() == ["new l", "* l", "rpush l", "* l", "rpop l", "del l"]


# The end of waiting.


def test_the_time_may_be_a_fraction_of_a_second(world: World) -> None:
    waiting = blocked(world, "BLPOP", "l", "0.3")
    world.advance(200)
    assert waiting.take_output() == b""
    world.advance(200)
    assert waiting.take_output() == NULL_ARRAY


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
    assert waiting.take_output() == NULL_ARRAY


def test_under_resp3_it_is_the_null(world: World) -> None:
    session = world.connect()
    session.set_protocol(3)
    do(session, "BLMOVE", "l", "m", "LEFT", "LEFT", "1")
    world.advance(1200)
    assert session.take_output() == b"_\r\n"


def test_waiting_again_in_vain_does_not_prolong_the_time(world: World) -> None:
    waiting = blocked(world, "BLPOP", "l", "1")
    world.advance(700)
    for words in (["MULTI"], ["RPUSH", "l", "a"], ["LPOP", "l"], ["EXEC"]):
        world.do(*words)
    world.advance(400)
    assert waiting.take_output() == NULL_ARRAY


def test_a_client_can_be_released(world: World) -> None:
    waiting = blocked(world, "BLPOP", "l", "0")
    assert world.do("CLIENT", "UNBLOCK", waiting.id) == b":1\r\n"
    assert waiting.take_output() == NULL_ARRAY
    waiting = blocked(world, "BLPOP", "l", "0")
    assert world.do("CLIENT", "UNBLOCK", waiting.id, "ERROR") == b":1\r\n"
    assert waiting.take_output() == b"-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n"


def test_who_is_gone_takes_nothing(world: World) -> None:
    gone, waiting = [blocked(world, "BLPOP", "l", "0") for _ in range(2)]
    world.engine.disconnect(gone)
    world.do("RPUSH", "l", "a")
    assert waiting.take_output() == bulks("l", "a")


def test_further_requests_wait_too(world: World) -> None:
    waiting = world.connect()
    waiting.receive(encode(["BLPOP", "l", "0"]) + encode(["RPUSH", "m", "x"]))
    assert world.do("EXISTS", "m") == b":0\r\n"
    world.do("RPUSH", "l", "a")
    assert waiting.take_output() == bulks("l", "a") + b":1\r\n"


def test_one_batch_serves_after_each_command(world: World) -> None:
    waiting = blocked(world, "BLPOP", "l", "0")
    world.session.receive(encode(["RPUSH", "l", "a"]) + encode(["LLEN", "l"]))
    assert world.session.take_output() == b":1\r\n:0\r\n"
    assert waiting.take_output() == bulks("l", "a")
