"""How keys and values of a database are looked up.

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
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.errors import WRONG_TYPE, CommandError
from pyredmem.keyspace import events
from pyredmem.keyspace.removals import Removals
from pyredmem.objects.collection import Collection
from pyredmem.objects.heap_strings import is_shared, with_access
from pyredmem.objects.object import RedisObject
from pyredmem.objects.sorted_set import SortedSetObject
from pyredmem.objects.string import Data
from pyredmem.protocol.reply import ReplySink
from pyredmem.structures.look_ahead import WINDOW, pays

#: What ``read_string`` and ``write_string`` return for a key that does not exist.
NO_STRING: Final = -1
#: How often RANDOMKEY draws while expired keys cannot be deleted (Redis 7.2 dbRandomKey).
_RANDOM_TRIES: Final = 100
#: In place of a word: there is no such key. No object has this number.
_ABSENT: Final = -(1 << 62)


class Lookups(Removals):
    """A database in which keys and values are looked up."""

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
        value = None if slot < 0 or self.keys.is_in_heap(slot) else self.keys.value(slot)
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

    # Keys and values.

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
        word = self._write_word(key)
        return None if word == _ABSENT else self.keys.value_of(word)

    def _write_word(self, key: bytes) -> i64:
        """What ``write`` does, but returns the word of the value, _ABSENT if there is none."""
        slot: i64 = self.keys.find(key)
        if slot < 0 or (self.expires.used > 0 and self._expire_if_needed(key)):
            self._slot = -1
            return _ABSENT
        self._slot = slot
        return self._touch_to_change(key, slot)

    def modify(self, key: bytes) -> RedisObject:
        """The value of a key that exists and is about to change; it is not marked as used.

        For a value that the command has looked up with ``read`` already, and for expired fields, which are deleted
        although nobody uses the hash. It is no lookup of Redis's, so it takes no step of a rehash.
        """
        slot = self.keys.find_rehashing(key)
        assert slot >= 0, f"{key!r} is not in the database"
        keys = self.keys
        value = keys.value(slot)
        if self.preservers:
            self.preserve(key, value)
        if keys.sizes is not None and not keys.is_in_heap(slot):
            keys.sizes.open(value)
        return value

    def _touch_to_change(self, key: bytes, slot: i64) -> i64:
        """Mark a value as used that is about to change; returns its word."""
        word = self._touch(slot)
        keys = self.keys
        if self.preservers:
            self.preserve(key, keys.value_of(word))
        if word < 0 and keys.sizes is not None:
            keys.sizes.open(keys.object(word))
        return word

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

    # Strings.

    def read_string(self, key: bytes) -> i64:
        """The length of the string that a key holds, NO_STRING if it does not exist; raises WRONGTYPE.

        This is ``read`` for a command that needs no object. ``string_data`` and the like have the bytes.
        """
        word = self._read_word(key)
        return NO_STRING if word == _ABSENT else self._string_length(word)

    def write_string(self, key: bytes) -> i64:
        """As ``read_string``, for a command that modifies the string: see ``set_string_part``."""
        word = self._write_word(key)
        return NO_STRING if word == _ABSENT else self._string_length(word)

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

    def write_integer(self, key: bytes) -> tuple[bool, i64]:
        """As ``write``, for INCR and its like: whether the value has the encoding int, and the number.

        Next comes ``replace_integer``, or ``written`` if there is no such number.
        """
        word = self._write_word(key)
        return (False, 0) if word == _ABSENT else self.keys.integer(word)

    def written(self) -> RedisObject | None:
        """The value that ``write_integer`` has found; None if there is no such key."""
        return None if self._slot < 0 else self.keys.value(self._slot)
