"""What a pattern of allocations does to the heaps of several allocators, with and without active defragmentation.

The pattern runs on a genuine engine in virtual time, with as many operations in a second as the pattern says. The
allocators are those of the setting ``mem-allocator``.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Final, NamedTuple

import numpy as np

from pyredmem.engine import figures
from pyredmem.lab.errors import PatternError
from pyredmem.lab.fragment_spec import (
    APPEND,
    DELETE,
    NEWEST,
    OLDEST,
    OVERWRITE,
    REPLACE,
    SET,
    WAIT,
    Pattern,
    Phase,
)
from pyredmem.lab.trace import Numbers
from pyredmem.lab.virtual_server import VirtualServer

_US: Final = 1_000_000
#: The allocators that are tried, and whether active defragmentation can work on them.
ALLOCATORS: Final = {"jemalloc": True, "jemalloc-lg4": True, "libc": False, "tcmalloc": False}
USUAL: Final = ("jemalloc", "libc", "tcmalloc")

Commands = list[list[bytes]]


class Point(NamedTuple):
    """The heap at one moment; sizes in bytes."""

    second: float  # of virtual time
    phase: int  # number of the phase, from 1
    keys: int
    used: int  # by the blocks
    active: int  # the pages in which they lie
    resident: int  # and with those that are free but have not been returned yet
    moved: int  # blocks that active defragmentation has moved so far


@dataclass
class Run:
    """The pattern on one allocator. There is a point for each second, and one at the end of each phase."""

    allocator: str
    defrag: bool
    points: list[Point] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What was tried, for a reader."""
        return f"{self.allocator} with activedefrag" if self.defrag else self.allocator

    def array(self, name: str) -> Numbers:
        """One figure of all points, by its name in `Point`."""
        return np.array([getattr(point, name) for point in self.points])

    def phase_ends(self) -> list[Point]:
        """The last point of each phase."""
        return list({point.phase: point for point in self.points}.values())


class _Workload:
    """The commands of a pattern, and which keys are there. Keys are numbers."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._keys: list[int] = []  # in the order in which they were set
        self._next = 0

    def commands(self, phase: Phase) -> Iterator[Commands]:
        """The commands of a phase, those of one operation at a time."""
        if phase.do == SET:
            for _ in range(phase.keys):
                yield [self._set(phase)]
        elif phase.do == REPLACE:
            for _ in range(phase.keys):
                yield [*self._delete_one(), self._set(phase)]
        elif phase.do == DELETE:
            chosen = self._chosen(phase)
            gone = set(chosen)
            self._keys = [key for key in self._keys if key not in gone]
            for key in chosen:
                yield [[b"DEL", _name(key)]]
        elif phase.do in {OVERWRITE, APPEND}:
            verb = b"SET" if phase.do == OVERWRITE else b"APPEND"
            for key in self._chosen(phase):
                yield [[verb, _name(key), self._value(phase)]]

    def _set(self, phase: Phase) -> list[bytes]:
        key = self._next
        self._next += 1
        self._keys.append(key)
        return [b"SET", _name(key), self._value(phase)]

    def _delete_one(self) -> Commands:
        """Delete a random key, if there is one. The last key takes its place in the order."""
        keys = self._keys
        if not keys:
            return []
        place = self._chance.randrange(len(keys))
        keys[place], keys[-1] = keys[-1], keys[place]
        return [[b"DEL", _name(keys.pop())]]

    def _chosen(self, phase: Phase) -> list[int]:
        """The keys that a phase is about."""
        count = round(phase.share * len(self._keys))
        if phase.order == OLDEST:
            return self._keys[:count]
        if phase.order == NEWEST:
            return self._keys[len(self._keys) - count :]
        return self._chance.sample(self._keys, count)

    def _value(self, phase: Phase) -> bytes:
        return b"x" * self._chance.randint(*phase.size)


def _name(key: int) -> bytes:
    return b"key:%d" % key


def run_pattern(pattern: Pattern, allocator: str, defrag: bool) -> Run:
    """Try a pattern on one allocator. Raises PatternError if active defragmentation cannot work on it."""
    if defrag and not ALLOCATORS[allocator]:
        raise PatternError(f"{allocator} has no active defragmentation")
    bench = _Bench(pattern, Run(allocator, defrag))
    try:
        for number, phase in enumerate(pattern.phases, 1):
            bench.do(number, phase)
    finally:
        bench.close()
    return bench.run


class _Bench:
    """A server in virtual time."""

    def __init__(self, pattern: Pattern, run: Run) -> None:
        self.run = run
        chosen = {"mem-allocator": run.allocator, "activedefrag": "yes" if run.defrag else "no"}
        self._server = VirtualServer([*pattern.settings.items(), *chosen.items()], pattern.seed)
        self._begin_us = int(self._server.now_us)
        self._workload = _Workload(pattern.seed)
        self._per_second = pattern.per_second
        self._operations = 0
        self._waited_us = 0
        self._look(1)

    def do(self, number: int, phase: Phase) -> None:
        """Do a phase, and add its points."""
        if phase.do == WAIT:
            self._waited_us += round(phase.seconds * _US)
            self._pass(number)
        for commands in self._workload.commands(phase):
            for words in commands:
                self._server.do(words)
            self._operations += 1
            self._pass(number)
        errors = self._server.other_errors() + ["OOM"] * self._server.refused
        if errors:
            raise PatternError(f"the server refused a command of phase {number}: {errors[0]}")
        if self.run.points[-1].phase != number or self.run.points[-1].second != self._second():
            self._look(number)

    def _second(self) -> float:
        return (int(self._server.now_us) - self._begin_us) / _US

    def _pass(self, phase: int) -> None:
        """Let the time come to what has been done, and add a point for each second."""
        end_us = self._begin_us + self._operations * _US // self._per_second + self._waited_us
        while (next_us := self._begin_us + (int(self._second()) + 1) * _US) <= end_us:
            self._server.pass_until(next_us)
            self._look(phase)
        self._server.pass_until(end_us)

    def _look(self, phase: int) -> None:
        allocator = self._server.engine.allocator
        self.run.points.append(
            Point(
                second=self._second(),
                phase=phase,
                keys=self._server.keyspace.databases[0].size(),
                used=int(allocator.allocated()),
                active=int(allocator.active()),
                resident=int(allocator.resident()),
                moved=self._server.engine.figures.value(figures.DEFRAG_HITS),
            )
        )

    def close(self) -> None:
        """Let go of the server."""
        self._server.close()


def try_pattern(
    pattern: Pattern,
    allocators: Sequence[str] = USUAL,
    jobs: int = 1,
    done: Callable[[], object] = lambda: None,
) -> list[Run]:
    """Try a pattern on allocators, and with active defragmentation where there is one. ``done`` is called after each.

    Raises PatternError.
    """
    cases = [(name, defrag) for name in allocators for defrag in ((False, True) if ALLOCATORS[name] else (False,))]
    runs: list[Run] = []
    if jobs == 1:
        for name, defrag in cases:
            runs.append(run_pattern(pattern, name, defrag))
            done()
        return runs
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for run in pool.map(run_pattern, [pattern] * len(cases), *zip(*cases, strict=True)):
            runs.append(run)
            done()
    return runs
