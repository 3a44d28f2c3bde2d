"""The chain of nodes that a quicklist consists of, and which of the nodes are compressed (Redis 7.2 quicklist.c).

If ``depth`` is above 0, all nodes are compressed except the first and the last ``depth`` ones. As in Redis this is not
an invariant: nodes are compressed and decompressed when a node is linked or unlinked and when a walk leaves a node
(``settle``), so a node may stay uncompressed until a walk passes it.

A pass over the chain leaves a mark where it stops (see :mod:`pyredmem.structures.marks`). The mark refers to a node, so
the pass finds its place at once, whatever was linked and unlinked in the meantime. When the node is unlinked, the mark
moves to the next one.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i32, i64

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.layout import QUICKLIST_NODE_SIZE, QUICKLIST_SIZE, ROBJ_SIZE
from pyredmem.memory.mover import Mover
from pyredmem.structures.list_node import COMPRESSED, IN_USE, KEPT_RAW, ListNode
from pyredmem.structures.marks import PassMark, PassMarks

_MOST_DEPTH: Final = (1 << 16) - 1


class NodeMark(PassMark):
    """The element of a node at which a pass goes on."""

    def __init__(self, cursor: i64, node: ListNode, place: i64) -> None:
        super().__init__(cursor)
        self.node = node
        self.place: i64 = place


class NodeChain:
    """The nodes, their number and that of their elements, and the block of Redis's quicklist struct."""

    def __init__(self, allocator: Allocator, depth: i64, address: i64 = 0) -> None:
        """``address`` is the block of the chain that this one replaces, if it replaces one."""
        self.allocator = allocator
        self.address: i32 = i32(allocator.alloc(QUICKLIST_SIZE) if address == 0 else address)
        self.depth: i64 = min(max(depth, 0), _MOST_DEPTH)
        self.head: ListNode | None = None
        self.tail: ListNode | None = None
        self.nodes: i64 = 0
        self.count: i64 = 0  # elements
        self.marks: PassMarks[NodeMark] | None = None  # None: no pass has stopped in this chain

    # Linking.

    def link(self, beside: ListNode | None, node: ListNode, after: bool) -> None:
        """Insert a node after or before the node ``beside``, which is None in an empty list."""
        if beside is None:
            self.head = node
            self.tail = node
        elif after:
            following = beside.next
            node.previous = beside
            node.next = following
            beside.next = node
            if following is None:
                self.tail = node
            else:
                following.previous = node
        else:
            preceding = beside.previous
            node.next = beside
            node.previous = preceding
            beside.previous = node
            if preceding is None:
                self.head = node
            else:
                preceding.next = node
        self.nodes += 1
        if self.depth > 0:
            if beside is not None:
                self.settle(beside)
            self.settle(node)

    def unlink(self, node: ListNode) -> None:
        """Remove a node, with its elements, and free it."""
        following = node.next
        preceding = node.previous
        if self.marks is not None:
            self._move_marks(self.marks, node, following)
        node.next = None
        node.previous = None
        if following is None:
            self.tail = preceding
        else:
            following.previous = preceding
        if preceding is None:
            self.head = following
        else:
            preceding.next = following
        self.nodes -= 1
        self.count -= node.count()
        if self.depth > 0:
            self._settle_around(None)
        self._free_node(node)

    def _free_node(self, node: ListNode) -> None:
        node.free()
        self.allocator.free(i64(node.node_address))

    # Compression.

    def leave(self, node: ListNode) -> None:
        """Called when a walk goes on from a node that it has read: the node is compressed again if it was before."""
        if self.depth > 0 and not node.is_(COMPRESSED):
            self.settle(node)

    def settle(self, node: ListNode) -> None:
        """Compress a node if nodes at its place in the list are compressed (Redis 7.2 quicklistCompress)."""
        if self.depth == 0:
            return
        if node.is_(IN_USE):
            node.compress()
        else:
            self._settle_around(node)

    def compress_again(self, node: ListNode) -> None:
        """Compress a node that was decompressed in order to change it."""
        if node.is_(IN_USE):
            node.compress()

    def _settle_around(self, node: ListNode | None) -> None:
        """Decompress ``depth`` nodes at each end; compress the next one on each side, and ``node`` if further in."""
        if self.nodes == 0 or self.nodes < self.depth * 2:
            return
        forward, backward = self.head, self.tail
        at_end = False
        left = self.depth
        while left > 0:
            assert forward is not None
            assert backward is not None
            forward.decompress()
            backward.decompress()
            if forward is node or backward is node:
                at_end = True
            if forward is backward or forward.next is backward:
                return
            forward = forward.next
            backward = backward.previous
            left -= 1
        if node is not None and not at_end:
            self._compress(node)
        self._compress(forward)
        self._compress(backward)

    def _compress(self, node: ListNode | None) -> None:
        if node is not None and not node.is_(COMPRESSED):
            node.compress()

    # Passes.

    def replace_chain(self, original: NodeChain) -> None:
        """Take over the nodes of the chain that this one replaces."""
        self.head = original.head
        self.tail = original.tail
        self.nodes = original.nodes
        self.count = original.count
        self.marks = original.marks

    def copy_chain(self, original: NodeChain) -> None:
        """Have copies of the nodes of another chain, which refer to the same blocks. No pass has stopped in them."""
        self.nodes = original.nodes
        self.count = original.count
        for node in original.chain():
            image = node.image()
            last = self.tail
            image.previous = last
            if last is None:
                self.head = image
            else:
                last.next = image
            self.tail = image

    def defrag(self, mover: Mover) -> None:
        """Let the mover place the block of the quicklist struct."""
        self.address = i32(mover.block(i64(self.address)))

    def defrag_nodes(self, mover: Mover, cursor: i64, limit: i64) -> i64:
        """Let the mover place ``limit`` nodes from a cursor on, and show it their elements if it steers.

        Returns the next cursor, 0 at the end. Elements that are shown count towards the limit like nodes.
        """
        node = self.head
        place: i64 = 0
        if cursor != 0:
            mark = self.marks.take(cursor) if self.marks is not None else None
            if mark is None:
                return 0
            node = mark.node
            place = mark.place
        steers = mover.steers()
        while node is not None:
            if limit <= 0:
                return self._leave_mark(NodeMark(cursor, node, place))
            if place == 0:
                if steers:
                    node = self._relocate(node, mover)
                node.defrag(mover)
                limit -= 1
            if steers:
                last = place
                place = node.defrag_items(mover, last, limit if limit > 0 else 1)
                limit -= (place if place > 0 else node.count()) - last
                if place > 0:
                    continue
            node = node.next
        return 0

    def _relocate(self, node: ListNode, mover: Mover) -> ListNode:
        """Replace a node by a twin if the mover wants that; returns the node that is there now."""
        twin = node.relocated(mover)
        if twin is node:
            return node
        preceding = node.previous
        following = node.next
        node.previous = None
        node.next = None
        twin.previous = preceding
        twin.next = following
        if preceding is None:
            self.head = twin
        else:
            preceding.next = twin
        if following is None:
            self.tail = twin
        else:
            following.previous = twin
        if self.marks is not None:
            for mark in self.marks.marks:
                if mark.node is node:
                    mark.node = twin
        return twin

    def _leave_mark(self, mark: NodeMark) -> i64:
        if self.marks is None:
            self.marks = PassMarks[NodeMark]()
        return self.marks.leave(mark)

    def _move_marks(self, marks: PassMarks[NodeMark], node: ListNode, following: ListNode | None) -> None:
        """Move the marks at a node that is about to be unlinked to the next node; drop them if there is none."""
        kept: list[NodeMark] = []
        for mark in marks.marks:
            if mark.node is node:
                if following is None:
                    continue
                mark.node = following
                mark.place = 0
            kept.append(mark)
        marks.marks = kept

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        """Remove about ``limit`` elements, add the blocks of emptied nodes to ``freed``; True when nothing is left."""
        self.marks = None
        node = self.head
        while node is not None:
            limit = node.dismantle(limit, freed)
            if limit < 0:
                return False
            following = node.next
            node.next = None  # or the two nodes would keep each other alive
            if following is not None:
                following.previous = None
            self.head = following
            node = following
        self.tail = None
        freed.add(i64(self.address))
        return True

    # As a whole.

    def memory(self, samples: i64) -> i64:
        """Bytes as MEMORY USAGE counts them: an estimate from the first ``samples`` nodes (0: from all nodes)."""
        measured: i64 = 0
        looked_at: i64 = 0
        elements: i64 = 0
        node = self.head
        while node is not None:
            measured += QUICKLIST_NODE_SIZE + node.usable()
            elements += node.count()
            looked_at += 1
            if looked_at == samples:
                break
            node = node.next
        if looked_at == 0:
            return QUICKLIST_SIZE
        # As in Redis the parts are added as floating-point numbers, and the sum is cut to an integer.
        estimate: float = float(measured) / float(looked_at) * float(self.nodes)
        if self.allocator.sizes.measures_elements:
            estimate = float(measured) / float(elements) * float(self.count)
        return int(float(ROBJ_SIZE + QUICKLIST_SIZE) + estimate) - ROBJ_SIZE

    def free(self) -> None:
        """Free everything. The nodes forget each other, so that nothing is left to the cyclic garbage collector."""
        node = self.head
        self.head = None
        self.tail = None
        self.marks = None
        while node is not None:
            following = node.next
            node.next = None
            node.previous = None
            self._free_node(node)
            node = following
        self.allocator.free(i64(self.address))

    def chain(self) -> list[ListNode]:
        """All nodes, from head to tail."""
        found: list[ListNode] = []
        node = self.head
        while node is not None:
            found.append(node)
            node = node.next
        return found

    def addresses(self) -> list[int]:
        """The addresses of all blocks that the chain owns."""
        owned = [int(self.address)]
        for node in self.chain():
            owned += [int(node.node_address), int(node.address)]
        return owned

    def check(self) -> None:
        """Assert the invariants."""
        chain = self.chain()
        assert len(chain) == self.nodes
        assert sum([int(node.count()) for node in chain]) == self.count
        for at, node in enumerate(chain):
            assert node.count() > 0
            assert not node.is_(IN_USE | KEPT_RAW)
            assert node.previous is (chain[at - 1] if at > 0 else None)
            node.check()
        assert self.tail is (chain[-1] if chain else None)
        if self.marks is not None:
            self.marks.check()
            assert all(mark.node in chain for mark in self.marks.marks)
        ends = chain[: self.depth] + chain[max(0, len(chain) - self.depth) :] if self.depth else chain
        assert not any(node.is_(COMPRESSED) for node in ends)
