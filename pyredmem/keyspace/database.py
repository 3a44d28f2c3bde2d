"""One numbered database: its keys, their values, their expire times.

Lookups come in Redis's kinds: ``read`` counts a hit or a miss and marks the value as used, ``write`` marks it only,
``peek`` does neither. All of them delete a key whose time is over before they answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from librt.vecs import vec
from mypy_extensions import i64

from pyredmem.keyspace import events
from pyredmem.keyspace.due_keys import DueKeys
from pyredmem.keyspace.tables import DetachedTables, ExpireTable, KeyTable
from pyredmem.objects.field_times import NEVER
from pyredmem.objects.hash import HashObject
from pyredmem.objects.object import RedisObject, decr_ref_count
from pyredmem.objects.string import BufferString, StringObject

if TYPE_CHECKING:
    from pyredmem.keyspace.keyspace import Keyspace

#: The answer of ``expire_time`` for a key without one.
NO_EXPIRE: Final = -1


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
        if keyspace.recorder is not None:
            keyspace.recorder.deleted(self.index, [b"UNLINK" if keyspace.lazy_expire else b"DEL", key])
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
