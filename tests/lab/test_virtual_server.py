"""An engine in virtual time."""

from __future__ import annotations

import pytest

from pyredmem.lab.operations import TYPES
from pyredmem.lab.virtual_server import START_US, VirtualServer


@pytest.fixture
def server() -> VirtualServer:
    return VirtualServer((("maxmemory-policy", "allkeys-lru"),), 1)


def test_keys_expire_when_their_virtual_time_has_come(server: VirtualServer) -> None:
    for number in range(1000):
        server.do([b"SET", b"%d" % number, b"value", b"PX", b"5000"])
    server.pass_until(START_US + 4_900_000)
    assert server.keyspace.size() == 1000
    server.pass_until(START_US + 20_000_000)
    assert server.keyspace.size() < 250  # the timer has found them; nobody has asked
    assert server.keyspace.expired == 1000 - server.keyspace.size()


def test_a_long_pause_costs_few_ticks(server: VirtualServer) -> None:
    server.do([b"SET", b"key", b"value", b"PX", b"1000"])
    ticks: list[int] = []
    server.engine.cron.every(0, lambda: ticks.append(server.now_us))
    server.pass_until(START_US + 100_000_000_000)
    assert server.keyspace.size() == 0
    assert 10 < len(ticks) < 40
    assert max(second - first for first, second in zip(ticks[-10:], ticks[-9:], strict=False)) <= 100_000


def test_memory_above_a_limit_is_evicted_between_commands(server: VirtualServer) -> None:
    for number in range(3000):
        server.do([b"SET", b"%d" % number, b"v" * 500])
    limit = server.startup_bytes + 500_000
    server.limit(limit)
    server.pass_until(START_US + 1_000_000)
    assert server.used_memory <= limit
    assert server.evicted == 3000 - server.keyspace.size() > 1000
    assert server.refused == 0


@pytest.mark.parametrize("kind", range(1, len(TYPES)))
def test_values_of_all_types_are_written_and_measured(server: VirtualServer, kind: int) -> None:
    before = server.used_memory
    server.write(b"key", kind, 300)
    assert server.type_of(b"key") == TYPES[kind]
    assert 300 < server.memory_of(b"key") <= server.used_memory - before + 200
    server.write(b"key", kind, 20)
    assert server.memory_of(b"key") < 300 or TYPES[kind] == "stream"
    assert server.other_errors() == []
    server.delete(b"key")
    assert (server.memory_of(b"key"), server.type_of(b"key")) == (0, "")


def test_nothing_is_saved(server: VirtualServer) -> None:
    """A server with the usual save points would try, fail, and then refuse writes."""
    for number in range(11_000):
        server.do([b"SET", b"%d" % number, b"v"])
    server.pass_until(START_US + 4_000_000_000)
    server.do([b"SET", b"key", b"v"])
    assert server.other_errors() == []


def test_the_same_seed_evicts_the_same_keys() -> None:
    kept = []
    for seed in (1, 1, 2):
        server = VirtualServer((("maxmemory-policy", "allkeys-random"),), seed)
        server.limit(server.startup_bytes + 100_000)
        for number in range(2000):
            server.do([b"SET", b"%d" % number, b"v" * 100])
        kept.append([number for number in range(2000) if server.memory_of(b"%d" % number)])
    assert kept[0] == kept[1] != kept[2]
