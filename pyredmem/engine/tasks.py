"""Tasks: work that goes on between commands, one slice at a time.

The expire cycles, eviction of keys and of clients, lazy free, and the two kinds of defragmentation are tasks. A task
sleeps until it is woken. When it is due it runs a slice, and says when the next one is due. Through
:meth:`Host.wake_after` the shell is asked to call :meth:`Engine.run_tasks` at that time, exact to the microsecond if
it can. In an engine without a shell, tasks run at the ticks of the timer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from pyredmem.base.clock import Clock
from pyredmem.base.limits import NEVER
from pyredmem.engine.host import Host

#: A task returns this when it has nothing left to do.
DONE: Final = -1


def _nothing() -> int:
    return DONE


class Task:
    """Work in slices. ``work`` runs a slice and returns the microseconds to wait before the next one, or DONE."""

    def __init__(self, tasks: Tasks, work: Callable[[], int]) -> None:
        self._tasks = tasks
        self.work = work
        self.due_us: i64 = NEVER
        self.delay_us: i64 = 0  # the time from when it was woken until it is due
        self.has_yielded = False  # its due time was moved once already, to let clients get their turn
        #: How late this slice is, because commands kept the thread busy. A longer slice makes up for it.
        self.late_us: i64 = 0

    def wake(self, delay_us: i64 = 0) -> None:
        """Run the next slice in ``delay_us`` microseconds, or earlier if it is due earlier already."""
        self._tasks.wake(self, delay_us)

    def is_due(self, now_us: i64) -> bool:
        """Whether the task is due. It is also due if the clock was set back to before it was woken."""
        return self.due_us != NEVER and (self.due_us <= now_us or now_us < self.due_us - self.delay_us)

    def is_awake(self) -> bool:
        """Whether another slice is going to run."""
        return self.due_us != NEVER


class Tasks:
    """The tasks of one engine."""

    def __init__(self, clock: Clock, host: Host) -> None:
        self._clock: Clock = clock
        self._host: Host = host
        self._tasks: list[Task] = []
        self._only: Task | None = None  # while it is set, no other task runs
        self._alarm_us: i64 = NEVER  # when the shell was asked to call

    def create(self, work: Callable[[], int]) -> Task:
        """Add a task, which sleeps until it is woken."""
        task = Task(self, work)
        self._tasks.append(task)
        return task

    def forget_all(self) -> None:
        """Run no task any more."""
        for task in self._tasks:
            task.work = _nothing
        self._tasks.clear()

    def wake(self, task: Task, delay_us: i64) -> None:
        """Let a task be due in ``delay_us`` microseconds, if it is not due earlier."""
        due_us = self._clock.now_us() + delay_us
        if due_us < task.due_us:
            task.due_us = due_us
            task.delay_us = delay_us
            self._arm()

    def run_only(self, task: Task | None) -> None:
        """Let the other tasks wait although they may be due; None: let them go on."""
        self._only = task
        self._arm()

    def _candidates(self) -> list[Task]:
        return self._tasks if self._only is None else [self._only]

    def run(self) -> None:
        """Run a slice of each task that is due."""
        self._alarm_us = NEVER
        now_us = self._clock.now_us()
        for task in self._candidates():
            if task.is_due(now_us):
                self._run_slice(task, now_us)
        self._arm()

    def run_next(self) -> None:
        """Run a slice of the task that has been due for the longest. Clients get their turn before the next task.

        Other tasks that are due when the slice ends, or soon after it, are delayed once, by as long as the slice took.
        """
        self._alarm_us = NEVER
        now_us = self._clock.now_us()
        first: Task | None = None
        for task in self._candidates():
            if task.is_due(now_us) and (first is None or task.due_us < first.due_us):
                first = task
        if first is not None:
            self._run_slice(first, now_us)
            self._let_yield(first, now_us)
        self._arm()

    def _let_yield(self, ran: Task, start_us: i64) -> None:
        """Delay, once, every other task that would run right after this slice, by as long as the slice took."""
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
        """Ask the shell to call when the next task is due."""
        next_us: i64 = NEVER
        for task in self._candidates():
            if task.due_us < next_us:
                next_us = task.due_us
        if next_us < self._alarm_us:
            self._alarm_us = next_us
            delay_us = next_us - self._clock.now_us()
            self._host.wake_after(delay_us if delay_us > 0 else 0)
