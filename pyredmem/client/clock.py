"""The clock of a server inside the process: it shows the real time, stands still, or runs at another speed."""

from __future__ import annotations

import time as python_time
from collections.abc import Callable

from librt.time import time
from mypy_extensions import i64

from pyredmem.base.clock import Clock


class ControlledClock(Clock):
    """Shows the time that it is told to, and the operating system's time until then."""

    def __init__(self) -> None:
        self._is_real = True
        self._base_us: i64 = 0  # what it showed when the real time was `_since`
        self._since: float = 0.0
        self.speed: float = 1.0  # seconds that it shows for a real second; 0: it stands still

    def now_us(self) -> i64:
        """Unix time in microseconds."""
        if self._is_real:
            return int(time() * 1e6)
        if self.speed == 0:
            return self._base_us
        return self._base_us + int((time() - self._since) * 1e6 * self.speed)

    def set(self, now_us: i64, speed: float) -> None:
        """Show this time now, and go on at this speed."""
        self._is_real = False
        self._base_us = now_us
        self._since = time()
        self.speed = speed

    def show(self, now_us: i64) -> None:
        """Show this time now, and go on at the same speed."""
        self.set(now_us, self.speed)

    def be_real(self) -> None:
        """Show the operating system's time."""
        self._is_real = True
        self.speed = 1.0

    def seconds_until(self, time_us: i64) -> float:
        """In how many real seconds the clock will show this time: 0 if it has, -1 if never without help."""
        left_us = time_us - self.now_us()
        if left_us <= 0:
            return 0.0
        return -1.0 if self.speed == 0 else float(left_us) / 1e6 / self.speed


class PythonClock(Clock):
    """Shows what `time.time` says, so that freezegun and time-machine rule it."""

    def __init__(self) -> None:
        self._latest_us: i64 = 0
        #: What to call when the time turns out to have been set back.
        self.on_set_back: Callable[[], None] | None = None

    def now_us(self) -> i64:
        """Unix time in microseconds."""
        now_us: i64 = int(python_time.time() * 1e6)
        is_earlier = now_us < self._latest_us
        self._latest_us = now_us
        if is_earlier and self.on_set_back is not None:
            self.on_set_back()
        return now_us

    def seconds_until(self, time_us: i64) -> float:
        """Nobody knows when that time comes; a tenth of a second at most, then it is worth another look."""
        return min(max(float(time_us - self.now_us()) / 1e6, 0.0), 0.1)
