"""Clients that wait, and how they go on: behind the batch that released them, never in the middle of it."""

from __future__ import annotations

from itertools import pairwise

from pyredmem.engine.figures import CLIENTS_IN_TIMEOUT_TABLE
from tests.support.engine import World, do, encode


def test_a_released_client_goes_on_behind_the_transaction_that_released_it(world: World) -> None:
    other = world.connect()
    other.receive(encode(["WAIT", "1", "0"]) + encode(["GET", "k"]))
    for words in (["MULTI"], ["CLIENT", "UNBLOCK", other.id], ["SET", "k", "v"]):
        world.do(*words)
    assert world.do("EXEC") == b"*2\r\n:1\r\n+OK\r\n"
    assert other.take_output() == b":0\r\n$1\r\nv\r\n"


def test_a_client_is_released_once(world: World) -> None:
    other = world.connect()
    do(other, "WAIT", "1", "0")
    request = encode(["CLIENT", "UNBLOCK", other.id, "ERROR"])
    world.session.receive(request + request)
    assert world.session.take_output() == b":1\r\n:0\r\n"
    assert other.take_output() == b"-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n"


def test_a_release_with_an_error_counts_as_a_failure(world: World) -> None:
    other = world.connect()
    do(other, "WAIT", "1", "0")
    world.do("CLIENT", "UNBLOCK", other.id, "ERROR")
    assert world.engine.stats.errors == {b"UNBLOCKED": 1}
    assert world.counters("wait").failed == 1


def test_clients_that_release_one_another_do_not_nest(world: World) -> None:
    chain = [world.connect() for _ in range(1500)]
    for session, following in pairwise(chain):
        session.receive(encode(["WAIT", "1", "0"]) + encode(["CLIENT", "UNBLOCK", following.id]))
    do(chain[-1], "WAIT", "1", "0")
    world.do("CLIENT", "UNBLOCK", chain[0].id)
    assert chain[-1].take_output() == b":0\r\n"


def test_without_replies_the_end_of_waiting_is_not_told(world: World) -> None:
    world.do("CLIENT", "REPLY", "OFF")
    world.do("WAIT", "1", "10")
    world.advance(100)
    assert world.session.take_output() == b""
    assert world.do("CLIENT", "REPLY", "ON") == b"+OK\r\n"


def test_a_skipped_reply_is_skipped_after_waiting(world: World) -> None:
    world.do("CLIENT", "REPLY", "SKIP")
    world.do("WAIT", "1", "0")
    assert world.do("CLIENT", "ID") == b""
    do(world.connect(), "CLIENT", "UNBLOCK", world.session.id, "ERROR")
    assert world.session.take_output() == b":1\r\n"


def test_only_those_who_wait_have_a_deadline(world: World) -> None:
    leaves, stays = world.connect(), world.connect()
    for session, timeout in ((leaves, "1000"), (stays, "2000"), (world.session, "500")):
        do(session, "WAIT", "1", timeout)
    world.engine.disconnect(leaves)
    do(world.connect(), "CLIENT", "UNBLOCK", world.session.id)
    world.engine.blocking.check()
    assert len(world.engine.blocking) == world.engine.figures.value(CLIENTS_IN_TIMEOUT_TABLE) == 1
    world.advance(2000)
    assert stays.take_output() == b":0\r\n"
    assert world.engine.figures.value(CLIENTS_IN_TIMEOUT_TABLE) == 0


def test_a_pause_that_begins_and_ends_over_and_over_does_not_nest(world: World) -> None:
    begin, write, end = (
        encode(["CLIENT", "PAUSE", "100000", "WRITE"]),
        encode(["INCR", "n"]),
        encode(["CLIENT", "UNPAUSE"]),
    )
    other = world.connect()
    other.receive(begin + write + (end + begin + write) * 2000)
    assert other.take_output() == b"+OK\r\n"
    assert world.do("CLIENT", "UNPAUSE") == b"+OK\r\n"
    assert other.take_output() == b":1\r\n+OK\r\n+OK\r\n", "it waits for the end of the pause that it began itself"


def test_a_pause_that_begins_behind_an_unpause_is_not_ended_by_it(world: World) -> None:
    other = world.connect()
    world.do("CLIENT", "PAUSE", "100000", "WRITE")
    do(other, "INCR", "n")
    world.session.receive(encode(["CLIENT", "UNPAUSE"]) + encode(["CLIENT", "PAUSE", "100000", "WRITE"]))
    assert other.take_output() == b""
    assert world.engine.pause.active


def test_a_monitor_is_not_paused(world: World) -> None:
    world.do("MONITOR")
    do(world.connect(), "CLIENT", "PAUSE", "1000")
    assert world.do("PING").startswith(b"+PONG\r\n")
