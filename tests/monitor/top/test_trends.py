"""Values over time, and their lines of blocks."""

from __future__ import annotations

from pyredmem.monitor.top.trends import Trends, sparkline


def test_the_largest_value_is_the_highest_block() -> None:
    assert sparkline([0, 1, 2, 4, 7, 8], 6) == "▁▂▃▅██"
    assert sparkline([0, 1, 2, 4, 7, 8], 3) == "▅██"


def test_values_stand_at_the_right_and_none_is_a_gap() -> None:
    assert sparkline([1, None, 2], 5) == "  ▅ █"
    assert sparkline([], 3) == "   "
    assert sparkline([1, 2], 0) == ""


def test_small_changes_of_a_large_figure_are_seen_if_the_line_begins_at_the_smallest() -> None:
    assert sparkline([1000, 1001, 1002], 3) == "███"
    assert sparkline([1000, 1001, 1002], 3, from_zero=False) == "▁▅█"
    assert sparkline([5, 5, 5], 3, from_zero=False) == "▁▁▁"
    assert sparkline([0, 0], 2) == "▁▁"


def test_a_name_that_comes_later_has_gaps_before() -> None:
    trends = Trends()
    trends.add({"a": 1.0})
    trends.add({"a": 2.0, "b": 5.0})
    trends.add({})
    assert trends.of("a") == (1.0, 2.0, None)
    assert trends.of("b") == (None, 5.0, None)
    assert trends.of("c") == ()


def test_old_values_and_names_that_are_gone_are_forgotten() -> None:
    trends = Trends()
    trends.add({"gone": 1.0})
    for number in range(1000):
        trends.add({"a": float(number)})
    assert trends.of("gone") == ()
    assert len(trends.of("a")) == 300
    assert trends.of("a")[-1] == 999.0
