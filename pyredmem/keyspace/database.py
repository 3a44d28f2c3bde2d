"""One numbered database: its keys, their values, their expire times.

Commands see keys and values. The tables, their slots and their ledger addresses belong to this package alone.

There are six lookups. They differ in what they count and mark::

              hit or miss   value marked as used   value may be changed
    peek          -                 -                      -
    inspect     counted             -                      -              EXISTS, TYPE, TTL
    read        counted            yes                     -              GET, LRANGE
    write         -                yes                    yes             LPUSH, HSET
    modify        -                 -                     yes             what was looked up before: PFCOUNT, XACK
    exists        -                 -                      -              tells only whether the key is there

All of them but ``modify`` delete an expired key before they return. ``reply_string``, ``read_string`` and ``touch``
are ``read``, ``write_string`` and ``write_integer`` are ``write``, and ``finds`` is ``inspect``, for commands that
need no object.

The door: a command that changes a value in place gets it from ``write`` or, if it has read it already, asks ``modify``
before the first change. Everything else that changes what a key holds, or when it expires, is a method below
(``store_string``, ``set_string_part``, ``set``, ``replace_value``, ``delete``, ``expire_at`` ...), so that nothing
changes without this class knowing the key beforehand. Snapshots depend on that: ``preserve`` is called before a value
changes, and before it is freed. Where nobody has a snapshot this costs the hot lookups nothing, because ``write`` and
``store_string`` test for it together with other rare states (``SharedState.only_tracks_lru``).
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i32, i64

from pyredmem.base.errors import WRONG_TYPE, CommandError
from pyredmem.keyspace import events
from pyredmem.keyspace.database_image import DatabaseImage
from pyredmem.keyspace.due_keys import DueKeys
from pyredmem.keyspace.key_table import KeyTable
from pyredmem.keyspace.shared import SharedState
from pyredmem.keyspace.tables import DetachedTables, ExpireTable
from pyredmem.objects.collection import Collection
from pyredmem.objects.field_times import NEVER
from pyredmem.objects.hash import HashObject
from pyredmem.objects.heap_strings import NO_WORD, is_shared, with_access
from pyredmem.objects.object import RedisObject, incr_ref_count
from pyredmem.objects.sorted_set import SortedSetObject
from pyredmem.objects.string import SHARED_INTEGERS, BufferString, Data, StringObject
from pyredmem.protocol.reply import ReplySink
from pyredmem.structures.dict_core import GrowthLimit
from pyredmem.structures.dict_report import table_report
from pyredmem.structures.look_ahead import WINDOW, pays

#: What ``expire_time`` returns for a key without an expire time.
NO_EXPIRE: Final = -1
#: What ``read_string`` and ``write_string`` return for a key that does not exist.
NO_STRING: Final = -1
#: How often RANDOMKEY draws while expired keys cannot be deleted (Redis 7.2 dbRandomKey).
_RANDOM_TRIES: Final = 100
#: In place of a word: there is no such key. No object has this number.
_ABSENT: Final = -(1 << 62)


class Database:
    """Keys, values and expire times."""

    def __init__(self, index: i64, shared: SharedState) -> None:
        self.index: i64 = index
        self.shared = shared
        self.allocator = shared.allocator
        self.keys = KeyTable(shared.allocator, shared.heap_strings)
        self.expires = ExpireTable(shared.allocator)
        self.average_ttl: i64 = 0  # ms, estimated by the active expire cycle
        self.expires_cursor: i64 = 0  # where that cycle continues
        self._due_keys: DueKeys | None = None
        self.images: tuple[DatabaseImage, ...] = ()  # those that snapshots have of the content
        self._slot: i64 = 0  # where a key was last found, or added: saves what follows a lookup

    # Lookup.

    def look_ahead(self, requests: list[list[bytes]], first: i64) -> None:
        """Prepare the lookups of a window of requests, if that pays: in this database, or in one large collection."""
        if pays(self.keys):
            self.shared.look_ahead.requests(self.keys, requests, first, 1)
            if pays(self.expires):
                self.shared.look_ahead.requests(self.expires, requests, first, 1)
            return
        argv = requests[first]
        if len(argv) < 3:
            return
        slot = self.keys.find_rehashing(argv[1])
        value = self.keys.value(slot) if slot >= 0 else None
        table = value.payload().lookup_table() if isinstance(value, Collection) else None
        if table is not None and pays(table):
            # The element follows the key, or the score in a sorted set.
            place = 3 if isinstance(value, SortedSetObject) and len(argv) > 3 else 2
            self.shared.look_ahead.requests(table, requests, first, place)

    def prepare(self, words: list[bytes], at: i64, step: i64) -> None:
        """Look ahead for a command with a key in every ``step`` words from the first on, which has come to ``at``."""
        if at % (WINDOW * step) == 1 and len(words) - at > step and pays(self.keys):
            self.shared.look_ahead.words(self.keys, words, at, step)
            if pays(self.expires):
                self.shared.look_ahead.words(self.expires, words, at, step)

    def find_slot(self, key: bytes) -> i64:
        """The slot of a key in ``keys``, -1 if it does not exist or has expired (it is deleted then)."""
        slot: i64 = self.keys.find(key)
        if slot >= 0 and self.expires.used > 0 and self._expire_if_needed(key):
            return -1
        return slot

    def exists(self, key: bytes) -> bool:
        """Whether a key exists; nothing is counted or marked, but an expired key is deleted."""
        return self.find_slot(key) >= 0

    def peek(self, key: bytes) -> RedisObject | None:
        """The value of a key; nothing is counted or marked."""
        slot = self.find_slot(key)
        if slot < 0:
            return None
        return self.keys.value(slot)

    def read(self, key: bytes) -> RedisObject | None:
        """The value of a key for a command that reads it: counts a hit or a miss, marks the value as used."""
        word = self._read_word(key)
        return None if word == _ABSENT else self.keys.value_of(word)

    def touch(self, key: bytes) -> bool:
        """As ``read``, for a command that does not look at the value; whether the key exists."""
        return self._read_word(key) != _ABSENT

    def reply_string(self, key: bytes, reply: ReplySink) -> bool:
        """Reply with the string that a key holds, or with null; False, without a reply, if it holds another type.

        This is ``read`` for GET and its like: a string in the heap goes to the reply without becoming an object.
        """
        word = self._read_word(key)
        if word == _ABSENT:
            reply.null()
            return True
        return self.keys.reply(word, reply)

    def read_string(self, key: bytes) -> i64:
        """The length of the string that a key holds, NO_STRING if it does not exist; raises WRONGTYPE.

        This is ``read`` for a command that needs no object. ``string_data`` and the like have the bytes.
        """
        word = self._read_word(key)
        return NO_STRING if word == _ABSENT else self._string_length(word)

    def write_string(self, key: bytes) -> i64:
        """As ``read_string``, for a command that modifies the string: see ``set_string_part``."""
        keys = self.keys
        slot: i64 = keys.find(key)
        if slot < 0 or (self.expires.used > 0 and self._expire_if_needed(key)):
            return NO_STRING
        self._slot = slot
        return self._string_length(self._touch_to_change(key, slot))

    def _string_length(self, word: i64) -> i64:
        length = self.keys.string_length(word)
        if length < 0:
            raise CommandError(WRONG_TYPE)
        return length

    def string_data(self) -> Data:
        """The string that was found last: to read at once and not to keep."""
        return self.keys.string_data(self.keys.word(self._slot))

    def string_part(self, start: i64, count: i64) -> bytes:
        """Up to ``count`` bytes, from ``start`` on, of the string that was found last."""
        return self.keys.string_part(self.keys.word(self._slot), start, count)

    def string_byte(self, place: i64) -> i64:
        """A byte of the string that was found last, which has it."""
        return self.keys.string_byte(self.keys.word(self._slot), place)

    def _read_word(self, key: bytes) -> i64:
        """What ``read`` does, but returns the word of the value, _ABSENT if there is none."""
        shared = self.shared
        slot: i64 = self.keys.find(key)
        if slot >= 0 and self.expires.used > 0 and self._expire_if_needed(key):
            slot = -1
        if slot < 0:
            shared.misses += 1
            if shared.changes.listening:
                shared.changes.notify(events.KEY_MISS, b"keymiss", self.index, key)
            return _ABSENT
        shared.hits += 1
        self._slot = slot
        return self._touch(slot)

    def _touch(self, slot: i64) -> i64:
        """Mark a value as used; returns its word."""
        keys = self.keys
        shared = self.shared
        if not shared.only_tracks_lru:
            keys.set_access(slot, shared.used_now(keys.access(slot)))
            return keys.word(slot)
        word: i64 = keys.words[slot] if keys.entries is None else keys.word(slot)
        if word < 0:
            keys.object(word).lru = shared.lru_clock
            return word
        used = with_access(word, i64(shared.lru_clock))
        if used != word:  # usually it is the same second
            keys.set_word(slot, used)
        elif is_shared(word):
            shared.heap_strings.set_access(word, i64(shared.lru_clock))
        return used

    def inspect(self, key: bytes, notifies_miss: bool = True) -> RedisObject | None:
        """The value of a key for a command about the key: counts a hit or a miss, does not mark the value as used."""
        return self.keys.value(self._slot) if self.finds(key, notifies_miss) else None

    def finds(self, key: bytes, notifies_miss: bool = True) -> bool:
        """As ``inspect``, for a command that does not look at the value."""
        shared = self.shared
        slot = self.find_slot(key)
        if slot < 0:
            shared.misses += 1
            if notifies_miss:
                shared.changes.notify(events.KEY_MISS, b"keymiss", self.index, key)
            return False
        shared.hits += 1
        self._slot = slot
        return True

    def write(self, key: bytes) -> RedisObject | None:
        """The value of a key for a command that changes it: marks the value as used."""
        keys = self.keys
        slot: i64 = keys.find(key)
        if slot < 0 or (self.expires.used > 0 and self._expire_if_needed(key)):
            return None
        self._slot = slot
        return keys.value_of(self._touch_to_change(key, slot))

    def modify(self, key: bytes) -> RedisObject:
        """The value of a key that exists and is about to change; it is not marked as used.

        For a value that the command has looked up with ``read`` already, and for expired fields, which are deleted
        although nobody uses the hash. It is no lookup of Redis's, so it takes no step of a rehash.
        """
        slot = self.keys.find_rehashing(key)
        assert slot >= 0, f"{key!r} is not in the database"
        value = self.keys.value(slot)
        if self.images:
            self.preserve(key, value)
        return value

    def random_key(self) -> bytes | None:
        """Any key, each with the same probability; None if there is none.

        While expired keys cannot be deleted (CLIENT PAUSE) and all keys may have expired, an expired key is returned
        after a hundred tries, as in Redis.
        """
        keys = self.keys
        tries: i64 = _RANDOM_TRIES
        while keys.used > 0:
            key = keys.key(self.shared.rng.below(keys.used))
            if self.exists(key):
                return key
            if self.shared.stands_still and self.expires.used == keys.used:
                tries -= 1
                if tries == 0:
                    return key
        return None

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
        return self._due_keys

    @due_keys.setter
    def due_keys(self, due_keys: DueKeys) -> None:
        self._due_keys = due_keys

    def all_keys(self) -> list[bytes]:
        """All keys, expired ones that are not deleted yet included."""
        return self.keys.all_keys()

    def scan(self, cursor: i64, count: int) -> tuple[int, list[bytes]]:
        """The next cursor, 0 at the end, and about ``count`` keys from a cursor on, expired ones included."""
        found: list[int] = []
        keys = self.keys
        cursor = keys.scan_some(cursor, count, found)
        return cursor, [keys.key(slot) for slot in found]

    # Change. None of these notifies of a changed key; the command does, when all is done.

    def add(self, key: bytes, value: RedisObject) -> None:
        """Add a key that does not exist; the database takes over the caller's reference.

        The value counts as new, even one that another key held (Redis 7.2 dbAdd).
        """
        self.shared.mark_created(value)
        self._add_word(key, self.keys.word_for(value))

    def _add_word(self, key: bytes, word: i64) -> None:
        """Add a key that does not exist, whose value has this word."""
        shared = self.shared
        keys = self.keys
        if keys.rehash_index >= 0:
            keys.rehash(1)
        self._slot = keys.insert(key, 0, word)
        if shared.changes.listening:
            shared.changes.notify(events.NEW, b"new", self.index, key)

    def add_string(self, key: bytes, data: bytes) -> None:
        """Add a key that does not exist, which holds a string."""
        shared = self.shared
        word: i64 = shared.strings.create_in_heap(data)
        if word == NO_WORD:
            self.add(key, shared.strings.create(data))
        else:
            self._add_word(key, with_access(word, shared.new_access()))

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
            new: i64 = self.shared.heap_strings.overwrite(word, data)
            if new != NO_WORD:
                if new != word:
                    keys.set_word(slot, new)
                return
            if len(data) > self.shared.heap_strings.longest and strings.assign(keys.make_object(slot), data):
                return  # the string became too long for the heap
        new = strings.create_in_heap(data)
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
        self._replace(slot, value)
        if self.expires.used > 0:
            self.persist(key)

    def replace_value(self, key: bytes, value: RedisObject) -> None:
        """Let a key that ``write`` has found hold another value; the access field and the expire time stay."""
        keys = self.keys
        if keys.rehash_index >= 0:
            keys.rehash(1)  # Redis looks the key up once more
        self._replace(self._slot_again(key), value)

    def write_integer(self, key: bytes) -> tuple[bool, i64]:
        """As ``write``, for INCR and its like: whether the value has the encoding int, and the number.

        Next comes ``replace_integer``, or ``written`` if there is no such number.
        """
        keys = self.keys
        slot: i64 = keys.find(key)
        if slot < 0 or (self.expires.used > 0 and self._expire_if_needed(key)):
            self._slot = -1
            return False, 0
        self._slot = slot
        return keys.integer(self._touch_to_change(key, slot))

    def written(self) -> RedisObject | None:
        """The value that ``write_integer`` has found; None if there is no such key."""
        return None if self._slot < 0 else self.keys.value(self._slot)

    def replace_integer(self, number: i64) -> None:
        """Let the key whose integer ``write_integer`` has found hold another one, in place unless either is shared."""
        keys = self.keys
        slot = self._slot
        strings = self.shared.strings
        if not 0 <= number < SHARED_INTEGERS and keys.set_integer(keys.word(slot), number):
            return
        if keys.rehash_index >= 0:
            keys.rehash(1)  # Redis looks the key up once more
        word = strings.integer_in_heap(number)
        if word == NO_WORD:
            self._replace(slot, strings.create_integer(number))
        else:
            self._replace_by_word(slot, word)

    def _slot_again(self, key: bytes) -> i64:
        """The slot of a key that was just found."""
        keys = self.keys
        slot = self._slot
        return slot if slot < keys.used and keys.has_key(slot, key) else keys.find_rehashing(key)

    def set_string_part(self, offset: i64, data: bytes) -> None:
        """Overwrite a part of the string that ``write_string`` has found, or lengthen it.

        A gap is filled with zeros. The string is raw afterwards, even if ``data`` is empty.
        """
        keys = self.keys
        slot = self._slot
        word = keys.word(slot)
        if word >= 0:
            new: i64 = self.shared.heap_strings.set_part(word, offset, data)
            if new != NO_WORD:
                if new != word:
                    keys.step()  # Redis looks the key up once more
                    keys.set_word(slot, new)
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
        if keys.entries is None:
            keys.words[slot] = word
        else:
            keys.set_word(slot, word)
        if old >= 0 or not self.shared.lazy_server_del:
            keys.free_value(old)
        else:
            self.shared.lazyfree.submit(keys.take_object(old))

    def copy_key(self, key: bytes, value: RedisObject, target: Database, new_key: bytes) -> None:
        """Add ``new_key``, which does not exist, to a database; it holds ``value`` and expires when ``key`` does.

        If the value is a hash with fields that expire, the active expire cycle finds them under the new key too.
        """
        expire_ms = self.expire_time(key)
        target.add(new_key, value)
        if expire_ms != NO_EXPIRE:
            target.expire_at(new_key, expire_ms)
        if self.hashes_with_times() > 0:
            self.due_keys.move(key, target.due_keys, new_key)

    def move_key(self, key: bytes, target: Database, new_key: bytes) -> None:
        """Give a key, with its value and expire time, another name or database, where no such key exists.

        The new key is there before the old one is deleted, as in Redis: a full table grows on the way.
        """
        value = self.keys.make_object(self.keys.find_rehashing(key))
        incr_ref_count(value)
        self.copy_key(key, value, target, new_key)
        self.delete(key)
        target.keys.settle(target.keys.find_rehashing(new_key))

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
        self.expires.step()
        self.expires.remove(expire_slot)
        self._remove_persistent(slot, self.keys.key(slot), lazily)

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
        if self.images:
            self.preserve(key, keys.value(slot))
        keys.remove(slot)
        if word >= 0 or not lazily:
            keys.free_value(word)
        else:
            self.shared.lazyfree.submit(keys.take_object(word))

    def clear(self) -> i64:
        """Delete all keys; returns how many there were."""
        self._preserve_all()
        removed = self.keys.used
        self.keys.free_values()
        self.keys.clear()
        self.expires.clear()
        self._due_keys = None
        self.average_ttl = 0
        self.expires_cursor = 0
        return removed

    def clear_lazily(self) -> i64:
        """Delete all keys and free their memory in the background; returns how many there were."""
        self._preserve_all()
        keys = KeyTable(self.allocator, self.shared.heap_strings)
        keys.take_over(self.keys)
        keys.take_over_values(self.keys)
        expires = ExpireTable(self.allocator)
        expires.take_over(self.expires)
        removed = keys.used
        self.shared.lazyfree.add(DetachedTables(keys, expires, self.due_keys))
        self._due_keys = None
        self.average_ttl = 0
        self.expires_cursor = 0
        return removed

    def swap(self, other: Database) -> None:
        """Exchange all content with another database."""
        self.keys, other.keys = other.keys, self.keys
        self.expires, other.expires = other.expires, self.expires
        self._due_keys, other._due_keys = other._due_keys, self._due_keys
        self.images, other.images = other.images, self.images
        self.average_ttl, other.average_ttl = other.average_ttl, self.average_ttl
        self.expires_cursor, other.expires_cursor = other.expires_cursor, self.expires_cursor

    # Snapshots.

    def preserve(self, key: bytes, value: RedisObject) -> None:
        """Let the snapshots keep a value that is about to change or to be freed."""
        for image in self.images:
            image.preserve(key, value)

    def _preserve_all(self) -> None:
        if self.images:
            for slot, key in enumerate(self.keys.all_keys()):
                self.preserve(key, self.keys.value(slot))

    def _touch_to_change(self, key: bytes, slot: i64) -> i64:
        """Mark a value as used that is about to change; returns its word."""
        word = self._touch(slot)
        if self.images:
            self.preserve(key, self.keys.value_of(word))
        return word

    def put_twin(self, slot: i64, twin: RedisObject) -> None:
        """Let a twin take the place of a value."""
        for image in self.images:
            image.replaced(self.keys.key(slot), self.keys.value(slot), twin)
        self.keys.put(slot, twin)

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
        slot = self.expires.find(key)
        if slot >= 0:
            self.expires.set_word(slot, when_ms)
            return
        main = self.keys.find(key)
        assert main >= 0, f"{key!r} is not in the database"
        # The very object of the main table: the key's bytes are in memory once.
        self.expires.add(self.keys.key(main), self.keys.key_address(main), when_ms)

    def persist(self, key: bytes) -> bool:
        """Remove the expire time of a key; False if it had none."""
        if self.expires.used == 0:
            return False
        slot = self.expires.find(key)
        if slot < 0:
            return False
        self.expires.remove(slot)
        return True

    def is_expired(self, key: bytes) -> bool:
        """Whether a key has expired; it is not deleted."""
        expires = self.expires
        slot: i64 = expires.find(key)
        if slot < 0:
            return False
        when_ms: i64 = expires.words[slot] if expires.entries is None else expires.word(slot)
        return when_ms < self.shared.now_us // 1000

    def _expire_if_needed(self, key: bytes) -> bool:
        """Whether a key has expired; if so it is deleted, unless expired keys stay for now (CLIENT PAUSE)."""
        if not self.is_expired(key):
            return False
        if not self.shared.stands_still:
            self.delete_expired(key)
        return True

    # The tables: their sizes and their upkeep.

    def expand(self, count: i64) -> None:
        """Prepare the table of keys for ``count`` keys."""
        self.keys.expand(count)

    def limit_growth(self, limit: GrowthLimit) -> None:
        """Let the tables grow only within a memory limit."""
        self.keys.growth_limit = limit
        self.expires.growth_limit = limit

    def shrink_if_sparse(self) -> None:
        """Start to shrink the tables that are filled below 10 percent."""
        self.keys.shrink_if_sparse()
        self.expires.shrink_if_sparse()

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

    def tables_report(self, full: bool) -> str:
        """DEBUG HTSTATS; ``full``: with the lengths of the chains."""
        return "[Dictionary HT]\n" + table_report(self.keys, full) + "[Expires HT]\n" + table_report(self.expires, full)

    # Memory.

    def stored_value(self, key: bytes) -> RedisObject | None:
        """The value of a key, expired or not, for code that must not change anything by looking (MEMORY USAGE ...)."""
        slot: i64 = self.keys.find(key)
        return None if slot < 0 else self.keys.value(slot)

    def key_block_bytes(self, key: bytes) -> i64:
        """Bytes of the block that a key's own sds lies in, not those of its value."""
        slot = self.keys.find_rehashing(key)
        assert slot >= 0, f"{key!r} is not in the database"
        return self.allocator.usable(self.keys.key_address(slot))

    # Audit.

    def addresses(self) -> list[int]:
        """Every ledger address that this database owns, those of the values included."""
        return self.keys.addresses() + self.keys.value_addresses() + self.expires.addresses()

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
