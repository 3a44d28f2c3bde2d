"""redis-py's pub/sub: sync, in a thread, asyncio, with both protocols; and keyspace notifications through it."""

from __future__ import annotations

import queue
from typing import Any

import pytest
import redis
import redis.asyncio

from tests.support.servers import Server

SECONDS = 20.0
PROTOCOLS = pytest.mark.parametrize("protocol", [2, 3], ids=["resp2", "resp3"])


def next_message(pubsub: Any) -> dict[str, Any]:
    """The next message of any kind."""
    message = pubsub.get_message(timeout=SECONDS)
    assert message is not None
    return dict(message)


@PROTOCOLS
def test_messages_of_channels_and_patterns(ours: Server, protocol: int) -> None:
    with redis.Redis(port=ours.port, protocol=protocol) as client, client.pubsub() as pubsub:
        pubsub.subscribe("news")
        pubsub.psubscribe("n*")
        assert [next_message(pubsub)["type"] for _ in range(2)] == ["subscribe", "psubscribe"]
        assert client.publish("news", "hello") == 2
        found = [next_message(pubsub) for _ in range(2)]
        assert [(one["type"], one["channel"], one["data"]) for one in found] == [
            ("message", b"news", b"hello"),
            ("pmessage", b"news", b"hello"),
        ]
        pubsub.unsubscribe()
        assert next_message(pubsub)["type"] == "unsubscribe"
        assert client.pubsub_numsub("news") == [(b"news", 0)]
        assert client.pubsub_numpat() == 1


@PROTOCOLS
def test_a_thread_calls_handlers(ours: Server, protocol: int) -> None:
    got: queue.Queue[bytes] = queue.Queue()
    with redis.Redis(port=ours.port, protocol=protocol) as client:
        pubsub = client.pubsub()
        pubsub.subscribe(jobs=lambda message: got.put(message["data"]))
        thread = pubsub.run_in_thread(sleep_time=0.01)
        try:
            for number in range(3):
                client.publish("jobs", str(number))
            assert [got.get(timeout=SECONDS) for _ in range(3)] == [b"0", b"1", b"2"]
        finally:
            thread.stop()
            thread.join(SECONDS)


@PROTOCOLS
async def test_messages_arrive_in_asyncio(ours: Server, protocol: int) -> None:
    async with redis.asyncio.Redis(port=ours.port, protocol=protocol) as client, client.pubsub() as pubsub:
        await pubsub.subscribe("a", "b")
        for _ in range(2):
            assert await pubsub.get_message(timeout=SECONDS) is not None
        await client.publish("b", "x")
        message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=SECONDS)
        assert message is not None
        assert (message["channel"], message["data"]) == (b"b", b"x")


def test_an_expired_key_is_announced(ours: Server) -> None:
    with redis.Redis(port=ours.port) as client, client.pubsub() as pubsub:
        client.config_set("notify-keyspace-events", "Ex")
        pubsub.psubscribe("__keyevent@*__:expired")
        next_message(pubsub)
        client.set("session", "x", px=20)
        message = next_message(pubsub)
        assert (message["channel"], message["data"]) == (b"__keyevent@0__:expired", b"session")
