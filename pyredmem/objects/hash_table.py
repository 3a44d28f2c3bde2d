"""The fields of a large hash: a hash table in which each field and each value is a string in its own block.

The values are in dense arrays beside those of the table's keys (see :mod:`pyredmem.structures.dict_slots`), so a random
field is found by one index.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i32, i64, mypyc_attr

from pyredmem.base.rng import Random
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.field_block import field_block_size, joint_block_size, stays_in_block
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.heap_bytes import ADDRESS, LENGTH_SHIFT, LONGEST_IN_HEAP, place_of
from pyredmem.memory.layout import DICT_ENTRY_SIZE, sds_new_size
from pyredmem.memory.mover import Mover
from pyredmem.memory.page_release import release_list_tail
from pyredmem.memory.relocation import relocated_list
from pyredmem.objects.collection import sampled_memory
from pyredmem.objects.field_times import NEVER
from pyredmem.objects.hash_fields import HashFields
from pyredmem.objects.pieces import Pieces
from pyredmem.objects.rdb_types import HASH
from pyredmem.objects.rdb_writer import RdbWriter
from pyredmem.objects.table_pieces import table_pieces
from pyredmem.objects.table_reply import reply_key
from pyredmem.protocol.reply import ReplySink
from pyredmem.structures.dict import LARGE_ARRAY, Dict

#: The most buckets that HSCAN visits for each field of its COUNT.
_BUCKETS_PER_FIELD: Final = 10


class FieldTable(Dict):
    """A hash table from field to value, which owns the strings of both.

    Values are where the fields are: in the heap, each in its sds, or in a list. Long ones are never in the heap. The
    word is the place of the value's sds.
    """

    def __init__(self, allocator: Allocator) -> None:
        embeds = allocator.sizes.embeds_values
        super().__init__(allocator, owns_keys=True, without_values=embeds, in_heap=not embeds, has_words=True)
        #: Whether a short value is in the block of its field, so that it has no address of its own.
        self.embeds_values = embeds
        self.values: list[bytes] = []
        self._long_values: dict[int, bytes] = {}  # by address, in a table whose values are in the heap

    def put(self, field: bytes, value: bytes) -> bool:
        """Set the value of a field; True if the field is new."""
        slot: i64 = self.find_for_insert(field)
        if slot < 0:
            self.add(field, value)
            return True
        if self.keeper is not None:
            self.keeper.before_change(slot)
        length: i64 = len(value)
        if self.embeds_values:
            self.values[slot] = value
            self.words[slot] = place_of(self.value_address(slot), length)
            self.fit_block(slot, False, True)
            return False
        address: i64 = self.allocator.alloc(sds_new_size(length))
        self._free_value(slot)
        if self.entries is None:
            self.words[slot] = place_of(address, length)
        else:
            self.set_word(slot, place_of(address, length))
        if self.heap is None:
            self.values[slot] = value
        else:
            self._store(address, value, length)
        return False

    def add(self, field: bytes, value: bytes) -> None:
        """Add a field that is not there. It was looked up just before, or the table has room for it."""
        length: i64 = len(value)
        if self.embeds_values:
            self.values.append(value)
            self.fit_block(self.insert(field, 0, place_of(0, length)), False, False)
            return
        address: i64 = self.allocator.alloc(sds_new_size(length))
        self.insert(field, 0, place_of(address, length))
        if self.heap is None:
            self.values.append(value)
        else:
            self._store(address, value, length)

    def _store(self, address: i64, value: bytes, length: i64) -> None:
        """Store a value in its sds, if it is not too long for the heap."""
        heap = self.heap
        if heap is not None and length <= LONGEST_IN_HEAP:
            heap.store(address, value, length)
        else:
            self._long_values[address] = value

    def value(self, slot: i64) -> bytes:
        """The value of the field in a slot."""
        heap = self.heap
        if heap is None:
            return self.values[slot]
        place = self.word(slot)
        length: i64 = place >> LENGTH_SHIFT
        return heap.load(place & ADDRESS, length) if length <= LONGEST_IN_HEAP else self._long_values[place & ADDRESS]

    def reply_value(self, slot: i64, reply: ReplySink) -> None:
        """Reply with the value of the field in a slot."""
        heap = self.heap
        if heap is None:
            reply.bulk(self.values[slot])
            return
        place = self.word(slot)
        if place >> LENGTH_SHIFT > LONGEST_IN_HEAP:
            reply.bulk(self._long_values[place & ADDRESS])
        else:
            reply.bulk_from(heap, place & ADDRESS, place >> LENGTH_SHIFT)

    def reply_all(self, reply: ReplySink, with_fields: bool, with_values: bool) -> None:
        """Reply with all fields, all values, or each field and its value."""
        slot: i64 = 0
        while slot < self.used:
            if with_fields:
                reply_key(self, slot, reply)
            if with_values:
                self.reply_value(slot, reply)
            slot += 1

    def all_values(self) -> list[bytes]:
        """All values by slot."""
        return self.values.copy() if self.heap is None else [self.value(slot) for slot in range(self.used)]

    def value_address(self, slot: i64) -> i64:
        """The ledger address of the value in a slot."""
        return self.word(slot) & ADDRESS

    def fit_block(self, slot: i64, has_time: bool, may_stay: bool) -> None:
        """Give a field the block, or blocks, that Valkey has for it and its value, which may be a new one.

        ``may_stay``: a new value may go into the block of the old one.
        """
        allocator = self.allocator
        field: i64 = self.key_places[slot] >> LENGTH_SHIFT
        block = self.key_address(slot)
        address = self.value_address(slot)
        length: i64 = self.words[slot] >> LENGTH_SHIFT
        size = joint_block_size(field, length, has_time)
        if size != 0:
            if address != 0:
                allocator.free(address)
            if address != 0 or not may_stay or not stays_in_block(size, allocator.usable(block)):
                self.set_key_address(slot, allocator.replace(block, size))
            self.words[slot] = place_of(0, length)
            return
        self.set_key_address(slot, allocator.replace(block, field_block_size(field, has_time)))
        request = sds_new_size(length)
        address = allocator.alloc(request) if address == 0 else allocator.replace(address, request)
        self.words[slot] = place_of(address, length)

    def resize_field(self, slot: i64, size: i64) -> None:
        """Give a field another sds, of ``size`` bytes."""
        field = self.key(slot)
        address: i64 = self.allocator.alloc(size)
        self.allocator.free(self.key_address(slot))
        self.set_key_address(slot, address)
        if self.heap is not None:
            self.heap.store(address, field, len(field))

    def take_out(self, slot: i64) -> None:
        """Remove the field in a slot, and its value."""
        if self.keeper is not None:
            self.keeper.before_change(slot)
        self._free_value(slot)
        self.remove(slot)

    def _free_value(self, slot: i64) -> None:
        place: i64 = self.words[slot] if self.entries is None else self.word(slot)
        if self.heap is not None and place >> LENGTH_SHIFT > LONGEST_IN_HEAP:
            del self._long_values[place & ADDRESS]
        if place & ADDRESS != 0:
            self.allocator.free(place & ADDRESS)

    def look_at(self, slots: vec[i64], count: i64, scratch: vec[i64]) -> i64:
        """Read the fields and the values in some slots."""
        seen: i64 = super().look_at(slots, count, scratch)
        heap = self.heap
        at: i64 = 0
        if heap is None:
            values = self.values
            while at < count:
                seen += len(values[slots[at]])
                at += 1
            return seen
        self.words_of(slots, count, scratch)
        while at < count:
            scratch[at] &= ADDRESS
            at += 1
        return seen + heap.look_at(scratch, count)

    def move_value(self, source: i64, target: i64) -> None:
        """Copy the value of one slot over that of another."""
        if self.heap is None:
            self.values[target] = self.values[source]

    def drop_last_value(self) -> None:
        if self.heap is None:
            self.values.pop()

    def clear(self) -> None:
        """Remove all fields, and free the tables and the values."""
        places = self.all_words()
        super().clear()
        for place in places:
            if place & ADDRESS != 0:
                self.allocator.free(place & ADDRESS)

    def clear_values(self) -> None:
        self.values = []
        self._long_values = {}

    def dismantle_values(self, first: i64, freed: FreedBlocks) -> None:
        """Drop the values from slot ``first`` on."""
        addresses = freed.addresses
        slot = first
        while slot < self.used:
            place = self.word(slot)
            if place & ADDRESS != 0:
                addresses = append(addresses, i32(place & ADDRESS))
            if self.heap is not None and place >> LENGTH_SHIFT > LONGEST_IN_HEAP:
                del self._long_values[place & ADDRESS]
            slot += 1
        freed.addresses = addresses
        if self.heap is None:
            del self.values[first:]
            if first // LARGE_ARRAY != self.used // LARGE_ARRAY:
                release_list_tail(self.values)

    def defrag_value(self, mover: Mover, slot: i64) -> None:
        """Show a value's sds, and its bytes."""
        place = self.word(slot)
        address: i64 = place & ADDRESS
        length: i64 = place >> LENGTH_SHIFT
        heap = self.heap
        if heap is not None and length <= LONGEST_IN_HEAP:
            self.set_word(slot, place_of(mover.content(address, heap, length), length))
            return
        new: i64 = mover.block(address)
        self.set_word(slot, place_of(new, length))
        if heap is not None:
            self._long_values[new] = mover.text(self._long_values.pop(address))
        elif mover.steers():
            self.values[slot] = mover.text(self.values[slot])

    def relocate_values(self, mover: Mover) -> None:
        """Show the list of values."""
        self.values = relocated_list(self.values, mover)

    def take_over_values(self, other: Dict) -> None:
        """Take the values of another table."""
        assert isinstance(other, FieldTable)
        self.values, other.values = other.values, []
        self._long_values, other._long_values = other._long_values, {}

    def copy_values(self, other: Dict) -> None:
        assert isinstance(other, FieldTable)
        self.values = other.all_values()

    def empty_twin(self) -> Dict:
        return FieldTable(self.allocator)

    def addresses(self) -> list[int]:
        """The address of every block of the table, including those of the values."""
        values = [int(self.value_address(slot)) for slot in range(self.used)]
        return super().addresses() + [address for address in values if address != 0]

    def check(self) -> None:
        super().check()
        values = self.all_values()
        assert len(values) == self.used
        assert all(self.word(slot) >> LENGTH_SHIFT == len(value) for slot, value in enumerate(values))
        long = [value for value in values if len(value) > LONGEST_IN_HEAP] if self.heap is not None else []
        assert len(self._long_values) == len(long), "a long value is there without a field"


