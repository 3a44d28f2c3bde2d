"""Lazy free in an engine: the settings, the figures, and the task that gives blocks back to the ledger in slices.

With a shell that has a worker thread, that one takes the values apart and this task settles what it brings; without
one the task does both. A slice is short, so that no client waits for it, and the next one follows at once while nobody
else has anything to do; when commands keep coming the task leaves them the larger part of the time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from pyredmem.engine import figures
from pyredmem.engine.core import Core
from pyredmem.engine.memory_limit import MemoryLimit
from pyredmem.engine.session import Session
from pyredmem.engine.tasks import DONE
from pyredmem.engine.transaction import QueuedCommand
from pyredmem.keyspace.lazyfree import EFFORT_THRESHOLD, Job
from pyredmem.memory.freed_blocks import FreedBlocks

#: What a client may have to wait for a slice.
SLICE_US: Final = 200
#: Of one that comes late because commands took long: else what is deleted would pile up behind them.
LONGEST_SLICE_US: Final = 1000
#: From one slice to the next while clients are served.
BUSY_PAUSE_US: Final = 400

_SETTINGS: Final = (
    "lazyfree-lazy-eviction",
    "lazyfree-lazy-expire",
    "lazyfree-lazy-server-del",
    "lazyfree-lazy-user-del",
    "lazyfree-lazy-user-flush",
)


class UnrunCommands(Job):
    """What a client that is gone had queued for EXEC. Redis frees it at once, so it does not count as an object."""

    def __init__(self, queue: list[QueuedCommand], blocks: list[int]) -> None:
        super().__init__(0)
        self._queue = queue
        self._blocks = blocks

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        """Commands from the end, then their blocks."""
        queued: i64 = len(self._queue)
        if queued > 0:
            del self._queue[queued - limit if queued > limit else 0 :]
            return False
        blocks: i64 = len(self._blocks)
        first = blocks - limit if blocks > limit else 0
        freed.extend(self._blocks[first:])
        del self._blocks[first:]
        return first == 0


class LazyFreeing:
    """Sees to the jobs of the keyspace of one engine."""

    def __init__(self, core: Core, memory_limit: MemoryLimit) -> None:
        self._core = core
        self._memory_limit = memory_limit
        self._clock = core.clock
        self._settings = core.settings
        self._keyspace = core.keyspace
        self._lazyfree = core.keyspace.lazyfree
        self._task = core.tasks.create(self._slice)
        self._seen_reads: i64 = 0
        #: Wakes the shell's worker thread, if there is one.
        self.wake_worker: Callable[[], None] | None = None
        self._lazyfree.on_work = self._begin
        core.figures.provide(figures.LAZYFREE_PENDING, self._pending)
        core.figures.provide(figures.LAZYFREED, self._freed)
        core.figures.on_reclaim_reset(self._lazyfree.reset_statistics)
        for name in _SETTINGS:
            self._settings.subscribe(name, self._changed)
        self._changed()

    def _changed(self) -> None:
        flag = self._settings.flag
        keyspace = self._keyspace
        keyspace.lazy_eviction = flag("lazyfree-lazy-eviction")
        keyspace.lazy_expire = flag("lazyfree-lazy-expire")
        keyspace.lazy_server_del = flag("lazyfree-lazy-server-del")
        keyspace.lazy_user_del = flag("lazyfree-lazy-user-del")
        keyspace.lazy_user_flush = flag("lazyfree-lazy-user-flush")

    def _pending(self) -> int:
        return self._lazyfree.pending

    def _freed(self) -> int:
        return self._lazyfree.freed

    def _begin(self) -> None:
        """Something has been handed over."""
        if self.wake_worker is not None:
            self.wake_worker()
        else:
            self._task.wake(0)

    def is_awake(self) -> bool:
        """Whether the task will look for something to settle by itself."""
        return self._task.is_awake()

    def wake(self) -> None:
        """There is something to settle; called in the engine's thread."""
        self._task.wake(0)

    def _slice(self) -> int:
        """A slice of work; how long to wait for the next one."""
        lazyfree = self._lazyfree
        limit_us = SLICE_US + self._task.late_us // 2
        if limit_us > LONGEST_SLICE_US:
            limit_us = LONGEST_SLICE_US
        if self.wake_worker is None:
            more = lazyfree.work(self._clock, limit_us)
        else:
            more = lazyfree.settle(self._clock, limit_us)
        if not more:
            return DONE
        reads = self._core.stats.reads_processed
        hurries = reads == self._seen_reads or self._memory_limit.is_exceeded()
        self._seen_reads = reads
        return 0 if hurries else BUSY_PAUSE_US

    def take_queue(self, session: Session) -> None:
        """Take over a long queue of a client that is gone."""
        if len(session.transaction.queue) > EFFORT_THRESHOLD:
            self._lazyfree.add(UnrunCommands(session.transaction.give_queue_away(), session.memory.give_queue_away()))

    def drain(self) -> None:
        """Give everything back that is under way."""
        self._lazyfree.drain(self._clock)
