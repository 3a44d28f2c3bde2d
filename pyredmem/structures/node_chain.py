"""The chain of nodes that a quicklist is, and which of them are compressed (Redis 7.2 quicklist.c).

With ``depth`` > 0 all nodes but so many at each end are compressed. As in Redis that is looked after where nodes are
linked, unlinked and left behind by a walk (``settle``), not by one rule that always holds: a node may stay
uncompressed until a walk passes it.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i32, i64

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.layout import QUICKLIST_NODE_SIZE, QUICKLIST_SIZE, ROBJ_SIZE
from pyredmem.structures.list_node import COMPRESSED, IN_USE, KEPT_RAW, ListNode

_MOST_DEPTH: Final = (1 << 16) - 1


class NodeChain:
    """Nodes, their number and that of their elements, and the block that Redis keeps them in."""

    def __init__(self, allocator: Allocator, depth: i64) -> None:
        self.allocator = allocator
        self.address: i32 = i32(allocator.alloc(QUICKLIST_SIZE))
        self.depth: i64 = min(max(depth, 0), _MOST_DEPTH)
        self.head: ListNode | None = None
        self.tail: ListNode | None = None
        self.nodes: i64 = 0
        self.count: i64 = 0  # elements

    # Linking.

    def link(self, beside: ListNode | None, node: ListNode, after: bool) -> None:
        """Put a node behind or before another one; ``beside`` is None in an empty list."""
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
        """Take a node out, with the elements that it has."""
        following = node.next
        preceding = node.previous
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
        """A walk goes on from a node that it has read: what was decompressed for that is compressed again."""
        if self.depth > 0 and not node.is_(COMPRESSED):
            self.settle(node)

    def settle(self, node: ListNode) -> None:
        """Compress a node if its place in the list is one of compressed nodes (Redis 7.2 quicklistCompress)."""
        if self.depth == 0:
            return
        if node.is_(IN_USE):
            node.compress()
        else:
            self._settle_around(node)

    def compress_again(self, node: ListNode) -> None:
        """Compress a node that was decompressed to be changed."""
        if node.is_(IN_USE):
            node.compress()

    def _settle_around(self, node: ListNode | None) -> None:
        """Decompress the nodes at the ends, compress the first ones that are no longer ends, and ``node``."""
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

    # As a whole.

    def memory(self, samples: i64) -> i64:
        """Bytes as MEMORY USAGE counts them: of some nodes from the head on (0: of all), taken for all."""
        measured: i64 = 0
        looked_at: i64 = 0
        node = self.head
        while node is not None:
            measured += QUICKLIST_NODE_SIZE + node.usable()
            looked_at += 1
            if looked_at == samples:
                break
            node = node.next
        if looked_at == 0:
            return QUICKLIST_SIZE
        # The sum of all parts is rounded as one number, and then cut.
        estimate: float = float(measured) / float(looked_at) * float(self.nodes)
        return int(float(ROBJ_SIZE + QUICKLIST_SIZE) + estimate) - ROBJ_SIZE

    def free(self) -> None:
        """Give everything back; the nodes forget each other, so that nothing is left to the cyclic collector."""
        node = self.head
        self.head = None
        self.tail = None
        while node is not None:
            following = node.next
            node.next = None
            node.previous = None
            self._free_node(node)
            node = following
        self.allocator.free(i64(self.address))

    def chain(self) -> list[ListNode]:
        """All nodes."""
        found: list[ListNode] = []
        node = self.head
        while node is not None:
            found.append(node)
            node = node.next
        return found

    def addresses(self) -> list[int]:
        """Every ledger address it owns."""
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
        ends = chain[: self.depth] + chain[max(0, len(chain) - self.depth) :] if self.depth else chain
        assert not any(node.is_(COMPRESSED) for node in ends)
