"""The ledger blocks of a dict of the server that is not part of the data set, such as the table of channels."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.layout import DICT_ENTRY_SIZE, POINTER_SIZE

#: The number of buckets of a dict with one entry (Redis 7.2 dict.h DICT_HT_INITIAL_SIZE). It doubles when it is full.
_FIRST_BUCKETS: Final = 4


class DictBlocks:
    """The buckets of a dict, and the blocks of each entry: its own, and those that its key and value need."""

    def __init__(self, allocator: Allocator) -> None:
        self._allocator = allocator
        self._table: i64 = 0  # address of the buckets; 0 until the first entry
        self._buckets: i64 = 0
        self._entries: dict[bytes, list[int]] = {}

    def add(self, key: bytes, others: list[int]) -> None:
        """Add an entry that owns the blocks ``others``."""
        allocator = self._allocator
        if self._buckets == 0:
            self._buckets = _FIRST_BUCKETS
            self._table = allocator.alloc(POINTER_SIZE * self._buckets)
        elif len(self._entries) >= self._buckets:
            self._buckets *= 2
            self._table = allocator.realloc(self._table, POINTER_SIZE * self._buckets)
        self._entries[key] = [int(allocator.alloc(DICT_ENTRY_SIZE)), *others]

    def attach(self, key: bytes, address: i64) -> None:
        """Let an entry own one more block."""
        self._entries[key].append(int(address))

    def release(self, key: bytes) -> None:
        """Free the block that was attached to an entry last."""
        self._allocator.free(self._entries[key].pop())

    def remove(self, key: bytes) -> None:
        """Free an entry with all its blocks. The buckets stay, as in Redis."""
        for address in self._entries.pop(key):
            self._allocator.free(address)

    def clear(self) -> None:
        """Free everything."""
        for key in list(self._entries):
            self.remove(key)
        if self._table != 0:
            self._allocator.free(self._table)
        self._table = 0
        self._buckets = 0

    def total(self) -> i64:
        """The bytes of the buckets and the entries, as tot-mem in CLIENT LIST counts them."""
        count: i64 = len(self._entries)
        return POINTER_SIZE * self._buckets + DICT_ENTRY_SIZE * count

    def addresses(self) -> list[int]:
        owned = [address for blocks in self._entries.values() for address in blocks]
        return [*owned, int(self._table)] if self._table != 0 else owned
