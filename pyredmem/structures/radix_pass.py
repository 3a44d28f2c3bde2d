"""A cursor over a radix tree that shows a mover each node on its way once.

A node is shown when the cursor is at the node's own key or, if it has none, at the lowest key below it: this is where a
walk from the lowest to the highest key meets the node first. Which key that is follows from the path to the node alone.
So a walk can stop at any key and go on there later, even if keys were added and removed in the meantime.
"""

from __future__ import annotations

from typing import TypeVar

from mypy_extensions import i64

from pyredmem.memory.mover import Mover
from pyredmem.structures.radix import RadixCursor, RadixTree

Value = TypeVar("Value")


class RadixPass(RadixCursor[Value]):
    """A cursor with a mover."""

    def __init__(self, tree: RadixTree[Value], mover: Mover) -> None:
        super().__init__(tree)
        self._tree = tree
        self._mover: Mover = mover
        self._steers = mover.steers()

    def visit(self, shows_key: bool) -> None:
        """Show the node at which the cursor is, and the nodes above whose lowest key it is.

        ``shows_key`` says whether to show the key as well; it must not if another tree has the same key object.
        """
        node = self._node.placed(self._mover, self._steers)
        if shows_key and self._steers:
            node.key = self._mover.text(node.key)
        self._node = node
        depth: i64 = len(self._path)
        while depth > 0:
            above = self._path[depth - 1]
            place = self._places[depth - 1]
            above.children[place] = node
            if place > 0 or above.value is not None:
                return
            node = above.placed(self._mover, self._steers)
            depth -= 1
            self._path[depth] = node
        self._tree.root = node
        self._root = node

    def set_value(self, value: Value) -> None:
        """Replace the value of the key at which the cursor is."""
        self._node.value = value


def replace_entry(tree: RadixTree[Value], key: bytes, value: Value) -> None:
    """Replace the key object and the value of a key; nothing happens if the key is not there."""
    cursor = RadixCursor(tree)
    if cursor.seek(key) is not None and cursor.key() == key:
        node = cursor.node()
        node.key = key
        node.value = value
