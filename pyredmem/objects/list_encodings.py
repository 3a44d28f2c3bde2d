"""The encodings of lists: one listpack, or a quicklist of them, as in Redis 7.2 t_list.c.

A listpack becomes the first node of a quicklist unchanged, with its elements and its block; so does the only node of a
quicklist become a listpack.
"""

from __future__ import annotations

from mypy_extensions import i64, mypyc_attr

from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.mover import Mover
from pyredmem.objects.collection import Encoded
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.node_pieces import ELEMENTS_PER_NODE, NodePieces
from pyredmem.objects.pieces import Pieces
from pyredmem.objects.rdb_types import LIST_QUICKLIST_2, PACKED_NODE, PLAIN_NODE
from pyredmem.objects.rdb_writer import RdbWriter
from pyredmem.structures.list_node import COMPRESSED, PLAIN, ListNode
from pyredmem.structures.quicklist import Quicklist, byte_limit, exceeds


@mypyc_attr(acyclic=True)
class ListEncoding(Encoded):
    """The elements of a list. An index counts from the head, and there must be an element at it."""

    def length(self) -> i64:
        raise NotImplementedError

    def push(self, element: bytes, at_tail: bool, limits: EncodingLimits) -> None:
        raise NotImplementedError

    def pop(self, at_tail: bool) -> bytes:
        raise NotImplementedError

    def at(self, index: i64) -> bytes:
        raise NotImplementedError

    def elements(self, start: i64, count: i64) -> list[bytes]:
        raise NotImplementedError

    def replace(self, index: i64, element: bytes, limits: EncodingLimits) -> None:
        raise NotImplementedError

    def insert(self, pivot: bytes, element: bytes, after: bool, limits: EncodingLimits) -> bool:
        """Add an element beside the first one equal to ``pivot``; False if there is none."""
        raise NotImplementedError

    def delete(self, start: i64, count: i64) -> None:
        """Remove ``count`` elements at once, from index ``start`` on."""
        raise NotImplementedError

    def remove(self, element: bytes, most: i64, backwards: bool) -> i64:
        """Remove at most ``most`` elements equal to ``element``, one by one; returns how many were removed."""
        raise NotImplementedError

    def duplicate(self) -> ListEncoding:
        """The same elements in the same encoding."""
        raise NotImplementedError

    def twin(self) -> ListEncoding:
        raise NotImplementedError

    def grown(self, added_bytes: i64, added: i64, limits: EncodingLimits) -> ListEncoding:
        """The encoding to add elements to: this one, or another one that has taken everything over."""
        return self

    def shrunk(self, limits: EncodingLimits, halved: bool) -> ListEncoding:
        """The encoding for the elements that are left: this one, or another one that has taken everything over."""
        return self

    def first_node(self) -> ListNode | None:
        """The node with the first element."""
        raise NotImplementedError

    def last_node(self) -> ListNode | None:
        """The node with the last element."""
        raise NotImplementedError

    def leave(self, node: ListNode) -> None:
        """Called when a walk over the elements has read a node and goes to the next one."""

    def check(self) -> None:
        raise NotImplementedError


