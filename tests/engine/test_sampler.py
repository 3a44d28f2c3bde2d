"""Rates per second: the means of the last samples."""

from __future__ import annotations

from pyredmem.engine.sampler import SAMPLES, Rate


def test_a_rate_is_growth_per_second() -> None:
    rate = Rate()
    for number in range(SAMPLES + 1):
        rate.sample(5 * number, 100 * number, 1000)
    assert rate.mean() == 50


def test_the_mean_covers_the_whole_ring() -> None:
    rate = Rate()
    rate.sample(0, 0, 1000)
    rate.sample(160, 100, 1000)
    assert rate.mean() == 1600 // SAMPLES


def test_a_counter_that_was_reset_counts_as_no_growth() -> None:
    rate = Rate()
    rate.sample(1000, 100, 1000)
    rate.sample(0, 200, 1000)
    assert rate.mean() == 1000 * 1000 // 100 // SAMPLES


def test_samples_are_zero_if_no_time_has_passed_between_them() -> None:
    rate = Rate()
    rate.sample(0, 100, 1000)
    rate.sample(10, 100, 1000)
    assert rate.mean() == 0
