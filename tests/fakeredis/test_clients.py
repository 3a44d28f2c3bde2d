"""Options of the clients, and servers that are not connected."""

from __future__ import annotations

import threading
from typing import Any
from unittest import mock

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from pyredmem.fakeredis import FakeConnection, FakeRedis, FakeRedisConnection, FakeServer, FakeStrictRedis
from pyredmem.fakeredis.servers import NOT_CONNECTED


def test_the_text_of_the_error_is_that_of_fakeredis() -> None:
    assert NOT_CONNECTED == "FakeRedis is emulating a connection error."


def test_options_of_redis_py_are_in_force(fake_server: FakeServer) -> None:
    client = FakeRedis(server=fake_server, db=2, decode_responses=True, client_name="worker", protocol=2)
    client.set("name", "text")
    assert client.get("name") == "text"
    info = client.client_info()
    assert (info["name"], info["db"], info["resp"]) == ("worker", 2, "2")


@pytest.mark.parametrize("protocol", [2, 3])
def test_both_protocols_are_spoken(fake_server: FakeServer, protocol: int) -> None:
    client = FakeRedis(server=fake_server, protocol=protocol)
    assert client.client_info()["resp"] == str(protocol)


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(TypeError, match="unknown_option"):
        FakeRedis(unknown_option=1)


def test_options_of_tls_do_not_matter(fake_server: FakeServer) -> None:
    assert FakeRedis(server=fake_server, ssl=True, ssl_cert_reqs="none").ping()
    assert FakeRedis.from_url("rediss://secure:6380", server=fake_server).ping()


@pytest.mark.parametrize("name", ["cjson", "cmsgpack", "bit", "struct"])
def test_libraries_of_lua_are_there_with_the_option_and_without_it(fake_server: FakeServer, name: str) -> None:
    for client in (FakeRedis(server=fake_server, lua_modules={name}), FakeRedis(server=fake_server)):
        assert client.eval(f"return type({name})", 0) == b"table"


def test_from_url_takes_what_the_constructor_takes(fake_server: FakeServer) -> None:
    client = FakeStrictRedis.from_url("redis://any-host:1/5", server=fake_server, decode_responses=True)
    client.set("name", "text")
    assert FakeRedis(server=fake_server, db=5).get("name") == b"text"
    assert type(client) is FakeStrictRedis


def test_from_url_logs_in(fake_server: FakeServer) -> None:
    FakeRedis(server=fake_server).acl_setuser("anna", enabled=True, passwords=["+secret"], categories=["+@all"])
    assert FakeRedis.from_url("redis://anna:secret@host", server=fake_server).acl_whoami() == "anna"


def test_a_single_connection_serves_a_client_that_asks_for_one(fake_server: FakeServer) -> None:
    client = FakeRedis(server=fake_server, single_connection_client=True)
    assert client.client_id() == client.client_id()
    assert isinstance(client.connection, FakeRedisConnection)
    client.close()
    by_url = FakeRedis.from_url("redis://host", server=fake_server, single_connection_client=True)
    assert isinstance(by_url.connection, FakeRedisConnection)
    by_url.close()


def test_a_closed_client_closes_its_connections(fake_server: FakeServer) -> None:
    watcher = FakeRedis(server=fake_server)
    for client in (FakeRedis(server=fake_server), FakeRedis.from_url("redis://host", server=fake_server)):
        client.ping()
        assert len(watcher.client_list()) == 2
        client.close()
        assert len(watcher.client_list()) == 1


def test_a_pool_of_another_class_may_be_asked_for(fake_server: FakeServer) -> None:
    pool_class = redis.BlockingConnectionPool
    client = FakeRedis(server=fake_server, connection_pool_class=pool_class, max_connections=3)
    assert isinstance(client.connection_pool, pool_class)
    assert client.connection_pool.max_connections == 3
    assert client.ping()


