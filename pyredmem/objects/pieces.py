"""Large values that are saved piece by piece while commands change them.

What is saved is the value as it was when its :class:`Pieces` were made. An element, or a node with many of them, that
is about to change before its turn is serialized just before: the table or the node tells whoever keeps it (see
:mod:`pyredmem.structures.keepers`). So neither the save nor a command ever has to wait for all of a large value.
"""

from __future__ import annotations

from abc import abstractmethod

from mypy_extensions import i64

from pyredmem.objects.rdb_writer import RdbWriter


class Pieces:
    """A large value as it was at one moment. ``begin`` comes first, then ``step`` until nothing is left.

    ``head`` is what comes before the elements, the type first.
    """

    def __init__(self, head: bytes) -> None:
        self._head = head

    def begin(self, writer: RdbWriter) -> None:
        """Write what comes before the elements."""
        writer.kind(self._head[0])
        writer.raw(self._head[1:])

    @abstractmethod
    def step(self, writer: RdbWriter) -> bool:
        """Write some elements; returns whether anything is left."""

    @abstractmethod
    def let_go(self) -> None:
        """Watch the value no longer: all of it was written, or nobody wants it any more."""

    @abstractmethod
    def kept_bytes(self) -> i64:
        """The bytes of what was serialized before its turn and is not written yet."""
