"""The time of a server inside the process, under the control of a test.

Everything in the server obeys it: expiry of keys and of fields of hashes, idle times and frequencies, ids of streams,
timeouts of blocking commands, limits on scripts, the periodic jobs. When time passes at once (`advance`, `travel_to`),
what was due on the way happens in its order, at its time: keys expire, and blocked clients get their replies.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from pyredmem.client.clock import ControlledClock
from pyredmem.client.driver import Driver


class TimeControl:
    """Stops, sets and moves the clock of one server. A server begins with the real time."""

    def __init__(self, driver: Driver, clock: ControlledClock) -> None:
        self._driver = driver
        self._clock = clock

    def now(self) -> datetime:
        """The time that the server shows, in UTC."""
        return datetime.fromtimestamp(int(self._clock.now_us()) / 1e6, UTC)

    def freeze(self, at: datetime | None = None) -> None:
        """Let time stand still: it is now, or ``at``. The time in between does not pass."""
        self._set(self._clock.now_us() if at is None else unix_us(at), 0.0)

    def run_at(self, speed: float) -> None:
        """Let time run ``speed`` times as fast as the real one. Raises ValueError if it is negative."""
        if speed < 0:
            raise ValueError("time can't run backwards")
        self._set(self._clock.now_us(), speed)

    def run_real(self) -> None:
        """Show the real time again."""
        with self._moving():
            self._clock.be_real()

    def advance(self, seconds: float | timedelta) -> None:
        """Let time pass at once, with all that happens meanwhile. Raises ValueError if it is negative.

        One millisecond more passes, as in a real sleep: at the very millisecond of its expire time a key still exists
        (Redis 7.2 db.c).
        """
        passed = seconds if isinstance(seconds, timedelta) else timedelta(seconds=seconds)
        if passed < timedelta(0):
            raise ValueError("time can't run backwards; travel_to sets the clock back")
        with self._moving():
            self._driver.pass_time(self._clock, self._clock.now_us() + passed // timedelta(microseconds=1) + 1000)

    def travel_to(self, moment: datetime) -> None:
        """Let time pass until ``moment``, or set the clock back to it. Without a time zone it is a local time."""
        moment_us = unix_us(moment)
        with self._moving():
            if moment_us >= self._clock.now_us():
                self._driver.pass_time(self._clock, moment_us)
            else:
                self._clock.show(moment_us)

    def _set(self, now_us: int, speed: float) -> None:
        with self._moving():
            self._clock.set(now_us, speed)

    @contextmanager
    def _moving(self) -> Iterator[None]:
        """Enter the driver, and let everybody look at the clock afterwards. Raises RuntimeError if it is closed."""
        self._driver.require_open()
        self._driver.enter()
        try:
            yield
            self._driver.clock_changed()
        finally:
            self._driver.leave()


def unix_us(moment: datetime) -> int:
    """A moment as microseconds since 1970; without a time zone it is a local time.

    Raises TypeError if it is no `datetime`, and ValueError if it lies before 1970.
    """
    if not isinstance(moment, datetime):
        raise TypeError(f"a moment is a datetime, not {moment!r}")
    passed_us = (moment.astimezone(UTC) - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)
    if passed_us <= 0:
        raise ValueError(f"the time of a server begins in 1970, and {moment} lies before that")
    return passed_us
