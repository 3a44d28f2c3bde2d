"""Consumer groups of a stream: how far each has read, its consumers, and the entries they have not acknowledged.

A pending entry is one block that two trees share: the group's and its consumer's.
"""

from __future__ import annotations

from typing import Final, cast

from mypy_extensions import i32, i64

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.layout import STREAM_CONSUMER_SIZE, STREAM_GROUP_SIZE, sds_new_size
from pyredmem.memory.mover import Mover
from pyredmem.memory.relocation import Relocatable, relocated_number, twin_elsewhere
from pyredmem.objects.rdb_writer import RdbWriter
from pyredmem.objects.stream_id import MAX_ID, SEQUENCE_BITS, SEQUENCE_MAX, id_key, id_of_key
from pyredmem.structures.radix import RadixCursor, RadixTree

#: ``entries_read`` of a group that has lost count; ``active_ms`` of a consumer that never got an entry.
UNKNOWN: Final = -1
#: A consumer with more pending entries than this is not replaced by a twin.
_MOST_REFERRING: Final = 64


class PendingEntry(Relocatable):
    """An entry that was delivered to a consumer and has not been acknowledged."""

    def __init__(self, address: i64, consumer: StreamConsumer, delivered_ms: i64) -> None:
        self.address: i32 = i32(address)
        self.consumer = consumer
        self.delivered_ms: i64 = delivered_ms  # unix ms
        self.deliveries: i64 = 1

    def twin(self) -> PendingEntry:
        twin = PendingEntry(i64(self.address), self.consumer, self.delivered_ms)
        twin.deliveries = self.deliveries
        return twin


class StreamConsumer(Relocatable):
    """One of the clients that share the entries of a group."""

    def __init__(self, allocator: Allocator, name: bytes, now_ms: i64, original: StreamConsumer | None = None) -> None:
        """``original`` is the consumer whose twin this is."""
        self.name = name
        self.seen_ms: i64 = now_ms  # when it last ran a command, unix ms
        self.active_ms: i64 = UNKNOWN  # when it last got an entry, unix ms
        if original is not None:
            self.address: i32 = original.address
            self.name_address: i32 = original.name_address
            self.pending: RadixTree[PendingEntry] = original.pending
            return
        self.address = i32(allocator.alloc(STREAM_CONSUMER_SIZE))
        self.name_address = i32(allocator.alloc(sds_new_size(len(name))))
        self.pending = RadixTree[PendingEntry](allocator)

    def dismantle(self, limit: i64, freed: FreedBlocks) -> i64:
        """Remove about ``limit`` pending entries, whose blocks the group frees.

        Returns what is left of the limit, -1 if entries remain.
        """
        while limit > 0:
            limit -= 1
            if self.pending.drop_last(freed):
                freed.add(i64(self.name_address))
                freed.add(i64(self.address))
                return limit
        return -1

    def relocated(self, mover: Mover) -> StreamConsumer:
        """This object or, if it has to leave its place in the process's heap, its twin.

        A consumer with many pending entries stays, because each of them would have to be pointed to the twin.
        """
        if self.pending.used > _MOST_REFERRING or not mover.must_leave(self):
            return self
        twin = twin_elsewhere(self, mover)
        for entry in self.pending.values():
            entry.consumer = twin
        return twin

    def twin(self) -> StreamConsumer:
        twin = StreamConsumer(self.pending.allocator, self.name, self.seen_ms, self)
        twin.active_ms = self.active_ms
        return twin

    def defrag_head(self, mover: Mover) -> None:
        """Let the mover place everything except the pending entries."""
        self.address = i32(mover.block(i64(self.address)))
        self.name_address = i32(mover.block(i64(self.name_address)))
        if mover.steers():
            self.pending = self.pending.relocated(mover)
        self.pending.defrag_head(mover)

    def free(self) -> None:
        """Free the blocks, but not those of the pending entries."""
        allocator = self.pending.allocator
        self.pending.free()
        allocator.free(i64(self.name_address))
        allocator.free(i64(self.address))

    def memory(self) -> i64:
        """Bytes as MEMORY USAGE counts them."""
        return STREAM_CONSUMER_SIZE + len(self.name) + self.pending.counted_bytes()


