"""Streams: entries in order of their ids, never changed, deleted anywhere.

The entries lie in nodes (`stream_node`), found by the id of their first entry in a radix tree. What the stream
remembers beside them: the highest id ever, the highest one deleted, the first one that is there, and how many were
ever added, from which the lag of the consumer groups (`stream_group`) is told (Redis 7.2 t_stream.c).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Final, cast

from mypy_extensions import i32, i64, mypyc_attr

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.layout import STREAM_SIZE
from pyredmem.memory.mover import Mover
from pyredmem.memory.relocation import relocated_number
from pyredmem.objects.collection import Collection, Encoded
from pyredmem.objects.digest import STREAM_TYPE, Digest
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.object import RedisObject
from pyredmem.objects.rdb_types import STREAM_LISTPACKS_3
from pyredmem.objects.rdb_writer import RdbWriter
from pyredmem.objects.stream_group import UNKNOWN, StreamGroup, save_id
from pyredmem.objects.stream_id import MAX_ID, SEQUENCE_BITS, SEQUENCE_MAX, id_key, id_text
from pyredmem.objects.stream_node import StreamNode, byte_limit, new_stream_node
from pyredmem.objects.stream_pass import ENTRIES, GROUP, StreamMark, StreamPass
from pyredmem.structures.radix import RadixCursor, RadixTree

#: More marks than passes that can be under way; the mark of one that was given up goes in the end.
_MOST_MARKS: Final = 4
#: What ``next_id_at`` gives when no id is left.
EXHAUSTED: Final = -1


class EntryRange:
    """Entries that were found: their ids, and the fields and values of each."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.entries: list[list[bytes]] = []

    def take(self, node: StreamNode, low: int, high: int, count: i64) -> bool:
        """Take a node's entries from ``low`` to ``high``, as long as there are fewer than ``count``.

        True if none is to be taken from further nodes, which then need not be looked for.
        """
        at: i64
        for at in range(bisect_left(node.ids, low), len(node.ids)):
            entry_id = node.ids[at]
            if entry_id > high or len(self.ids) == count:
                return True
            entry = node.entries[at]
            if entry is not None:
                self.ids.append(entry_id)
                self.entries.append(entry)
        return len(self.ids) == count

    def take_back(self, node: StreamNode, low: int, high: int, count: i64) -> bool:
        """The same, beginning with the last one."""
        at: i64
        for at in range(bisect_right(node.ids, high) - 1, -1, -1):
            entry_id = node.ids[at]
            if entry_id < low or len(self.ids) == count:
                return True
            entry = node.entries[at]
            if entry is not None:
                self.ids.append(entry_id)
                self.entries.append(entry)
        return len(self.ids) == count


