"""When the fields of a hash expire, and which is the next one.

The times are kept by field, and in a heap of (time, field). A field that gets another time leaves a stale entry in the
heap, which is dropped when it comes up; the heap is made anew when most of it is stale.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import Final

from mypy_extensions import i64

#: The time of a field that does not expire.
NO_TIME: Final = -1
#: The due time of a hash in which none expires, in microseconds and milliseconds.
NEVER: Final = 1 << 62

#: Stale entries of the heap that are put up with.
_STALE: Final = 16


class FieldTimes:
    """The expire times of fields, unix milliseconds."""

    def __init__(self) -> None:
        self.when: dict[bytes, int] = {}
        self._heap: list[tuple[int, bytes]] = []

    def get(self, field: bytes) -> i64:
        """When a field expires, NO_TIME if it does not."""
        return self.when.get(field, NO_TIME)

    def set(self, field: bytes, when_ms: i64) -> None:
        """Give a field a time; it is the last one of those with the same time."""
        time: int = when_ms
        self.when.pop(field, None)
        self.when[field] = time
        if len(self._heap) <= 2 * len(self.when) + _STALE:
            heappush(self._heap, (time, field))
            return
        self._heap = []
        for name, moment in self.when.items():
            self._heap.append((moment, name))
        heapify(self._heap)

    def clear(self, field: bytes) -> bool:
        """Take a field's time away; False if it had none."""
        return self.when.pop(field, None) is not None

    def next_ms(self) -> i64:
        """The earliest time, NEVER if there is none."""
        heap = self._heap
        while heap:
            time, field = heap[0]
            if self.when.get(field, NO_TIME) == time:
                return time
            heappop(heap)
        return NEVER

    def first(self) -> bytes:
        """The field that expires next; ``next_ms`` has been asked."""
        return self._heap[0][1]

    def in_order(self) -> list[bytes]:
        """The fields by their times."""
        ranks: list[tuple[int, int, bytes]] = []
        for field, time in self.when.items():
            ranks.append((time, len(ranks), field))
        ranks.sort()
        return [rank[2] for rank in ranks]

    def copy(self) -> FieldTimes:
        """The same times once more."""
        twin = FieldTimes()
        for field, time in self.when.items():
            twin.set(field, time)
        return twin
