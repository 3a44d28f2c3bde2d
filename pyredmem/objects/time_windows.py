"""Valkey's index of the fields of a hash that expire: windows of time.

What is here was measured, and agrees with what Valkey documents about its volatile sets. The fields of a *window* are
a list of pointers (8 bytes, and 8 for each), but a single field needs none. While there are no more than 127 fields,
one window has them all. Then there is a radix tree, from the end of a window to the window::

    tree    [ ends at 8192: window | ends at 16384: window | ... ]

A field is in the first window that ends after its time. A new window ends at the next multiple of 8192 ms, and if the
first one ends later than that, a field gets a new one. A window that has 127 fields when another comes

* ends earlier from now on, at the next multiple of 16 ms after its last field, if that is earlier,
* else is cut in two, as near to its middle as a multiple of 16 ms lies between two fields,
* else, as all its times are so close together, gets a hash table in place of the list.

When only one window is left and it is a list that is not full, the tree goes.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Final

from mypy_extensions import i32, i64, mypyc_attr

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.layout import POINTER_SIZE
from pyredmem.memory.mover import Mover
from pyredmem.objects.field_times import FieldTimes
from pyredmem.objects.time_index import TimeIndex
from pyredmem.structures.dict import Dict
from pyredmem.structures.radix import RadixTree

_LIST_HEADER_SIZE: Final = 8
_TABLE_HEADER_SIZE: Final = 80
_MOST_IN_LIST: Final = 127
#: Milliseconds, powers of two.
_NARROWEST: Final = 16
_WIDEST: Final = 8192


def _end(when_ms: i64, width: i64) -> i64:
    """The next multiple of ``width`` after a time."""
    return (when_ms & ~(width - 1)) + width


def _key(end_ms: i64) -> bytes:
    return int(end_ms).to_bytes(8, "big")


@mypyc_attr(acyclic=True)
class TimeWindow:
    """The fields of one window: in a list, or in a table."""

    def __init__(self, allocator: Allocator) -> None:
        self._allocator = allocator
        self.fields: list[bytes] = []
        self.address: i32 = 0  # of the list
        self.table: Dict | None = None

    def is_full(self) -> bool:
        """Whether the fields are in a list that has no room."""
        return len(self.fields) == _MOST_IN_LIST

    def is_short(self) -> bool:
        """Whether the fields are in a list that has room."""
        return self.table is None and len(self.fields) < _MOST_IN_LIST

    def is_empty(self) -> bool:
        """Whether there is no field."""
        return self.table is None and len(self.fields) == 0

    def add(self, field: bytes) -> None:
        """Add a field; a full list becomes a table."""
        if self.is_full():
            self._make_table()
        if self.table is not None:
            self._put(field)
            return
        self.fields.append(field)
        if self.address != 0 or len(self.fields) > 1:
            self._fit_list()

    def remove(self, field: bytes) -> None:
        """Remove a field; a last one needs neither list nor table."""
        table = self.table
        if table is None:
            self.fields.remove(field)
            if len(self.fields) > 1:
                self._fit_list()
            else:
                self.free_list()
            return
        table.remove(table.find(field))
        table.shrink_if_sparse()
        if table.used == 1:
            self.fields = table.all_keys()
            table.clear()
            self.table = None

    def cut(self, at: i64) -> TimeWindow:
        """Move the fields from a place on to another window."""
        later = TimeWindow(self._allocator)
        later.fields = self.fields[at:]
        later._fit_list()
        del self.fields[at:]
        self._fit_list()
        return later

    def _make_table(self) -> None:
        table = Dict(self._allocator, owns_keys=False, without_values=True)
        table.header_size = _TABLE_HEADER_SIZE
        self.table = table
        for field in self.fields:
            self._put(field)
        self.fields = []
        self.free_list()

    def _put(self, field: bytes) -> None:
        table = self.table
        assert table is not None
        table.find_for_insert(field)
        table.insert(field, 0)

    def _fit_list(self) -> None:
        size: i64 = _LIST_HEADER_SIZE + POINTER_SIZE * len(self.fields)
        allocator = self._allocator
        self.address = i32(allocator.realloc(i64(self.address), size) if self.address else allocator.alloc(size))

    def free_list(self) -> None:
        """Free the list, whose fields are somewhere else."""
        if self.address != 0:
            self._allocator.free(i64(self.address))
            self.address = 0

    def memory(self) -> i64:
        """The bytes that MEMORY USAGE counts: what was requested for a table, what a list has."""
        table = self.table
        if table is not None:
            return _TABLE_HEADER_SIZE + table.table_bytes()
        return self._allocator.usable(i64(self.address)) if self.address != 0 else 0

    def addresses(self) -> list[int]:
        """The address of each block."""
        if self.table is not None:
            return self.table.addresses()
        return [int(self.address)] if self.address != 0 else []

    def image(self) -> TimeWindow:
        """A copy that refers to the same blocks."""
        image = TimeWindow(self._allocator)
        image.fields = self.fields.copy()
        image.address = self.address
        if self.table is not None:
            image.table = self.table.image()
            image.table.header_size = _TABLE_HEADER_SIZE
            image.table.header_address = self.table.header_address
        return image


class TimeWindows(TimeIndex):
    """The windows of a hash. While there is no tree, the only one has no end."""

    def __init__(self, allocator: Allocator, times: FieldTimes) -> None:
        self._allocator = allocator
        self._times = times
        self._only = TimeWindow(allocator)
        self._tree: RadixTree[TimeWindow] | None = None
        self._ends: list[int] = []  # in order

    # Change.

    def add(self, field: bytes, when_ms: i64) -> None:
        if self._tree is None and not self._only.is_full():
            self._only.add(field)
            return
        if self._tree is None:
            self._make_tree()
        self._add(field, when_ms)

    def remove(self, field: bytes, when_ms: i64) -> None:
        if self._tree is None:
            self._only.remove(field)
            return
        self._remove(field, when_ms)
        tree = self._tree
        if len(self._ends) == 1:
            window = self._window(self._ends[0])
            if window.is_short():
                self._only = window
                self._ends = []
                self._tree = None
                tree.free()

    def move(self, field: bytes, old_ms: i64, new_ms: i64) -> None:
        if old_ms == new_ms:
            return
        if self._tree is None:
            self._only.remove(field)
            self.add(field, new_ms)
        elif _end(old_ms, _NARROWEST) != _end(new_ms, _NARROWEST):
            self._remove(field, old_ms)
            self._add(field, new_ms)

    def _make_tree(self) -> None:
        full = self._only
        self._tree = RadixTree[TimeWindow](self._allocator)
        self._only = TimeWindow(self._allocator)
        fields = self._sorted(full.fields)
        end_ms = _end(self._times.get(fields[-1]), _WIDEST)
        if _end(self._times.get(fields[0]), _WIDEST) == end_ms:
            self._insert(end_ms, full)
            return
        for field in fields:
            self._add(field, self._times.get(field))
        full.free_list()

    def _add(self, field: bytes, when_ms: i64) -> None:
        end_ms = self._find(when_ms)
        if end_ms == 0:
            window = TimeWindow(self._allocator)
            window.add(field)
            self._insert(_end(when_ms, _WIDEST), window)
            return
        window = self._window(end_ms)
        if window.is_full() and self._divide(end_ms, window):
            self._add(field, when_ms)
        else:
            window.add(field)

    def _remove(self, field: bytes, when_ms: i64) -> None:
        end_ms = self._find(when_ms)
        window = self._window(end_ms)
        window.remove(field)
        if window.is_empty():
            self._take(end_ms)

    def _divide(self, end_ms: i64, window: TimeWindow) -> bool:
        """Let a full window end earlier, or cut it in two; False if neither is possible."""
        window.fields = self._sorted(window.fields)
        ends = [int(_end(self._times.get(field), _NARROWEST)) for field in window.fields]
        if ends[-1] < end_ms:
            self._take(end_ms)
            self._insert(ends[-1], window)
            return True
        if ends[0] == ends[-1]:
            return False
        middle = len(ends) // 2
        places = [at for at in range(1, len(ends)) if ends[at - 1] < ends[at]]
        at = min(places, key=lambda place: (abs(place - middle), place))
        tree = self._tree
        assert tree is not None
        tree.insert(_key(end_ms), window.cut(at))
        self._insert(ends[at - 1], window)
        return True

    # The tree.

    def _sorted(self, fields: list[bytes]) -> list[bytes]:
        return sorted(fields, key=self._times.get)

    def _find(self, when_ms: i64) -> i64:
        """The end of the window for a time, 0 if there is none."""
        at = bisect_right(self._ends, int(when_ms))
        if at == len(self._ends) or _end(when_ms, _WIDEST) < self._ends[at]:
            return 0
        return self._ends[at]

    def _window(self, end_ms: i64) -> TimeWindow:
        tree = self._tree
        window = tree.get(_key(end_ms)) if tree is not None else None
        assert window is not None, "no such window"
        return window

    def _insert(self, end_ms: i64, window: TimeWindow) -> None:
        tree = self._tree
        assert tree is not None
        tree.insert(_key(end_ms), window)
        self._ends.insert(bisect_left(self._ends, int(end_ms)), int(end_ms))

    def _take(self, end_ms: i64) -> None:
        tree = self._tree
        assert tree is not None
        tree.remove(_key(end_ms))
        self._ends.remove(int(end_ms))

    # The blocks.

    def _windows(self) -> list[TimeWindow]:
        return [self._only] if self._tree is None else self._tree.values()

    def memory(self) -> i64:
        total: i64 = 0 if self._tree is None else self._tree.counted_bytes()
        for window in self._windows():
            total += window.memory()
        return total

    def addresses(self) -> list[int]:
        found = [] if self._tree is None else self._tree.addresses()
        for window in self._windows():
            found += window.addresses()
        return found

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        """All at once: there are few."""
        for address in self.addresses():
            freed.add(address)
        self._tree = None
        self._only = TimeWindow(self._allocator)
        return True

    def movable(self) -> i64:
        """The lists; tables and the tree stay where they are."""
        return 1 if self._tree is None else len(self._ends)

    def move_block(self, mover: Mover, at: i64) -> None:
        window = self._only if self._tree is None else self._window(self._ends[at])
        if window.address != 0:
            window.address = i32(mover.block(i64(window.address)))

    def image(self, times: FieldTimes) -> TimeIndex:
        image = TimeWindows(self._allocator, times)
        image._only = self._only.image()
        image._ends = self._ends.copy()
        if self._tree is not None:
            image._tree = self._tree.image()
            for node in image._tree.key_nodes():
                assert node.value is not None
                node.value = node.value.image()
        return image
