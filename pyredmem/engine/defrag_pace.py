"""How much defragmentation there is to be, and how it is spread over time: for the ledger and for the process's heap.

The settings, the same for both, make of the waste in a heap an *effort*, percent of a processor. A :class:`Pace` takes
that share of the time in slices which no client feels: Redis works a quarter of each tick in one go, 25 milliseconds,
this server a twentieth of a millisecond and then lets the clients have three times as long. What was missed because
the server came back late is made up for by shorter pauses. Slices are longer only where the server is so busy that
clients wait for longer anyway; an engine that nobody calls between the ticks of its timer works at each tick as long
as Redis does.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.clock import Clock
from pyredmem.base.slice_limit import SliceLimit
from pyredmem.config.settings import Settings

#: Microseconds of a slice: a client waits for one at most, which is not much more than a round trip.
SLICE_US: Final = 50
#: What it takes beside the work to come back to it: the alarm, and a turn of the loop.
TURN_US: Final = 20
#: The server is busy when it comes back so late. A slice then is as long as a quarter of that, up to the longest.
BUSY_US: Final = 500
LONGEST_SLICE_US: Final = 1000
#: Time that was missed counts up to this.
MOST_OWED_US: Final = 2000
#: A slice that comes so late was not called for by a shell, but by the timer.
TIMER_US: Final = 50_000
#: In place of the time at which a slice began: the work is at rest, or its first slice is still to come.
_AT_REST: Final = -1


class DefragSettings:
    """``activedefrag`` and the settings that go with it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.enabled = False
        self.ignore_bytes: i64 = 0
        self.threshold_lower: i64 = 0  # percent of what is in use
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
        """Whether of ``taken`` bytes so many are not ``used`` that it is time to begin."""
        waste = taken - used
        return used > 0 and waste >= self.ignore_bytes and _percent(taken, used) >= float(self.threshold_lower)

    def effort(self, taken: i64, used: i64) -> i64:
        """The share of a processor, percent, that the waste deserves: least at the lower threshold, then rising."""
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
    """How much more is taken than used."""
    return float(taken) / float(used) * 100.0 - 100.0


class Pace(SliceLimit):
    """The slices of one kind of work.

    ``percent`` is its share of a processor; 0: it rests. Set ``percent``; in the task call ``begin``, work until
    ``is_over``, and return what ``end`` says.
    """

    def __init__(self, paces: Paces, clock: Clock) -> None:
        self._paces = paces
        self._clock: Clock = clock
        self.percent: i64 = 0
        self.limit_us: i64 = SLICE_US  # how long the slice may be
        self.used_us: i64 = 0  # how long the last one was
        self._owed_us: i64 = 0  # what is to be worked, less what was
        self._began_us: i64 = _AT_REST
        self._ended_us: i64 = 0
        self._pause_us: i64 = 0  # that was to follow
        self._steps: i64 = 0  # of the slice

    def begin(self) -> None:
        """A slice begins."""
        now_us = self._clock.now_us()
        limit: i64 = SLICE_US
        if self._began_us == _AT_REST:
            self._owed_us = SLICE_US + TURN_US
        elif now_us > self._began_us:
            whole = 100 * self._paces.busy()
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

    def is_over(self, steps: i64) -> bool:
        """Whether the slice has to end, after so many further steps (blocks looked at, or the like).

        By a clock that stands still a step takes a microsecond, which is about what it takes Redis.
        """
        self._steps += steps
        passed = self._clock.now_us() - self._began_us
        if passed == 0:
            passed = self._steps
        return passed >= self.limit_us or passed < 0

    def end(self) -> i64:
        """The slice is over; the microseconds until the next one."""
        self._ended_us = self._clock.now_us()
        used = self._ended_us - self._began_us
        self.used_us = used if used > 0 else 0
        if used <= 0:
            used = self.limit_us
        if self.percent == 0:
            return 0
        self._owed_us -= used + TURN_US
        whole = 100 * self._paces.busy()
        earned = used * self.percent // whole  # while it worked
        missing = SLICE_US + TURN_US - self._owed_us - earned
        self._pause_us = missing * whole // self.percent if missing > 0 else 0
        return self._pause_us

    def rest(self) -> None:
        """There is nothing to do for the time being."""
        self.percent = 0
        self._began_us = _AT_REST


class Paces:
    """Those who share the time: when several are at work each gets its part of what it would get alone."""

    def __init__(self, clock: Clock) -> None:
        self._clock: Clock = clock
        self._paces: list[Pace] = []
        self.tick_us: i64 = 100_000  # from one tick of the timer to the next

    def create(self) -> Pace:
        """One more that shares the time, at rest."""
        pace = Pace(self, self._clock)
        self._paces.append(pace)
        return pace

    def busy(self) -> i64:
        """How many are at work, at least 1."""
        count: i64 = 0
        for pace in self._paces:
            if pace.percent > 0:
                count += 1
        return count if count > 0 else 1
