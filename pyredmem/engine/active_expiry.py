"""Active expiry: decides when the cycles run that find expired keys and fields.

The cycles themselves are in `keyspace.expiry` and `keyspace.field_expiry`. A slow cycle begins at each tick of the
timer and may take a quarter of the time between two ticks. It does not take this time at one go, as Redis does, but in
slices between commands, each followed by a pause of the same length: a client waits for one slice at most. The keys
that a cycle looks at and the time that it may take are those of Redis. If a cycle has not ended by the next tick, it
counts as one that ran out of time.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.clock import Clock
from pyredmem.base.limits import NEVER
from pyredmem.engine import figures
from pyredmem.engine.core import Core
from pyredmem.engine.latency import LatencyMonitor
from pyredmem.engine.tasks import DONE
from pyredmem.keyspace.expiry import ExpireCycle
from pyredmem.keyspace.field_expiry import FieldExpireCycle
from pyredmem.keyspace.shared import DeletionTimer

#: How long a slice lasts. The pause after it is as long as the slice really was.
SLICE_US: Final = 250
#: Upper bound for a slice. A slice that starts late is given more time, so that expiry keeps its share of the time.
LONGEST_SLICE_US: Final = 1000


class ExpiryTimer(DeletionTimer):
    """Measures how long it takes to delete an expired key, for the latency monitor."""

    def __init__(self, clock: Clock, monitor: LatencyMonitor) -> None:
        self._clock: Clock = clock
        self._monitor = monitor
        self._start_us: i64 = 0

    def start(self) -> None:
        self._start_us = self._clock.now_us()

    def stop(self) -> None:
        now_us = self._clock.now_us()
        self._monitor.observe(b"expire-del", (now_us - self._start_us) // 1000, now_us // 1000000)


class ActiveExpiry:
    """Runs the cycles of one engine, follows their settings and provides their figures."""

    def __init__(self, core: Core, monitor: LatencyMonitor) -> None:
        self._core = core
        self._keyspace = core.keyspace
        self._monitor = monitor
        self._timer = ExpiryTimer(core.clock, self._monitor)
        self.keys = ExpireCycle(core.keyspace, core.clock)
        self._fields = FieldExpireCycle(core.keyspace, core.clock)
        self._task = core.tasks.create(self._go_on)
        self._provide_figures()
        core.settings.follow(("active-expire-effort",), self._effort_changed)
        core.settings.follow(("latency-monitor-threshold",), self._threshold_changed)

    def _effort_changed(self) -> None:
        self.keys.effort = self._core.settings.integer("active-expire-effort") - 1

    def _threshold_changed(self) -> None:
        watches = self._core.settings.integer("latency-monitor-threshold") > 0
        self._keyspace.expiry_timer = self._timer if watches else DeletionTimer()

    # Figures.

    def _provide_figures(self) -> None:
        provide = self._core.figures.provide
        self._core.figures.on_reclaim_reset(self.keys.reset_counters)
        provide(figures.EXPIRED_STALE_PERCENT_X100, self._stale_percent_x100)
        provide(figures.EXPIRED_TIME_CAP_REACHED, self._time_cap_reached)
        provide(figures.EXPIRE_CYCLE_US, self._expire_cycle_us)

    def _stale_percent_x100(self) -> int:
        return round(self.keys.stale * 10000)

    def _time_cap_reached(self) -> int:
        return self.keys.time_cap_reached

    def _expire_cycle_us(self) -> int:
        return self.keys.used_us

    # Cycles.

    def tick(self) -> None:
        """Begin a slow cycle: the timer has ticked."""
        if self._may_expire():
            self.keys.slow(SLICE_US)
            self._fields.begin()
            self._end_first_slice()
        else:
            self.keys.stop()
        self._plan()

    def before_sleep(self) -> None:
        """Begin a fast cycle, which is due."""
        if self._may_expire():
            self.keys.fast(SLICE_US)
            self._end_first_slice()
        self._plan()

    def _go_on(self) -> int:
        """Run the next slice of the cycle in progress; returns how long to wait for the slice after it."""
        delay_us = DONE
        slice_us = SLICE_US + self._task.late_us // 2
        if slice_us > LONGEST_SLICE_US:
            slice_us = LONGEST_SLICE_US
        if self._may_expire():
            if self.keys.is_in_progress():
                self.keys.go_on(slice_us)
                delay_us = self._observed(self.keys.last_us)
            else:
                self._fields.go_on(slice_us)
                delay_us = self._observed(self._fields.last_us)
            if not self._is_in_progress():
                delay_us = DONE
        self._plan()
        return delay_us

    def _end_first_slice(self) -> None:
        """After the first slice of a cycle over keys: go on with fields if that cycle has ended, and plan a slice."""
        pause_us = self._observed(self.keys.last_us)
        if not self.keys.is_in_progress() and self._fields.is_in_progress():
            self._fields.go_on(SLICE_US)
            pause_us += self._observed(self._fields.last_us)
        if self._is_in_progress():
            self._task.wake(pause_us)

    def _is_in_progress(self) -> bool:
        return self.keys.is_in_progress() or self._fields.is_in_progress()

    def _may_expire(self) -> bool:
        return self._core.switches.active_expire and not self._keyspace.stands_still

    def _observed(self, slice_us: i64) -> int:
        self._monitor.observe(b"expire-cycle", slice_us // 1000, self._keyspace.now_us // 1000000)
        return slice_us if slice_us > SLICE_US else SLICE_US

    def _plan(self) -> None:
        """Set the time from which the end of a batch starts a fast cycle."""
        if self._may_expire() and not self.keys.is_in_progress():
            self._core.fast_cycle_due_us = self.keys.fast_due_us()
        else:
            self._core.fast_cycle_due_us = NEVER
