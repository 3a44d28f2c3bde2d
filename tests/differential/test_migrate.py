"""MIGRATE between real processes: from ours and from a redis-server, to a redis-server with a password.

The target is an 8.2, since the payloads of 7.2 have a version that the installed server, 7.0, cannot restore.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator, Sequence

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


class Scripted:
    """A server that gives each connection some replies, and then closes it or leaves it open without a word."""

    def __init__(self, *connections: Sequence[bytes], closes: bool = True) -> None:
        self.connections = 0
        self._replies = connections
        self._closes = closes
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                replies = self._replies[min(self.connections, len(self._replies) - 1)]
                self.connections += 1
                connection.recv(65536)
                for reply in replies:
                    connection.sendall(reply + b"\r\n")
                if self._closes:
                    connection.close()
                self._open.append(connection)

    def close(self) -> None:
        self._listener.close()
        for connection in self._open:
            connection.close()


SCRIPTS: list[tuple[list[list[bytes]], bool]] = [
    ([[]], True),
    ([[]], False),
    ([[b"+OK"]], True),
    ([[b"+OK"]], False),
    ([[b"+OK", b"+OK"]], True),
    ([[b"+OK", b"+OK"]], False),
    ([[b"+OK", b"-BUSYKEY no"]], True),
    ([[b"+OK", b"-BUSYKEY no"]], False),
    ([[b"+OK", b"+OK", b"-BUSYKEY no"]], True),
    ([[b"-ERR DB index is out of range", b"+OK", b"+OK"]], True),
    ([[b"-ERR DB index is out of range"]], True),
    ([[], [b"+OK", b"+OK", b"+OK"]], True),
    ([[b"+OK", b"+OK", b"+OK"]], True),
]


@pytest.mark.parametrize(("replies", "closes"), SCRIPTS)
def test_a_target_that_fails_on_the_way(
    real: Server, newer: Server, ours: Server, replies: list[list[bytes]], closes: bool
) -> None:
    """The replies, the keys that are left, and how often it connects are those of the real servers."""
    found = []
    for server in (real, newer, ours):
        target = Scripted(*replies, closes=closes)
        with server.connect() as wire:
            wire.do("MSET", "a", "1", "b", "2")
            reply = wire.do("MIGRATE", HOST, target.port, "", 0, 200, "KEYS", "a", "b")
            found.append((reply, wire.do("EXISTS", "a"), wire.do("EXISTS", "b"), target.connections))
        target.close()
    assert found[2] == found[0] == found[1]


@pytest.mark.parametrize(
    "words",
    [
        *(
            ["a..b", "1"],
            ["a" * 100, "1"],
            ["", "1"],
            [b"\xff\xfe", "1"],
            [b"127.0.0.1\x00x", "1"],
            ["nosuch.invalid", "1"],
        ),
        *([HOST, "x"], [HOST, ""], [HOST, "-5"], [HOST, "1x"], [HOST, "0"], ["::1", "1"], ["localhost", "1"]),
    ],
)
@pytest.mark.parametrize("timeout", ["20", "9223372036854775807"])
def test_addresses_and_ports_that_lead_nowhere(
    real: Server, newer: Server, ours: Server, words: list[Argument], timeout: str
) -> None:
    replies = []
    for server in (real, newer, ours):
        with server.connect() as wire:
            wire.do("SET", "a", "1")
            replies.append(wire.do("MIGRATE", *words, "a", 0, timeout))
    assert replies[2] == replies[0] == replies[1]


def test_a_server_that_migrates_to_itself_waits_until_its_timeout() -> None:
    with servers.pyredmem_server() as server, server.connect() as wire:
        wire.do("SET", "a", "1")
        reply = wire.do("MIGRATE", HOST, server.port, "a", 0, 100)
        assert getattr(reply, "text", reply) == b"IOERR error or timeout reading to target instance"
        assert wire.do("GET", "a") == Bulk(b"1")
