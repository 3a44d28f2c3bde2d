"""The page pool: which pages of the modelled address space are in use, dirty or returned to the system.

Pages are numbered from 1. Every page below the *frontier* is in exactly one state::

    in use    part of a slab or of a large extent
    dirty     free, still resident; such pages are handed out again first
    retained  free, given back to the operating system; only the addresses are kept

Free pages form maximal runs of one state. A run is described by *boundary tags*: the first and the last page of a run
of ``n`` pages hold ``2n`` (dirty: ``2n + 1``), the last one negated unless it is also the first; every other page holds
0. So a freed run finds its neighbours, and merges with them, without a search.

Runs are found by size, in a lazy heap of first pages for each page class (four classes per doubling) and state. A
request looks at the lowest run of each class that is surely large enough and takes the lowest of these, first among the
dirty runs, then among the retained ones. Only if there is none does it move the frontier. An entry of a heap counts
only if the tag of its page agrees; a heap with more dead than living entries is rebuilt, so the heaps stay proportional
to the number of free runs.

The pool does not know what the pages are used for.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from heapq import heappop, heappush
from typing import Final

from librt.vecs import extend, vec
from mypy_extensions import i64, mypyc_attr

from pyredmem.memory.size_classes import floor_log2

#: Addresses count granules of 8 bytes and stay below 2**31, so that objects can keep them in 32 bits.
PAGE_SHIFT: Final = 9
PAGE_LIMIT: Final = 1 << 31 - PAGE_SHIFT

RETAINED: Final = 0
DIRTY: Final = 1

#: Address space is taken from the system in steps of 2 MiB plus an eighth of the address space there is already.
GROWTH_PAGES: Final = 512

#: The number of page classes that cover PAGE_LIMIT.
CLASSES: Final = 88

#: What a fresh pool begins with: copied, because that is faster than to make it anew.
_FIRST_TAGS: Final = vec[i64]([0] * (1 + GROWTH_PAGES))
_NO_RUNS: Final = vec[i64]([0] * (2 * CLASSES))

#: Sets of page classes are Python integers, wider than a machine word: one class alone, and a class with all above it.
_CLASS: Final = tuple([1 << index for index in range(CLASSES)])
_FROM_CLASS: Final = tuple([(1 << CLASSES) - (1 << index) for index in range(CLASSES)])


class OutOfMemory(Exception):  # noqa: N818 - the condition has this name everywhere
    """The address space or the configured limit is exhausted; nothing has changed."""


def class_floor(pages: i64) -> i64:
    """The index of the largest page class that is at most ``pages``. The classes: 1 2 3 4, 5 6 7 8, 10 12 14 16 ..."""
    if pages < 4:
        return pages - 1
    exponent: i64 = floor_log2(pages)
    return 4 * (exponent - 1) - 1 + (pages >> exponent - 2) - 4


def class_ceiling(pages: i64) -> i64:
    """The index of the smallest page class that is at least ``pages``."""
    return class_floor(pages - 1) + 1 if pages > 1 else 0


@mypyc_attr(allow_interpreted_subclasses=True)
class PageReceiver(ABC):
    """Has the real memory of the pages of a pool, and is told which of them go back to the system."""

    @abstractmethod
    def on_retained(self, page: i64, pages: i64, free_from: i64, free_to: i64) -> None:
        """Pages go back to the system: ``pages`` of them, from ``page`` on.

        They belong to the retained run that ends before ``free_to``, and begins at ``free_from``. Behind the frontier
        all pages are free.
        """


class PagePool:
    """Hands out runs of pages, the lowest address first, and takes them back."""

    def __init__(self) -> None:
        #: Boundary tags by page. Page 0 is never handed out, so that address 0 can mean "none".
        self.tags: vec[i64] = vec[i64]([0])
        self.frontier: i64 = 1
        self.used_pages: i64 = 0
        self.dirty_pages: i64 = 0
        self.retained_pages: i64 = 0
        #: The most pages that may be in use at once; 0 means no limit but the address space.
        self.page_limit: i64 = 0
        self.receiver: PageReceiver | None = None
        #: Lazy heaps of first pages; the index is 2 * class + state, called a slot below.
        self._heaps: list[list[int]] = []
        self._runs: vec[i64] = _NO_RUNS[:]
        #: The classes that have a run, as bits, by state.
        self._retained_classes: int = 0
        self._dirty_classes: int = 0

    def take(self, pages: i64) -> i64:
        """Take a run of pages; returns its first page, and raises OutOfMemory if there is none."""
        if 0 < self.page_limit < self.used_pages + pages:
            raise OutOfMemory(f"limit of {self.page_limit} pages reached")
        state: i64 = DIRTY
        page: i64 = self._lowest(pages, DIRTY)
        if page == 0:
            state = RETAINED
            page = self._lowest(pages, RETAINED)
            if page == 0:
                page = self._grow(pages)
        length: i64 = self.tags[page] >> 1
        self._remove(page, length, state)
        if length > pages:
            self._insert(page + pages, length - pages, state)
        self.used_pages += pages
        return page

    def give(self, page: i64, pages: i64) -> None:
        """Take back a run; its pages stay resident until they decay."""
        self.used_pages -= pages
        self._release(page, pages, DIRTY)

    def give_to_system(self, page: i64, pages: i64) -> None:
        """Take back a run and return its pages to the system at once."""
        self.used_pages -= pages
        self._retain(page, pages)

    def extend_run(self, end: i64, pages: i64) -> bool:
        """Take exactly the pages from ``end`` on, if a free run begins there that is long enough; False if not."""
        if end >= self.frontier or (0 < self.page_limit < self.used_pages + pages):
            return False
        tag = self.tags[end]
        length: i64 = tag >> 1
        if length < pages:
            return False
        state: i64 = tag & 1
        self._remove(end, length, state)
        if length > pages:
            self._insert(end + pages, length - pages, state)
        self.used_pages += pages
        return True

    def purge(self, keep: i64 = 0) -> i64:
        """Return dirty pages to the system until ``keep`` are left; returns how many it returned.

        Which pages to return is our choice: the tails of the largest runs, as they are the least likely to be needed
        again.
        """
        purged: i64 = 0
        while self.dirty_pages > keep:
            page: i64 = self._largest_dirty()
            length: i64 = self.tags[page] >> 1
            excess: i64 = self.dirty_pages - keep
            self._remove(page, length, DIRTY)
            if excess < length:
                self._insert(page, length - excess, DIRTY)
                page += length - excess
                length = excess
            self._retain(page, length)
            purged += length
        return purged

    # Runs.

    def _grow(self, pages: i64) -> i64:
        """Move the frontier; returns the retained run of at least ``pages`` pages that now lies before it."""
        room: i64 = PAGE_LIMIT - self.frontier
        if room < pages:
            raise OutOfMemory(f"no {pages} consecutive pages left in the address space")
        step: i64 = self.frontier // 8 + GROWTH_PAGES
        step = min(max(step, pages), room)
        first = self.frontier
        is_small = first == 1 and step == GROWTH_PAGES
        self.tags = _FIRST_TAGS[:] if is_small else extend(self.tags, [0] * step)
        # Not one by one: lists made later would lie among the data, and keep arenas of the process from being freed.
        slots = 2 * (class_floor(step) + 1 if is_small else CLASSES)
        if len(self._heaps) < slots:
            self._heaps += [[] for _ in range(slots - len(self._heaps))]
        self.frontier = first + step
        return self._release(first, step, RETAINED)

    def _retain(self, page: i64, pages: i64) -> None:
        """Insert a run of pages that go back to the system, and tell the receiver."""
        first: i64 = self._release(page, pages, RETAINED)
        receiver = self.receiver
        if receiver is not None:
            end: i64 = first + (self.tags[first] >> 1)
            receiver.on_retained(page, pages, first, PAGE_LIMIT if end == self.frontier else end)

    def _release(self, page: i64, pages: i64, state: i64) -> i64:
        """Insert a free run, merged with its free neighbours of the same state; returns its first page."""
        tags = self.tags
        tag = tags[page - 1]
        if tag < 0:
            tag = -tag
        if tag > 0 and tag & 1 == state:
            length: i64 = tag >> 1
            page -= length
            pages += length
            self._remove(page, length, state)
        end: i64 = page + pages
        if end < self.frontier:
            tag = tags[end]
            if tag > 0 and tag & 1 == state:
                length = tag >> 1
                self._remove(end, length, state)
                pages += length
        self._insert(page, pages, state)
        return page

    def _insert(self, page: i64, pages: i64, state: i64) -> None:
        tags = self.tags
        tag: i64 = 2 * pages + state
        tags[page + pages - 1] = -tag
        tags[page] = tag
        size_class: i64 = class_floor(pages)
        slot: i64 = 2 * size_class + state
        runs = self._runs
        heap = self._heaps[slot]
        if len(heap) > 2 * runs[slot] + 32:
            heap = self._without_dead(slot)
            self._heaps[slot] = heap
        heappush(heap, page)
        runs[slot] += 1
        if state == DIRTY:
            self.dirty_pages += pages
            self._dirty_classes |= _CLASS[size_class]
        else:
            self.retained_pages += pages
            self._retained_classes |= _CLASS[size_class]

    def _remove(self, page: i64, pages: i64, state: i64) -> None:
        """Forget a free run; its entry in the heap is dead from now on, because the tag is gone."""
        tags = self.tags
        tags[page] = 0
        tags[page + pages - 1] = 0
        size_class: i64 = class_floor(pages)
        slot: i64 = 2 * size_class + state
        runs = self._runs
        runs[slot] -= 1
        if state == DIRTY:
            self.dirty_pages -= pages
            if runs[slot] == 0:
                self._dirty_classes ^= _CLASS[size_class]
        else:
            self.retained_pages -= pages
            if runs[slot] == 0:
                self._retained_classes ^= _CLASS[size_class]

    # Search.

    def _lowest(self, pages: i64, state: i64) -> i64:
        """The lowest of the first runs of all classes that are large enough, or 0."""
        classes = self._dirty_classes if state == DIRTY else self._retained_classes
        classes &= _FROM_CLASS[class_ceiling(pages)]
        lowest: i64 = 0
        while classes:
            class_bit = classes & -classes
            classes ^= class_bit
            size_class: i64 = class_bit.bit_length() - 1
            page: i64 = self._first(2 * size_class + state)
            if lowest == 0 or page < lowest:
                lowest = page
        return lowest

    def _largest_dirty(self) -> i64:
        size_class: i64 = self._dirty_classes.bit_length() - 1
        return self._first(2 * size_class + DIRTY)

    def _first(self, slot: i64) -> i64:
        """The lowest run of a slot that has one; dead entries before it are dropped."""
        heap = self._heaps[slot]
        page: i64 = heap[0]
        while not self._is_run(page, slot):
            heappop(heap)
            page = heap[0]
        return page

    def _is_run(self, page: i64, slot: i64) -> bool:
        """Whether a run of the slot's class and state begins at ``page``."""
        tag = self.tags[page]
        return tag > 0 and tag & 1 == slot & 1 and class_floor(tag >> 1) == slot >> 1

    def _without_dead(self, slot: i64) -> list[int]:
        """A new heap with the living entries of a slot, each of them once."""
        return sorted({page for page in self._heaps[slot] if self._is_run(page, slot)})

    # Inspection.

    def check(self) -> None:
        """Assert that tags, totals and heaps agree."""
        free: list[i64] = [0, 0]
        runs: dict[int, int] = {}
        page: i64 = 1
        previous_state: i64 = -1
        while page < self.frontier:
            tag = self.tags[page]
            assert tag >= 0, f"page {page}: the end of a run that does not begin"
            if tag == 0:
                page += 1
                previous_state = -1
                continue
            length: i64 = tag >> 1
            state: i64 = tag & 1
            assert state != previous_state, f"page {page}: neighbours of one state are not merged"
            assert length == 1 or self.tags[page + length - 1] == -tag, f"page {page}: tags differ"
            for inner in range(page + 1, page + length - 1):
                assert self.tags[inner] == 0, f"page {inner}: tag inside a run"
            slot: i64 = 2 * class_floor(length) + state
            runs[slot] = runs.get(slot, 0) + 1
            assert page in self._heaps[slot], f"page {page}: run is in no heap"
            free[state] += length
            previous_state = state
            page += length
        assert free[DIRTY] == self.dirty_pages
        assert free[RETAINED] == self.retained_pages
        assert self.used_pages == self.frontier - 1 - self.dirty_pages - self.retained_pages
        for slot in range(2 * CLASSES):
            count: i64 = runs.get(slot, 0)
            assert self._runs[slot] == count
            classes = self._dirty_classes if slot & 1 == DIRTY else self._retained_classes
            assert (classes & _CLASS[slot >> 1] != 0) == (count > 0)
