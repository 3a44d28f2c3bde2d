"""A second engine, filled from the recorded stream of a first one, and the data that both must have alike.

The replica replays each command at the time at which it was recorded. No key expires there on its own: the stream says
when a key is deleted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from tests.differential.command_streams import Timed, set_clock
from tests.support.replica_link import Command
from tests.support.wire import Array, Bulk, Reply, request
from tests.support.world import World

# A consumer is propagated with its first entry; the way a stream was trimmed decides how its nodes are filled.
_NOT_PROPAGATED = re.compile(rb"\$\d+\r\n(consumers|radix-tree-keys|radix-tree-nodes)\r\n:\d+\r\n")


def replica() -> World:
    """An empty engine that can replay a stream."""
    world = World(enable_debug_command="yes")
    world.do("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    return world


def replay(world: World, commands: Iterable[Timed], end_us: int) -> None:
    """Empty the engine and run a stream; then set its clock to that of the first engine."""
    world.do("FLUSHALL")
    session = world.client().session
    for now_us, argv in commands:
        set_clock(world, now_us)
        session.receive(request(*_obeyed(argv)))
        reply = session.take_output()
        assert not reply.startswith(b"-"), (argv, reply)
    world.engine.release(session)
    set_clock(world, end_us)


def _obeyed(argv: Command) -> Command:
    """The command without LIMIT after `=`: Redis propagates that, but only a replica accepts it, from its master."""
    words = [word.upper() for word in argv]
    if words[0] in {b"XADD", b"XTRIM"} and b"LIMIT" in words[:8] and b"=" in words[:8]:
        at = words.index(b"LIMIT")
        return [*argv[:at], *argv[at + 2 :]]
    return argv


def dataset(world: World) -> dict[str, bytes]:
    """What a replica must share with its origin: the digest, times to live, and the groups of streams."""
    found = {}
    for database in world.engine.keyspace.databases:
        if database.keys.used == 0:
            continue
        world.do("SELECT", int(database.index))
        for key in sorted(database.all_keys()):
            if world.do("EXISTS", key):  # deletes it if it has expired
                found[f"{database.index} {key!r}"] = _details(world, key)
    world.do("SELECT", 0)
    found["digest"] = world.raw("DEBUG", "DIGEST")  # counts expired keys that are still there
    return found


def _details(world: World, key: bytes) -> bytes:
    kind = world.raw("TYPE", key)
    details = world.raw("PEXPIRETIME", key)
    if kind == b"+stream\r\n":
        details += _NOT_PROPAGATED.sub(b"", world.raw("XINFO", "STREAM", key))
        details += _NOT_PROPAGATED.sub(b"", world.raw("XINFO", "GROUPS", key))
        for group in _strings_of_maps(world.reply("XINFO", "GROUPS", key)):
            details += world.raw("XPENDING", key, group, "-", "+", 1000)
    if kind == b"+hash\r\n":
        fields = sorted(_strings(world.reply("HKEYS", key)))
        details += b"".join(world.raw("HPEXPIRETIME", key, "FIELDS", 1, one) for one in fields)
    return details


def _strings_of_maps(groups: Reply) -> list[bytes]:
    """The names of the groups in a reply of XINFO GROUPS."""
    assert isinstance(groups, Array)
    return [_strings(group)[1] for group in groups.items]


def _strings(reply: Reply) -> list[bytes]:
    assert isinstance(reply, Array)
    return [item.data for item in reply.items if isinstance(item, Bulk)]
