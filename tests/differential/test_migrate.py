"""MIGRATE between real processes: from ours and from a redis-server, to a redis-server with a password.

The target is an 8.2, since the payloads of 7.2 have a version that the installed server, 7.0, cannot restore.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.differential.command_streams import NEEDS_NEWER
from tests.support import servers
from tests.support.servers import Server
from tests.support.wire import OK, Argument, Bulk, Integer, Reply, Wire

pytestmark = [pytest.mark.needs_redis, NEEDS_NEWER]

PASSWORD = "secret"
HOST = "127.0.0.1"


@pytest.fixture(scope="module")
def target() -> Iterator[Server]:
    command = servers.newer_redis_command()
    assert command is not None
    with servers.running("newer-redis", command) as server:
        with server.connect() as wire:
            assert wire.do("CONFIG", "SET", "requirepass", PASSWORD) == OK
        yield server


@pytest.fixture
def goal(target: Server) -> Iterator[Wire]:
    """A connection to the target, which is empty."""
    with target.connect() as wire:
        assert wire.do("AUTH", PASSWORD) == OK
        wire.do("FLUSHALL")
        yield wire


def replies_of(source: Wire, goal: Wire, port: int) -> list[Reply]:
    """The replies of a server to calls of MIGRATE, with what is left here and what is there afterwards."""
    there: list[Argument] = [HOST, port]
    source.do("FLUSHALL")
    source.do("MSET", "a", "1", "b", "2", "c", "3")
    source.do("RPUSH", "l", *range(300))
    calls: list[list[Argument]] = [
        [*there, "nosuch", 0, 500],
        [*there, "a", 0, 500],
        [*there, "a", 0, 500, "AUTH", "wrong"],
        [*there, "a", 0, 500, "COPY", "AUTH", PASSWORD],
        [*there, "a", 0, 500, "AUTH2", "default", PASSWORD],
        [*there, "", 0, 500, "AUTH", PASSWORD, "KEYS", "a", "b", "nosuch"],
        [*there, "c", 99, 500, "AUTH", PASSWORD],
        [*there, "", 3, 500, "AUTH", PASSWORD, "REPLACE", "KEYS", "l", "c"],
        [HOST, servers.free_port(), "a", 0, 500],
        ["nosuch.invalid", 1, "a", 0, 500],
        [*there, "a", 0, 500, "NOSUCH"],
    ]
    found = [source.do("MIGRATE", *call) for call in calls]
    found.append(source.do("EXISTS", "a", "b", "c", "l"))
    found += [goal.do("GET", "a"), goal.do("GET", "b"), goal.do("SELECT", 3), goal.do("LLEN", "l"), goal.do("GET", "c")]
    goal.do("FLUSHALL")
    goal.do("SELECT", 0)
    return found


def test_keys_move_as_from_a_real_server(real: Server, goal: Wire, target: Server) -> None:
    with real.connect() as source:
        theirs = replies_of(source, goal, target.port)
    with servers.pyredmem_server() as server, server.connect() as source:
        ours = replies_of(source, goal, target.port)
    assert ours == theirs
    assert ours[-6:] == [Integer(1), Bulk(b"1"), Bulk(b"2"), OK, Integer(300), Bulk(b"3")]


def test_a_server_that_migrates_to_itself_waits_until_its_timeout() -> None:
    with servers.pyredmem_server() as server, server.connect() as wire:
        wire.do("SET", "a", "1")
        reply = wire.do("MIGRATE", HOST, server.port, "a", 0, 100)
        assert getattr(reply, "text", reply) == b"IOERR error or timeout reading to target instance"
        assert wire.do("GET", "a") == Bulk(b"1")
