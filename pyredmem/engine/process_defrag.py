"""Active defragmentation of the process: gives memory that is free inside the interpreter back to the operating system.

A *run* begins when ``activedefrag`` is on and the interpreter's heap wastes more than the settings allow. They are the
same settings as for the defragmentation of the ledger. The run itself is in `compaction_run`; this module begins it,
works on it in slices between commands, and measures it. At the end of a run the C library frees its own unused pages
too.

The ledger is not touched. If the heap of the interpreter cannot be read, there are no runs, and INFO says why.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from pyredmem.base.build import COMPILED
from pyredmem.engine.compaction_run import CompactionRun, CompactionTotals, VictimRecord
from pyredmem.engine.core import Core
from pyredmem.engine.defrag_pace import PAUSED_US, DefragSettings, Paces
from pyredmem.engine.slowlog import SlowLog
from pyredmem.engine.tasks import DONE
from pyredmem.memory import process_heap
from pyredmem.memory.mover import Mover
from pyredmem.memory.process_heap import HeapFigures

INTERPRETED: Final = "the package is not compiled, and parts of its objects lie at places that cannot be known"
SHARED: Final = "the server shares its process with others"

#: How often the timer checks whether a run is needed (milliseconds).
CHECK_MS: Final = 1000
#: The figures of the heap are read again when they are older than this.
_FIGURES_US: Final = 1_000_000


class ProcessDefrag:
    """The runs of one engine, and their figures."""

    def __init__(self, core: Core, settings: DefragSettings, paces: Paces, slow_log: SlowLog) -> None:
        self._core = core
        self._settings = settings
        self._pace = paces.create()
        self._task = core.tasks.create(self._slice)
        self._obstacle: str | None = None  # None: not known yet
        self._figures: HeapFigures | None = None
        self._figures_due_us: i64 = 0
        self._others: list[Callable[[Mover], None]] = []
        self._victims = VictimRecord()
        self._totals = CompactionTotals()
        self._run: CompactionRun | None = None
        self._began_us: i64 = 0
        self._resident_before: i64 = 0
        self._left_waste: i64 = 0  # the bytes that the last run could not free
        # Figures of the last run.
        self.run_us: i64 = 0  # how long it took
        self.busy_us: i64 = 0  # how long it used the processor
        self.longest_us: i64 = 0  # how long its longest slice was
        self.returned_bytes: i64 = 0
        core.figures.on_reclaim_reset(self._totals.reset)
        self.include(slow_log.relocate)
        core.cron.every(CHECK_MS, self.check)

    # Figures for INFO.

    @property
    def runs(self) -> i64:
        return self._totals.runs

    @property
    def passes(self) -> i64:
        return self._totals.passes

    @property
    def moved(self) -> i64:
        return self._totals.moved

    @property
    def plugs(self) -> i64:
        return self._totals.plugs

    @property
    def emptied(self) -> i64:
        return self._totals.emptied

    def obstacle(self) -> str:
        """The reason why the heap of this process cannot be compacted; empty if it can."""
        known = self._obstacle
        if known is None:
            known = process_heap.obstacle() if COMPILED else INTERPRETED
            if not self._core.host.owns_process():
                known = SHARED
            self._obstacle = known
        return known

    def figures(self) -> HeapFigures | None:
        """The figures of the heap, at most a second old; None if the interpreter gives none."""
        now_us = self._core.clock.now_us()
        if now_us >= self._figures_due_us or self._figures is None:
            self._figures = process_heap.read_figures()
            self._figures_due_us = now_us + _FIGURES_US
        return self._figures

    def state_name(self) -> str:
        """The name of the phase that the run in progress is in; idle if there is none."""
        return "idle" if self._run is None else self._run.phase_name()

    def effort(self) -> int:
        """The percentage of a processor that the run in progress may use; 0 if there is none."""
        return self._pace.percent

    def held_plugs(self) -> int:
        """How many plugs exist now."""
        return 0 if self._run is None else self._run.held_plugs()

    # Runs.

    def include(self, show: Callable[[Mover], None]) -> None:
        """Add an owner outside the keyspace of long-lived bytes: ``show`` hands them to a mover, in every walk.

        A single object that is not moved keeps its whole arena in memory.
        """
        self._others.append(show)

    def check(self) -> None:
        """Begin a run if one is needed and possible."""
        if self._run is not None or not self._settings.enabled or self.obstacle():
            return
        figures = self.figures()
        if figures is None:
            return
        taken: i64 = figures.arena_bytes()
        live: i64 = figures.live_bytes
        if self._settings.is_needed(taken, live) and taken - live > self._left_waste + taken // 16:
            self.begin(self._settings.effort(taken, live))

    def begin(self, percent: i64) -> None:
        """Begin a run that may use ``percent`` percent of a processor."""
        assert self._run is None, "a run is in progress already"
        self._began_us = self._core.clock.now_us()
        self._resident_before = self._core.host.resident_bytes()
        self._pace.percent = percent
        self.busy_us = 0
        self.longest_us = 0
        self._run = CompactionRun(
            self._core.allocator, self._core.keyspace, self._settings, self._others, self._victims, self._totals
        )
        self._task.wake()

    def _slice(self) -> int:
        """Work on the run for a slice; returns how long to wait for the next one."""
        run = self._run
        if run is None:
            return DONE
        if self._core.is_saving:
            return PAUSED_US
        pace = self._pace
        pace.begin()
        steps: i64 = 0
        while not run.has_ended() and not pace.spend(steps):
            steps = run.step()
        delay_us = pace.end()
        self.busy_us += pace.used_us
        if pace.used_us > self.longest_us:
            self.longest_us = pace.used_us
        if not run.has_ended():
            return delay_us
        self._end(run)
        return DONE

    def _end(self, run: CompactionRun) -> None:
        self._run = None
        self._left_waste = run.left_waste
        self._figures = None
        self.run_us = self._core.clock.now_us() - self._began_us
        self._pace.rest()
        self._trim()

    def _trim(self) -> None:
        """Have the C library free its unused pages."""
        host = self._core.host
        host.trim_aside()
        given: i64 = self._resident_before - host.resident_bytes()
        self.returned_bytes = given if given > 0 else 0
