"""When the cycles that find expired keys and fields run: at each tick, and in slices between commands.

The cycles of `keyspace.expiry` and `keyspace.field_expiry` may take a quarter of the time between two ticks. They take
it in slices with pauses as long, so that a client waits for one slice at most and not, as with Redis, for the whole;
the keys they look at and the time they may take are the same. A cycle that is not through at the next tick was
stopped by its time.
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

#: How long a slice lasts; the pause behind it is as long as the slice really was.
SLICE_US: Final = 250
#: Of one that comes late because commands took long: the share of the time is to be the same.
LONGEST_SLICE_US: Final = 1000


class ExpiryTimer(DeletionTimer):
    """Tells the latency monitor how long it takes to delete an expired key."""

    def __init__(self, clock: Clock, monitor: LatencyMonitor) -> None:
        self._clock: Clock = clock
        self._monitor = monitor
        self._start_us: i64 = 0

    def start(self) -> None:
        """A key is about to be deleted."""
        self._start_us = self._clock.now_us()

    def stop(self) -> None:
        """It is gone."""
        now_us = self._clock.now_us()
        self._monitor.observe(b"expire-del", (now_us - self._start_us) // 1000, now_us // 1000000)


class ActiveExpiry:
    """The cycles of one engine, their settings and their figures."""

    def __init__(self, core: Core, monitor: LatencyMonitor) -> None:
        self._core = core
        self._keyspace = core.keyspace
        self._monitor = monitor
        self._timer = ExpiryTimer(core.clock, self._monitor)
        self.keys = ExpireCycle(core.keyspace, core.clock)
        self._fields = FieldExpireCycle(core.keyspace, core.clock)
        self._task = core.tasks.create(self._go_on)
        self._provide_figures()
        core.settings.follow(["active-expire-effort"], self._effort_changed)
        core.settings.follow(["latency-monitor-threshold"], self._threshold_changed)

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
        """The slow cycle begins."""
        if self._may_expire():
            self.keys.slow(SLICE_US)
            self._fields.begin()
            self._behind_slice()
        else:
            self.keys.stop()
        self._plan()

    def before_sleep(self) -> None:
        """A fast cycle is due."""
        if self._may_expire():
            self.keys.fast(SLICE_US)
            self._behind_slice()
        self._plan()

    def _go_on(self) -> int:
        """A slice between commands."""
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

    def _behind_slice(self) -> None:
        """The first slice of a cycle of keys has been done; if that was all, fields have their turn at once."""
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
        """Say from when on the end of a batch is the time for a fast cycle."""
        if self._may_expire() and not self.keys.is_in_progress():
            self._core.fast_cycle_due_us = self.keys.fast_due_us()
        else:
            self._core.fast_cycle_due_us = NEVER
