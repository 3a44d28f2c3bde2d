"""The main table of a database: from key to value.

A value is a RedisObject, or a string in the heap, which has no object (see :mod:`pyredmem.objects.heap_strings`). The
word of a key is that of the string, or ``~n`` for the object number ``n``. An object keeps its number while its key
moves from slot to slot::

    keys      [ k0 | k1 | k2 | k3 ]
    words     [ w0 | ~1 | w2 | ~0 ]       k0 and k2 hold strings in the heap
    objects   [ v3 | v1 ]

Commands never see a word. They get the object, or one that is like the string.
"""

from __future__ import annotations

from librt.vecs import append, vec
from mypy_extensions import i32, i64, mypyc_attr

from pyredmem.keyspace.key_sizes import KINDS, KeySizes
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.layout import key_overhead, sds_new_size
from pyredmem.memory.mover import Mover
from pyredmem.memory.page_release import release_list_tail
from pyredmem.objects.heap_strings import NO_WORD, HeapStrings, is_shared
from pyredmem.objects.object import SHARED_REFERENCE_COUNT, RedisObject, decr_ref_count, incr_ref_count
from pyredmem.objects.string import SHARED_INTEGERS, BytesString, Data, IntegerString, StringObject
from pyredmem.protocol.reply import ReplySink
from pyredmem.structures.dict import LARGE_ARRAY, Dict


