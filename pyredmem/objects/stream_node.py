"""A node of a stream: a few dozen entries in one listpack.

In Redis 7.2 (t_stream.c) the listpack holds, one element each:

    master entry   live entries, deleted entries, number of fields, the fields, 0
    each entry     flags, id minus the node's id (two numbers), [number of fields], [field] value ..., length

The node's id and the master fields are those of the first entry ever added to it. An entry with the same fields does
not repeat them. A deleted entry stays where it is, with a flag set. Here the ids and the entries are two lists; the
listpack only needs the size of each entry as it is added. The content of a deleted entry is kept too, because the
serialized form still contains it.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Final, cast

from mypy_extensions import i64, mypyc_attr

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.layout import LISTPACK_LIMIT, listpack_integer_size
from pyredmem.memory.mover import Mover
from pyredmem.memory.relocation import Relocatable, relocated_list, relocated_number
from pyredmem.objects.rdb_writer import RdbWriter
from pyredmem.objects.stream_id import SEQUENCE_BITS, SEQUENCE_MAX, id_key
from pyredmem.structures.keepers import NodeKeeper
from pyredmem.structures.listpack import Listpack, entry_size
from pyredmem.structures.listpack_bytes import listpack_bytes

#: A new node is allocated with this many bytes, unless the limit of a node is lower.
_PREALLOCATED_BYTES: Final = 4096
_SMALL_INTEGER: Final = 2  # bytes of an element that is a number with one or two digits
# The flags of an entry.
DELETED_ENTRY: Final = 1
SAME_FIELDS: Final = 2
#: Fields and values of the longest entry that the copies of a stream share.
_SHARED: Final = 256
_TWO_TO_63: Final = 1 << 63
_TWO_TO_64: Final = 1 << 64


def signed(number: int) -> int:
    """A difference or a counter as a signed 64-bit number, which is how Redis stores and shows it."""
    if -_TWO_TO_63 <= number < _TWO_TO_63:
        return number
    wrapped = number % _TWO_TO_64
    return wrapped - _TWO_TO_64 if wrapped >= _TWO_TO_63 else wrapped


def byte_limit(node_bytes: i64) -> i64:
    """The size at which a node is full (bytes), for a value of stream-node-max-bytes."""
    return node_bytes if 0 < node_bytes < LISTPACK_LIMIT else LISTPACK_LIMIT


@mypyc_attr(acyclic=True)
class StreamNode(Relocatable):
    """Consecutive entries."""

    def __init__(self, listpack: Listpack, master_id: int, master_fields: list[bytes]) -> None:
        self.listpack = listpack
        self.master_id = master_id
        self.master_milliseconds = master_id >> SEQUENCE_BITS
        self.master_sequence = master_id & SEQUENCE_MAX
        self.master_fields = master_fields
        self.ids: list[int] = []
        self.entries: list[list[bytes] | None] = []  # field, value, field, value ...; None: deleted
        self.tombstones: dict[int, list[bytes]] = {}  # the deleted entries, by place
        self.live: i64 = 0
        self.deleted: i64 = 0
        self.keeper: NodeKeeper | None = None

    def keep(self) -> None:
        """Let a save that goes on see the node: its entries are about to change."""
        keeper = self.keeper
        if keeper is not None:
            self.keeper = None
            keeper.keep(self)

    def key(self) -> bytes:
        return id_key(self.master_id)

    def add(self, entry_id: int, entry: list[bytes]) -> None:
        """Add an entry after all others. The node takes the list over."""
        if self.keeper is not None:
            self.keep()
        self._count(1, 0)
        count: i64 = len(entry)
        fields = self.master_fields
        milliseconds = signed((entry_id >> SEQUENCE_BITS) - self.master_milliseconds)
        sequence = signed((entry_id & SEQUENCE_MAX) - self.master_sequence)
        added: i64 = _SMALL_INTEGER + listpack_integer_size(milliseconds) + listpack_integer_size(sequence)
        at: i64
        if count == 2 * len(fields) and entry[::2] == fields:
            for at in range(0, count, 2):
                entry[at] = fields[at >> 1]  # so that each name is in memory once
                added += entry_size(entry[at + 1])
            added += listpack_integer_size((count >> 1) + 3)
        else:
            added += listpack_integer_size(count >> 1)
            for data in entry:
                added += entry_size(data)
            added += listpack_integer_size(count + 4)
        if self.listpack.size + added > self.listpack.usable():
            self._grow_by_elements(milliseconds, sequence, entry)
        else:
            self.listpack.size += added
        self.ids.append(entry_id)
        self.entries.append(entry)

    def _grow_by_elements(self, milliseconds: i64, sequence: i64, entry: list[bytes]) -> None:
        """Grow the block as Redis does, which appends the elements one by one."""
        listpack = self.listpack
        listpack.grow(_SMALL_INTEGER)
        listpack.grow(listpack_integer_size(milliseconds))
        listpack.grow(listpack_integer_size(sequence))
        pairs: i64 = len(entry) >> 1
        if entry[::2] == self.master_fields:
            for value in entry[1::2]:
                listpack.grow(entry_size(value))
            listpack.grow(listpack_integer_size(pairs + 3))
            return
        listpack.grow(listpack_integer_size(pairs))
        for data in entry:
            listpack.grow(entry_size(data))
        listpack.grow(listpack_integer_size(2 * pairs + 4))

    def _count(self, live: i64, deleted: i64) -> None:
        """Change the two counters of the master entry."""
        before = listpack_integer_size(self.live)
        self.live += live
        self.listpack.change(listpack_integer_size(self.live) - before)
        if deleted > 0:
            before = listpack_integer_size(self.deleted)
            self.deleted += deleted
            self.listpack.change(listpack_integer_size(self.deleted) - before)

    def find(self, entry_id: int) -> i64:
        """The place of an entry, -1 if it is not there or has been deleted."""
        ids = self.ids
        place: i64 = bisect_left(ids, entry_id)
        if place < len(ids) and ids[place] == entry_id and self.entries[place] is not None:
            return place
        return -1

    def delete(self, place: i64) -> None:
        """Delete an entry that is there and is not the last live one."""
        self.keep()
        self._bury(place)
        self._count(-1, 1)

    def _bury(self, place: i64) -> None:
        entry = self.entries[place]
        assert entry is not None
        self.tombstones[place] = entry
        self.entries[place] = None

    def trim(self, limit: int, by_count: bool) -> i64:
        """Delete ``limit`` live entries if ``by_count``, otherwise those with ids below ``limit``; returns how many."""
        self.keep()
        entries = self.entries
        ids = self.ids
        deleted: i64 = 0
        at: i64
        for at in range(len(ids)):
            if (deleted >= limit) if by_count else (ids[at] >= limit):
                break
            if entries[at] is not None:
                self._bury(at)
                deleted += 1
        self._count(-deleted, deleted)
        return deleted

    def duplicate(self) -> StreamNode:
        """A copy with a listpack of exact size. It shares the lists of small entries."""
        copy = StreamNode(self.listpack.duplicate(), self.master_id, self.master_fields)
        copy._copy_entries(self)
        return copy

    def _copy_entries(self, other: StreamNode) -> None:
        self.ids = other.ids.copy()
        self.entries = [entry[:] if entry is not None and len(entry) > _SHARED else entry for entry in other.entries]
        self.tombstones = {at: entry[:] if len(entry) > _SHARED else entry for at, entry in other.tombstones.items()}
        self.live = other.live
        self.deleted = other.deleted

    # Dismantling, and defragmentation.

    def dismantle(self, limit: i64, freed: FreedBlocks) -> i64:
        """Remove entries with about ``limit`` fields and values altogether; after the last entry, free the block.

        Returns what is left of the limit, -1 if entries remain.
        """
        while self.ids:
            if limit <= 0:
                return -1
            entry = self.entries[-1]
            if entry is None:
                entry = self.tombstones[len(self.ids) - 1]
            size: i64 = len(entry)
            if size > limit and size > _SHARED:
                del entry[size - limit :]
                return -1
            limit -= size + 1
            self.entries.pop()
            self.ids.pop()
            self.tombstones.pop(len(self.ids), None)
        freed.add(i64(self.listpack.address))
        return limit if limit > 0 else 0

    def twin(self) -> StreamNode:
        twin = StreamNode(self.listpack, self.master_id, self.master_fields)
        twin.ids = self.ids
        twin.entries = self.entries
        twin.tombstones = self.tombstones
        twin.live = self.live
        twin.deleted = self.deleted
        return twin

    def image(self) -> StreamNode:
        """A copy that refers to the same block. It shares the lists of small entries."""
        image = StreamNode(self.listpack.image(), self.master_id, self.master_fields)
        image._copy_entries(self)
        return image

    def show_containers(self, mover: Mover) -> None:
        """Show everything but the entries to a mover that steers; the names of the master fields too."""
        self.listpack = self.listpack.relocated(mover)
        fields = relocated_list(self.master_fields, mover)
        self.master_fields = fields
        at: i64
        for at in range(len(fields)):
            fields[at] = mover.text(fields[at])
        self.ids = relocated_list(self.ids, mover)
        self.entries = relocated_list(self.entries, mover)
        tombstones = self.tombstones
        if mover.must_leave(tombstones):
            tombstones = tombstones.copy()
            while mover.must_plug(tombstones):
                tombstones = tombstones.copy()
            self.tombstones = tombstones

    def show_entry(self, mover: Mover, at: i64) -> i64:
        """Show the entry at a place to a mover that steers; returns the number of its fields and values.

        A field name that is one of the node's becomes the same object.
        """
        ids = cast("list[object]", self.ids)
        ids[at] = relocated_number(ids[at], mover)
        if at == 0:
            self.master_id = self.ids[0]
        entry = self.entries[at]
        if entry is None:
            entry = relocated_list(self.tombstones[at], mover)
            self.tombstones[at] = entry
        else:
            entry = relocated_list(entry, mover)
            self.entries[at] = entry
        fields = self.master_fields
        count: i64 = len(entry)
        same = count == 2 * len(fields)
        index: i64 = 0
        while index < count:
            data = entry[index]
            if same and index & 1 == 0 and data == fields[index >> 1]:
                entry[index] = fields[index >> 1]
            else:
                entry[index] = mover.text(data)
            index += 1
        return count

    def save(self, writer: RdbWriter) -> None:
        """Write the node's id and its listpack."""
        writer.string(self.key())
        writer.string(self.data())

    def data(self) -> bytes:
        """The bytes of the listpack."""
        master = self.master_fields
        elements = [b"%d" % self.live, b"%d" % self.deleted, b"%d" % len(master), *master, b"0"]
        at: i64
        for at in range(len(self.ids)):
            entry = self.entries[at]
            flags = 0
            if entry is None:
                entry = self.tombstones[at]
                flags = DELETED_ENTRY
            entry_id = self.ids[at]
            milliseconds = signed((entry_id >> SEQUENCE_BITS) - self.master_milliseconds)
            sequence = signed((entry_id & SEQUENCE_MAX) - self.master_sequence)
            place = [b"%d" % milliseconds, b"%d" % sequence]
            pairs = len(entry) // 2
            if entry[::2] == master:
                elements += [b"%d" % (flags | SAME_FIELDS), *place, *entry[1::2], b"%d" % (pairs + 3)]
            else:
                elements += [b"%d" % flags, *place, b"%d" % pairs, *entry, b"%d" % (2 * pairs + 4)]
        return listpack_bytes(elements)


def new_stream_node(allocator: Allocator, entry_id: int, entry: list[bytes], node_bytes: i64) -> StreamNode:
    """A node with room for entries, of which ``entry`` is going to be the first. It is yet to be added."""
    capacity: i64 = _PREALLOCATED_BYTES
    if 0 < node_bytes < capacity:
        capacity = node_bytes
    fields = entry[::2]
    listpack = Listpack(allocator, capacity)
    listpack.grow(2 * _SMALL_INTEGER)
    listpack.grow(listpack_integer_size(len(fields)))
    for field in fields:
        listpack.grow(entry_size(field))
    listpack.grow(_SMALL_INTEGER)
    return StreamNode(listpack, entry_id, fields)
