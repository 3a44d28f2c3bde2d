"""Blocked clients: one that is unblocked goes on after the batch that unblocked it, never in the middle of that."""

from __future__ import annotations

from itertools import pairwise

from pyredmem.engine.figures import CLIENTS_IN_TIMEOUT_TABLE
from tests.support.replies import NO_REPLY, OK, PONG, Error
from tests.support.wire import request
from tests.support.world import World


def test_an_unblocked_client_goes_on_after_the_transaction_that_unblocked_it(world: World) -> None:
    other = world.client()
    other.receive(request("WAIT", "1", "0") + request("GET", "k"))
    for words in (["MULTI"], ["CLIENT", "UNBLOCK", other.id], ["SET", "k", "v"]):
        world.do(*words)
    assert world.do("EXEC") == [1, OK]
    assert other.replies() == [0, b"v"]


def test_a_client_is_unblocked_once(world: World) -> None:
    other = world.client()
    other.do("WAIT", "1", "0")
    unblock = ("CLIENT", "UNBLOCK", other.id, "ERROR")
    assert world.first.pipeline(unblock, unblock) == [1, 0]
    assert other.replies() == [Error(b"UNBLOCKED client unblocked via CLIENT UNBLOCK")]


def test_a_blocked_call_is_counted_when_its_client_gets_the_reply(world: World) -> None:
    waiting, leaving = world.client(), world.client()
    waiting.do("BLPOP", "k", "0")
    leaving.do("BLPOP", "k", "0")
    world.engine.disconnect(leaving.session)
    assert world.counters("blpop").calls() == 0
    world.do("RPUSH", "k", "a")
    assert world.counters("blpop").calls() == 1


def test_unblocking_with_an_error_counts_as_a_failure(world: World) -> None:
    other = world.client()
    other.do("WAIT", "1", "0")
    world.do("CLIENT", "UNBLOCK", other.id, "ERROR")
    assert world.engine.stats.errors == {b"UNBLOCKED": 1}
    assert world.counters("wait").failed == 1


def test_a_chain_of_clients_that_unblock_one_another_does_not_nest_calls(world: World) -> None:
    chain = [world.client() for _ in range(1500)]
    for client, following in pairwise(chain):
        client.receive(request("WAIT", "1", "0") + request("CLIENT", "UNBLOCK", following.id))
    chain[-1].do("WAIT", "1", "0")
    world.do("CLIENT", "UNBLOCK", chain[0].id)
    assert chain[-1].replies() == [0]


def test_a_client_with_replies_off_gets_no_reply_when_it_times_out(world: World) -> None:
    world.do("CLIENT", "REPLY", "OFF")
    world.do("WAIT", "1", "10")
    world.advance(100)
    assert world.replies() == []
    assert world.do("CLIENT", "REPLY", "ON") == OK


def test_a_skipped_reply_is_skipped_even_if_the_client_was_blocked(world: World) -> None:
    world.do("CLIENT", "REPLY", "SKIP")
    world.do("WAIT", "1", "0")
    assert world.do("CLIENT", "ID") == NO_REPLY
    world.client().do("CLIENT", "UNBLOCK", world.session.id, "ERROR")
    assert world.replies() == [1]


def test_only_blocked_clients_are_in_the_timeout_table(world: World) -> None:
    leaves, stays = world.client(), world.client()
    for client, timeout in ((leaves, "1000"), (stays, "2000"), (world.first, "500")):
        client.do("WAIT", "1", timeout)
    leaves.leave()
    world.client().do("CLIENT", "UNBLOCK", world.session.id)
    world.engine.blocking.check()
    assert len(world.engine.blocking) == world.engine.figures.value(CLIENTS_IN_TIMEOUT_TABLE) == 1
    world.advance(2000)
    assert stays.replies() == [0]
    assert world.engine.figures.value(CLIENTS_IN_TIMEOUT_TABLE) == 0


def test_a_pause_that_begins_and_ends_many_times_in_one_batch_does_not_nest_calls(world: World) -> None:
    begin, write, end = (
        request("CLIENT", "PAUSE", "100000", "WRITE"),
        request("INCR", "n"),
        request("CLIENT", "UNPAUSE"),
    )
    other = world.client()
    other.receive(begin + write + (end + begin + write) * 2000)
    assert other.replies() == [OK]
    assert world.do("CLIENT", "UNPAUSE") == OK
    assert other.replies() == [1, OK, OK], "the client waits for the end of the pause that it began itself"


def test_an_unpause_does_not_end_a_pause_that_begins_after_it(world: World) -> None:
    other = world.client()
    world.do("CLIENT", "PAUSE", "100000", "WRITE")
    other.do("INCR", "n")
    world.first.receive(request("CLIENT", "UNPAUSE") + request("CLIENT", "PAUSE", "100000", "WRITE"))
    assert other.replies() == []
    assert world.engine.pause.active


def test_a_monitor_is_not_paused(world: World) -> None:
    world.do("MONITOR")
    world.client().do("CLIENT", "PAUSE", "1000")
    assert world.replies("PING")[0] == PONG
