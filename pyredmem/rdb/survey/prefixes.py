"""Memory by the beginnings of keys: a tree with a limited number of nodes.

A key counts for its longest prefix that ends with a separator: ``user:7:name`` for ``user:7:``. When there are too many
prefixes, the smaller half of them is folded: what they have goes to the prefix above, here ``user:``. In a file keys
lie in the order of a hash table, so a large prefix is seen early and often, and grows too large to be folded. What it
may have lost before is told as ``missing_bytes``.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

#: Separators count in this many bytes at the beginning of a key, so that a prefix is never large.
_LONGEST: Final = 256


class Node:
    """A prefix, with all keys that begin with it."""

    def __init__(self, prefix: bytes) -> None:
        self.prefix = prefix
        self.keys = 0
        self.size = 0  # bytes
        self.children: dict[bytes, Node] = {}

    def by_size(self) -> list[Node]:
        """The prefixes below, the largest first."""
        return sorted(self.children.values(), key=lambda node: (-node.size, node.prefix))


class Prefixes:
    """Adds up keys by prefix. At most ``most`` prefixes are kept; None means that all are."""

    def __init__(self, separators: bytes, most: int | None) -> None:
        self._separators = bytes([byte in separators for byte in range(256)])
        self._most = most
        self._found: dict[bytes, list[int]] = {}  # keys and bytes
        #: How many bytes a prefix has at most in addition to what is told.
        self.missing_bytes = 0

    def add(self, key: bytes, size: int) -> None:
        """Count a key that takes ``size`` bytes."""
        prefix = self._prefix_of(key, _LONGEST)
        found = self._found.get(prefix)
        if found is not None:
            found[0] += 1
            found[1] += size
            return
        self._found[prefix] = [1, size]
        if self._most is not None and len(self._found) > self._most:
            self._fold(self._most // 2)

    def _prefix_of(self, key: bytes, end: int) -> bytes:
        """The key up to the last separator before ``end``; empty if there is none."""
        separators = self._separators
        at: i64 = min(end, len(key))
        while at > 0 and not separators[key[at - 1]]:
            at -= 1
        return key[:at]

    def _above(self, prefix: bytes) -> bytes:
        return self._prefix_of(prefix, len(prefix) - 1)

    def _fold(self, wanted: int) -> None:
        found = self._found
        while len(found) > max(wanted, 1):
            limit = sorted([size for _, size in found.values()])[len(found) // 2]
            for prefix in sorted(found, key=len, reverse=True):
                keys, size = found[prefix]
                if size <= limit and prefix:
                    del found[prefix]
                    above = found.setdefault(self._above(prefix), [0, 0])
                    above[0] += keys
                    above[1] += size
            self.missing_bytes += limit

    def tree(self) -> Node:
        """The tree; its root is the empty prefix, which has all keys."""
        root = Node(b"")
        for prefix, (keys, size) in self._found.items():
            for node in self._path(root, prefix):
                node.keys += keys
                node.size += size
        return root

    def _path(self, root: Node, prefix: bytes) -> list[Node]:
        """The nodes from the root to a prefix; those that are missing are made."""
        names = []
        while prefix:
            names.append(prefix)
            prefix = self._above(prefix)
        path = [root]
        for name in reversed(names):
            path.append(path[-1].children.setdefault(name, Node(name)))
        return path
