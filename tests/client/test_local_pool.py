"""The pool of a sync client: what it leaves out, and that it does all the rest as redis-py does."""

from __future__ import annotations

import gc
import inspect
import threading
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import pytest
import redis
from redis.connection import Connection

from pyredmem.base.optional import optional_module
from pyredmem.client.server import Server
from pyredmem.client.shortcuts import READERS, is_pool_plain, take_idle
from pyredmem.client.sync import LocalPool
from pyredmem.fakeredis import FakeRedis

_NEEDS_NAME = inspect.signature(redis.ConnectionPool.get_connection).parameters["command_name"].default is not None
SECONDS = 20.0

needs_reader = pytest.mark.skipif(not READERS, reason="this redis-py, or its parser in Python, reads replies as ever")


def take(pool: Any) -> Any:
    """A connection, asked for as this redis-py wants it."""
    return pool.get_connection("PING") if _NEEDS_NAME else pool.get_connection()


def idle_connection(pool: Any) -> Any:
    (connection,) = pool._available_connections
    return connection


def counts(pool: Any) -> tuple[int, int, int]:
    """How many connections were made, are idle, and are in use."""
    return pool._created_connections, len(pool._available_connections), len(pool._in_use_connections)


@pytest.fixture(params=[LocalPool, redis.ConnectionPool], ids=["short", "genuine"])
def client(request: pytest.FixtureRequest, server: Server) -> Iterator[redis.Redis]:
    """A client with a pool of ours, and one with redis-py's own: every test must pass with both."""
    client = server.client(max_connections=2)
    client.connection_pool.__class__ = request.param
    client.ping()
    yield client
    client.close()


@pytest.fixture
def pool(client: redis.Redis) -> Any:
    return client.connection_pool


@pytest.fixture
def short_pool(server: Server) -> Iterator[Any]:
    """A pool with one idle connection, which can be handed out without redis-py."""
    client = server.client()  # which closes its pool when it is gone
    client.ping()
    yield client.connection_pool
    client.close()


# What is left out.


@needs_reader
def test_redis_py_is_not_asked_for_an_idle_connection(short_pool: Any) -> None:
    connection = idle_connection(short_pool)
    with mock.patch.object(connection, "connect") as connect, mock.patch.object(connection, "can_read") as can_read:
        assert short_pool.get_connection() is connection
    assert not connect.called
    assert not can_read.called
    assert counts(short_pool) == (1, 0, 1)
    short_pool.release(connection)
    assert counts(short_pool) == (1, 1, 0)


@needs_reader
def test_a_client_of_pyredmem_fakeredis_has_the_same_pool() -> None:
    assert type(FakeRedis().connection_pool) is LocalPool
    assert type(FakeRedis.from_url("redis://localhost:6390").connection_pool) is LocalPool


def test_words_are_left_to_redis_py(short_pool: Any) -> None:
    """redis-py warns of words, or needs them, so it has to see them."""
    with mock.patch("pyredmem.client.sync.take_idle") as shortcut, pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *args, **options: None)
        short_pool.get_connection("PING")
    assert not shortcut.called


# What is as ever: with either pool.


def test_the_connection_that_came_last_is_handed_out_first(pool: Any) -> None:
    first, second = take(pool), take(pool)
    assert first is not second
    pool.release(first)
    pool.release(second)
    assert take(pool) is second
    assert take(pool) is first


def test_there_are_no_more_connections_than_the_client_may_have(pool: Any) -> None:
    taken = [take(pool), take(pool)]
    with pytest.raises(redis.ConnectionError, match="Too many connections"):
        take(pool)
    pool.release(taken[0])
    assert take(pool) is taken[0]
    assert counts(pool) == (2, 0, 2)


def test_a_connection_that_the_server_has_closed_is_opened_again(client: redis.Redis, server: Server) -> None:
    before = client.client_id()
    server.client().client_kill_filter(_id=str(before))
    assert client.get("key") is None
    assert client.client_id() != before


def test_a_reply_that_nobody_has_read_does_not_answer_the_next_command(client: redis.Redis) -> None:
    pool: Any = client.connection_pool
    connection = take(pool)
    connection.send_command("ECHO", "unread")
    pool.release(connection)
    assert client.echo("asked") == b"asked"
    assert counts(pool) == (1, 1, 0)


@needs_reader
def test_the_rest_of_a_reply_does_not_answer_the_next_command(client: redis.Redis) -> None:
    idle_connection(client.connection_pool)._parser._reader.feed(b"+unread")
    assert client.echo("asked") == b"asked"


def test_a_pool_that_was_disconnected_connects_again(client: redis.Redis) -> None:
    client.connection_pool.disconnect()
    assert client.ping() is True
    assert counts(client.connection_pool) == (1, 1, 0)


def test_a_pool_that_was_reset_forgets_its_connections(pool: Any) -> None:
    connection = take(pool)
    pool.reset()
    assert counts(pool) == (0, 0, 0)
    assert take(pool) is not connection


def test_a_client_of_a_closed_server_gets_an_error_and_its_connection_goes_back(
    client: redis.Redis, server: Server
) -> None:
    server.close()
    with pytest.raises(redis.ConnectionError):
        client.ping()
    assert counts(client.connection_pool) == (1, 1, 0)


@pytest.mark.skipif(not hasattr(Connection, "mark_for_reconnect"), reason="this redis-py marks no connections")
def test_a_connection_that_is_marked_is_disconnected_when_it_comes_back(pool: Any) -> None:
    connection = take(pool)
    connection.mark_for_reconnect()
    pool.release(connection)
    assert connection._sock is None
    assert counts(pool) == (1, 1, 0)


