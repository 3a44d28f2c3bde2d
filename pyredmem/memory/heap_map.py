"""The heap map: where slabs and large blocks lie and how full they are, as differences for somebody who watches.

A watcher remembers in one number per page what it has told last, so what it tells next is only what has changed. It
looks at all pages in a *pass*, which the caller makes in slices. Changes go into a pass only as long as they fit its
budget of bytes; the others are counted, and the next pass begins with them, so that no page waits for ever.

What begins at a page is one number: 0 if nothing does, else a class above ``CLASS_SHIFT`` bits with a count. The class
of a slab is the number of its bin (from 1 on) and the count that of its used regions. A large block has the class after
the last bin, and the count of its pages.

The changes of a pass are a sequence of unsigned LEB128 numbers, in order of page: how many pages after the last change
(of the first one, its page), the class, and unless the class is 0 the count.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter
from librt.vecs import extend, vec
from mypy_extensions import i64

from pyredmem.memory.heap import Heap
from pyredmem.memory.pages import PAGE_SHIFT
from pyredmem.memory.slabs import (
    ALLOCATIONS,
    BIN,
    BIN_SIZE,
    CURRENT,
    EXTENT_PAGES,
    EXTENT_USABLE,
    LARGE,
    NUMBER,
    PAGES,
    REGIONS,
    USABLE,
    USED,
)

#: Counts need 22 bits: there are no more pages (pages.PAGE_LIMIT).
CLASS_SHIFT: Final = 22
_COUNT: Final = (1 << CLASS_SHIFT) - 1
#: The most bytes of one change: 4 of the page, 2 of the class, 4 of the count.
LONGEST_CHANGE: Final = 10


class SizeClass:
    """The shape of the slabs of one size class."""

    def __init__(self, size: i64, regions: i64, pages: i64) -> None:
        self.size = size  # bytes of a region
        self.regions = regions
        self.pages = pages


class Place:
    """The slab or large block at a page."""

    def __init__(self, page: i64, pages: i64, size: i64, regions: i64, used: i64) -> None:
        self.page = page  # its first one
        self.pages = pages
        self.size = size  # bytes of a region, or of the large block
        self.regions = regions
        self.used = used


def size_classes(heap: Heap) -> list[SizeClass]:
    """The size classes of slabs; a slab of the first one has class 1 on the map."""
    bins = heap.bins
    found: list[SizeClass] = []
    for index in range(len(heap.profile.bins)):
        bin_at: i64 = (index + 1) * BIN_SIZE
        found.append(SizeClass(bins[bin_at + USABLE], bins[bin_at + REGIONS], bins[bin_at + PAGES]))
    return found


def beginning_at(heap: Heap, page: i64) -> i64:
    """What begins at a page, as one number."""
    record: i64 = heap.owner[page]
    if record == 0:
        return 0
    records = heap.records
    if records[record] != page << PAGE_SHIFT:
        return 0
    bin_at: i64 = records[record + BIN]
    if bin_at == LARGE:
        large: i64 = len(heap.profile.bins) + 1
        return large << CLASS_SHIFT | records[record + EXTENT_PAGES]
    bins = heap.bins
    used: i64 = records[record + USED]
    if record == bins[bin_at + CURRENT]:
        used += bins[bin_at + ALLOCATIONS]
    return bins[bin_at + NUMBER] << CLASS_SHIFT | used


def place_at(heap: Heap, page: i64) -> Place | None:
    """The slab or large block that a page belongs to; None if there is none."""
    if page <= 0 or page >= heap.owner_pages:
        return None
    record: i64 = heap.owner[page]
    first: i64 = page
    while record == 0 and first > 1:  # of a large block only the first page has an owner
        first -= 1
        record = heap.owner[first]
    if record == 0:
        return None
    first = heap.records[record] >> PAGE_SHIFT
    bin_at: i64 = heap.records[record + BIN]
    if bin_at == LARGE:
        pages: i64 = heap.records[record + EXTENT_PAGES]
        if page >= first + pages:
            return None
        return Place(first, pages, heap.records[record + EXTENT_USABLE], 1, 1)
    bins = heap.bins
    if page >= first + bins[bin_at + PAGES]:
        return None
    used: i64 = beginning_at(heap, first) & _COUNT
    return Place(first, bins[bin_at + PAGES], bins[bin_at + USABLE], bins[bin_at + REGIONS], used)


class HeapMap:
    """What one watcher has been told of a heap."""

    def __init__(self, heap: Heap) -> None:
        self._heap = heap
        self._told: vec[i64] = vec[i64]()
        self._begin: i64 = 1  # changes before this page have to wait: it was the last pass's turn to tell them
        # The pass in progress.
        self._at: i64 = 1
        self._last: i64 = 0  # the page of the last change that was told
        self._waits: i64 = 0  # the first page that did not fit into this pass, 0 if all did
        self.left: i64 = 0  # how many changes have to wait

    def step(self, pages: i64, budget: i64, out: BytesWriter) -> bool:
        """Look at ``pages`` more pages, and append to ``out`` at most ``budget`` bytes; True at the end of the pass."""
        if self._at == 1:
            self._last = 0
            self._waits = 0
            self.left = 0
        heap = self._heap
        owner = heap.owner
        told = self._told
        if len(told) < heap.owner_pages:
            told = extend(told, [0] * (heap.owner_pages - len(told)))
            self._told = told
        most: i64 = len(out) + budget
        page: i64 = self._at
        end: i64 = page + pages
        if end > heap.owner_pages:
            end = heap.owner_pages
        while page < end:
            now: i64 = 0 if owner[page] == 0 else beginning_at(heap, page)
            if now != told[page]:
                if page < self._begin or self._waits > 0:
                    self.left += 1
                elif len(out) + LONGEST_CHANGE > most:
                    self._waits = page
                    self.left += 1
                else:
                    told[page] = now
                    self._tell(page, now, out)
            page += 1
        self._at = page
        if page < heap.owner_pages:
            return False
        self._at = 1
        self._begin = self._waits if self._waits > 0 else 1
        return True

    def _tell(self, page: i64, now: i64, out: BytesWriter) -> None:
        append_number(page - self._last, out)
        append_number(now >> CLASS_SHIFT, out)
        if now != 0:
            append_number(now & _COUNT, out)
        self._last = page


def append_number(number: i64, out: BytesWriter) -> None:
    """Append an unsigned number as LEB128: seven bits a byte, the lowest first; bit 7 says that more bytes follow."""
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