class StreamGroup(Relocatable):
    """A consumer group."""

    def __init__(
        self,
        allocator: Allocator,
        name: bytes,
        last_id: int,
        entries_read: int,
        original: StreamGroup | None = None,
    ) -> None:
        """``original`` is the group whose twin this is."""
        self.allocator = allocator
        self.name = name
        self.last_id = last_id
        self.entries_read = entries_read  # UNKNOWN if entries were skipped or deleted
        self._has_pending = True  # while the group is dismantled: whether that tree is still there
        if original is not None:
            self.address: i32 = original.address
            self.pending: RadixTree[PendingEntry] = original.pending
            self.consumers: RadixTree[StreamConsumer] = original.consumers
            return
        self.address = i32(allocator.alloc(STREAM_GROUP_SIZE))
        self.pending = RadixTree[PendingEntry](allocator)
        self.consumers = RadixTree[StreamConsumer](allocator)

    def add_consumer(self, name: bytes, now_ms: i64) -> StreamConsumer:
        consumer = StreamConsumer(self.allocator, name, now_ms)
        self.consumers.insert(name, consumer)
        return consumer

    def delete_consumer(self, consumer: StreamConsumer) -> i64:
        """Delete a consumer with its pending entries; returns the number of those."""
        count = consumer.pending.used
        for entry_id, entry in entries_from(consumer.pending, 0, MAX_ID, -1):
            self.pending.remove(id_key(entry_id))
            self.allocator.free(i64(entry.address))
        self.consumers.remove(consumer.name)
        consumer.free()
        return count

    def deliver(self, key: bytes, consumer: StreamConsumer, now_ms: i64) -> None:
        """Note that an entry was delivered to a consumer. If it is pending already, it passes to this consumer."""
        entry = self.pending.get(key)
        if entry is None:
            self.add_pending(key, consumer, now_ms)
            return
        self.hand_over(key, entry, consumer)
        entry.delivered_ms = now_ms
        entry.deliveries = 1

    def add_pending(self, key: bytes, consumer: StreamConsumer, now_ms: i64) -> PendingEntry:
        """Add a pending entry."""
        entry = PendingEntry(self.allocator.alloc(self.allocator.sizes.pending_entry), consumer, now_ms)
        self.pending.insert(key, entry)
        consumer.pending.insert(key, entry)
        return entry

    def hand_over(self, key: bytes, entry: PendingEntry, consumer: StreamConsumer) -> None:
        """Pass a pending entry to another consumer."""
        if entry.consumer is not consumer:
            entry.consumer.pending.remove(key)
            entry.consumer = consumer
            consumer.pending.insert(key, entry)

    def acknowledge(self, key: bytes) -> bool:
        """Remove a pending entry; False if it is not there."""
        entry = self.pending.remove(key)
        if entry is None:
            return False
        entry.consumer.pending.remove(key)
        self.allocator.free(i64(entry.address))
        return True

    def duplicate(self) -> StreamGroup:
        """A copy with its own pending entries and consumers."""
        copy = StreamGroup(self.allocator, self.name, self.last_id, self.entries_read)
        for consumer in self.consumers.values():
            twin = copy.add_consumer(consumer.name, consumer.seen_ms)
            twin.active_ms = consumer.active_ms
            for entry_id, entry in entries_from(consumer.pending, 0, MAX_ID, -1):
                copy.add_pending(id_key(entry_id), twin, entry.delivered_ms).deliveries = entry.deliveries
        return copy

    def save(self, writer: RdbWriter) -> None:
        """Write the group: its pending entries with times and counts, then the consumers with the ids of theirs."""
        writer.string(self.name)
        save_id(writer, self.last_id)
        writer.signed_length(self.entries_read)
        writer.length(self.pending.used)
        for entry_id, entry in entries_from(self.pending, 0, MAX_ID, -1):
            writer.raw(id_key(entry_id))
            writer.moment(entry.delivered_ms)
            writer.signed_length(entry.deliveries)
        consumers = self.consumers.values()
        writer.length(len(consumers))
        for consumer in consumers:
            writer.string(consumer.name)
            writer.moment(consumer.seen_ms)
            writer.moment(consumer.active_ms)
            writer.length(consumer.pending.used)
            for entry_id, _ in entries_from(consumer.pending, 0, MAX_ID, -1):
                writer.raw(id_key(entry_id))

    def free(self) -> None:
        """Free all blocks."""
        for entry in self.pending.values():
            self.allocator.free(i64(entry.address))
        self.pending.free()
        for consumer in self.consumers.values():
            consumer.free()
        self.consumers.free()
        self.allocator.free(i64(self.address))

    def dismantle(self, limit: i64, freed: FreedBlocks) -> i64:
        """Remove about ``limit`` pending entries and consumers.

        Returns what is left of the limit, -1 if something remains. A pending entry and its consumer refer to each
        other; the references end as the trees drop the two.
        """
        while self._has_pending:
            if limit <= 0:
                return -1
            limit -= 1
            entry = self.pending.last_node().value
            if entry is not None:
                freed.add(i64(entry.address))
            self._has_pending = not self.pending.drop_last(freed)
        while limit > 0:
            consumer = self.consumers.last_node().value
            if consumer is not None:
                limit = consumer.dismantle(limit, freed)
                if limit < 0:
                    return -1
            limit -= 1
            if self.consumers.drop_last(freed):
                freed.add(i64(self.address))
                return limit if limit > 0 else 0
        return -1

    def twin(self) -> StreamGroup:
        return StreamGroup(self.allocator, self.name, self.last_id, self.entries_read, self)

    def image(self) -> StreamGroup:
        """A copy that refers to the same blocks, with copies of consumers and pending entries."""
        image = self.twin()
        image.pending = self.pending.image()
        image.consumers = self.consumers.image()
        consumers: dict[bytes, StreamConsumer] = {}
        for node in image.consumers.key_nodes():
            assert node.value is not None
            consumer = node.value.twin()
            consumer.pending = consumer.pending.image()
            node.value = consumer
            consumers[consumer.name] = consumer
        entries: dict[bytes, PendingEntry] = {}
        for place in image.pending.key_nodes():
            assert place.value is not None
            entry = place.value.twin()
            entry.consumer = consumers[entry.consumer.name]
            place.value = entry
            entries[place.key] = entry
        for consumer in consumers.values():
            for place in consumer.pending.key_nodes():
                place.value = entries[place.key]
        return image

    def defrag_head(self, mover: Mover) -> None:
        """Let the mover place everything except consumers and pending entries."""
        self.address = i32(mover.block(i64(self.address)))
        if mover.steers():
            self.last_id = cast("int", relocated_number(self.last_id, mover))
            self.pending = self.pending.relocated(mover)
            self.consumers = self.consumers.relocated(mover)
        self.pending.defrag_head(mover)
        self.consumers.defrag_head(mover)

    def memory(self) -> i64:
        """Bytes as MEMORY USAGE counts them."""
        total: i64 = STREAM_GROUP_SIZE + self.pending.counted_bytes()
        total += self.allocator.sizes.pending_entry * self.pending.used
        for consumer in self.consumers.values():
            total += consumer.memory()
        return total

    def addresses(self) -> list[int]:
        owned = [int(self.address), *self.pending.addresses(), *self.consumers.addresses()]
        owned += [int(entry.address) for entry in self.pending.values()]
        for consumer in self.consumers.values():
            owned += [int(consumer.address), int(consumer.name_address), *consumer.pending.addresses()]
        return owned

    def check(self) -> None:
        self.pending.check()
        self.consumers.check()
        owned: i64 = 0
        for consumer in self.consumers.values():
            consumer.pending.check()
            owned += consumer.pending.used
        assert owned == self.pending.used
        for entry_id, entry in entries_from(self.pending, 0, MAX_ID, -1):
            assert entry.consumer.pending.get(id_key(entry_id)) is entry


def save_id(writer: RdbWriter, entry_id: int) -> None:
    """Write an id as two numbers."""
    writer.length(entry_id >> SEQUENCE_BITS)
    writer.length(entry_id & SEQUENCE_MAX)


def entries_from(tree: RadixTree[PendingEntry], low: int, high: int, count: int) -> list[tuple[int, PendingEntry]]:
    """Pending entries with their ids, from ``low`` to ``high``: at most ``count``, or all if that is negative."""
    found: list[tuple[int, PendingEntry]] = []
    cursor = RadixCursor(tree)
    entry = cursor.seek(id_key(low))
    while entry is not None and len(found) != count:
        entry_id = id_of_key(cursor.key())
        if entry_id > high:
            break
        found.append((entry_id, entry))
        entry = cursor.next()
    return found