def test_a_connection_of_another_process_is_disconnected_when_it_comes_back(pool: Any) -> None:
    connection = take(pool)
    connection.pid += 1
    pool.release(connection)
    assert connection._sock is None
    assert counts(pool)[1:] == (0, 0)


@pytest.mark.skipif(_NEEDS_NAME, reason="this redis-py adds it to the pool")
def test_a_connection_that_comes_back_twice_is_there_once(pool: Any) -> None:
    connection = take(pool)
    pool.release(connection)
    pool.release(connection)
    assert counts(pool) == (1, 1, 0)


@pytest.mark.skipif(not hasattr(redis.ConnectionPool, "re_auth_callback"), reason="this redis-py has no tokens")
def test_a_connection_with_a_new_token_logs_in_when_it_comes_back(pool: Any, server: Server) -> None:
    connection = take(pool)
    server.commands.start()
    token = mock.Mock()
    token.try_get.return_value = "default"
    token.get_value.return_value = "any"
    pool.re_auth_callback(token)
    pool.release(connection)
    assert server.commands.count("AUTH") == 1


def test_an_error_while_a_connection_is_looked_at_leaves_it_in_the_pool(pool: Any) -> None:
    connection = idle_connection(pool)
    parser = connection._parser
    del connection._parser
    with pytest.raises(AttributeError):
        take(pool)
    connection._parser = parser
    assert counts(pool) == (1, 1, 0)


def test_threads_share_a_pool(server: Server, client: redis.Redis) -> None:
    """Each thread gets its own replies; afterwards every connection is idle, and there once."""
    pool: Any = client.connection_pool
    pool.max_connections = 8
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(100):
                assert client.echo(f"{number}:{turn}") == f"{number}:{turn}".encode()
                if turn % 25 == number:
                    pool.disconnect(inuse_connections=False)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
        assert not thread.is_alive()
    assert not errors
    made, idle, in_use = counts(pool)
    assert (idle, in_use) == (made, 0)
    assert len(set(pool._available_connections)) == idle


# Those who follow what pools do.


@pytest.mark.parametrize("name", ["get_connection", "release"])
@pytest.mark.parametrize("owner", ["the pool", "its class in redis-py"])
def test_a_method_that_a_test_has_replaced_is_called(server: Server, owner: str, name: str) -> None:
    client = server.client(retry=None)
    client.ping()
    target = client.connection_pool if owner == "the pool" else redis.ConnectionPool
    replaced = mock.patch.object(target, name, side_effect=redis.ConnectionError("from the test"))
    with replaced, pytest.raises(redis.ConnectionError, match="from the test"):
        client.ping()


def test_a_connect_that_a_test_has_replaced_is_called(server: Server) -> None:
    client = server.client(retry=None)
    client.ping()
    replaced = mock.patch.object(Connection, "connect", side_effect=redis.ConnectionError("from the test"))
    with replaced, pytest.raises(redis.ConnectionError, match="from the test"):
        client.ping()
    assert client.ping() is True


_providers: Any = optional_module("redis.observability.providers")
_config: Any = optional_module("redis.observability.config")


@needs_reader
@pytest.mark.skipif(_providers is None, reason="this redis-py has no metrics")
def test_redis_py_counts_connections_if_it_is_told_to(server: Server) -> None:
    client = server.client()
    client.ping()
    gc.collect()  # so that no pool of another test is counted out meanwhile
    with mock.patch("redis.connection.record_connection_count") as count:
        client.ping()
        assert not count.called
        _providers.get_observability_instance().init(_config.OTelConfig())
        try:
            assert not is_pool_plain()
            assert take_idle(client.connection_pool) is None
            client.ping()
            assert count.call_count == len(("idle, less", "used, more", "used, less", "idle, more"))
        finally:
            _providers.reset_observability_instance()
    assert is_pool_plain()


# Pools that stay redis-py's own.

_event: Any = optional_module("redis.event")
_cache: Any = optional_module("redis.cache")


class Provider(redis.CredentialProvider):
    """Knows what the server wants."""

    def get_credentials(self) -> tuple[str, str]:
        return "default", "any"


def _given_pool(server: Server) -> redis.Redis:
    return server.client(connection_pool=redis.ConnectionPool())


def _given_blocking_pool(server: Server) -> redis.Redis:
    return server.client(connection_pool=redis.BlockingConnectionPool())


def _provider(server: Server) -> redis.Redis:
    return server.client(credential_provider=Provider())


@pytest.mark.parametrize("make", [_given_pool, _given_blocking_pool, _provider])
def test_a_pool_that_has_more_to_do_is_left_alone(server: Server, make: Callable[[Server], redis.Redis]) -> None:
    client = make(server)
    assert type(client.connection_pool) in {redis.ConnectionPool, redis.BlockingConnectionPool}
    assert client.ping() is True


@pytest.mark.skipif(_event is None, reason="this redis-py has no events")
def test_the_pool_of_a_client_with_a_dispatcher_is_left_alone(server: Server) -> None:
    dispatcher = _event.EventDispatcher()
    assert type(server.client(event_dispatcher=dispatcher).connection_pool) is redis.ConnectionPool


@pytest.mark.skipif(_cache is None, reason="this redis-py has no cache")
def test_the_pool_of_a_client_with_a_cache_is_left_alone(server: Server) -> None:
    options: dict[str, Any] = {"protocol": 3, "cache_config": _cache.CacheConfig()}
    assert type(server.client(**options).connection_pool) is redis.ConnectionPool


def test_a_class_that_a_client_of_fakeredis_is_given_is_kept() -> None:
    assert type(FakeRedis(connection_pool_class=redis.ConnectionPool).connection_pool) is redis.ConnectionPool
    assert type(FakeRedis(connection_class=FakeRedis.default_connection_class).connection_pool) is redis.ConnectionPool
