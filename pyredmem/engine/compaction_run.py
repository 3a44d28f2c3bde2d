"""One run of the compaction of the process's heap: a state machine with three phases in a cycle.

                    +------------------------------+
                    v                              |
    begin ---> Census ---> Moving ---> Releasing --+
                    |
                    +---> end: another pass would not pay

One way round is a pass. *Census* counts the live bytes of each arena and chooses the sparsest arenas as victims.
*Moving* walks through the keyspace and moves the objects that lie in victims; it walks at least twice, because commands
run between its steps (see `memory.steering`). *Releasing* drops the plugs, and then the empty arenas go back to the
operating system.

Each phase holds only what it needs, and its `step` returns the phase that goes on.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final

from librt.vecs import vec
from mypy_extensions import i64

from pyredmem.engine.defrag_pace import DefragSettings
from pyredmem.keyspace.compaction import KeyspaceWalk
from pyredmem.keyspace.keyspace import Keyspace
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.mover import Mover
from pyredmem.memory.process_heap import ARENA_BYTES, Arena, HeapCensus, PoolMemory, read_regions
from pyredmem.memory.steering import ARENA_ROOM, Steering, choose_victims

#: How much work one step does. The clock is read between two steps.
POOLS_PER_STEP: Final = 16
ELEMENTS_PER_STEP: Final = 8
PLUGS_PER_STEP: Final = 128
#: The most passes in a run, and the most walks in a pass.
MOST_PASSES: Final = 8
MOST_WALKS: Final = 12
#: A walk that finds fewer objects than this in victims is the last of its pass.
FEW: Final = 16
#: A pass pays if it frees at least this many arenas, and at least this many percent of all arenas.
LEAST_GAIN: Final = 2
WORTHWHILE: Final = 2


class CompactionTotals:
    """The counters of all runs since they were last reset."""

    def __init__(self) -> None:
        self.runs: i64 = 0
        self.passes: i64 = 0
        self.moved: i64 = 0
        self.plugs: i64 = 0
        self.emptied: i64 = 0

    def reset(self) -> None:
        self.runs = 0
        self.passes = 0
        self.moved = 0
        self.plugs = 0
        self.emptied = 0


class VictimRecord:
    """The victims of the last pass, and for every victim so far what could not be moved out. It outlives the run."""

    def __init__(self) -> None:
        # The first pools of the victims. They are numbers in one block: an object for each of them would be allocated
        # in a hole of a victim and keep that arena alive.
        self._victims: vec[i64] = vec[i64]()
        self._pinned: dict[int, int] = {}  # bytes that could not be moved, by the first pool of the victim

    def choose(self, arenas: list[Arena]) -> list[Arena]:
        return choose_victims(arenas, self._pinned)

    def note(self, victims: list[Arena]) -> None:
        """Note the victims of the pass that begins."""
        self._victims = vec[i64]([int(arena.first_pool) for arena in victims])

    def judge(self, arenas: list[Arena]) -> i64:
        """Compare the victims of the last pass with the arenas that exist now; returns how many victims were freed."""
        freed: i64 = 0
        live_bytes: dict[int, int] = {}
        if len(self._victims) > 0:
            for arena in arenas:
                live_bytes[arena.first_pool] = arena.live_bytes
        for victim in self._victims:
            first_pool = int(victim)
            left = live_bytes.get(first_pool, 0)
            if left > 0:
                self._pinned[first_pool] = left
            else:
                freed += 1
                self._pinned.pop(first_pool, None)
        self._victims = vec[i64]()
        return freed


class CompactionRun:
    """A run from its beginning to its end, in steps."""

    def __init__(
        self,
        allocator: Allocator,
        keyspace: Keyspace,
        settings: DefragSettings,
        others: list[Callable[[Mover], None]],
        victims: VictimRecord,
        totals: CompactionTotals,
    ) -> None:
        self.allocator = allocator
        self.keyspace = keyspace
        self.settings = settings
        self.others = others  # each shows a mover one more owner of bytes of requests
        self.victims = victims
        self.totals = totals
        self.memory = PoolMemory()
        self.passes: i64 = 0
        #: The bytes that the run could not free; known when it has ended.
        self.left_waste: i64 = 0
        self._phase: Phase | None = Census(self)
        totals.runs += 1

    def step(self) -> i64:
        """Work for a few microseconds; returns how much was done, in pools, elements or plugs."""
        phase = self._phase
        if phase is None:
            return 0
        self._phase = phase.step()
        return phase.effort

    def has_ended(self) -> bool:
        return self._phase is None

    def phase_name(self) -> str:
        return "idle" if self._phase is None else self._phase.name

    def held_plugs(self) -> int:
        return 0 if self._phase is None else self._phase.held_plugs()

    def end(self, arenas: list[Arena]) -> None:
        """Close what the run has open, and note what it could not free; ``arenas`` are those that are left."""
        self.memory.close()
        for database in self.keyspace.databases:
            database.compact_tables()
        live: i64 = 0
        for arena in arenas:
            live += arena.live_bytes
        self.left_waste = len(arenas) * ARENA_BYTES - live


class Phase(ABC):
    """A phase of a pass; ``effort`` is how much one step does."""

    def __init__(self, run: CompactionRun, name: str, effort: i64) -> None:
        self._run = run
        self.name = name
        self.effort: i64 = effort

    @abstractmethod
    def step(self) -> Phase | None:
        """Work for a few microseconds; returns the phase to go on with, None when the run has ended."""

    def held_plugs(self) -> int:
        return 0


class Census(Phase):
    """Counts what lives in each arena, then chooses the victims of the next pass or ends the run."""

    def __init__(self, run: CompactionRun) -> None:
        super().__init__(run, "census", POOLS_PER_STEP)
        self._census = HeapCensus(read_regions(), run.memory.header)

    def step(self) -> Phase | None:
        if not self._census.step(POOLS_PER_STEP):
            return self
        return self._begin_pass(self._census.arenas())

    def _begin_pass(self, arenas: list[Arena]) -> Phase | None:
        """Begin a pass if one pays. It must not keep ``arenas``, objects that lie in the very holes to be emptied."""
        run = self._run
        run.totals.emptied += run.victims.judge(arenas)
        victims = run.victims.choose(arenas)
        if not run.settings.enabled or run.passes >= MOST_PASSES or not pays(victims, arenas):
            run.end(arenas)
            return None
        run.victims.note(victims)
        run.passes += 1
        run.totals.passes += 1
        return Moving(run, Steering(run.allocator, victims, arenas, run.memory))


class Moving(Phase):
    """Walks through the keyspace and moves what lies in victims, until a walk finds next to nothing."""

    def __init__(self, run: CompactionRun, steering: Steering) -> None:
        super().__init__(run, "moving", ELEMENTS_PER_STEP)
        self._steering = steering
        self._walks: i64 = 0
        self._found_before: i64 = 0
        self._walk = self._begin_walk()

    def _begin_walk(self) -> KeyspaceWalk:
        self._walks += 1
        self._found_before = self._found()
        for show in self._run.others:
            show(self._steering)
        return KeyspaceWalk(self._run.keyspace, self._steering)

    def _found(self) -> i64:
        """How many objects were found in victims so far. One that could not be moved at once counts in each walk."""
        return self._steering.moved + self._steering.postponed

    def step(self) -> Phase | None:
        enabled = self._run.settings.enabled
        if enabled and not self._walk.step(ELEMENTS_PER_STEP):
            return self
        if enabled and self._walks < MOST_WALKS and self._found() - self._found_before >= FEW:
            self._walk = self._begin_walk()
            return self
        self._run.totals.moved += self._steering.moved
        self._run.totals.plugs += self._steering.plugged
        return Releasing(self._run, self._steering)

    def held_plugs(self) -> int:
        return _count_plugs(self._steering)


class Releasing(Phase):
    """Drops the plugs, arena by arena; the interpreter frees an arena when the last object in it is gone."""

    def __init__(self, run: CompactionRun, steering: Steering) -> None:
        super().__init__(run, "releasing", PLUGS_PER_STEP)
        self._steering = steering

    def step(self) -> Phase | None:
        return Census(self._run) if self._steering.drop_plugs(PLUGS_PER_STEP) else self

    def held_plugs(self) -> int:
        return _count_plugs(self._steering)


def _count_plugs(steering: Steering) -> int:
    return sum([len(plugs) for plugs in steering.plugs])


def pays(victims: list[Arena], arenas: list[Arena]) -> bool:
    """Whether it frees enough arenas to empty ``victims``, less the arenas that the moved objects will fill."""
    moving: i64 = 0
    for arena in victims:
        moving += arena.live_bytes
    gain = len(victims) - (moving + ARENA_ROOM - 1) // ARENA_ROOM
    return gain >= LEAST_GAIN and gain * 100 >= len(arenas) * WORTHWHILE
