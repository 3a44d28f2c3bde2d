"""How full each arena of the interpreter's heap is, for somebody who watches.

Counting takes a system call for every pool. So it goes on in slices, one for each time that somebody asks, and what is
told is the latest complete count. Nobody asks, nothing is counted.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.engine.core import Core
from pyredmem.memory import process_heap
from pyredmem.memory.process_heap import HeapCensus, PoolMemory, read_regions

#: The places that one slice looks at: a part of a millisecond.
POOLS_PER_SLICE: Final = 256
#: The shortest time between two slices, however many ask.
_PAUSE_US: Final = 200_000
SHARED: Final = "the server shares its process with others"


class ArenaWatch:
    """Counts the live bytes of all arenas, again and again."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._obstacle: str | None = None  # None: not known yet
        self._census: HeapCensus | None = None
        self._due_us: i64 = 0
        self._used: list[int] = []

    def obstacle(self) -> str:
        """The reason why the arenas cannot be told; empty if they can."""
        known = self._obstacle
        if known is None:
            known = process_heap.obstacle() if self._core.host.owns_process() else SHARED
            self._obstacle = known
        return known

    def used(self) -> list[int]:
        """Bytes of the live blocks in each arena, by address; empty before the first count is complete."""
        now_us = self._core.clock.now_us()
        if now_us >= self._due_us:
            self._due_us = now_us + _PAUSE_US
            self._count()
        return self._used

    def _count(self) -> None:
        memory = PoolMemory()  # not kept: after a fork it would be that of another process
        try:
            census = self._census
            if census is None:
                census = HeapCensus(read_regions(), memory.header)
            else:
                census.read_with(memory.header)
            if census.step(POOLS_PER_SLICE):
                self._used = [int(arena.live_bytes) for arena in census.arenas()]
                census = None
            self._census = census
        finally:
            memory.close()
