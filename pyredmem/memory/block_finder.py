"""A mover that moves nothing: it finds out whether a value has a ledger block in a range of addresses."""

from __future__ import annotations

from mypy_extensions import i64

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.heap_bytes import HeapBytes
from pyredmem.memory.mover import Mover


class BlockFinder(Mover):
    """Looks at the blocks that it is shown: ``hits`` lie from ``first`` on and below ``end``, ``misses`` elsewhere."""

    def __init__(self, allocator: Allocator, first: i64, end: i64) -> None:
        super().__init__(allocator)
        self._first: i64 = first
        self._end: i64 = end

    def block(self, address: i64) -> i64:
        if self._first <= address < self._end:
            self.hits += 1
        else:
            self.misses += 1
        return address

    def content(self, address: i64, heap: HeapBytes, length: i64) -> i64:
        return self.block(address)

    def seen(self) -> i64:
        """How many blocks it has looked at."""
        return self.hits + self.misses
