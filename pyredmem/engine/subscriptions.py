"""The subscriptions of one client: the names of its channels, patterns and shard channels."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.engine.dict_blocks import DictBlocks
from pyredmem.memory.allocator import Allocator

# The kinds.
CHANNEL: Final = 0
PATTERN: Final = 1
SHARD: Final = 2


class Subscriptions:
    """The names of each kind, in the order in which the client subscribed to them."""

    def __init__(self, allocator: Allocator) -> None:
        self._allocator = allocator
        self._names: list[dict[bytes, bool]] = []  # by kind; empty until the first subscription
        self._blocks: list[DictBlocks] = []

    def add(self, kind: int, name: bytes) -> bool:
        """Add a name; returns false if it was there already."""
        if not self._names:
            self._names = [{}, {}, {}]
            self._blocks = [DictBlocks(self._allocator) for _ in self._names]
        if name in self._names[kind]:
            return False
        self._names[kind][name] = True
        self._blocks[kind].add(name, [])
        return True

    def remove(self, kind: int, name: bytes) -> bool:
        """Remove a name; returns false if it was not there."""
        if not self._names or self._names[kind].pop(name, None) is None:
            return False
        self._blocks[kind].remove(name)
        return True

    def clear(self) -> None:
        """Free what is left in the ledger when there are no names any more."""
        for blocks in self._blocks:
            blocks.clear()
        self._names = []
        self._blocks = []

    def names(self, kind: int) -> list[bytes]:
        """The names of one kind."""
        return list(self._names[kind]) if self._names else []

    def of_kind(self, kind: int) -> int:
        """The number of names of one kind."""
        return len(self._names[kind]) if self._names else 0

    def count(self) -> int:
        """The number of names of all kinds."""
        return sum([len(names) for names in self._names])

    def total(self) -> i64:
        """What tot-mem in CLIENT LIST includes for the subscriptions."""
        total: i64 = 0
        for blocks in self._blocks:
            total += blocks.total()
        return total

    def addresses(self) -> list[int]:
        return [address for blocks in self._blocks for address in blocks.addresses()]
