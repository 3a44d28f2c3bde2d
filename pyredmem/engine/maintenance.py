"""Maintenance of the keyspace by the timer, and the settings that control it (Redis 7.2 databasesCron).

Each tick starts the slow expire cycle (`active_expiry`), shrinks tables that have become too sparse, and spends a
millisecond on tables that are being rehashed. Between ticks the engine starts the fast expire cycle at the end of a
batch when one is due. All that the hot path sees of this is one number, ``Core.fast_cycle_due_us``.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.engine.active_expiry import ActiveExpiry
from pyredmem.engine.core import Core
from pyredmem.engine.latency import LatencyMonitor
from pyredmem.keyspace.database import Database

#: How many databases a tick checks for sparse tables.
DATABASES_PER_TICK: Final = 16
REHASH_MS: Final = 1
BUCKETS_PER_STEP: Final = 100
#: Under dynamic-hz the timer ticks so often that one tick need not visit more clients than this.
CLIENTS_PER_TICK: Final = 200
MAXIMUM_HZ: Final = 500


def frequency(hz: int, clients: int) -> int:
    """The ticks a second under dynamic-hz: the setting, doubled as often as the number of clients demands."""
    while clients // hz > CLIENTS_PER_TICK:
        hz *= 2
        if hz > MAXIMUM_HZ:
            return MAXIMUM_HZ
    return hz


class Maintenance:
    """Does the timer's work on the keyspace of one engine."""

    def __init__(self, core: Core, monitor: LatencyMonitor) -> None:
        self._core = core
        self._keyspace = core.keyspace
        self._active_expiry = ActiveExpiry(core, monitor)
        self.expiry = self._active_expiry.keys
        self._rehashing = True
        self._dynamic = True
        self._hz: i64 = 10  # as the setting says
        self._fit_next: i64 = 0  # the database whose tables are looked at next
        self._rehash_next: i64 = 0  # the database to check next for tables that are being rehashed
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
        """Do the work of one tick."""
        self._choose_frequency()
        self._active_expiry.tick()
        self._fit_tables()
        if self._rehashing:
            self._rehash()

    def before_sleep(self) -> None:
        """Start the fast expire cycle, which is due."""
        self._active_expiry.before_sleep()

    def _choose_frequency(self) -> None:
        hz = int(self._hz)
        if self._dynamic:
            hz = frequency(hz, len(self._core.sessions))
        self._core.cron.hz = hz
        self.expiry.hz = hz

    def _fit_tables(self) -> None:
        """Fit the tables of the next databases to their keys."""
        databases = self._keyspace.databases
        count: i64 = len(databases)
        left = count if count < DATABASES_PER_TICK else DATABASES_PER_TICK
        while left > 0:
            left -= 1
            database = databases[self._fit_next]
            self._fit_next = (self._fit_next + 1) % count
            database.fit_tables()

    def _rehash(self) -> None:
        """Rehash buckets of the next database that needs it; it stays the next one until its rehash has ended."""
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
