"""Streams: entries in the order of their ids. Entries are never changed, and any entry can be deleted.

The id of an entry is a plain ``int`` here and in the modules beside this one: the milliseconds shifted left by 64 bits,
plus the sequence number (`stream_id`).

The entries are in nodes (`stream_node`), which a radix tree finds by the id of their first entry. The stream also
remembers the last id ever added, the highest id deleted, the first id that is still there, and the number of entries
ever added; the lag of the consumer groups (`stream_group`) is computed from these (Redis 7.2 t_stream.c).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Final, cast

from mypy_extensions import i32, i64, mypyc_attr

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.mover import Mover
from pyredmem.memory.relocation import relocated, relocated_number
from pyredmem.objects.collection import Collection, Encoded
from pyredmem.objects.digest import STREAM_TYPE, Digest
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.node_pieces import ELEMENTS_PER_NODE, NodePieces
from pyredmem.objects.object import RedisObject
from pyredmem.objects.pieces import Pieces
from pyredmem.objects.rdb_types import STREAM_LISTPACKS_3
from pyredmem.objects.rdb_writer import RdbWriter
from pyredmem.objects.stream_group import UNKNOWN, StreamGroup, save_id
from pyredmem.objects.stream_id import MAX_ID, SEQUENCE_BITS, SEQUENCE_MAX, id_key, id_text
from pyredmem.objects.stream_node import StreamNode, byte_limit, new_stream_node
from pyredmem.objects.stream_pass import ENTRIES, GROUP, StreamMark, StreamPass
from pyredmem.structures.marks import PassMarks
from pyredmem.structures.radix import RadixCursor, RadixTree

#: Returned by ``next_id_at`` when no id is left.
EXHAUSTED: Final = -1


class EntryRange:
    """The result of a search: the ids of the entries, and the fields and values of each."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.entries: list[list[bytes]] = []

    def take(self, node: StreamNode, low: int, high: int, count: i64) -> bool:
        """Add a node's entries from ``low`` to ``high``, until there are ``count``.

        True if no entry of the following nodes is wanted, so that they need not be read.
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
        """As ``take``, but from the last entry to the first."""
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
        """``original`` is the stream whose twin this is."""
        self.allocator = allocator
        self.length: i64 = 0
        self.last_id = 0
        self.first_id = 0
        self.max_deleted_id = 0
        self.entries_added = 0
        self.tail: StreamNode | None = None  # the last node
        self.groups: RadixTree[StreamGroup] | None = None
        self._marks: PassMarks[StreamMark] | None = None  # None: no pass has stopped in this stream
        if original is not None:
            self.address: i32 = original.address
            self.tree: RadixTree[StreamNode] = original.tree
            self.tail = original.tail
            self.groups = original.groups
            self._marks = original._marks
            self._copy_numbers(original)
            return
        self.address = i32(allocator.alloc(allocator.sizes.stream))
        self.tree = RadixTree[StreamNode](allocator)

    def _copy_numbers(self, original: Stream) -> None:
        self.length = original.length
        self.last_id = original.last_id
        self.first_id = original.first_id
        self.max_deleted_id = original.max_deleted_id
        self.entries_added = original.entries_added

    # Encoded.

    def encoding(self) -> bytes:
        return b"stream"

    def memory(self, samples: i64) -> i64:
        """Bytes as MEMORY USAGE counts them: an estimate of the trees, plus the listpacks and the groups."""
        total: i64 = self.allocator.sizes.stream + self.tree.counted_bytes() + self._node_bytes(samples)
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
        """The nodes of the tree, and for each group 1 plus the pending entries of the first group."""
        groups = self.group_list()
        effort = self.tree.nodes
        if groups:
            effort += len(groups) * (1 + groups[0].pending.used)
        return effort

    def free(self) -> None:
        for node in self.tree.values():
            node.listpack.free()
        self.tree.free()
        if self.groups is not None:
            for group in self.groups.values():
                group.free()
            self.groups.free()
        self.allocator.free(i64(self.address))

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        """The nodes from the last one to the first, then the groups."""
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
        return self.tree.used

    def defrag_head(self, mover: Mover) -> None:
        """The stream's own block, and the blocks of the trees."""
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
        """First nodes, then groups with their pending entries. The cursor finds the mark at which the pass stopped."""
        mark = StreamMark() if cursor == 0 else self._taken_mark(cursor)
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
        if self._marks is None:
            self._marks = PassMarks[StreamMark]()
        return self._marks.leave(mark)

    def _taken_mark(self, cursor: i64) -> StreamMark | None:
        return None if self._marks is None else self._marks.take(cursor)

    def twin(self) -> Stream:
        return Stream(self.allocator, self)

    def detach(self) -> None:
        self.tree = self.tree.image()
        for node in self.tree.key_nodes():
            assert node.value is not None
            node.value = node.value.image()
        self.tail = self.tree.last()
        self._marks = None
        if self.groups is not None:
            self.groups = self.groups.image()
            for place in self.groups.key_nodes():
                assert place.value is not None
                place.value = place.value.image()

    def addresses(self) -> list[int]:
        owned = [int(self.address), *self.tree.addresses()]
        owned += [int(node.listpack.address) for node in self.tree.values()]
        if self.groups is not None:
            owned += self.groups.addresses()
        for group in self.group_list():
            owned += group.addresses()
        return owned

    def duplicate(self) -> Stream:
        copy = Stream(self.allocator)
        for node in self.tree.values():
            copy.tail = node.duplicate()
            copy.tree.insert(node.key(), copy.tail)
        copy._copy_numbers(self)
        if self.groups is not None:
            copy.groups = RadixTree[StreamGroup](self.allocator)
            for group in self.groups.values():
                copy.groups.insert(group.name, group.duplicate())
        return copy

    def save(self, writer: RdbWriter) -> None:
        """Write the nodes, the ids and counters, and the groups."""
        self._save_head(writer)
        for node in self.tree.values():
            node.save(writer)
        self._save_tail(writer)

    def _save_head(self, writer: RdbWriter) -> None:
        writer.kind(STREAM_LISTPACKS_3)
        writer.length(self.tree.used)

    def _save_tail(self, writer: RdbWriter) -> None:
        writer.length(self.length)
        for entry_id in (self.last_id, self.first_id, self.max_deleted_id):
            save_id(writer, entry_id)
        writer.length(self.entries_added)
        groups = self.group_list()
        writer.length(len(groups))
        for group in groups:
            group.save(writer)

    def pieces(self, compresses: bool, least: i64) -> Pieces | None:
        """The groups are serialized at once."""
        if self.tree.used == 0 or self.tree.used * ELEMENTS_PER_NODE < least:
            return None
        head, tail = RdbWriter(compresses), RdbWriter(compresses)
        self._save_head(head)
        self._save_tail(tail)
        return _StreamPieces(head.content(), self.tree.values(), tail.content(), compresses)

    # Adding.

    def next_id(self, now_ms: i64) -> int:
        """The id for an entry added now: made of the time, or the successor of the last id if that is not earlier.

        There must be an id left.
        """
        last = self.last_id
        first_of_now = int(now_ms) << SEQUENCE_BITS
        return first_of_now if last < first_of_now else last + 1

    def next_id_at(self, milliseconds: int) -> int:
        """The lowest id with these milliseconds that is above the last id, EXHAUSTED if there is none left."""
        last = self.last_id
        if last >> SEQUENCE_BITS != milliseconds:
            return milliseconds << SEQUENCE_BITS
        return EXHAUSTED if last & SEQUENCE_MAX == SEQUENCE_MAX else last + 1

    def add(self, entry_id: int, entry: list[bytes], limits: EncodingLimits) -> None:
        """Add an entry whose id is above all others. The stream takes the list over."""
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
        """The entries from ``low`` to ``high``: at most ``count`` of them, or all if ``count`` is negative."""
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
        """As ``range``, but from the highest id down."""
        found = EntryRange()
        if self.tail is None:
            return found
        cursor = RadixCursor(self.tree)
        node = cursor.seek_back(id_key(high))
        while node is not None and not found.take_back(node, low, high, count) and node.master_id > low:
            node = cursor.previous()
        return found

    def node_of(self, entry_id: int) -> StreamNode | None:
        """The node whose range includes an id."""
        return RadixCursor(self.tree).seek_back(id_key(entry_id))

    def entry(self, entry_id: int) -> list[bytes] | None:
        """The fields and values of the entry with this id, None if it is not there."""
        node = self.node_of(entry_id)
        if node is None:
            return None
        place = node.find(entry_id)
        return None if place < 0 else node.entries[place]

    def last_valid_id(self) -> int:
        """The id of the last entry that is still there; the last id ever added if the stream is empty."""
        tail = self.tail
        if tail is not None and tail.ids and tail.entries[-1] is not None:
            return tail.ids[-1]
        last = self.range_back(0, MAX_ID, 1)
        return last.ids[0] if last.ids else self.last_id

    # Deleting.

    def delete(self, entry_id: int) -> bool:
        """Delete an entry; False if it is not there. The caller must call ``update_first_id`` if it was the first."""
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
        """Look up the id of the first entry."""
        first = self.range(0, MAX_ID, 1)
        self.first_id = first.ids[0] if first.ids else 0

    def trim_to_length(self, length: int, approximately: bool, limit: i64) -> i64:
        """Delete the oldest entries until ``length`` are left; returns how many were deleted.

        ``approximately``: delete whole nodes only, with at most ``limit`` entries altogether unless that is 0.
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
        """Delete the entries with an id below ``low``; returns how many were deleted."""
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
        """The groups, sorted by name."""
        return [] if self.groups is None else self.groups.values()

    def group(self, name: bytes) -> StreamGroup | None:
        return None if self.groups is None else self.groups.get(name)

    def add_group(self, name: bytes, last_id: int, entries_read: int) -> None:
        if self.groups is None:
            self.groups = RadixTree[StreamGroup](self.allocator)
        self.groups.insert(name, StreamGroup(self.allocator, name, last_id, entries_read))

    def delete_group(self, group: StreamGroup) -> None:
        """Delete a group with its consumers and pending entries."""
        assert self.groups is not None
        self.groups.remove(group.name)
        group.free()

    # How far a group has read.

    def has_tombstones_from(self, entry_id: int) -> bool:
        """Whether an entry with this id or a higher one may have been deleted from the middle of the stream."""
        if self.length == 0 or self.max_deleted_id == 0 or self.first_id > self.max_deleted_id:
            return False
        return entry_id <= self.max_deleted_id

    def entries_up_to(self, entry_id: int) -> int:
        """How many entries with ids up to this one were ever added; UNKNOWN if the stream cannot tell any more."""
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

    def advance(self, group: StreamGroup, entry_id: int, is_exact: bool) -> None:
        """Note that a group has read this entry, the next one.

        ``is_exact`` says that the count is only increased if nothing was deleted since the last entry that was read.
        """
        if is_exact:
            is_known = group.last_id >= self.first_id and not self.has_tombstones_from(group.last_id)
        else:
            is_known = not self.has_tombstones_from(entry_id)
        if group.entries_read != UNKNOWN and is_known:
            group.entries_read += 1
        elif self.entries_added > 0:
            group.entries_read = self.entries_up_to(entry_id)
        group.last_id = entry_id

    def lag(self, group: StreamGroup, is_exact: bool) -> int | None:
        """How many entries a group has yet to read; None if the stream cannot tell.

        ``is_exact`` says that a group which has read nothing of what is left has yet to read all of it.
        """
        if self.entries_added == 0 or (is_exact and self.length == 0):
            return 0
        if is_exact and max(group.last_id, self.max_deleted_id) < self.first_id:
            return int(self.length)
        if group.entries_read != UNKNOWN and not self.has_tombstones_from(group.last_id):
            return self.entries_added - group.entries_read
        read = self.entries_up_to(group.last_id)
        return None if read == UNKNOWN else self.entries_added - read

    def check(self) -> None:
        self.tree.check()
        nodes = self.tree.values()
        assert sum([node.live for node in nodes]) == self.length
        assert (nodes[-1] if nodes else None) is self.tail
        ids = [entry_id for node in nodes for entry_id in node.ids]
        assert ids == sorted(set(ids))
        assert not ids or ids[-1] <= self.last_id
        for group in self.group_list():
            group.check()


class _StreamPieces(NodePieces):
    """The nodes of a long stream."""

    def __init__(self, head: bytes, nodes: list[StreamNode], tail: bytes, compresses: bool) -> None:
        super().__init__(head, list(nodes), tail, compresses)
        for node in nodes:
            node.keeper = self

    def save_node(self, writer: RdbWriter, node: object) -> None:
        assert isinstance(node, StreamNode)
        node.save(writer)

    def forget(self, node: object) -> None:
        assert isinstance(node, StreamNode)
        node.keeper = None


def _is_full(node: StreamNode, entry: list[bytes], limits: EncodingLimits) -> bool:
    """Whether the next entry needs a new node."""
    added: i64 = 0
    for data in entry:
        added += len(data)
    if node.listpack.size + added >= byte_limit(limits.stream_node_bytes):
        return True
    most = limits.stream_node_entries
    return most > 0 and node.live + node.deleted >= most


@mypyc_attr(acyclic=True)
class StreamObject(Collection):
    """A stream as the value of a key. Streams have one encoding."""

    def __init__(self, allocator: Allocator | None, stream: Stream) -> None:
        super().__init__(allocator)
        self.stream = stream

    def payload(self) -> Encoded:
        return self.stream

    def type_name(self) -> bytes:
        return b"stream"

    def length(self) -> i64:
        return self.stream.length

    def duplicate(self, allocator: Allocator) -> RedisObject:
        return StreamObject(allocator, self.stream.duplicate())

    def defrag_head(self, mover: Mover) -> None:
        if mover.steers():
            self.stream = relocated(self.stream, mover)
        super().defrag_head(mover)

    def twin(self) -> RedisObject:
        return StreamObject(None, self.stream).succeed(self)

    def detach(self) -> None:
        self.stream = self.stream.twin()
        self.stream.detach()

    def digest(self, digest: Digest) -> None:
        digest.mix_number(STREAM_TYPE)
        found = self.stream.range(0, MAX_ID)
        for at, entry_id in enumerate(found.ids):
            digest.mix(id_text(entry_id).replace(b"-", b"."))
            for data in found.entries[at]:
                digest.mix(data)


def new_stream(allocator: Allocator) -> StreamObject:
    return StreamObject(allocator, Stream(allocator))
