"""When the fields of a hash expire, and which field expires next.

The times are in a dict by field, and in a heap of (time, field). When a field gets another time, its old entry in the
heap becomes stale; it is dropped when it reaches the top. The heap is rebuilt when most of its entries are stale.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import Final, cast

from mypy_extensions import i64

from pyredmem.memory.freed_blocks import drop_items
from pyredmem.memory.mover import Mover
from pyredmem.memory.relocation import Relocatable, relocated_list, relocated_number

#: The time of a field that does not expire.
NO_TIME: Final = -1
#: The due time of a hash in which no field expires, whether in microseconds or milliseconds.
NEVER: Final = 1 << 62

#: Stale entries of the heap that are tolerated, however few fields there are.
_STALE: Final = 16


class FieldTimes(Relocatable):
    """The expire times of fields, unix milliseconds."""

    def __init__(self) -> None:
        self.when: dict[bytes, int] = {}
        self._heap: list[tuple[int, bytes]] = []

    def get(self, field: bytes) -> i64:
        """When a field expires, NO_TIME if it does not."""
        return self.when.get(field, NO_TIME)

    def set(self, field: bytes, when_ms: i64) -> None:
        """Give a field a time; it comes before the others with the same time."""
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
        """Remove the time of a field; False if it had none."""
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
        """The field that expires next. Call ``next_ms`` before."""
        return self._heap[0][1]

    def in_order(self) -> list[bytes]:
        """The fields by their times; of those with the same time, the last one that was set comes first."""
        ranks: list[tuple[int, int, bytes]] = []
        for field, time in self.when.items():
            ranks.append((time, -len(ranks), field))
        ranks.sort()
        return [rank[2] for rank in ranks]

    def copy(self) -> FieldTimes:
        """A copy."""
        twin = FieldTimes()
        for field, time in self.when.items():
            twin.set(field, time)
        return twin

    # Dismantling, and defragmentation.

    def dismantle(self, limit: i64) -> bool:
        """Drop about ``limit`` times; True when nothing is left."""
        if not drop_items(self.when, limit):
            return False
        heap = self._heap
        entries: i64 = len(heap)
        if entries > limit:
            del heap[entries - limit :]
            return False
        self._heap = []
        return True

    def twin(self) -> FieldTimes:
        twin = FieldTimes()
        twin.when = self.when
        twin._heap = self._heap
        return twin

    def image(self) -> FieldTimes:
        """A copy with the same order among equal times."""
        image = FieldTimes()
        image.when = self.when.copy()
        image._heap = self._heap.copy()
        return image

    def relocate_all(self, mover: Mover) -> None:
        """Show all times at once to a mover that steers. For a hash with few fields."""
        leaves = mover.must_leave(self.when)
        when: dict[bytes, object] = {}
        names: dict[bytes, bytes] = {}  # the objects to use in the heap too
        for field, time in cast("dict[bytes, object]", self.when).items():
            name = mover.text(field)
            new_time = relocated_number(time, mover)
            if name is not field or new_time is not time:
                leaves = True
            when[name] = new_time
            names[name] = name
        if leaves:
            while mover.must_plug(when):
                when = when.copy()
            self.when = cast("dict[bytes, int]", when)
        self.relocate_heap(mover)
        at: i64 = 0
        while at < len(self._heap):
            field = self.entry_field(at)
            self.relocate_entry(at, names[field] if field in names else mover.text(field), mover)
            at += 1

    def relocate_heap(self, mover: Mover) -> None:
        """Show the heap to a mover that steers, without its entries."""
        self._heap = relocated_list(self._heap, mover)

    def relocate_time(self, field: bytes, mover: Mover) -> None:
        """Show the time of a field, if it has one, to a mover that steers.

        The key of the time becomes the object ``field``; its place among equal times changes, which does not
        show, since a hash table lists its fields in another order.
        """
        when = cast("dict[bytes, object]", self.when)
        time = when.pop(field, None)
        if time is not None:
            when[field] = relocated_number(time, mover)

    def entries(self) -> i64:
        """The number of entries in the heap."""
        return len(self._heap)

    def entry_field(self, at: i64) -> bytes:
        """The field of the heap's entry at a place."""
        return self._heap[at][1]

    def relocate_entry(self, at: i64, field: bytes, mover: Mover) -> None:
        """Show an entry of the heap to a mover that steers. Its field becomes the object ``field``."""
        entries = cast("list[object]", self._heap)
        entry = entries[at]
        leaves = mover.must_leave(entry)
        time, old_field = cast("tuple[object, bytes]", entry)
        new_time = relocated_number(time, mover)
        if not leaves and new_time is time and field is old_field:
            return
        twin: object = (new_time, field)
        while mover.must_plug(twin):
            twin = (new_time, field)
        entries[at] = twin
