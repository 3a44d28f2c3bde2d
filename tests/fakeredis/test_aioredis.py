"""The clients for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
import redis
import redis.asyncio

from pyredmem import fakeredis
from pyredmem.fakeredis import FakeAsyncConnection, FakeAsyncRedis, FakeRedis, FakeServer, aioredis
from pyredmem.fakeredis.servers import NOT_CONNECTED


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await scenario()

    asyncio.run(main())


def client_of(server: FakeServer | None = None, **options: Any) -> Any:
    """A client, as untyped as redis-py's answers are."""
    return cast(Any, FakeAsyncRedis(server=server, **options))


def test_a_client_shares_with_those_that_are_not_for_asyncio(fake_server: FakeServer) -> None:
    async def scenario() -> None:
        async with client_of(fake_server, decode_responses=True) as client:
            await client.set("name", "text")
            assert await client.get("name") == "text"

    run(scenario)
    assert FakeRedis(server=fake_server).get("name") == b"text"


def test_clients_without_an_address_share_nothing() -> None:
    async def scenario() -> None:
        async with client_of() as one, client_of() as other:
            await one.set("name", "text")
            assert await other.get("name") is None

    run(scenario)


def test_from_url_chooses_server_and_database() -> None:
    async def scenario() -> None:
        first = cast(Any, aioredis.FakeRedis.from_url("redis://by-url?db=0"))
        second = cast(Any, aioredis.FakeRedis.from_url("redis://by-url?db=1", version=(7, 2)))
        async with first, second:
            await first.set("name", "a")
            await second.set("name", "b")
            assert await first.get("name") == b"a"
            await second.select(0)
            assert await second.get("name") in {b"a", b"b"}

    run(scenario)


def test_a_single_connection_serves_a_client_that_asks_for_one(fake_server: FakeServer) -> None:
    async def scenario() -> None:
        async with client_of(fake_server, single_connection_client=True) as client:
            assert await client.client_id() == await client.client_id()

    run(scenario)


def test_a_pool_of_redis_py_takes_the_connections(fake_server: FakeServer) -> None:
    async def scenario() -> None:
        pool = redis.asyncio.ConnectionPool(connection_class=FakeAsyncConnection, server=fake_server)
        client = cast(Any, redis.asyncio.Redis(connection_pool=pool))
        await client.set("name", "text")
        assert await client.get("name") == b"text"
        await pool.disconnect()

    run(scenario)


def test_a_client_that_is_not_connected_is_told_so() -> None:
    async def scenario() -> None:
        with pytest.raises(redis.ConnectionError, match=NOT_CONNECTED):
            await client_of(connected=False).ping()

    run(scenario)


def test_a_server_loses_and_finds_its_clients(fake_server: FakeServer) -> None:
    async def scenario() -> None:
        async with client_of(fake_server) as client:
            await client.set("name", "text")
            fake_server.connected = False
            with pytest.raises(redis.ConnectionError, match=NOT_CONNECTED):
                await client.get("name")
            fake_server.connected = True
            assert await client.get("name") == b"text"

    run(scenario)


def test_a_task_that_blocks_is_told_of_the_end(fake_server: FakeServer) -> None:
    async def scenario() -> None:
        async with client_of(fake_server) as client, client_of(fake_server) as watcher:
            task = asyncio.ensure_future(client.blpop(["queue"]))
            while not (await watcher.info("clients"))["blocked_clients"]:
                await asyncio.sleep(0)
            fake_server.connected = False
            with pytest.raises(redis.ConnectionError, match=NOT_CONNECTED):
                await task
            fake_server.connected = True

    run(scenario)


def test_clients_for_valkey_raise_the_errors_of_valkey_py() -> None:
    valkey = pytest.importorskip("valkey")

    async def scenario() -> None:
        client = cast(Any, fakeredis.FakeAsyncValkey())
        await client.set("name", "text")
        with pytest.raises(valkey.ResponseError):
            await client.lpush("name", "item")
        await client.aclose()

    run(scenario)
