"""`TcpFakeServer`: a server on a real socket."""

from __future__ import annotations

import threading

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from pyredmem.fakeredis import TcpFakeServer


def test_clients_reach_it_over_a_socket() -> None:
    with TcpFakeServer(("127.0.0.1", 0), server_version=(7, 2)) as server:
        host, port = server.server_address
        with redis.Redis(host, port) as client:
            client.set("name", "text")
            assert client.get("name") == b"text"
            assert client.info("server")["redis_version"] == "7.2.0"
            assert list(server.clients.values()) == [client.client_id()]


def test_it_serves_in_a_thread_until_it_is_shut_down() -> None:
    server = TcpFakeServer(("127.0.0.1", 0))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    with redis.Redis(*server.server_address, retry=Retry(NoBackoff(), 0)) as client:
        assert client.ping()
        server.shutdown()
        thread.join()
        with pytest.raises(redis.ConnectionError):
            client.ping()
    server.server_close()


def test_it_may_listen_later() -> None:
    server = TcpFakeServer(("localhost", 0), bind_and_activate=False)
    assert server.server_address == ("localhost", 0)
    server.server_bind()
    server.server_activate()
    with redis.Redis(*server.server_address) as client:
        assert client.ping()
    server.server_close()


def test_an_address_that_is_taken_is_refused() -> None:
    with TcpFakeServer(("127.0.0.1", 0)) as server, pytest.raises(OSError, match="already in use"):
        TcpFakeServer(server.server_address)


def test_two_servers_share_nothing() -> None:
    with (
        TcpFakeServer(("127.0.0.1", 0)) as one,
        TcpFakeServer(("127.0.0.1", 0)) as other,
        redis.Redis(*one.server_address) as first,
        redis.Redis(*other.server_address) as second,
    ):
        first.set("name", "text")
        assert second.get("name") is None
