"""The tables of a database in which a key has one block (Redis 8.2).

The block has the header of the value, the name of the key, its time to live if it has one, and the value itself if that
is a short string. It is the block of the value, whose object has its address; the table does not own it::

    key_places   [ address | length ] ---.
    objects      [ value ]               |
                   address --------------+--> [ header | time | name | embedded string ]

Entries are those of a set: the first key of a bucket has none.

An object that is added leaves its own block for one with the name of the key. When the key gets another value, Redis
keeps the block unless the old or the new value is an embedded string, or the new one is a small integer that all keys
could share. A new block has room for a time to live only if the key has one then. A key that gets its first time to
live gets such a block, unless its block has 8 bytes to spare. The room stays until there is another block.

The table of expire times knows keys by the same addresses, so it is told of each new one.
"""

from __future__ import annotations

from librt.vecs import vec
from mypy_extensions import i32, i64, mypyc_attr

from pyredmem.keyspace.key_table import KeyTable
from pyredmem.keyspace.tables import ExpireTable
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.heap_bytes import ADDRESS, LENGTH_SHIFT
from pyredmem.memory.key_block import embedded_size, is_embedded, key_block_size
from pyredmem.memory.layout import ROBJ_SIZE, sds_new_size
from pyredmem.memory.mover import Mover
from pyredmem.objects.heap_strings import HeapStrings
from pyredmem.objects.object import RedisObject
from pyredmem.objects.string import SHARED_INTEGERS, BytesString, IntegerString
from pyredmem.objects.string_factory import StringFactory


def _is_embstr(value: RedisObject) -> bool:
    return isinstance(value, BytesString) and value.sds_address == 0


@mypyc_attr(acyclic=True)
class OneBlockTable(KeyTable):
    """From key to value, both in one block."""

    def __init__(self, allocator: Allocator, strings: HeapStrings, factory: StringFactory) -> None:
        super().__init__(allocator, strings, in_values=True)
        self.shared_integers = 0
        self._factory = factory
        #: The table of expire times with the same keys.
        self.expires = ExpireTable(allocator, without_values=True)

    # Blocks.

    def _settle_in(self, key: bytes, value: RedisObject, has_time: bool) -> i64:
        """Give a value a block with the name of its key, in place of its own; returns the address of the block.

        An embstr for which there is no room becomes raw.
        """
        allocator = self.allocator
        length: i64 = len(key)
        size = key_block_size(length, has_time)
        if isinstance(value, BytesString) and value.sds_address == 0:
            size_of_string: i64 = len(value.content)
            if is_embedded(length, size_of_string, has_time):
                size += embedded_size(size_of_string)
            else:
                value.sds_address = i32(allocator.alloc(sds_new_size(size_of_string)))
        address: i64 = allocator.replace(i64(value.address), size)
        value.address = i32(address)
        heap = self.heap
        if heap is not None:
            heap.store(address, key, length)
        return address

    def _follow(self, slot: i64, key: bytes, address: i64) -> None:
        """Note, in both tables, that the key in a slot has another address."""
        old = self.key_address(slot)
        if address == old:
            return
        self.set_key_address(slot, address)
        expires = self.expires
        if expires.used > 0:
            expiring = expires.find_moved(key, old)
            if expiring >= 0:
                expires.set_key_address(expiring, address)

    def _goes_into_a_block(self, value: RedisObject) -> bool:
        """Whether Redis puts a new value into the block of the old one."""
        if isinstance(value, IntegerString):
            return not (self._factory.sharing and 0 <= value.number < SHARED_INTEGERS)
        return not _is_embstr(value)

    def insert(self, key: bytes, key_address: i64, word: i64 = 0) -> i64:
        return super().insert(key, self._settle_in(key, self.object(word), False), word)

    def exchange(self, slot: i64, word: i64) -> None:
        old = self.object(self.words[slot])
        value = self.object(word)
        if old.refcount == 1 and not _is_embstr(old) and self._goes_into_a_block(value):
            block = old.address
            old.address = value.address
            value.address = block
        else:
            key = self.key(slot)
            has_time = self.expires.used > 0 and self.expires.find_rehashing(key) >= 0
            self._follow(slot, key, self._settle_in(key, value, has_time))
        self.words[slot] = word

    def put_object(self, slot: i64, value: RedisObject) -> None:
        """If it is not a twin of the old value, it takes its place in the block, and the old one is freed."""
        old = self.words[slot]
        if self.object(old).address == value.address:
            self.objects[~old] = value
            return
        self.exchange(slot, self._number(value))
        self.free_value(old)

    def timed_address(self, slot: i64) -> i64:
        if self.needs_room_for_time(slot):
            key = self.key(slot)
            self._follow(slot, key, self._settle_in(key, self.object(self.words[slot]), True))
        return self.key_address(slot)

    def needs_room_for_time(self, slot: i64) -> bool:
        """Whether the block has no room for a time: it was not asked for, and no 8 bytes are left over."""
        value = self.object(self.words[slot])
        size = key_block_size(self.key_places[slot] >> LENGTH_SHIFT, True)
        if isinstance(value, BytesString) and value.sds_address == 0:
            size += embedded_size(len(value.content))
        return self.allocator.usable(i64(value.address)) < size

    def overhead(self, slot: i64) -> i64:
        value = self.object(self.words[slot])
        return 0 if _is_embstr(value) else self.allocator.usable(i64(value.address)) - ROBJ_SIZE

    def lend(self, slot: i64) -> RedisObject:
        """The value leaves the block, in which a number takes its place until this key is deleted."""
        word = self.words[slot]
        value = self.object(word)
        block = i64(value.address)
        value.address = i32(self.allocator.alloc(ROBJ_SIZE))
        self.objects[~word] = IntegerString(block, 0)
        return value

    # For snapshots.

    def free_key(self, slot: i64) -> None:
        """The value had it."""

    def new_key_block(self, key: bytes) -> i64:
        return 0

    def addresses_for(self, values: list[RedisObject], addresses: vec[i32]) -> vec[i32]:
        return vec[i32]([value.address for value in values])

    def put_keys(self, keys: list[bytes], addresses: vec[i32]) -> None:
        heap = self.heap
        if heap is not None:
            for slot, key in enumerate(keys):
                heap.store(i64(addresses[slot]), key, len(key))
        super().put_keys(keys, addresses)

    # For defragmentation.

    def moved_key(self, mover: Mover, slot: i64) -> i64:
        """The block moves with the key, unless the value has another reference."""
        value = self.object(self.words[slot])
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

    # Audit.

    def check(self) -> None:
        """Assert the invariants."""
        super().check()
        for slot, value in enumerate(self.all_values()):
            assert i64(value.address) == self.key_address(slot), "a key is not in the block of its value"
