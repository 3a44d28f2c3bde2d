"""The object that a pass of active defragmentation carries through all data.

A value shows a mover each of its ledger blocks and each of its Python objects, and keeps in their place what the mover
returns. The mover here moves ledger blocks out of sparse slabs. The other kind *steers*: it has Python objects remade
outside the sparse arenas of the process's heap (see :mod:`pyredmem.memory.steering`) and leaves the ledger alone.
"""

from __future__ import annotations

from mypy_extensions import i64, mypyc_attr

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.heap_bytes import HeapBytes


@mypyc_attr(allow_interpreted_subclasses=True)
class Mover:
    """Moves ledger blocks, and counts them."""

    def __init__(self, allocator: Allocator) -> None:
        self.allocator = allocator
        self.hits: i64 = 0  # blocks that were moved
        self.misses: i64 = 0  # blocks that stay where they are

    def block(self, address: i64) -> i64:
        """The address of a ledger block from now on; 0, which is no block, stays 0."""
        if address == 0:
            return 0
        return self._counted(address, self.allocator.relocate(address))

    def content(self, address: i64, heap: HeapBytes, length: i64) -> i64:
        """The address of a ledger block from now on, with the ``length`` bytes in it."""
        if self.steers():
            return address
        return self._counted(address, heap.relocate(self.allocator, address, length))

    def _counted(self, address: i64, new: i64) -> i64:
        """Count a block that was, or was not, moved to ``new``."""
        if new == address:
            self.misses += 1
        else:
            self.hits += 1
        return new

    def steers(self) -> bool:
        """Whether this mover is about the Python objects; if not, they need not be shown."""
        return False

    def text(self, data: bytes) -> bytes:
        """The bytes to keep from now on: these, or equal ones in another place."""
        return data

    def must_leave(self, item: object) -> bool:
        """Whether an object that is not bytes must be replaced by a twin."""
        return False

    def must_plug(self, twin: object) -> bool:
        """Whether a twin lies in as bad a place as its original; if so the mover keeps it, and another must be made."""
        return False
