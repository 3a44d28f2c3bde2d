"""A radix tree with the nodes, and the ledger blocks, of Redis 7.2's rax.

Keys that begin alike share the nodes of what they have in common:

    "foo" [key]      nodes: root "foo" -- [key] "t" -- branch "b" "e" -- "all" -- leaf
    "football"                                                       \\-- "r"   -- leaf
    "footer"

A node is the root, a key, a branch (two different bytes can follow) or the child of a branch; all bytes between two
nodes lie in the upper one. A node with one child has ``edge``, the bytes up to it; a branch has in ``edge`` the first
bytes of its children, in order; a leaf has none. The size of a node's block follows from the number of those bytes, of
the children, and whether a value is stored; it changes when Redis reallocates the node, which is not each time the
content does: a key taken away leaves its room in the node, and an emptied root keeps its block (Redis 7.2 rax.c).
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Final, Generic, TypeVar

from mypy_extensions import i32, i64

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.layout import RAX_SIZE, rax_node_size
from pyredmem.memory.mover import Mover
from pyredmem.memory.relocation import relocated_list

Value = TypeVar("Value")

#: What MEMORY USAGE takes a tree for: bytes per key and per node (Redis 7.2 object.c streamRadixTreeMemoryUsage).
_ESTIMATED_KEY: Final = 16
_ESTIMATED_NODE: Final = 4 + 30 * 8


class RadixNode(Generic[Value]):
    """A node; of a key it holds key and value."""

    def __init__(self, address: i64) -> None:
        self.address: i32 = i32(address)
        self.edge = b""
        self.children: list[RadixNode[Value]] = []
        self.key = b""
        self.value: Value | None = None  # None: not a key

    def size(self) -> i64:
        """The request of the block for what is in the node now."""
        return rax_node_size(len(self.edge), len(self.children), self.value is not None)

    def links(self) -> bool:
        """Whether it does nothing but lead to one child."""
        return self.value is None and len(self.children) == 1

    def placed(self, mover: Mover, steers: bool) -> RadixNode[Value]:
        """Let the mover place the block and, if it steers, the node and what it has but key and value."""
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
    """Byte strings in order, each with a value."""

    def __init__(self, allocator: Allocator, original: RadixTree[Value] | None = None) -> None:
        """``original``: the tree that this one takes the place of."""
        self.allocator = allocator
        if original is not None:
            self.address: i32 = original.address
            self.root: RadixNode[Value] = original.root
            self.nodes: i64 = original.nodes
            self.used: i64 = original.used
            return
        self.address = i32(allocator.alloc(RAX_SIZE))
        self.root = RadixNode[Value](allocator.alloc(rax_node_size(0, 0, False)))
        self.nodes = 1
        self.used = 0  # keys

    # Looking up.

    def get(self, key: bytes) -> Value | None:
        """The value of a key."""
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

    def estimated_bytes(self) -> i64:
        """What MEMORY USAGE takes the tree for, which is much more than it has."""
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
        """Add a key, or give it another value."""
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
        """Let a leaf lead on to the end of a key; returns the node there."""
        if len(rest) == 0:
            return node
        leaf = self._take_node(b"", 0, False)
        node.edge = rest
        node.children = [leaf]
        self._resize(node)
        return leaf

    def _branch(self, node: RadixNode[Value], byte: i64) -> RadixNode[Value]:
        """A new child of a node whose edge is first bytes; returns it."""
        edge = node.edge
        place = bisect_left(edge, byte)
        leaf = self._take_node(b"", 0, False)
        node.edge = edge[:place] + bytes((byte,)) + edge[place:]
        node.children.insert(place, leaf)
        self._resize(node)
        return leaf

    def _diverge(self, node: RadixNode[Value], key: bytes, at: i64) -> RadixNode[Value]:
        """Make way for a key that parts from the one edge of a node, or ends in it; returns the node of the key."""
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
        """Put a node for a key into an edge, before byte ``at``; returns it."""
        lower = self._take_node(node.edge[at:], 1, True)
        lower.children = node.children
        node.edge = node.edge[:at]
        node.children = [lower]
        self._renew(node)
        return lower

    def _cut(self, node: RadixNode[Value], at: i64) -> RadixNode[Value]:
        """Give byte ``at`` of an edge a node of its own, to become a branch; returns it."""
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
        """A block of the right size in place of the old one."""
        address = self.allocator.alloc(node.size())
        self.allocator.free(i64(node.address))
        node.address = i32(address)

    def remove(self, key: bytes) -> Value | None:
        """Take a key away; returns its value, None if it was not there."""
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
        """Free what led to a key only, and join what now can be one node; ``path``: the nodes above."""
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
        """Free a leaf and the nodes that led to it only; returns the node that stays, and its child that went."""
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
        """Make one node of the chain around a node that only leads on; ``path``: the nodes above."""
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
        """Give all blocks back; the tree is of no more use, its values are let go."""
        for address in self.addresses():
            self.allocator.free(address)
        self.root = RadixNode[Value](0)  # values may refer to who owns the tree: no cycle shall stay

    # Taking apart, from the last node on, and defragmentation. The nodes between the keys: see `radix_pass`.

    def last_node(self) -> RadixNode[Value]:
        """The one that ``drop_last`` would drop: a key, or what led to keys that are dropped."""
        node = self.root
        while node.children:
            node = node.children[-1]
        return node

    def drop_last(self, freed: FreedBlocks) -> bool:
        """Drop the last node, and those above that lead to nothing else then; True when no tree is left."""
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
        """This tree or, if the Python object has to leave its place, its twin, which takes over everything."""
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

    # Audit.

    def _all_nodes(self) -> list[RadixNode[Value]]:
        found = [self.root]
        for node in found:
            found += node.children
        return found

    def addresses(self) -> list[int]:
        """Every ledger address the tree owns."""
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
    """Goes through the keys of a tree in either direction; of no more use once a key came or went."""

    def __init__(self, tree: RadixTree[Value]) -> None:
        self._root = tree.root
        self._node = tree.root
        self._path: list[RadixNode[Value]] = []
        self._places: list[int] = []  # which child of each of the path it went to

    def key(self) -> bytes:
        """The key it is at."""
        return self._node.key

    def node(self) -> RadixNode[Value]:
        """The node of the key it is at."""
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
        """Go to the lowest key behind all that are below this node."""
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
        """Go to the lowest key that is not below ``key``."""
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
        """Go to the highest key that is not above ``key``."""
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
        # What is below this node is above the key; the node's own key is the key or a beginning of it.
        value = self._node.value
        return self.previous() if value is None else value
