from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import cast

from pyredmem.server.ticker import Ticker


class FakeHandle:
    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class FakeLoop:
    """A loop whose time the test moves, with the one call that it will make."""

    def __init__(self) -> None:
        self.now = 100.0
        self.due = 0.0
        self.callback: Callable[[], None] = lambda: None
        self.handle = FakeHandle()

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> FakeHandle:
        self.due, self.callback, self.handle = when, callback, FakeHandle()
        return self.handle

    def fire(self, late: float = 0.0) -> None:
        self.now = self.due + late
        self.callback()


class Bench:
    def __init__(self) -> None:
        self.loop = FakeLoop()
        self.ticks: list[float] = []
        self.interval_ms = 100
        loop = cast(asyncio.AbstractEventLoop, self.loop)
        self.ticker = Ticker(loop, lambda: self.ticks.append(self.loop.now), lambda: self.interval_ms)
        self.ticker.start()


def test_the_first_tick_comes_one_interval_after_the_start() -> None:
    bench = Bench()
    assert bench.ticks == []
    assert round(bench.loop.due, 6) == 100.1


def test_ticks_keep_their_rate_even_if_each_comes_a_little_late() -> None:
    bench = Bench()
    for _ in range(10):
        bench.loop.fire(late=0.03)
    assert round(bench.loop.due, 6) == 101.1


def test_ticks_that_were_missed_while_the_process_was_delayed_are_dropped() -> None:
    bench = Bench()
    bench.loop.fire(late=60.0)
    assert round(bench.loop.due - bench.loop.now, 6) == 0.0
    bench.loop.fire()
    assert round(bench.loop.due - bench.loop.now, 6) == 0.1


def test_a_new_rate_takes_effect_with_the_next_wait() -> None:
    bench = Bench()
    bench.interval_ms = 10
    bench.loop.fire()
    assert round(bench.loop.due - bench.loop.now, 6) == 0.01


def test_a_tick_that_fails_does_not_stop_later_ticks() -> None:
    bench = Bench()

    def fail() -> None:
        raise AssertionError("fault")

    loop = cast(asyncio.AbstractEventLoop, bench.loop)
    Ticker(loop, fail, lambda: 100).start()
    before = bench.loop.due
    with contextlib.suppress(AssertionError):
        bench.loop.fire()
    assert bench.loop.due > before


def test_stop_cancels_the_next_tick() -> None:
    bench = Bench()
    bench.ticker.stop()
    assert bench.loop.handle.cancelled
