"""The largest of many things, of which few are kept."""

from __future__ import annotations

from heapq import heappush, heapreplace
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Largest(Generic[Item]):
    """The ``most`` largest items; of equal sizes the first ones."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._heap: list[tuple[int, int, Item]] = []
        self._seen = 0
        #: Only something larger than this comes in.
        self.least = -1 if most > 0 else 1 << 63

    def add(self, size: int, item: Item) -> None:
        """Keep an item, if it is one of the largest so far."""
        if size <= self.least:
            return
        self._seen += 1
        entry = (size, -self._seen, item)
        if len(self._heap) < self._most:
            heappush(self._heap, entry)
        else:
            heapreplace(self._heap, entry)
        if len(self._heap) == self._most:
            self.least = self._heap[0][0]

    def items(self) -> list[tuple[int, Item]]:
        """The sizes and the items, the largest first."""
        return [(size, item) for size, _, item in sorted(self._heap, reverse=True)]
