"""The tables of a database in which a key has one block (Redis 8.2 and Valkey 9.1).

The block has the header of the value, the name of the key, its time to live if it has one, and the value itself if that
is a short string. It is the block of the value; the table does not own it. An object has its address, and so has the
place of the key. The word of a string in the heap has the address of what follows the name::

    key_places   [ address | length ] ---.
    words        [ ~1 or a word ]        |
    objects      [ value ]               |
                   address --------------+--> [ header | time | name | embedded string ]

Entries are those of a set: the first key of a bucket has none. So places and words are in arrays.

An object that is added leaves its own block for one with the name of the key; a new string in the heap has waited for
that block. When the key gets another value, Redis keeps the block unless the old or the new value is an embedded
string, or the new one is a small integer that all keys could share. A new block has room for a time to live only if the
key has one then. A key that gets its first time to live gets such a block, unless its block has 8 bytes to spare. The
room stays until there is another block.

A new block of the same size class is the old one here, if both values are in the heap.

The table of expire times knows keys by the same addresses, so it is told of each new one.
"""

from __future__ import annotations

from librt.vecs import vec
from mypy_extensions import i32, i64, mypyc_attr

from pyredmem.keyspace.key_table import KeyTable
from pyredmem.keyspace.tables import ExpireTable
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.heap_bytes import ADDRESS, LENGTH_SHIFT
from pyredmem.memory.layout import ROBJ_SIZE, sds_new_size
from pyredmem.memory.mover import Mover
from pyredmem.objects.heap_strings import NO_WORD
from pyredmem.objects.object import RedisObject
from pyredmem.objects.one_block_factory import OneBlockFactory
from pyredmem.objects.one_block_strings import NOTHING, OneBlockStrings, granules
from pyredmem.objects.string import SHARED_INTEGERS, BytesString, IntegerString


def _is_embstr(value: RedisObject) -> bool:
    return isinstance(value, BytesString) and value.sds_address == 0


