"""Requests of many clients in one turn of the event loop: they run at its end, in the order in which they arrived."""

from __future__ import annotations

import random

import pytest

from pyredmem.engine.core import GATHERED_CLIENTS
from pyredmem.engine.incoming import MOST_BYTES
from pyredmem.structures.look_ahead import LEAST_ENTRIES
from tests.server.test_connection import Client
from tests.server.test_messages import Turns
from tests.support.wire import request


def collecting(shell: Turns, clients: int = GATHERED_CLIENTS) -> list[Client]:
    """Clients whose requests wait for the end of the turn."""
    found = [shell.connect() for _ in range(clients)]
    begin(shell)
    return found


def begin(shell: Turns) -> None:
    """A client sends requests until those of others are collected."""
    other = shell.connect()
    while not shell.engine.core.outgoing.is_busy:
        other.send("PING")


def sent(clients: list[Client]) -> list[bytes]:
    return [client.transport.sent for client in clients]


def test_requests_run_at_the_end_of_the_turn_in_the_order_in_which_they_arrived() -> None:
    shell = Turns()
    clients = collecting(shell)
    for client in reversed(clients):
        client.send("INCR", "n")
    assert sent(clients) == [b""] * 4
    assert shell.engine.keyspace.databases[0].size() == 0
    shell.end_turn()
    assert sent(clients) == [b":4\r\n", b":3\r\n", b":2\r\n", b":1\r\n"]


@pytest.mark.parametrize("keys", [10, LEAST_ENTRIES])
def test_each_client_gets_the_value_of_its_key_from_its_database(keys: int) -> None:
    shell = Turns()
    writer = shell.connect()
    writer.connection.data_received(b"".join(request("SET", f"k{number}", number) for number in range(keys)))
    clients = collecting(shell, 100)
    clients[7].send("SELECT", 1)
    clients[8].connection.data_received(request("GET", "k1") + request("GET", "k2"))
    shell.end_turn()
    numbers = random.Random(1).choices(range(keys), k=len(clients))
    begin(shell)
    for client, number in zip(clients, numbers, strict=True):
        client.transport.sent = b""
        client.send("GET", f"k{number}")
    shell.end_turn()
    expected = [b"$%d\r\n%d\r\n" % (len(str(number)), number) for number in numbers]
    expected[7] = b"$-1\r\n"
    assert sent(clients) == expected
    assert shell.engine.audit().ok


def test_a_large_request_runs_after_those_that_came_before_it() -> None:
    shell = Turns()
    clients = collecting(shell)
    large = "x" * MOST_BYTES
    clients[0].send("SET", "k", "small")
    clients[1].send("GETSET", "k", large)
    clients[2].send("STRLEN", "k")
    shell.end_turn()
    assert sent(clients[:3]) == [b"+OK\r\n", b"$5\r\nsmall\r\n", b":%d\r\n" % MOST_BYTES]


def test_two_reads_of_one_client_run_in_order_with_what_came_between_them() -> None:
    shell = Turns()
    clients = collecting(shell)
    clients[0].send("APPEND", "k", "a")
    clients[1].send("APPEND", "k", "b")
    clients[0].send("APPEND", "k", "c")
    clients[1].send("GET", "k")
    shell.end_turn()
    assert sent(clients[:2]) == [b":1\r\n:3\r\n", b":2\r\n$3\r\nabc\r\n"]


def test_a_request_in_two_parts_runs_when_the_second_one_is_there() -> None:
    shell = Turns()
    clients = collecting(shell)
    whole = request("SET", "k", "value")
    clients[0].connection.data_received(whole[:20])
    clients[1].send("EXISTS", "k")
    shell.end_turn()
    begin(shell)
    clients[0].connection.data_received(whole[20:])
    clients[1].send("EXISTS", "k")
    shell.end_turn()
    assert sent(clients[:2]) == [b"+OK\r\n", b":0\r\n:1\r\n"]


def test_requests_of_a_client_that_another_one_kills_in_this_turn_do_not_run() -> None:
    shell = Turns()
    clients = collecting(shell)
    clients[0].send("CLIENT", "KILL", "ID", clients[1].session.id)
    clients[1].send("SET", "k", "v")
    clients[2].send("EXISTS", "k")
    shell.end_turn()
    assert sent(clients[:3]) == [b":1\r\n", b"", b":0\r\n"]
    assert shell.engine.audit().ok


def test_requests_of_a_client_that_is_gone_at_the_end_of_the_turn_do_not_run() -> None:
    shell = Turns()
    clients = collecting(shell)
    clients[0].send("SET", "k", "v")
    clients[0].connection.connection_lost(None)
    clients[1].send("EXISTS", "k")
    shell.end_turn()
    assert sent(clients[:2]) == [b"", b":0\r\n"]
    assert shell.engine.audit().ok


def test_requests_of_a_blocked_client_wait_until_it_goes_on() -> None:
    shell = Turns()
    clients = collecting(shell)
    clients[0].send("BLPOP", "list", 0)
    shell.end_turn()
    begin(shell)
    clients[0].send("ECHO", "later")
    shell.end_turn()
    assert clients[0].transport.sent == b""
    begin(shell)
    clients[1].send("RPUSH", "list", "x")
    shell.end_turn()
    assert clients[0].transport.sent == b"*2\r\n$4\r\nlist\r\n$1\r\nx\r\n$5\r\nlater\r\n"


def test_a_client_must_authenticate_before_its_next_request() -> None:
    shell = Turns(requirepass="secret")
    clients = collecting(shell)
    clients[0].connection.data_received(request("PING") + request("AUTH", "secret") + request("PING"))
    shell.end_turn()
    assert clients[0].transport.sent == b"-NOAUTH Authentication required.\r\n+OK\r\n+PONG\r\n"


def test_after_what_is_no_request_the_client_gets_its_replies_and_the_error() -> None:
    shell = Turns()
    clients = collecting(shell)
    clients[0].connection.data_received(request("PING") + b"*1\r\n!\r\n")
    assert not clients[0].transport.closed
    shell.end_turn()
    assert clients[0].transport.sent == b"+PONG\r\n-ERR Protocol error: expected '$', got '!'\r\n"
    assert clients[0].transport.closed


def test_a_client_that_will_send_nothing_more_gets_its_replies() -> None:
    shell = Turns()
    clients = collecting(shell)
    clients[0].send("SET", "k", "v")
    clients[1].send("GET", "k")
    assert not clients[1].connection.eof_received()
    assert sent(clients[:2]) == [b"", b"$1\r\nv\r\n"]
    shell.end_turn()
    assert sent(clients[:2]) == [b"+OK\r\n", b"$1\r\nv\r\n"]


def test_a_fault_in_a_command_disconnects_its_client_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("A fault")

    shell = Turns()
    monkeypatch.setattr(shell.turn_host, "shut_down", fail)
    clients = collecting(shell)
    for client in clients:
        if client is clients[1]:
            client.send("SHUTDOWN", "NOSAVE")
        else:
            client.connection.data_received(request("INCR", "n") + b"*1\r\n")
    with pytest.raises(RuntimeError, match="A fault"):
        shell.end_turn()
    shell.end_turn()
    clients[3].connection.data_received(b"$4\r\nPING\r\n")
    shell.end_turn()
    assert clients[1].transport.aborted
    assert sent(clients) == [b":1\r\n", b"", b":2\r\n", b":3\r\n+PONG\r\n"]
    assert shell.engine.audit().ok
