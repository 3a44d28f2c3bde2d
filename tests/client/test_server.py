"""A server from its start to its end."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest
import redis

from pyredmem.client.server import Server
from pyredmem.engine.engine import Engine
from pyredmem.keyspace.keyspace import Keyspace


@pytest.fixture
def no_garbage_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def _alive(kind: type) -> int:
    return sum(type(one) is kind for one in gc.get_objects())


@pytest.mark.usefixtures("no_garbage_collector")
def test_a_closed_server_needs_no_garbage_collector() -> None:
    before = _alive(Engine), _alive(Keyspace)
    server = Server(records_commands=True)
    client = server.client()
    client.set("key", "value")
    client.eval("return 1", 0)
    client.lpush("list", 1)
    client.config_set("maxmemory", "10mb")
    client.acl_setuser("bob", enabled=True)
    client.close()
    server.close()
    del server
    assert (_alive(Engine), _alive(Keyspace)) == before


@pytest.mark.usefixtures("no_garbage_collector")
def test_the_data_goes_although_a_client_stays() -> None:
    before = _alive(Keyspace)
    with Server() as server:
        client = server.client()
        client.set("key", "value")
    del server
    assert _alive(Keyspace) == before
    with pytest.raises(redis.ConnectionError):
        client.get("key")


@pytest.mark.usefixtures("no_garbage_collector")
async def test_the_data_goes_although_an_asyncio_client_stays() -> None:
    before = _alive(Keyspace)
    with Server() as server:
        client = server.async_client()
        await client.set("key", "value")
    del server
    assert _alive(Keyspace) == before
    with pytest.raises(redis.ConnectionError):
        await client.get("key")


def test_a_server_may_be_closed_twice() -> None:
    server = Server()
    server.close()
    server.close()
    assert server.driver.is_closed


def test_a_closed_server_says_so() -> None:
    with Server() as server:
        pass
    for use in (server.dump, server.expect_clean, lambda: server.load({"a": "b"}), lambda: server.memory.used):
        with pytest.raises(RuntimeError, match="the server is closed"):
            use()
    with pytest.raises(redis.ConnectionError):
        server.client(retry=None).ping()


def test_a_thread_that_waits_learns_that_the_server_is_closed() -> None:
    errors: list[Exception] = []
    server = Server()

    def wait() -> None:
        try:
            server.client(retry=None).blpop("list")
        except redis.ConnectionError as error:
            errors.append(error)

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    while server.client().info("clients")["blocked_clients"] < len(threads):
        pass
    server.close()
    for thread in threads:
        thread.join()
    assert len(errors) == len(threads)


def test_each_client_tells_the_version_of_redis_py() -> None:
    with Server() as server, server.client(decode_responses=True) as client:
        told = client.client_info()
        assert (told["lib-name"], told["lib-ver"]) == ("redis-py", redis.__version__)


@pytest.mark.filterwarnings("ignore:Call to '__init__':DeprecationWarning")  # of redis-py 8
def test_a_client_may_tell_another_library() -> None:
    with Server() as server, server.client(decode_responses=True, lib_name="mine", lib_version="1") as client:
        told = client.client_info()
        assert (told["lib-name"], told["lib-ver"]) == ("mine", "1")
