"""The quicklist: a chain of nodes, each with as many elements as a limit allows (Redis 7.2 quicklist.c).

``fill`` is the limit: -1 to -5 stand for 4, 8, 16, 32 and 64 KiB in a node, a positive number for that many elements
(and at most 8 KiB). A full node at an end gets a new node beside it. A full node in the middle is split, and the parts
are merged with their neighbours where the limit allows. Removing elements neither joins nor frees nodes, except that a
node without elements is freed.

To find an element, the nearer end is the start of a walk over the nodes, not over the elements.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i32, i64

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.layout import LISTPACK_EMPTY_SIZE, QUICKLIST_NODE_SIZE
from pyredmem.memory.mover import Mover
from pyredmem.structures.list_node import KEPT_RAW, PLAIN, ListNode
from pyredmem.structures.node_chain import NodeChain

#: quicklist.c SIZE_SAFETY_LIMIT, SIZE_ESTIMATE_OVERHEAD
_SAFETY_BYTES: Final = 8192
_ENTRY_OVERHEAD: Final = 8
_SMALLEST_NODE_BYTES: Final = 4096
_LARGEST_CODE: Final = 5
_MOST_FILL: Final = (1 << 15) - 1
#: The limit where there is none.
NO_LIMIT: Final = 1 << 62


def byte_limit(fill: i64) -> i64:
    """The bytes of a listpack that a negative fill allows."""
    code: i64 = -fill
    if code > _LARGEST_CODE:
        code = _LARGEST_CODE
    size: i64 = _SMALLEST_NODE_BYTES
    return size << (code - 1)


def exceeds(fill: i64, size: i64, count: i64) -> bool:
    """Whether a listpack of ``size`` bytes and ``count`` elements is too large for a node."""
    if fill < 0:
        return size > byte_limit(fill)
    return size > _SAFETY_BYTES or count > (fill if fill > 0 else 1)


class Quicklist(NodeChain):
    """A list as a chain of nodes."""

    def __init__(self, allocator: Allocator, fill: i64, depth: i64, address: i64 = 0) -> None:
        super().__init__(allocator, depth, address)
        self.fill: i64 = min(max(fill, -_LARGEST_CODE), _MOST_FILL)
        self.offset: i64 = 0  # the second result of `seek`
        # The two limits that `fill` stands for, calculated once.
        self._most_bytes: i64 = byte_limit(self.fill) if self.fill < 0 else _SAFETY_BYTES
        self._most_elements: i64 = NO_LIMIT if self.fill < 0 else max(self.fill, 1)
        #: From this size on an element gets a plain node whatever the threshold is; Redis 7.2 has no such size.
        self._plain_from: i64 = self._most_bytes + 1 if allocator.sizes.plain_large_elements else NO_LIMIT

    # The ends.

    def push_head(self, element: bytes, packed_threshold: i64) -> None:
        """Add an element before the first one; one of ``packed_threshold`` bytes gets a plain node."""
        if packed_threshold > self._plain_from:
            packed_threshold = self._plain_from
        head = self.head
        if head is not None and self._has_room(head, len(element), packed_threshold):
            head.push_head(element)
        else:
            self.link(head, self._new_node(element, packed_threshold), False)
            if head is not None:
                head.give_room_back()
        self.count += 1

    def push_tail(self, element: bytes, packed_threshold: i64) -> None:
        """Add an element after the last one."""
        if packed_threshold > self._plain_from:
            packed_threshold = self._plain_from
        tail = self.tail
        if tail is not None and self._has_room(tail, len(element), packed_threshold):
            tail.push_tail(element)
        else:
            self.link(tail, self._new_node(element, packed_threshold), True)
        self.count += 1

    def pop_head(self) -> bytes:
        """Remove the first element of a list that has elements."""
        head = self.head
        assert head is not None
        if head.count() == 1:
            element = head.at(0)
            self.unlink(head)
            return element
        self.count -= 1
        return head.pop_head()

    def pop_tail(self) -> bytes:
        """Remove the last element of a list that has elements."""
        tail = self.tail
        assert tail is not None
        if tail.count() == 1:
            element = tail.at(0)
            self.unlink(tail)
            return element
        self.count -= 1
        return tail.pop_tail()

    def append_node(self, node: ListNode) -> None:
        """Add a listpack as the last node."""
        node.node_address = i32(self.allocator.alloc(QUICKLIST_NODE_SIZE))
        self.count += node.count()
        self.link(self.tail, node, True)

    def release_only_node(self) -> ListNode:
        """Turn the only node into a listpack, which is the caller's now, and free the quicklist."""
        node = self.head
        assert node is not None
        self.head = None
        self.tail = None
        self.allocator.free(i64(node.node_address))
        node.node_address = 0
        self.allocator.free(i64(self.address))
        return node

    def _has_room(self, node: ListNode | None, size: i64, packed_threshold: i64) -> bool:
        """Whether an element of ``size`` bytes may be added to a node."""
        if node is None or size >= packed_threshold or node.state & PLAIN != 0:
            return False
        return node.size + size + _ENTRY_OVERHEAD <= self._most_bytes and node.count() < self._most_elements

    def _new_node(self, element: bytes, packed_threshold: i64) -> ListNode:
        """A node with one element, not yet linked."""
        if len(element) >= packed_threshold:
            node = ListNode(self.allocator, len(element))
            node.become_plain(element)
        else:
            node = ListNode(self.allocator)
            node.push_tail(element)
        node.node_address = i32(self.allocator.alloc(QUICKLIST_NODE_SIZE))
        return node

    # Somewhere.

    def seek(self, index: i64) -> ListNode:
        """The node of the element at ``index``; ``self.offset`` is then the place of the element in the node."""
        assert 0 <= index < self.count
        if index <= (self.count - 1) >> 1:
            node = self.head
            assert node is not None
            while index >= node.count():
                index -= node.count()
                node = node.next
                assert node is not None
        else:
            index = self.count - 1 - index
            node = self.tail
            assert node is not None
            while index >= node.count():
                index -= node.count()
                node = node.previous
                assert node is not None
            index = node.count() - 1 - index
        self.offset = index
        return node

    def at(self, index: i64) -> bytes:
        node = self.seek(index)
        element = node.at(self.offset)
        self.leave(node)
        return element

    def elements(self, start: i64, count: i64) -> list[bytes]:
        """``count`` elements from index ``start`` on, all of which are there."""
        if count <= 0:
            return []
        node: ListNode | None = self.seek(start)
        place = self.offset
        found: list[bytes] = []
        while node is not None and count > 0:
            part = node.elements(place, place + count)
            found = found + part if found else part
            count -= len(part)
            place = 0
            following = node.next
            self.leave(node)
            node = following
        return found

    def replace(self, index: i64, element: bytes, packed_threshold: i64) -> None:
        """Replace the element at ``index``."""
        if packed_threshold > self._plain_from:
            packed_threshold = self._plain_from
        node = self.seek(index)
        place = self.offset
        large = len(element) >= packed_threshold
        if not node.is_(PLAIN) and not large:
            node.decompress_for_use()
            node.replace(place, element)
            self.settle(node)
        elif not node.is_(PLAIN):
            self._replace_by_plain_node(node, place, element, packed_threshold)
        elif large:
            node.decompress()
            node.replace_plain(element)
            self.settle(node)
        else:
            self.insert(node, 0, element, True, packed_threshold)
            self.unlink(node)

    def _replace_by_plain_node(self, node: ListNode, place: i64, element: bytes, packed_threshold: i64) -> None:
        """Split the node after the old element, link a plain node between the parts, and remove the old element."""
        node.decompress_for_use()
        node.state |= KEPT_RAW
        rest: ListNode | None = None
        if place < node.count() - 1:
            rest = self._split(node, place + 1, True)
        new = self._new_node(element, packed_threshold)
        self.link(node, new, True)
        if rest is not None:
            self.link(new, rest, True)
        self.count += 1
        if node.count() == 1:
            self.unlink(node)
            return
        node.pop_tail()
        self.count -= 1
        node.state &= ~KEPT_RAW
        merged = self._merge_around(new)
        self.settle(merged)
        if merged.previous is not None:
            self.settle(merged.previous)
        if merged.next is not None:
            self.settle(merged.next)

    def insert(self, node: ListNode, place: i64, element: bytes, after: bool, packed_threshold: i64) -> None:
        """Add an element before or after the one at ``place`` in a node."""
        if packed_threshold > self._plain_from:
            packed_threshold = self._plain_from
        size: i64 = len(element)
        at_edge = place == node.count() - 1 if after else place == 0
        neighbour = node.next if after else node.previous
        self.count += 1
        if size >= packed_threshold:
            self._insert_plain_node(node, place, self._new_node(element, packed_threshold), after, at_edge)
        elif self._has_room(node, size, packed_threshold):
            node.decompress_for_use()
            node.insert(place + 1 if after else place, element)
            self.compress_again(node)
        elif at_edge and neighbour is not None and self._has_room(neighbour, size, packed_threshold):
            neighbour.decompress_for_use()
            if after:
                neighbour.push_head(element)
            else:
                neighbour.push_tail(element)
            self.compress_again(neighbour)
            self.compress_again(node)
        elif at_edge:
            self.link(node, self._new_node(element, packed_threshold), after)
        else:
            node.decompress_for_use()
            new = self._split(node, place + 1 if after else place, after)
            if after:
                new.push_head(element)
            else:
                new.push_tail(element)
            self.link(node, new, after)
            self._merge_around(node)

    def _insert_plain_node(self, node: ListNode, place: i64, plain: ListNode, after: bool, at_edge: bool) -> None:
        if node.is_(PLAIN) or at_edge:
            self.link(node, plain, after)
            return
        node.decompress_for_use()
        rest = self._split(node, place + 1 if after else place, after)
        self.link(node, plain, after)
        self.link(plain, rest, after)

    def delete(self, start: i64, count: i64) -> None:
        """Remove ``count`` elements from index ``start`` on, all of which are there."""
        if count <= 0:
            return
        node: ListNode | None = self.seek(start)
        place = self.offset
        assert node is not None
        self.settle(node)
        while node is not None and count > 0:
            following = node.next
            removed = min(node.count() - place, count)
            if removed == node.count():
                self.unlink(node)
            else:
                node.decompress_for_use()
                node.delete(place, removed)
                self.count -= removed
                self.compress_again(node)
            count -= removed
            place = 0
            node = following

    def remove(self, element: bytes, most: i64, backwards: bool) -> i64:
        """Remove at most ``most`` elements equal to this one, starting at one end; returns how many were removed."""
        removed: i64 = 0
        node = self.tail if backwards else self.head
        while node is not None and removed < most:
            following = node.previous if backwards else node.next
            if node.find(element, 0) < 0:
                self.leave(node)
            else:
                gone: i64 = 1  # of a plain node
                if not node.is_(PLAIN):
                    node.decompress_for_use()
                    gone = node.remove(element, most - removed, backwards)
                    self.count -= gone
                removed += gone
                if not node.is_(PLAIN) and node.count() > 0:
                    self.settle(node)
                else:
                    self.unlink(node)
                    if following is not None and removed == most:
                        self.settle(following)  # the node at which the walk ends
            node = following
        return removed

    # Splitting and merging.

    def _split(self, node: ListNode, place: i64, keep_front: bool) -> ListNode:
        other = node.split_off(place, keep_front)
        other.node_address = i32(self.allocator.alloc(QUICKLIST_NODE_SIZE))
        return other

    def _merge_around(self, center: ListNode) -> ListNode:
        """Merge a node and the two neighbours on each side of it, where the result is not too large for a node.

        The order is: the two before it; the two after it; the node with the one before; the result with the one after.
        Returns the node that has the elements of ``center`` now.
        """
        preceding = center.previous
        if preceding is not None:
            self._try_merge(preceding.previous, preceding)
        following = center.next
        if following is not None:
            self._try_merge(following, following.next)
        merged = self._try_merge(center.previous, center)
        target = center if merged is None else merged
        merged = self._try_merge(target, target.next)
        return target if merged is None else merged

    def _try_merge(self, first: ListNode | None, second: ListNode | None) -> ListNode | None:
        """Merge two neighbours if that is allowed: the elements move into the larger block."""
        if first is None or second is None or (first.state | second.state) & PLAIN != 0:
            return None
        size = first.size + second.size - LISTPACK_EMPTY_SIZE
        if exceeds(self.fill, size, first.count() + second.count()):
            return None
        first.decompress()
        second.decompress()
        if first.size >= second.size:
            kept, other = first, second
        else:
            kept, other = second, first
        kept.absorb(other, kept is second)
        self.unlink(other)
        self.settle(kept)
        return kept

    # As a whole.

    def relocated(self, mover: Mover) -> Quicklist:
        """This object or, if it must leave its place in the process's heap, a twin that takes over all nodes."""
        if not mover.must_leave(self):
            return self
        twin = Quicklist(self.allocator, self.fill, self.depth, i64(self.address))
        while mover.must_plug(twin):
            twin = Quicklist(self.allocator, self.fill, self.depth, i64(self.address))
        twin.replace_chain(self)
        return twin

    def image(self) -> Quicklist:
        """A copy that refers to the same blocks."""
        image = Quicklist(self.allocator, self.fill, self.depth, i64(self.address))
        image.copy_chain(self)
        return image

    def duplicate(self) -> Quicklist:
        """Another quicklist with copies of the nodes."""
        copy = Quicklist(self.allocator, self.fill, self.depth)
        node = self.head
        while node is not None:
            copy.append_node(node.copy())
            node = node.next
        return copy
