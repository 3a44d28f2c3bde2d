"""The tables of a database: its keys with their values, and their expire times.

This is the lowest of the four layers of a :class:`Database`. It looks after the tables and answers questions about
them as they are: here no key expires, and nothing is counted.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.keyspace.due_keys import DueKeys
from pyredmem.keyspace.key_sizes import KeySizes
from pyredmem.keyspace.preserver import Preserver
from pyredmem.keyspace.shared import SharedState
from pyredmem.objects.field_times import NEVER
from pyredmem.objects.hash import HashObject
from pyredmem.objects.object import RedisObject
from pyredmem.structures.dict_report import table_report
from pyredmem.structures.dict_tables import GrowthLimit

#: What ``expire_time`` returns for a key without an expire time.
NO_EXPIRE: Final = -1


class DatabaseTables:
    """Keys, values and expire times."""

    def __init__(self, index: i64, shared: SharedState) -> None:
        self.index: i64 = index
        self.shared = shared
        self.allocator = shared.allocator
        self.keys = shared.layout.create_key_table()
        self.expires = shared.layout.create_expire_table(self.keys)
        self.average_ttl: i64 = 0  # ms, estimated by the active expire cycle
        self.expires_cursor: i64 = 0  # where that cycle continues
        self._due_keys: DueKeys | None = None
        self.preservers: tuple[Preserver, ...] = ()  # those of snapshots, and of saves that go on
        self._lost_header = False  # its table of keys had a header, which went with the table
        self._slot: i64 = -1  # where a key was last found, or added: saves what follows a lookup

    # All keys.

    def size(self) -> i64:
        """How many keys there are, expired ones that are not deleted yet included."""
        return self.keys.used

    def expiring(self) -> i64:
        """How many of the keys have an expire time."""
        return self.expires.used

    def hashes_with_times(self) -> i64:
        """How many hashes have fields that expire."""
        return 0 if self._due_keys is None else self._due_keys.count

    def has_due_fields(self, now_ms: i64) -> bool:
        """Whether there may be a hash with a field that has expired."""
        return self._due_keys is not None and self._due_keys.is_due(now_ms)

    @property
    def due_keys(self) -> DueKeys:
        """The keys of hashes with fields that expire. Made at its first use: few databases ever have such a hash."""
        if self._due_keys is None:
            self._due_keys = DueKeys()
            if self.allocator.sizes.has_timed_key_table:
                self._due_keys.count_in(self.allocator)
        return self._due_keys

    @due_keys.setter
    def due_keys(self, due_keys: DueKeys) -> None:
        self.drop_due_keys()
        self._due_keys = due_keys
        if self.allocator.sizes.has_timed_key_table:
            due_keys.count_in(self.allocator)

    def drop_due_keys(self) -> None:
        """Forget which keys have fields that expire: they are gone."""
        if self._due_keys is not None:
            self._due_keys.free()
            self._due_keys = None

    def all_keys(self) -> list[bytes]:
        """All keys, expired ones that are not deleted yet included."""
        return self.keys.all_keys()

    def scan(self, cursor: i64, count: int) -> tuple[int, list[bytes]]:
        """The next cursor, 0 at the end, and about ``count`` keys from a cursor on, expired ones included."""
        found: list[int] = []
        keys = self.keys
        cursor = keys.scan_some(cursor, count, found)
        return cursor, [keys.key(slot) for slot in found]

    # Expire times, in unix milliseconds.

    def expire_time(self, key: bytes) -> i64:
        """When a key expires, NO_EXPIRE if it never does."""
        if self.expires.used == 0:
            return NO_EXPIRE
        expires = self.expires
        slot: i64 = expires.find(key)
        if slot < 0:
            return NO_EXPIRE
        return expires.words[slot] if expires.entries is None else expires.word(slot)

    def expire_at(self, key: bytes, when_ms: i64) -> None:
        """Give a key that exists an expire time."""
        if self.preservers:
            self.preserve_time(key)
        slot = self.expires.find(key)
        if slot >= 0:
            self.expires.set_word(slot, when_ms)
            return
        main = self.keys.find(key)
        assert main >= 0, f"{key!r} is not in the database"
        if self.preservers and self.keys.needs_room_for_time(main):
            self.preserve(key, self.keys.value(main))
        # The very object of the main table: the key's bytes are in memory once.
        self.expires.add(self.keys.key(main), self.keys.timed_address(main), when_ms)

    def persist(self, key: bytes) -> bool:
        """Remove the expire time of a key; False if it had none."""
        if self.expires.used == 0:
            return False
        slot = self.expires.find(key)
        if slot < 0:
            return False
        if self.preservers:
            self.preserve_time(key)
        self.expires.remove(slot)
        return True

    def preserve(self, key: bytes, value: RedisObject) -> None:
        """Let those see a value who must see it before it changes or is freed."""
        for preserver in self.preservers:
            preserver.preserve(key, value)

    def preserve_time(self, key: bytes) -> None:
        """Let those see a key who must see it before its expire time changes."""
        for preserver in self.preservers:
            preserver.preserve_time(key)

    def is_expired(self, key: bytes) -> bool:
        """Whether a key has expired; it is not deleted."""
        expires = self.expires
        slot: i64 = expires.find(key)
        if slot < 0:
            return False
        when_ms: i64 = expires.words[slot] if expires.entries is None else expires.word(slot)
        return when_ms < self.shared.now_us // 1000 and not self.shared.is_replaying

    # The tables: their sizes and their upkeep.

    def expand(self, count: i64, expiring: i64) -> None:
        """Prepare the tables for ``count`` keys, of which ``expiring`` have an expire time."""
        self.keys.expand(count)
        self.expires.expand(expiring)

    def limit_growth(self, limit: GrowthLimit) -> None:
        """Let the tables grow only within a memory limit."""
        self.keys.growth_limit = limit
        self.expires.growth_limit = limit

    def fit_tables(self) -> None:
        """Start to shrink the tables that are filled below 10 percent; from Redis 8.2 on full ones grow.

        In Valkey one that was emptied and has a header gets a bucket again.
        """
        self.keys.shrink_if_sparse()
        self.expires.shrink_if_sparse()
        self.keys.reopen()
        self.expires.reopen()
        if self.allocator.sizes.timer_grows_tables:
            self.keys.grow_if_full()
            self.expires.grow_if_full()

    def is_rehashing(self) -> bool:
        """Whether a rehash of a table is in progress."""
        return self.keys.rehash_index >= 0 or self.expires.rehash_index >= 0

    def rehash(self, buckets: i64) -> bool:
        """Move at most ``buckets`` buckets of the table that is being rehashed; False when that rehash has ended."""
        table = self.keys if self.keys.rehash_index >= 0 else self.expires
        return table.rehash(buckets)

    def compact_tables(self) -> None:
        """Free what the arrays of the tables have beyond their use, if that is much."""
        self.keys.compact()
        self.expires.compact()

    def buckets(self) -> i64:
        """Buckets of the table of keys, of both tables during a rehash."""
        return self.keys.buckets()

    def expire_buckets(self) -> i64:
        """Buckets of the table of expire times, of both tables during a rehash."""
        return self.expires.buckets()

    def table_bytes(self) -> i64:
        """The requests for the buckets of the table of keys."""
        return self.keys.table_bytes()

    def expire_table_bytes(self) -> i64:
        """The requests for the buckets of the table of expire times."""
        return self.expires.table_bytes()

    def was_used(self) -> bool:
        """Whether the database ever had a key, of a server that makes the header of a table with the first one."""
        return self._lost_header or self.has_header()

    def has_header(self) -> bool:
        """Whether the table of keys has a header."""
        return self.keys.header_address != 0

    def has_expire_header(self) -> bool:
        """Whether the table of expire times has a header."""
        return self.expires.header_address != 0

    def tables_report(self, full: bool, tells_of_empty: bool) -> str:
        """DEBUG HTSTATS; ``full``: with the lengths of the chains; ``tells_of_empty``: of empty tables too."""
        text = ""
        for title, table in (("Dictionary", self.keys), ("Expires", self.expires)):
            text += f"[{title} HT]\n"
            if tells_of_empty or len(table) > 0:
                text += table_report(table, full)
        return text

    def key_sizes(self) -> KeySizes | None:
        """How many keys of each type have which size, if INFO has them."""
        return self.keys.sizes

    # Memory.

    def stored_value(self, key: bytes) -> RedisObject | None:
        """The value of a key, expired or not, for code that must not change anything by looking (MEMORY USAGE ...)."""
        slot: i64 = self.keys.find(key)
        return None if slot < 0 else self.keys.value(slot)

    def key_overhead(self, key: bytes) -> i64:
        """What MEMORY USAGE adds to what the value of a key says (bytes)."""
        slot = self.keys.find_rehashing(key)
        assert slot >= 0, f"{key!r} is not in the database"
        return self.keys.overhead(slot)

    def key_block_bytes(self, key: bytes) -> i64:
        """Bytes of the block that a key's name lies in."""
        slot = self.keys.find_rehashing(key)
        assert slot >= 0, f"{key!r} is not in the database"
        return self.allocator.usable(self.keys.key_address(slot))

    # Audit.

    def addresses(self) -> list[int]:
        """Every ledger address that this database owns, those of the values included."""
        return self.keys.addresses() + self.keys.value_addresses() + self.expires.addresses() + self._index_addresses()

    def _index_addresses(self) -> list[int]:
        return [] if self._due_keys is None else self._due_keys.addresses()

    def check(self) -> None:
        """Assert the invariants."""
        self.keys.check()
        self.expires.check()
        for slot, value in enumerate(self.keys.all_values()):
            if isinstance(value, HashObject) and value.due_ms() != NEVER:
                key = self.keys.key(slot)
                assert self.due_keys.when.get(key, NEVER) <= value.due_ms(), f"{key!r} has fields that expire unseen"
        for expiring, key in enumerate(self.expires.all_keys()):
            slot = self.keys.find(key)
            assert slot >= 0, f"{key!r} has an expire time but does not exist"
            assert self.expires.key_address(expiring) == self.keys.key_address(slot), f"{key!r} has two addresses"
