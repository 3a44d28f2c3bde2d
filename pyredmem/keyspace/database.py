"""One numbered database: its keys, their values, their expire times.

Commands see keys and values. The tables, their slots and their ledger addresses belong to this package alone. A
database has four layers, each with a module: the tables themselves (``database_tables``), how keys leave them
(``removals``), how they are looked up (``lookups``), and here how they are added and changed.

The door: a command that changes a value in place gets it from ``write`` or, if it has read it already, asks ``modify``
before the first change. Everything else that changes what a key holds, or when it expires, is a method of these layers
(``store_string``, ``set_string_part``, ``set``, ``replace_value``, ``delete``, ``expire_at`` ...), so that nothing
changes without the database knowing the key beforehand. Snapshots depend on that: ``preserve`` is called before a value
changes, and before it is freed. Where nobody has a snapshot this costs the hot lookups nothing, because ``write`` and
``store_string`` test for it together with other rare states (``SharedState.only_tracks_lru``).
"""

from __future__ import annotations

from mypy_extensions import i32, i64

from pyredmem.keyspace import events
from pyredmem.keyspace.database_tables import NO_EXPIRE
from pyredmem.keyspace.lookups import Lookups
from pyredmem.objects.heap_strings import NO_WORD, with_access
from pyredmem.objects.object import RedisObject
from pyredmem.objects.string import BufferString, StringObject


