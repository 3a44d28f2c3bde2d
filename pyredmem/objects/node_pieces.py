"""A value that is a long chain of nodes, saved piece by piece: node after node."""

from __future__ import annotations

from abc import abstractmethod
from typing import Final

from mypy_extensions import i64

from pyredmem.objects.pieces import Pieces
from pyredmem.objects.rdb_writer import RdbWriter
from pyredmem.structures.keepers import NodeKeeper

#: About how many elements of a table have as many bytes as one node.
ELEMENTS_PER_NODE: Final = 32


class NodePieces(Pieces, NodeKeeper):
    """The nodes in their order; ``tail`` is what comes after them. A subclass makes itself the keeper of each node.

    Nodes that the value loses meanwhile remain as they are: only their blocks in the ledger are gone.
    """

    def __init__(self, head: bytes, nodes: list[object], tail: bytes, compresses: bool) -> None:
        super().__init__(head)
        self._nodes = nodes
        self._tail = tail
        self._compresses = compresses
        self._next: i64 = 0
        self._kept: dict[object, bytes] = {}
        self._kept_bytes: i64 = 0

    @abstractmethod
    def save_node(self, writer: RdbWriter, node: object) -> None:
        """Write a node."""

    @abstractmethod
    def forget(self, node: object) -> None:
        """Let a node have no keeper any more."""

    def keep(self, node: object) -> None:
        writer = RdbWriter(self._compresses)
        self.save_node(writer, node)
        content = writer.content()
        self._kept[node] = content
        self._kept_bytes += len(content)

    def step(self, writer: RdbWriter) -> bool:
        node = self._nodes[self._next]
        self._next += 1
        kept = self._kept.pop(node, None)
        if kept is None:
            self.forget(node)
            self.save_node(writer, node)
        else:
            self._kept_bytes -= len(kept)
            writer.raw(kept)
        if self._next < len(self._nodes):
            return True
        writer.raw(self._tail)
        return False

    def let_go(self) -> None:
        at = self._next
        while at < len(self._nodes):
            self.forget(self._nodes[at])
            at += 1
        self._nodes = []

    def kept_bytes(self) -> i64:
        return self._kept_bytes
