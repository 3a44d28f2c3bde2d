"""Code under test reaches servers inside the process by address."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
import redis
import redis.asyncio
import redis.asyncio.sentinel
import redis.sentinel
from redis.backoff import NoBackoff
from redis.retry import Retry

from pyredmem.client.patch import Patch
from pyredmem.client.server import Server
from tests.support.servers import Server as RealServer


@pytest.mark.parametrize(
    "make",
    [
        redis.Redis,
        lambda: redis.Redis(host="127.0.0.1", port=6379, decode_responses=False),
        lambda: redis.Redis.from_url("redis://localhost:6379/0"),
        lambda: redis.from_url("rediss://localhost"),
        lambda: redis.Redis(ssl=True),
        lambda: redis.Redis(connection_pool=redis.ConnectionPool()),
        lambda: redis.Redis(connection_pool=redis.BlockingConnectionPool()),
        lambda: redis.Redis(single_connection_client=True),
        lambda: redis.Redis(protocol=2),
    ],
)
def test_clients_of_all_kinds_connect_inside_the_process(make: Any) -> None:
    with Patch() as server:
        client = make()
        client.set("k", "v")
        assert client.get("k") == b"v"
        assert server.client().get("k") == b"v"


def test_a_client_from_before_the_patch_connects_inside_the_process() -> None:
    client = redis.Redis()
    with Patch() as server:
        client.set("k", "v")
        assert server.client().get("k") == b"v"


async def test_asyncio_clients_connect_inside_the_process() -> None:
    before = redis.asyncio.Redis()
    with Patch() as server:
        async with before, redis.asyncio.from_url("redis://localhost") as client:
            await client.set("k", "v")
            assert await before.get("k") == b"v"
        assert server.client().get("k") == b"v"


async def test_unix_sockets() -> None:
    path = "/run/nowhere/redis.sock"
    with Patch(path) as server:
        redis.Redis(unix_socket_path=path).set("k", "v")
        async with redis.asyncio.Redis(unix_socket_path=path) as client:
            assert await client.get("k") == b"v"
        assert redis.from_url(f"unix://{path}?db=1").get("k") is None
        assert server.client().dbsize() == 1


def test_each_address_can_have_a_server_of_its_own() -> None:
    with Server() as cache, Server() as queue, Patch(servers={"cache": cache, "queue:7000": queue}):
        redis.Redis("cache").set("k", "cache")
        redis.Redis("queue", 7000).set("k", "queue")
        assert (cache.client().get("k"), queue.client().get("k")) == (b"cache", b"queue")


def test_all_addresses_can_be_claimed() -> None:
    with Patch("*") as server:
        redis.Redis("anywhere", 1234).set("k", "v")
        assert server.client().get("k") == b"v"


def test_settings_are_those_of_the_fresh_server() -> None:
    with Patch(maxmemory="1mb"):
        assert redis.Redis().config_get("maxmemory") == {"maxmemory": "1048576"}
    with Server() as server, pytest.raises(TypeError, match="fresh"):
        Patch(server=server, maxmemory="1mb")


def test_an_address_that_nobody_claimed_is_refused_at_once() -> None:
    with Patch("cache"):
        started = time.monotonic()
        with pytest.raises(redis.ConnectionError, match=r"claims other:7000 \(claimed: cache:6379"):
            redis.Redis("other", 7000).ping()
        assert time.monotonic() - started < 1


async def test_an_address_that_nobody_claimed_is_refused_to_asyncio_at_once() -> None:
    with Patch("cache"):
        started = time.monotonic()
        async with redis.asyncio.Redis(host="other") as client:
            with pytest.raises(redis.ConnectionError, match="claims other:6379"):
                await client.ping()
        assert time.monotonic() - started < 1


def test_allowed_addresses_lead_to_real_servers(ours: RealServer) -> None:
    with Patch("cache", allow=[f"127.0.0.1:{ours.port}"]) as server:
        redis.Redis(port=ours.port).set("k", "real")
        assert server.client().get("k") is None
    assert redis.Redis(port=ours.port).get("k") == b"real"


def test_a_connection_from_before_does_not_reach_the_real_server(ours: RealServer) -> None:
    client = redis.Redis(port=ours.port)
    client.set("k", "real")
    with Patch(f"localhost:{ours.port}"):
        assert client.get("k") is None
    assert client.get("k") == b"real"


async def test_an_asyncio_connection_from_before_does_not_reach_the_real_server(ours: RealServer) -> None:
    async with redis.asyncio.Redis(port=ours.port) as client:
        await client.set("k", "real")
        with Patch(f"localhost:{ours.port}"):
            assert await client.get("k") is None
        await asyncio.sleep(0)
        assert await client.get("k") == b"real"


def test_after_the_patch_nothing_of_redis_py_is_changed() -> None:
    names = [
        (redis.connection.Connection, "_connect"),
        (redis.connection.SSLConnection, "_connect"),
        (redis.connection.UnixDomainSocketConnection, "_connect"),
        (redis.connection.AbstractConnection, "connect"),
        (redis.connection.AbstractConnection, "can_read"),
        (redis.asyncio.connection.Connection, "_connect"),
        (redis.sentinel.Sentinel, "discover_master"),
    ]
    before = [owner.__dict__[name] for owner, name in names]
    with Patch():
        assert [owner.__dict__[name] for owner, name in names] != before
    assert [owner.__dict__[name] for owner, name in names] == before


def test_patches_nest() -> None:
    with Patch("a", "b") as outer:
        with Patch("b", "c") as inner:
            for name in "abc":
                redis.Redis(name).set(name, "v")
        with pytest.raises(redis.ConnectionError, match="claims c:6379"):
            redis.Redis("c").ping()
        redis.Redis("b").set("b", "v")
        assert outer.client(decode_responses=True).keys("*") == ["a", "b"]
        del inner


def test_a_patch_can_be_used_again_with_its_own_server() -> None:
    with Server() as server:
        patch = Patch(server=server)
        for number in range(2):
            with patch:
                redis.Redis().incr("k")
            assert server.client().get("k") == b"%d" % (number + 1)


def test_a_patch_is_undone_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), Patch():
        raise ZeroDivisionError
    original = redis.connection.Connection.__dict__["_connect"]
    assert original.__module__ == "redis.connection"


async def test_services_of_a_sentinel() -> None:
    with Server() as server, Patch(services={"mymaster": server}):
        sentinel = redis.sentinel.Sentinel([("sentinel", 26379)])
        sentinel.master_for("mymaster").set("k", "v")
        assert sentinel.slave_for("mymaster").get("k") == b"v"
        aio = redis.asyncio.sentinel.Sentinel([("sentinel", 26379)])
        async with aio.master_for("mymaster") as client:
            assert await client.get("k") == b"v"
        with pytest.raises(redis.ConnectionError):
            sentinel.master_for("other").ping()


def test_pubsub_and_blocking_commands_work_under_a_patch() -> None:
    with Patch():
        client = redis.Redis()
        with client.pubsub() as pubsub:
            pubsub.subscribe("c")
            assert pubsub.get_message(timeout=20) is not None
            assert pubsub.get_message(timeout=0.01) is None
            client.publish("c", "hello")
            assert pubsub.get_message(timeout=20)["data"] == b"hello"
        assert client.blpop(["q"], timeout=0.01) is None


def test_a_subscriber_that_has_lost_its_connection_is_connected_again_to_read() -> None:
    with Patch() as server:
        pubsub = redis.Redis(decode_responses=True, retry=Retry(NoBackoff(), 0)).pubsub()
        pubsub.subscribe("c")
        pubsub.connection.disconnect()
        assert [pubsub.get_message(timeout=1)["type"], server.client().publish("c", "hello")] == ["subscribe", 1]
        assert pubsub.get_message(timeout=1)["data"] == "hello"
