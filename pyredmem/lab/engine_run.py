"""One replay: a trace on an engine with a policy, a number of samples and a limit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from pyredmem.lab.errors import ReplayError
from pyredmem.lab.operations import NO_TTL, WRITE
from pyredmem.lab.plan import Plan
from pyredmem.lab.player import Player
from pyredmem.lab.virtual_server import START_US, VirtualServer

#: Operations that are made into lists at a time.
_CHUNK: Final = 1 << 16
#: The usual number of databases.
_DATABASES: Final = 16
#: A key with which the commands of a trace are run once.
_PROBE: Final = b"probe"
_PROBE_TTL_MS: Final = 1000


@dataclass(frozen=True)
class Configuration:
    """What a replay is to find out about: a policy and its samples, and a limit in bytes.

    ``policy`` is a value of maxmemory-policy, or one of the exact caches (`exact.ALGORITHMS`), which have no samples.
    """

    policy: str
    samples: int
    maxmemory: int
    seed: int = 1
    fills: bool = False
    settings: tuple[tuple[str, str], ...] = ()
    version: str = ""  # a value of redis-version; empty: the usual one

    def server_settings(self) -> tuple[tuple[str, str], ...]:
        """The settings of the server, without those that make the policy."""
        return (*self.settings, ("redis-version", self.version)) if self.version else self.settings


@dataclass
class Outcome:
    """What a replay has found out. Of a sample of keys, the numbers are those of the sample."""

    configuration: Configuration
    reads: int = 0
    misses: int = 0
    evicted: int = 0
    refused: int = 0
    expected_reads: float = 0.0  # how many of all reads a sample of this size has on average
    over_limit_seconds: float = 0.0
    used_memory: int = 0
    keys: int = 0
    memory_by_type: dict[str, int] = field(default_factory=dict)
    cpu_seconds: float = 0.0

    @property
    def hit_ratio(self) -> float:
        """Hits among the reads, from 0 to 1.

        If the keys are sampled, it is taken of as many reads as a sample should have: what is missing or too much
        comes from a few keys that are read very often, and those are hits.
        """
        reads = self.expected_reads or self.reads
        return min(max(1 - self.misses / reads, 0.0), 1.0) if reads else 0.0


def run_engine(plan: Plan, configuration: Configuration, rate: float, advance: Callable[[int], None]) -> Outcome:
    """Replay a trace. ``rate`` is the share of the keys that were sampled; the limit is scaled by it."""
    policy = (("maxmemory-policy", configuration.policy), ("maxmemory-samples", str(configuration.samples)))
    server = started((*configuration.server_settings(), *policy), configuration.seed, plan, configuration.fills)
    server.limit(scaled_limit(server.startup_bytes, configuration.maxmemory, rate))
    trace = plan.trace
    player = Player(server, trace.names, trace.databases.tolist(), configuration.fills)
    columns = (trace.times + START_US, trace.operations, trace.keys, plan.sizes, trace.ttls, plan.types, plan.fill_ttls)
    for start in range(0, len(trace), _CHUNK):
        end = min(start + _CHUNK, len(trace))
        player.play([column[start:end].tolist() for column in columns])
        advance(end - start)
    if server.other_errors():
        raise ReplayError(f"{configuration.policy}: commands failed: {', '.join(server.other_errors())}")
    outcome = Outcome(
        configuration,
        reads=player.reads,
        misses=player.misses,
        evicted=server.evicted,
        refused=server.refused,
        over_limit_seconds=server.over_limit_seconds,
        used_memory=server.used_memory,
        keys=int(server.keyspace.size()),
        memory_by_type=player.memory_by_type(),
    )
    server.close()
    return outcome


def started(settings: tuple[tuple[str, str], ...], seed: int, plan: Plan, fills: bool) -> VirtualServer:
    """A server without data that has run each command of a trace.

    A server keeps a histogram of the latencies of each command, 24 KB from its first call on. That is no data, so it
    belongs to what the server takes at its start: a sample of the keys must not shrink it.
    """
    trace = plan.trace
    databases = max(int(trace.databases.max(initial=0)) + 1, _DATABASES)
    server = VirtualServer((*settings, ("databases", str(databases))), seed)
    player = Player(server, [_PROBE], [0], False)
    calls = {tuple(call) for call in np.unique(np.stack([trace.operations, plan.types]), axis=1).T.tolist()}
    if fills:
        calls |= {(WRITE, kind) for _, kind in calls}
    for operation, kind in sorted(calls):
        player.play([[START_US], [operation], [0], [1], [_PROBE_TTL_MS], [kind], [NO_TTL]])
        server.session.db.delete(_PROBE)
    server.note_startup()
    return server


def scaled_limit(startup: int, maxmemory: int, rate: float) -> int:
    """The limit for a sample of keys: what is left for data shrinks as the number of keys does."""
    return maxmemory if rate >= 1 else startup + round(max(maxmemory - startup, 0) * rate)
