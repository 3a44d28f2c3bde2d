"""Counters per second, between two readings."""

from __future__ import annotations

import pytest

from pyredmem.metrics.reading import Reading
from pyredmem.monitor.top.rates import CALLS, MICROSECONDS, Rates


def reading(evicted: int, calls: int, spent_us: int = 0) -> Reading:
    return Reading({"evicted_keys": str(evicted), "cmdstat_get": f"calls={calls},usec={spent_us},usec_per_call=1.00"})


EVICTED = "redis_evicted_keys_total"


def test_a_rate_is_the_growth_over_the_time_that_has_passed() -> None:
    rates = Rates(1.0)
    rates.add(1000.0, reading(10, 100))
    assert rates.of(EVICTED) is None
    rates.add(1002.0, reading(30, 500, 4000))
    assert rates.of(EVICTED) == pytest.approx(10)
    assert rates.of_command("get", CALLS) == pytest.approx(200)
    assert rates.of_command("get", MICROSECONDS) == pytest.approx(2000)
    assert rates.of_command("set", CALLS) is None
    rates.add(1007.5, reading(41, 500, 4000))  # late: only the last two readings count
    assert rates.of(EVICTED) == pytest.approx(2)
    assert rates.of_command("get", CALLS) == 0


def test_a_counter_that_began_anew_has_grown_from_zero() -> None:
    rates = Rates(1.0)
    rates.add(1000.0, reading(1000, 0))
    rates.add(1002.0, reading(6, 0))
    assert rates.of(EVICTED) == pytest.approx(3)


def test_after_a_gap_and_when_it_is_told_to_the_next_reading_is_the_first() -> None:
    rates = Rates(1.0)
    rates.add(1000.0, reading(0, 0))
    rates.add(1100.0, reading(10, 0))
    assert rates.of(EVICTED) is None
    rates.add(1101.0, reading(20, 0))
    assert rates.of(EVICTED) == pytest.approx(10)
    rates.forget()
    rates.add(1102.0, reading(30, 0))
    assert rates.of(EVICTED) is None


def test_a_clock_that_is_set_back_makes_no_rate() -> None:
    rates = Rates(1.0)
    rates.add(1000.0, reading(0, 0))
    rates.add(900.0, reading(10, 0))
    assert rates.of(EVICTED) is None
    rates.add(901.0, reading(15, 0))
    assert rates.of(EVICTED) == pytest.approx(5)
