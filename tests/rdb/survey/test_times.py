"""Classes of the time that keys have left, and what expires when."""

from __future__ import annotations

import pytest

from pyredmem.rdb.survey.times import CLASSES, DAY_MS, HOUR_MS, ExpireTimes
from tests.rdb.survey.surveys import NOW_MS


@pytest.mark.parametrize(
    ("left_ms", "name"),
    [
        (-1, "expired"),
        (0, "< 1 hour"),
        (HOUR_MS - 1, "< 1 hour"),
        (HOUR_MS, "< 1 day"),
        (DAY_MS, "< 1 week"),
        (7 * DAY_MS, "< 30 days"),
        (30 * DAY_MS, "30 days or more"),
    ],
)
def test_the_class_of_a_time(left_ms: int, name: str) -> None:
    times = ExpireTimes(NOW_MS)
    times.add(NOW_MS + left_ms, 100)
    times.add(None, 7)
    assert [text for text, amount in zip(CLASSES, times.classes, strict=True) if amount.keys] == [name]
    assert (times.never.keys, times.never.size) == (1, 7)


@pytest.mark.parametrize(
    ("left_ms", "span"),
    [
        (HOUR_MS + 1, (HOUR_MS, HOUR_MS)),
        (DAY_MS - 1, (23 * HOUR_MS, HOUR_MS)),
        (DAY_MS, (DAY_MS, DAY_MS)),
        (60 * DAY_MS - 1, (59 * DAY_MS, DAY_MS)),
        (60 * DAY_MS, (60 * DAY_MS, 30 * DAY_MS)),
        (1199 * DAY_MS, (1170 * DAY_MS, 30 * DAY_MS)),
        (1 << 60, (1200 * DAY_MS, 0)),
    ],
)
def test_near_times_are_told_by_hours_and_far_ones_by_days_and_months(left_ms: int, span: tuple[int, int]) -> None:
    times = ExpireTimes(NOW_MS)
    times.add(NOW_MS + left_ms, 100)
    times.add(NOW_MS + left_ms, 20)
    assert [(found, amount.keys, amount.size) for found, amount in times.spans()] == [(span, 2, 120)]


def test_what_has_expired_is_not_told_again() -> None:
    times = ExpireTimes(NOW_MS)
    times.add(NOW_MS - 1, 100)
    assert times.spans() == []


def test_any_times_take_bounded_memory() -> None:
    times = ExpireTimes(NOW_MS)
    for hours in range(40_000):
        times.add(NOW_MS + hours * HOUR_MS, 1)
    spans = [span for span, _ in times.spans()]
    assert len(spans) < 150
    assert spans == sorted(spans)
