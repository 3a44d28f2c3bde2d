"""Which keys of a database hold hashes with fields that expire, in the order in which their next fields expire.

This is an index beside the keys, not a part of the values, because a value does not know its key. The time of a key in
the index is never later than the time at which its first field expires, but it may be earlier (the field was deleted,
or lives longer now). The expire cycle looks at the hash at that time and corrects the index. The heap of (time, key)
may hold stale entries, which are dropped when they reach the top.

Valkey has a hash table of these keys, which the ledger has for its blocks alone.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import Final

from mypy_extensions import i64

from pyredmem.memory.allocator import Allocator
from pyredmem.structures.dict import Dict

#: The heap is rebuilt, without stale entries, when it has two entries per key and this many more.
_STALE: Final = 64


class DueKeys:
    """Keys, and the times (unix milliseconds) at which a field of their hashes expires."""

    def __init__(self) -> None:
        self.count: i64 = 0
        self.when: dict[bytes, int] = {}
        self._heap: list[tuple[int, bytes]] = []
        self._table: Dict | None = None

    # Valkey's table.

    def count_in(self, allocator: Allocator) -> None:
        """Have a table in the ledger."""
        table = Dict(allocator, owns_keys=False, without_values=True)
        table.header_size = allocator.sizes.key_table
        table.keeps_header = True
        table.expand(len(self.when))
        for key in self.when:
            table.insert(key, 0)
        self._table = table

    def free(self) -> None:
        """Free the table; the index is not in use any more."""
        if self._table is not None:
            self._table.keeps_header = False
            self._table.clear()
            self._table = None

    def addresses(self) -> list[int]:
        """The address of each block of the table."""
        return [] if self._table is None else self._table.addresses()

    # The keys.

    def add(self, key: bytes, when_ms: i64) -> None:
        """Note that a field of this key's hash expires at ``when_ms``, unless an earlier time is known."""
        time: int = when_ms
        known = self.when.get(key)
        if known is not None and known <= time:
            return
        if known is None and self._table is not None:
            self._table.step()
            self._table.insert(key, 0)
        self.when[key] = time
        self.count = len(self.when)
        if len(self._heap) <= 2 * len(self.when) + _STALE:
            heappush(self._heap, (time, key))
            return
        self._heap = []
        for name, moment in self.when.items():
            self._heap.append((moment, name))
        heapify(self._heap)

    def forget(self, key: bytes) -> None:
        """Drop a key: it was deleted, or no field of its hash expires any more."""
        if self.when.pop(key, None) is None:
            return
        self.count = len(self.when)
        table = self._table
        if table is not None:
            table.remove(table.find(key))
            table.shrink_if_sparse()

    def hold(self, key: bytes) -> None:
        """Replace the bytes object of a key in the index by this one; the heap keeps the old object."""
        when = self.when.pop(key, None)
        if when is not None:
            self.when[key] = when

    def move(self, key: bytes, target: DueKeys, new_key: bytes) -> None:
        """Copy the time of a key to another key, here or in another database, which holds the same hash or a copy."""
        when = self.when.get(key)
        if when is not None:
            target.add(new_key, when)

    def take(self, now_ms: i64) -> bytes | None:
        """Remove a key whose time has passed from the index and return it; None if there is none."""
        heap = self._heap
        while heap:
            time, key = heap[0]
            if time >= now_ms:
                return None
            heappop(heap)
            if self.when.get(key) == time:
                self.forget(key)
                return key
        return None

    def is_due(self, now_ms: i64) -> bool:
        """Whether there may be a key whose time has passed. A stale entry can make this true too."""
        return len(self._heap) > 0 and self._heap[0][0] < now_ms

    def copy(self) -> DueKeys:
        """A copy."""
        copy = DueKeys()
        copy.count = self.count
        copy.when = self.when.copy()
        copy._heap = self._heap.copy()
        return copy

    def dismantle(self, limit: i64) -> bool:
        """Drop about ``limit`` keys of an index that is no longer in use; True when none is left."""
        count: i64 = len(self._heap)
        if count > 0:
            del self._heap[count - limit if count > limit else 0 :]
            return False
        while limit > 0 and self.when:
            self.when.popitem()
            limit -= 1
        return not self.when

    def clear(self) -> None:
        """Drop all keys."""
        if self._table is not None:
            self._table.clear()
        self.when = {}
        self._heap = []
        self.count = 0
