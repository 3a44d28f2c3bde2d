"""A second engine that is made only from the recorded stream of a first one, and what two such engines must share.

Time stands still in a replica while it replays: no key expires on its own, and all times in the stream are absolute.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from tests.differential.command_streams import set_clock
from tests.support.engine import World, encode
from tests.support.replica_link import Command
from tests.support.wire import Array, Bulk, Decoder, Reply

# When a consumer was last seen is not propagated; how entries lie in nodes depends on how they were trimmed.
_NOT_PROPAGATED = re.compile(rb"\$\d+\r\n(seen-time|active-time|radix-tree-keys|radix-tree-nodes)\r\n:-?\d+\r\n")


def replica_of(origin: World, commands: Iterable[Command], start_ms: int) -> World:
    """An engine that has replayed a stream, and shows the time of the origin."""
    replica = World()
    replica.do("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    set_clock(replica, start_ms * 1000)
    session = replica.connect()
    for argv in commands:
        session.receive(encode(argv))
        reply = session.take_output()
        assert not reply.startswith(b"-"), (argv, reply)
    set_clock(replica, origin.clock.now_us())
    return replica


def dataset(world: World) -> dict[str, bytes]:
    """All that a replica must have alike: the digest, times to live, and the groups of streams."""
    found = {"digest": world.do("DEBUG", "DIGEST")}
    for database in range(16):
        world.do("SELECT", database)
        for key in sorted(_strings(_do(world, "KEYS", "*"))):
            found[f"{database} {key!r}"] = _details(world, key)
    world.do("SELECT", 0)
    return found


def _details(world: World, key: bytes) -> bytes:
    kind = world.do("TYPE", key)
    details = world.do("PEXPIRETIME", key)
    if kind == b"+stream\r\n":
        details += _NOT_PROPAGATED.sub(b"", world.do("XINFO", "STREAM", key, "FULL", "COUNT", "0"))
    if kind == b"+hash\r\n":
        fields = sorted(_strings(_do(world, "HKEYS", key)))
        details += b"".join(world.do("HPEXPIRETIME", key, "FIELDS", 1, one) for one in fields)
    return details


def _do(world: World, *words: str | bytes) -> Reply:
    decoder = Decoder()
    decoder.feed(world.do(*words))
    reply = decoder.take()
    assert reply is not None
    return reply


def _strings(reply: Reply) -> list[bytes]:
    assert isinstance(reply, Array)
    return [item.data for item in reply.items if isinstance(item, Bulk)]
