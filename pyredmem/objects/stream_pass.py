"""A pass of defragmentation over a stream, some entries or pending entries at a time.

The pass visits the nodes with the entries first, then group by group: the group, its pending entries, and its
consumers, each with its own pending entries. Where a piece of the pass ends, a mark stays with the keys to continue at.
The next piece looks these keys up from the roots of their trees, and takes the next key where one was removed.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i32, i64

from pyredmem.memory.mover import Mover
from pyredmem.memory.relocation import relocated
from pyredmem.objects.stream_group import PendingEntry, StreamConsumer, StreamGroup
from pyredmem.objects.stream_node import StreamNode
from pyredmem.structures.marks import PassMark
from pyredmem.structures.radix import RadixTree
from pyredmem.structures.radix_pass import RadixPass, replace_entry

# What the pass visits next.
ENTRIES: Final = 0
GROUP: Final = 1
PENDING: Final = 2
CONSUMER: Final = 3
CONSUMER_PENDING: Final = 4


class StreamMark(PassMark):
    """Where a pass over a stream continues."""

    def __init__(self) -> None:
        super().__init__()
        self.stage: i64 = ENTRIES
        self.group = b""
        self.consumer = b""
        self.key = b""  # the key of a node or of a pending entry
        self.place: i64 = 0  # the place of an entry in the node


class StreamPass:
    """One piece of a pass. It starts at a mark, and moves the mark to where it ends."""

    def __init__(self, mover: Mover, mark: StreamMark, limit: i64) -> None:
        self._mover: Mover = mover
        self._steers = mover.steers()
        self._mark = mark
        self._left: i64 = limit if limit > 0 else 1

    # Entries.

    def entries(self, tree: RadixTree[StreamNode]) -> bool:
        """Visit nodes, and their entries if the mover steers; True after the last one."""
        mover = self._mover
        mark = self._mark
        walk = RadixPass(tree, mover)
        node = walk.seek(mark.key)
        if node is not None and walk.key() != mark.key:
            mark.place = 0
        while node is not None:
            if self._left <= 0:
                mark.key = walk.key()
                return False
            if mark.place == 0:
                walk.visit(True)
                node = self._node(node, walk)
            if self._steers and not self._node_entries(node):
                mark.key = walk.key()
                return False
            mark.place = 0
            node = walk.next()
        return True

    def _node(self, node: StreamNode, walk: RadixPass[StreamNode]) -> StreamNode:
        """Show a node and its listpack; returns the node, or the twin that took its place."""
        self._left -= 1
        if self._steers:
            twin = relocated(node, self._mover)
            if twin is not node:
                walk.set_value(twin)
                node = twin
            node.show_containers(self._mover)
        node.listpack.defrag(self._mover)
        return node

    def _node_entries(self, node: StreamNode) -> bool:
        mark = self._mark
        while mark.place < len(node.ids):
            if self._left <= 0 and mark.place > 0:
                return False
            self._left -= node.show_entry(self._mover, mark.place) + 1
            mark.place += 1
        return True

    # Groups.

    def groups(self, groups: RadixTree[StreamGroup]) -> bool:
        """Visit groups; True after the last one."""
        mark = self._mark
        walk = RadixPass(groups, self._mover)
        group = walk.seek(mark.group)
        if walk.key() != mark.group:
            mark.stage = GROUP
        while group is not None:
            if self._left <= 0:
                mark.group = walk.key()
                return False
            if mark.stage == GROUP:
                group = self._group(group, walk)
            if mark.stage == PENDING and not self._pending(group):
                return False
            if not self._consumers(group):
                return False
            mark.stage = GROUP
            group = walk.next()
        return True

    def _group(self, group: StreamGroup, walk: RadixPass[StreamGroup]) -> StreamGroup:
        self._left -= 1
        walk.visit(True)
        if self._steers:
            group = relocated(group, self._mover)
            walk.set_value(group)
            group.name = walk.key()
        group.defrag_head(self._mover)
        mark = self._mark
        mark.group = walk.key()
        mark.consumer = b""
        mark.key = b""
        mark.stage = PENDING
        return group

    def _pending(self, group: StreamGroup) -> bool:
        """Visit a group's pending entries. The trees of its consumers have the same objects."""
        mover = self._mover
        mark = self._mark
        walk = RadixPass(group.pending, mover)
        entry = walk.seek(mark.key)
        while entry is not None:
            if self._left <= 0:
                mark.key = walk.key()
                return False
            self._left -= 1
            walk.visit(True)
            entry.address = i32(mover.block(i64(entry.address)))
            if self._steers:
                twin = relocated(entry, mover)
                walk.set_value(twin)
                replace_entry(twin.consumer.pending, walk.key(), twin)  # with the same key object
            entry = walk.next()
        mark.stage = CONSUMER
        return True

    def _consumers(self, group: StreamGroup) -> bool:
        mark = self._mark
        walk = RadixPass(group.consumers, self._mover)
        consumer = walk.seek(mark.consumer)
        if walk.key() != mark.consumer:
            mark.stage = CONSUMER
        while consumer is not None:
            if self._left <= 0:
                mark.consumer = walk.key()
                return False
            if mark.stage == CONSUMER:
                consumer = self._consumer(consumer, walk)
            if not self._owned(consumer.pending):
                return False
            mark.stage = CONSUMER
            consumer = walk.next()
        return True

    def _consumer(self, consumer: StreamConsumer, walk: RadixPass[StreamConsumer]) -> StreamConsumer:
        self._left -= 1
        walk.visit(True)
        if self._steers:
            consumer = consumer.relocated(self._mover)
            walk.set_value(consumer)
            consumer.name = walk.key()
        consumer.defrag_head(self._mover)
        mark = self._mark
        mark.consumer = walk.key()
        mark.key = b""
        mark.stage = CONSUMER_PENDING
        return consumer

    def _owned(self, pending: RadixTree[PendingEntry]) -> bool:
        """Visit the tree of a consumer's pending entries, whose keys and values are the group's."""
        mark = self._mark
        walk = RadixPass(pending, self._mover)
        entry = walk.seek(mark.key)
        while entry is not None:
            if self._left <= 0:
                mark.key = walk.key()
                return False
            self._left -= 1
            walk.visit(False)
            entry = walk.next()
        return True
