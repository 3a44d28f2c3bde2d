"""The task of lazy free: it settles, between commands, what the queue of the keyspace holds; also settings and figures.

In a server a worker thread dismantles the values and this task only frees their blocks. Without that thread the task
does both. A slice is short, so that no client waits long for it. While no client is served the next slice follows at
once; while commands keep coming the task leaves them the larger part of the time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from pyredmem.engine import figures
from pyredmem.engine.core import Core
from pyredmem.engine.memory_limit import MemoryLimit
from pyredmem.engine.session import Session
from pyredmem.engine.stats import Stats
from pyredmem.engine.tasks import DONE
from pyredmem.engine.transaction import QueuedCommand
from pyredmem.keyspace.lazyfree_queue import EFFORT_THRESHOLD, Job
from pyredmem.memory.freed_blocks import FreedBlocks

#: The length of a slice: clients wait at most this long for it.
SLICE_US: Final = 200
#: Upper bound for a slice. A slice that starts late is given more time, so that freeing keeps up with slow commands.
LONGEST_SLICE_US: Final = 1000
#: The pause between two slices while clients are served.
BUSY_PAUSE_US: Final = 400

_SETTINGS: Final = (
    "lazyfree-lazy-eviction",
    "lazyfree-lazy-expire",
    "lazyfree-lazy-server-del",
    "lazyfree-lazy-user-del",
    "lazyfree-lazy-user-flush",
)


class AbandonedQueue(Job):
    """The commands that a disconnected client had queued. Redis frees them at once, so they do not count as objects."""

    def __init__(self, queue: list[QueuedCommand], blocks: list[int]) -> None:
        super().__init__(0)
        self._queue = queue
        self._blocks = blocks

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        """The commands go first, from the end, then their blocks."""
        queued: i64 = len(self._queue)
        if queued > 0:
            del self._queue[queued - limit if queued > limit else 0 :]
            return False
        blocks: i64 = len(self._blocks)
        first = blocks - limit if blocks > limit else 0
        freed.extend(self._blocks[first:])
        del self._blocks[first:]
        return first == 0


class HurryRule:
    """Whether lazy free may do without its pauses: nobody would notice, or the memory is needed now.

    The task has one and the worker thread has one, each with its own memory of the last call. The worker reads
    ``reads_processed`` and ``used_memory`` while the engine's thread may change them. The race is benign: both are
    single numbers, read whole under the interpreter's lock, and one that is out of date only makes one pause too long
    or too short.
    """

    def __init__(self, stats: Stats, is_out_of_memory: Callable[[], bool]) -> None:
        self._stats = stats
        self._is_out_of_memory = is_out_of_memory
        self._seen_reads: i64 = 0

    def observe(self) -> bool:
        """True to go on without a pause: no client sent anything since the last call, or memory is above the limit."""
        reads = self._stats.reads_processed
        is_idle = reads == self._seen_reads
        self._seen_reads = reads
        return is_idle or self._is_out_of_memory()


class LazyFreeTask:
    """Works on the lazy free queue of one engine's keyspace."""

    def __init__(self, core: Core, memory_limit: MemoryLimit) -> None:
        self._core = core
        self._memory_limit = memory_limit
        self._clock = core.clock
        self._settings = core.settings
        self._keyspace = core.keyspace
        self._queue = core.keyspace.lazyfree
        self._task = core.tasks.create(self._slice)
        self._rule = self.new_rule()
        #: Wakes the worker thread of the shell, if it has one.
        self.wake_worker: Callable[[], None] | None = None
        self._queue.on_work = self._begin
        core.figures.provide(figures.LAZYFREE_PENDING, self._pending)
        core.figures.provide(figures.LAZYFREED, self._freed)
        core.figures.on_reclaim_reset(self._queue.reset_statistics)
        self._settings.follow(_SETTINGS, self._settings_changed)

    def new_rule(self) -> HurryRule:
        """The rule for the pauses, to be asked by one caller."""
        return HurryRule(self._core.stats, self._memory_limit.is_exceeded)

    def _settings_changed(self) -> None:
        flag = self._settings.flag
        keyspace = self._keyspace
        keyspace.lazy_eviction = flag("lazyfree-lazy-eviction")
        keyspace.lazy_expire = flag("lazyfree-lazy-expire")
        keyspace.lazy_server_del = flag("lazyfree-lazy-server-del")
        keyspace.lazy_user_del = flag("lazyfree-lazy-user-del")
        keyspace.lazy_user_flush = flag("lazyfree-lazy-user-flush")

    def _pending(self) -> int:
        return self._queue.pending

    def _freed(self) -> int:
        return self._queue.freed

    def _begin(self) -> None:
        """Called when a job has been added to an empty queue."""
        if self.wake_worker is not None:
            self.wake_worker()
        else:
            self._task.wake(0)

    def is_awake(self) -> bool:
        """Whether another slice is going to run."""
        return self._task.is_awake()

    def wake(self) -> None:
        """Run a slice soon: there is something to settle. Called in the engine's thread."""
        self._task.wake(0)

    def _slice(self) -> int:
        """Work for a slice; returns how long to wait for the next one."""
        queue = self._queue
        limit_us = SLICE_US + self._task.late_us // 2
        if limit_us > LONGEST_SLICE_US:
            limit_us = LONGEST_SLICE_US
        if self.wake_worker is None:
            more = queue.work(self._clock, limit_us)
        else:
            more = queue.settle(self._clock, limit_us)
        if not more:
            return DONE
        return 0 if self._rule.observe() else BUSY_PAUSE_US

    def take_queue(self, session: Session) -> None:
        """Free the queued commands of a disconnected client in the background if they are many."""
        if len(session.transaction.queue) > EFFORT_THRESHOLD:
            blocks = session.memory.queued_commands.give_away()
            self._queue.add(AbandonedQueue(session.transaction.give_queue_away(), blocks))

    def drain(self) -> None:
        """Free everything that is still in the queue."""
        self._queue.drain(self._clock)
