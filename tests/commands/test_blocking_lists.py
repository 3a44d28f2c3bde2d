"""Commands that block until a list has elements: which client is served, when, and by which commands."""

from __future__ import annotations

import pytest

from tests.commands.test_lists import whole
from tests.support.journal import Journal
from tests.support.replies import NO_REPLY, NULL_ARRAY, SYNTAX_ERROR, WRONG_TYPE, Error
from tests.support.wire import request
from tests.support.world import Client, World


def blocked(world: World, *words: str) -> Client:
    """Connect a client, let a command block it, and return it."""
    client = world.client()
    assert client.do(*words) == NO_REPLY
    return client


# Without blocking.


def test_an_element_that_exists_is_popped_at_once(world: World) -> None:
    world.do("RPUSH", "l", *"abcd")
    assert world.do("BLPOP", "none", "l", "0") == [b"l", b"a"]
    assert world.do("BRPOP", "l", "0") == [b"l", b"d"]
    assert world.do("BLMOVE", "l", "m", "LEFT", "RIGHT", "0") == b"b"
    assert world.do("BLMPOP", "0", "2", "m", "l", "LEFT", "COUNT", "2") == [b"m", [b"b"]]
    assert world.do("BRPOPLPUSH", "l", "m", "0") == b"c"


def test_no_command_blocks_in_a_transaction(world: World) -> None:
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


def test_left_and_right_are_checked_before_the_timeout(world: World) -> None:
    assert world.do("BLMOVE", "l", "m", "UP", "LEFT", "x") == SYNTAX_ERROR
    assert world.do("BLMPOP", "x", "1", "l", "UP") == SYNTAX_ERROR


# Being blocked and served.


def test_a_push_serves_a_blocked_client(world: World) -> None:
    waiting = blocked(world, "BLPOP", "a", "b", "0")
    assert world.do("RPUSH", "b", "x", "y") == 2
    assert waiting.replies() == [[b"b", b"x"]]
    assert whole(world, "b") == [b"y"]


def test_the_client_that_has_been_blocked_longest_is_served_first(world: World) -> None:
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


def test_of_several_lists_the_one_named_first_is_popped(world: World) -> None:
    waiting = blocked(world, "BLPOP", "a", "b", "0")
    for words in (["MULTI"], ["RPUSH", "b", "1"], ["RPUSH", "a", "2"], ["EXEC"]):
        world.do(*words)
    assert waiting.replies() == [[b"a", b"2"]]


def test_a_transaction_runs_to_its_end_before_a_client_is_served(world: World) -> None:
    waiting = blocked(world, "BLPOP", "l", "0")
    for words in (["MULTI"], ["RPUSH", "l", "a"], ["DEL", "l"], ["EXEC"]):
        world.do(*words)
    assert waiting.replies() == []
    for words in (["MULTI"], ["RPUSH", "l", "a"], ["DEL", "l"], ["LPUSH", "l", "b"], ["LPUSH", "l", "c"], ["EXEC"]):
        world.do(*words)
    assert waiting.replies() == [[b"l", b"c"]]


def test_a_moved_element_serves_the_next_client(world: World) -> None:
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


def test_blmpop_pops_as_many_elements_as_there_are_up_to_its_count(world: World) -> None:
    waiting = blocked(world, "BLMPOP", "0", "2", "a", "b", "RIGHT", "COUNT", "3")
    world.do("RPUSH", "b", *"wxyz")
    assert waiting.replies() == [[b"b", [b"z", b"y", b"x"]]]


def test_a_destination_of_another_type_is_an_error_only_when_the_client_is_served(world: World) -> None:
    world.do("SET", "s", "v")
    waiting = blocked(world, "BLMOVE", "l", "s", "LEFT", "LEFT", "0")
    world.do("RPUSH", "l", "a")
    assert waiting.replies() == [WRONG_TYPE]
    assert whole(world) == [b"a"]


def test_a_client_stays_blocked_while_its_key_has_another_type(world: World) -> None:
    waiting = blocked(world, "BLPOP", "k", "0")
    world.do("SET", "k", "v")
    world.do("DEL", "k")
    assert waiting.replies() == []
    world.do("RPUSH", "k", "a")
    assert waiting.replies() == [[b"k", b"a"]]


