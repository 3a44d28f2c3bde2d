"""A pass of defragmentation over a stream, some entries or pending entries at a time.

First come the nodes with the entries, then group by group: the group, what it has pending, and its consumers, each
with what it has pending. Where a piece ends a mark stays, with the keys at which the pass goes on; what has that key
then, or the next one if it is gone, is found from the root of its tree.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i32, i64

from pyredmem.memory.mover import Mover
from pyredmem.objects.stream_group import PendingEntry, StreamConsumer, StreamGroup
from pyredmem.objects.stream_node import StreamNode
from pyredmem.structures.radix import RadixTree
from pyredmem.structures.radix_pass import RadixPass, replace_entry

# What comes next.
ENTRIES: Final = 0
GROUP: Final = 1
PENDING: Final = 2
CONSUMER: Final = 3
CONSUMER_PENDING: Final = 4


class StreamMark:
    """Where a pass goes on."""

    def __init__(self) -> None:
        self.cursor: i64 = 0
        self.stage: i64 = ENTRIES
        self.group = b""
        self.consumer = b""
        self.key = b""  # of a node, or of a pending entry
        self.place: i64 = 0  # of an entry in the node


class StreamPass:
    """A piece of a pass, from a mark on; the mark is where it ended afterwards."""

    def __init__(self, mover: Mover, mark: StreamMark, limit: i64) -> None:
        self._mover: Mover = mover
        self._steers = mover.steers()
        self._mark = mark
        self._left: i64 = limit if limit > 0 else 1

    # Entries.

    def entries(self, tree: RadixTree[StreamNode]) -> bool:
        """The nodes, with their entries if the mover steers; True when there are no more."""
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
        """A node's listpack, and the node itself; what is there now."""
        self._left -= 1
        if self._steers:
            twin = node.relocated(self._mover)
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
        """The groups; True when there are no more."""
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
            group = group.relocated(self._mover)
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
        """What a group has pending; the tree of the consumer has the same objects."""
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
                twin = entry.relocated(mover)
                walk.set_value(twin)
                replace_entry(twin.consumer.pending, walk.key(), twin)  # its key may have been another object
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
        """The tree of what a consumer has pending; keys and values are the group's."""
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