@mypyc_attr(acyclic=True)
class TableFields(HashFields):
    """``hashtable``."""

    def __init__(self, allocator: Allocator, added_size: i64 = 0, address: i64 = 0) -> None:
        """``added_size`` is for times; ``address`` is the header of the object whose twin this is."""
        self.allocator = allocator
        self.header_size: i64 = allocator.sizes.hash_header + added_size
        self.address: i32 = i32(allocator.alloc(self.header_size) if address == 0 else address)
        self.table = FieldTable(allocator)

    def lookup_table(self) -> Dict | None:
        return self.table

    def encoding(self) -> bytes:
        return b"hashtable"

    def length(self) -> i64:
        return self.table.used

    def get(self, field: bytes) -> bytes | None:
        table = self.table
        slot: i64 = table.find(field)
        if slot < 0:
            return None
        return table.value(slot)

    def reply(self, field: bytes, reply: ReplySink) -> None:
        slot: i64 = self.table.find(field)
        if slot < 0:
            reply.null()
        else:
            self.table.reply_value(slot, reply)

    def set(self, field: bytes, value: bytes) -> bool:
        return self.table.put(field, value)

    def remove(self, field: bytes) -> bool:
        """Remove a field; False if it was not there. A table that has become sparse is resized."""
        table = self.table
        slot: i64 = table.find(field)
        if slot < 0:
            return False
        table.take_out(slot)
        table.shrink_if_sparse()
        return True

    def names(self) -> list[bytes]:
        return self.table.all_keys()

    def contents(self) -> list[bytes]:
        return self.table.all_values()

    def scan(self, cursor: i64, count: i64, fields: list[bytes], values: list[bytes]) -> i64:
        """Visit buckets until ``count`` fields were found, but at most ten buckets for each of them."""
        table = self.table
        found: list[int] = []
        buckets = count * _BUCKETS_PER_FIELD if count < table.buckets() else table.buckets()
        while True:
            cursor = table.scan(cursor, found)
            buckets -= 1
            if cursor == 0 or buckets < 0 or len(found) >= count:
                break
        for slot in found:
            fields.append(table.key(slot))
            values.append(table.value(slot))
        return cursor

    def random_field(self, rng: Random) -> bytes:
        """A random field. This is a step of a rehash that is in progress."""
        table = self.table
        table.step()
        return table.key(rng.below(table.used))

    def duplicate(self) -> HashFields:
        """A table of the size needed, filled with the same fields."""
        copy = TableFields(self.allocator)
        copy.fill(self.table.all_keys(), self.table.all_values())
        return copy

    def fill(self, fields: list[bytes], values: list[bytes]) -> None:
        """Make room for the fields of another encoding or table, and add them."""
        table = self.table
        table.expand(len(fields))
        for index, field in enumerate(fields):
            table.put(field, values[index])

    def save(self, writer: RdbWriter) -> None:
        first_ms = self.save_head(writer)
        for slot in range(self.table.used):
            self.save_slot(writer, slot, first_ms)

    def save_head(self, writer: RdbWriter) -> i64:
        writer.kind(HASH)
        writer.length(self.table.used)
        return NEVER

    def save_slot(self, writer: RdbWriter, slot: i64, first_ms: i64) -> None:
        writer.string(self.table.key(slot))
        writer.string(self.table.value(slot))

    def pieces(self, compresses: bool, least: i64) -> Pieces | None:
        return table_pieces(self, self.table, compresses, least)

    def hash_table(self) -> Dict | None:
        return self.table

    def memory(self, samples: i64) -> i64:
        """Header, buckets, and the average of the first ``samples`` fields (all if 0) times their number."""
        slots = self.table.walk(samples)
        if not slots:
            return self.structure_bytes()
        total: i64 = 0
        for slot in slots:
            total += self._field_memory(slot)
        return sampled_memory(self.structure_bytes(), total, len(slots), self.table.used)

    def structure_bytes(self) -> i64:
        """What MEMORY USAGE counts besides the fields."""
        table = self.table
        return self.header_size + table.table_bytes()

    def _field_memory(self, slot: i64) -> i64:
        table = self.table
        allocator = self.allocator
        field = allocator.usable(table.key_address(slot))
        if table.embeds_values:
            value = table.value_address(slot)
            return field if value == 0 else field + allocator.usable(value)
        return DICT_ENTRY_SIZE + field + allocator.usable(table.value_address(slot))

    def free_effort(self) -> i64:
        """One for each field."""
        return self.table.used

    def free(self) -> None:
        self.table.clear()
        self.allocator.free(i64(self.address))

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        """The fields first, then the header."""
        if not self.table.dismantle(limit, freed):
            return False
        freed.add(i64(self.address))
        return True

    def scan_effort(self) -> i64:
        return self.table.used

    def defrag_head(self, mover: Mover) -> None:
        """The header and the arrays of the table."""
        self.address = i32(mover.block(i64(self.address)))
        if mover.steers():
            table = self.table.relocated(mover)
            assert isinstance(table, FieldTable)
            self.table = table
        self.table.defrag_table(mover)

    def defrag_elements(self, mover: Mover, cursor: i64, limit: i64) -> i64:
        """Some fields, in the order of their slots."""
        return self.table.defrag_slots(mover, cursor, limit)

    def twin(self) -> HashFields:
        twin = TableFields(self.allocator, 0, i64(self.address))
        twin.table = self.table
        return twin

    def detach(self) -> None:
        table = self.table.image()
        assert isinstance(table, FieldTable)
        self.table = table

    def is_changed_by_reading(self) -> bool:
        return self.table.rehash_index >= 0

    def addresses(self) -> list[int]:
        return [int(self.address), *self.table.addresses()]
