"""Reads streams from their serialized form, in all three versions (Redis 7.2 rdb.c, t_stream.c).

The first version has the length and the last id of a stream, but none of its other ids and counters. The second adds
those that the lag of groups is computed from, the third the time when a consumer was last active. Whatever is missing
is inferred as Redis infers it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Final

from mypy_extensions import i64

from pyredmem.objects.object import RedisObject
from pyredmem.objects.rdb_images import Builder, Image
from pyredmem.objects.rdb_reader import PayloadError, RdbReader
from pyredmem.objects.rdb_types import STREAM_LISTPACKS_2, STREAM_LISTPACKS_3
from pyredmem.objects.stream import Stream, StreamObject
from pyredmem.objects.stream_group import UNKNOWN, StreamGroup
from pyredmem.objects.stream_id import SEQUENCE_BITS, SEQUENCE_MAX, id_of_key, make_id
from pyredmem.objects.stream_node import DELETED_ENTRY, SAME_FIELDS, StreamNode
from pyredmem.structures.listpack import Listpack
from pyredmem.structures.listpack_bytes import ListpackReader
from pyredmem.structures.radix import RadixTree

_ID_BYTES: Final = 16
_INT64_MAX: Final = (1 << 63) - 1
_TWO_TO_64: Final = 1 << 64
#: Up to here numbers are quickly compared.
_SMALL: Final = (1 << 61) - 1


class NodeEntries:
    """A node: its id, its master fields, and the entries with their ids, including deleted ones."""

    def __init__(self, master_id: int, data: bytes) -> None:
        self.master_id = master_id
        self._milliseconds = master_id >> SEQUENCE_BITS
        self._sequence = master_id & SEQUENCE_MAX
        self.size = len(data)
        self.ids: list[int] = []
        self.entries: list[list[bytes]] = []
        self.deleted: set[int] = set()  # by their places
        self.fields: list[bytes] = []
        try:
            self._read(ListpackReader(data))
        except (ValueError, IndexError):
            raise PayloadError from None

    def _read(self, elements: ListpackReader) -> None:
        live = elements.integer()
        deleted = elements.integer()
        self.fields = [elements.next() for _ in range(_count(elements))]
        if elements.integer() != 0:
            raise PayloadError
        last = self.master_id - 1
        while elements.left() > 0:
            last = self._read_entry(elements, last)
        elements.finish()
        if not self.ids or live != len(self.ids) - len(self.deleted) or deleted != len(self.deleted):
            raise PayloadError

    def _read_entry(self, elements: ListpackReader, last: int) -> int:
        """Read an entry; returns its id, which must be above ``last``."""
        flags = elements.integer()
        if not 0 <= flags <= DELETED_ENTRY | SAME_FIELDS:
            raise PayloadError
        milliseconds = _wrapped(self._milliseconds + int(elements.integer()))
        sequence = _wrapped(self._sequence + int(elements.integer()))
        entry_id = make_id(milliseconds, sequence)
        if entry_id <= last:
            raise PayloadError
        entry: list[bytes] = []
        if flags & SAME_FIELDS:
            for field in self.fields:
                entry.append(field)
                entry.append(elements.next())
            taken = len(self.fields) + 3
        else:
            entry = [elements.next() for _ in range(2 * _count(elements))]
            taken = len(entry) + 4
        if elements.integer() != taken:
            raise PayloadError
        if flags & DELETED_ENTRY:
            self.deleted.add(len(self.ids))
        self.ids.append(entry_id)
        self.entries.append(entry)
        return entry_id

    def live(self) -> int:
        """How many entries are not deleted."""
        return len(self.ids) - len(self.deleted)

    def build(self, builder: Builder) -> StreamNode:
        """The node, in a block of exactly its size."""
        listpack = Listpack(builder.allocator, self.size)
        listpack.size = self.size
        node = StreamNode(listpack, self.master_id, self.fields)
        node.ids = self.ids
        node.entries.extend(self.entries)
        for place in sorted(self.deleted):
            node.tombstones[place] = self.entries[place]
            node.entries[place] = None
        node.live = self.live()
        node.deleted = len(self.deleted)
        return node


def _count(elements: ListpackReader) -> i64:
    """The next element: the number of items that follow, which cannot be more than there are bytes."""
    number = elements.integer()
    if not 0 <= number <= elements.left():
        raise PayloadError
    return number


class _Pending:
    """A pending entry: it was delivered and has not been acknowledged."""

    def __init__(self, delivered_ms: int, deliveries: int) -> None:
        self.delivered_ms = delivered_ms
        self.deliveries = deliveries


class _Consumer:
    """A consumer, with the keys of its pending entries."""

    def __init__(self, name: bytes, seen_ms: int, active_ms: int, keys: list[bytes]) -> None:
        self.name = name
        self.seen_ms = seen_ms
        self.active_ms = active_ms
        self.keys = keys


class GroupImage:
    """A consumer group. Every pending entry must belong to exactly one of the consumers."""

    def __init__(self, reader: RdbReader, kind: int) -> None:
        self.name = reader.string()
        self.last_id = _read_id(reader)
        self.entries_read: int | None = None  # None: to be inferred
        if kind >= STREAM_LISTPACKS_2:
            self.entries_read = _signed(reader.length())
            if self.entries_read < UNKNOWN:
                raise PayloadError
        self.pending: dict[bytes, _Pending] = {}
        for _ in range(reader.length()):
            key = reader.raw(_ID_BYTES)
            if key in self.pending:
                raise PayloadError
            self.pending[key] = _Pending(reader.moment(), _signed(reader.length()))
        self.consumers: list[_Consumer] = []
        held = 0
        for _ in range(reader.length()):
            consumer = self._read_consumer(reader, kind)
            held += len(consumer.keys)
            self.consumers.append(consumer)
        owned = {key for consumer in self.consumers for key in consumer.keys}
        if held != len(self.pending) or owned != set(self.pending):
            raise PayloadError
        if len({consumer.name for consumer in self.consumers}) != len(self.consumers):
            raise PayloadError

    def _read_consumer(self, reader: RdbReader, kind: int) -> _Consumer:
        name = reader.string()
        seen_ms = reader.moment()
        active_ms = reader.moment() if kind >= STREAM_LISTPACKS_3 else seen_ms
        keys = [reader.raw(_ID_BYTES) for _ in range(reader.length())]
        return _Consumer(name, seen_ms, active_ms, keys)

    def build(self, stream: Stream, builder: Builder) -> StreamGroup:
        """The group of ``stream``, which has its entries already."""
        read = stream.entries_up_to(self.last_id) if self.entries_read is None else self.entries_read
        group = StreamGroup(builder.allocator, self.name, self.last_id, read)
        for consumer in self.consumers:
            made = group.add_consumer(consumer.name, consumer.seen_ms)
            made.active_ms = consumer.active_ms
            for key in consumer.keys:
                pending = self.pending[key]
                group.add_pending(key, made, pending.delivered_ms).deliveries = pending.deliveries
        return group


class StreamImage(Image):
    """A stream with its groups."""

    def __init__(self, reader: RdbReader, kind: int) -> None:
        self.nodes: list[NodeEntries] = []
        last = -1
        for _ in range(reader.length()):
            node = _read_node(reader)
            if node.master_id <= last:
                raise PayloadError
            last = node.ids[-1]
            self.nodes.append(node)
        self.length = reader.length()
        self.last_id = _read_id(reader)
        if self.length != sum([node.live() for node in self.nodes]) or last > self.last_id:
            raise PayloadError
        self.first_id = self._first_live_id()
        self.max_deleted_id = 0
        self.entries_added = self.length
        if kind >= STREAM_LISTPACKS_2:
            self.first_id = _read_id(reader)
            self.max_deleted_id = _read_id(reader)
            self.entries_added = _signed(reader.length())
            if self.entries_added < 0:
                raise PayloadError
        self.groups = [GroupImage(reader, kind) for _ in range(reader.length())]
        if len({group.name for group in self.groups}) != len(self.groups):
            raise PayloadError

    def _first_live_id(self) -> int:
        for node in self.nodes:
            for place, entry_id in enumerate(node.ids):
                if place not in node.deleted:
                    return entry_id
        return 0

    def entries(self) -> Iterator[tuple[int, list[bytes]]]:
        """The entries that are not deleted, with their ids."""
        for node in self.nodes:
            for place, entry_id in enumerate(node.ids):
                if place not in node.deleted:
                    yield entry_id, node.entries[place]

    def strings(self) -> list[bytes]:
        """The fields and values of its entries."""
        return list(chain.from_iterable([entry for _, entry in self.entries()]))

    def build(self, builder: Builder) -> RedisObject:
        stream = Stream(builder.allocator)
        for image in self.nodes:
            stream.tail = image.build(builder)
            stream.tree.insert(stream.tail.key(), stream.tail)
        stream.length = self.length
        stream.last_id = self.last_id
        stream.first_id = self.first_id
        stream.max_deleted_id = self.max_deleted_id
        stream.entries_added = self.entries_added
        if self.groups:
            stream.groups = RadixTree[StreamGroup](builder.allocator)
            for group in self.groups:
                stream.groups.insert(group.name, group.build(stream, builder))
        return StreamObject(builder.allocator, stream)


def _read_node(reader: RdbReader) -> NodeEntries:
    key = reader.string()
    if len(key) != _ID_BYTES:
        raise PayloadError
    return NodeEntries(id_of_key(key), reader.string())


def _read_id(reader: RdbReader) -> int:
    milliseconds = reader.length()
    return make_id(milliseconds, reader.length())


def _wrapped(number: int) -> int:
    """A sum as an unsigned 64-bit number."""
    return number if 0 <= number <= _SMALL else number % _TWO_TO_64


def _signed(number: int) -> int:
    """An unsigned 64-bit number read as a signed one."""
    return number - _TWO_TO_64 if number > _INT64_MAX else number
