"""Which keys expire when."""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
#: What is longer is told by months of this many days.
MONTH_DAYS: Final = 30

NEVER: Final = "no expire time"
#: The classes of the time that a key has left, with the end of each.
CLASSES: Final = ("expired", "< 1 hour", "< 1 day", "< 1 week", "< 30 days", "30 days or more")
_ENDS_MS: Final = (0, HOUR_MS, DAY_MS, 7 * DAY_MS, MONTH_DAYS * DAY_MS)

# How far ahead times are told by hours, by days and by months.
_BY_HOUR_MS: Final = DAY_MS
_BY_DAY_MS: Final = 60 * DAY_MS
_BY_MONTH_MS: Final = 1200 * DAY_MS

#: A span of time: when it begins, in milliseconds from now, and how long it is. The last one has no end, so that is 0.
Span = tuple[int, int]


class Amount:
    """Some keys, and what they take."""

    def __init__(self) -> None:
        self.keys = 0
        self.size = 0  # bytes

    def add(self, size: int) -> None:
        """Count a key of that many bytes."""
        self.keys += 1
        self.size += size


class ExpireTimes:
    """Adds up keys by the time that is left at ``now_ms`` (unix milliseconds)."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms
        self.never = Amount()
        self.classes = [Amount() for _ in CLASSES]
        self._spans: dict[Span, Amount] = {}

    def add(self, expire_ms: int | None, size: int) -> None:
        """Count a key that takes ``size`` bytes."""
        if expire_ms is None:
            self.never.add(size)
            return
        left_ms = expire_ms - self.now_ms
        self.classes[bisect_right(_ENDS_MS, left_ms)].add(size)
        if left_ms < 0:
            return
        span = _span(left_ms)
        found = self._spans.get(span)
        if found is None:
            found = self._spans[span] = Amount()
        found.add(size)

    def spans(self) -> list[tuple[Span, Amount]]:
        """What expires when, the next first; no span without keys."""
        return sorted(self._spans.items(), key=lambda item: item[0])


def _span(left_ms: int) -> Span:
    if left_ms < _BY_HOUR_MS:
        return left_ms // HOUR_MS * HOUR_MS, HOUR_MS
    if left_ms < _BY_DAY_MS:
        return left_ms // DAY_MS * DAY_MS, DAY_MS
    month_ms = MONTH_DAYS * DAY_MS
    if left_ms < _BY_MONTH_MS:
        return left_ms // month_ms * month_ms, month_ms
    return _BY_MONTH_MS, 0
