"""The same commands under RESP2 and RESP3: the form that a reply has in each protocol."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.replies import (
    NULL_ARRAY,
    OK,
    WRONG_TYPE,
    Boolean,
    Double,
    Error,
    Map,
    Push,
    Reply,
    Set,
    Simple,
    Verbatim,
    from_wire,
)
from tests.support.servers import Server
from tests.support.transcripts import read
from tests.support.world import Client, World

SETUP = (
    "SET string text",
    "SET number 7",
    "RPUSH list a b c",
    "SADD set 1 2",
    "HSET hash f 1 g 2",
    "ZADD zset 1 a 2.5 b",
    "XADD stream 1-1 f v",
    "XGROUP CREATE stream g 0",
    "GEOADD places 13.361389 38.115556 Palermo",
)

ENTRY = [b"1-1", [b"f", b"v"]]
MATCHES = [[[0, 3], [0, 3]]]
PLACE = (b"13.36138933897018433", b"38.11555639549629859")

# The command, its reply under RESP2, and its reply under RESP3.
DIFFERENT: list[tuple[str, Reply, Reply]] = [
    ("LPOP none 2", NULL_ARRAY, None),
    ("BLPOP none 0.001", NULL_ARRAY, None),
    ("SMEMBERS set", [b"1", b"2"], Set([b"1", b"2"])),
    ("SINTER set", [b"1", b"2"], Set([b"1", b"2"])),
    ("SMEMBERS none", [], Set()),
    ("SPOP set 2", [b"1", b"2"], Set([b"1", b"2"])),
    ("HGETALL hash", [b"f", b"1", b"g", b"2"], Map({b"f": b"1", b"g": b"2"})),
    ("HGETALL none", [], Map()),
    ("CONFIG GET maxmemory", [b"maxmemory", b"0"], Map({b"maxmemory": b"0"})),
    ("ZSCORE zset b", b"2.5", Double(b"2.5")),
    ("ZMSCORE zset a none", [b"1", None], [Double(b"1"), None]),
    ("ZINCRBY zset 1 a", b"2", Double(b"2")),
    ("ZADD zset INCR 1 a", b"2", Double(b"2")),
    ("ZRANGE zset 0 -1 WITHSCORES", [b"a", b"1", b"b", b"2.5"], [[b"a", Double(b"1")], [b"b", Double(b"2.5")]]),
    ("ZPOPMIN zset", [b"a", b"1"], [b"a", Double(b"1")]),
    ("ZPOPMIN zset 1", [b"a", b"1"], [[b"a", Double(b"1")]]),
    ("ZMPOP 1 zset MIN", [b"zset", [[b"a", b"1"]]], [b"zset", [[b"a", Double(b"1")]]]),
    ("ZMPOP 1 none MIN", NULL_ARRAY, None),
    ("BZPOPMAX zset 0", [b"zset", b"b", b"2.5"], [b"zset", b"b", Double(b"2.5")]),
    ("XREAD STREAMS stream 0", [[b"stream", [ENTRY]]], Map({b"stream": [ENTRY]})),
    ("XREADGROUP GROUP g c STREAMS stream >", [[b"stream", [ENTRY]]], Map({b"stream": [ENTRY]})),
    ("XREAD STREAMS stream 9", NULL_ARRAY, None),
    ("XPENDING stream g", [0, None, None, NULL_ARRAY], [0, None, None, None]),
    ("GEOPOS places Palermo none", [list(PLACE), NULL_ARRAY], [[Double(PLACE[0]), Double(PLACE[1])], None]),
    ("LCS string string IDX", [b"matches", MATCHES, b"len", 4], Map({b"matches": MATCHES, b"len": 4})),
    ("DEBUG PROTOCOL true", 1, Boolean(True)),
    ("DEBUG PROTOCOL verbatim", b"This is a verbatim\nstring", Verbatim(b"txt", b"This is a verbatim\nstring")),
]

SAME: list[tuple[str, Reply]] = [
    ("PING", Simple(b"PONG")),
    ("SET string x", OK),
    ("GET string", b"text"),
    ("GET none", None),
    ("INCR number", 8),
    ("MGET string none number", [b"text", None, b"7"]),
    ("LRANGE list 0 -1", [b"a", b"b", b"c"]),
    ("LRANGE none 0 -1", []),
    ("LPOS list b COUNT 0", [1]),
    ("SISMEMBER set 1", 1),
    ("SMISMEMBER set 1 9", [1, 0]),
    ("SRANDMEMBER none 3", []),
    ("HGET hash none", None),
    ("HMGET hash f none", [b"1", None]),
    ("HKEYS hash", [b"f", b"g"]),
    ("ZRANGE zset 0 -1", [b"a", b"b"]),
    ("ZRANK zset b", 1),
    ("ZSCORE zset none", None),
    ("XRANGE stream - +", [ENTRY]),
    ("XADD stream 2-1 f v", b"2-1"),
    ("GEODIST places Palermo none", None),
    ("SCAN 0 MATCH nothing*", [b"0", []]),
    ("TYPE list", Simple(b"list")),
    ("TTL string", -1),
    ("GET list", WRONG_TYPE),
    ("NOSUCH", Error(b"ERR unknown command 'NOSUCH', with args beginning with: ")),
]

CASES = [*DIFFERENT, *((command, reply, reply) for command, reply in SAME)]
each_case = pytest.mark.parametrize(
    ("command", "under_resp2", "under_resp3"), CASES, ids=[command for command, *_ in CASES]
)


@each_case
@pytest.mark.parametrize("protocol", [2, 3])
def test_a_reply_has_the_form_of_its_protocol(
    protocol: int, command: str, under_resp2: Reply, under_resp3: Reply
) -> None:
    world = World(protocol=protocol, enable_debug_command="yes")
    for line in SETUP:
        world.do(*line.split())
    replies = world.replies(*command.split())
    if not replies:  # the client was blocked and now times out
        world.advance(100)
        replies = world.replies()
    assert replies == [under_resp2 if protocol == 2 else under_resp3]
    world.check()


@pytest.mark.needs_redis
@each_case
@pytest.mark.parametrize("protocol", [2, 3])
def test_a_reply_of_a_real_server_has_the_same_form(
    real: Server, protocol: int, command: str, under_resp2: Reply, under_resp3: Reply
) -> None:
    with real.connect(protocol) as wire:
        for line in SETUP:
            wire.do(*line.split())
        assert from_wire(wire.do(*command.split())) == (under_resp2 if protocol == 2 else under_resp3)


# All commands of all transcripts.


def parts(reply: Reply) -> Iterator[Reply]:
    """The parts of a reply in their order, each as RESP2 has it."""
    match reply:
        case Map():
            for name, value in reply.items():
                yield from parts(name)
                yield from parts(value)
        case list():
            for item in reply:
                yield from parts(item)
        case Double() | Verbatim():
            yield reply.text
        case Boolean():
            yield int(reply.value)
        case _:
            yield None if reply == NULL_ARRAY else reply


TRANSCRIPTS = sorted((Path(__file__).parents[1] / "transcripts").glob("*.txt"))


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=[path.stem for path in TRANSCRIPTS])
def test_both_protocols_give_the_same_replies(path: Path) -> None:
    """Except for pushes, which RESP2 does not have."""
    said: list[list[list[Reply]]] = []
    for protocol in (2, 3):
        world = World(protocol=protocol, enable_debug_command="yes")
        clients: dict[str, Client] = {}
        said.append([])
        for step in read(path):
            if step.kind == "later":
                world.advance(step.number)
            elif step.kind == "send":
                if step.client not in clients:
                    clients[step.client] = world.client()
                clients[step.client].receive(step.data)
            for client in clients.values():
                replies = [reply for reply in client.replies() if not isinstance(reply, Push)]
                said[-1].append(list(parts(replies)))
    assert said[0] == said[1]
    assert any(replies for replies in said[0])
