"""How keys leave a database: deleted by a command, evicted, or expired.

Snapshots and saves that go on see a value before it is freed. Nobody else is notified here, except of a key that has
expired.
"""

from __future__ import annotations

from mypy_extensions import i64

from pyredmem.keyspace.database_tables import DatabaseTables
from pyredmem.keyspace.tables import DetachedTables
from pyredmem.objects.object import RedisObject


class Removals(DatabaseTables):
    """A database whose keys can be removed."""

    def find_slot(self, key: bytes) -> i64:
        """The slot of a key in ``keys``, -1 if it does not exist or has expired (it is deleted then)."""
        slot: i64 = self.keys.find(key)
        if slot >= 0 and self.expires.used > 0 and self._expire_if_needed(key):
            return -1
        return slot

    def _expire_if_needed(self, key: bytes) -> bool:
        """Whether a key has expired; if so it is deleted, unless expired keys stay for now (CLIENT PAUSE)."""
        if not self.is_expired(key):
            return False
        if not self.shared.stands_still:
            self.delete_expired(key)
        return True

    def _slot_again(self, key: bytes) -> i64:
        """The slot of a key that was just found."""
        keys = self.keys
        slot = self._slot
        return slot if 0 <= slot < keys.used and keys.has_key(slot, key) else keys.find_rehashing(key)

    # Keys that commands delete, or that are evicted or expire.

    def delete(self, key: bytes, lazily: bool = False) -> bool:
        """Delete a key; False if it did not exist or has expired. ``lazily``: free a large value in the background."""
        slot = self.find_slot(key)
        if slot < 0:
            return False
        self._remove(slot, key, lazily)
        return True

    def delete_found(self, key: bytes, lazily: bool) -> None:
        """Delete a key that the running command has found, so it has not expired."""
        keys = self.keys
        if keys.rehash_index >= 0:
            keys.rehash(1)  # Redis looks the key up once more
        self._remove(self._slot_again(key), key, lazily)

    def discard(self, key: bytes, lazily: bool = False) -> bool:
        """Delete a key, expired or not, with no event; False if it did not exist.

        For a command that leaves nothing under its destination: to Redis 7.2 the key is deleted, not expired.
        """
        slot: i64 = self.keys.find(key)
        if slot < 0:
            return False
        self._remove(slot, key, lazily)
        return True

    def evict(self, slot: i64, lazily: bool) -> None:
        """Delete the key in a slot of ``keys`` to free memory, whether it has expired or not."""
        self._remove(slot, self.keys.key(slot), lazily)

    def evict_volatile(self, slot: i64, expire_slot: i64, lazily: bool) -> None:
        """As ``evict``, for a key whose slot in ``expires`` is known too, which saves a lookup."""
        key = self.keys.key(slot)
        if self.preservers:
            self.preserve_time(key)
        self.expires.step()
        self.expires.remove(expire_slot)
        self._remove_persistent(slot, key, lazily)

    def delete_expired(self, key: bytes) -> None:
        """Delete a key that has expired, and notify."""
        slot: i64 = self.keys.find(key)
        shared = self.shared
        timer = shared.expiry_timer
        timer.start()
        self._remove(slot, key, shared.lazy_expire)
        timer.stop()
        shared.expired += 1
        shared.changes.key_expired(self.index, key, shared.lazy_expire)

    def _remove(self, slot: i64, key: bytes, lazily: bool) -> None:
        if self.expires.used > 0:
            self.persist(key)
        self._remove_persistent(slot, key, lazily)

    def _remove_persistent(self, slot: i64, key: bytes, lazily: bool) -> None:
        """Delete a key without an expire time."""
        due_keys = self._due_keys
        if due_keys is not None and due_keys.count > 0:
            due_keys.forget(key)
        keys = self.keys
        word: i64 = keys.words[slot] if keys.entries is None else keys.word(slot)
        if self.preservers:
            self.preserve(key, keys.value(slot))
        if keys.sizes is not None:
            keys.count_off(word)
        keys.remove(slot)
        if word >= 0 or not lazily:
            keys.free_value(word)
        else:
            self.shared.lazyfree.submit(keys.take_object(word))

    # All keys at once.

    def clear(self) -> i64:
        """Delete all keys; returns how many there were."""
        self._preserve_all()
        removed = self.keys.used
        self.keys.free_values()
        self.keys.clear()
        self.expires.clear()
        if self._due_keys is not None:
            self._due_keys.clear()
        self.average_ttl = 0
        self.expires_cursor = 0
        return removed

    def clear_lazily(self) -> i64:
        """Delete all keys and free their memory in the background; returns how many there were."""
        self._preserve_all()
        self._lost_header = self.was_used()
        keys = self.shared.layout.create_key_table()
        keys.take_over(self.keys)
        keys.take_over_values(self.keys)
        expires = self.shared.layout.create_expire_table(keys)
        expires.take_over(self.expires)
        removed = keys.used
        due_keys = self.due_keys
        due_keys.free()
        self._due_keys = None
        self.shared.lazyfree.add(DetachedTables(keys, expires, due_keys))
        self.average_ttl = 0
        self.expires_cursor = 0
        return removed

    def swap(self, other: DatabaseTables) -> None:
        """Exchange all content with another database."""
        self.keys, other.keys = other.keys, self.keys
        self.expires, other.expires = other.expires, self.expires
        self._due_keys, other._due_keys = other._due_keys, self._due_keys
        self.preservers, other.preservers = other.preservers, self.preservers
        self.average_ttl, other.average_ttl = other.average_ttl, self.average_ttl
        self._lost_header, other._lost_header = other._lost_header, self._lost_header
        self.expires_cursor, other.expires_cursor = other.expires_cursor, self.expires_cursor

    # Snapshots and saves.

    def _preserve_all(self) -> None:
        if self.preservers:
            for slot, key in enumerate(self.keys.all_keys()):
                self.preserve(key, self.keys.value(slot))

    def put_twin(self, slot: i64, twin: RedisObject) -> None:
        """Let a twin take the place of a value."""
        for preserver in self.preservers:
            preserver.replaced(self.keys.key(slot), self.keys.value(slot), twin)
        self.keys.put(slot, twin)