@mypyc_attr(acyclic=True)
class KeyTable(Dict):
    """From key to value."""

    def __init__(self, allocator: Allocator, strings: HeapStrings, in_values: bool = False) -> None:
        """``in_values``: keys and entries have no blocks of their own, see the subclass that asks for it."""
        super().__init__(allocator, owns_keys=not in_values, without_values=in_values, in_heap=True, has_words=True)
        self.header_size = allocator.sizes.key_table
        self.keeps_header = allocator.sizes.keeps_headers
        self.strings = strings
        #: INCR makes a new object if the result is below this number, and not negative.
        self.shared_integers: i64 = SHARED_INTEGERS
        self.objects: list[RedisObject | None] = []
        self._spare: vec[i32] = vec[i32]()  # the numbers that no object has
        self._spares: i64 = 0  # how many of them there are
        self._dismantled: i64 = 0  # values of the last slots that are gone already
        #: The sizes of the keys, where INFO has them.
        self.sizes: KeySizes | None = None

    # Values, by slot.

    def value(self, slot: i64) -> RedisObject:
        """The value, or an object like it. Whoever changes it puts it back, or something else, with ``put``."""
        word: i64 = self.words[slot] if self.entries is None else self.word(slot)
        return self.object(word) if word < 0 else self.strings.view(word)

    def is_in_heap(self, slot: i64) -> bool:
        """Whether the value is a string in the heap."""
        return self.word(slot) >= 0

    def object(self, word: i64) -> RedisObject:
        """The object that a word stands for."""
        value = self.objects[~word]
        assert value is not None, "a slot has an object that is gone"
        return value

    def value_of(self, word: i64) -> RedisObject:
        """The value that a word stands for, or an object like it."""
        return self.object(word) if word < 0 else self.strings.view(word)

    def reply(self, word: i64, reply: ReplySink) -> bool:
        """Reply with the value that a word stands for if it is a string; False if it is not."""
        if word >= 0:
            self.strings.reply(word, reply)
            return True
        value = self.object(word)
        if isinstance(value, BytesString):
            reply.bulk(value.content)
        elif isinstance(value, StringObject):
            reply.bulk(value.data())
        else:
            return False
        return True

    def string_length(self, word: i64) -> i64:
        """The length of the value that a word stands for if it is a string, else -1."""
        if word >= 0:
            return self.strings.length(word)
        value = self.object(word)
        return value.length() if isinstance(value, StringObject) else -1

    def string_data(self, word: i64) -> Data:
        """The bytes of the string that a word stands for: to read at once and not to keep."""
        if word >= 0:
            return self.strings.data(word)
        value = self.object(word)
        assert isinstance(value, StringObject)
        return value.view()

    def string_part(self, word: i64, start: i64, count: i64) -> bytes:
        """Up to ``count`` bytes, from ``start`` on, of the string that a word stands for."""
        if word >= 0:
            return self.strings.part(word, start, count)
        return bytes(self.string_data(word)[start : start + count])

    def string_byte(self, word: i64, place: i64) -> i64:
        """A byte of the string that a word stands for, which has it."""
        return self.strings.byte(word, place) if word >= 0 else self.string_data(word)[place]

    def integer(self, word: i64) -> tuple[bool, i64]:
        """Whether a word stands for a string with the encoding int, and the number."""
        if word >= 0:
            return self.strings.integer(word)
        value = self.object(word)
        return (True, value.number) if isinstance(value, IntegerString) else (False, 0)

    def set_integer(self, word: i64, number: i64) -> bool:
        """Change the number that a word with the encoding int stands for; False if others share it."""
        if word >= 0:
            return self.strings.set_integer(word, number)
        value = self.object(word)
        if value.refcount != 1 or not isinstance(value, IntegerString):
            return False
        value.number = number
        return True

    def put(self, slot: i64, value: RedisObject) -> None:
        """Replace the value. Nothing is freed, for the new value may own the blocks of the old one."""
        word: i64 = self.words[slot] if self.entries is None else self.word(slot)
        if word >= 0:
            new: i64 = self.word_for(value)
            if new != word:
                self.set_word(slot, new)
            return
        new = self.strings.word_of(value)
        if new == NO_WORD:
            self.objects[~word] = value
        else:
            self._forget(word)
            self.set_word(slot, new)

    def overwrite(self, slot: i64, word: i64, data: bytes) -> bool:
        """Overwrite a string in the heap, which has this word, if the result is what a new string would be."""
        new = self.strings.overwrite(word, data)
        if new == NO_WORD:
            return False
        if new != word:
            self.set_word(slot, new)
        return True

    def exchange(self, slot: i64, old: i64, word: i64) -> i64:
        """Put the word of a new value in the place of another one, ``old``; returns the word of what is to be freed."""
        if self.entries is None:
            self.words[slot] = word
        else:
            self.set_word(slot, word)
        return old

    def word_for(self, value: RedisObject) -> i64:
        """The word of a value, which goes into the heap, or gets a number. The table takes over a reference to it."""
        word: i64 = self.strings.word_of(value)
        return self._number(value) if word == NO_WORD else word

    def _number(self, value: RedisObject) -> i64:
        """The word of an object, which gets a number."""
        number: i64 = len(self.objects)
        if self._spares == 0:
            self.objects.append(value)
        else:
            self._spares -= 1
            number = i64(self._spare[self._spares])
            self.objects[number] = value
        return ~number

    def take_object(self, word: i64) -> RedisObject:
        """Give away an object, which no slot has any more, with the table's reference."""
        value = self.object(word)
        self._forget(word)
        return value

    def _forget(self, word: i64) -> None:
        """Drop an object."""
        number: i64 = ~word
        if number == len(self.objects) - 1:
            self.objects.pop()
        else:
            self.objects[number] = None
            if self._spares < len(self._spare):
                self._spare[self._spares] = i32(number)
            else:
                self._spare = append(self._spare, i32(number))
            self._spares += 1
        if self._spares == len(self.objects):
            self._drop_objects()

    def access(self, slot: i64) -> i64:
        """The access field of a value."""
        word = self.word(slot)
        return i64(self.object(word).lru) if word < 0 else self.strings.access(word)

    def set_access(self, slot: i64, field: i64) -> None:
        """Set the access field of a value."""
        word = self.word(slot)
        if word < 0:
            self.object(word).lru = i32(field)
        else:
            self.set_word(slot, self.strings.set_access(word, field))

    def free_value(self, word: i64) -> None:
        """Drop the table's reference to what a word stands for, which no slot has any more."""
        if word >= 0:
            self.strings.free(word)
        else:
            decr_ref_count(self.take_object(word), self.allocator)

    def free_values(self) -> None:
        """Drop the references to all values. The table must be cleared next."""
        slot: i64 = 0
        while slot < self.used:
            word = self.word(slot)
            if word >= 0:
                self.strings.free(word)
            else:
                decr_ref_count(self.object(word), self.allocator)
            slot += 1

    def all_values(self) -> list[RedisObject]:
        """All values by slot."""
        return [self.value(slot) for slot in range(self.used)]

    def set_values(self, values: list[RedisObject]) -> None:
        """Let the table have these values, all of which are objects."""
        self._drop_objects()
        self.put_words(vec[i64]([self._number(value) for value in values]))
        if self.sizes is not None:
            self.sizes.count_all(values)

    # The sizes of the keys. The database calls these, where ``sizes`` are counted.

    def count_new(self, slot: i64) -> None:
        """Count the value that a slot has got."""
        sizes = self.sizes
        assert sizes is not None
        word = self.word(slot)
        if word >= 0:
            sizes.add_string(self.strings.length(word))
        else:
            sizes.add(self.object(word))

    def count_off(self, word: i64) -> None:
        """Count the value no more that a word stands for: its slot is about to lose it."""
        sizes = self.sizes
        assert sizes is not None
        if word >= 0:
            sizes.remove_string(self.strings.length(word))
        else:
            sizes.remove(self.object(word))

    # Blocks of keys. Another layout may have others.

    def timed_address(self, slot: i64) -> i64:
        """The address of a key that is about to have an expire time."""
        return self.key_address(slot)

    def needs_room_for_time(self, slot: i64) -> bool:
        """Whether an expire time would change the block of the key in a slot."""
        return False

    def overhead(self, slot: i64) -> i64:
        """What MEMORY USAGE adds to what the value says (bytes)."""
        return key_overhead(self.allocator.usable(self.key_address(slot)))

    def lend(self, slot: i64) -> RedisObject:
        """The value, with a reference for the caller, who adds it under another key and then deletes this one."""
        value = self.make_object(slot)
        incr_ref_count(value)
        return value

    def free_key(self, slot: i64) -> None:
        """Free the block of a key whose slot gets another key."""
        self.allocator.free(self.key_address(slot))

    def new_key_block(self, key: bytes) -> i64:
        """A block for a key that ``put_keys`` will store; 0 if keys lie in the blocks of their values."""
        return self.allocator.alloc(sds_new_size(len(key)))

    def addresses_for(self, values: list[RedisObject], addresses: vec[i32]) -> vec[i32]:
        """The addresses of the keys that have these values, where ``addresses`` are those of keys with own blocks."""
        return addresses

    def defrag_head(self, mover: Mover, value: RedisObject) -> None:
        """Let a mover place the head of a value in this table, but for what it has placed with the key."""
        value.defrag_head(mover)

    # Strings that become objects, and the other way round.

    def make_object(self, slot: i64) -> RedisObject:
        """The value, which is an object from now on."""
        word = self.word(slot)
        if word < 0:
            return self.object(word)
        value = self.strings.view(word)
        self.set_word(slot, self._number(value))
        return value

    def put_object(self, slot: i64, value: RedisObject) -> None:
        """As ``put``, but the value remains an object: whoever calls this is about to change it."""
        word = self.word(slot)
        if word < 0:
            self.objects[~word] = value
        else:
            self.set_word(slot, self._number(value))

    def make_objects(self) -> None:
        """Make an object of each string in the heap."""
        slot: i64 = 0
        while slot < self.used:
            self.make_object(slot)
            slot += 1

    def settle(self, slot: i64) -> None:
        """Put the value into the heap if it can lie there."""
        word = self.word(slot)
        if word < 0:
            self.put(slot, self.object(word))

    # What the base class does with keys, for the values.

    def clear_values(self) -> None:
        """Drop all values."""
        self._drop_objects()
        if self.sizes is not None:
            self.sizes.clear()

    def _drop_objects(self) -> None:
        self.objects = []
        self._spare = vec[i32]()
        self._spares = 0

    def take_over_values(self, other: Dict) -> None:
        assert isinstance(other, KeyTable)
        self.objects = other.objects
        self._spare = other._spare
        self._spares = other._spares
        other.clear_values()

    def look_into(self, slots: vec[i64], count: i64) -> i64:
        """Read the contents of strings, and whatever other objects there are."""
        self.words_of(slots, count, slots)
        seen: i64 = 0
        found: i64 = 0
        at: i64 = 0
        while at < count:
            word = slots[at]
            at += 1
            if word >= 0:
                slots[found] = word
                found += 1
            else:
                value = self.object(word)
                seen += len(value.content) if isinstance(value, BytesString) else i64(value.lru)
        return seen + self.strings.look_at(slots, found)

    def defrag_string(self, slot: i64, mover: Mover) -> bool:
        """Let a mover place the value if it is a string in the heap; False if it is an object."""
        word = self.word(slot)
        if word < 0:
            return False
        self.set_word(slot, self.strings.defrag(word, mover))
        return True

    def dismantle_keys(self, limit: i64, freed: FreedBlocks, referred: list[RedisObject]) -> bool:
        """As :meth:`dismantle`, values included; values with another reference are appended to ``referred``.

        A large value is dismantled first, in as many calls as it needs, and then its key.
        """
        before: i64 = len(freed)
        left: i64 = self.used - self._dismantled
        while left > 0 and len(freed) - before < limit:
            word = self.word(left - 1)
            if word >= 0:
                self.dismantle_string(left - 1, word, freed)
                if is_shared(word):
                    before -= 1  # they count towards the limit too: the caller must read the clock in time
            else:
                value = self.object(word)
                if value.refcount <= 1:
                    value.refcount = 0
                    if not value.dismantle(limit, freed):
                        self._dismantled = self.used - left
                        return False
                elif value.refcount != SHARED_REFERENCE_COUNT:
                    referred.append(value)
                else:
                    before -= 1  # as above, where the values are objects
                self.objects[~word] = None
            left -= 1
        self._dismantled = 0
        return self.dismantle(self.used - left, freed)

    def dismantle_string(self, slot: i64, word: i64, freed: FreedBlocks) -> None:
        """Add the blocks of the string in a slot, which has this word, to ``freed``."""
        self.strings.dismantle(word, freed)

    def dismantle_arrays(self, freed: FreedBlocks) -> bool:
        """As in the base class; large arrays of the values are dropped before the other arrays."""
        if len(self.objects) > LARGE_ARRAY:
            del self.objects[-LARGE_ARRAY:]
            release_list_tail(self.objects)
        elif len(self._spare) > LARGE_ARRAY:
            self._spare = self._release_piece(self._spare)
        else:
            return super().dismantle_arrays(freed)
        return False

    # Audit.

    def value_addresses(self) -> list[int]:
        """Every ledger address that the values own."""
        owned: list[int] = []
        for slot in range(self.used):
            word = self.word(slot)
            owned += self.object(word).addresses() if word < 0 else self.strings.addresses(word)
        return owned

    def check(self) -> None:
        """Assert the invariants."""
        super().check()
        words = [word for word in self.all_words() if word < 0]
        assert len(set(words)) == len(words), "two slots have one object"
        assert len(words) + self._spares == len(self.objects), "an object is in no slot"
        assert all(self.objects[~word] is not None for word in words)
        if self.sizes is not None:
            counted = KeySizes()
            counted.count_all(self.all_values())
            for kind in range(KINDS):
                assert self.sizes.by_size(kind) == counted.by_size(kind), "sizes of keys are not counted right"