class Database(Lookups):
    """Keys, values and expire times.

    No method here notifies of a changed key; the command does, when all is done.
    """

    def add(self, key: bytes, value: RedisObject) -> None:
        """Add a key that does not exist; the database takes over the caller's reference.

        The value counts as new, even one that another key held (Redis 7.2 dbAdd).
        """
        self.load(key, value)
        self._notify_of_new(key)

    def load(self, key: bytes, value: RedisObject) -> None:
        """As ``add``, for a key that is read from a file: nobody is notified."""
        self.shared.mark_created(value)
        self._add_word(key, self.keys.word_for(value))

    def _add_word(self, key: bytes, word: i64) -> None:
        """Add a key that does not exist, whose value has this word."""
        keys = self.keys
        if keys.rehash_index >= 0:
            keys.rehash(1)
        self._slot = keys.insert(key, 0, word)
        if keys.sizes is not None:
            keys.count_new(self._slot)

    def expire_loaded(self, when_ms: i64) -> None:
        """Give the key that was loaded last an expire time."""
        self.expires.add(self.keys.key(self._slot), self.keys.timed_address(self._slot), when_ms)

    def _notify_of_new(self, key: bytes) -> None:
        changes = self.shared.changes
        if changes.listening:
            changes.notify(events.NEW, b"new", self.index, key)

    def add_string(self, key: bytes, data: bytes) -> None:
        """Add a key that does not exist, which holds a string."""
        if not self.load_string(key, data):
            self.load(key, self.shared.strings.create(data))
        self._notify_of_new(key)

    def load_string(self, key: bytes, data: bytes) -> bool:
        """Add a key whose string lies in the heap, and notify nobody; False if the string must be an object."""
        return self._load_word(key, self.shared.strings.create_in_heap(data))

    def load_integer(self, key: bytes, number: i64) -> bool:
        """As ``load_string``, for the text of an integer."""
        return self._load_word(key, self.shared.strings.integer_in_heap(number))

    def _load_word(self, key: bytes, word: i64) -> bool:
        if word == NO_WORD:
            return False
        self._add_word(key, with_access(word, self.shared.new_access()))
        return True

    def set_access(self, key: bytes, field: i64) -> None:
        """Set the access field of the value of a key that exists."""
        self.keys.set_access(self.keys.find_rehashing(key), field)

    def store_string(self, key: bytes, data: bytes, keep_ttl: bool = False) -> None:
        """Let a key hold a string, whatever it held before; its expire time is removed unless ``keep_ttl``."""
        keys = self.keys
        slot: i64 = keys.find(key)
        if slot >= 0 and self.expires.used > 0:
            if self._expire_if_needed(key):
                slot = -1
            elif not keep_ttl:
                self.persist(key)
        if slot < 0:
            self.add_string(key, data)
            return
        if keys.rehash_index >= 0:
            keys.rehash(1)  # Redis looks the key up once more
        self._overwrite(slot, self._touch_to_change(key, slot), data)

    def _overwrite(self, slot: i64, word: i64, data: bytes) -> None:
        """Replace the value in a slot, which has this word, by a string; the access field stays."""
        strings = self.shared.strings
        keys = self.keys
        if word < 0:
            if strings.assign(keys.object(word), data):
                if keys.heap is not None:
                    keys.settle(slot)  # it may have become an object for the sake of a snapshot
                return
        else:
            length: i64 = -1 if keys.sizes is None else keys.strings.length(word)
            if keys.overwrite(slot, word, data):
                if keys.sizes is not None:
                    keys.sizes.resize_string(length, len(data))
                return
            if len(data) > self.shared.heap_strings.longest:
                value = keys.make_object(slot)
                if keys.sizes is not None:
                    keys.sizes.open(value)
                if strings.assign(value, data):
                    return  # the string became too long for the heap
        new: i64 = strings.create_in_heap(data)
        if new == NO_WORD:
            self._replace(slot, strings.create(data))
        else:
            self._replace_by_word(slot, new)

    def set(self, key: bytes, value: RedisObject) -> None:
        """Let a key hold ``value``, whatever it held before; its expire time is removed."""
        slot = self.find_slot(key)
        if slot < 0:
            self.add(key, value)
            return
        self._touch_to_change(key, slot)
        self.keys.step()  # Redis looks the key up once more
        if self.expires.used > 0:
            self.persist(key)
        self._replace(slot, value)

    def replace_value(self, key: bytes, value: RedisObject) -> None:
        """Let a key that ``write`` has found hold another value; the access field and the expire time stay."""
        keys = self.keys
        if keys.rehash_index >= 0:
            keys.rehash(1)  # Redis looks the key up once more
        self._replace(self._slot_again(key), value)

    def replace_integer(self, number: i64) -> None:
        """Let the key whose integer ``write_integer`` has found hold another one, in place unless either is shared."""
        keys = self.keys
        slot = self._slot
        strings = self.shared.strings
        word: i64 = keys.word(slot)
        length: i64 = -1 if keys.sizes is None or word < 0 else keys.strings.length(word)
        if not 0 <= number < keys.shared_integers and keys.set_integer(word, number):
            if keys.sizes is not None and word >= 0:
                keys.sizes.resize_string(length, keys.strings.length(word))
            return
        if keys.rehash_index >= 0:
            keys.rehash(1)  # Redis looks the key up once more
        word = strings.integer_in_heap(number)
        if word == NO_WORD:
            self._replace(slot, strings.create_integer(number))
        else:
            self._replace_by_word(slot, word)

    def set_string_part(self, offset: i64, data: bytes) -> None:
        """Overwrite a part of the string that ``write_string`` has found, or lengthen it.

        A gap is filled with zeros. The string is raw afterwards, even if ``data`` is empty.
        """
        keys = self.keys
        slot = self._slot
        word = keys.word(slot)
        if word >= 0:
            heap_strings = self.shared.heap_strings
            length: i64 = -1 if keys.sizes is None else heap_strings.length(word)
            new: i64 = heap_strings.set_part(word, offset, data)
            if new != NO_WORD:
                if new != word:
                    keys.step()  # Redis looks the key up once more
                    keys.set_word(slot, new)
                if keys.sizes is not None:
                    keys.sizes.resize_string(length, heap_strings.length(new))
                return
        value = keys.make_object(slot)
        assert isinstance(value, StringObject)
        self._buffer(slot, value).set_part(offset, data, self.allocator)
        keys.settle(slot)

    def modify_string(self, key: bytes, value: StringObject) -> BufferString:
        """A string that ``write`` or ``modify`` returned, or that was added, as an object to be modified in place."""
        return self._buffer(self.keys.find_rehashing(key), value)

    def _buffer(self, slot: i64, value: StringObject) -> BufferString:
        """The value of a slot as an object that can be modified in place (Redis 7.2 dbUnshareStringValue)."""
        if value.refcount != 1 or value.encoding() != b"raw":
            self.keys.step()  # Redis looks the key up once more
        buffer = self.shared.strings.unshare(value)
        if self.keys.sizes is not None:
            self.keys.count_off(self.keys.word(slot))
            self.keys.sizes.add(buffer)
        self.keys.put_object(slot, buffer)
        return buffer

    def _replace(self, slot: i64, value: RedisObject) -> None:
        """Put a new value in the place of an old one; the access field goes over to it."""
        keys = self.keys
        word: i64 = keys.words[slot] if keys.entries is None else keys.word(slot)
        if word < 0 and keys.object(word) is value:
            return
        if value.refcount == 1:
            value.lru = i32(keys.access(slot))
        self._put_word(slot, word, keys.word_for(value))

    def _replace_by_word(self, slot: i64, word: i64) -> None:
        """The same for the word of a new value."""
        keys = self.keys
        self._put_word(slot, keys.word(slot), with_access(word, keys.access(slot)))

    def _put_word(self, slot: i64, old: i64, word: i64) -> None:
        """Put a word in the place of another one, for whose value there is one reference less."""
        keys = self.keys
        if keys.sizes is not None:
            keys.count_off(old)
        left: i64 = keys.exchange(slot, old, word)
        if keys.sizes is not None:
            keys.count_new(slot)
        if left >= 0 or not self.shared.lazy_server_del:
            keys.free_value(left)
        else:
            self.shared.lazyfree.submit(keys.take_object(left))

    def copy_key(self, key: bytes, value: RedisObject, target: Database, new_key: bytes) -> None:
        """Add ``new_key``, which does not exist, to a database; it holds ``value`` and expires when ``key`` does.

        If the value is a hash with fields that expire, the active expire cycle finds them under the new key too.
        """
        expire_ms = self._copy_times(key, target, new_key)
        target._add_for_a_time(new_key, value, expire_ms)

    def _copy_times(self, key: bytes, target: Database, new_key: bytes) -> i64:
        """Let the active expire cycle know of a new key with the same hash; returns when the key expires."""
        if self.hashes_with_times() > 0:
            self.due_keys.move(key, target.due_keys, new_key)
        return self.expire_time(key)

    def _add_for_a_time(self, key: bytes, value: RedisObject, expire_ms: i64) -> None:
        self.add(key, value)
        if expire_ms != NO_EXPIRE:
            self.expire_at(key, expire_ms)

    def move_key(self, key: bytes, target: Database, new_key: bytes) -> None:
        """Give a key, with its value and expire time, another name or database, where no such key exists.

        The new key is there before the old one is deleted, as in Redis 7.2: a full table grows on the way. Not so if
        the key is in the block of its value (Redis 8.2).
        """
        slot = self.keys.find_rehashing(key)
        if self.preservers:
            self.preserve(key, self.keys.value(slot))
        keys = self.keys
        if keys.sizes is not None:
            keys.count_off(keys.word(slot))
        value = keys.lend(slot)
        if keys.sizes is not None:
            keys.count_new(slot)  # what took its place
        if keys.owns_keys:
            self.copy_key(key, value, target, new_key)
            self.delete(key)
        else:
            expire_ms = self._copy_times(key, target, new_key)
            self.delete(key)
            target._add_for_a_time(new_key, value, expire_ms)
        target.keys.settle(target.keys.find_rehashing(new_key))
