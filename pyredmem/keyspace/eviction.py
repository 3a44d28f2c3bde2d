"""Eviction: which key is deleted when memory is short, and the loop that deletes keys (Redis 7.2 evict.c).

To find the best victim, all keys would have to be kept in order. Instead a few keys are sampled and compared with the
best candidates of earlier samples, which wait in a *pool* of sixteen places, the worst candidate first::

    sample of 5:  idle 90 s, 3 s, 40 s, 1 s, 7 s
                                |
    pool          [ 12 s | 25 s | 40 s | 88 s | 90 s | ... ]  -> the last one is the victim
                    ^ is dropped when a better one arrives and no place is free

A score tells how good a victim a key is: how long it has been idle (LRU), how rarely it is used (LFU), how soon it
expires (TTL). The pool is kept from one run to the next and serves all databases. It holds keys and the scores that
they had when they were sampled: a key that was used since then may be evicted, a key that was deleted is skipped.

The caller says how much memory may stay in use and how long a run may take. This module knows neither the memory limit
nor its settings.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import extend, vec
from mypy_extensions import i32, i64

from pyredmem.base.clock import Clock
from pyredmem.keyspace import access
from pyredmem.keyspace.database import Database
from pyredmem.keyspace.keyspace import Keyspace
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.layout import sds_new_size
from pyredmem.structures.dict import Dict

POOL_SIZE: Final = 16
#: Keys of at most this length are kept in buffers that every pool has; a longer one is an allocation of its own.
KEY_BUFFER: Final = 255
#: The clock is read after this many victims.
VICTIMS_PER_LOOK: Final = 16

# What makes a good victim, in the words of maxmemory-policy.
NOEVICTION: Final = 0
LRU: Final = 1  # the key that has been idle longest
LFU: Final = 2  # the key that is used most rarely
TTL: Final = 3  # the key that expires first
RANDOM: Final = 4

# How a run ended.
ENOUGH: Final = 0  # no more memory is in use than is allowed
OUT_OF_TIME: Final = 1
NO_CANDIDATES: Final = 2

_LATEST: Final = (1 << 63) - 1


class EvictionPool:
    """The best candidates of all samples so far, in order of rising score."""

    def __init__(self, allocator: Allocator) -> None:
        self._allocator = allocator
        self.count: i64 = 0
        self.scores: vec[i64] = vec[i64]([0] * POOL_SIZE)
        self.databases: vec[i32] = vec[i32]([0] * POOL_SIZE)
        self.keys: list[bytes] = [b""] * POOL_SIZE
        self._copies: vec[i32] = vec[i32]([0] * POOL_SIZE)  # the ledger address of the copy of a long key

    def admits(self, score: i64) -> bool:
        """Whether a candidate with that score would get a place."""
        return self.count < POOL_SIZE or self.scores[0] < score

    def add(self, score: i64, database: i64, key: bytes) -> None:
        """Insert an admitted candidate before the first one whose score is not lower."""
        scores = self.scores
        databases = self.databases
        keys = self.keys
        copies = self._copies
        place: i64 = 0
        count = self.count
        while place < count and scores[place] < score:
            place += 1
        if count < POOL_SIZE:
            at = count
            while at > place:
                scores[at] = scores[at - 1]
                databases[at] = databases[at - 1]
                keys[at] = keys[at - 1]
                copies[at] = copies[at - 1]
                at -= 1
            self.count = count + 1
        else:
            self._free_copy(0)
            place -= 1
            at = 0
            while at < place:
                scores[at] = scores[at + 1]
                databases[at] = databases[at + 1]
                keys[at] = keys[at + 1]
                copies[at] = copies[at + 1]
                at += 1
        scores[place] = score
        databases[place] = i32(database)
        keys[place] = key
        copies[place] = i32(self._allocator.alloc(sds_new_size(len(key)))) if len(key) > KEY_BUFFER else 0

    def drop_best(self) -> None:
        """Remove the last candidate."""
        self.count -= 1
        self._free_copy(self.count)

    def _free_copy(self, place: i64) -> None:
        address: i64 = i64(self._copies[place])
        if address != 0:
            self._allocator.free(address)
            self._copies[place] = 0

    def addresses(self) -> list[int]:
        """Every ledger address that the pool owns, except its buffers: they are part of the empty server."""
        return [address for address in self._copies if address != 0]

    def check(self) -> None:
        """Assert the invariants."""
        scores = list(self.scores)[: self.count]
        assert scores == sorted(scores), f"the pool is out of order: {scores}"
        for place, address in enumerate(self._copies):
            is_long = place < self.count and len(self.keys[place]) > KEY_BUFFER
            assert (address != 0) == is_long, f"place {place} of the pool"


class Eviction:
    """Deletes keys until enough memory is free."""

    def __init__(self, keyspace: Keyspace, clock: Clock) -> None:
        self._keyspace = keyspace
        self._allocator = keyspace.allocator
        self._clock: Clock = clock
        self.pool = EvictionPool(keyspace.allocator)
        self._found: vec[i32] = vec[i32]([0] * POOL_SIZE)  # the slots of the latest sample
        self._next_database: i64 = 0  # of random victims
        # The policy.
        self._criterion: i64 = NOEVICTION
        self._from_all = True  # victims are drawn from all keys, not only from those with an expire time
        self.samples: i64 = 5
        # The chosen victim. Three fields and no object: evicting a key must not allocate memory.
        self._victim_database: Database = keyspace.databases[0]
        self._victim_slot: i64 = 0
        self._victim_expire_slot: i64 = 0  # only if victims are drawn from the keys with an expire time
        # The figures.
        self.evicted: i64 = 0
        self.times_deletions = False  # measure the longest deletion
        self.longest_deletion_us: i64 = 0

    def set_policy(self, criterion: i64, from_all: bool) -> None:
        """Choose what makes a good victim, and whether keys without an expire time may be victims."""
        self._criterion = criterion
        self._from_all = from_all

    def evicts(self) -> bool:
        """Whether the policy evicts keys at all."""
        return self._criterion != NOEVICTION

    def run(self, allowed_bytes: i64, start_us: i64, limit_us: i64) -> i64:
        """Evict until at most ``allowed_bytes`` are in use or ``limit_us`` have passed since ``start_us``.

        Returns how the run ended.
        """
        allocator = self._allocator
        keyspace = self._keyspace
        to_free = allocator.used_memory - allowed_bytes
        freed: i64 = 0
        victims: i64 = 0
        while freed < to_free:
            if not self._choose():
                return NO_CANDIDATES
            freed += self._delete_victim()
            victims += 1
            if victims % VICTIMS_PER_LOOK == 0:
                left_us = limit_us - (self._clock.now_us() - start_us)
                # What is freed in the background is not in `freed`.
                if keyspace.lazy_eviction and left_us >= 0 and self.settle(allowed_bytes, left_us):
                    return ENOUGH
                if self._clock.now_us() - start_us > limit_us:
                    return OUT_OF_TIME
        return ENOUGH

    def evict_key(self, database: Database, key: bytes) -> bool:
        """Evict one key, whatever the policy says; false if it does not exist."""
        slot = database.find_slot(key)
        if slot < 0:
            return False
        keyspace = self._keyspace
        database.evict(slot, keyspace.lazy_eviction)
        self.evicted += 1
        keyspace.changes.key_evicted(database.index, key, keyspace.lazy_eviction)
        return True

    def settle(self, allowed_bytes: i64, limit_us: i64) -> bool:
        """Work off lazy free here and now, for at most ``limit_us``; True if that frees enough."""
        self._keyspace.lazyfree.work(self._clock, limit_us)
        return self._allocator.used_memory <= allowed_bytes

    # The victim.

    def _delete_victim(self) -> i64:
        """Delete the chosen key; returns how many bytes this freed at once."""
        keyspace = self._keyspace
        database = self._victim_database
        keys = database.keys
        key = keys.key(self._victim_slot)
        start_us: i64 = self._clock.now_us() if self.times_deletions else 0
        before = self._allocator.used_memory
        keys.step()  # Redis looks the key up once more
        if self._from_all:
            database.evict(self._victim_slot, keyspace.lazy_eviction)
        else:
            database.evict_volatile(self._victim_slot, self._victim_expire_slot, keyspace.lazy_eviction)
        freed = before - self._allocator.used_memory
        if self.times_deletions:
            self._observe_deletion(self._clock.now_us() - start_us)
        self.evicted += 1
        keyspace.changes.key_evicted(database.index, key, keyspace.lazy_eviction)
        return freed

    def _observe_deletion(self, duration_us: i64) -> None:
        if duration_us > self.longest_deletion_us:
            self.longest_deletion_us = duration_us

    def _choose(self) -> bool:
        """Choose a victim; False if there are no candidates."""
        if self._criterion == RANDOM:
            return self._choose_random()
        while self._sample_all():
            if self._choose_best():
                return True
        return False

    def _choose_random(self) -> bool:
        """Choose a random key of the next database that has candidates."""
        databases = self._keyspace.databases
        count: i64 = len(databases)
        left = count
        while left > 0:
            left -= 1
            self._next_database = (self._next_database + 1) % count
            database = databases[self._next_database]
            table = self._candidates(database)
            if table.used > 0:
                self._take_victim(database, table.random_slot(self._keyspace.rng))
                return True
        return False

    def _choose_best(self) -> bool:
        """Choose the best candidate of the pool that still exists; it and all better ones leave the pool."""
        pool = self.pool
        databases = self._keyspace.databases
        while pool.count > 0:
            place = pool.count - 1
            key = pool.keys[place]
            database = databases[i64(pool.databases[place])]
            pool.drop_best()
            slot: i64 = self._candidates(database).find(key)
            if slot >= 0:
                self._take_victim(database, slot)
                return True
        return False

    def _take_victim(self, database: Database, slot: i64) -> None:
        """Choose the key in a slot of the table of candidates."""
        self._victim_database = database
        if self._from_all:
            self._victim_slot = slot
        else:
            self._victim_slot = database.keys.find(database.expires.key(slot))
            self._victim_expire_slot = slot

    def _candidates(self, database: Database) -> Dict:
        return database.keys if self._from_all else database.expires

    # Samples.

    def _sample_all(self) -> bool:
        """Sample each database into the pool; False if no database has candidates."""
        some = False
        for database in self._keyspace.databases:
            if self._from_all:
                if database.keys.used > 0:
                    some = True
                    self._sample(database, database.keys)
            elif database.expires.used > 0:
                some = True
                self._sample(database, database.expires)
        return some

    def _sample(self, database: Database, table: Dict) -> None:
        wanted = self.samples if self.samples < table.used else table.used
        while len(self._found) < wanted:
            self._found = extend(self._found, self._found)
        found = self._found
        count = table.sample(wanted, self._keyspace.rng, found)
        criterion = self._criterion
        if criterion == TTL:
            self._offer_by_time(database, found, count)
            return
        if criterion == LRU:
            self._offer_by_idle_time(database, found, count)
        else:
            self._offer_by_frequency(database, found, count)

    # One loop for each kind of score, because these are the innermost loops of eviction.

    def _offer_by_time(self, database: Database, found: vec[i32], count: i64) -> None:
        pool = self.pool
        place: i64 = 0
        while place < count:
            slot: i64 = i64(found[place])
            score = _LATEST - database.expires.word(slot)
            if pool.admits(score):
                pool.add(score, database.index, database.expires.key(slot))
            place += 1

    def _offer_by_idle_time(self, database: Database, found: vec[i32], count: i64) -> None:
        pool = self.pool
        keys = database.keys
        clock: i64 = i64(self._keyspace.lru_clock)
        place: i64 = 0
        while place < count:
            slot: i64 = i64(found[place])
            if not self._from_all:
                slot = keys.find(database.expires.key(slot))
            score = access.idle_ms(clock, keys.access(slot))
            if pool.admits(score):
                pool.add(score, database.index, keys.key(slot))
            place += 1

    def _offer_by_frequency(self, database: Database, found: vec[i32], count: i64) -> None:
        pool = self.pool
        keys = database.keys
        minutes = self._keyspace.lfu_minutes
        decay_time = self._keyspace.lfu_decay_time
        place: i64 = 0
        while place < count:
            slot: i64 = i64(found[place])
            if not self._from_all:
                slot = keys.find(database.expires.key(slot))
            score = access.LFU_MAXIMUM - access.lfu_decayed(keys.access(slot), minutes, decay_time)
            if pool.admits(score):
                pool.add(score, database.index, keys.key(slot))
            place += 1

    # Accounting.

    def score_name(self) -> bytes:
        """What the scores of ``candidates`` are; empty if the policy has none."""
        if self._criterion == LRU:
            return b"idle seconds"
        if self._criterion == LFU:
            return b"255 minus the access counter"
        return b"seconds to live" if self._criterion == TTL else b""

    def candidates(self, now_ms: i64) -> list[tuple[int, bytes, int]]:
        """Database, key and score of the candidates that wait in the pool, the next victim first."""
        pool = self.pool
        found: list[tuple[int, bytes, int]] = []
        if self._criterion in {NOEVICTION, RANDOM}:
            return found
        place = pool.count
        while place > 0:
            place -= 1
            score: i64 = pool.scores[place]
            if self._criterion == LRU:
                score //= 1000
            elif self._criterion == TTL:
                score = (_LATEST - score - now_ms) // 1000
            found.append((int(pool.databases[place]), pool.keys[place], int(score)))
        return found

    def reset_statistics(self) -> None:
        """Set the counter to zero."""
        self.evicted = 0

    def addresses(self) -> list[int]:
        """Every ledger address that eviction owns."""
        return self.pool.addresses()