@mypyc_attr(acyclic=True)
class OneBlockTable(KeyTable):
    """From key to value, both in one block."""

    def __init__(self, allocator: Allocator, strings: OneBlockStrings, factory: OneBlockFactory) -> None:
        super().__init__(allocator, strings, in_values=True)
        self._in_blocks = strings
        self.shared_integers = 0
        self._factory = factory
        self._blocks = factory.blocks
        #: The table of expire times with the same keys.
        self.expires = ExpireTable(allocator, without_values=True)
        #: No block has room for a time to live: no key has ever had one.
        self._is_tight = True

    # Blocks.

    def _settle_in(self, key: bytes, value: RedisObject, has_time: bool) -> i64:
        """Give a value a block with the name of its key, in place of its own; returns the address of the block.

        An embstr for which there is no room becomes raw.
        """
        allocator = self.allocator
        length: i64 = len(key)
        size = self._blocks.size(length, has_time)
        if isinstance(value, BytesString) and value.sds_address == 0:
            size_of_string: i64 = len(value.content)
            if self._blocks.embeds(length, size_of_string, has_time):
                size = self._blocks.size_with(length, size_of_string, has_time)
            else:
                value.sds_address = i32(allocator.alloc(sds_new_size(size_of_string)))
        address: i64 = allocator.replace(i64(value.address), size)
        value.address = i32(address)
        heap = self.heap
        if heap is not None:
            heap.store(address, key, length)
        return address

    def _follow(self, slot: i64, address: i64, has_time: bool) -> None:
        """Note, in both tables if it has a time, that the key in a slot has another address."""
        old = self.key_address(slot)
        if address == old:
            return
        self.set_key_address(slot, address)
        if has_time:
            expires = self.expires
            expires.set_key_address(expires.find_moved(self.key(slot), old), address)

    def _keeps_block(self, word: i64) -> bool:
        """Whether the server keeps the block of a value for the next one, if that has a block of its own."""
        if word >= 0:
            return not self._in_blocks.is_embedded(word)
        value = self.object(word)
        return value.refcount == 1 and not _is_embstr(value)

    def _fills_block(self, value: RedisObject) -> bool:
        """Whether the server puts a new value into the block of the old one."""
        if isinstance(value, IntegerString) and self._blocks.renews_small_numbers:
            return not (self._factory.sharing and 0 <= value.number < SHARED_INTEGERS)
        return not _is_embstr(value)

    def _has_time(self, slot: i64) -> bool:
        """Whether a key has a time to live, for which its block must have room then."""
        expires = self.expires
        return expires.used > 0 and not self.needs_room_for_time(slot) and expires.find_rehashing(self.key(slot)) >= 0

    def insert(self, key: bytes, key_address: i64, word: i64 = 0) -> i64:
        heap = self.heap
        if word < 0 or heap is None:
            slot = super().insert(key, self._settle_in(key, self.object(word), False), word)
            if heap is not None:
                self.settle(slot)
            return slot
        strings = self._in_blocks
        length: i64 = len(key)
        embeds = strings.embeds(word, length, False)
        address: i64 = self.allocator.alloc(strings.block_size(length, False, embeds))
        heap.store(address, key, length)
        return super().insert(key, address, strings.place(word, address, length, embeds))

    def word_for(self, value: RedisObject) -> i64:
        """The word of an object, which goes into the heap when it has the block of its key."""
        return self._number(value)

    def put(self, slot: i64, value: RedisObject) -> None:
        old: i64 = self.words[slot]
        sizes = self.sizes
        if sizes is not None and old < 0:
            sizes.close(self.object(old), value)
        word: i64 = self._in_blocks.word_in(value, self.key_places[slot] >> LENGTH_SHIFT)
        if word == NO_WORD and old < 0:
            self.objects[~old] = value
            return
        if old < 0:
            self._forget(old)
        self.words[slot] = self._number(value) if word == NO_WORD else word

    def overwrite(self, slot: i64, word: i64, data: bytes) -> bool:
        strings = self._in_blocks
        if not strings.is_embedded(word):
            return super().overwrite(slot, word, data)
        place: i64 = self.key_places[slot]
        name: i64 = place >> LENGTH_SHIFT
        has_time = self._has_time(slot)
        new = strings.overwrite_embedded(word, data, place & ADDRESS, name, has_time, self._is_tight)
        if new == NO_WORD:
            return False
        self.words[slot] = new
        return True

    def exchange(self, slot: i64, old: i64, word: i64) -> i64:
        if word >= 0:
            return self._exchange_string(slot, old, word)
        left: i64 = self._exchange_object(slot, old, word)
        if self.heap is not None:
            self.settle(slot)
        return left

    def _exchange_string(self, slot: i64, old: i64, word: i64) -> i64:
        """As ``exchange``, for a new string in the heap, which waits for its block."""
        allocator = self.allocator
        strings = self._in_blocks
        place: i64 = self.key_places[slot]
        block: i64 = place & ADDRESS
        name: i64 = place >> LENGTH_SHIFT
        embeds = False
        if not self._keeps_block(old) or not strings.fills_block(word, self._factory.sharing):
            has_time = self._has_time(slot)
            embeds = strings.embeds(word, name, has_time)
            size: i64 = strings.block_size(name, has_time, embeds)
            if old < 0 or allocator.usable(block) != allocator.good_size(size):
                address: i64 = allocator.alloc(size)
                strings.heap.move(block, address, name)
                self.words[slot] = strings.place(word, address, name, embeds)
                self._follow(slot, address, has_time)
                return old
        if old < 0:
            own: i64 = allocator.alloc(ROBJ_SIZE)  # in place of the block, to be freed with the rest
            self.words[slot] = strings.place(word, block, name, False)
            self.object(old).address = i32(own)
            return old
        sds_address = strings.sds_address(old)
        self.words[slot] = strings.place(word, block, name, embeds)
        if sds_address != 0:
            allocator.free(sds_address)
        return NOTHING

    def _exchange_object(self, slot: i64, old: i64, word: i64) -> i64:
        """As ``exchange``, for an object, which remains one."""
        value = self.object(word)
        left = old
        if self._keeps_block(old) and self._fills_block(value):
            block = self.key_address(slot)
            if old < 0:
                self.object(old).address = value.address
            else:
                left = NOTHING
                sds_address = self._in_blocks.sds_address(old)
                if sds_address != 0:
                    self.allocator.free(sds_address)
                self.allocator.free(i64(value.address))
            value.address = i32(block)
        else:
            has_time = self._has_time(slot)
            self._follow(slot, self._settle_in(self.key(slot), value, has_time), has_time)
        self.words[slot] = word
        return left

    def put_object(self, slot: i64, value: RedisObject) -> None:
        """If it is not a twin of the old value, it takes its place in the block, and the old one is freed."""
        old: i64 = self.words[slot]
        if self.key_address(slot) != i64(value.address):
            self.free_value(self._exchange_object(slot, old, self._number(value)))
        elif old < 0:
            self.objects[~old] = value
        else:
            self.words[slot] = self._number(value)

    def timed_address(self, slot: i64) -> i64:
        self._is_tight = False
        if self.needs_room_for_time(slot):
            word: i64 = self.words[slot]
            if word < 0 or not self._move_to_room(slot, word):
                value = self.make_object(slot)
                self._follow(slot, self._settle_in(self.key(slot), value, True), False)
                if word >= 0:
                    self.settle(slot)
        return self.key_address(slot)

    def _move_to_room(self, slot: i64, word: i64) -> bool:
        """Move a string in the heap to a block with room for a time; False if it cannot be embedded there."""
        strings = self._in_blocks
        place: i64 = self.key_places[slot]
        name: i64 = place >> LENGTH_SHIFT
        size: i64 = self._blocks.size(name, True)
        if strings.is_embedded(word):
            length: i64 = strings.length(word)
            if not self._blocks.embeds(name, length, True):
                return False
            size = self._blocks.size_with(name, length, True)
        block: i64 = place & ADDRESS
        address: i64 = self.allocator.alloc(size)
        strings.heap.move(block, address, granules(name) * 8 + strings.part_bytes(word))
        self.words[slot] = strings.moved(word, block, address)
        self._follow(slot, address, False)
        self.allocator.free(block)
        return True

    def needs_room_for_time(self, slot: i64) -> bool:
        """Whether the block has no room for a time: it was not asked for, and no 8 bytes are left over."""
        place: i64 = self.key_places[slot]
        name: i64 = place >> LENGTH_SHIFT
        word: i64 = self.words[slot]
        embedded: i64 = -1
        if word >= 0:
            if self._in_blocks.is_embedded(word):
                embedded = self._in_blocks.length(word)
        else:
            value = self.object(word)
            if isinstance(value, BytesString) and value.sds_address == 0:
                embedded = len(value.content)
        size = self._blocks.size(name, True) if embedded < 0 else self._blocks.size_with(name, embedded, True)
        return self.allocator.usable(place & ADDRESS) < size

    def overhead(self, slot: i64) -> i64:
        word: i64 = self.words[slot]
        has_value = self._in_blocks.is_embedded(word) if word >= 0 else _is_embstr(self.object(word))
        return 0 if has_value else self.allocator.usable(self.key_address(slot)) - ROBJ_SIZE

    def lend(self, slot: i64) -> RedisObject:
        """The value leaves the block, in which a number takes its place until this key is deleted."""
        value = self.make_object(slot)
        block = i64(value.address)
        value.address = i32(self.allocator.alloc(ROBJ_SIZE))
        self.objects[~self.words[slot]] = IntegerString(block, 0)
        return value

    # For snapshots.

    def free_key(self, slot: i64) -> None:
        """The value had it."""

    def new_key_block(self, key: bytes) -> i64:
        return 0

    def addresses_for(self, values: list[RedisObject], addresses: vec[i32]) -> vec[i32]:
        return vec[i32]([value.address for value in values])

    def clear_values(self) -> None:
        super().clear_values()
        self._is_tight = True

    def put_keys(self, keys: list[bytes], addresses: vec[i32]) -> None:
        self._is_tight = False
        heap = self.heap
        if heap is not None:
            for slot, key in enumerate(keys):
                heap.store(i64(addresses[slot]), key, len(key))
        super().put_keys(keys, addresses)

    # For defragmentation.

    def moved_key(self, mover: Mover, slot: i64) -> i64:
        """The block moves with the key, unless the value has another reference."""
        word: i64 = self.words[slot]
        if word >= 0:
            strings = self._in_blocks
            place: i64 = self.key_places[slot]
            block: i64 = place & ADDRESS
            content: i64 = granules(place >> LENGTH_SHIFT) * 8 + strings.part_bytes(word)
            moved: i64 = mover.content(block, strings.heap, content)
            self.words[slot] = strings.moved(word, block, moved)
            return moved
        value = self.object(word)
        if value.refcount != 1:
            return self.key_places[slot] & ADDRESS
        address = super().moved_key(mover, slot)
        value.address = i32(address)
        return address

    def defrag_head(self, mover: Mover, value: RedisObject) -> None:
        address = value.address
        value.address = 0  # no block: it was placed with the key
        value.defrag_head(mover)
        value.address = address

    def dismantle_string(self, slot: i64, word: i64, freed: FreedBlocks) -> None:
        freed.add(self.key_address(slot))
        super().dismantle_string(slot, word, freed)

    # Audit.

    def check(self) -> None:
        """Assert the invariants."""
        super().check()
        for slot, value in enumerate(self.all_values()):
            assert i64(value.address) == self.key_address(slot), "a key is not in the block of its value"
            word: i64 = self.words[slot]
            if self._is_tight and word >= 0 and self._in_blocks.is_embedded(word):
                name: i64 = self.key_places[slot] >> LENGTH_SHIFT
                size = self._in_blocks.embedded_size(name, self._in_blocks.length(word), False)
                room: i64 = self.allocator.usable(i64(value.address)) - size
                assert 0 <= room <= self.allocator.spare_bytes, "a block has room that it should not have"
