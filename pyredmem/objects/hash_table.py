"""The fields of a large hash: a hash table in which each field and each value is a string in its own block.

The values are in a dense array beside that of the table's keys (see :mod:`pyredmem.structures.dict_core`), so a random
field is found by one index.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i32, i64, mypyc_attr

from pyredmem.base.rng import Random
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.layout import DICT_ENTRY_SIZE, DICT_SIZE, POINTER_SIZE, sds_new_size
from pyredmem.memory.mover import Mover
from pyredmem.memory.page_release import release_list_tail
from pyredmem.memory.relocation import relocated_array, relocated_list
from pyredmem.objects.hash_fields import HashFields
from pyredmem.objects.rdb_types import HASH
from pyredmem.objects.rdb_writer import RdbWriter
from pyredmem.structures.dict import LARGE_ARRAY, Dict

#: The most buckets that HSCAN visits for each field of its COUNT.
_BUCKETS_PER_FIELD: Final = 10


class FieldTable(Dict):
    """A hash table from field to value, which owns the strings of both."""

    def __init__(self, allocator: Allocator) -> None:
        super().__init__(allocator, owns_keys=True)
        self.values: list[bytes] = []
        self.value_addresses: vec[i32] = vec[i32]()

    def put(self, field: bytes, value: bytes) -> bool:
        """Set the value of a field; True if the field is new."""
        slot: i64 = self.find_for_insert(field)
        address: i64 = self.allocator.alloc(sds_new_size(len(value)))
        if slot >= 0:
            self.allocator.free(i64(self.value_addresses[slot]))
            self.value_addresses[slot] = i32(address)
            self.values[slot] = value
            return False
        slot = self.insert(field, 0)
        self.values.append(value)
        if slot < len(self.value_addresses):
            self.value_addresses[slot] = i32(address)
        else:
            self.value_addresses = append(self.value_addresses, i32(address))
        return True

    def take_out(self, slot: i64) -> None:
        """Remove the field in a slot, and its value."""
        self.allocator.free(i64(self.value_addresses[slot]))
        self.remove(slot)

    def look_at(self, slots: vec[i64], count: i64, scratch: vec[i64]) -> i64:
        """Read the field and the value in a slot."""
        seen: i64 = 0
        addresses = self.value_addresses
        at: i64 = 0
        while at < count:
            seen += i64(addresses[slots[at]])
            at += 1
        values = self.values
        at = 0
        while at < count:
            seen += len(values[slots[at]])
            at += 1
        return seen + super().look_at(slots, count, scratch)

    def move_value(self, source: i64, target: i64) -> None:
        """Copy the value of one slot over that of another."""
        self.values[target] = self.values[source]
        self.value_addresses[target] = self.value_addresses[source]

    def drop_last_value(self) -> None:
        self.values.pop()

    def trim_values(self) -> None:
        """Release the memory of unused slots."""
        self.value_addresses = self.value_addresses[: self.used]

    def clear_values(self) -> None:
        count: i64 = len(self.values)
        slot: i64 = 0
        while slot < count:
            self.allocator.free(i64(self.value_addresses[slot]))
            slot += 1
        self.values = []
        self.value_addresses = vec[i32]()

    def dismantle_values(self, first: i64, freed: FreedBlocks) -> None:
        """Drop the values from slot ``first`` on."""
        addresses = freed.addresses
        slot = first
        while slot < self.used:
            addresses = append(addresses, self.value_addresses[slot])
            slot += 1
        freed.addresses = addresses
        del self.values[first:]
        if first // LARGE_ARRAY != self.used // LARGE_ARRAY:
            release_list_tail(self.values)

    def dismantle_arrays(self, freed: FreedBlocks) -> bool:
        """Release a large array of addresses before the other arrays."""
        if len(self.value_addresses) > LARGE_ARRAY:
            if self.is_released(self.value_addresses, len(self.value_addresses) * 4):
                self.value_addresses = vec[i32]()
            return False
        return super().dismantle_arrays(freed)

    def defrag_value(self, mover: Mover, slot: i64) -> None:
        """Show a value's sds, and its bytes."""
        self.value_addresses[slot] = i32(mover.block(i64(self.value_addresses[slot])))
        if mover.steers():
            self.values[slot] = mover.text(self.values[slot])

    def relocate_values(self, mover: Mover) -> None:
        """Show the list of values, and the array of their addresses."""
        self.values = relocated_list(self.values, mover)
        self.value_addresses = relocated_array(self.value_addresses, mover)

    def take_over_values(self, other: Dict) -> None:
        """Take the values of another table."""
        assert isinstance(other, FieldTable)
        self.values, other.values = other.values, []
        self.value_addresses, other.value_addresses = other.value_addresses, vec[i32]()

    def copy_values(self, other: Dict) -> None:
        assert isinstance(other, FieldTable)
        self.values = other.values.copy()
        self.value_addresses = other.value_addresses[:]

    def empty_twin(self) -> Dict:
        return FieldTable(self.allocator)

    def addresses(self) -> list[int]:
        """The address of every block of the table, including those of the values."""
        return super().addresses() + list(self.value_addresses)[: self.used]

    def check(self) -> None:
        super().check()
        assert len(self.values) == self.used
        assert len(self.value_addresses) >= self.used


@mypyc_attr(acyclic=True)
class TableFields(HashFields):
    """``hashtable``."""

    def __init__(self, allocator: Allocator, header_size: i64 = DICT_SIZE, address: i64 = 0) -> None:
        """``address`` is the header of the object whose twin this is."""
        self.allocator = allocator
        self.header_size: i64 = header_size
        self.address: i32 = i32(allocator.alloc(header_size) if address == 0 else address)
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
        return table.values[slot]

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
        """The table's own list of fields: a copy would cost too much for one random field."""
        return self.table.keys

    def contents(self) -> list[bytes]:
        """The table's own list of values."""
        return self.table.values

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
            fields.append(table.keys[slot])
            values.append(table.values[slot])
        return cursor

    def random_field(self, rng: Random) -> bytes:
        """A random field. This is a step of a rehash that is in progress."""
        table = self.table
        table.step()
        return table.keys[rng.below(table.used)]

    def duplicate(self) -> HashFields:
        """A table of the size needed, filled with the same fields."""
        copy = TableFields(self.allocator)
        copy.fill(self.table.keys, self.table.values)
        return copy

    def fill(self, fields: list[bytes], values: list[bytes]) -> None:
        """Make room for the fields of another encoding or table, and add them."""
        table = self.table
        table.expand(len(fields))
        for index, field in enumerate(fields):
            table.put(field, values[index])

    def save(self, writer: RdbWriter) -> None:
        table = self.table
        writer.kind(HASH)
        writer.length(table.used)
        for slot, field in enumerate(table.keys):
            writer.string(field)
            writer.string(table.values[slot])

    def hash_table(self) -> Dict | None:
        return self.table

    def memory(self, samples: i64) -> i64:
        """Header, buckets, and the average of the first ``samples`` fields (all if 0) times their number."""
        table = self.table
        fixed = self.header_size + POINTER_SIZE * table.buckets()
        slots = table.walk(samples)
        if not slots:
            return fixed
        total: i64 = 0
        for slot in slots:
            total += self._field_memory(slot)
        return int(float(fixed) + float(total) / float(len(slots)) * float(table.used))

    def _field_memory(self, slot: i64) -> i64:
        table = self.table
        allocator = self.allocator
        field = allocator.usable(table.key_address(slot))
        return DICT_ENTRY_SIZE + field + allocator.usable(i64(table.value_addresses[slot]))

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
        twin = TableFields(self.allocator, self.header_size, i64(self.address))
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