@mypyc_attr(acyclic=True)
class Stream(Encoded):
    """The entries and the groups."""

    def __init__(self, allocator: Allocator, original: Stream | None = None) -> None:
        """``original``: the stream that this one takes the place of."""
        self.allocator = allocator
        self.tail: StreamNode | None = None  # the last node
        self.length: i64 = 0
        self.last_id = 0
        self.first_id = 0
        self.max_deleted_id = 0
        self.entries_added = 0
        self.groups: RadixTree[StreamGroup] | None = None
        self._marks: list[StreamMark] | None = None  # of the passes that are under way
        self._last_cursor: i64 = 0
        if original is not None:
            self.address: i32 = original.address
            self.tree: RadixTree[StreamNode] = original.tree
            self._take_over(original)
            return
        self.address = i32(allocator.alloc(STREAM_SIZE))
        self.tree = RadixTree[StreamNode](allocator)

    def _take_over(self, original: Stream) -> None:
        self.tail = original.tail
        self.length = original.length
        self.last_id = original.last_id
        self.first_id = original.first_id
        self.max_deleted_id = original.max_deleted_id
        self.entries_added = original.entries_added
        self.groups = original.groups
        self._marks = original._marks
        self._last_cursor = original._last_cursor

    # Encoded.

    def encoding(self) -> bytes:
        """What OBJECT ENCODING says."""
        return b"stream"

    def memory(self, samples: i64) -> i64:
        """Bytes as MEMORY USAGE counts them: an estimate of the trees, the listpacks, the groups."""
        total: i64 = STREAM_SIZE + self.tree.estimated_bytes() + self._node_bytes(samples)
        for group in self.group_list():
            total += group.memory()
        return total

    def _node_bytes(self, samples: i64) -> i64:
        cursor = RadixCursor(self.tree)
        node = cursor.first()
        total: i64 = 0
        sampled: i64 = 0
        while node is not None and (samples == 0 or sampled < samples):
            total += node.listpack.usable()
            sampled += 1
            node = cursor.next()
        if node is None or self.tail is None:
            return total
        return total // sampled * (self.tree.used - 1) + self.tail.listpack.usable()

    def free_effort(self) -> i64:
        """Nodes of the tree, and for each group the group and what the first one has pending."""
        groups = self.group_list()
        effort = self.tree.nodes
        if groups:
            effort += len(groups) * (1 + groups[0].pending.used)
        return effort

    def free(self) -> None:
        """Give all ledger allocations back."""
        for node in self.tree.values():
            node.listpack.free()
        self.tree.free()
        if self.groups is not None:
            for group in self.groups.values():
                group.free()
            self.groups.free()
        self.allocator.free(i64(self.address))

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        """The nodes from the last one on, then the groups."""
        self.tail = None
        while self.address != 0:
            if limit <= 0:
                return False
            node = self.tree.last_node().value
            if node is not None:
                limit = node.dismantle(limit, freed)
                if limit < 0:
                    return False
            limit -= 1
            if self.tree.drop_last(freed):
                freed.add(i64(self.address))
                self.address = 0
        groups = self.groups
        while groups is not None:
            if limit <= 0:
                return False
            group = groups.last_node().value
            if group is not None:
                limit = group.dismantle(limit, freed)
                if limit < 0:
                    return False
            limit -= 1
            if groups.drop_last(freed):
                groups = None
                self.groups = None
        return True

    def scan_effort(self) -> i64:
        """The listpacks."""
        return self.tree.used

    def defrag_head(self, mover: Mover) -> None:
        """The stream's own block, and those of the trees."""
        self.address = i32(mover.block(i64(self.address)))
        if mover.steers():
            self.tree = self.tree.relocated(mover)
            if self.groups is not None:
                self.groups = self.groups.relocated(mover)
            self.last_id = cast("int", relocated_number(self.last_id, mover))
            self.first_id = cast("int", relocated_number(self.first_id, mover))
            self.max_deleted_id = cast("int", relocated_number(self.max_deleted_id, mover))
        self.tree.defrag_head(mover)
        if self.groups is not None:
            self.groups.defrag_head(mover)

    def defrag_elements(self, mover: Mover, cursor: i64, limit: i64) -> i64:
        """Some nodes, then groups with what is pending; the cursor stands for a mark that was left."""
        mark = StreamMark() if cursor == 0 else self._take_mark(cursor)
        if mark is None:
            return 0
        piece = StreamPass(mover, mark, limit)
        if mark.stage == ENTRIES:
            ended = piece.entries(self.tree)
            if self.tail is not None and mover.steers():
                self.tail = self.tree.last()
            if not ended:
                return self._leave_mark(mark)
            mark.stage = GROUP
        if self.groups is None or piece.groups(self.groups):
            return 0
        return self._leave_mark(mark)

    def _leave_mark(self, mark: StreamMark) -> i64:
        marks = self._marks
        if marks is None:
            marks = []
            self._marks = marks
        if mark.cursor == 0:
            self._last_cursor += 1
            mark.cursor = self._last_cursor
        if len(marks) == _MOST_MARKS:
            del marks[0]
        marks.append(mark)
        return mark.cursor

    def _take_mark(self, cursor: i64) -> StreamMark | None:
        marks = self._marks
        if marks is None:
            return None
        for at, mark in enumerate(marks):
            if mark.cursor == cursor:
                del marks[at]
                if len(marks) == 0:
                    self._marks = None
                return mark
        return None

    def relocated(self, mover: Mover) -> Stream:
        """This object or, if it has to leave its place in the process's heap, its twin, which takes over everything."""
        if not mover.must_leave(self):
            return self
        twin = Stream(self.allocator, self)
        while mover.must_plug(twin):
            twin = Stream(self.allocator, self)
        return twin

    def addresses(self) -> list[int]:
        """Every ledger address it owns."""
        owned = [int(self.address), *self.tree.addresses()]
        owned += [int(node.listpack.address) for node in self.tree.values()]
        if self.groups is not None:
            owned += self.groups.addresses()
        for group in self.group_list():
            owned += group.addresses()
        return owned

    def duplicate(self) -> Stream:
        """A copy, groups included."""
        copy = Stream(self.allocator)
        for node in self.tree.values():
            copy.tail = node.duplicate()
            copy.tree.insert(node.key(), copy.tail)
        copy.length = self.length
        copy.last_id = self.last_id
        copy.first_id = self.first_id
        copy.max_deleted_id = self.max_deleted_id
        copy.entries_added = self.entries_added
        if self.groups is not None:
            copy.groups = RadixTree[StreamGroup](self.allocator)
            for group in self.groups.values():
                copy.groups.insert(group.name, group.duplicate())
        return copy

    def save(self, writer: RdbWriter) -> None:
        """Write the nodes, what the stream remembers, and the groups."""
        nodes = self.tree.values()
        writer.kind(STREAM_LISTPACKS_3)
        writer.length(len(nodes))
        for node in nodes:
            writer.string(node.key())
            writer.string(node.data())
        writer.length(self.length)
        for entry_id in (self.last_id, self.first_id, self.max_deleted_id):
            save_id(writer, entry_id)
        writer.length(self.entries_added)
        groups = self.group_list()
        writer.length(len(groups))
        for group in groups:
            group.save(writer)

    # Adding.

    def next_id(self, now_ms: i64) -> int:
        """The id that an entry gets now: the time, or the one after the last id if the clock is behind that.

        There must be one left.
        """
        last = self.last_id
        if last >> SEQUENCE_BITS < now_ms:
            return int(now_ms) << SEQUENCE_BITS
        return last + 1

    def next_id_at(self, milliseconds: int) -> int:
        """The lowest id of a millisecond that is above the last one of it, EXHAUSTED if there is none left."""
        last = self.last_id
        if last >> SEQUENCE_BITS != milliseconds:
            return milliseconds << SEQUENCE_BITS
        return EXHAUSTED if last & SEQUENCE_MAX == SEQUENCE_MAX else last + 1

    def add(self, entry_id: int, entry: list[bytes], limits: EncodingLimits) -> None:
        """Add an entry with an id above all others; the list is taken over."""
        tail = self.tail
        if tail is not None and _is_full(tail, entry, limits):
            tail.listpack.shrink_to_fit()
            tail = None
        if tail is None:
            tail = new_stream_node(self.allocator, entry_id, entry, limits.stream_node_bytes)
            self.tree.insert(tail.key(), tail)
            self.tail = tail
        tail.add(entry_id, entry)
        self.entries_added += 1
        self.last_id = entry_id
        if self.length == 0:
            self.first_id = entry_id
        self.length += 1

    # Finding.

    def range(self, low: int, high: int, count: i64 = -1) -> EntryRange:
        """The entries from ``low`` to ``high``; at most ``count``, all if that is negative."""
        found = EntryRange()
        if self.tail is None:
            return found
        cursor = RadixCursor(self.tree)
        node = cursor.seek_back(id_key(low))
        if node is None:
            node = cursor.first()
        while node is not None and node.master_id <= high and not found.take(node, low, high, count):
            node = cursor.next()
        return found

    def range_back(self, low: int, high: int, count: i64 = -1) -> EntryRange:
        """The same from the highest one down."""
        found = EntryRange()
        if self.tail is None:
            return found
        cursor = RadixCursor(self.tree)
        node = cursor.seek_back(id_key(high))
        while node is not None and not found.take_back(node, low, high, count) and node.master_id > low:
            node = cursor.previous()
        return found

    def node_of(self, entry_id: int) -> StreamNode | None:
        """The node in which an entry would be."""
        return RadixCursor(self.tree).seek_back(id_key(entry_id))

    def entry(self, entry_id: int) -> list[bytes] | None:
        """The entry with this id."""
        node = self.node_of(entry_id)
        if node is None:
            return None
        place = node.find(entry_id)
        return None if place < 0 else node.entries[place]

    def last_valid_id(self) -> int:
        """The id of the last entry that is there; the last one ever if there is none."""
        tail = self.tail
        if tail is not None and tail.ids and tail.entries[-1] is not None:
            return tail.ids[-1]
        last = self.range_back(0, MAX_ID, 1)
        return last.ids[0] if last.ids else self.last_id

    # Deleting.

    def delete(self, entry_id: int) -> bool:
        """Delete an entry; False if it is not there. The caller sees to the first id."""
        node = self.node_of(entry_id)
        if node is None:
            return False
        place = node.find(entry_id)
        if place < 0:
            return False
        if node.live == 1:
            self._drop(node)
        else:
            node.delete(place)
        self.length -= 1
        return True

    def _drop(self, node: StreamNode) -> None:
        self.tree.remove(node.key())
        node.listpack.free()
        if node is self.tail:
            self.tail = self.tree.last()

    def update_first_id(self) -> None:
        """Find out the id of the first entry."""
        first = self.range(0, MAX_ID, 1)
        self.first_id = first.ids[0] if first.ids else 0

    def trim_to_length(self, length: int, approximately: bool, limit: i64) -> i64:
        """Delete the oldest entries until ``length`` are left; returns how many went.

        Approximately: whole nodes only, and no more than ``limit`` entries, deleted ones included, if that is not 0.
        """
        deleted: i64 = 0
        while self.length > length:
            node = self.tree.first()
            if node is None or (limit > 0 and deleted + node.live > limit):
                break
            if self.length - node.live >= length:
                deleted += self._drop_oldest(node)
                continue
            if not approximately:
                deleted += self._trim_node(node, int(self.length) - length, True)
            break
        return self._trimmed(deleted)

    def trim_below(self, low: int, approximately: bool, limit: i64) -> i64:
        """Delete the entries with an id below ``low``; returns how many went."""
        deleted: i64 = 0
        while True:
            node = self.tree.first()
            if node is None or (limit > 0 and deleted + node.live > limit):
                break
            if node.ids[-1] < low:
                deleted += self._drop_oldest(node)
                continue
            if not approximately:
                deleted += self._trim_node(node, low, False)
            break
        return self._trimmed(deleted)

    def _drop_oldest(self, node: StreamNode) -> i64:
        live = node.live
        self._drop(node)
        self.length -= live
        return live

    def _trim_node(self, node: StreamNode, limit: int, by_count: bool) -> i64:
        deleted = node.trim(limit, by_count)
        self.length -= deleted
        return deleted

    def _trimmed(self, deleted: i64) -> i64:
        if self.length == 0:
            self.first_id = 0
        elif deleted > 0:
            self.update_first_id()
        return deleted

    # Groups.

    def group_list(self) -> list[StreamGroup]:
        """The groups in order of their names."""
        return [] if self.groups is None else self.groups.values()

    def group(self, name: bytes) -> StreamGroup | None:
        """A group by its name."""
        return None if self.groups is None else self.groups.get(name)

    def add_group(self, name: bytes, last_id: int, entries_read: int) -> None:
        """A new group."""
        if self.groups is None:
            self.groups = RadixTree[StreamGroup](self.allocator)
        self.groups.insert(name, StreamGroup(self.allocator, name, last_id, entries_read))

    def delete_group(self, group: StreamGroup) -> None:
        """Delete a group with all that it knows."""
        assert self.groups is not None
        self.groups.remove(group.name)
        group.free()

    # How far a group is.

    def has_tombstones_from(self, entry_id: int) -> bool:
        """Whether entries may have been deleted in the midst of those from an id on."""
        if self.length == 0 or self.max_deleted_id == 0 or self.first_id > self.max_deleted_id:
            return False
        return entry_id <= self.max_deleted_id

    def entries_up_to(self, entry_id: int) -> int:
        """How many entries were ever added up to an id; UNKNOWN if that cannot be told from what is left."""
        if self.entries_added == 0:
            return 0
        if entry_id == self.last_id or (self.length == 0 and entry_id < self.last_id):
            return self.entries_added
        if entry_id > self.last_id:
            return UNKNOWN
        if self.max_deleted_id == 0 or self.max_deleted_id < self.first_id:
            before = self.entries_added - int(self.length)
            if entry_id < self.first_id:
                return before
            if entry_id == self.first_id:
                return before + 1
        return UNKNOWN

    def advance(self, group: StreamGroup, entry_id: int) -> None:
        """A group reads on to an entry."""
        if group.entries_read != UNKNOWN and not self.has_tombstones_from(entry_id):
            group.entries_read += 1
        elif self.entries_added > 0:
            group.entries_read = self.entries_up_to(entry_id)
        group.last_id = entry_id

    def lag(self, group: StreamGroup) -> int | None:
        """How many entries a group has still to read; None if that cannot be told."""
        if self.entries_added == 0:
            return 0
        if group.entries_read != UNKNOWN and not self.has_tombstones_from(group.last_id):
            return self.entries_added - group.entries_read
        read = self.entries_up_to(group.last_id)
        return None if read == UNKNOWN else self.entries_added - read

    def check(self) -> None:
        """Assert the invariants."""
        self.tree.check()
        nodes = self.tree.values()
        assert sum([node.live for node in nodes]) == self.length
        assert (nodes[-1] if nodes else None) is self.tail
        ids = [entry_id for node in nodes for entry_id in node.ids]
        assert ids == sorted(set(ids))
        assert not ids or ids[-1] <= self.last_id
        for group in self.group_list():
            group.check()


