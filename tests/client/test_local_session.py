"""The process's own session: commands of a test that no client sends."""

from __future__ import annotations

import pytest
import redis

from pyredmem.client.local_session import LocalSession
from pyredmem.client.server import Server


def test_replies_are_values(server: Server) -> None:
    with LocalSession(server.driver) as session:
        session.do("HSET", "h", "f", 1)
        assert session.do("HGETALL", "h") == {b"f": b"1"}
        assert session.do("INCRBYFLOAT", "n", 0.1) == b"0.1"


def test_an_error_is_raised(server: Server) -> None:
    with LocalSession(server.driver) as session, pytest.raises(redis.ResponseError, match="unknown command 'NOPE'"):
        session.do("NOPE")


def test_it_is_gone_afterwards(server: Server) -> None:
    with LocalSession(server.driver) as session:
        session.do("WATCH", "a")
    with server.client() as client:
        assert len(client.client_list()) == 1


def test_other_clients_go_on_after_an_error(server: Server) -> None:
    with pytest.raises(redis.ResponseError), LocalSession(server.driver) as session:
        session.do("NOPE")
    with server.client() as client:
        assert client.ping()


def test_it_says_that_the_clients_are_paused(server: Server) -> None:
    with server.client() as client:
        client.client_pause(60000)
    with pytest.raises(RuntimeError, match="has put off 'DEL': its clients are paused"):
        server.load({"a": "1"})


def test_it_says_that_there_are_too_many_clients() -> None:
    with Server(maxclients=1) as server, server.client() as client:
        client.ping()
        with pytest.raises(RuntimeError, match="max number of clients reached"):
            server.dump()
        assert client.ping()


def test_it_says_that_the_server_is_closed() -> None:
    server = Server()
    server.close()
    with pytest.raises(RuntimeError, match="the server is closed"):
        server.dump()
