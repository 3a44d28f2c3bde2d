"""The queue of lazy free: large values that are freed in the background, and how far that has come.

A large value is not freed where it is deleted. It becomes a job, which is worked on in slices and in two steps::

    submit ->  waiting: jobs  -- dismantle -->  packets: addresses  -- settle -->  ledger
               engine's thread   any thread                            engine's thread

Dismantling drops the Python objects and notes their addresses in the ledger. It touches nothing but the job, so a
worker thread can do it beside the engine. Settling frees the addresses: only the engine's thread uses the ledger, whose
allocations therefore need no lock. As in Redis, an object is pending until its last block is freed.

A lock is held during each slice of dismantling. The engine's thread takes it only when it dismantles jobs itself,
because memory is short or because the ledger is audited.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from mypy_extensions import i64, mypyc_attr

from pyredmem.base.clock import Clock
from pyredmem.base.limits import UNLIMITED
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.objects.object import RedisObject, decr_ref_count

#: A value is freed at once unless its free effort is greater than this (Redis 7.2 lazyfree.c LAZYFREE_THRESHOLD).
EFFORT_THRESHOLD: Final = 64
#: Elements dismantled, and blocks freed, between two readings of the clock.
ELEMENTS_PER_LOOK: Final = 64
BLOCKS_PER_LOOK: Final = 32


@mypyc_attr(allow_interpreted_subclasses=True)
class Job:
    """Something to dismantle; it counts as ``objects`` in ``lazyfree_pending_objects``."""

    def __init__(self, objects: i64) -> None:
        self.objects: i64 = objects

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        """Remove about ``limit`` elements and add their blocks to ``freed``; returns whether nothing is left."""
        raise NotImplementedError

    def still_referred_to(self) -> list[RedisObject]:
        """Values in the job that something else refers to; each loses one reference when the job has ended."""
        return []


class ValueJob(Job):
    """One value that nothing refers to any more."""

    def __init__(self, value: RedisObject) -> None:
        super().__init__(1)
        self._value = value

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        return self._value.dismantle(limit, freed)


@mypyc_attr(allow_interpreted_subclasses=True)
class DismantlingLock:
    """The lock around a slice of dismantling; this one does nothing, for an engine without a worker thread."""

    def acquire(self) -> None:
        """Wait until no other thread dismantles."""

    def release(self) -> None:
        """Let other threads dismantle."""


class Packet:
    """The result of one slice of dismantling: blocks to free, and the job if the slice was its last."""

    def __init__(self) -> None:
        self.freed = FreedBlocks()
        self.ended: Job | None = None


class LazyFreeQueue:
    """The jobs of a keyspace, and the packets that they become."""

    def __init__(self, allocator: Allocator) -> None:
        self._allocator = allocator
        self.lock = DismantlingLock()
        self._waiting: deque[Job] = deque()
        self._packets: deque[Packet] = deque()
        self._settled: i64 = 0  # blocks of the first packet that are freed already
        self.pending: i64 = 0
        self.freed: i64 = 0
        #: Called when a job is added to an empty queue.
        self.on_work: Callable[[], None] | None = None

    def reset_statistics(self) -> None:
        """Count freed objects from zero."""
        self.freed = 0

    # The engine's thread adds jobs.

    def submit(self, value: RedisObject) -> None:
        """Drop a reference to a value. If it was the last one, free the value: in the background if it is large."""
        if value.refcount == 1 and value.free_effort() > EFFORT_THRESHOLD:
            value.refcount = 0
            self.add(ValueJob(value))
        else:
            decr_ref_count(value, self._allocator)

    def add(self, job: Job) -> None:
        had_none = len(self._waiting) == 0
        self.pending += job.objects
        self._waiting.append(job)
        if had_none and self.on_work is not None:
            self.on_work()

    # Any thread dismantles.

    def has_waiting(self) -> bool:
        """Whether there are jobs to dismantle."""
        return len(self._waiting) > 0

    def dismantle(self, clock: Clock, limit_us: i64) -> bool:
        """Dismantle jobs for ``limit_us`` microseconds; returns whether there is more to dismantle."""
        self.lock.acquire()
        try:
            return self._dismantle(clock, limit_us)
        finally:
            self.lock.release()

    def _dismantle(self, clock: Clock, limit_us: i64) -> bool:
        end_us = clock.now_us() + limit_us
        while len(self._waiting) > 0:
            job = self._waiting[0]
            packet = Packet()
            ended = job.dismantle(ELEMENTS_PER_LOOK, packet.freed)
            while not ended and clock.now_us() < end_us:
                ended = job.dismantle(ELEMENTS_PER_LOOK, packet.freed)
            if ended:
                packet.ended = job
                self._waiting.popleft()
            self._packets.append(packet)
            if clock.now_us() >= end_us:
                break
        return len(self._waiting) > 0

    # The engine's thread settles.

    def is_busy(self) -> bool:
        """Whether there is anything to dismantle or to settle."""
        return len(self._waiting) > 0 or len(self._packets) > 0

    def packets(self) -> int:
        """How many packets wait to be settled."""
        return len(self._packets)

    def settle(self, clock: Clock, limit_us: i64) -> bool:
        """Free blocks for ``limit_us`` microseconds; returns whether there are more to free."""
        end_us = clock.now_us() + limit_us
        while len(self._packets) > 0:
            if not self._settle_first(clock, end_us):
                return True
        return False

    def _settle_first(self, clock: Clock, end_us: i64) -> bool:
        """Free blocks of the first packet until ``end_us``; returns whether all of them are freed."""
        packet = self._packets[0]
        allocator = self._allocator
        addresses = packet.freed.addresses
        count: i64 = len(addresses)
        place = self._settled
        while place < count:
            stop = min(place + BLOCKS_PER_LOOK, count)
            while place < stop:
                allocator.free(i64(addresses[place]))
                place += 1
            if clock.now_us() >= end_us:
                self._settled = place
                return False
        self._settled = 0
        self._packets.popleft()
        job = packet.ended
        if job is not None:
            for value in job.still_referred_to():
                decr_ref_count(value, allocator)
            self.pending -= job.objects
            self.freed += job.objects
        return True

    def work(self, clock: Clock, limit_us: i64) -> bool:
        """Dismantle and settle for ``limit_us`` microseconds, in the engine's thread; returns whether work is left."""
        end_us = clock.now_us() + limit_us
        while self.is_busy():
            if not self.settle(clock, end_us - clock.now_us()) and self.has_waiting():
                self.dismantle(clock, min(end_us - clock.now_us(), limit_us // 4))
            if clock.now_us() >= end_us:
                break
        return self.is_busy()

    def drain(self, clock: Clock) -> None:
        """Dismantle and settle everything."""
        self.dismantle(clock, UNLIMITED)
        self.settle(clock, UNLIMITED)
