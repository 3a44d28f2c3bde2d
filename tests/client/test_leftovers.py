"""`Server.expect_clean`: what a test has left behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from pyredmem.client.server import Server
from tests.client.test_sync import in_thread, wait_for_blocked


@pytest.fixture
def client(server: Server) -> Iterator[redis.Redis]:
    with server.client(single_connection_client=True, client_name="web") as client:
        yield client


def left(server: Server, **patterns: str | list[str]) -> list[str]:
    """The lines of the error, without what is the same in all of them."""
    with pytest.raises(AssertionError) as caught:
        server.expect_clean(**patterns)
    head, *lines = str(caught.value).splitlines()
    assert head == "the server is not clean:"
    return [line.strip() for line in lines]


def test_an_idle_client_is_clean(server: Server, client: redis.Redis) -> None:
    client.set("a", "1")
    server.expect_clean()
    server.expect_clean(locks="lock:*", without_expiry="cache:*", keys=["b*", b"c"])


def test_a_blocked_client_is_named(server: Server, client: redis.Redis) -> None:
    number = client.client_id()
    result = in_thread(lambda: client.blpop(["q"], 10))
    wait_for_blocked(server, 1)
    assert left(server) == [f"client {number} 'web' (127.0.0.1:{32767 + number}) is blocked in BLPOP"]
    server.load({"q": ["a"]})
    result()
    server.expect_clean()


def test_a_subscription_is_named(server: Server, client: redis.Redis) -> None:
    with client.pubsub() as listener:
        listener.subscribe("news")
        listener.psubscribe("n*")
        assert left(server)[0].endswith("is subscribed to 'news', 'n*'")
    server.expect_clean()


def test_an_open_transaction_is_named(server: Server, client: redis.Redis) -> None:
    client.execute_command("WATCH", "a")
    assert left(server)[0].endswith("watches 'a'")
    client.execute_command("MULTI")
    client.execute_command("SET", "a", "1")
    assert left(server)[0].endswith("has an open transaction of 1 command")
    client.execute_command("DISCARD")
    server.expect_clean()


def test_a_monitor_is_named(server: Server, client: redis.Redis) -> None:
    with client.monitor():
        assert left(server)[0].endswith("is in MONITOR")


def test_a_client_that_waits_for_the_end_of_a_pause_is_named(server: Server, client: redis.Redis) -> None:
    client.client_pause(60000)
    result = in_thread(lambda: client.set("a", "1"))
    wait_for_blocked(server, 1)
    assert left(server)[0].endswith("waits for the end of CLIENT PAUSE")
    server.clock.advance(61)
    result()


def test_a_lock_that_is_held_is_named(server: Server, client: redis.Redis) -> None:
    with client.lock("lock:order"):
        assert left(server, locks="lock:*") == ["the lock 'lock:order' is held"]
    server.expect_clean(locks="lock:*")


def test_keys_without_an_expire_time_are_named(server: Server, client: redis.Redis) -> None:
    client.set("cache:1", "x", ex=60)
    client.set("cache:2", "x")
    client.set("other", "x")
    assert left(server, without_expiry="cache:*") == ["the key 'cache:2' has no expire time"]


def test_keys_are_named_in_all_databases(server: Server) -> None:
    server.load({"tmp:1": "x"})
    server.load({"tmp:2": "x"}, database=4)
    assert left(server, keys=["tmp:*"]) == ["the key 'tmp:1' exists", "the key 'tmp:2' in database 4 exists"]


def test_a_key_that_has_expired_is_not_there(server: Server, client: redis.Redis) -> None:
    client.set("lock:a", "x", px=5)
    server.clock.advance(1)
    server.expect_clean(locks="lock:*")
