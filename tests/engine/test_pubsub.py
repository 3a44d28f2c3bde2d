"""Subscriptions in the engine: what they take in the ledger, what is told of them, and messages that are shared."""

from __future__ import annotations

import pytest

from tests.support.hosted import Hosted
from tests.support.replies import Error
from tests.support.world import Client, World


def subscribe_to_everything(client: Client) -> None:
    client.replies("SUBSCRIBE", *[f"channel:{number}" for number in range(20)])
    client.replies("PSUBSCRIBE", "a*", "b*")
    client.replies("SSUBSCRIBE", "shard" * 20)


def test_subscriptions_are_in_the_ledger(world: World) -> None:
    before = world.used_memory
    subscribe_to_everything(world.first)
    assert world.used_memory - before > 23 * (24 + 24 + 48 + 24)
    world.check()


@pytest.mark.parametrize("how", ["leaving", "RESET", "unsubscribing"])
def test_the_memory_of_subscriptions_is_freed(how: str) -> None:
    world = World()
    other = world.client()
    subscribe_to_everything(world.first)
    if how == "leaving":
        world.first.leave()
    elif how == "RESET":
        world.do("RESET")
    else:
        for command in ("UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE"):
            world.replies(command)
    assert other.do("PUBSUB", "CHANNELS") == []
    assert other.do("PUBLISH", "a1", "x") == 0
    world.check()


def test_client_list_counts_subscriptions(world: World) -> None:
    subscribe_to_everything(world.first)
    line = world.client().do("CLIENT", "LIST", "ID", "1")
    assert isinstance(line, bytes)
    assert b" sub=20 psub=2 ssub=1 " in line
    assert b" flags=P " in line


def test_the_memory_of_a_client_includes_its_subscriptions(world: World) -> None:
    world.do("PING")
    before = world.session.memory.total()
    world.replies("SUBSCRIBE", "a", "b", "c", "d", "e")
    assert world.session.memory.total() - before == 5 * 24 + 8 * 8


def test_info_counts_channels_and_patterns() -> None:
    hosted = Hosted()
    subscribe_to_everything(hosted.client())
    info = hosted.info("stats")
    figures = [info[name] for name in ("pubsub_channels", "pubsub_patterns", "pubsubshard_channels")]
    assert figures == ["20", "2", "1"]


def test_a_subscriber_that_does_not_read_is_disconnected_at_the_limit_for_pubsub() -> None:
    world = World(client_output_buffer_limit="pubsub 100000 0 0")
    subscriber = world.client()
    subscriber.replies("SUBSCRIBE", "a")
    for _ in range(10):
        world.do("PUBLISH", "a", "x" * 20000)
    assert world.do("PUBSUB", "NUMSUB", "a") == [b"a", 0]
    assert world.do("CLIENT", "LIST", "TYPE", "pubsub") == b""
    world.check()


def test_a_resp2_subscriber_may_not_read_keys(world: World) -> None:
    world.replies("SUBSCRIBE", "a")
    reply = world.do("GET", "k")
    assert isinstance(reply, Error)
    assert reply.text.startswith(b"ERR Can't execute 'get': only (P|S)SUBSCRIBE")
