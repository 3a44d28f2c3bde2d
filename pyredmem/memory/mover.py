"""What a pass of active defragmentation asks of everything that it meets.

A value shows a mover all its ledger blocks and all its Python objects, and takes what comes back in their place. This
one moves ledger blocks out of sparse slabs. The other kind *steers*: it has Python objects made anew outside the sparse
arenas of the process's heap (see :mod:`pyredmem.memory.steering`) and leaves the ledger alone.
"""

from __future__ import annotations

from mypy_extensions import i64, mypyc_attr

from pyredmem.memory.allocator import Allocator


@mypyc_attr(allow_interpreted_subclasses=True)
class Mover:
    """Moves ledger blocks, and counts."""

    def __init__(self, allocator: Allocator) -> None:
        self.allocator = allocator
        self.hits: i64 = 0  # blocks that were moved
        self.misses: i64 = 0  # blocks that stay where they are

    def block(self, address: i64) -> i64:
        """Where the block of the ledger is from now on; 0, no block, stays 0."""
        if address == 0:
            return 0
        new = self.allocator.relocate(address)
        if new == address:
            self.misses += 1
        else:
            self.hits += 1
        return new

    def steers(self) -> bool:
        """Whether the Python objects are what it is about; if not they need not be shown."""
        return False

    def text(self, data: bytes) -> bytes:
        """The bytes, or equal ones in another place."""
        return data

    def must_leave(self, item: object) -> bool:
        """Whether an object of any other class is to be replaced by a twin."""
        return False

    def must_plug(self, twin: object) -> bool:
        """Whether a twin lies as badly as the object that it replaces: the mover keeps it, make another one."""
        return False
