"""The timer: jobs that run periodically.

The shell calls the engine ``hz`` times a second; each job says how often it wants to run. Nothing here looks at a
clock: the time comes with the call.
"""

from __future__ import annotations

from collections.abc import Callable

from mypy_extensions import i64


class _Task:
    """A function and when it is due."""

    def __init__(self, period_ms: i64, action: Callable[[], None]) -> None:
        self.period_ms: i64 = period_ms  # 0: at every tick
        self.action = action
        self.due_ms: i64 = 0


class Cron:
    """Periodic tasks, run in the order in which they were added."""

    def __init__(self) -> None:
        self._tasks: list[_Task] = []
        self.paused = False  # DEBUG PAUSE-CRON
        self.hz: i64 = 10  # ticks a second, as hz and dynamic-hz have it now

    def interval_ms(self) -> int:
        """Milliseconds from one tick to the next."""
        return 1000 // self.hz

    def every(self, period_ms: i64, action: Callable[[], None]) -> None:
        """Run ``action`` at the first tick after every ``period_ms`` milliseconds; 0 means at every tick."""
        self._tasks.append(_Task(period_ms, action))

    def run(self, now_ms: i64) -> None:
        """Run what is due."""
        if self.paused:
            return
        for task in self._tasks:
            if now_ms >= task.due_ms:
                # Counted from when it was due: a tick that comes a millisecond early must not cost a whole tick.
                task.due_ms += task.period_ms
                if task.due_ms <= now_ms:
                    task.due_ms = now_ms + task.period_ms
                task.action()
            elif task.due_ms - now_ms > task.period_ms:  # the clock was set back
                task.due_ms = now_ms + task.period_ms
