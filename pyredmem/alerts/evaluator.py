"""Which alerts are on: they are evaluated at each reading."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from pyredmem.alerts.history import History, Values
from pyredmem.alerts.rules import Alert

FIRING: Final = "firing"
RESOLVED: Final = "resolved"


class Event(NamedTuple):
    """An alert that has begun, or ended."""

    alert: Alert
    state: str
    value: float  # the last one for which the condition held
    unix_s: float


class _State:
    """What is known of an alert whose condition holds."""

    def __init__(self, since_s: float) -> None:
        self.since_s = since_s
        self.value = 0.0
        self.fires = False


class Evaluator:
    """Looks at readings one after another, and tells which alerts begin and end."""

    def __init__(self, alerts: Sequence[Alert]) -> None:
        self._alerts = alerts
        self._history = History(max([alert.condition.longest_window_s for alert in alerts], default=0.0))
        self._holding: dict[str, _State] = {}

    def add(self, unix_s: float, values: Values) -> list[Event]:
        """Take a reading; returns what has begun or ended with it."""
        self._history.add(unix_s, values)
        events = [self._event(alert, unix_s) for alert in self._alerts]
        return [event for event in events if event is not None]

    def _event(self, alert: Alert, unix_s: float) -> Event | None:
        value = alert.condition.value(self._history)
        state = self._holding.get(alert.name)
        if value is None:
            if state is None:
                return None
            del self._holding[alert.name]
            return Event(alert, RESOLVED, state.value, unix_s) if state.fires else None
        if state is None or unix_s < state.since_s:  # or the clock was set back
            state = self._holding[alert.name] = _State(unix_s)
        state.value = value
        if state.fires or unix_s - state.since_s < alert.for_s:
            return None
        state.fires = True
        return Event(alert, FIRING, value, unix_s)

    def holding(self) -> list[tuple[Alert, float]]:
        """The alerts whose condition holds now, with the value, however long it has been holding."""
        found = [(alert, self._holding.get(alert.name)) for alert in self._alerts]
        return [(alert, state.value) for alert, state in found if state is not None]

    def firing(self) -> list[tuple[Alert, float]]:
        """The alerts that are on, with the value."""
        return [(alert, value) for alert, value in self.holding() if self._holding[alert.name].fires]
