"""When the fields of a hash expire, and which is the next one.

The times are kept by field, and in a heap of (time, field). A field that gets another time leaves a stale entry in the
heap, which is dropped when it comes up; the heap is made anew when most of it is stale.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import Final, cast

from mypy_extensions import i64

from pyredmem.memory.freed_blocks import drop_items
from pyredmem.memory.mover import Mover
from pyredmem.memory.relocation import relocated_list, relocated_number

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
        """The fields by their times; of those with the same time, the last one that was set comes first."""
        ranks: list[tuple[int, int, bytes]] = []
        for field, time in self.when.items():
            ranks.append((time, -len(ranks), field))
        ranks.sort()
        return [rank[2] for rank in ranks]

    def copy(self) -> FieldTimes:
        """The same times once more."""
        twin = FieldTimes()
        for field, time in self.when.items():
            twin.set(field, time)
        return twin

    # Taking apart, and defragmentation.

    def dismantle(self, limit: i64) -> bool:
        """Drop so many times; True when nothing is left."""
        if not drop_items(self.when, limit):
            return False
        heap = self._heap
        entries: i64 = len(heap)
        if entries > limit:
            del heap[entries - limit :]
            return False
        self._heap = []
        return True

    def relocated(self, mover: Mover) -> FieldTimes:
        """This object or, if it has to leave its place in the process's heap, its twin, which takes over everything."""
        if not mover.must_leave(self):
            return self
        twin = FieldTimes()
        while mover.must_plug(twin):
            twin = FieldTimes()
        twin.when = self.when
        twin._heap = self._heap
        return twin

    def relocate_all(self, mover: Mover) -> None:
        """Show a mover that steers all times at once: for a hash of few fields."""
        leaves = mover.must_leave(self.when)
        when: dict[bytes, object] = {}
        names: dict[bytes, bytes] = {}  # to themselves, so that the heap has the same ones
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
        """Show a mover that steers the heap, without its entries."""
        self._heap = relocated_list(self._heap, mover)

    def relocate_time(self, field: bytes, mover: Mover) -> None:
        """Keep the time of a field, if it has one, under these very bytes.

        Its place among equal times changes, which does not show: a hash table lists its fields in another order.
        """
        when = cast("dict[bytes, object]", self.when)
        time = when.pop(field, None)
        if time is not None:
            when[field] = relocated_number(time, mover)

    def entries(self) -> i64:
        """How many entries the heap has."""
        return len(self._heap)

    def entry_field(self, at: i64) -> bytes:
        """The field of an entry of the heap."""
        return self._heap[at][1]

    def relocate_entry(self, at: i64, field: bytes, mover: Mover) -> None:
        """Show a mover that steers an entry of the heap, whose field is to be these very bytes."""
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
