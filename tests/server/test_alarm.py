"""The alarm, in a real event loop."""

from __future__ import annotations

import asyncio
import time

import pytest

from pyredmem.host.loops import new_event_loop
from pyredmem.server.alarm import Alarm
from pyredmem.server.loops import loop_choice

LOOPS = ["asyncio", loop_choice()]


def rings(delays_us: list[int], loop_name: str, close: bool = False) -> list[float]:
    """The times in seconds at which the alarm rings after it was set with each delay in turn, or closed after that."""
    loop = new_event_loop(loop_name)
    heard: list[float] = []

    async def listen() -> None:
        start = time.perf_counter()
        alarm = Alarm(loop, lambda: heard.append(time.perf_counter() - start))
        for delay_us in delays_us:
            alarm.set(delay_us)
        if close:
            alarm.close()
        await asyncio.sleep(0.05)
        if not close:
            alarm.close()

    try:
        loop.run_until_complete(listen())
    finally:
        loop.close()
    return heard


@pytest.mark.parametrize("loop_name", LOOPS)
def test_it_rings_once_and_not_too_early(loop_name: str) -> None:
    heard = rings([700], loop_name)
    assert len(heard) == 1
    assert heard[0] >= 0.0007


@pytest.mark.parametrize("loop_name", LOOPS)
def test_without_a_delay_it_rings_in_the_next_turn_of_the_loop(loop_name: str) -> None:
    assert len(rings([0], loop_name)) == 1


def test_it_rings_only_for_the_last_time_that_was_set() -> None:
    assert len(rings([60_000_000, 900, 500], "asyncio")) == 1


def test_it_does_not_ring_after_it_was_closed() -> None:
    assert rings([500], "asyncio", close=True) == []
    assert rings([0], "asyncio", close=True) == []


def test_without_timer_files_it_uses_the_timer_of_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyredmem.server.alarm.sys.platform", "elsewhere")
    heard = rings([2000], "asyncio")
    assert len(heard) == 1
