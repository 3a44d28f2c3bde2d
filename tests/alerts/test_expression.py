"""The language of conditions."""

from __future__ import annotations

import math

import pytest

from pyredmem.alerts.expression import Expression, ExpressionError
from pyredmem.alerts.history import History


def history(*readings: tuple[float, dict[str, float]]) -> History:
    made = History(1000)
    for at, values in readings:
        made.add(at, values)
    return made


NOW = history(
    (100, {"a": 6.0, "b": 4.0, "zero": 0.0, "counter": 10.0}), (110, {"a": 9.0, "b": 4.0, "zero": 0.0, "counter": 40.0})
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a", 9),
        ("7", 7),
        ("a + b * 2", 17),
        ("(a + b) * 2", 26),
        ("a / b - 1", 1.25),
        ("a > b", 9),
        ("a < b", None),
        ("a >= 9", 9),
        ("b <= 3.5", None),
        ("a > b and b > 3", 9),
        ("a > b and b > 30", None),
        ("rate(counter, 60)", 3),
        ("rate(counter, 60) > 2 and a > 1", 3),
        ("delta(a, 60)", 3),
        ("age(b)", 106),
        ("missing", None),
        ("missing + 1", None),
        ("a > missing", None),
        ("rate(missing, 60)", None),
        ("a / zero > 1", math.inf),
        ("zero / zero > 1", None),
        ("zero / zero < 1", None),
    ],
)
def test_what_an_expression_comes_to(text: str, value: float | None) -> None:
    assert Expression(text).value(NOW) == value


@pytest.mark.parametrize(
    ("text", "promql"),
    [
        ("rate(a, 60) > 100", "rate(a[60s]) > 100"),
        ("a / b > 0.9 and b > 0", "((a / b) > 0.9) and (b > 0)"),
        ("age(a) < 60", "(time() - a) < 60"),
        ("a - (b - 1)", "a - (b - 1)"),
        ("0.5 * delta(a, 30)", "0.5 * delta(a[30s])"),
    ],
)
def test_the_same_for_prometheus(text: str, promql: str) -> None:
    assert Expression(text).promql() == promql


@pytest.mark.parametrize(
    "text",
    [
        "a >",
        "a == b",
        "a or b",
        "not a",
        "-a",
        "a < b < 3",
        "a ** 2",
        "'a'",
        "True",
        "a.b",
        "a[0]",
        "f(a)",
        "rate(a)",
        "rate(a, 0)",
        "rate(a, b)",
        "rate(1, 60)",
        "rate(a, 60, 7)",
        "rate(a, window=60)",
        "age(a, 60)",
        "a.rate(b, 60)",
        "__import__('os')",
    ],
)
def test_what_has_no_meaning_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        Expression(text)


def test_the_metrics_and_the_longest_window_are_known() -> None:
    expression = Expression("rate(a, 60) / rate(b, 300) > 1 and a > 2")
    assert expression.metrics() == ["a", "b"]
    assert expression.longest_window_s == 300


def test_a_rate_needs_two_readings_in_the_window() -> None:
    assert Expression("rate(a, 5)").value(NOW) is None
    assert Expression("rate(a, 10)").value(NOW) == pytest.approx(0.3)


def test_a_counter_that_is_smaller_has_begun_anew() -> None:
    found = history((0, {"c": 100.0}), (10, {"c": 130.0}), (20, {"c": 5.0}), (30, {"c": 15.0}))
    assert Expression("rate(c, 60)").value(found) == pytest.approx((30 + 5 + 10) / 30)


def test_old_readings_are_forgotten() -> None:
    found = History(10)
    for at in range(100):
        found.add(float(at), {"c": float(at)})
    assert len(found._readings) == 11
    assert found.rate("c", 1000) == 1


def test_a_clock_that_was_set_back_begins_the_history_anew() -> None:
    found = history((100, {"c": 5.0}), (50, {"c": 6.0}))
    assert found.rate("c", 1000) is None
    assert found.last("c") == 6