@mypyc_attr(acyclic=True)
class ListpackList(ListEncoding):
    """A small list: one listpack."""

    def __init__(self, node: ListNode) -> None:
        self.node = node

    def encoding(self) -> bytes:
        return b"listpack"

    def memory(self, samples: i64) -> i64:
        return self.node.usable()

    def free(self) -> None:
        self.node.free()

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        """The elements first, then the block."""
        return self.node.dismantle(limit, freed) >= 0

    def defrag_head(self, mover: Mover) -> None:
        if mover.steers():
            self.node = self.node.relocated(mover)
        self.node.defrag(mover)

    def defrag_elements(self, mover: Mover, cursor: i64, limit: i64) -> i64:
        """Show the elements to a mover that steers. The cursor is the index to continue at."""
        return self.node.defrag_items(mover, cursor, limit) if mover.steers() else 0

    def twin(self) -> ListEncoding:
        return ListpackList(self.node)

    def detach(self) -> None:
        self.node = self.node.image()

    def addresses(self) -> list[int]:
        return [int(self.node.address)]

    def length(self) -> i64:
        return self.node.count()

    def push(self, element: bytes, at_tail: bool, limits: EncodingLimits) -> None:
        if at_tail:
            self.node.push_tail(element)
        else:
            self.node.push_head(element)

    def pop(self, at_tail: bool) -> bytes:
        return self.node.pop_tail() if at_tail else self.node.pop_head()

    def at(self, index: i64) -> bytes:
        return self.node.at(index)

    def elements(self, start: i64, count: i64) -> list[bytes]:
        return self.node.elements(start, start + count)

    def replace(self, index: i64, element: bytes, limits: EncodingLimits) -> None:
        self.node.replace(index, element)

    def insert(self, pivot: bytes, element: bytes, after: bool, limits: EncodingLimits) -> bool:
        place = self.node.find(pivot, 0)
        if place < 0:
            return False
        self.node.insert(place + 1 if after else place, element)
        return True

    def delete(self, start: i64, count: i64) -> None:
        if count > 0:
            self.node.delete(start, count)

    def remove(self, element: bytes, most: i64, backwards: bool) -> i64:
        return self.node.remove(element, most, backwards)

    def duplicate(self) -> ListEncoding:
        """The same elements in a block of exact size."""
        return ListpackList(self.node.copy())

    def grown(self, added_bytes: i64, added: i64, limits: EncodingLimits) -> ListEncoding:
        """A quicklist if the list with ``added_bytes`` more would be too large; the listpack becomes its first node."""
        node = self.node
        if not exceeds(limits.list_size, node.size + added_bytes, node.count() + added):
            return self
        quicklist = Quicklist(node.allocator, limits.list_size, limits.list_compress_depth)
        if node.count() > 0:
            quicklist.append_node(node)
        else:
            node.free()
        return QuicklistList(quicklist)

    def save(self, writer: RdbWriter) -> None:
        """Write it as a list of one node."""
        writer.kind(LIST_QUICKLIST_2)
        writer.length(1)
        _save_node(writer, self.node)

    def first_node(self) -> ListNode | None:
        return self.node

    def last_node(self) -> ListNode | None:
        return self.node

    def check(self) -> None:
        self.node.check()