def _is_full(node: StreamNode, entry: list[bytes], limits: EncodingLimits) -> bool:
    """Whether an entry has to go to a new node."""
    added: i64 = 0
    for data in entry:
        added += len(data)
    if node.listpack.size + added >= byte_limit(limits.stream_node_bytes):
        return True
    most = limits.stream_node_entries
    return most > 0 and node.live + node.deleted >= most


@mypyc_attr(acyclic=True)
class StreamObject(Collection):
    """A stream as the value of a key; there is one encoding."""

    def __init__(self, allocator: Allocator | None, stream: Stream) -> None:
        super().__init__(allocator)
        self.stream = stream

    def payload(self) -> Encoded:
        """The stream."""
        return self.stream

    def type_name(self) -> bytes:
        """What TYPE says."""
        return b"stream"

    def length(self) -> i64:
        """How many entries there are."""
        return self.stream.length

    def duplicate(self, allocator: Allocator) -> RedisObject:
        """A copy, groups included."""
        return StreamObject(allocator, self.stream.duplicate())

    def defrag_head(self, mover: Mover) -> None:
        """The header, and that of the stream."""
        if mover.steers():
            self.stream = self.stream.relocated(mover)
        super().defrag_head(mover)

    def twin(self) -> RedisObject:
        """Another object around the stream."""
        return StreamObject(None, self.stream).succeed(self)

    def digest(self, digest: Digest) -> None:
        """Add type and content: ids, fields and values in order."""
        digest.mix_number(STREAM_TYPE)
        found = self.stream.range(0, MAX_ID)
        for at, entry_id in enumerate(found.ids):
            digest.mix(id_text(entry_id).replace(b"-", b"."))
            for data in found.entries[at]:
                digest.mix(data)


def new_stream(allocator: Allocator) -> StreamObject:
    """An empty stream."""
    return StreamObject(allocator, Stream(allocator))
