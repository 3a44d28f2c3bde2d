"""Each of the usual alerts begins when its condition is brought about, and none on a healthy server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pyredmem.alerts.evaluator import Evaluator
from pyredmem.alerts.rules import default_alerts
from pyredmem.metrics.engine_reading import reading_of
from pyredmem.metrics.values import values_of
from tests.support.hosted import Hosted, SlowEvents
from tests.support.wire import request


class Watched:
    """An engine that is read every ten seconds of its own time, and the names of the alerts that have begun."""

    def __init__(self, **settings: Any) -> None:
        self.world = Hosted(**settings)
        self._evaluator = Evaluator(default_alerts())
        self.begun: list[str] = []

    def look(self) -> None:
        now_s = int(self.world.clock.now_us()) / 1e6
        events = self._evaluator.add(now_s, values_of(reading_of(self.world.engine)))
        self.begun += [event.alert.name for event in events if event.state == "firing"]

    def passes(self, seconds: int, work: Callable[[], object] = lambda: None) -> None:
        """Let time pass; ``work`` is done every ten seconds."""
        for _ in range(seconds // 10):
            work()
            self.world.advance(10_000)
            self.look()


@pytest.fixture
def watched() -> Watched:
    made = Watched()
    made.look()
    return made


def test_none_begins_on_a_healthy_server(watched: Watched) -> None:
    world = watched.world
    world.do("CONFIG", "SET", "maxmemory", "100mb")

    def work() -> None:
        for number in range(20):
            world.do("SET", f"key:{number}", "value", "EX", 15)
            world.do("GET", f"key:{number}")
            world.do("RPUSH", "list", number)
        world.do("UNLINK", "list")

    watched.passes(1200, work)
    assert watched.begun == []


def test_memory_that_is_nearly_full(watched: Watched) -> None:
    watched.world.do("SET", "key", "x" * 1_000_000)
    watched.passes(20)  # until the query buffer has shrunk
    used = int(watched.world.engine.allocator.used_memory)
    watched.world.do("CONFIG", "SET", "maxmemory", int(used / 0.95))
    watched.passes(60)
    assert watched.begun == ["MemoryNearlyFull"]


def test_keys_that_are_evicted() -> None:
    watched = Watched(maxmemory="1100kb", maxmemory_policy="allkeys-random")
    numbers = iter(range(10**6))

    def work() -> None:
        for _ in range(1500):
            watched.world.do("SET", f"key:{next(numbers)}", "x" * 100)

    watched.passes(180, work)
    assert "KeysEvicted" in watched.begun


def test_a_hit_ratio_that_falls(watched: Watched) -> None:
    world = watched.world
    world.do("SET", "key", "value")
    watched.passes(3600, lambda: [world.do("GET", "key") for _ in range(5)])
    assert watched.begun == []
    watched.passes(400, lambda: [world.do("GET", "none") for _ in range(150)])
    assert watched.begun == ["HitRatioFalling"]


def test_lazy_free_that_falls_behind(watched: Watched) -> None:
    world = watched.world
    for _ in range(13):
        for number in range(1000):
            world.do("SET", f"key:{number}", "x")
        world.do("FLUSHALL", "ASYNC")
        world.clock.advance_us(10_000_000)  # and nothing is freed meanwhile
        watched.look()
    for _ in range(10):
        world.do("SET", "key", "x")
        world.do("FLUSHALL", "ASYNC")
        world.clock.advance_us(10_000_000)
        watched.look()
    assert watched.begun == ["LazyFreeBehind"]


def test_connections_that_are_rejected(watched: Watched) -> None:
    watched.world.do("CONFIG", "SET", "maxclients", 1)
    watched.passes(60, watched.world.client)
    assert watched.begun == ["ConnectionsRejected"]


def test_a_latency_spike(watched: Watched) -> None:
    world = watched.world
    watched.passes(120)
    world.do("CONFIG", "SET", "latency-monitor-threshold", 100)
    world.engine.slow_commands.monitor.observe(b"fork", 250, int(world.clock.now_us()) // 1_000_000)
    watched.passes(30)
    assert watched.begun == ["LatencySpike"]


def test_clients_that_do_not_read() -> None:
    watched = Watched(client_output_buffer_limit="pubsub 300000 0 0")
    watched.look()
    subscriber = watched.world.client()
    subscriber.receive(request("SUBSCRIBE", "c"))
    watched.passes(60, lambda: watched.world.do("PUBLISH", "c", "x" * 100_000))
    assert watched.begun == ["ClientsOverTheirBuffers"]


def test_a_fragmented_heap(watched: Watched) -> None:
    world = watched.world
    world.do("DEBUG", "POPULATE", 15000, "key", 14000)  # two of them lie in each slab
    for number in range(0, 15000, 2):
        world.do("DEL", f"key:{number}")
    watched.passes(100)
    assert watched.begun == ["MemoryFragmented"]


def test_expiry_that_falls_behind(watched: Watched) -> None:
    world = watched.world
    for number in range(30_000):
        world.do("SET", f"key:{number}", "value", "PX", 50)
    world.engine.keyspace.changes.set_listener(SlowEvents(world, 250), True)
    watched.passes(120)
    assert watched.begun == ["ExpiryBehind"]


def test_a_process_that_is_larger_than_its_heap(watched: Watched) -> None:
    watched.world.host.rss = 300 << 20
    watched.passes(290)
    assert watched.begun == []
    watched.passes(30)
    assert watched.begun == ["ProcessLargerThanHeap"]


def test_each_of_the_usual_alerts_has_a_test_in_which_it_begins() -> None:
    source = Path(__file__).read_text("utf-8")
    assert [alert.name for alert in default_alerts() if f'"{alert.name}"' not in source] == []
