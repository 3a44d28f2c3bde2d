"""redis-py's client-side cache, which lives on invalidation messages, with each profile; and RESP2 clients."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from redis.cache import CacheConfig, CacheInterface
from redis.connection import CacheProxyConnection

from pyredmem.config.profiles import PROFILES, REDIS_7_2, VALKEY_9_1
from tests.support.servers import Server
from tests.support.wire import Wire, info

SECONDS = 20.0
#: Profiles whose name or version keeps redis-py from caching.
REFUSED = (REDIS_7_2.name, VALKEY_9_1.name)


@pytest.fixture
def ours(of_profile: Server) -> Server:
    """A server with each of the profiles."""
    return of_profile


def caching(server: Server) -> redis.Redis:
    """A client that keeps what it has read."""
    return redis.Redis(port=server.port, protocol=3, cache_config=CacheConfig(max_size=100))


@pytest.fixture
def cached(ours: Server, profile: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[redis.Redis]:
    """A client that keeps what it has read. It is told that it may do so with every server that it would refuse."""
    if profile in REFUSED:
        monkeypatch.setattr(CacheProxyConnection, "MIN_ALLOWED_VERSION", "7.2.0")
        monkeypatch.setattr(CacheProxyConnection, "DEFAULT_SERVER_NAME", PROFILES[profile].server)
    with caching(ours) as client:
        yield client


@pytest.fixture
def other(ours: Server) -> Iterator[redis.Redis]:
    with redis.Redis(port=ours.port) as client:
        yield client


def cache_of(client: redis.Redis) -> CacheInterface:
    cache = client.get_cache()
    assert cache is not None
    return cache


@pytest.fixture
def counting(wire: Wire) -> Wire:
    """A connection to ask how often commands were called in this test."""
    wire.do("CONFIG", "RESETSTAT")
    return wire


def calls(wire: Wire, command: str) -> str:
    """How often the server ran a command."""
    return info(wire, "commandstats").get(f"cmdstat_{command}", "calls=0,").split(",")[0]


def forgets(client: redis.Redis, size: int) -> bool:
    """Whether the cache shrinks to ``size`` entries: the client reads invalidations when it sends a command."""
    deadline = time.monotonic() + SECONDS
    while cache_of(client).size != size and time.monotonic() < deadline:
        client.ping()
    return cache_of(client).size == size


def test_redis_py_caches_with_the_servers_with_which_it_caches_otherwise(ours: Server, profile: str) -> None:
    refusal = pytest.raises(redis.ConnectionError, match=r"client-side caching is supported by Redis 7\.4")
    with refusal if profile in REFUSED else contextlib.nullcontext(), caching(ours) as client:
        assert client.ping()


def test_a_value_that_was_read_is_not_asked_for_again(cached: redis.Redis, other: redis.Redis, counting: Wire) -> None:
    other.set("k", "one")
    assert [cached.get("k") for _ in range(5)] == [b"one"] * 5
    assert calls(counting, "get") == "calls=1"


def test_a_change_by_another_client_is_seen(cached: redis.Redis, other: redis.Redis) -> None:
    other.set("k", "one")
    assert cached.get("k") == b"one"
    other.set("k", "two")
    assert cached.get("k") == b"two"


def test_a_change_by_the_client_itself_is_seen(cached: redis.Redis) -> None:
    cached.set("k", "one")
    assert cached.get("k") == b"one"
    cached.set("k", "two")
    assert cached.get("k") == b"two"


@pytest.mark.parametrize(
    "change",
    [
        lambda other: other.delete("a"),
        lambda other: other.expire("a", -1),
        lambda other: other.rename("a", "c"),
        lambda other: other.append("a", "x"),
        lambda other: other.pexpire("a", 1),
    ],
    ids=["DEL", "EXPIRE", "RENAME", "APPEND", "PEXPIRE"],
)
def test_changed_keys_leave_the_cache(cached: redis.Redis, other: redis.Redis, change: Any) -> None:
    other.mset({"a": 1, "b": 2})
    assert (cached.get("a"), cached.get("b")) == (b"1", b"2")
    change(other)
    assert forgets(cached, 1)


def test_all_keys_leave_the_cache_after_a_flush(cached: redis.Redis, other: redis.Redis) -> None:
    other.mset({"a": 1, "b": 2})
    assert cached.mget("a", "b") == [b"1", b"2"]
    assert cached.get("a") == b"1"
    other.flushall()
    assert forgets(cached, 0)
    assert cached.get("a") is None


def test_collections_are_cached_too(cached: redis.Redis, other: redis.Redis, counting: Wire) -> None:
    other.hset("h", mapping={"f": 1, "g": 2})
    for _ in range(3):
        assert cached.hgetall("h") == {b"f": b"1", b"g": b"2"}
    assert calls(counting, "hgetall") == "calls=1"
    other.hset("h", "f", 3)
    assert cached.hgetall("h") == {b"f": b"3", b"g": b"2"}


def test_a_resp2_client_has_its_invalidations_sent_to_its_subscriber(ours: Server, other: redis.Redis) -> None:
    with (
        redis.Redis(port=ours.port, protocol=2) as listener,
        redis.Redis(port=ours.port, protocol=2, single_connection_client=True) as reader,
        listener.pubsub() as pubsub,
    ):
        pubsub.execute_command("CLIENT", "ID")
        assert pubsub.connection is not None
        number = pubsub.connection.read_response()
        pubsub.subscribe("__redis__:invalidate")
        assert pubsub.get_message(timeout=SECONDS) is not None
        reader.execute_command("CLIENT", "TRACKING", "ON", "REDIRECT", number)
        reader.get("k")
        other.set("k", "new")
        message = pubsub.get_message(timeout=SECONDS)
        assert message is not None
        assert (message["type"], message["channel"], message["data"]) == ("message", b"__redis__:invalidate", [b"k"])
