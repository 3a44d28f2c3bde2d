"""How much the counters of a server grow per second: the difference between its last two readings."""

from __future__ import annotations

from typing import Final

from pyredmem.alerts.history import History, Values
from pyredmem.metrics.reading import Reading, as_number
from pyredmem.metrics.values import values_of

#: The counters of one command, of its line in INFO commandstats.
CALLS: Final = "calls"
MICROSECONDS: Final = "usec"
_COMMAND: Final = "cmdstat_"
#: A gap between two readings that is longer makes the next one the first (seconds, and intervals).
_LONGEST_GAP_S: Final = 30.0
_LONGEST_GAP: Final = 3
#: The window reaches a little further back than the reading before, whatever the last digit of the time is.
_SLACK_S: Final = 1e-6


class Rates:
    """Counters by the names of their metrics, and those of commands."""

    def __init__(self, interval_s: float) -> None:
        self._kept_s = _LONGEST_GAP * interval_s + _LONGEST_GAP_S
        self.forget()

    def forget(self) -> None:
        """Begin anew: the next reading is the first."""
        self._history = History(self._kept_s)
        self._last_s: float | None = None
        self._gap_s = 0.0

    def add(self, unix_s: float, reading: Reading) -> Values:
        """Take a reading; returns its metrics."""
        values = values_of(reading)
        if self._last_s is not None:
            self._gap_s = unix_s - self._last_s + _SLACK_S
        self._last_s = unix_s
        self._history.add(unix_s, {**values, **_of_commands(reading)})
        return values

    def of(self, metric: str) -> float | None:
        """Growth per second; None at the first reading, and if there is no such counter."""
        return self._history.rate(metric, self._gap_s)

    def of_command(self, name: str, counter: str) -> float | None:
        """The same for a counter of a command; None at the first reading after its first call, too."""
        return self._history.rate(f"{_COMMAND}{name}:{counter}", self._gap_s)


def _of_commands(reading: Reading) -> Values:
    found: Values = {}
    for name, parts in reading.rows(_COMMAND):
        for counter in (CALLS, MICROSECONDS):
            number = as_number(parts.get(counter, ""))
            if number is not None:
                found[f"{_COMMAND}{name}:{counter}"] = number
    return found
