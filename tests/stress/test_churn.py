"""Memory that is allocated and freed for a long time: the ledger stays exact, the process stays within its bound.

The suite (tests/support/suites.py) says how long the load runs.

The bound on the resident memory: the ledger stays within the limit plus what one command adds. An element takes a
Python object in the process where Redis has a few bytes of a listpack, so a byte of the ledger stands for several bytes
of the process. A large request exists several times while it is read. The interpreter itself comes on top. Memory must
not creep either: the maximum of the second half may exceed that of the first by at most a tenth, and noise.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest

from tests.stress.churn import Churn, is_expected
from tests.support import servers
from tests.support.audit import assert_sound
from tests.support.local import LocalEngine, local_engine
from tests.support.servers import Server
from tests.support.suites import SUITE, time_limit
from tests.support.wire import Error, Integer, Reply, Wire, info, request
from tests.support.world import LAYOUT_VERSIONS

SEED = 20250117
LIMIT_BYTES = 8 << 20
SMALL_LIMIT_BYTES = 3 << 20
CONNECTIONS = 6
PIPELINE = 40
SECONDS = SUITE.churn_seconds
#: The process may have at most this many bytes for a byte of the ledger.
PROCESS_PER_LEDGER = 5
CREEP_NOISE_BYTES = 24 << 20
DRAIN_SECONDS = 60.0
DEEDS = (
    *("used_memory_peak_human", "allocator_frag_ratio", "expired_keys", "evicted_keys", "lazyfreed_objects"),
    *("active_defrag_hits", "active_defrag_misses", "total_active_defrag_time", "total_eviction_exceeded_time"),
)
#: Defragmentation begins with the first megabyte of waste.
DEFRAG = (
    *("--active-defrag-ignore-bytes", "1mb", "--active-defrag-threshold-lower", "5"),
    *("--active-defrag-cycle-min", "5", "--active-defrag-cycle-max", "50", "--active-defrag-max-scan-fields", "200"),
)


def _rss(server: Server) -> int:
    return int(Path(f"/proc/{server.pid}/statm").read_text().split()[1]) * 4096


def _check_reply(call: object, reply: Reply) -> None:
    if isinstance(reply, Error) and not is_expected(reply.text):
        pytest.fail(f"{call!r:.300} was refused: {reply.text!r}")


class _Load:
    """Several connections to one server, all with pipelines in progress at the same time."""

    def __init__(self, server: Server, seed: int) -> None:
        self.server = server
        self.churn = Churn(seed, LIMIT_BYTES)
        self._wires = [server.connect(protocol=2 + number % 2, timeout=60.0) for number in range(CONNECTIONS)]
        self.control = server.connect(timeout=60.0)
        self.calls = 0
        self.rss: list[int] = []
        self.deeds: dict[str, str] = {}

    def close(self) -> None:
        for wire in [*self._wires, self.control]:
            wire.close()

    def round(self) -> None:
        """Send a pipeline on each connection, then read all replies; now and then replace a connection."""
        rounds = [[self.churn.call() for _ in range(PIPELINE)] for _ in self._wires]
        for wire, calls in zip(self._wires, rounds, strict=True):
            wire.send(b"".join([request(*call) for call in calls]))
        for wire, calls in zip(self._wires, rounds, strict=True):
            for call in calls:
                _check_reply(call, wire.receive())
        self.calls += PIPELINE * len(rounds)
        if self.churn.chance.random() < 0.05:
            self._wires.pop(0).close()
            self._wires.append(self.server.connect(timeout=60.0))
        if self.churn.chance.random() < 0.1:
            call = self.churn.change_of_settings()
            _check_reply(call, self.control.do(*call))

    def checkpoint(self) -> None:
        """Assert that the ledger is exact and the process within its bound."""
        assert_sound(self.control)
        self.rss.append(_rss(self.server))

    def note_deeds(self) -> None:
        """Note how much the server has done in that time, by its own figures."""
        found = info(self.control, "everything")
        self.deeds = {name: found[name] for name in DEEDS}

    def drain(self) -> None:
        """Wait until everything that is lazily freed has been freed, which must be soon after the load has ended."""
        self.control.do("FLUSHALL", "ASYNC")
        deadline = time.monotonic() + DRAIN_SECONDS
        while (pending := _figure(self.control, "lazyfree_pending_objects")) and time.monotonic() < deadline:
            self.control.do("PING")
        assert pending == 0
        assert self.control.do("DBSIZE") == Integer(0)
        assert_sound(self.control)


def _figure(wire: Wire, name: str) -> int:
    return int(info(wire, "everything")[name])


def _churn(server: Server, seconds: float) -> _Load:
    idle = _rss(server)
    with contextlib.closing(_Load(server, SEED)) as load:
        end = time.monotonic() + seconds
        checkpoint = time.monotonic() + seconds / 20
        while time.monotonic() < end:
            load.round()
            if time.monotonic() >= checkpoint:
                load.checkpoint()
                checkpoint = time.monotonic() + max(seconds / 20, 1.0)
        load.note_deeds()
        load.drain()
    bound = idle + PROCESS_PER_LEDGER * LIMIT_BYTES
    half = len(load.rss) // 2
    assert max(load.rss) < bound, [rss >> 20 for rss in load.rss]
    assert max(load.rss[half:]) < max(load.rss[:half]) * 1.1 + CREEP_NOISE_BYTES, [rss >> 20 for rss in load.rss]
    return load


@pytest.mark.slow
@time_limit(SECONDS * 2 + 120)
@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
def test_a_churned_server_stays_sound_and_within_bounds(policy: str) -> None:
    settings = ["--maxmemory", str(LIMIT_BYTES), "--maxmemory-policy", policy, "--activedefrag", "yes", *DEFRAG]
    with servers.pyredmem_server(*settings) as server:
        load = _churn(server, SECONDS / 2)
        print(f"{load.calls} calls, RSS in MiB: {[rss >> 20 for rss in load.rss]}\n{load.deeds}")
        assert "Fault" not in server.log, server.log


def _churn_here(local: LocalEngine, calls: int, seed: int) -> None:
    churn = Churn(seed, SMALL_LIMIT_BYTES)
    client = local.client()
    for number in range(calls):
        call = churn.change_of_settings() if number % 400 == 399 else churn.call()
        try:
            reply = client.do(*call)
        except Exception as error:
            error.add_note(f"call {number}: {call!r:.300}")
            raise
        _check_reply(call, reply)
        if number % 20 == 19:
            local.pass_time(churn.chance.choice([1, 10, 100]))
        if number % 2000 == 1999:
            local.engine.keyspace.check()
            local.assert_sound()
            local.drop(client)
            client = local.client(churn.chance.choice([2, 3]))


@pytest.mark.parametrize(("seed", "version"), [(1, LAYOUT_VERSIONS[0]), (2, LAYOUT_VERSIONS[1])])
def test_a_churned_engine_stays_sound(seed: int, version: str) -> None:
    local = local_engine(
        ("redis-version", version),
        ("maxmemory", str(SMALL_LIMIT_BYTES)),
        ("maxmemory-policy", "allkeys-lfu"),
        ("activedefrag", "yes"),
        ("active-defrag-ignore-bytes", "1"),
        ("active-defrag-threshold-lower", "1"),
        ("active-defrag-max-scan-fields", "50"),
        ("active-defrag-cycle-max", "2"),  # the work of a tick, which is all that runs without a shell
    )
    _churn_here(local, 8000, seed)
