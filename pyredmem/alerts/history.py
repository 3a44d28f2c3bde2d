"""The metrics of the last minutes, from which alerts are evaluated."""

from __future__ import annotations

from collections import deque
from itertools import pairwise

Values = dict[str, float]


class History:
    """Readings in the order of time; those before ``kept_s`` seconds ago are forgotten."""

    def __init__(self, kept_s: float) -> None:
        self._kept_s = kept_s
        self._readings: deque[tuple[float, Values]] = deque()

    def add(self, unix_s: float, values: Values) -> None:
        """Add a reading. If the clock was set back, the history begins anew."""
        readings = self._readings
        if readings and unix_s <= readings[-1][0]:
            readings.clear()
        readings.append((unix_s, values))
        while readings[0][0] < unix_s - self._kept_s:
            readings.popleft()

    def now_s(self) -> float:
        """The time of the last reading, in Unix time."""
        return self._readings[-1][0]

    def last(self, metric: str) -> float | None:
        """The last value of a metric; None if it does not exist."""
        return self._readings[-1][1].get(metric) if self._readings else None

    def rate(self, metric: str, window_s: float) -> float | None:
        """How much a counter grew per second. A counter that is smaller than before has begun anew at zero."""
        found = self._within(metric, window_s)
        if len(found) < 2:
            return None
        grown = sum([after - before if after >= before else after for (_, before), (_, after) in pairwise(found)])
        return grown / (found[-1][0] - found[0][0])

    def delta(self, metric: str, window_s: float) -> float | None:
        """How much a gauge grew."""
        found = self._within(metric, window_s)
        return found[-1][1] - found[0][1] if len(found) > 1 else None

    def _within(self, metric: str, window_s: float) -> list[tuple[float, float]]:
        """The times and values in the window."""
        if not self._readings:
            return []
        begin_s = self.now_s() - window_s
        return [(at, values[metric]) for at, values in self._readings if at >= begin_s and metric in values]
