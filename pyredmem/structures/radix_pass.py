"""A cursor over a radix tree that shows a mover the nodes on its way, each of them once.

A node is shown at the lowest key that is below it, or at its own: there a walk from the lowest key to the highest one
meets it first. At which key that is follows from the path to it alone, so a walk can stop at any key and go on there
later, even though keys came and went in the meantime.
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
        """Show the node that it is at, and those above that it leads to first.

        ``shows_key``: its key as well, which is no other tree's.
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
        """Give the key that it is at another value."""
        self._node.value = value


def replace_entry(tree: RadixTree[Value], key: bytes, value: Value) -> None:
    """Have this very object for a key that is there, and this value."""
    cursor = RadixCursor(tree)
    if cursor.seek(key) is not None and cursor.key() == key:
        node = cursor.node()
        node.key = key
        node.value = value
