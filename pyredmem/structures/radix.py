"""A radix tree with the nodes, and the ledger blocks, of Redis 7.2's rax.

Keys that begin with the same bytes share the nodes of these bytes:

    "foo" [key]      nodes: root "foo" -- [key] "t" -- branch "b" "e" -- "all" -- leaf
    "football"                                                       \\-- "r"   -- leaf
    "footer"

A node is the root, a key, a branch (where two different bytes can follow) or the child of a branch; all bytes between
two nodes are stored in the upper one. The ``edge`` of a node with one child is the bytes up to the child; the ``edge``
of a branch is the first bytes of its children, in order; a leaf has none. The size of a node's block follows from the
number of these bytes, the number of children, and whether there is a value (a key alone has the value True, which takes
no room). It changes when Redis reallocates the node, and that is not each time the content changes: a removed key
leaves its room in the node, and an emptied root keeps its block (Redis 7.2 rax.c).
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Final, Generic, TypeVar

from mypy_extensions import i32, i64

from pyredmem.base.rng import Random
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.layout import rax_node_size
from pyredmem.memory.mover import Mover
from pyredmem.memory.relocation import relocated_list

Value = TypeVar("Value")

#: The bytes per key and per node by which MEMORY USAGE estimates a tree (Redis 7.2 object.c
#: streamRadixTreeMemoryUsage).
_ESTIMATED_KEY: Final = 16
_ESTIMATED_NODE: Final = 4 + 30 * 8


class RadixNode(Generic[Value]):
    """A node; if it is that of a key, it holds the key and its value."""

    def __init__(self, address: i64) -> None:
        self.address: i32 = i32(address)
        self.edge = b""
        self.children: list[RadixNode[Value]] = []
        self.key = b""
        self.value: Value | None = None  # None: not a key

    def size(self) -> i64:
        """The request for a block that holds the present content of the node."""
        value = self.value
        return rax_node_size(len(self.edge), len(self.children), value is not None and value is not True)

    def image(self) -> RadixNode[Value]:
        """A copy with the same children."""
        image = RadixNode[Value](i64(self.address))
        image.edge = self.edge
        image.children = self.children
        image.key = self.key
        image.value = self.value
        return image

    def links(self) -> bool:
        """Whether the node does nothing but lead to one child."""
        return self.value is None and len(self.children) == 1

    def placed(self, mover: Mover, steers: bool) -> RadixNode[Value]:
        """Let the mover place the block and, if it steers, the node and its contents except key and value."""
        node = self
        self.address = i32(mover.block(i64(self.address)))
        if not steers:
            return self
        if mover.must_leave(self):
            node = RadixNode[Value](i64(self.address))
            while mover.must_plug(node):
                node = RadixNode[Value](i64(self.address))
            node.edge = self.edge
            node.children = self.children
            node.key = self.key
            node.value = self.value
        node.children = relocated_list(node.children, mover)
        node.edge = mover.text(node.edge)
        return node


class RadixTree(Generic[Value]):
    """A map from byte strings, kept in order, to values."""

    def __init__(self, allocator: Allocator, original: RadixTree[Value] | None = None) -> None:
        """``original`` is the tree that this one replaces, if it replaces one."""
        self.allocator = allocator
        if original is not None:
            self.address: i32 = original.address
            self.root: RadixNode[Value] = original.root
            self.nodes: i64 = original.nodes
            self.used: i64 = original.used
            return
        self.address = i32(allocator.alloc(allocator.sizes.radix_tree))
        self.root = RadixNode[Value](allocator.alloc(rax_node_size(0, 0, False)))
        self.nodes = 1
        self.used = 0  # keys

    # Looking up.

    def get(self, key: bytes) -> Value | None:
        """The value of a key, None if it is not there."""
        node = self.root
        at: i64 = 0
        length: i64 = len(key)
        while at < length:
            edge = node.edge
            count = len(node.children)
            if count == 1:
                if not key.startswith(edge, at):
                    return None
                at += len(edge)
                node = node.children[0]
            elif count == 0:
                return None
            else:
                found = edge.find(key[at])
                if found < 0:
                    return None
                at += 1
                node = node.children[found]
        return node.value

    def counted_bytes(self) -> i64:
        """The bytes that MEMORY USAGE counts for the tree. If it estimates them, they are far more than it has."""
        if self.allocator.sizes.counts_trees:
            total: i64 = 0
            for address in self.addresses():
                total += self.allocator.usable(address)
            return total
        return self.used * _ESTIMATED_KEY + self.nodes * _ESTIMATED_NODE

    def values(self) -> list[Value]:
        """All values in the order of their keys."""
        found: list[Value] = []
        cursor = RadixCursor(self)
        value = cursor.first()
        while value is not None:
            found.append(value)
            value = cursor.next()
        return found

    def all_keys(self) -> list[bytes]:
        """All keys in order."""
        found: list[bytes] = []
        cursor = RadixCursor(self)
        value = cursor.first()
        while value is not None:
            found.append(cursor.key())
            value = cursor.next()
        return found

    def key_nodes(self) -> list[RadixNode[Value]]:
        """The nodes of all keys, in no particular order."""
        return [node for node in self._all_nodes() if node.value is not None]

    def random_key(self, rng: Random) -> bytes:
        """A key at the end of a random walk down from the root; the tree must not be empty."""
        node = self.root
        while True:
            children = len(node.children)
            choice = int(rng.below(children if node.value is None else children + 1))
            if choice == children:
                return node.key
            node = node.children[choice]

    def first(self) -> Value | None:
        """The value of the lowest key."""
        return RadixCursor(self).first()

    def last(self) -> Value | None:
        """The value of the highest key."""
        return RadixCursor(self).last()

    # Changing.

    def _take_node(self, edge: bytes, children: i64, has_value: bool) -> RadixNode[Value]:
        node = RadixNode[Value](self.allocator.alloc(rax_node_size(len(edge), children, has_value)))
        node.edge = edge
        self.nodes += 1
        return node

    def _resize(self, node: RadixNode[Value]) -> None:
        node.address = i32(self.allocator.realloc(i64(node.address), node.size()))

    def insert(self, key: bytes, value: Value) -> None:
        """Add a key, or replace its value."""
        node = self.root
        at: i64 = 0
        length: i64 = len(key)
        while at < length:
            children = node.children
            count = len(children)
            if count == 1:
                edge = node.edge
                if not key.startswith(edge, at):
                    node = self._diverge(node, key, at)
                    break
                at += len(edge)
                node = children[0]
            elif count == 0:
                node = self._append(node, key[at:])
                break
            else:
                found = node.edge.find(key[at])
                if found < 0:
                    node = self._append(self._branch(node, key[at]), key[at + 1 :])
                    break
                at += 1
                node = children[found]
        if node.value is None:
            node.value = value
            node.key = key
            self._resize(node)
            self.used += 1
        else:
            node.value = value

    def _append(self, node: RadixNode[Value], rest: bytes) -> RadixNode[Value]:
        """Add the rest of a key below a leaf; returns the node of the key."""
        if len(rest) == 0:
            return node
        leaf = self._take_node(b"", 0, False)
        node.edge = rest
        node.children = [leaf]
        self._resize(node)
        return leaf

    def _branch(self, node: RadixNode[Value], byte: i64) -> RadixNode[Value]:
        """Add a child that begins with ``byte`` to a branch; returns the child."""
        edge = node.edge
        place = bisect_left(edge, byte)
        leaf = self._take_node(b"", 0, False)
        node.edge = edge[:place] + bytes((byte,)) + edge[place:]
        node.children.insert(place, leaf)
        self._resize(node)
        return leaf

    def _diverge(self, node: RadixNode[Value], key: bytes, at: i64) -> RadixNode[Value]:
        """Make a node for a key that leaves the single edge of a node midway, or ends in it; returns the new node."""
        edge = node.edge
        size: i64 = len(edge)
        same: i64 = 0
        left: i64 = len(key) - at
        while same < size and same < left and edge[same] == key[at + same]:
            same += 1
        if same == left:
            return self._split(node, same)
        if size > 1:
            node = self._cut(node, same)
        return self._append(self._branch(node, key[at + same]), key[at + same + 1 :])

    def _split(self, node: RadixNode[Value], at: i64) -> RadixNode[Value]:
        """Insert a node for a key into an edge, before byte ``at``; returns the new node."""
        lower = self._take_node(node.edge[at:], 1, True)
        lower.children = node.children
        node.edge = node.edge[:at]
        node.children = [lower]
        self._renew(node)
        return lower

    def _cut(self, node: RadixNode[Value], at: i64) -> RadixNode[Value]:
        """Give byte ``at`` of an edge a node of its own, which is to become a branch; returns that node."""
        edge = node.edge
        children = node.children
        rest = edge[at + 1 :]
        if at == 0:
            node.edge = edge[:1]
            branch = node
        else:
            branch = self._take_node(edge[at : at + 1], 1, False)
            node.edge = edge[:at]
            node.children = [branch]
        if len(rest) > 0:
            lower = self._take_node(rest, 1, False)
            lower.children = children
            branch.children = [lower]
        else:
            branch.children = children
        self._renew(node)
        return branch

    def _renew(self, node: RadixNode[Value]) -> None:
        """Replace the block of a node by one of the right size."""
        address = self.allocator.alloc(node.size())
        self.allocator.free(i64(node.address))
        node.address = i32(address)

    def remove(self, key: bytes) -> Value | None:
        """Remove a key; returns its value, None if it was not there."""
        node = self.root
        path: list[RadixNode[Value]] = []
        at: i64 = 0
        length: i64 = len(key)
        while at < length:
            edge = node.edge
            count = len(node.children)
            found = 0
            if count == 1:
                if not key.startswith(edge, at):
                    return None
                at += len(edge)
            elif count == 0:
                return None
            else:
                found = edge.find(key[at])
                if found < 0:
                    return None
                at += 1
            path.append(node)
            node = node.children[found]
        value = node.value
        if value is None:
            return None
        node.value = None
        node.key = b""
        self.used -= 1
        self._tidy(node, path)
        return value

    def _tidy(self, node: RadixNode[Value], path: list[RadixNode[Value]]) -> None:
        """Free the nodes that led only to a removed key, and join those that can be one node now.

        ``path`` are the nodes above ``node``.
        """
        if len(node.children) == 0:
            if not path:
                return
            parent, below = self._prune(node, path)
            self._disown(parent, below)
            if parent.links():
                self._join(parent, path)
        elif len(node.edge) == 1:  # Redis does not look at the end of a longer edge here
            self._join(node, path)

    def _prune(self, leaf: RadixNode[Value], path: list[RadixNode[Value]]) -> tuple[RadixNode[Value], RadixNode[Value]]:
        """Free a leaf and the nodes that led only to it; returns the lowest node that stays, and its freed child."""
        below = leaf
        while True:
            self.allocator.free(i64(below.address))
            self.nodes -= 1
            parent = path.pop()
            if not path or not parent.links():
                return parent, below
            below = parent

    def _disown(self, parent: RadixNode[Value], child: RadixNode[Value]) -> None:
        edge = parent.edge
        if len(parent.children) == 1:
            parent.children = []
            parent.edge = b""
            if len(edge) == 1:
                self._resize(parent)
            return  # the block of a longer edge stays as it is
        place = 0
        while parent.children[place] is not child:
            place += 1
        del parent.children[place]
        parent.edge = edge[:place] + edge[place + 1 :]
        self._resize(parent)

    def _join(self, node: RadixNode[Value], path: list[RadixNode[Value]]) -> None:
        """Make one node of all the nodes around ``node`` that only lead to a child; ``path`` are the nodes above."""
        start = node
        while path and path[-1].links():
            start = path.pop()
        edges = [start.edge]
        end = start.children[0]
        while end.links():
            edges.append(end.edge)
            end = end.children[0]
        if len(edges) == 1:
            return
        address = self.allocator.alloc(rax_node_size(sum([len(edge) for edge in edges]), 1, False))
        merged = start
        while merged is not end:
            self.allocator.free(i64(merged.address))
            merged = merged.children[0]
        start.address = i32(address)
        start.edge = b"".join(edges)
        start.children = [end]
        self.nodes -= len(edges) - 1

    def free(self) -> None:
        """Free all blocks and drop the values; the tree must not be used any more."""
        for address in self.addresses():
            self.allocator.free(address)
        self.root = RadixNode[Value](0)  # values may refer to the owner of the tree: this breaks the cycle

    # Dismantling from the last node on, and defragmentation. (The nodes between the keys: see `radix_pass`.)

    def last_node(self) -> RadixNode[Value]:
        """The node that ``drop_last`` drops next: a key, or a node that led to keys dropped before."""
        node = self.root
        while node.children:
            node = node.children[-1]
        return node

    def drop_last(self, freed: FreedBlocks) -> bool:
        """Drop the last node, and the nodes above that then lead to nothing; True when nothing is left of the tree."""
        path: list[RadixNode[Value]] = []
        node = self.root
        while node.children:
            path.append(node)
            node = node.children[-1]
        while path:
            freed.add(i64(node.address))
            node = path.pop()
            node.children.pop()
            if node.children or node.value is not None:
                return False
        self.root = RadixNode[Value](0)
        freed.add(i64(node.address))
        freed.add(i64(self.address))
        return True

    def relocated(self, mover: Mover) -> RadixTree[Value]:
        """This tree or, if the Python object must leave its place, a twin that takes over everything."""
        if not mover.must_leave(self):
            return self
        twin = RadixTree[Value](self.allocator, self)
        while mover.must_plug(twin):
            twin = RadixTree[Value](self.allocator, self)
        return twin

    def defrag_head(self, mover: Mover) -> None:
        """Let the mover place the block of the tree, and the root of an empty one."""
        self.address = i32(mover.block(i64(self.address)))
        if self.used == 0:
            self.root = self.root.placed(mover, mover.steers())

    def image(self) -> RadixTree[Value]:
        """A copy that has the same values and refers to the same blocks."""
        image = RadixTree[Value](self.allocator, self)
        image.root = self.root.image()
        nodes = [image.root]
        for node in nodes:
            node.children = [child.image() for child in node.children]
            nodes += node.children
        return image

    # Audit.

    def _all_nodes(self) -> list[RadixNode[Value]]:
        found = [self.root]
        for node in found:
            found += node.children
        return found

    def addresses(self) -> list[int]:
        """The addresses of all blocks that the tree owns."""
        return [int(self.address), *[int(node.address) for node in self._all_nodes()]]

    def check(self) -> None:
        """Assert the invariants."""
        nodes = self._all_nodes()
        assert len(nodes) == self.nodes
        assert len([node for node in nodes if node.value is not None]) == self.used
        for node in nodes:
            count = len(node.children)
            assert count == 1 or len(node.edge) == count, "a branch has one byte per child"
            assert list(node.edge) == sorted(node.edge) or count == 1
            assert count > 0 or node.value is not None or node is self.root
            assert self.allocator.usable(i64(node.address)) >= node.size()


class RadixCursor(Generic[Value]):
    """Goes through the keys of a tree in either direction. Not to be used any more once a key is added or removed."""

    def __init__(self, tree: RadixTree[Value]) -> None:
        self._root = tree.root
        self._node = tree.root
        self._path: list[RadixNode[Value]] = []
        self._places: list[int] = []  # for each node of the path, which of its children the cursor went to

    def key(self) -> bytes:
        """The key at which the cursor is."""
        return self._node.key

    def node(self) -> RadixNode[Value]:
        """The node of the key at which the cursor is."""
        return self._node

    def _enter(self, place: int) -> None:
        self._path.append(self._node)
        self._places.append(place)
        self._node = self._node.children[place]

    def _restart(self) -> None:
        self._node = self._root
        self._path = []
        self._places = []

    def first(self) -> Value | None:
        """Go to the lowest key."""
        self._restart()
        return self._down_first()

    def last(self) -> Value | None:
        """Go to the highest key."""
        self._restart()
        return self._down_last()

    def _down_first(self) -> Value | None:
        """Go to the lowest key from this node downward."""
        while self._node.value is None and self._node.children:
            self._enter(0)
        return self._node.value

    def _down_last(self) -> Value | None:
        """Go to the highest key from this node downward."""
        while self._node.children:
            self._enter(len(self._node.children) - 1)
        return self._node.value

    def next(self) -> Value | None:
        """Go to the next higher key."""
        if self._node.children:
            self._enter(0)
            return self._down_first()
        return self._past()

    def _past(self) -> Value | None:
        """Go to the first key after all those below this node."""
        while self._path:
            self._node = self._path.pop()
            place = self._places.pop() + 1
            if place < len(self._node.children):
                self._enter(place)
                return self._down_first()
        return None

    def previous(self) -> Value | None:
        """Go to the next lower key."""
        while self._path:
            self._node = self._path.pop()
            place = self._places.pop()
            if place > 0:
                self._enter(place - 1)
                return self._down_last()
            if self._node.value is not None:
                return self._node.value
        return None

    def seek(self, key: bytes) -> Value | None:
        """Go to the lowest key that is ``key`` or higher."""
        self._restart()
        at: i64 = 0
        length: i64 = len(key)
        while at < length:
            node = self._node
            edge = node.edge
            count = len(node.children)
            if count == 0:
                return self._past()
            if count == 1:
                part = key[at : at + len(edge)]
                if part < edge:
                    self._enter(0)
                    return self._down_first()
                if part > edge:
                    return self._past()
                self._enter(0)
                at += len(edge)
                continue
            place = bisect_left(edge, key[at])
            if place == count:
                return self._past()
            self._enter(place)
            if edge[place] != key[at]:
                return self._down_first()
            at += 1
        return self._down_first()

    def seek_back(self, key: bytes) -> Value | None:
        """Go to the highest key that is ``key`` or lower."""
        self._restart()
        at: i64 = 0
        length: i64 = len(key)
        while at < length:
            node = self._node
            edge = node.edge
            count = len(node.children)
            if count == 0:
                break
            if count == 1:
                part = key[at : at + len(edge)]
                if part < edge:
                    break
                self._enter(0)
                if part > edge:
                    return self._down_last()
                at += len(edge)
                continue
            place = bisect_left(edge, key[at])
            if place == count or edge[place] != key[at]:
                if place == 0:
                    break
                self._enter(place - 1)
                return self._down_last()
            self._enter(place)
            at += 1
        # All keys below this node are higher than the key; the node's own key is the key itself or a prefix of it.
        value = self._node.value
        return self.previous() if value is None else value
