"""When alerts begin and end."""

from __future__ import annotations

from pyredmem.alerts.evaluator import FIRING, RESOLVED, Evaluator
from pyredmem.alerts.rules import Alert, parsed_alerts


def alerts(condition: str, for_s: float = 0) -> list[Alert]:
    return parsed_alerts(
        f'[[alert]]\nname = "A"\nif = "{condition}"\nfor = {for_s}\n'
        'measured = "{value}"\nmeaning = "m"\nadvice = "a"\n'
    )


def states(evaluator: Evaluator, *readings: tuple[float, float]) -> list[list[tuple[str, float]]]:
    found = [evaluator.add(at, {"x": value}) for at, value in readings]
    return [[(event.state, event.value) for event in events] for events in found]


def test_an_alert_begins_once_and_ends_once() -> None:
    evaluator = Evaluator(alerts("x > 5"))
    assert states(evaluator, (1, 4), (2, 6), (3, 7), (4, 5), (5, 5), (6, 9)) == [
        *([], [(FIRING, 6)], [], [(RESOLVED, 7)], [], [(FIRING, 9)]),
    ]
    assert [value for _, value in evaluator.firing()] == [9]


def test_a_condition_has_to_hold_for_a_while() -> None:
    evaluator = Evaluator(alerts("x > 5", 10))
    assert states(evaluator, (0, 6), (9, 6), (9.5, 1), (10, 6), (19, 7), (20, 8), (21, 1)) == [
        *([], [], [], [], [], [(FIRING, 8)], [(RESOLVED, 8)]),
    ]


def test_what_holds_is_told_before_it_fires() -> None:
    evaluator = Evaluator(alerts("x > 5", 10))
    states(evaluator, (0, 6))
    assert [value for _, value in evaluator.holding()] == [6]
    assert evaluator.firing() == []


def test_a_clock_that_was_set_back_begins_the_wait_anew() -> None:
    evaluator = Evaluator(alerts("x > 5", 10))
    assert states(evaluator, (1000, 6), (5, 6), (14, 6), (15, 6)) == [[], [], [], [(FIRING, 6)]]


def test_a_rate_is_seen_across_readings() -> None:
    evaluator = Evaluator(alerts("rate(x, 60) > 100"))
    assert states(evaluator, (0, 0), (10, 500), (20, 5000)) == [[], [], [(FIRING, 250)]]