def test_a_client_that_a_later_key_serves_gets_an_error_for_a_wrong_type_before_it(world: World) -> None:
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


def test_a_list_that_overwrites_a_key_of_another_type_serves_no_client(world: World) -> None:
    waiting = blocked(world, "BLPOP", "l", "0")
    world.do("RPUSH", "other", "x")
    for words in (("MULTI",), ("SET", "l", "v"), ("SORT", "other", "ALPHA", "STORE", "l"), ("EXEC",)):
        world.do(*words)
    assert waiting.take_output() == b""
    assert world.do("LLEN", "l") == 1


@pytest.mark.parametrize("way", [_rename, _copy, _move, _swap, _sort, _insert])
def test_a_list_created_by_other_commands_than_a_push_serves_a_client_too(world: World, way: object) -> None:
    waiting = blocked(world, "BLPOP", "l", "0")
    assert callable(way)
    way(world)
    assert waiting.replies() == [[b"l", b"x"]]


def test_lists_in_other_databases_serve_no_client(world: World) -> None:
    waiting = blocked(world, "BLPOP", "l", "0")
    world.do("SELECT", "1")
    world.do("RPUSH", "l", "x")
    assert waiting.replies() == []
    assert world.do("LLEN", "l") == 1


def test_serving_a_client_notifies_the_events_of_a_pop(world: World) -> None:
    blocked(world, "BRPOP", "l", "0")
    journal = Journal(world)
    world.do("RPUSH", "l", "x")
    assert journal.take() == ["new l", "* l", "rpush l", "rpop l", "del l", "* l"]


# Timeouts and unblocking.


def test_the_timeout_may_be_a_fraction_of_a_second(world: World) -> None:
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
def test_a_client_that_times_out_gets_a_null_array(world: World, words: tuple[str, ...]) -> None:
    waiting = blocked(world, *words)
    world.advance(1200)
    assert waiting.replies() == [NULL_ARRAY]


def test_under_resp3_a_client_that_times_out_gets_null(world: World) -> None:
    client = world.client()
    client.set_protocol(3)
    client.do("BLMOVE", "l", "m", "LEFT", "LEFT", "1")
    world.advance(1200)
    assert client.replies() == [None]


def test_a_client_that_is_not_served_after_all_keeps_its_timeout(world: World) -> None:
    waiting = blocked(world, "BLPOP", "l", "1")
    world.advance(700)
    for words in (["MULTI"], ["RPUSH", "l", "a"], ["LPOP", "l"], ["EXEC"]):
        world.do(*words)
    world.advance(400)
    assert waiting.replies() == [NULL_ARRAY]


def test_client_unblock_unblocks_a_client(world: World) -> None:
    waiting = blocked(world, "BLPOP", "l", "0")
    assert world.do("CLIENT", "UNBLOCK", waiting.id) == 1
    assert waiting.replies() == [NULL_ARRAY]
    waiting = blocked(world, "BLPOP", "l", "0")
    assert world.do("CLIENT", "UNBLOCK", waiting.id, "ERROR") == 1
    assert waiting.replies() == [Error(b"UNBLOCKED client unblocked via CLIENT UNBLOCK")]


def test_a_client_that_has_disconnected_is_not_served(world: World) -> None:
    gone, waiting = [blocked(world, "BLPOP", "l", "0") for _ in range(2)]
    gone.leave()
    world.do("RPUSH", "l", "a")
    assert waiting.replies() == [[b"l", b"a"]]


def test_further_requests_of_a_blocked_client_wait_too(world: World) -> None:
    waiting = world.client()
    waiting.receive(request("BLPOP", "l", "0") + request("RPUSH", "m", "x"))
    assert world.do("EXISTS", "m") == 0
    world.do("RPUSH", "l", "a")
    assert waiting.replies() == [[b"l", b"a"], 1]


def test_blocked_clients_are_served_after_each_command_of_a_batch(world: World) -> None:
    waiting = blocked(world, "BLPOP", "l", "0")
    world.first.receive(request("RPUSH", "l", "a") + request("LLEN", "l"))
    assert world.replies() == [1, 0]
    assert waiting.replies() == [[b"l", b"a"]]
