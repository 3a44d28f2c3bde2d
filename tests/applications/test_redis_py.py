"""redis-py's locks and the threads that listen to messages."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import redis
import redis.asyncio

SECONDS = 20


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def client(url: str, request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(url, protocol=request.param, decode_responses=True) as connected:
        yield connected


def test_a_lock_lets_one_thread_at_a_time_change_a_number(client: redis.Redis) -> None:
    client.set("number", 0)

    def count() -> None:
        for _ in range(25):
            with client.lock("lock", timeout=SECONDS, sleep=0.001):
                client.set("number", int(str(client.get("number"))) + 1)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.get("number") == "100"
    assert client.exists("lock") == 0


def test_a_lock_can_be_extended_and_only_its_owner_releases_it(client: redis.Redis) -> None:
    lock = client.lock("lock", timeout=10)
    assert lock.acquire()
    assert lock.extend(1000, replace_ttl=True)
    assert int(str(client.ttl("lock"))) > 900
    assert lock.reacquire()
    assert client.lock("lock", blocking_timeout=0.01).acquire() is False
    client.set("lock", "somebody else's")
    with pytest.raises(redis.exceptions.LockNotOwnedError):
        lock.release()
    assert client.get("lock") == "somebody else's"


async def test_an_asyncio_lock_lets_one_task_at_a_time_change_a_number(url: str) -> None:
    client = redis.asyncio.Redis.from_url(url)
    await client.set("number", 0)

    async def count() -> None:
        for _ in range(10):
            async with client.lock("lock", timeout=SECONDS, sleep=0.001):
                await client.set("number", int(await client.get("number") or 0) + 1)

    await asyncio.gather(*[count() for _ in range(4)])
    assert await client.get("number") == b"40"
    await client.aclose()


def test_a_thread_hands_messages_to_the_functions_of_their_channels(client: redis.Redis) -> None:
    received: queue.Queue[tuple[str, Any]] = queue.Queue()
    messages = client.pubsub(ignore_subscribe_messages=True)
    messages.subscribe(news=lambda message: received.put(("news", message["data"])))
    messages.psubscribe(**{"user:*": lambda message: received.put((message["channel"], message["data"]))})
    thread = messages.run_in_thread(sleep_time=0.01, daemon=True)
    try:
        while client.publish("news", "first") == 0:  # until the server has the subscription
            pass
        assert received.get(timeout=SECONDS) == ("news", "first")
        assert client.publish("user:7", "hello") == 1
        assert received.get(timeout=SECONDS) == ("user:7", "hello")
        for number in range(500):
            client.publish("news", number)
        assert [received.get(timeout=SECONDS) for _ in range(500)] == [("news", str(number)) for number in range(500)]
        assert received.empty()
    finally:
        thread.stop()
        thread.join()


def test_a_change_of_a_key_is_a_message(client: redis.Redis) -> None:
    client.config_set("notify-keyspace-events", "KEA")
    with client.pubsub(ignore_subscribe_messages=True) as messages:
        messages.psubscribe("__keyevent@0__:*")
        assert messages.get_message(timeout=SECONDS) is None
        client.set("key", 1)
        client.delete("key")
        events = [messages.get_message(timeout=SECONDS) for _ in range(2)]
    assert [(one["channel"], one["data"]) for one in events if one] == [
        ("__keyevent@0__:set", "key"),
        ("__keyevent@0__:del", "key"),
    ]


def test_a_script_object_loads_its_script_again_when_the_server_has_forgotten_it(client: redis.Redis) -> None:
    add = client.register_script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
    assert add(keys=["number"], args=[5]) == 5
    client.script_flush()
    assert add(keys=["number"], args=[5]) == 10
    with client.pipeline() as pipe:
        client.script_flush()
        add(keys=["number"], args=[1], client=pipe)
        pipe.get("number")
        assert pipe.execute() == [11, "11"]


@pytest.mark.parametrize("judged", ["newer", "ours"])
def test_a_cache_on_the_client_forgets_what_others_change(request: pytest.FixtureRequest, judged: str) -> None:
    """The client library wants a server of version 7.4 or later for this, so 8.2 is the real one."""
    server = request.getfixturevalue(judged)
    with (
        redis.Redis(port=server.port, protocol=3, cache_config=redis.cache.CacheConfig()) as cached,
        redis.Redis(port=server.port) as other,
    ):
        other.set("key", "one")
        assert cached.get("key") == b"one"
        assert cached.get("key") == b"one"
        assert cached.get_cache().size == 1
        other.set("key", "two")
        other.ping()
        assert cached.get("key") == b"two"