@mypyc_attr(acyclic=True)
class QuicklistList(ListEncoding):
    """A list of any size: a quicklist."""

    def __init__(self, quicklist: Quicklist) -> None:
        self.quicklist = quicklist

    def encoding(self) -> bytes:
        return b"quicklist"

    def memory(self, samples: i64) -> i64:
        return self.quicklist.memory(samples)

    def free_effort(self) -> i64:
        return self.quicklist.nodes

    def free(self) -> None:
        self.quicklist.free()

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        return self.quicklist.dismantle(limit, freed)

    def scan_effort(self) -> i64:
        return self.quicklist.nodes

    def defrag_head(self, mover: Mover) -> None:
        if mover.steers():
            self.quicklist = self.quicklist.relocated(mover)
        self.quicklist.defrag(mover)

    def defrag_elements(self, mover: Mover, cursor: i64, limit: i64) -> i64:
        return self.quicklist.defrag_nodes(mover, cursor, limit)

    def twin(self) -> ListEncoding:
        return QuicklistList(self.quicklist)

    def detach(self) -> None:
        self.quicklist = self.quicklist.image()

    def is_changed_by_reading(self) -> bool:
        """Nodes are decompressed to be read, and compressed afterwards, not always the same ones."""
        return self.quicklist.depth > 0

    def addresses(self) -> list[int]:
        return self.quicklist.addresses()

    def length(self) -> i64:
        return self.quicklist.count

    def push(self, element: bytes, at_tail: bool, limits: EncodingLimits) -> None:
        if at_tail:
            self.quicklist.push_tail(element, limits.packed_threshold)
        else:
            self.quicklist.push_head(element, limits.packed_threshold)

    def pop(self, at_tail: bool) -> bytes:
        return self.quicklist.pop_tail() if at_tail else self.quicklist.pop_head()

    def at(self, index: i64) -> bytes:
        return self.quicklist.at(index)

    def elements(self, start: i64, count: i64) -> list[bytes]:
        return self.quicklist.elements(start, count)

    def replace(self, index: i64, element: bytes, limits: EncodingLimits) -> None:
        self.quicklist.replace(index, element, limits.packed_threshold)

    def insert(self, pivot: bytes, element: bytes, after: bool, limits: EncodingLimits) -> bool:
        quicklist = self.quicklist
        node = quicklist.head
        while node is not None:
            place = node.find(pivot, 0)
            if place >= 0:
                quicklist.insert(node, place, element, after, limits.packed_threshold)
                return True
            following = node.next
            quicklist.leave(node)
            node = following
        return False

    def delete(self, start: i64, count: i64) -> None:
        self.quicklist.delete(start, count)

    def remove(self, element: bytes, most: i64, backwards: bool) -> i64:
        return self.quicklist.remove(element, most, backwards)

    def duplicate(self) -> ListEncoding:
        return QuicklistList(self.quicklist.duplicate())

    def shrunk(self, limits: EncodingLimits, halved: bool) -> ListEncoding:
        """The only node as a listpack, if it is not larger than the limit, or than half the limit if ``halved``."""
        quicklist = self.quicklist
        node = quicklist.head
        if quicklist.nodes != 1 or node is None or not fits_listpack(node, limits, halved):
            return self
        return ListpackList(quicklist.release_only_node())

    def save(self, writer: RdbWriter) -> None:
        _save_head(writer, self.quicklist)
        node = self.quicklist.head
        while node is not None:
            _save_node(writer, node)
            node = node.next

    def pieces(self, compresses: bool, least: i64) -> Pieces | None:
        return _ListPieces(self.quicklist, compresses) if self.quicklist.nodes * ELEMENTS_PER_NODE >= least else None

    def first_node(self) -> ListNode | None:
        return self.quicklist.head

    def last_node(self) -> ListNode | None:
        return self.quicklist.tail

    def leave(self, node: ListNode) -> None:
        self.quicklist.leave(node)

    def check(self) -> None:
        self.quicklist.check()


def fits_listpack(node: ListNode, limits: EncodingLimits, halved: bool) -> bool:
    """Whether a list of this node alone is a listpack: within the limit, or within half the limit if ``halved``."""
    part = 2 if halved else 1
    fill = limits.list_size
    if node.is_(PLAIN):
        return False
    return node.size <= byte_limit(fill) // part if fill < 0 else node.count() <= max(fill, 1) // part


class _ListPieces(NodePieces):
    """The nodes of a long list."""

    def __init__(self, quicklist: Quicklist, compresses: bool) -> None:
        head = RdbWriter(compresses)
        _save_head(head, quicklist)
        nodes = quicklist.chain()
        super().__init__(head.content(), list(nodes), b"", compresses)
        for node in nodes:
            node.keeper = self

    def save_node(self, writer: RdbWriter, node: object) -> None:
        assert isinstance(node, ListNode)
        _save_node(writer, node)

    def forget(self, node: object) -> None:
        assert isinstance(node, ListNode)
        node.keeper = None


def _save_head(writer: RdbWriter, quicklist: Quicklist) -> None:
    writer.kind(LIST_QUICKLIST_2)
    writer.length(quicklist.nodes)


def _save_node(writer: RdbWriter, node: ListNode) -> None:
    """Write a node. A compressed one is written as it is."""
    writer.length(PLAIN_NODE if node.is_(PLAIN) else PACKED_NODE)
    if node.is_(COMPRESSED):
        writer.compressed(node.compressed_data(), node.size)
    else:
        writer.string(node.data())
