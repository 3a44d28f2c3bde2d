"""Values that are given back in the background, and how far that has come.

A large value is not freed where it is deleted. It becomes a job, which is worked on in slices, in two steps::

    submit ->  waiting: jobs  -- take_apart -->  packets: addresses  -- settle -->  ledger
               engine's thread   any thread                             engine's thread

Taking apart lets go of the Python objects and notes the ledger's addresses; it touches nothing but the job, so that a
worker thread can do it beside the engine. Settling frees the addresses; the ledger has one owner, the engine's thread,
and its allocation path takes no lock. Counted is as in Redis: objects pending until their last block is back.

The lock is held for a slice of taking apart. The engine's thread asks for it only where it takes the work over, because
memory is short or the ledger is to be audited.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from mypy_extensions import i64, mypyc_attr

from pyredmem.base.clock import Clock
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.objects.object import RedisObject, decr_ref_count

#: A value whose freeing is worth no more than this is freed at once (Redis 7.2 lazyfree.c LAZYFREE_THRESHOLD).
EFFORT_THRESHOLD: Final = 64
#: Elements taken apart, and blocks freed, between two looks at the clock.
ELEMENTS_PER_LOOK: Final = 64
BLOCKS_PER_LOOK: Final = 32
#: No limit of time.
ALL: Final = 1 << 62


@mypyc_attr(allow_interpreted_subclasses=True)
class Job:
    """Something to be taken apart; ``objects`` is what it counts as."""

    def __init__(self, objects: i64) -> None:
        self.objects: i64 = objects

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        """Take about ``limit`` elements out, their blocks into ``freed``; True when nothing is left."""
        raise NotImplementedError

    def still_referred_to(self) -> list[RedisObject]:
        """Values that were met but have another holder: one reference of each is to be given back."""
        return []


class ValueJob(Job):
    """One value that nobody holds any more."""

    def __init__(self, value: RedisObject) -> None:
        super().__init__(1)
        self._value = value

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        """Elements of the value."""
        return self._value.dismantle(limit, freed)


@mypyc_attr(allow_interpreted_subclasses=True)
class Turns:
    """Who may take apart: nobody else is there. A shell with a worker thread brings a lock."""

    def take(self) -> None:
        """Wait until nobody else takes apart."""

    def give(self) -> None:
        """Let others."""


class Packet:
    """What one slice of taking apart has brought: blocks to free, and the job if that was the last of it."""

    def __init__(self) -> None:
        self.freed = FreedBlocks()
        self.ended: Job | None = None


class LazyFree:
    """The jobs of a keyspace."""

    def __init__(self, allocator: Allocator) -> None:
        self._allocator = allocator
        self.turns = Turns()
        self._waiting: deque[Job] = deque()
        self._packets: deque[Packet] = deque()
        self._settled: i64 = 0  # blocks of the first packet that are freed
        self.pending: i64 = 0
        self.freed: i64 = 0
        #: Called when there is something to take apart and there was nothing before.
        self.on_work: Callable[[], None] | None = None

    def reset_statistics(self) -> None:
        """Count what is freed from zero."""
        self.freed = 0

    # The engine's thread hands over.

    def submit(self, value: RedisObject) -> None:
        """Give a reference to a value back; if it is the last one and the value is large, in the background."""
        if value.refcount == 1 and value.free_effort() > EFFORT_THRESHOLD:
            value.refcount = 0
            self.add(ValueJob(value))
        else:
            decr_ref_count(value, self._allocator)

    def add(self, job: Job) -> None:
        """Have something taken apart."""
        had_none = len(self._waiting) == 0
        self.pending += job.objects
        self._waiting.append(job)
        if had_none and self.on_work is not None:
            self.on_work()

    # Any thread takes apart.

    def has_waiting(self) -> bool:
        """Whether something is to be taken apart."""
        return len(self._waiting) > 0

    def take_apart(self, clock: Clock, limit_us: i64) -> bool:
        """Take jobs apart for so long; True if there is more to do."""
        self.turns.take()
        try:
            return self._take_apart(clock, limit_us)
        finally:
            self.turns.give()

    def _take_apart(self, clock: Clock, limit_us: i64) -> bool:
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
        """Whether anything is left to do."""
        return len(self._waiting) > 0 or len(self._packets) > 0

    def packets(self) -> int:
        """How many slices of taking apart are not settled."""
        return len(self._packets)

    def settle(self, clock: Clock, limit_us: i64) -> bool:
        """Free blocks for so long; True if there are more."""
        end_us = clock.now_us() + limit_us
        while len(self._packets) > 0:
            if not self._settle_first(clock, end_us):
                return True
        return False

    def _settle_first(self, clock: Clock, end_us: i64) -> bool:
        """Free blocks of the first packet; False if the time was up before its end."""
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
        """Do both for so long, in the engine's thread; True if there is more to do. For when memory is short."""
        end_us = clock.now_us() + limit_us
        while self.is_busy():
            if not self.settle(clock, end_us - clock.now_us()) and self.has_waiting():
                self.take_apart(clock, min(end_us - clock.now_us(), limit_us // 4))
            if clock.now_us() >= end_us:
                break
        return self.is_busy()

    def drain(self, clock: Clock) -> None:
        """Do everything that is left."""
        self.take_apart(clock, ALL)
        self.settle(clock, ALL)
