"""What the timer does for the keyspace, and the settings that say how (Redis 7.2 databasesCron).

At each tick: the slow expire cycle (`active_expiry`), a look whether tables have become too sparse, a millisecond of
moving buckets in tables under way. Between ticks, where the engine ends a batch: the fast expire cycle, when it is due.
The hot path sees one number of all this, ``Core.fast_cycle_due_us``.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.engine.active_expiry import ActiveExpiry
from pyredmem.engine.core import Core
from pyredmem.engine.latency import LatencyMonitor
from pyredmem.keyspace.database import Database

#: Databases looked at per tick for tables to shrink.
DATABASES_PER_TICK: Final = 16
REHASH_MS: Final = 1
BUCKETS_PER_STEP: Final = 100
#: With dynamic-hz the timer runs so often that a tick has no more clients than this to look after.
CLIENTS_PER_TICK: Final = 200
MAXIMUM_HZ: Final = 500


def frequency(hz: int, clients: int) -> int:
    """Ticks a second under dynamic-hz: the setting, doubled as often as the number of clients demands."""
    while clients // hz > CLIENTS_PER_TICK:
        hz *= 2
        if hz > MAXIMUM_HZ:
            return MAXIMUM_HZ
    return hz


class Maintenance:
    """The timer's work on the keyspace of one engine."""

    def __init__(self, core: Core, monitor: LatencyMonitor) -> None:
        self._core = core
        self._keyspace = core.keyspace
        self._active_expiry = ActiveExpiry(core, monitor)
        self.expiry = self._active_expiry.keys
        self._rehashing = True
        self._dynamic = True
        self._hz: i64 = 10  # as it is set
        self._shrink_next: i64 = 0  # databases
        self._rehash_next: i64 = 0
        core.settings.follow(("hz", "dynamic-hz", "activerehashing"), self._pace_changed)
        core.settings.follow(("lfu-log-factor", "lfu-decay-time"), self._frequency_changed)
        core.cron.every(0, self.tick)

    # Settings.

    def _pace_changed(self) -> None:
        settings = self._core.settings
        self._hz = settings.integer("hz")
        self._dynamic = settings.flag("dynamic-hz")
        self._rehashing = settings.flag("activerehashing")
        self._choose_frequency()

    def _frequency_changed(self) -> None:
        settings = self._core.settings
        self._keyspace.lfu_log_factor = settings.integer("lfu-log-factor")
        self._keyspace.lfu_decay_time = settings.integer("lfu-decay-time")

    # The timer.

    def tick(self) -> None:
        """What is done at each tick."""
        self._choose_frequency()
        self._active_expiry.tick()
        self._shrink()
        if self._rehashing:
            self._rehash()

    def before_sleep(self) -> None:
        """A fast expire cycle is due."""
        self._active_expiry.before_sleep()

    def _choose_frequency(self) -> None:
        hz = int(self._hz)
        if self._dynamic:
            hz = frequency(hz, len(self._core.sessions))
        self._core.cron.hz = hz
        self.expiry.hz = hz

    def _shrink(self) -> None:
        """Start to shrink what is filled below a tenth."""
        databases = self._keyspace.databases
        count: i64 = len(databases)
        left = count if count < DATABASES_PER_TICK else DATABASES_PER_TICK
        while left > 0:
            left -= 1
            database = databases[self._shrink_next]
            self._shrink_next = (self._shrink_next + 1) % count
            database.shrink_if_sparse()

    def _rehash(self) -> None:
        """Move buckets of the next database in which a rehash is in progress; it stays the next until that ends."""
        databases = self._keyspace.databases
        count: i64 = len(databases)
        left = count if count < DATABASES_PER_TICK else DATABASES_PER_TICK
        while left > 0:
            left -= 1
            database = databases[self._rehash_next]
            if database.is_rehashing():
                self._rehash_database(database)
                return
            self._rehash_next = (self._rehash_next + 1) % count

    def _rehash_database(self, database: Database) -> None:
        clock = self._core.clock
        start_ms = clock.now_us() // 1000
        while database.rehash(BUCKETS_PER_STEP):
            if clock.now_us() // 1000 - start_ms > REHASH_MS:
                return
