"""The eviction benchmark counts and compares hits as its description says."""

from __future__ import annotations

import pytest
from eviction_lanes import BATCH, Policy
from eviction_quality import AGAIN, BAR, Row, batches, exact_ratio, table
from exact_caches import ExactLru
from processes import REDIS


def row(ours: list[float]) -> Row:
    hits = {REDIS: [50.0, 52.0], AGAIN: [50.1, 51.8], "ours": ours}
    return Row("zipf", Policy("allkeys-lru", 5), [51.0, 51.0], hits, {name: [10, 10] for name in hits}, [])


def test_batches_hold_the_trace_in_order() -> None:
    trace = list(range(BATCH * 2 + 3))
    assert [key for batch in batches(trace) for key in batch] == trace


def test_hits_are_counted_after_the_first_quarter() -> None:
    assert exact_ratio(ExactLru(2), [[1, 2], [1, 2], [1, 2], [1, 2]]) == 100


def test_a_key_asked_for_twice_in_a_batch_is_missed_twice() -> None:
    assert exact_ratio(ExactLru(2), [[1], [2, 2], [1, 2], [9, 9]]) == pytest.approx(100 * 2 / 6)


def test_noise_is_the_greatest_difference_of_the_two_servers() -> None:
    assert row([50.0, 52.0]).noise() == pytest.approx(0.2)


def test_the_bar_is_for_the_mean_of_the_rounds() -> None:
    assert row([51.5, 52.1]).worst("ours") == pytest.approx(0.8)


def test_a_difference_above_the_bar_is_marked() -> None:
    assert "ours over the bar" in table([row([50 + BAR * 2, 52 + BAR])], ["ours"])[-1]


def test_a_policy_that_does_not_sample_is_named_without_a_number_of_samples() -> None:
    assert Policy("volatile-random", 5).label == "volatile-random"
