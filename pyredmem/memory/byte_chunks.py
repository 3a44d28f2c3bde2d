"""The memory under the addresses of the ledger: chunks of a fixed size that do not move.

The address space of the ledger is cut into chunks of 1 MiB. A chunk exists if something was stored in it::

    addresses   |--- chunk 0 ---|--- chunk 1 ---|--- chunk 2 ---|--- chunk 3 ---|
    arrays         [==]              (none)     [===============]     (none)
                   small                          full, pages that nobody touched are not resident

A heap that is still small has small arrays, which cover the pages in use and some more, and are replaced as the heap
grows. Once it has a quarter of a chunk, it gets full arrays only. They never move. The word at an address is the item
``address + base`` of the array of its chunk.

Python cannot make an array without writing to all of it, so a full one is given back to the system at once, where that
is possible: a page takes memory from the first byte that is stored in it on. The base is chosen such that the pages of
the ledger are pages of the system. When the ledger returns pages, exactly these are given back, and a chunk without any
page that is in use or dirty is dropped.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64

from pyredmem.memory.heap_bytes import HeapBytes
from pyredmem.memory.page_release import PAGE_BYTES, give_back
from pyredmem.memory.pages import PAGE_SHIFT

#: A chunk is 2**CHUNK_SHIFT words. Making one takes half a millisecond, which nobody should notice.
CHUNK_SHIFT: Final = 17
CHUNK_WORDS: Final = 1 << CHUNK_SHIFT
PAGES_SHIFT: Final = CHUNK_SHIFT - PAGE_SHIFT
PAGE_WORDS: Final = 1 << PAGE_SHIFT
#: The largest array that does not cover a whole chunk.
SMALL_WORDS: Final = CHUNK_WORDS // 4


class ByteChunks(HeapBytes):
    """Which chunks have memory; the subclass has the arrays."""

    def __init__(self) -> None:
        super().__init__()
        #: By chunk, what is added to an address to get the index of its word in the array.
        self._bases: vec[i64] = vec[i64]()
        #: The chunk that was the first one to get an array, -1 if it has none, and its base.
        self._first_chunk: i64 = -1
        self._first_base: i64 = 0
        #: By chunk, the addresses that the array covers: from, and up to.
        self._starts: vec[i64] = vec[i64]()
        self._ends: vec[i64] = vec[i64]()
        #: By chunk, where the process has the array; 0 if that is unknown.
        self._places: vec[i64] = vec[i64]()
        self._covered_words: i64 = 0

    # The arrays.

    @abstractmethod
    def _add_chunk(self) -> None:
        """Add a chunk without an array."""

    @abstractmethod
    def _make_array(self, words: i64) -> i64:
        """Make an array of zeros; returns where the process has it, or 0 if that is unknown."""

    @abstractmethod
    def _install(self, chunk: i64, source: i64, target: i64, words: i64) -> None:
        """Give a chunk the array that was just made, after ``words`` words were copied to it from the old one.

        They begin at the index ``source`` in the old array and ``target`` in the new one.
        """

    @abstractmethod
    def _drop(self, chunk: i64) -> None:
        """Take the array of a chunk away."""

    # Coverage.

    def memory_bytes(self) -> int:
        return self._covered_words * 8

    def guard(self, address: i64, size: i64) -> None:
        pass

    def _cover(self, address: i64, words: i64) -> None:
        """Make sure that there is memory for the words at an address, all of which lie in one chunk."""
        chunk: i64 = address >> CHUNK_SHIFT
        while chunk >= len(self._bases):
            self._bases = append(self._bases, 0)
            self._starts = append(self._starts, 0)
            self._ends = append(self._ends, 0)
            self._places = append(self._places, 0)
            self._add_chunk()
        start: i64 = self._starts[chunk]
        end: i64 = self._ends[chunk]
        if start <= address and address + words <= end:
            return
        low: i64 = address >> PAGE_SHIFT << PAGE_SHIFT
        high: i64 = (address + words + PAGE_WORDS - 1) >> PAGE_SHIFT << PAGE_SHIFT
        if start < end:
            low = min(low, start)
            high = max(high, end)
        size: i64 = max(high - low, 2 * (end - start))
        if size > SMALL_WORDS or self._covered_words - (end - start) >= SMALL_WORDS:
            self._cover_all(chunk)
            return
        first: i64 = chunk << CHUNK_SHIFT
        high = min(low + size, first + CHUNK_WORDS)
        low = high - size
        self._replace(chunk, low, high, self._make_array(size), 0)

    def _cover_all(self, chunk: i64) -> None:
        """Give a chunk a full array, of which no page is resident, as far as the system allows that."""
        size: i64 = CHUNK_WORDS + PAGE_WORDS - 1
        place: i64 = self._make_array(size)
        skew: i64 = 0
        if place:
            give_back(place, place + size * 8)
            skew = (-place & PAGE_BYTES - 1) >> 3
        first: i64 = chunk << CHUNK_SHIFT
        self._replace(chunk, first, first + CHUNK_WORDS, place, skew)

    def _replace(self, chunk: i64, low: i64, high: i64, place: i64, skew: i64) -> None:
        """Let the new array cover the addresses from ``low`` to ``high``; ``skew`` is the index of the first one."""
        start: i64 = self._starts[chunk]
        end: i64 = self._ends[chunk]
        if self._first_chunk < 0:
            self._first_chunk = chunk
        self._install(chunk, start + self._bases[chunk], start - low + skew, end - start)
        self._covered_words += (high - low) - (end - start)
        self._set_base(chunk, skew - low)
        self._starts[chunk] = low
        self._ends[chunk] = high
        self._places[chunk] = place

    def _set_base(self, chunk: i64, base: i64) -> None:
        self._bases[chunk] = base
        if chunk == self._first_chunk:
            self._first_base = base

    # Pages that go back to the system.

    def on_retained(self, page: i64, pages: i64, free_from: i64, free_to: i64) -> None:
        end: i64 = page + pages
        chunk: i64 = page >> PAGES_SHIFT
        while chunk < len(self._bases) and chunk << PAGES_SHIFT < end:
            if self._starts[chunk] < self._ends[chunk]:
                if free_from <= chunk << PAGES_SHIFT and (chunk + 1) << PAGES_SHIFT <= free_to:
                    self._forget(chunk)
                else:
                    self._give_back(chunk, page << PAGE_SHIFT, end << PAGE_SHIFT)
            chunk += 1

    def _give_back(self, chunk: i64, low: i64, high: i64) -> None:
        """Give what a chunk has between two addresses back to the system; it reads as zero from now on."""
        low = max(low, self._starts[chunk])
        high = min(high, self._ends[chunk])
        place: i64 = self._places[chunk]
        if place and low < high:
            base: i64 = self._bases[chunk]
            give_back(place + (low + base) * 8, place + (high + base) * 8)

    def _forget(self, chunk: i64) -> None:
        """Drop the array of a chunk. Its pages go first, as the C library may keep what is freed."""
        self._give_back(chunk, self._starts[chunk], self._ends[chunk])
        self._drop(chunk)
        self._covered_words -= self._ends[chunk] - self._starts[chunk]
        self._set_base(chunk, 0)
        if chunk == self._first_chunk:
            self._first_chunk = -1
        self._starts[chunk] = 0
        self._ends[chunk] = 0
        self._places[chunk] = 0

    # For the assertion build.

    def fill(self, address: i64, end: i64, value: i64) -> None:
        """Set all words between two addresses that have memory."""
        while address < end:
            stop: i64 = self._covered_to(address, end)
            while address < stop:
                self.set_word(address, value)
                address += 1
            address = self._next_covered(address, end)

    def first_other(self, address: i64, end: i64, value: i64) -> i64:
        """The first word between two addresses that has memory and is neither ``value`` nor zero; 0 if none is."""
        while address < end:
            stop: i64 = self._covered_to(address, end)
            while address < stop:
                if self.word(address) not in (value, 0):
                    return address
                address += 1
            address = self._next_covered(address, end)
        return 0

    def has_memory(self, address: i64, words: i64) -> bool:
        """Whether all of some words have memory."""
        end: i64 = address + words
        while address < end:
            stop: i64 = self._covered_to(address, end)
            if stop == address:
                return False
            address = stop
        return True

    def _covered_to(self, address: i64, end: i64) -> i64:
        """The end of the memory that begins at ``address``, which is that address if there is none."""
        chunk: i64 = address >> CHUNK_SHIFT
        if chunk >= len(self._bases) or address < self._starts[chunk]:
            return address
        return max(address, min(end, self._ends[chunk]))

    def _next_covered(self, address: i64, end: i64) -> i64:
        """The first address from ``address`` on that has memory, but ``end`` if that lies before it."""
        chunk: i64 = address >> CHUNK_SHIFT
        while address < end and chunk < len(self._bases):
            if address < self._ends[chunk]:
                return min(end, max(address, self._starts[chunk]))
            chunk += 1
            address = chunk << CHUNK_SHIFT
        return end
