"""What all databases of a server share: the time, the access clocks, the policies, the counters, the events.

A database takes this object and nothing else of its keyspace. :class:`pyredmem.keyspace.keyspace.Keyspace` is the same
object with the databases added, so whoever holds a keyspace reads and sets the fields below on it.
"""

from __future__ import annotations

from mypy_extensions import i32, i64

from pyredmem.base.rng import Random
from pyredmem.keyspace import access
from pyredmem.keyspace.block_layout import BlockLayout
from pyredmem.keyspace.changes import Changes
from pyredmem.keyspace.lazyfree_queue import LazyFreeQueue
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.object import SHARED_REFERENCE_COUNT, RedisObject
from pyredmem.structures.look_ahead import LookAhead


class DeletionTimer:
    """Is called when the deletion of an expired key begins and ends. This one does nothing."""

    def start(self) -> None:
        """A key is about to be deleted."""

    def stop(self) -> None:
        """The key is deleted."""


class SharedState:
    """The fields that every database of a server reads and writes."""

    def __init__(self, rng: Random, layout: BlockLayout) -> None:
        allocator = layout.allocator
        self.allocator = allocator
        self.rng = rng
        self.changes = Changes()
        self.layout = layout
        self.heap_strings = layout.strings
        self._longest: i64 = layout.strings.longest  # in the heap, while there is no snapshot
        self.strings = layout.create_string_factory()
        self.limits = EncodingLimits()
        self.lazyfree = LazyFreeQueue(allocator)
        self.look_ahead = LookAhead()
        # Which deletions free large values lazily: the lazyfree-* settings.
        self.lazy_eviction = False
        self.lazy_expire = False
        self.lazy_server_del = False  # a command replaces a value, or deletes a key that was not its argument
        self.lazy_user_del = False
        self.lazy_user_flush = False
        self.now_us: i64 = 0  # the time of the running command, unix microseconds
        self.lru_clock: i32 = 0  # 24 bits, in seconds
        self.lfu_minutes: i64 = 0  # 16 bits
        self.lfu_policy = False  # maxmemory-policy is one of the LFU policies
        self.lfu_decay_time: i64 = 1
        self.lfu_log_factor: i64 = 10
        self.is_replaying = False  # an append-only file is being loaded: nothing has expired, see `expiry_us`
        self.stands_still = False  # CLIENT PAUSE: expired keys are hidden, but not deleted
        self.no_touch = False  # CLIENT NO-TOUCH: the client does not mark keys as used
        self.snapshots: i64 = 0  # of all databases; each has an image of each database
        #: Neither lfu_policy nor no_touch nor snapshots, the usual case: one test instead of three.
        self.only_tracks_lru = True
        self.hits: i64 = 0
        self.misses: i64 = 0
        self.expired: i64 = 0
        self.expiry_timer = DeletionTimer()  # another one while the latency monitor is on
        self.expired_fields: i64 = 0

    # Time and access.

    def now_ms(self) -> i64:
        """The time of the running command, unix milliseconds."""
        return self.now_us // 1000

    def expiry_us(self) -> i64:
        """The time by which keys and fields have expired or not, unix microseconds.

        While an append-only file is replayed, none has: its commands ran before these times had come.
        """
        return 0 if self.is_replaying else self.now_us

    def is_past(self, when_ms: i64) -> bool:
        """Whether an expire time has come already, so that a command that sets it deletes."""
        return when_ms <= self.expiry_us() // 1000

    def update_clocks(self) -> None:
        """Set the access clocks. The timer calls this at each tick, as in Redis."""
        now_ms = self.now_ms()
        self.lru_clock = i32(access.lru_clock(now_ms))
        self.lfu_minutes = access.lfu_minutes(now_ms)

    def set_policy(self, lfu: bool) -> None:
        """Choose whether access fields are read and written as LFU or as LRU."""
        self.lfu_policy = lfu
        self._choose_tracking()

    def set_no_touch(self, no_touch: bool) -> None:
        """Choose whether the client that runs commands leaves access fields alone."""
        self.no_touch = no_touch
        self._choose_tracking()

    def count_snapshots(self, change: i64) -> None:
        """Note that there are more snapshots, or fewer. While there is one, no string goes into the heap."""
        self.snapshots += change
        self.heap_strings.longest = self._longest if self.snapshots == 0 else -1
        self._choose_tracking()

    def _choose_tracking(self) -> None:
        self.only_tracks_lru = not self.lfu_policy and not self.no_touch and self.snapshots == 0

    def used_now(self, field: i64) -> i64:
        """The access field of a value that is used now, and had ``field`` before; by LFU, it counts one more use."""
        if self.no_touch:
            return field
        if not self.lfu_policy:
            return i64(self.lru_clock)
        return access.lfu_used(field, self.lfu_minutes, self.lfu_decay_time, self.lfu_log_factor, self.rng)

    def new_access(self) -> i64:
        """The access field of a value that is created now."""
        return self.lfu_minutes << 8 | access.LFU_INITIAL if self.lfu_policy else i64(self.lru_clock)

    def mark_created(self, value: RedisObject) -> None:
        """Give a new value its first access field; shared values keep theirs."""
        if value.refcount != SHARED_REFERENCE_COUNT:
            value.lru = i32(self.new_access()) if self.lfu_policy else self.lru_clock

    def mark_shared_integers(self) -> None:
        """Give all shared integers the access field of a value that is created now, as Redis does at its start."""
        self.strings.integers.unused_lru = i32(self.new_access())

    # Counters.

    def reset_statistics(self) -> None:
        """Set the counters of lookups and expired keys to zero (CONFIG RESETSTAT)."""
        self.hits = 0
        self.misses = 0
        self.reset_expired()

    def reset_expired(self) -> None:
        self.expired = 0
        self.expired_fields = 0
