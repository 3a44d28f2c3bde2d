"""The ticker: it calls the engine's timer once every 1000/hz milliseconds.

Ticks are due at fixed times, so that the time that a tick takes does not lower the rate. If the process was delayed by
more than one interval, the missed ticks are dropped. They need not be made up for, since each tick is given the time.
"""

import asyncio
from collections.abc import Callable


class Ticker:
    """Calls `tick` periodically. It calls `interval_ms` before each wait, since the rate may change."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, tick: Callable[[], None], interval_ms: Callable[[], int]
    ) -> None:
        self._loop = loop
        self._tick = tick
        self._interval_ms = interval_ms
        self._due = 0.0
        #: How late the last tick was, and the latest one (seconds).
        self.lag_s = 0.0
        self.longest_lag_s = 0.0
        self._handle: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Tick for the first time one interval from now."""
        self._due = self._loop.time()
        self._schedule()

    def stop(self) -> None:
        """Tick no more."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _schedule(self) -> None:
        interval = self._interval_ms() / 1000
        now = self._loop.time()
        self._due = max(self._due + interval, now)
        self._handle = self._loop.call_at(self._due, self._fire)

    def _fire(self) -> None:
        self.lag_s = max(self._loop.time() - self._due, 0.0)
        self.longest_lag_s = max(self.longest_lag_s, self.lag_s)
        # Scheduled first: an assertion that fails inside a tick is reported by the loop and must not stop later ticks.
        self._schedule()
        self._tick()
