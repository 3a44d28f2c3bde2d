"""Work that goes on between commands, a slice at a time: eviction, lazy free, defragmentation.

A task runs when it was woken and its time has come, and says when it wants to go on. The shell is asked, through
:meth:`Host.wake_after`, to call :meth:`Engine.run_tasks` in time, to the microsecond if it can; an engine without a
shell runs its tasks at the ticks of its timer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from pyredmem.base.clock import Clock
from pyredmem.base.limits import NEVER
from pyredmem.engine.host import Host

#: What a task returns that does not want to go on.
DONE: Final = -1


class Task:
    """Work in slices; ``work`` does one and returns the microseconds to wait until the next, or DONE."""

    def __init__(self, tasks: Tasks, work: Callable[[], int]) -> None:
        self._tasks = tasks
        self.work = work
        self.due_us: i64 = NEVER
        self.delay_us: i64 = 0  # from when it was woken
        self.has_yielded = False  # its due time was moved once already, to let clients get their turn
        #: By how much this slice is late: commands kept the thread busy. A longer slice makes up for it.
        self.late_us: i64 = 0

    def wake(self, delay_us: i64 = 0) -> None:
        """Run the next slice in so many microseconds; one that is due earlier stays so."""
        self._tasks.wake(self, delay_us)

    def is_due(self, now_us: i64) -> bool:
        """Whether its time has come; it has too when the clock was set back behind the moment it was woken at."""
        return self.due_us != NEVER and (self.due_us <= now_us or now_us < self.due_us - self.delay_us)

    def is_awake(self) -> bool:
        """Whether a slice is to come."""
        return self.due_us != NEVER


class Tasks:
    """All such work of an engine."""

    def __init__(self, clock: Clock, host: Host) -> None:
        self._clock: Clock = clock
        self._host: Host = host
        self._tasks: list[Task] = []
        self._alarm_us: i64 = NEVER  # when the shell will call

    def create(self, work: Callable[[], int]) -> Task:
        """A task that sleeps until it is woken."""
        task = Task(self, work)
        self._tasks.append(task)
        return task

    def wake(self, task: Task, delay_us: i64) -> None:
        """Let a task run in so many microseconds, if it would not earlier."""
        due_us = self._clock.now_us() + delay_us
        if due_us < task.due_us:
            task.due_us = due_us
            task.delay_us = delay_us
            self._arm()

    def run(self) -> None:
        """Run a slice of each task whose time has come."""
        self._alarm_us = NEVER
        now_us = self._clock.now_us()
        for task in self._tasks:
            if task.is_due(now_us):
                self._run_slice(task, now_us)
        self._arm()

    def run_next(self) -> None:
        """Run a slice of the task that has been due for the longest; the clients have their turn before the others.

        What becomes due meanwhile waits, once, for as long as the slice took.
        """
        self._alarm_us = NEVER
        now_us = self._clock.now_us()
        first: Task | None = None
        for task in self._tasks:
            if task.is_due(now_us) and (first is None or task.due_us < first.due_us):
                first = task
        if first is not None:
            self._run_slice(first, now_us)
            self._let_yield(first, now_us)
        self._arm()

    def _let_yield(self, ran: Task, start_us: i64) -> None:
        """Put off what would follow at once on a slice of another task that began then."""
        end_us = self._clock.now_us()
        later_us = end_us + end_us - start_us
        for task in self._tasks:
            if task is not ran and not task.has_yielded and task.due_us < later_us:
                task.has_yielded = True
                task.delay_us += later_us - task.due_us
                task.due_us = later_us

    def _run_slice(self, task: Task, now_us: i64) -> None:
        late_us = now_us - task.due_us
        task.late_us = late_us if late_us > 0 else 0
        task.due_us = NEVER
        task.has_yielded = False
        delay_us: i64 = task.work()
        if delay_us >= 0:
            due_us = self._clock.now_us() + delay_us
            if due_us < task.due_us:
                task.due_us = due_us
                task.delay_us = delay_us

    def _arm(self) -> None:
        """Have the shell call for the task that is due next."""
        next_us: i64 = NEVER
        for task in self._tasks:
            if task.due_us < next_us:
                next_us = task.due_us
        if next_us < self._alarm_us:
            self._alarm_us = next_us
            delay_us = next_us - self._clock.now_us()
            self._host.wake_after(delay_us if delay_us > 0 else 0)
