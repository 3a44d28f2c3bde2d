"""The memory limit, maxmemory: keys are evicted before commands and between them (Redis 7.2 evict.c).

Before each command the dispatcher compares the bytes in use with one number. If they exceed it, `MemoryLimit.make_room`
evicts keys for a slice of time, whose length follows from maxmemory-eviction-tenacity. There are three outcomes::

    within the limit     the command runs
    in progress          the command runs too; the next slices, between commands, evict the rest
    nothing to evict     the command is refused if it needs memory

The check comes *before* the command, so after it memory may exceed the limit by what this one command added.

Without maxmemory the limit is what the ledger can address.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.limits import UNLIMITED
from pyredmem.engine import figures
from pyredmem.engine.core import Core
from pyredmem.engine.latency import LatencyMonitor
from pyredmem.engine.tasks import DONE
from pyredmem.keyspace import eviction
from pyredmem.keyspace.eviction import Eviction
from pyredmem.structures.dict_tables import GrowthLimit

_SETTINGS: Final = ("maxmemory", "maxmemory-policy", "maxmemory-samples", "maxmemory-eviction-tenacity")
#: What a policy evicts, by the last part of its name.
_CRITERIA: Final = {
    "noeviction": eviction.NOEVICTION,
    "lru": eviction.LRU,
    "lfu": eviction.LFU,
    "ttl": eviction.TTL,
    "random": eviction.RANDOM,
}

#: The bytes that an argument takes beside its content: the object, the header, and what rounding adds.
ARGUMENT_BYTES: Final = 32
#: Check this many bytes early, because the ledger does not yet hold the command's arguments. (Larger arguments are in
#: it, as part of the query buffer.)
NEAR_BYTES: Final = 32768

# The outcomes of an attempt to keep to the limit.
_WITHIN: Final = 0
_IN_PROGRESS: Final = 1
_FAILED: Final = 2

#: Up to this tenacity slices grow in proportion to it, then by 15 % for each point; at 100 they have no limit
#: (Redis 7.2 evict.c).
_PROPORTIONAL_TENACITY: Final = 10
_US_PER_TENACITY: Final = 50
_GROWTH_PER_TENACITY: Final = 1.15
_UNLIMITED_TENACITY: Final = 100
#: A wait for lazy free lasts at least this long, or as long as a slice if that is shorter.
_SHORTEST_WAIT_US: Final = 1000


def slice_us(tenacity: int) -> int:
    """How long a command may have to wait for eviction, in microseconds."""
    if tenacity >= _UNLIMITED_TENACITY:
        return UNLIMITED
    if tenacity <= _PROPORTIONAL_TENACITY:
        return _US_PER_TENACITY * tenacity
    proportional = _US_PER_TENACITY * _PROPORTIONAL_TENACITY
    return int(proportional * _GROWTH_PER_TENACITY ** (tenacity - _PROPORTIONAL_TENACITY))


class MemoryLimit:
    """Keeps the memory of one engine within the limit that its settings give."""

    def __init__(self, core: Core, monitor: LatencyMonitor) -> None:
        self._core = core
        self._settings = core.settings
        self._keyspace = core.keyspace
        self._allocator = core.allocator
        self._clock = core.clock
        self._gates = core.gates
        self._monitor = monitor
        self.eviction = Eviction(core.keyspace, core.clock)
        self._growth = GrowthLimit()
        self._task = core.tasks.create(self._go_on)
        self._is_slicing = False  # the next slices run between commands
        self._maxmemory: i64 = 0  # 0: no limit but the address space
        self._limit_bytes: i64 = 0
        #: Bytes in use that do not count: the buffers of replicas and of the append-only file.
        self.not_counted_bytes: i64 = 0
        self._slice_us: i64 = 0
        self._over_since_us: i64 = 0  # when memory began to exceed the limit; 0 if it does not
        self._over_us: i64 = 0  # how long it exceeded the limit in earlier periods
        for database in core.keyspace.databases:
            database.limit_growth(self._growth)
        core.owners.register("eviction pool", self.eviction.addresses)
        self._provide_figures()
        core.settings.subscribe("maxmemory", self._limit_changed)
        core.settings.follow(_SETTINGS, self._configure)

    # Settings.

    def _configure(self) -> None:
        settings = self._settings
        self._maxmemory = settings.integer("maxmemory")
        addressable: i64 = self._allocator.addressable_bytes
        self._limit_bytes = self._maxmemory if 0 < self._maxmemory < addressable else addressable
        self._slice_us = slice_us(settings.integer("maxmemory-eviction-tenacity"))
        policy = settings.text("maxmemory-policy")
        criterion = _CRITERIA[policy.rpartition("-")[2]]
        self.eviction.set_policy(criterion, not policy.startswith("volatile"))
        self.eviction.samples = settings.integer("maxmemory-samples")
        self._keyspace.set_policy(criterion == eviction.LFU)
        # Keys that share a number as their value share its access field too.
        needs_own_field = criterion in {eviction.LRU, eviction.LFU}
        self._keyspace.strings.sharing = not (self._maxmemory > 0 and needs_own_field)
        self._growth.bytes = self._allowed_bytes()
        self._watch()

    def _limit_changed(self) -> None:
        """Evict, between commands, what a new limit has no room for, even if no command comes."""
        limit = self._settings.integer("maxmemory")
        if limit == 0:
            return
        used = self._allocator.used_memory - self.not_counted_bytes
        if used > limit:
            self._core.host.log(
                "warning",
                f"maxmemory is now {limit} bytes, less than the {used} bytes in use. Depending on maxmemory-policy, "
                "keys will be evicted or commands that need memory will be refused.",
            )
        self._start_slices()

    def _allowed_bytes(self) -> i64:
        """How many bytes may be in use."""
        return self._limit_bytes + self.not_counted_bytes

    def _watch(self) -> None:
        """Set the bytes in use above which the dispatcher calls: any, while the end of the excess is to be noticed."""
        if self._maxmemory > 0 and self._over_since_us > 0:
            self._gates.memory_alarm_bytes = -1
        else:
            self._gates.memory_alarm_bytes = self._limit_bytes - NEAR_BYTES

    # Figures.

    def _provide_figures(self) -> None:
        provide = self._core.figures.provide
        self._core.figures.on_reclaim_reset(self._reset_statistics)
        provide(figures.NOT_COUNTED_FOR_EVICTION, lambda: int(self.not_counted_bytes))
        provide(figures.EVICTED_KEYS, self._evicted)
        provide(figures.EVICTION_EXCEEDED_TOTAL_MS, self._exceeded_total_ms)
        provide(figures.EVICTION_EXCEEDED_MS, self._exceeded_ms)

    def _reset_statistics(self) -> None:
        self.eviction.reset_statistics()
        self._over_us = 0
        self._over_since_us = 0
        self._watch()

    def _evicted(self) -> int:
        return self.eviction.evicted

    def _exceeded_us(self) -> i64:
        if self._over_since_us == 0:
            return 0
        elapsed = self._clock.now_us() - self._over_since_us
        return elapsed if elapsed > 0 else 0  # the clock may have been set back

    def _exceeded_total_ms(self) -> int:
        return (self._over_us + self._exceeded_us()) // 1000

    def _exceeded_ms(self) -> int:
        return self._exceeded_us() // 1000

    # Keeping to the limit.

    def is_exceeded(self) -> bool:
        return self._allocator.used_memory > self._allowed_bytes()

    def make_room(self, argv: list[bytes]) -> bool:
        """Evict for a slice if memory exceeds the limit; returns false if commands that need memory must be refused.

        The arguments of the next command count too: Redis already has them in memory, the ledger has not.
        """
        arguments: i64 = 0
        for argument in argv:
            arguments += len(argument) + ARGUMENT_BYTES
        return self._attempt(self._keyspace.now_us, arguments) != _FAILED

    def _attempt(self, now_us: i64, arguments: i64) -> i64:
        if self._keyspace.stands_still:
            return _WITHIN
        result = self._evict(now_us, self._allowed_bytes() - arguments)
        if self._maxmemory > 0:
            self._note_period(result == _WITHIN)
        return result

    def _evict(self, start_us: i64, allowed: i64) -> i64:
        if self._allocator.used_memory <= allowed:
            return _WITHIN
        evicting = self.eviction
        if not evicting.evicts():
            return _FAILED
        watches_latency = self._monitor.threshold_ms > 0
        evicting.times_deletions = watches_latency
        outcome = evicting.run(allowed, start_us, self._slice_us)
        if outcome == eviction.OUT_OF_TIME:
            self._start_slices()
        elif outcome == eviction.NO_CANDIDATES:
            outcome = self._await_lazy_free(allowed, start_us)
        self._keyspace.now_us = self._clock.now_us()  # the command that waited for eviction begins now
        if watches_latency:
            self._observe(b"eviction-del", evicting.longest_deletion_us)
            self._observe(b"eviction-cycle", self._keyspace.now_us - start_us)
            evicting.longest_deletion_us = 0
        if outcome == eviction.NO_CANDIDATES:
            return _FAILED
        return _IN_PROGRESS if self._is_slicing else _WITHIN

    def _await_lazy_free(self, allowed: i64, start_us: i64) -> i64:
        """With nothing left to evict, wait for a while: lazy free may bring memory below the limit in time."""
        lazyfree = self._keyspace.lazyfree
        wait_start_us = self._clock.now_us()
        outcome: i64 = eviction.NO_CANDIDATES
        while lazyfree.pending > 0 and self._clock.now_us() - start_us < self._slice_us:
            if self.eviction.settle(allowed, min(self._slice_us, _SHORTEST_WAIT_US)):
                outcome = eviction.ENOUGH
                break
        self._observe(b"eviction-lazyfree", self._clock.now_us() - wait_start_us)
        return outcome

    def _observe(self, event: bytes, duration_us: i64) -> None:
        self._monitor.observe(event, duration_us // 1000, self._clock.now_us() // 1000000)

    def _note_period(self, is_within: bool) -> None:
        """Measure how long the limit is exceeded: ``is_within`` says whether it is not exceeded now."""
        if is_within == (self._over_since_us == 0):
            return
        if is_within:
            self._over_us += self._exceeded_us()
            self._over_since_us = 0
        else:
            self._over_since_us = self._clock.now_us()
        self._watch()

    # Slices between commands.

    def _start_slices(self) -> None:
        self._is_slicing = True
        self._task.wake(0)

    def _go_on(self) -> int:
        """Evict for a slice between commands; returns how long to wait for the next slice."""
        if self._attempt(self._clock.now_us(), 0) == _IN_PROGRESS:
            return 0
        self._is_slicing = False
        return DONE
