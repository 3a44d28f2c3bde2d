"""The timer: jobs that run periodically.

The shell calls the engine ``hz`` times a second, and each job runs at the first of these ticks at which it is due. The
timer looks at no clock: the shell passes the time with each call.
"""

from __future__ import annotations

from collections.abc import Callable

from mypy_extensions import i64


class _Job:
    """A function, and when it is due."""

    def __init__(self, period_ms: i64, action: Callable[[], None]) -> None:
        self.period_ms: i64 = period_ms  # 0: at every tick
        self.action = action
        self.due_ms: i64 = 0


class Cron:
    """The periodic jobs of one engine, which run in the order in which they were added."""

    def __init__(self) -> None:
        self._jobs: list[_Job] = []
        self.paused = False  # DEBUG PAUSE-CRON
        self.hz: i64 = 10  # ticks a second, as hz and dynamic-hz demand at present

    def interval_ms(self) -> int:
        """The milliseconds from one tick to the next."""
        return 1000 // self.hz

    def every(self, period_ms: i64, action: Callable[[], None]) -> None:
        """Run ``action`` at the first tick after every ``period_ms`` milliseconds; 0 means at every tick."""
        self._jobs.append(_Job(period_ms, action))

    def forget_all(self) -> None:
        """Run no job any more."""
        self._jobs.clear()

    def run(self, now_ms: i64) -> None:
        """Run the jobs that are due."""
        if self.paused:
            return
        for job in self._jobs:
            if now_ms >= job.due_ms:
                # Counted from when the job was due: if a tick comes a millisecond early, no whole tick is lost.
                job.due_ms += job.period_ms
                if job.due_ms <= now_ms:
                    job.due_ms = now_ms + job.period_ms
                job.action()
            elif job.due_ms - now_ms > job.period_ms:  # the clock was set back
                job.due_ms = now_ms + job.period_ms
