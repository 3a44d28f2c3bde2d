"""One numbered database: its keys, their values, their expire times.

Lookups come in Redis's kinds: ``read`` counts a hit or a miss and marks the value as used, ``write`` marks it only,
``peek`` does neither. All of them delete a key whose time is over before they answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from librt.vecs import append, vec
from mypy_extensions import i64

from pyredmem.keyspace import events
from pyredmem.keyspace.due_keys import DueKeys
from pyredmem.keyspace.lazyfree import Job
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.page_release import release_list_tail
from pyredmem.objects.field_times import NEVER
from pyredmem.objects.hash import HashObject
from pyredmem.objects.object import SHARED_REFERENCE_COUNT, RedisObject, decr_ref_count
from pyredmem.objects.string import BufferString, StringObject
from pyredmem.structures.dict import LARGE_ARRAY, Dict

if TYPE_CHECKING:
    from pyredmem.keyspace.keyspace import Keyspace

#: The answer of ``expire_time`` for a key without one.
NO_EXPIRE: Final = -1


class KeyTable(Dict):
    """Key to value."""

    def __init__(self, allocator: Allocator) -> None:
        super().__init__(allocator, owns_keys=True)
        self.values: list[RedisObject] = []

    def move_value(self, source: i64, target: i64) -> None:
        """Copy one value over another."""
        self.values[target] = self.values[source]

    def drop_last_value(self) -> None:
        """Forget the last value."""
        self.values.pop()

    def clear_values(self) -> None:
        """Forget all values."""
        self.values = []

    def dismantle_keys(self, limit: i64, freed: FreedBlocks, referred: list[RedisObject]) -> bool:
        """As :meth:`dismantle`, values included; those with another holder go to ``referred``.

        A large value is taken apart itself, in as many calls as it needs, before its key goes.
        """
        values = self.values
        before: i64 = len(freed)
        while len(values) > 0 and len(freed) - before < limit:
            value = values[-1]
            if value.refcount <= 1:
                value.refcount = 0
                if not value.dismantle(limit, freed):
                    return False
            elif value.refcount != SHARED_REFERENCE_COUNT:
                referred.append(value)
            else:
                before -= 1  # a look at the clock is due some time, also among numbers that are shared
            values.pop()
        if len(values) // LARGE_ARRAY != self.used // LARGE_ARRAY:
            release_list_tail(values)
        return self.dismantle(self.used - len(values), freed)


class ExpireTable(Dict):
    """Key to expire time in unix milliseconds; the keys are those of the main table."""

    def __init__(self, allocator: Allocator) -> None:
        super().__init__(allocator, owns_keys=False)
        self.when: vec[i64] = vec[i64]()

    def add(self, key: bytes, key_address: i64, when_ms: i64) -> None:
        """Give a time to a key that has none here."""
        self.step()
        slot = self.insert(key, key_address)
        if slot < len(self.when):
            self.when[slot] = when_ms
        else:
            self.when = append(self.when, when_ms)

    def move_value(self, source: i64, target: i64) -> None:
        """Copy one time over another."""
        self.when[target] = self.when[source]

    def trim_values(self) -> None:
        """Give back the memory of slots that are no longer used."""
        self.when = self.when[: self.used]

    def dismantle_arrays(self, freed: FreedBlocks) -> bool:
        """A large array of times goes before the others."""
        if len(self.when) > LARGE_ARRAY:
            if self.is_released(self.when, len(self.when) * 8):
                self.when = vec[i64]()
            return False
        return super().dismantle_arrays(freed)

    def clear_values(self) -> None:
        """Forget all times."""
        self.when = vec[i64]()


class DetachedTables(Job):
    """All keys that a database had."""

    def __init__(self, keys: KeyTable, expires: ExpireTable, due_keys: DueKeys) -> None:
        super().__init__(keys.used)
        self._keys = keys
        self._expires = expires
        self._due_keys = due_keys
        self._expires_gone = False
        self._referred: list[RedisObject] = []

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        """The expire times, then the keys with their values."""
        if not self._expires_gone:
            if self._due_keys.dismantle(limit):
                self._expires_gone = self._expires.dismantle(limit, freed)
            return False
        return self._keys.dismantle_keys(limit, freed, self._referred)

    def still_referred_to(self) -> list[RedisObject]:
        """Values that another key held as well."""
        return self._referred


class Database:
    """Keys, values and expire times."""

    def __init__(self, index: i64, keyspace: Keyspace) -> None:
        self.index: i64 = index
        self.keyspace = keyspace
        self.allocator = keyspace.allocator
        self.keys = KeyTable(keyspace.allocator)
        self.expires = ExpireTable(keyspace.allocator)
        self.average_ttl: i64 = 0  # ms, estimated by the active expire cycle
        self.expires_cursor: i64 = 0  # where that cycle goes on
        self.due_keys = DueKeys()  # of hashes with fields that expire

    # Lookup.

    def find(self, key: bytes) -> i64:
        """The slot of a key in ``keys``, -1 if it is not there or its time is over (it is deleted then)."""
        slot = self.keys.find(key)
        if slot >= 0 and self.expires.used > 0 and self._expire_if_due(key):
            return -1
        return slot

    def peek(self, key: bytes) -> RedisObject | None:
        """The value of a key, without marking it as used."""
        slot = self.find(key)
        if slot < 0:
            return None
        return self.keys.values[slot]

    def read(self, key: bytes) -> RedisObject | None:
        """The value of a key for a command that reads it: counts a hit or a miss."""
        keyspace = self.keyspace
        slot: i64 = self.keys.find(key)
        if slot >= 0 and self.expires.used > 0 and self._expire_if_due(key):
            slot = -1
        if slot < 0:
            keyspace.misses += 1
            if keyspace.events.listening:
                keyspace.events.notify(events.KEY_MISS, b"keymiss", self.index, key)
            return None
        keyspace.hits += 1
        value = self.keys.values[slot]
        if keyspace.tracks_lru:
            value.lru = keyspace.lru_clock
        elif not keyspace.no_touch:
            keyspace.mark_frequency(value)
        return value

    def inspect(self, key: bytes, tell_miss: bool = True) -> RedisObject | None:
        """The value of a key for a command that asks about it: counts a hit or a miss, does not mark it as used."""
        keyspace = self.keyspace
        slot = self.find(key)
        if slot < 0:
            keyspace.misses += 1
            if tell_miss:
                keyspace.events.notify(events.KEY_MISS, b"keymiss", self.index, key)
            return None
        keyspace.hits += 1
        return self.keys.values[slot]

    def random_key(self) -> bytes | None:
        """Any key with the same probability for each, None if there is none.

        While the data set stands still keys whose time is over stay; where there may be no others, one of them is given
        after a hundred tries, as in Redis.
        """
        keys = self.keys
        tries: i64 = 100
        while keys.used > 0:
            key = keys.keys[self.keyspace.rng.below(keys.used)]
            if self.find(key) >= 0:
                return key
            if self.keyspace.stands_still and self.expires.used == keys.used:
                tries -= 1
                if tries == 0:
                    return key
        return None

    def write(self, key: bytes) -> RedisObject | None:
        """The value of a key for a command that changes it."""
        slot = self.find(key)
        if slot < 0:
            return None
        value = self.keys.values[slot]
        self.keyspace.touch(value)
        return value

    # Change. None of these tells the events; the command does, when all is done.

    def add(self, key: bytes, value: RedisObject) -> None:
        """Add a key that is not there; the database takes over the caller's reference.

        The value counts as new, even one that another key held (Redis 7.2 dbAdd).
        """
        keyspace = self.keyspace
        keyspace.mark_created(value)
        keys = self.keys
        keys.step()
        keys.insert(key, 0)
        keys.values.append(value)
        if keyspace.events.listening:
            keyspace.events.notify(events.NEW, b"new", self.index, key)

    def replace(self, slot: i64, value: RedisObject) -> None:
        """Put a new value in the place of an old one; the access field goes over to it."""
        values = self.keys.values
        old = values[slot]
        if old is value:
            return
        if value.refcount == 1:
            value.lru = old.lru
        values[slot] = value
        if self.keyspace.lazy_server_del:
            self.keyspace.lazyfree.submit(old)
        else:
            decr_ref_count(old, self.allocator)

    def unshare(self, slot: i64, value: StringObject) -> BufferString:
        """The string of a slot in the form that can be modified in place (Redis 7.2 dbUnshareStringValue)."""
        buffer = self.keyspace.strings.unshare(value)
        if buffer is not value:
            self.keys.values[slot] = buffer
        return buffer

    def set(self, key: bytes, value: RedisObject, keep_ttl: bool = False) -> None:
        """Let a key hold ``value``, whatever it held; its expire time goes unless it is kept."""
        slot = self.find(key)
        if slot < 0:
            self.add(key, value)
            return
        self.keyspace.touch(self.keys.values[slot])
        self.replace(slot, value)
        if not keep_ttl and self.expires.used > 0:
            self.persist(key)

    def delete(self, key: bytes, lazily: bool = False) -> bool:
        """Delete a key; False if it was not there (or its time was over). ``lazily``: a large value goes later."""
        slot = self.find(key)
        if slot < 0:
            return False
        self._remove(slot, key, lazily)
        return True

    def evict(self, slot: i64, expiring: i64, key: bytes, lazily: bool) -> None:
        """Delete the key in a slot of ``keys`` to make room, whether its time is over or not.

        ``expiring`` is its slot in ``expires``, -1 if that is not known.
        """
        if expiring < 0:
            self._remove(slot, key, lazily)
            return
        self.expires.step()
        self.expires.remove(expiring)
        self._remove_persistent(slot, key, lazily)

    def take(self, key: bytes) -> RedisObject | None:
        """Delete a key but keep its value, for another key to hold; the caller owns the reference."""
        slot = self.find(key)
        if slot < 0:
            return None
        value = self.keys.values[slot]
        self.persist(key)
        if self.due_keys.count > 0:
            self.due_keys.forget(key)
        self.keys.remove(slot)
        return value

    def _remove(self, slot: i64, key: bytes, lazily: bool) -> None:
        if self.expires.used > 0:
            self.persist(key)
        self._remove_persistent(slot, key, lazily)

    def _remove_persistent(self, slot: i64, key: bytes, lazily: bool) -> None:
        if self.due_keys.count > 0:
            self.due_keys.forget(key)
        value = self.keys.values[slot]
        self.keys.remove(slot)
        if lazily:
            self.keyspace.lazyfree.submit(value)
        else:
            decr_ref_count(value, self.allocator)

    def clear(self) -> i64:
        """Delete all keys; returns how many there were."""
        removed = self.keys.used
        values = self.keys.values
        for value in values:
            decr_ref_count(value, self.allocator)
        self.keys.clear()
        self.expires.clear()
        self.due_keys.clear()
        self.average_ttl = 0
        self.expires_cursor = 0
        return removed

    def clear_lazily(self) -> i64:
        """Delete all keys, giving their memory back in the background; returns how many there were."""
        keys = KeyTable(self.allocator)
        keys.take_over(self.keys)
        keys.values, self.keys.values = self.keys.values, []
        expires = ExpireTable(self.allocator)
        expires.take_over(self.expires)
        expires.when, self.expires.when = self.expires.when, vec[i64]()
        removed = keys.used
        self.keyspace.lazyfree.add(DetachedTables(keys, expires, self.due_keys))
        self.due_keys = DueKeys()
        self.average_ttl = 0
        self.expires_cursor = 0
        return removed

    def swap(self, other: Database) -> None:
        """Exchange all content with another database."""
        self.keys, other.keys = other.keys, self.keys
        self.expires, other.expires = other.expires, self.expires
        self.due_keys, other.due_keys = other.due_keys, self.due_keys
        self.average_ttl, other.average_ttl = other.average_ttl, self.average_ttl
        self.expires_cursor, other.expires_cursor = other.expires_cursor, self.expires_cursor

    # Expire times, in unix milliseconds.

    def expire_time(self, key: bytes) -> i64:
        """When the key's time is over, -1 if it has no such time."""
        if self.expires.used == 0:
            return NO_EXPIRE
        slot = self.expires.find(key)
        return NO_EXPIRE if slot < 0 else self.expires.when[slot]

    def expire_at(self, key: bytes, when_ms: i64) -> None:
        """Give a key that is there an expire time."""
        slot = self.expires.find(key)
        if slot >= 0:
            self.expires.when[slot] = when_ms
            return
        main = self.keys.find(key)
        assert main >= 0, f"{key!r} is not in the database"
        # The very object of the main table: the key's bytes are in memory once.
        self.expires.add(self.keys.keys[main], i64(self.keys.key_addresses[main]), when_ms)

    def persist(self, key: bytes) -> bool:
        """Take the expire time away; False if there was none."""
        if self.expires.used == 0:
            return False
        slot = self.expires.find(key)
        if slot < 0:
            return False
        self.expires.remove(slot)
        return True

    def is_due(self, key: bytes) -> bool:
        """Whether the key's time is over."""
        slot = self.expires.find(key)
        return slot >= 0 and self.expires.when[slot] < self.keyspace.now_us // 1000

    def _expire_if_due(self, key: bytes) -> bool:
        if not self.is_due(key):
            return False
        if not self.keyspace.stands_still:
            self.delete_expired(key)
        return True

    def delete_expired(self, key: bytes) -> None:
        """Delete a key whose time is over."""
        slot = self.keys.find(key)
        keyspace = self.keyspace
        timer = keyspace.expiry_timer
        if timer is None:
            self._remove(slot, key, keyspace.lazy_expire)
        else:
            timer.start()
            self._remove(slot, key, keyspace.lazy_expire)
            timer.stop()
        keyspace.expired += 1
        keyspace.events.notify(events.EXPIRED, b"expired", self.index, key)
        keyspace.events.modified(self.index, key)

    # Audit.

    def addresses(self) -> list[int]:
        """Every ledger address this database owns, values included."""
        owned = self.keys.addresses() + self.expires.addresses()
        for value in self.keys.values:
            owned += value.addresses()
        return owned

    def check(self) -> None:
        """Assert the invariants."""
        self.keys.check()
        self.expires.check()
        assert len(self.keys.values) == self.keys.used
        assert len(self.expires.when) >= self.expires.used
        for slot, value in enumerate(self.keys.values):
            if isinstance(value, HashObject) and value.due_ms() != NEVER:
                key = self.keys.keys[slot]
                assert self.due_keys.when.get(key, NEVER) <= value.due_ms(), f"{key!r} has fields that expire unseen"
        for expiring, key in enumerate(self.expires.keys):
            slot = self.keys.find(key)
            assert slot >= 0, f"{key!r} has an expire time but is not there"
            assert self.expires.key_addresses[expiring] == self.keys.key_addresses[slot], f"{key!r} has two addresses"
