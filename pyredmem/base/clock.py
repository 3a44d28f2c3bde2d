"""The one source of time. It is passed in, so that a test can control it.

Times are unix times in microseconds. Durations are differences between them. A wall clock that is set back gives a
negative difference, which the users of durations replace by zero.
"""

from __future__ import annotations

from librt.time import time
from mypy_extensions import i64, mypyc_attr


@mypyc_attr(allow_interpreted_subclasses=True)
class Clock:
    """Tells the time; the base class of the system's clock and of the clocks of tests."""

    def now_us(self) -> i64:
        """Unix time in microseconds."""
        raise NotImplementedError

    def seconds_until(self, time_us: i64) -> float:
        """In how many real seconds the clock will show this time: 0 if it has, -1 if never without help."""
        left_us = time_us - self.now_us()
        return float(left_us) / 1e6 if left_us > 0 else 0.0


class SystemClock(Clock):
    """The operating system's clock."""

    def now_us(self) -> i64:
        """Unix time in microseconds."""
        return int(time() * 1e6)


@mypyc_attr(allow_interpreted_subclasses=True)
class ManualClock(Clock):
    """A clock that stands still until it is advanced; ``start_us`` is a unix time in microseconds."""

    def __init__(self, start_us: i64 = 1_700_000_000_000_000) -> None:
        self._now_us: i64 = start_us

    def now_us(self) -> i64:
        """Unix time in microseconds."""
        return self._now_us

    def advance_ms(self, milliseconds: i64) -> None:
        self._now_us += milliseconds * 1000

    def advance_us(self, microseconds: i64) -> None:
        self._now_us += microseconds
