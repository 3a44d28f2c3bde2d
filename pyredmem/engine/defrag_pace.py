"""The effort and the pace of defragmentation: of the ledger, and of the process's heap.

Both follow the same settings. From the share of a heap that is wasted these give an *effort*, which is a percentage of
one processor. A :class:`Pace` spends this share in slices that are too short for clients to notice. With an effort of
25 percent Redis works for a quarter of each tick at one go, 25 milliseconds. This server works for a twentieth of a
millisecond and then leaves three times as long to its clients. When the server returns late to a slice, shorter pauses
make up for what was missed. Slices are longer only when the server is so busy that clients wait for longer anyway. An
engine that is called only at the ticks of its timer works as long at each tick as Redis does.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.clock import Clock
from pyredmem.base.slice_limit import SliceLimit
from pyredmem.config.settings import Settings

#: The settings that `DefragSettings` reads.
SETTINGS: Final = (
    "activedefrag",
    "active-defrag-ignore-bytes",
    "active-defrag-threshold-lower",
    "active-defrag-threshold-upper",
    "active-defrag-cycle-min",
    "active-defrag-cycle-max",
    "active-defrag-max-scan-fields",
)
#: The length of a slice. A client waits for one slice at most, not much longer than a round trip takes.
SLICE_US: Final = 50
#: What each slice costs beside its work: the alarm, and a turn of the loop.
TURN_US: Final = 20
#: The server is busy if it returns to the work at least this late. The slice is then a quarter of the delay, but no
#: longer than the longest slice.
BUSY_US: Final = 500
LONGEST_SLICE_US: Final = 1000
#: How long a task waits before it tries again, while the dataset is saved, or DEBUG PAUSE-CRON stops the timer.
PAUSED_US: Final = 100_000
#: No more missed time than this is made up for.
MOST_OWED_US: Final = 2000
#: A slice that comes at least this late was not called by the shell's alarm but by the timer.
TIMER_US: Final = 50_000
#: In place of the time at which a slice began: the work is at rest, or its first slice is still to come.
_AT_REST: Final = -1


class DefragSettings:
    """The values of ``activedefrag`` and the settings that belong to it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.enabled = False
        self.ignore_bytes: i64 = 0
        self.threshold_lower: i64 = 0  # percent of the bytes in use
        self.threshold_upper: i64 = 0
        self.cycle_min: i64 = 0  # percent of a processor
        self.cycle_max: i64 = 0
        self.max_scan_fields: i64 = 0
        self.read()

    def read(self) -> None:
        """Take over the values as they are now."""
        settings = self._settings
        self.enabled = settings.flag("activedefrag")
        self.ignore_bytes = settings.integer("active-defrag-ignore-bytes")
        self.threshold_lower = settings.integer("active-defrag-threshold-lower")
        self.threshold_upper = settings.integer("active-defrag-threshold-upper")
        self.cycle_min = settings.integer("active-defrag-cycle-min")
        self.cycle_max = settings.integer("active-defrag-cycle-max")
        self.max_scan_fields = settings.integer("active-defrag-max-scan-fields")

    def is_needed(self, taken: i64, used: i64) -> bool:
        """Whether defragmentation should begin: of the ``taken`` bytes, too many are not ``used``."""
        waste = taken - used
        return used > 0 and waste >= self.ignore_bytes and _percent(taken, used) >= float(self.threshold_lower)

    def effort(self, taken: i64, used: i64) -> i64:
        """The effort for a heap, in percent: the minimum at the lower threshold, the maximum at the upper one."""
        if used <= 0:
            return self.cycle_min
        least, most = self.cycle_min, self.cycle_max
        above = _percent(taken, used) - float(self.threshold_lower)
        width = float(self.threshold_upper - self.threshold_lower)
        if width == 0.0:
            share: i64 = most if above >= 0.0 else least
        else:
            share = int(float(least) + above * float(most - least) / width)
        if share > most:
            share = most
        return share if share > least else least


def _percent(taken: i64, used: i64) -> float:
    """By how many percent ``taken`` exceeds ``used``."""
    return float(taken) / float(used) * 100.0 - 100.0


