"""Replays in virtual time, compared with a real server that gets the same trace at the same speed.

The replay holds as many keys as the server; its entries have the sizes of the allocator that the server was built with.
The server is read in small batches, and misses are written before the next batch.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import pytest

from pyredmem import lab
from pyredmem.config.profiles import REDIS_7_2
from pyredmem.lab.replays import Job, prepared
from pyredmem.lab.trace import Trace
from tests.support.servers import redis_server_command, running
from tests.support.wire import Bulk, Integer, Null, Wire

BATCH = 20
PER_SECOND = 4_000
OPERATIONS = 40_000
VALUE = 200
MINUTE_S = 60
SLACK_S = 5  # a busy machine is this much slower than the trace
DATA = 1_000_000  # bytes for keys, values and tables
POLICIES = ("allkeys-lru", "allkeys-lfu")
#: The entries of the redis-server of Debian take 32 bytes, as its jemalloc has no smaller class that fits.
PROFILE = (("redis-version", REDIS_7_2.name), ("mem-allocator", "jemalloc-lg4"))
ADDRESS_SPACE = 2 << 30

PARTS: dict[str, list[dict[str, Any]]] = {
    "zipf": [{"kind": "zipf", "keys": 15_000, "skew": 0.9}],
    "hot set that moves": [{"kind": "hot", "keys": 15_000, "hot": 0.1, "hot_reads": 0.9, "moves": 4}],
    "zipf with scans": [
        {"kind": "zipf", "keys": 15_000, "skew": 0.9},
        {"kind": "scan", "keys": 30_000, "first": 20_000, "run": 500, "weight": 0.3},
    ],
}


class Lane:
    """A real server under a policy, and its misses."""

    def __init__(self, wire: Wire, policy: str) -> None:
        self._wire = wire
        self.policy = policy
        self.misses = 0
        self.startup = 0

    def limit(self) -> None:
        """Run the commands of the trace once, then leave room for the data."""
        for command in (("SET", "probe", "v"), ("GET", "probe"), ("DEL", "probe")):
            self._wire.do(*command)
        self.startup = self._figure("memory", b"used_memory")
        self._wire.do("CONFIG", "SET", "maxmemory", str(self.startup + DATA), "maxmemory-policy", self.policy)

    def _figure(self, section: str, name: bytes) -> int:
        reply = self._wire.do("INFO", section)
        assert isinstance(reply, Bulk)
        [line] = [line for line in reply.data.split(b"\r\n") if line.startswith(name + b":")]
        return int(line.partition(b":")[2])

    def read(self, names: list[bytes]) -> None:
        """Read the keys of a batch, and write those that are missing."""
        replies = self._wire.pipeline([("GET", name) for name in names])
        missing = [name for name, reply in zip(names, replies, strict=True) if isinstance(reply, Null)]
        self.misses += len(missing)
        if missing:
            self._wire.pipeline([("SET", name, b"v" * VALUE) for name in dict.fromkeys(missing)])

    def keys(self) -> int:
        """How many keys it holds."""
        reply = self._wire.do("DBSIZE")
        assert isinstance(reply, Integer)
        return reply.value


@contextlib.contextmanager
def lanes() -> Iterator[list[Lane]]:
    """A server for each policy."""
    command = ["prlimit", f"--as={ADDRESS_SPACE}", *redis_server_command()]
    with contextlib.ExitStack() as stack:
        found = []
        for policy in POLICIES:
            server = stack.enter_context(running("redis-server", command))
            found.append(Lane(stack.enter_context(server.connect()), policy))
            found[-1].limit()
        yield found


def drive(opened: list[Lane], trace: Trace) -> None:
    """Give all servers the trace at its own speed: ages and frequencies depend on the time."""
    names = [trace.names[key] for key in trace.keys.tolist()]
    left_in_minute = MINUTE_S - time.time() % MINUTE_S
    if left_in_minute < len(names) / PER_SECOND + SLACK_S:
        time.sleep(left_in_minute)  # LFU counters fall at each full minute of the clock; there is none in the replay
    started = time.monotonic()
    for start in range(0, len(names), BATCH):
        ahead = started + start / PER_SECOND - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)  # the trace says when the next operations come
        for lane in opened:
            lane.read(names[start : start + BATCH])


@pytest.mark.slow
@pytest.mark.needs_redis
@pytest.mark.timeout(0)
@pytest.mark.parametrize("name", PARTS)
def test_replayed_hit_ratios_are_those_of_a_real_server(name: str) -> None:
    trace = lab.make(operations=OPERATIONS, per_second=PER_SECOND, values=[VALUE, VALUE], part=PARTS[name])
    with lanes() as opened:
        drive(opened, trace)
        job = prepared(trace, 1.0, True, PROFILE)
        for lane in opened:
            limit = limit_for(lane.keys(), job)
            results = lab.replay(trace, lane.policy, [limit], fill_misses=True, settings=PROFILE, jobs=1)
            outcome = results.outcomes[0]
            real = 1 - lane.misses / len(trace)
            print(f"{name}, {lane.policy}: replayed {outcome.hit_ratio:.2%}, redis-server {real:.2%}")
            assert outcome.evicted > 1000
            assert outcome.keys == pytest.approx(lane.keys(), rel=0.02)
            assert outcome.hit_ratio == pytest.approx(real, abs=0.01), (name, lane.policy)


def limit_for(keys: int, job: Job) -> int:
    """The limit with which a replay holds ``keys`` keys.

    The buffers of the client, which a replay has not, leave the real server less room: the size of a few hundred keys.
    """
    table = 8 << (keys - 1).bit_length()
    return job.startup + keys * int(job.charges[0]) + table