def test_a_pool_of_redis_py_takes_the_connections() -> None:
    pool = redis.ConnectionPool(connection_class=FakeConnection, server=FakeServer(), decode_responses=True)
    client = redis.Redis(connection_pool=pool)
    client.set("name", "text")
    assert client.get("name") == "text"
    assert FakeRedis(connection_pool=pool).get("name") == "text"


def test_a_class_may_stand_in_place_of_redis_py() -> None:
    with mock.patch("redis.Redis", FakeRedis):
        client: Any = redis.Redis("stands-in", 6000, decode_responses=True)
    client.set("name", "text")
    assert FakeRedis("stands-in", 6000).get("name") == b"text"


def test_no_name_is_looked_up() -> None:
    with mock.patch("socket.getaddrinfo", side_effect=AssertionError):
        assert FakeRedis("no-such-host.invalid", protocol=3).ping()


# Servers that are not connected.


def refused(client: redis.Redis) -> str:
    """The text of the error that a client gets."""
    with pytest.raises(redis.ConnectionError) as caught:
        client.ping()
    return str(caught.value)


def test_a_client_that_is_not_connected_is_told_so_at_once() -> None:
    assert NOT_CONNECTED in refused(FakeRedis(connected=False))
    assert NOT_CONNECTED in refused(FakeRedis.from_url("redis://never-connected", connected=False))


def test_a_server_loses_and_finds_its_clients_but_keeps_its_data(fake_server: FakeServer) -> None:
    client = FakeRedis(server=fake_server)
    client.set("name", "text")
    fake_server.connected = False
    assert NOT_CONNECTED in refused(client)
    assert NOT_CONNECTED in refused(client)
    fake_server.connected = True
    assert client.get("name") == b"text"


def test_a_server_may_be_disconnected_before_its_first_use(fake_server: FakeServer) -> None:
    fake_server.connected = False
    client = FakeRedis(server=fake_server)
    assert NOT_CONNECTED in refused(client)
    fake_server.connected = True
    assert client.ping()


def test_a_subscriber_reads_what_came_before_the_end(fake_server: FakeServer) -> None:
    client: Any = FakeRedis(server=fake_server)
    with client.pubsub() as pubsub:
        pubsub.subscribe("news")
        fake_server.connected = False
        assert pubsub.get_message()["type"] == "subscribe"
        with pytest.raises(redis.ConnectionError, match=NOT_CONNECTED):
            pubsub.get_message()
        fake_server.connected = True


def test_a_transaction_does_not_survive_the_end_of_its_connection(fake_server: FakeServer) -> None:
    client = FakeRedis(server=fake_server)
    with client.pipeline() as pipeline:
        pipeline.watch("name")
        fake_server.connected = False
        fake_server.connected = True
        pipeline.multi()
        pipeline.set("name", "text")
        with pytest.raises((redis.ConnectionError, redis.WatchError)):
            pipeline.execute()
    assert client.get("name") is None


def test_a_client_that_blocks_is_told_of_the_end(fake_server: FakeServer) -> None:
    client = FakeRedis(server=fake_server, socket_timeout=None)
    errors: list[str] = []

    def block() -> None:
        try:
            client.blpop(["queue"])
        except redis.ConnectionError as error:
            errors.append(str(error))

    thread = threading.Thread(target=block)
    thread.start()
    watcher = FakeRedis(server=fake_server)
    while not watcher.info("clients")["blocked_clients"]:
        pass
    fake_server.connected = False
    thread.join()
    fake_server.connected = True
    assert errors == [NOT_CONNECTED]


def test_retries_that_a_client_asks_for_are_made(fake_server: FakeServer) -> None:
    client = FakeRedis(server=fake_server, retry=Retry(NoBackoff(), 3))
    fake_server.connected = False
    attempts = 0
    original = FakeRedisConnection._connect

    def connect(connection: FakeRedisConnection) -> object:
        nonlocal attempts
        attempts += 1
        fake_server.connected = attempts > 1
        return original(connection)

    with mock.patch.object(FakeRedisConnection, "_connect", connect):
        assert client.ping()
    assert attempts == 2
