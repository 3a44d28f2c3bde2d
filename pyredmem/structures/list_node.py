"""A run of list elements in one block: a whole small list, or one node of a quicklist.

The elements are in a Python list with room at its front, so that both ends are fast::

    items   [ - | - | - | c | b | a ]        start = 3: three elements, and room for three more at the front

The block is usually a listpack (the base class). As in Redis 7.2 (quicklist.c) it can be two other things: a node in
the middle of a list may be compressed with LZF, and an element of enormous size gets a *plain* node, with nothing but
its bytes. The elements are kept uncompressed in all three cases; of a compressed block only the size is real.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i32, i64

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.layout import QUICKLIST_LZF_HEADER_SIZE
from pyredmem.memory.mover import Mover
from pyredmem.memory.relocation import relocated_list
from pyredmem.structures.keepers import NodeKeeper
from pyredmem.structures.listpack import NO_BLOCK, Listpack, entry_size, entry_sizes
from pyredmem.structures.listpack_bytes import listpack_bytes
from pyredmem.structures.lzf import compress

#: quicklist.c MIN_COMPRESS_BYTES, MIN_COMPRESS_IMPROVE
_LEAST_COMPRESSED: Final = 48
_LEAST_SAVING: Final = 8

_LEAST_ROOM: Final = 4
#: With fewer free places than this at the front, there are never too many.
_MOST_FREE: Final = 32
_UNKNOWN: Final = -1

# The state of a node, as bits.
PLAIN: Final = 1
COMPRESSED: Final = 2
#: The node was decompressed to be looked at, and will be compressed again.
IN_USE: Final = 4
#: The node must not be compressed now.
KEPT_RAW: Final = 8


class ListNode(Listpack):
    """The elements of a node, their block, and the neighbours of the node."""

    def __init__(self, allocator: Allocator, capacity: i64 = 0) -> None:
        super().__init__(allocator, capacity)
        self.items: list[bytes] = []
        self.start: i64 = 0
        self.state: i32 = 0
        self.lzf_size: i64 = _UNKNOWN  # bytes when compressed; 0: it cannot be compressed
        self.node_address: i32 = 0  # the quicklistNode; 0 for a list that is a listpack
        self.previous: ListNode | None = None
        self.next: ListNode | None = None
        self.keeper: NodeKeeper | None = None

    def keep(self) -> None:
        """Let a save that goes on see the node: its elements are about to change."""
        keeper = self.keeper
        if keeper is not None:
            self.keeper = None
            keeper.keep(self)

    def is_(self, state: i32) -> bool:
        """Whether the node is in one of these states."""
        return self.state & state != 0

    def become_plain(self, element: bytes) -> None:
        """Hold one element without a listpack; the block has been allocated for it."""
        self.items = [element]
        self.size = len(element)
        self.state = PLAIN

    def replace_plain(self, element: bytes) -> None:
        """Replace the element of a plain node."""
        self.keep()
        self.items = [element]
        self.size = len(element)
        self.lzf_size = _UNKNOWN
        self._new_block(self.size)

    # Elements; places are counted from the first one.

    def count(self) -> i64:
        """The number of elements."""
        return len(self.items) - self.start

    def at(self, place: i64) -> bytes:
        return self.items[self.start + place]

    def elements(self, start: i64, end: i64) -> list[bytes]:
        """The elements from place ``start`` up to, but not including, place ``end``."""
        return self.items[self.start + start : self.start + end]

    def push_tail(self, element: bytes) -> None:
        """Add an element after the last one."""
        if self.keeper is not None:
            self.keep()
        self.items.append(element)
        self.lzf_size = _UNKNOWN
        self.grow(entry_size(element))

    def push_head(self, element: bytes) -> None:
        """Add an element before the first one."""
        if self.keeper is not None:
            self.keep()
        if self.start > 0:
            self.start -= 1
            self.items[self.start] = element
        elif self.items:
            self._make_room()
            self.start -= 1
            self.items[self.start] = element
        else:
            self.items.append(element)
        self.lzf_size = _UNKNOWN
        self.grow(entry_size(element))

    def _make_room(self) -> None:
        """Make free places at the front, of which there are none."""
        room: i64 = (len(self.items) >> 1) + _LEAST_ROOM
        self.items[0:0] = [b""] * room
        self.start = room

    def pop_tail(self) -> bytes:
        """Remove the last element."""
        if self.keeper is not None:
            self.keep()
        element = self.items.pop()
        self.lzf_size = _UNKNOWN
        self.shrink(entry_size(element))
        return element

    def pop_head(self) -> bytes:
        """Remove the first element."""
        if self.keeper is not None:
            self.keep()
        items = self.items
        start = self.start
        element = items[start]
        items[start] = b""
        start += 1
        self.start = start
        if start >= _MOST_FREE and start > len(items) >> 1:
            self.give_room_back()
        self.lzf_size = _UNKNOWN
        self.shrink(entry_size(element))
        return element

    def give_room_back(self) -> None:
        """Remove the free places at the front."""
        if self.start > 0:
            del self.items[: self.start]
            self.start = 0

    def insert(self, place: i64, element: bytes) -> None:
        """Add an element before the one at a place."""
        self.keep()
        self.items.insert(self.start + place, element)
        self.lzf_size = _UNKNOWN
        self.grow(entry_size(element))

    def replace(self, place: i64, element: bytes) -> None:
        """Replace the element at a place."""
        self.keep()
        old = self.items[self.start + place]
        self.items[self.start + place] = element
        self.lzf_size = _UNKNOWN
        self.change(entry_size(element) - entry_size(old))

    def delete(self, place: i64, count: i64) -> None:
        """Remove ``count`` elements from a place on, all at once."""
        self.keep()
        removed = entry_sizes(self.elements(place, place + count))
        start = self.start + place
        del self.items[start : start + count]
        self.lzf_size = _UNKNOWN
        self.shrink(removed)

    def find(self, element: bytes, start: i64) -> i64:
        """The first place from ``start`` on with an equal element, -1 if there is none."""
        try:
            return self.items.index(element, self.start + start) - self.start
        except ValueError:
            return -1

    def find_back(self, element: bytes, end: i64) -> i64:
        """The last place before ``end`` with an equal element, -1 if there is none."""
        items = self.items
        at: i64 = self.start + end - 1
        while at >= self.start:
            if items[at] == element:
                return at - self.start
            at -= 1
        return -1

    def remove(self, element: bytes, most: i64, backwards: bool) -> i64:
        """Remove at most ``most`` elements equal to this one, one by one from one end; returns how many it removed."""
        self.keep()
        size = entry_size(element)
        removed: i64 = 0
        if backwards:
            at = self.find_back(element, self.count())
            while at >= 0 and removed < most:
                del self.items[self.start + at]
                self.shrink(size)
                removed += 1
                at = self.find_back(element, at)
        else:
            at = self.find(element, 0)
            if at >= 0:
                removed = self._remove_from(at, element, most)
        if removed > 0:
            self.lzf_size = _UNKNOWN
        return removed

    def _remove_from(self, first: i64, element: bytes, most: i64) -> i64:
        """Like ``remove`` from a place on; the other elements move up only once, however many are removed."""
        size = entry_size(element)
        items = self.items
        removed: i64 = 0
        target: i64 = self.start + first
        at: i64 = target
        while at < len(items):
            item = items[at]
            if removed < most and item == element:
                removed += 1
                self.shrink(size)
            else:
                items[target] = item
                target += 1
            at += 1
        del items[target:]
        return removed

    def split_off(self, place: i64, keep_front: bool) -> ListNode:
        """Split the node at a place; the part that is not kept becomes a new node.

        The new node starts as a copy of the whole block (Redis 7.2 _quicklistSplitNode).
        """
        other = ListNode(self.allocator, self.size)
        other.size = self.size
        other.items = self.items[self.start :]
        count = self.count()
        if keep_front:
            other.delete(0, place)
            self.delete(place, count - place)
        else:
            other.delete(place, count - place)
            self.delete(0, place)
        return other

    def absorb(self, other: ListNode, in_front: bool) -> None:
        """Take all elements of another listpack, which has none afterwards."""
        self.keep()
        other.keep()
        elements = other.elements(0, other.count())
        other.items = []
        other.start = 0
        if in_front:
            self.items[: self.start] = elements
            self.start = 0
        else:
            self.items += elements
        self.lzf_size = _UNKNOWN
        self.grow(entry_sizes(elements))

    # The block.

    def compress(self) -> None:
        """Compress the node, if that saves enough."""
        if self.is_(KEPT_RAW):
            return
        self.state &= ~IN_USE
        if self.size < _LEAST_COMPRESSED:
            return
        if self.lzf_size < 0:
            self.lzf_size = self._compressed_size()
        if self.lzf_size == 0 or self.lzf_size + _LEAST_SAVING >= self.size:
            return
        self._new_block(self.lzf_size + QUICKLIST_LZF_HEADER_SIZE)
        self.state |= COMPRESSED

    def decompress(self) -> None:
        """Give the node the block that it had before it was compressed."""
        self.state &= ~IN_USE
        if self.is_(COMPRESSED):
            self._new_block(self.size)
            self.state &= ~COMPRESSED

    def decompress_for_use(self) -> None:
        """Decompress a node that is going to be looked at or changed, and then compressed again."""
        if self.is_(COMPRESSED):
            self.decompress()
            self.state |= IN_USE

    def data(self) -> bytes:
        """The bytes of Redis's block before it is compressed."""
        return self.items[self.start] if self.is_(PLAIN) else listpack_bytes(self.items[self.start :])

    def compressed_data(self) -> bytes:
        """The bytes of Redis's block after it is compressed; none if it cannot be compressed."""
        return compress(self.data(), self.size)

    def _compressed_size(self) -> i64:
        return len(self.compressed_data())

    def _new_block(self, size: i64) -> None:
        allocator = self.allocator
        address = allocator.alloc(size)
        allocator.free(i64(self.address))
        self.address = i32(address)
        self._usable = allocator.usable(address)

    def copy(self) -> ListNode:
        """A node with the same elements in a block of the exact size, compressed if this one is."""
        compressed = self.is_(COMPRESSED)
        other = ListNode(self.allocator, self.lzf_size + QUICKLIST_LZF_HEADER_SIZE if compressed else self.size)
        other.items = self.items[self.start :]
        other.size = self.size
        other.state = self.state
        other.lzf_size = self.lzf_size
        return other

    # Dismantling, and defragmentation.

    def dismantle(self, limit: i64, freed: FreedBlocks) -> i64:
        """Remove at most ``limit`` elements, and add the node's blocks to ``freed`` when no element is left.

        Returns -1 if elements are left, otherwise the rest of the limit; the node itself counts as one element.
        """
        size: i64 = len(self.items)
        if size >= limit:
            del self.items[size - limit :]
            return -1
        self.items = []
        freed.add(i64(self.address))
        freed.add(i64(self.node_address))
        return limit - size - 1

    def defrag(self, mover: Mover) -> None:
        """Let the mover place the blocks of the listpack and of the node."""
        self.node_address = i32(mover.block(i64(self.node_address)))
        self.address = i32(mover.block(i64(self.address)))

    def defrag_items(self, mover: Mover, place: i64, limit: i64) -> i64:
        """Show ``limit`` elements from a place on to a mover that steers; returns the next place, 0 at the end."""
        if place == 0:
            self.items = relocated_list(self.items, mover)
        items = self.items
        at = self.start + place
        end: i64 = len(items)
        if at + limit < end:
            end = at + limit
        while at < end:
            items[at] = mover.text(items[at])
            at += 1
        return at - self.start if at < len(items) else 0

    def relocated(self, mover: Mover) -> ListNode:
        """This node or, if it must leave its place in the process's heap, a twin, which is not yet linked."""
        if not mover.must_leave(self):
            return self
        twin = ListNode(self.allocator, NO_BLOCK)
        while mover.must_plug(twin):
            twin = ListNode(self.allocator, NO_BLOCK)
        twin.items = self.items
        twin._take_state(self)
        return twin

    def image(self) -> ListNode:
        """A copy that refers to the same blocks, not yet linked."""
        image = ListNode(self.allocator, NO_BLOCK)
        image.items = self.items.copy()
        image._take_state(self)
        return image

    def _take_state(self, other: ListNode) -> None:
        self.take_block(other)
        self.start = other.start
        self.state = other.state
        self.lzf_size = other.lzf_size
        self.node_address = other.node_address

    def check(self) -> None:
        """Assert the invariants."""
        elements = self.elements(0, self.count())
        assert self.start <= len(self.items)
        assert all(not item for item in self.items[: self.start])
        assert self._usable == self.allocator.usable(i64(self.address))
        if self.is_(PLAIN):
            assert len(elements) == 1
            assert self.size == len(elements[0])
        else:
            assert self.size == len(listpack_bytes(elements))
        if self.is_(COMPRESSED):
            needed: i64 = self.allocator.good_size(self._compressed_size() + QUICKLIST_LZF_HEADER_SIZE)
            assert 0 <= self._usable - needed <= self.allocator.spare_bytes
        else:
            assert self._usable >= self.size
