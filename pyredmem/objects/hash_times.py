"""The fields of hashes in which some fields expire: Redis 7.4's encodings.

Redis 7.2 has no such hashes. Their memory is modelled on what is publicly known of 7.4 and, beyond that, on these
assumptions:

* ``listpackex``: a header of 32 bytes (expire metadata of 16, the pointers to the key's name and to the listpack) and a
  listpack of field, value, time ...; the time of a field without one is 0. Fields with a time come first, in the order
  of their times (of equal times the one that was set last comes first); the others follow in the order in which they
  were added. Any command that may set a time changes to this encoding, even if no field gets one.
* ``hashtable``: the header is 32 bytes larger (expire metadata, the root of the times, the pointer to the key's name),
  and the string of a field with a time has 18 bytes of metadata in front of it.
* The times of a table with up to 16 of them are a linked list inside that metadata. More times are a tree with a head
  (24 bytes) and one block (40 bytes, a segment's head and the tree's node) for every 16 fields.
* The database's own index of hashes with times is not in the ledger.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i32, i64, mypyc_attr

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.layout import listpack_integer_size, sds_new_size
from pyredmem.memory.mover import Mover
from pyredmem.memory.relocation import relocated
from pyredmem.objects.field_times import NEVER, NO_TIME, FieldTimes
from pyredmem.objects.hash_fields import HashFields, PackedFields
from pyredmem.objects.hash_table import TableFields
from pyredmem.objects.rdb_types import HASH_LISTPACK_EX, HASH_METADATA
from pyredmem.objects.rdb_writer import RdbWriter
from pyredmem.objects.time_index import CountedTimes, TimeIndex
from pyredmem.objects.time_windows import TimeWindows
from pyredmem.structures.listpack import Listpack, entry_size
from pyredmem.structures.listpack_bytes import ListpackWriter

_FIELD_METADATA_SIZE: Final = 18


def _time_size(when_ms: i64) -> i64:
    """Bytes of a time in a listpack."""
    return listpack_integer_size(0 if when_ms == NO_TIME else when_ms)


@mypyc_attr(acyclic=True)
class TimedPackedFields(PackedFields):
    """``listpackex``: with every field comes its time, or 0."""

    def __init__(self, block: Listpack, values: dict[bytes, bytes], times: FieldTimes, header_address: i64 = 0) -> None:
        """``header_address`` is the header of the object whose twin this is."""
        super().__init__(block, values)
        self.times = times
        if header_address == 0:
            header_address = block.allocator.alloc(block.allocator.sizes.packed_times)
        self.header_address: i32 = i32(header_address)

    def encoding(self) -> bytes:
        return b"listpackex"

    def field_times(self) -> FieldTimes | None:
        return self.times

    def set(self, field: bytes, value: bytes) -> bool:
        """Add a field without a time, or replace the value of a field and keep its time."""
        is_new = super().set(field, value)
        if is_new:
            self.block.grow(_time_size(NO_TIME))
        return is_new

    def remove(self, field: bytes) -> bool:
        """Remove a field with its time; False if it was not there."""
        value = self.values.pop(field, None)
        if value is None:
            return False
        self.block.shrink(entry_size(field) + entry_size(value) + _time_size(self.times.get(field)))
        self.times.clear(field)
        return True

    def set_time(self, field: bytes, when_ms: i64) -> None:
        """Set the time of a field, which moves to its place in the order of times."""
        self.block.change(_time_size(when_ms) - _time_size(self.times.get(field)))
        self.times.set(field, when_ms)

    def clear_time(self, field: bytes) -> None:
        """Remove the time of a field, which becomes the last field."""
        self.block.change(_time_size(NO_TIME) - _time_size(self.times.get(field)))
        self.times.clear(field)
        self.values[field] = self.values.pop(field)

    def names(self) -> list[bytes]:
        """The fields in the order of the listpack."""
        when = self.times.when
        return self.times.in_order() + [field for field in self.values if field not in when]

    def contents(self) -> list[bytes]:
        """The values in the order of the listpack."""
        return [self.values[field] for field in self.names()]

    def duplicate(self) -> HashFields:
        """A second listpack like this one, with its own times."""
        return TimedPackedFields(self.block.duplicate(), self.values.copy(), self.times.copy())

    def save(self, writer: RdbWriter) -> None:
        """Write the earliest time, then the block: field, value, time ...

        If no field has a time, and the reader may not know times, the value is written as a hash without times.
        """
        first_ms = self.times.next_ms()
        if first_ms == NEVER and not writer.has_field_times:
            super().save(writer)
            return
        block = ListpackWriter()
        for field in self.names():
            when_ms = self.times.get(field)
            block.add(field)
            block.add(self.values[field])
            block.add_integer(0 if when_ms == NO_TIME else when_ms)
        writer.kind(HASH_LISTPACK_EX)
        writer.needs_field_times()
        writer.moment(0 if first_ms == NEVER else first_ms)
        writer.string(block.finish())

    def memory(self, samples: i64) -> i64:
        return self.block.allocator.sizes.packed_times + self.block.usable()

    def free(self) -> None:
        self.block.allocator.free(i64(self.header_address))
        self.block.free()

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        if not self.times.dismantle(limit) or not super().dismantle(limit, freed):
            return False
        freed.add(i64(self.header_address))
        return True

    def defrag_head(self, mover: Mover) -> None:
        """The header, and the listpack with its content."""
        self.header_address = i32(mover.block(i64(self.header_address)))
        super().defrag_head(mover)
        if mover.steers():
            self.times = relocated(self.times, mover)
            self.times.relocate_all(mover)

    def twin(self) -> HashFields:
        return TimedPackedFields(self.block, self.values, self.times, i64(self.header_address))

    def detach(self) -> None:
        super().detach()
        self.times = self.times.image()

    def addresses(self) -> list[int]:
        return [int(self.header_address), int(self.block.address)]


@mypyc_attr(acyclic=True)
class TimedTableFields(TableFields):
    """``hashtable`` with times."""

    def __init__(self, allocator: Allocator, times: FieldTimes, address: i64 = 0) -> None:
        super().__init__(allocator, allocator.sizes.table_times, address)
        self.times = times
        #: What the ledger has for the times, besides the fields.
        self.index: TimeIndex = TimeWindows(allocator, times) if self.table.embeds_values else CountedTimes(allocator)

    def field_times(self) -> FieldTimes | None:
        return self.times

    def fill(self, fields: list[bytes], values: list[bytes]) -> None:
        """Add the fields of another encoding or table. Their times are in ``times``."""
        super().fill(fields, values)
        for field, when_ms in self.times.when.items():
            self._resize_field(field, _FIELD_METADATA_SIZE)
            self.index.add(field, when_ms)

    def set(self, field: bytes, value: bytes) -> bool:
        added = super().set(field, value)
        if self.table.embeds_values and self.times.get(field) != NO_TIME:
            self._resize_field(field, _FIELD_METADATA_SIZE)
        return added

    def remove(self, field: bytes) -> bool:
        """Remove a field with its time; False if it was not there."""
        if not super().remove(field):
            return False
        when_ms = self.times.get(field)
        if when_ms != NO_TIME:
            self.times.clear(field)
            self.index.remove(field, when_ms)
        return True

    def set_time(self, field: bytes, when_ms: i64) -> None:
        """Set the time of a field. If it is its first one, the field's string is replaced by one with metadata."""
        self._keep(field)
        old_ms = self.times.get(field)
        self.times.set(field, when_ms)
        if old_ms == NO_TIME:
            self._resize_field(field, _FIELD_METADATA_SIZE)
            self.index.add(field, when_ms)
        else:
            self.index.move(field, old_ms, when_ms)

    def clear_time(self, field: bytes) -> None:
        """Remove the time of a field, whose string is replaced by one without metadata."""
        self._keep(field)
        self._resize_field(field, 0)
        when_ms = self.times.get(field)
        self.times.clear(field)
        self.index.remove(field, when_ms)

    def _keep(self, field: bytes) -> None:
        """Let a save that goes on see a field whose time is about to change."""
        keeper = self.table.keeper
        if keeper is not None:
            keeper.before_change(self.table.find_rehashing(field))

    def _resize_field(self, field: bytes, metadata: i64) -> None:
        table = self.table
        slot: i64 = table.find(field)
        if table.embeds_values:
            table.fit_block(slot, metadata > 0, False)
        else:
            table.resize_field(slot, sds_new_size(len(field)) + metadata)

    def duplicate(self) -> HashFields:
        """A table of the size needed, with its own times."""
        copy = TimedTableFields(self.allocator, self.times.copy())
        copy.fill(self.table.all_keys(), self.table.all_values())
        return copy

    def save_head(self, writer: RdbWriter) -> i64:
        """Write the earliest time too. If no field has one, the value is written as a hash without times."""
        first_ms = self.times.next_ms()
        if first_ms == NEVER:
            return super().save_head(writer)
        writer.kind(HASH_METADATA)
        writer.needs_field_times()
        writer.moment(first_ms)
        writer.length(self.table.used)
        return first_ms

    def save_slot(self, writer: RdbWriter, slot: i64, first_ms: i64) -> None:
        """Write with a field how much later its time is than the earliest, which itself is 1; without a time, 0."""
        if first_ms != NEVER:
            when_ms = self.times.get(self.table.key(slot))
            writer.length(0 if when_ms == NO_TIME else when_ms - first_ms + 1)
        super().save_slot(writer, slot, first_ms)

    def memory(self, samples: i64) -> i64:
        """That of a table without times, plus the index."""
        total = super().memory(samples)
        if not self.allocator.sizes.counts_table_times:
            return total - self.allocator.sizes.table_times
        return total + self.index.memory()

    def free(self) -> None:
        for address in self.index.addresses():
            self.allocator.free(address)
        super().free()

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        """The index first, then the times, the fields and the header."""
        gone = self.index.dismantle(limit, freed)
        return gone and self.times.dismantle(limit) and super().dismantle(limit, freed)

    def defrag_head(self, mover: Mover) -> None:
        super().defrag_head(mover)
        if mover.steers():
            self.times = relocated(self.times, mover)
            self.times.relocate_heap(mover)

    def defrag_elements(self, mover: Mover, cursor: i64, limit: i64) -> i64:
        """Some fields, in the order of their slots; after them the blocks of the index, then the heap of times."""
        if cursor < 0:
            return 0
        table = self.table
        if limit < 1:
            limit = 1
        fields: i64 = table.used
        if cursor < fields:
            following = table.defrag_slots(mover, cursor, limit)
            end = following if following > 0 else fields
            if mover.steers():
                while cursor < end:
                    self.times.relocate_time(table.key(cursor), mover)
                    cursor += 1
            return end
        blocks = self.index.movable()
        at = cursor - fields
        if at < blocks:
            end = min(at + limit, blocks)
            while at < end:
                self.index.move_block(mover, at)
                at += 1
            return fields + end
        entries: i64 = self.times.entries() if mover.steers() else 0
        at -= blocks
        end = min(at + limit, entries)
        while at < end:
            field = self.times.entry_field(at)
            slot: i64 = table.find_rehashing(field)
            self.times.relocate_entry(at, mover.text(field) if slot < 0 else table.key(slot), mover)
            at += 1
        return fields + blocks + end if at < entries else 0

    def twin(self) -> HashFields:
        twin = TimedTableFields(self.allocator, self.times, i64(self.address))
        twin.table = self.table
        twin.index = self.index
        return twin

    def detach(self) -> None:
        super().detach()
        self.times = self.times.image()
        self.index = self.index.image(self.times)

    def addresses(self) -> list[int]:
        return super().addresses() + self.index.addresses()
