"""redis-py, used as applications use it: with both protocols, sync and asyncio."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import redis
import redis.asyncio

from tests.support.servers import Server

PROTOCOLS = pytest.mark.parametrize("protocol", [2, 3], ids=["resp2", "resp3"])


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def client(ours: Server, request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    with redis.Redis(port=ours.port, protocol=request.param) as connected:
        yield connected


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
async def aio(ours: Server, request: pytest.FixtureRequest) -> AsyncIterator[redis.asyncio.Redis]:
    connected = redis.asyncio.Redis(port=ours.port, protocol=request.param)
    yield connected
    await connected.aclose()


def test_a_value_that_was_set_is_read(client: redis.Redis) -> None:
    assert client.set("foo", b"bar\x00\xff", ex=100) is True
    assert client.get("foo") == b"bar\x00\xff"
    assert client.get("missing") is None
    assert client.ttl("foo") in {99, 100}


def test_set_takes_its_options(client: redis.Redis) -> None:
    assert client.set("a", "1", nx=True) is True
    assert client.set("a", "2", nx=True) is None
    assert client.set("a", "3", get=True) == b"1"
    assert client.incrbyfloat("a", 0.5) == 3.5


def test_a_pipeline_returns_all_replies(client: redis.Redis) -> None:
    with client.pipeline(transaction=False) as pipe:
        for number in range(1000):
            pipe.set(f"key:{number}", number)
        pipe.dbsize()
        replies = pipe.execute()
    assert replies == [True] * 1000 + [1000]


def test_an_error_in_a_pipeline_concerns_its_command_alone(client: redis.Redis) -> None:
    with client.pipeline(transaction=False) as pipe:
        pipe.set("a", "x")
        pipe.incr("a")
        pipe.get("a")
        replies = pipe.execute(raise_on_error=False)
    assert replies[0] is True
    assert isinstance(replies[1], redis.ResponseError)
    assert str(replies[1]) == "value is not an integer or out of range"
    assert replies[2] == b"x"


def test_a_transaction_returns_all_replies(client: redis.Redis) -> None:
    with client.pipeline(transaction=True) as pipe:
        pipe.set("a", 1)
        pipe.incr("a")
        pipe.get("a")
        assert pipe.execute() == [True, 2, b"2"]


def test_a_watched_key_that_changes_aborts_the_transaction(client: redis.Redis, ours: Server) -> None:
    client.set("a", 1)
    with redis.Redis(port=ours.port) as rival, client.pipeline() as pipe:
        pipe.watch("a")
        rival.set("a", 2)
        pipe.multi()
        pipe.set("a", 3)
        with pytest.raises(redis.WatchError):
            pipe.execute()
    assert client.get("a") == b"2"


def test_the_transaction_helper_retries_until_no_watched_key_changes(client: redis.Redis) -> None:
    client.set("counter", 5)

    def double(pipe: redis.client.Pipeline) -> None:
        value = int(str(pipe.get("counter"), "ascii"))  # type: ignore[arg-type]  # a watching pipeline returns values
        pipe.multi()
        pipe.set("counter", value * 2)

    assert client.transaction(double, "counter") == [True]
    assert client.get("counter") == b"10"


def test_scan_iter_finds_every_key_once(client: redis.Redis) -> None:
    names = {b"key:%d" % number for number in range(500)}
    client.mset(dict.fromkeys(names, b"x"))
    found = list(client.scan_iter(count=17))
    assert len(found) == 500
    assert set(found) == names
    assert sorted(client.scan_iter(match="key:49?")) == [b"key:49%d" % number for number in range(10)]


@PROTOCOLS
def test_a_url_selects_host_database_and_protocol(ours: Server, protocol: int) -> None:
    with redis.from_url(f"redis://127.0.0.1:{ours.port}/3?protocol={protocol}") as client:
        client.set("only", "here")
        assert client.client_info()["db"] == 3
    with redis.from_url(f"redis://127.0.0.1:{ours.port}/0") as other:
        assert other.get("only") is None


@PROTOCOLS
def test_replies_are_decoded_on_request(ours: Server, protocol: int) -> None:
    with redis.Redis(port=ours.port, protocol=protocol, decode_responses=True) as client:
        client.set("ключ", "значение")
        assert client.get("ключ") == "значение"
        assert client.mget("ключ", "missing") == ["значение", None]


def test_a_pool_is_shared_by_clients(ours: Server) -> None:
    pool = redis.ConnectionPool(port=ours.port, max_connections=2)
    try:
        redis.Redis(connection_pool=pool).set("a", 1)
        assert redis.Redis(connection_pool=pool).get("a") == b"1"
    finally:
        pool.disconnect()


def test_memory_usage_is_that_of_redis(client: redis.Redis) -> None:
    client.set("foo", "bar")
    assert client.memory_usage("foo") == 56
    assert client.info("memory")["used_memory"] > 0
    assert client.memory_stats()["keys.count"] == 1


async def test_asyncio_sets_gets_and_pipelines(aio: redis.asyncio.Redis) -> None:
    assert await aio.set("foo", "bar", px=100_000) is True
    assert await aio.get("foo") == b"bar"
    async with aio.pipeline(transaction=True) as pipe:
        pipe.set("n", 1)
        pipe.incr("n")
        assert await pipe.execute() == [True, 2]


async def test_asyncio_watch_aborts_the_transaction(aio: redis.asyncio.Redis) -> None:
    async with aio.pipeline() as pipe:
        await pipe.watch("a")
        await aio.set("a", "changed")
        pipe.multi()
        pipe.get("a")
        with pytest.raises(redis.WatchError):
            await pipe.execute()


async def test_asyncio_scan_iter_works_with_a_url(ours: Server) -> None:
    url = f"redis://127.0.0.1:{ours.port}/1?decode_responses=true"
    client = redis.asyncio.from_url(url)
    try:
        await client.mset({f"k{number}": number for number in range(100)})
        found = [name async for name in client.scan_iter(match="k*", count=7)]
        assert sorted(found) == sorted(f"k{number}" for number in range(100))
    finally:
        await client.aclose()
