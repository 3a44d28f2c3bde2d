"""A client inside the process can be polled, as over TCP."""

from __future__ import annotations

import select
import threading
from typing import Any

import pytest
import redis

from pyredmem.client.server import Server

SECONDS = 20.0


def connect(server: Server) -> Any:
    """A connection of redis-py, which belongs to no client."""
    made: Any = server.client(single_connection_client=True).connection
    made.connect()
    return made


@pytest.fixture
def connection(server: Server) -> Any:
    """A connection that is there, with nothing to read."""
    made = connect(server)
    made.send_command("PING")
    assert made.read_response() == b"PONG"
    return made


def is_readable(connection: Any, timeout: float = 0) -> bool:
    return bool(select.select([connection._sock], [], [], timeout)[0])


def timekeepers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "pyredmem timekeeper"]


def test_the_file_can_be_read_until_the_reply_was_read(connection: Any) -> None:
    assert not is_readable(connection)
    connection.send_command("PING")
    assert is_readable(connection)
    connection.read_response()
    assert not is_readable(connection)


def test_a_reply_from_before_the_file_was_made_counts(connection: Any) -> None:
    connection.send_command("PING")
    assert is_readable(connection)


def test_the_file_can_be_read_until_all_of_a_reply_was_read(server: Server, connection: Any) -> None:
    server.client().set("key", "x" * 100)
    connection.send_command("GET", "key")
    while is_readable(connection):
        assert connection._sock.recv(30)
    connection._sock.setblocking(False)
    with pytest.raises(BlockingIOError):
        connection._sock.recv(30)


def test_another_client_makes_the_file_readable(server: Server, connection: Any) -> None:
    connection.send_command("BLPOP", "queue", 0)
    assert not is_readable(connection)
    server.client().rpush("queue", "job")
    assert is_readable(connection)
    assert connection.read_response() == [b"queue", b"job"]


def test_time_that_the_clock_lets_pass_makes_the_file_readable(server: Server, connection: Any) -> None:
    server.clock.freeze()
    connection.send_command("BLPOP", "queue", 60)
    assert not is_readable(connection)
    server.clock.advance(61)
    assert is_readable(connection)
    assert connection.read_response() is None


def test_time_passes_for_one_who_only_polls(connection: Any) -> None:
    connection.send_command("BLPOP", "queue", 0.01)
    assert is_readable(connection, SECONDS)
    assert connection.read_response() is None


def test_the_end_of_the_connection_makes_the_file_readable(server: Server, connection: Any) -> None:
    assert not is_readable(connection)
    server.faults.disconnect_all()
    assert is_readable(connection)
    with pytest.raises(redis.ConnectionError):
        connection.read_response()


def test_a_closed_connection_has_no_file(connection: Any) -> None:
    local = connection._sock
    assert local.fileno() >= 0
    connection.disconnect()
    assert local.fileno() == -1


def test_connections_share_a_thread_which_ends_with_the_last_of_them(server: Server, connection: Any) -> None:
    other = connect(server)
    before = set(timekeepers())
    assert [one._sock.fileno() >= 0 for one in (connection, other)] == [True, True]
    (thread,) = set(timekeepers()) - before
    connection.disconnect()
    assert len(server.driver.alarms) == 1
    other.disconnect()
    thread.join(SECONDS)
    assert not thread.is_alive()
    assert not server.driver.alarms


def test_the_thread_ends_with_the_server(connection: Any, server: Server) -> None:
    before = set(timekeepers())
    connection._sock.fileno()
    (thread,) = set(timekeepers()) - before
    server.close()
    thread.join(SECONDS)
    assert not thread.is_alive()


def test_redis_py_needs_no_file(server: Server) -> None:
    client = server.client()
    client.rpush("queue", "job")
    client.blpop("queue")
    pubsub = client.pubsub()
    pubsub.subscribe("news")
    assert pubsub.get_message(timeout=SECONDS)
    assert pubsub.get_message(timeout=0.001) is None
    assert client.lpop("queue") is None
    assert not server.driver.alarms
