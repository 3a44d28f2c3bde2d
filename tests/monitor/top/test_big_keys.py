"""The search for the largest keys: it finds them, in small steps, and does not disturb."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import pytest
from redis.exceptions import ResponseError

from pyredmem.monitor.server_reading import WatchedServer
from pyredmem.monitor.top.big_keys import BigKeys
from pyredmem.monitor.top.table import Table
from tests.monitor.top.screens import address
from tests.support.servers import Server
from tests.support.wire import Integer

LONG_S = 60.0


class Recorded(WatchedServer):
    """A server that keeps the commands which it is asked together."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.asked: list[Sequence[Sequence[object]]] = []

    def ask_all(self, commands: Sequence[Sequence[object]]) -> list[Any]:
        self.asked.append(commands)
        return super().ask_all(commands)


@pytest.fixture(params=["ours", pytest.param("real", marks=pytest.mark.needs_redis)])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(str(request.param))
    return found


@pytest.fixture
def watched(server: Server) -> Iterator[Recorded]:
    with closing(Recorded(address(server))) as recorded:
        yield recorded


def found(table: Table) -> list[tuple[str, str, int]]:
    """Names, types and databases, the largest first."""
    return [(row[5], row[2], row[3]) for row in table.arranged(table.order)]


def test_the_largest_keys_of_all_databases_are_found(server: Server, watched: Recorded) -> None:
    with server.connect() as wire:
        for number in range(300):
            wire.do("SET", f"small:{number}", "x")
        wire.do("RPUSH", "jobs", *["x" * 100] * 1000)
        wire.do("SELECT", "3")
        wire.do("HSET", "user", *["x" * 30] * 2000, "a", "b")
        wire.do("SET", "page", "x" * 50_000)
        wire.do("SELECT", "0")
        usage = wire.do("MEMORY", "USAGE", "jobs")
        assert isinstance(usage, Integer)
    keys = BigKeys(watched)
    keys.look({0: 301, 3: 2}, LONG_S)
    table = keys.table(1_000_000.0, 303)
    assert found(table)[:2] == [("jobs", "list", 0), ("page", "string", 3)]
    assert ("user", "hash", 3) in found(table)
    assert len(table.rows) == 50
    first = table.arranged(table.order)[0]
    assert (first[0], first[1]) == (usage.value, pytest.approx(usage.value / 1_000_000))
    assert table.note == "303 of 303 keys looked at (100.0%)"


def test_steps_are_small_and_end_when_the_time_is_up(server: Server, watched: Recorded) -> None:
    with server.connect() as wire:
        for number in range(500):
            wire.do("SET", f"key:{number}", "x")
    keys = BigKeys(watched)
    keys.look({0: 500}, 0.0)
    keys.look({0: 500}, 0.0)
    asked = [[command[0] for command in commands] for commands in watched.asked]
    assert [names[1] for names in asked] == ["SCAN", "MEMORY", "TYPE"]
    keys.look({0: 500}, LONG_S)
    assert max(len(commands) for commands in watched.asked if commands[1][0] == "MEMORY") <= 21
    assert keys.table(None, 500).note == "500 of 500 keys looked at (100.0%)"


def test_a_key_that_grows_shrinks_or_is_deleted_is_noticed_by_the_next_walk(server: Server, watched: Recorded) -> None:
    keys = BigKeys(watched)
    with server.connect() as wire:
        for name, length in (("a", 5000), ("b", 3000), ("c", 1000)):
            wire.do("SET", name, "x" * length)
        keys.look({0: 3}, LONG_S)
        assert [name for name, _, _ in found(keys.table(None, 3))] == ["a", "b", "c"]
        wire.do("SET", "c", "x" * 9000)
        wire.do("DEL", "b")
        keys.look({0: 2}, LONG_S)
        assert [name for name, _, _ in found(keys.table(None, 2))] == ["c", "a"]
        assert keys.table(None, 2).note == "all keys looked at"
        wire.do("FLUSHALL")
        keys.look({}, LONG_S)
        assert found(keys.table(None, 0)) == []


def test_only_the_types_count_as_reads(server: Server, watched: Recorded) -> None:
    with server.connect() as wire:
        for number in range(200):
            wire.do("SET", f"key:{number}", "x")
        wire.do("CONFIG", "RESETSTAT")
        keys = BigKeys(watched)
        for _ in range(3):
            keys.look({0: 200}, LONG_S)
    assert int(watched.read().info["keyspace_hits"]) <= 50
    assert watched.read().info["keyspace_misses"] == "0"


def test_a_server_that_refuses_is_said_to(server: Server) -> None:
    with server.connect() as wire:
        wire.do("SET", "key", "x")
        wire.do("ACL", "SETUSER", "reader", "on", ">secret", "~*", "+info", "+select", "+scan")
    with closing(WatchedServer(f"redis://reader:secret@127.0.0.1:{server.port}")) as refusing:
        keys = BigKeys(refusing)
        keys.look({0: 1}, LONG_S)
        assert isinstance(refusing.ask("GET", "key"), ResponseError)
        table = keys.table(None, 1)
        assert found(table) == []
        assert table.when_empty.startswith("The server refuses to tell: ")
        assert "memory|usage" in table.when_empty
