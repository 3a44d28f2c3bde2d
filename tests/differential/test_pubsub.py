"""Pub/sub with several clients, compared with real servers on the wire. The form of a script is described in `stage`.

Where 7.0 differs from 7.2 the judge is redis-server 8.2: since 7.2 a RESP3 client gets the messages that it publishes
to itself after the reply.
"""

from __future__ import annotations

import pytest

from tests.differential.stage import compare
from tests.support.servers import Server

pytestmark = pytest.mark.needs_redis

SCRIPTS: dict[str, str] = {
    "channels": """
        s: SUBSCRIBE a b a
        t: SUBSCRIBE b
        p: PUBLISH a 1 | PUBLISH b 2 | PUBLISH c 3
        p: PUBSUB NUMSUB a b c | PUBSUB NUMSUB | PUBSUB NUMPAT
        s: UNSUBSCRIBE a nosuch
        p: PUBLISH a 4 | PUBSUB CHANNELS | PUBSUB CHANNELS b* | PUBSUB CHANNELS x*
        s: UNSUBSCRIBE
        s: UNSUBSCRIBE | PING
        p: PUBLISH b 5
    """,
    "patterns": """
        s: PSUBSCRIBE n*
        t: PSUBSCRIBE n* ?ld
        t: SUBSCRIBE news
        p: PUBLISH news 1 | PUBLISH nothing 2 | PUBLISH old 3 | PUBSUB NUMPAT | PUBSUB CHANNELS
        s: PUNSUBSCRIBE n*
        t: PUNSUBSCRIBE ?ld x
        p: PUBLISH news 4 | PUBSUB NUMPAT
        t: PUNSUBSCRIBE | PUNSUBSCRIBE
    """,
    "shard channels": """
        s: SSUBSCRIBE a b
        s: SUBSCRIBE a
        p: SPUBLISH a 1 | PUBLISH a 2 | PUBSUB SHARDCHANNELS a* | PUBSUB SHARDNUMSUB a b c | PUBSUB CHANNELS
        s: SUNSUBSCRIBE b x
        s: SUNSUBSCRIBE
        s: SUNSUBSCRIBE
        p: SPUBLISH a 3
    """,
    "wrong numbers of arguments": """
        p: SUBSCRIBE | PSUBSCRIBE | SSUBSCRIBE | PUBLISH a | SPUBLISH a | PUBSUB | PUBSUB NOSUCH | PUBSUB CHANNELS a b
        p: PUBSUB NUMPAT a | PUBSUB SHARDCHANNELS a b
    """,
    "other commands of a subscriber": """
        s: SUBSCRIBE a
        s: PING | PING hello | GET k | NOSUCH | GET
        s: PSUBSCRIBE p
        s: UNSUBSCRIBE | GET k | PUNSUBSCRIBE | GET k
        s: SSUBSCRIBE c | GET k | PING
    """,
    "the subscriber resets": """
        s: SUBSCRIBE a | PSUBSCRIBE b | SSUBSCRIBE c
        s: RESET
        s: PING
        p: PUBLISH a 1 | PUBLISH b 2 | SPUBLISH c 3 | PUBSUB CHANNELS | PUBSUB NUMPAT
    """,
    "the subscriber leaves": """
        s: SUBSCRIBE a | PSUBSCRIBE b
        s: close
        p: PUBLISH a 1 | PUBLISH b 2 | PUBSUB CHANNELS | PUBSUB NUMPAT
    """,
    "the subscriber quits": """
        s: SUBSCRIBE a
        s: QUIT
        p: PUBLISH a 1
    """,
    "the subscriber is killed": """
        s: SUBSCRIBE a
        p: CLIENT KILL ID {s}
        p: PUBLISH a 1
    """,
    "in a transaction": """
        s: SUBSCRIBE a
        p: MULTI | PUBLISH a 1 | SET k v | PUBLISH a 2 | EXEC
        t: MULTI | SUBSCRIBE x y | GET k
        t: EXEC
        p: PUBLISH x 1
    """,
    "without replies": """
        s: CLIENT REPLY OFF | SUBSCRIBE a
        p: PUBLISH a 1
        s: UNSUBSCRIBE a | PING | CLIENT REPLY ON
        t: CLIENT REPLY SKIP | SUBSCRIBE a | PING
        p: PUBLISH a 2
    """,
    "a large message": f"""
        s: SUBSCRIBE a
        t: SUBSCRIBE a
        p: PUBLISH a {"x" * 70000} | PUBLISH a y
    """,
}
TO_ITSELF: dict[str, str] = {
    "a client that publishes to itself": """
        s: SUBSCRIBE a
        s: PSUBSCRIBE *
        s: PUBLISH a 1 | ECHO after
        s: MULTI | PUBLISH a 2 | ECHO inside | EXEC | ECHO after
    """,
}
IN_RESP3: dict[str, str] = {
    "a message to a client that is blocked": """
        s: SUBSCRIBE a
        s: BLPOP l 0
        p: PUBLISH a 1
        p: RPUSH l x
        p: PUBLISH a 2
    """,
}


@pytest.mark.parametrize("protocol", [2, 3], ids=["resp2", "resp3"])
@pytest.mark.parametrize("name", SCRIPTS)
def test_messages_arrive_as_on_redis(real: Server, ours: Server, protocol: int, name: str) -> None:
    compare(real, ours, protocol, SCRIPTS[name])


@pytest.mark.parametrize("protocol", [2, 3], ids=["resp2", "resp3"])
@pytest.mark.parametrize("name", SCRIPTS | TO_ITSELF)
def test_messages_arrive_as_on_a_newer_redis(newer: Server, ours: Server, protocol: int, name: str) -> None:
    compare(newer, ours, protocol, (SCRIPTS | TO_ITSELF)[name])


@pytest.mark.parametrize("name", IN_RESP3)
def test_a_subscriber_that_speaks_resp3_may_do_anything(newer: Server, ours: Server, name: str) -> None:
    compare(newer, ours, 3, IN_RESP3[name])