class Pace(SliceLimit):
    """Measures out the slices of one kind of work.

    ``percent`` is the work's share of a processor, 0 while it is at rest. The task of the work calls ``begin``, works
    until ``spend`` returns true, and returns what ``end`` returns.
    """

    def __init__(self, paces: Paces, clock: Clock) -> None:
        self._paces = paces
        self._clock: Clock = clock
        self.percent: i64 = 0
        self.limit_us: i64 = SLICE_US  # how long the slice in progress may be
        self.used_us: i64 = 0  # how long the last slice was
        self._owed_us: i64 = 0  # how much work is due, less what was done
        self._began_us: i64 = _AT_REST
        self._ended_us: i64 = 0
        self._pause_us: i64 = 0  # the pause that was planned after the last slice
        self._steps: i64 = 0  # that the slice in progress has spent
        self._is_still = False  # the last slice has taken no time: the clock stands still

    def begin(self) -> None:
        """Begin a slice."""
        now_us = self._clock.now_us()
        limit: i64 = SLICE_US
        if self._began_us == _AT_REST:
            self._owed_us = SLICE_US + TURN_US
        elif now_us > self._began_us:
            # Time that stands still need not be shared, and what the process's heap looks like is left to chance.
            whole = 100 if self._is_still else 100 * self._paces.busy()
            passed = now_us - self._ended_us
            owed = self._owed_us + (now_us - self._began_us) * self.percent // whole
            self._owed_us = min(owed, MOST_OWED_US)
            if passed >= TIMER_US:
                limit = min(
                    passed * self.percent // (whole - self.percent), self._paces.tick_us * self.percent // whole
                )
                self._owed_us = limit
            elif passed - self._pause_us >= BUSY_US:
                limit = min((passed - self._pause_us) // 4, self._owed_us, LONGEST_SLICE_US)
            limit = max(limit, SLICE_US)
        self.limit_us = limit
        self._began_us = now_us
        self._steps = 0

    def spend(self, steps: i64) -> bool:
        """Count ``steps`` more steps of the work; returns whether the slice must end.

        If the clock stands still, a step counts as a microsecond, which is about as long as one takes in Redis.
        """
        self._steps += steps
        passed = self._clock.now_us() - self._began_us
        if passed == 0:
            passed = self._steps
        return passed >= self.limit_us or passed < 0

    def end(self) -> i64:
        """End the slice; returns the microseconds until the next one."""
        self._ended_us = self._clock.now_us()
        used = self._ended_us - self._began_us
        self.used_us = used if used > 0 else 0
        self._is_still = used <= 0
        if self.percent == 0:
            return 0
        if self._is_still:  # when time passes at once, a slice for each tick is enough
            self._pause_us = self._paces.tick_us
            return self._pause_us
        self._owed_us -= used + TURN_US
        whole = 100 * self._paces.busy()
        earned = used * self.percent // whole  # by the time that the slice took
        missing = SLICE_US + TURN_US - self._owed_us - earned
        self._pause_us = missing * whole // self.percent if missing > 0 else 0
        return self._pause_us

    def rest(self) -> None:
        """Put the work to rest: there is nothing to do for now."""
        self.percent = 0
        self._began_us = _AT_REST


class Paces:
    """All paces of an engine. If several kinds of work are active, they share the time that one alone would get."""

    def __init__(self, clock: Clock) -> None:
        self._clock: Clock = clock
        self._paces: list[Pace] = []
        self.tick_us: i64 = 100_000  # the time between two ticks of the timer

    def create(self) -> Pace:
        """Add a pace, which is at rest."""
        pace = Pace(self, self._clock)
        self._paces.append(pace)
        return pace

    def forget_all(self) -> None:
        """Forget all paces."""
        self._paces.clear()

    def busy(self) -> i64:
        """How many kinds of work are active, at least 1."""
        count: i64 = 0
        for pace in self._paces:
            if pace.percent > 0:
                count += 1
        return count if count > 0 else 1
