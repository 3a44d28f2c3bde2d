"""How much effort an amount of waste is worth, and how that effort is split into slices."""

from __future__ import annotations

import pytest

from pyredmem.base.clock import ManualClock
from pyredmem.config.settings import Settings
from pyredmem.engine.defrag_pace import LONGEST_SLICE_US, SLICE_US, TURN_US, DefragSettings, Pace, Paces

MB = 1024 * 1024


def defrag_settings(**changed: str) -> DefragSettings:
    return DefragSettings(Settings([(name.replace("_", "-"), value) for name, value in changed.items()]))


def test_little_waste_is_left_alone_whatever_its_share() -> None:
    assert not defrag_settings().is_needed(100 * MB, 10 * MB)


def test_a_small_share_is_left_alone_however_many_bytes_it_is() -> None:
    assert not defrag_settings().is_needed(2190 * MB, 2000 * MB)


def test_much_waste_of_a_large_share_is_not_left_alone() -> None:
    assert defrag_settings().is_needed(2210 * MB, 2000 * MB)


@pytest.mark.parametrize(
    ("taken", "effort"), [(105, 1), (110, 1), (114, 2), (150, 11), (199, 24), (200, 25), (1000, 25)]
)
def test_the_effort_rises_from_the_lower_threshold_to_the_upper(taken: int, effort: int) -> None:
    """Truncated to whole percent: 40 percent above a lower threshold of 10 are 1 + 40 * 24 / 90 = 11.67."""
    assert defrag_settings().effort(taken * MB, 100 * MB) == effort


def test_equal_thresholds_ask_for_all_or_nothing() -> None:
    chosen = defrag_settings(active_defrag_threshold_upper="10")
    assert (chosen.effort(109 * MB, 100 * MB), chosen.effort(111 * MB, 100 * MB)) == (1, 25)


class Bench:
    """Something that works in slices, and its clock."""

    def __init__(self, percent: int) -> None:
        self.clock = ManualClock()
        self.paces = Paces(self.clock)
        self.pace = self.create(percent)

    def create(self, percent: int) -> Pace:
        pace = self.paces.create()
        pace.percent = percent
        return pace

    def slice(self) -> int:
        """Work until the slice ends; returns the pause that follows it."""
        self.pace.begin()
        self.clock.advance_us(1)
        while not self.pace.spend(0):
            self.clock.advance_us(1)
        return int(self.pace.end())


def test_a_slice_is_short() -> None:
    bench = Bench(25)
    bench.slice()
    assert bench.pace.used_us == SLICE_US


@pytest.mark.parametrize(("percent", "pause_us"), [(1, 6950), (25, 230), (50, 90), (100, 20)])
def test_the_pause_leaves_the_work_its_share(percent: int, pause_us: int) -> None:
    assert Bench(percent).slice() == pytest.approx(pause_us, abs=100 // percent)


@pytest.mark.parametrize("percent", [10, 25, 50])
def test_the_share_is_kept_although_each_slice_comes_a_little_late(percent: int) -> None:
    bench = Bench(percent)
    began_us = bench.clock.now_us()
    worked_us = 0
    for _ in range(1000):
        pause_us = bench.slice()
        worked_us += int(bench.pace.used_us) + TURN_US
        assert bench.pace.used_us == SLICE_US
        bench.clock.advance_us(pause_us + 30)
    assert 100 * worked_us / (bench.clock.now_us() - began_us) == pytest.approx(percent, rel=0.05)


def test_slices_are_longer_if_commands_take_long_anyway() -> None:
    bench = Bench(50)
    pause_us = bench.slice()
    bench.clock.advance_us(pause_us + 1600)
    bench.slice()
    assert bench.pace.used_us == 400


def test_no_slice_is_very_long() -> None:
    bench = Bench(50)
    bench.slice()
    bench.clock.advance_us(40_000)
    bench.slice()
    assert bench.pace.used_us == LONGEST_SLICE_US


def test_work_that_only_the_timer_calls_takes_its_share_of_the_tick() -> None:
    bench = Bench(25)
    bench.slice()
    bench.clock.advance_us(100_000)
    bench.slice()
    assert bench.pace.used_us == 25_000


def test_two_kinds_of_work_at_the_same_time_share_the_effort() -> None:
    """Each gets a fifth of the time instead of two fifths: 50 us of work and 20 us to get there and back, every 350."""
    bench = Bench(40)
    bench.create(40)
    assert bench.slice() == 300


def test_work_that_is_at_rest_takes_no_share() -> None:
    bench = Bench(40)
    other = bench.create(40)
    other.rest()
    assert bench.slice() == 125


def test_a_slice_ends_even_if_the_clock_stands_still() -> None:
    bench = Bench(25)
    bench.pace.begin()
    assert [bench.pace.spend(SLICE_US - 1), bench.pace.spend(1)] == [False, True]


def test_a_slice_ends_when_the_clock_is_set_back() -> None:
    bench = Bench(25)
    bench.pace.begin()
    bench.clock.advance_us(-5)
    assert bench.pace.spend(1)
