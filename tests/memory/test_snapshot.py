"""The sample, and its ratios in 32-bit floats."""

from __future__ import annotations

import pytest

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.snapshot import AllocatorSample, float32, ratio, take_sample

SAMPLE = AllocatorSample(used_memory=904504, allocated=1171616, active=1290240, resident=3952640, process_rss=6200000)


def test_ratios_follow_from_the_sample() -> None:
    assert f"{SAMPLE.fragmentation_ratio():.2f}" == "1.10"
    assert f"{SAMPLE.allocator_rss_ratio():.2f}" == "3.06"
    assert f"{SAMPLE.rss_overhead_ratio():.2f}" == "1.57"
    assert f"{SAMPLE.total_fragmentation_ratio():.2f}" == "6.85"


def test_differences_follow_from_the_sample() -> None:
    assert SAMPLE.fragmentation_bytes() == 118624
    assert SAMPLE.allocator_rss_bytes() == 2662400
    assert SAMPLE.rss_overhead_bytes() == 2247360
    assert SAMPLE.total_fragmentation_bytes() == 5295496


def test_ratios_are_32_bit_floats() -> None:
    assert ratio(10, 3) == 3.3333332538604736
    assert float32(0.1) == 0.10000000149011612


def test_a_ratio_to_zero_is_zero() -> None:
    assert ratio(5, 0) == 0.0


def test_jemalloc_reports_its_own_statistics() -> None:
    allocator = Allocator()
    allocator.begin()
    sample = take_sample(allocator, 10_000_000)
    assert (sample.allocated, sample.active, sample.resident) == (
        allocator.allocated(),
        allocator.active(),
        allocator.resident(),
    )
    assert (sample.used_memory, sample.process_rss) == (865960, 10_000_000)


@pytest.mark.parametrize("profile", ["libc", "tcmalloc"])
def test_without_statistics_the_figures_of_the_process_are_used(profile: str) -> None:
    allocator = Allocator(profile)
    allocator.begin()
    sample = take_sample(allocator, 5_000_000)
    assert sample.allocated == sample.used_memory == allocator.used_memory
    assert sample.active == sample.resident == 5_000_000
    assert sample.allocator_rss_ratio() == 1.0
