"""Active defragmentation of the process: what is free in the interpreter's heap goes back to the operating system.

A *run* begins when ``activedefrag`` is on and the heap wastes more than the settings allow, which are those of the
ledger's defragmentation. It makes passes, each of them in slices between commands:

1. *census*: how much lives in each arena;
2. *moving*: the sparsest arenas are chosen, and the keyspace is walked for what lies in them, twice or more, since
   commands go on meanwhile; see :mod:`pyredmem.memory.steering`;
3. *releasing*: the plugs are dropped, and the arenas go.

It makes another pass as long as one pays. In the end the C library is asked for its free pages too. The ledger is not
touched. Where the interpreter's heap cannot be read there are no runs, and INFO says why.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from librt.vecs import vec
from mypy_extensions import i64

from pyredmem.base.build import COMPILED
from pyredmem.engine.core import Core
from pyredmem.engine.defrag_pace import DefragSettings, Paces
from pyredmem.engine.slowlog import SlowLog
from pyredmem.engine.tasks import DONE
from pyredmem.keyspace.compaction import KeyspaceWalk
from pyredmem.memory import process_heap
from pyredmem.memory.mover import Mover
from pyredmem.memory.process_heap import ARENA_BYTES, Arena, HeapCensus, HeapFigures, PoolMemory
from pyredmem.memory.steering import ARENA_ROOM, Steering, choose_victims

IDLE: Final = 0
CENSUS: Final = 1
MOVING: Final = 2
RELEASING: Final = 3
STATES: Final = ("idle", "census", "moving", "releasing")

INTERPRETED: Final = "the package is not compiled, and its objects have parts elsewhere whose place cannot be known"

#: Milliseconds between two looks whether a run is needed.
CHECK_MS: Final = 1000
#: What is done between two looks at the time.
POOLS_PER_STEP: Final = 16
ELEMENTS_PER_STEP: Final = 8
PLUGS_PER_STEP: Final = 128
#: Passes of a run, and walks of a pass.
MOST_PASSES: Final = 8
MOST_WALKS: Final = 12
#: A walk that moved fewer objects than this is the last one.
FEW: Final = 16
#: A pass pays that gives back at least so many percent of the arenas.
WORTHWHILE: Final = 2
LEAST_GAIN: Final = 2


class ProcessDefrag:
    """The runs of one engine, and their figures."""

    def __init__(self, core: Core, settings: DefragSettings, paces: Paces, slow_log: SlowLog) -> None:
        self._core = core
        self._settings = settings
        self._pace = paces.create()
        self._task = core.tasks.create(self._slice)
        self._obstacle: str | None = None  # not known yet
        self._figures: HeapFigures | None = None
        self._figures_due_us: i64 = 0
        self.state: i64 = IDLE
        self._memory: PoolMemory | None = None
        self._census: HeapCensus | None = None
        self._steering: Steering | None = None
        self._walk: KeyspaceWalk | None = None
        self._walks: i64 = 0
        self._moved_before: i64 = 0
        self._postponed_before: i64 = 0
        self._others: list[Callable[[Mover], None]] = []
        # First pools of the victims of the last pass. Numbers in one block: an object for each of them would lie in
        # holes of the victims and keep them.
        self._victims: vec[i64] = vec[i64]()
        self._pinned: dict[int, int] = {}  # bytes that stayed in a victim, by its first pool
        self._passes: i64 = 0  # of this run
        self._futile_waste: i64 = 0  # what the last run left
        self._began_us: i64 = 0
        self._resident_before: i64 = 0
        # Totals.
        self.runs: i64 = 0
        self.passes: i64 = 0
        self.moved: i64 = 0
        self.plugs: i64 = 0
        self.emptied: i64 = 0
        # Of the last run.
        self.run_us: i64 = 0  # its length
        self.busy_us: i64 = 0  # what it took of the processor
        self.longest_us: i64 = 0  # its longest slice
        self.returned_bytes: i64 = 0
        core.figures.on_reclaim_reset(self.reset_counters)
        self.include(slow_log.relocate)
        core.cron.every(CHECK_MS, self.check)

    def reset_counters(self) -> None:
        """Count from zero."""
        self.runs = 0
        self.passes = 0
        self.moved = 0
        self.plugs = 0
        self.emptied = 0

    # What INFO asks.

    def obstacle(self) -> str:
        """Why the heap cannot be compacted here; empty if it can."""
        known = self._obstacle
        if known is None:
            known = process_heap.obstacle() if COMPILED else INTERPRETED
            self._obstacle = known
        return known

    def figures(self) -> HeapFigures | None:
        """The heap's figures, read once a second; None if the interpreter has none."""
        now_us = self._core.clock.now_us()
        if now_us >= self._figures_due_us or self._figures is None:
            self._figures = process_heap.read_figures()
            self._figures_due_us = now_us + 1_000_000
        return self._figures

    def state_name(self) -> str:
        """What it does now."""
        return STATES[self.state]

    def effort(self) -> int:
        """Its share of a processor, percent; 0 while it is idle."""
        return self._pace.percent

    def held_plugs(self) -> int:
        """Plugs that are kept now."""
        return 0 if self._steering is None else sum([len(plugs) for plugs in self._steering.plugs])

    def include(self, show: Callable[[Mover], None]) -> None:
        """Have a mover be shown what else holds bytes of requests for long: one such object keeps an arena."""
        self._others.append(show)

    # Runs.

    def check(self) -> None:
        """The timer's look: begin a run if one is needed."""
        if self.state != IDLE or not self._settings.enabled or self.obstacle():
            return
        figures = self.figures()
        if figures is None:
            return
        taken: i64 = figures.arena_bytes()
        live: i64 = figures.live_bytes
        if self._settings.is_needed(taken, live) and taken - live > self._futile_waste + taken // 16:
            self.begin(self._settings.effort(taken, live))

    def begin(self, percent: i64) -> None:
        """Begin a run that takes so many percent of a processor."""
        assert self.state == IDLE, "there is a run already"
        self._began_us = self._core.clock.now_us()
        self._resident_before = self._core.host.resident_bytes()
        self._pace.percent = percent
        self._passes = 0
        self.busy_us = 0
        self.longest_us = 0
        self.runs += 1
        self._begin_census()
        self._task.wake()

    def _slice(self) -> int:
        """Work until the time is over."""
        pace = self._pace
        pace.begin()
        steps: i64 = 0
        while self.state != IDLE and not pace.is_over(steps):
            steps = self._step()
        delay_us = pace.end()
        self.busy_us += pace.used_us
        if pace.used_us > self.longest_us:
            self.longest_us = pace.used_us
        if self.state != IDLE:
            return delay_us
        self.run_us = self._core.clock.now_us() - self._began_us
        pace.rest()
        self._trim()
        return DONE

    def _trim(self) -> None:
        """Have the C library give its free pages back."""
        host = self._core.host
        host.trim_aside()
        given: i64 = self._resident_before - host.resident_bytes()
        self.returned_bytes = given if given > 0 else 0

    def _step(self) -> i64:
        """A few microseconds of work; returns how much it was."""
        if self.state == CENSUS:
            if self._census is None or self._census.step(POOLS_PER_STEP):
                self._end_census()
            return POOLS_PER_STEP
        if self.state == MOVING:
            if self._walk is None or not self._settings.enabled or self._walk.step(ELEMENTS_PER_STEP):
                self._end_walk()
            return ELEMENTS_PER_STEP
        if self._steering is None or self._steering.drop_plugs(PLUGS_PER_STEP):
            self._end_pass()
        return PLUGS_PER_STEP

    def _begin_census(self) -> None:
        self._close_memory()
        self._memory = PoolMemory()
        self._census = HeapCensus(process_heap.read_regions(), self._memory.header)
        self.state = CENSUS

    def _end_census(self) -> None:
        """See what the last pass has achieved, and whether another one pays."""
        arenas: list[Arena] = self._census.arenas() if self._census is not None else []
        self._census = None  # and its objects go when this is over: they lie in the holes that are to be emptied
        self._judge_victims(arenas)
        victims = choose_victims(arenas, self._pinned)
        if not self._settings.enabled or self._passes >= MOST_PASSES or not _pays(victims, arenas):
            self._end_run(arenas)
            return
        self._victims = vec[i64]([int(arena.first_pool) for arena in victims])
        self._passes += 1
        self.passes += 1
        self._steering = Steering(self._core.allocator, victims, arenas, self._memory)
        self._walks = 0
        self._begin_walk()
        self.state = MOVING

    def _judge_victims(self, arenas: list[Arena]) -> None:
        """Count the victims of the last pass that are gone; of the others remember what did not move."""
        if len(self._victims) == 0:
            return
        left: dict[int, int] = {}
        for arena in arenas:
            left[arena.first_pool] = arena.live_bytes
        for victim in self._victims:
            first_pool = int(victim)
            live = left.get(first_pool, 0)
            if live > 0:
                self._pinned[first_pool] = live
            else:
                self.emptied += 1
                self._pinned.pop(first_pool, None)
        self._victims = vec[i64]()

    def _begin_walk(self) -> None:
        steering = self._steering
        assert steering is not None, "there are victims"
        self._moved_before = steering.moved
        self._postponed_before = steering.postponed
        for show in self._others:
            show(steering)
        self._walk = KeyspaceWalk(self._core.keyspace, steering)
        self._walks += 1

    def _end_walk(self) -> None:
        steering = self._steering
        assert steering is not None, "there are victims"
        found = steering.moved - self._moved_before + steering.postponed - self._postponed_before
        if self._settings.enabled and self._walks < MOST_WALKS and found >= FEW:
            self._begin_walk()
            return
        self.moved += steering.moved
        self.plugs += steering.plugged
        self._walk = None
        self.state = RELEASING

    def _end_pass(self) -> None:
        self._steering = None
        self._begin_census()

    def _close_memory(self) -> None:
        if self._memory is not None:
            self._memory.close()
            self._memory = None

    def _end_run(self, arenas: list[Arena]) -> None:
        self._close_memory()
        for database in self._core.keyspace.databases:
            database.compact_tables()
        live: i64 = 0
        for arena in arenas:
            live += arena.live_bytes
        self._futile_waste = len(arenas) * ARENA_BYTES - live
        self._figures = None
        self.state = IDLE


def _pays(victims: list[Arena], arenas: list[Arena]) -> bool:
    """Whether enough arenas are given back, those counted that the objects move to."""
    moving: i64 = 0
    for arena in victims:
        moving += arena.live_bytes
    gain = len(victims) - (moving + ARENA_ROOM - 1) // ARENA_ROOM
    return gain >= LEAST_GAIN and gain * 100 >= len(arenas) * WORTHWHILE
