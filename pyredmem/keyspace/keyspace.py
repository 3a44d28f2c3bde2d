"""All databases, and what they have in common: the time, the access clocks, the counters, the events."""

from __future__ import annotations

from mypy_extensions import i32, i64

from pyredmem.base.rng import Random
from pyredmem.keyspace import access
from pyredmem.keyspace.database import Database
from pyredmem.keyspace.events import KeyEvents
from pyredmem.keyspace.lazyfree import LazyFree
from pyredmem.memory.allocator import Allocator
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.object import SHARED_REFERENCE_COUNT, RedisObject
from pyredmem.objects.string_factory import StringFactory


class DeletionTimer:
    """Is told when the deletion of a key begins and ends, by who wants to know how long that takes."""

    def start(self) -> None:
        """A key is about to be deleted."""

    def stop(self) -> None:
        """It is gone."""


class Keyspace:
    """The databases of a server."""

    def __init__(self, allocator: Allocator, rng: Random, databases: i64) -> None:
        self.allocator = allocator
        self.rng = rng
        self.events = KeyEvents()
        self.strings = StringFactory(allocator)
        self.limits = EncodingLimits()
        self.lazyfree = LazyFree(allocator)
        # Who gives large values back in the background, as the settings say.
        self.lazy_eviction = False
        self.lazy_expire = False
        self.lazy_server_del = False  # a command that replaces a value, or deletes a key that it was not asked to
        self.lazy_user_del = False
        self.lazy_user_flush = False
        self.now_us: i64 = 0  # the time of the command that runs, unix microseconds
        self.lru_clock: i32 = 0  # 24 bits, in seconds
        self.lfu_minutes: i64 = 0  # 16 bits
        self.lfu_policy = False  # maxmemory-policy is one of the LFU policies
        self.lfu_decay_time: i64 = 1
        self.lfu_log_factor: i64 = 10
        self.stands_still = False  # CLIENT PAUSE: no key is deleted because its time is over
        self.no_touch = False  # the client that acts asked not to mark keys as used
        self.tracks_lru = True  # neither of the two: the usual case, in one test
        self.hits: i64 = 0
        self.misses: i64 = 0
        self.expired: i64 = 0
        self.expiry_timer: DeletionTimer | None = None  # while the latency monitor is on
        self.expired_fields: i64 = 0
        self.dirty: i64 = 0  # changes since the last save
        self.databases = [Database(index, self) for index in range(databases)]

    # Time and access.

    def now_ms(self) -> i64:
        """The time of the command that runs, unix milliseconds."""
        return self.now_us // 1000

    def update_clocks(self) -> None:
        """Set the access clocks, once per timer tick as Redis does."""
        now_ms = self.now_ms()
        self.lru_clock = i32(access.lru_clock(now_ms))
        self.lfu_minutes = access.lfu_minutes(now_ms)

    def set_policy(self, lfu: bool) -> None:
        """Say whether access fields are to be read and written as LFU."""
        self.lfu_policy = lfu
        self._choose_tracking()

    def set_no_touch(self, no_touch: bool) -> None:
        """Say whether the client that acts leaves access fields alone."""
        self.no_touch = no_touch
        self._choose_tracking()

    def _choose_tracking(self) -> None:
        self.tracks_lru = not self.lfu_policy and not self.no_touch

    def touch(self, value: RedisObject) -> None:
        """Mark a value as used now."""
        if self.tracks_lru:
            value.lru = self.lru_clock
        elif not self.no_touch:
            self.mark_frequency(value)

    def mark_frequency(self, value: RedisObject) -> None:
        """Count one more use of a value, LFU."""
        field = access.lfu_used(i64(value.lru), self.lfu_minutes, self.lfu_decay_time, self.lfu_log_factor, self.rng)
        value.lru = i32(field)

    def mark_created(self, value: RedisObject) -> None:
        """Give a new value its first access field; shared values keep theirs."""
        if value.refcount == SHARED_REFERENCE_COUNT:
            return
        if self.lfu_policy:
            value.lru = i32(self.lfu_minutes << 8 | access.LFU_INITIAL)
        else:
            value.lru = self.lru_clock

    def mark_shared_integers(self) -> None:
        """Give all shared integers the access field of a value that is created now, as Redis does at its start."""
        created_now = RedisObject(0)
        self.mark_created(created_now)
        self.strings.unused_lru = created_now.lru

    def reset_statistics(self) -> None:
        """Count from zero, CONFIG RESETSTAT."""
        self.hits = 0
        self.misses = 0
        self.reset_expired()

    def reset_expired(self) -> None:
        """Count what has expired from zero."""
        self.expired = 0
        self.expired_fields = 0

    # Whole keyspace.

    def size(self) -> i64:
        """Keys in all databases."""
        total: i64 = 0
        for database in self.databases:
            total += database.keys.used
        return total

    def flush(self, database: Database, lazily: bool = False) -> i64:
        """Delete all keys of a database; returns how many there were. ``lazily``: their memory is given back later."""
        self._mark_watched(database, database)
        removed = database.clear_lazily() if lazily else database.clear()
        self.dirty += removed
        self.events.flushed(database.index)
        return removed

    def swap(self, first: Database, second: Database) -> None:
        """Exchange the keys of two databases."""
        self._mark_watched(first, second)
        self._mark_watched(second, first)
        first.swap(second)
        self.events.swapped(first.index, second.index)

    def _mark_watched(self, database: Database, successor: Database) -> None:
        """Let the transactions fail that watch a key which is in a database, or in the one that comes in its place.

        What is over there is deleted beforehand: no key for anyone before, it is none afterwards.
        """
        if self.events.watching == 0:
            return
        for key in self.events.watched_keys(database.index):
            if database.keys.find(key) >= 0 or successor.find(key) >= 0:
                self.events.mark_watchers(database.index, key)

    def addresses(self) -> list[int]:
        """Every ledger address the keyspace owns."""
        owned: list[int] = []
        for database in self.databases:
            owned += database.addresses()
        return owned

    def check(self) -> None:
        """Assert the invariants of all databases."""
        for database in self.databases:
            database.check()
