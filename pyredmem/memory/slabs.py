"""Slabs, in which the small blocks of the modelled process lie.

Addresses are integers that count granules of 8 bytes; 0 means "none". There is no Python object per block or slab.
Everything is a number in one of a few flat arrays::

    owner[page]   -> record of the slab or large extent that the page belongs to (of an extent, its first page only)
    records[r..]  -> BASE address, BIN, FIRST_WORD of the bitmap, USED regions; of an extent BASE, 0, pages, usable size
    words[w]      -> 32 regions of a slab; a set bit is a free region
    bins[bin_at..]     -> the size class: its shape, its current slab and its counters

A record or a bin is several numbers side by side, so that an operation touches few cache lines. It is known by the
index of its first number: ``slab`` is the index of a slab's record in ``records``, ``bin_at`` that of a bin in
``bins``.

Placement is jemalloc's. A small block takes the first free region of the current slab of its bin. When that slab is
full, the lowest slab with a free region becomes current; only when there is none, a new slab is made. Freeing a region
of a full slab below the current one makes that slab current. So the current slab is never above another slab with room.
A slab whose last region is freed returns to the page pool at once.

Two tricks keep ``alloc`` short:

* WORD of a bin is the lowest word of the current slab that may have a free region: words before it have none. Without a
  current slab it is word 0, which never has one. So ``alloc`` reads one word, and needs help only when that word is 0.
* USED of the *current* slab is kept relative to the allocations of its bin, all of which are made in this slab: the
  true number is USED + ALLOCATIONS. So ``alloc`` counts once, in the bin, and does not touch the record of the slab.

A region's number is calculated from its offset by multiplying with a scaled reciprocal, because a division costs more
than the rest of ``free``. The lowest set bit of a word is looked up by its residue modulo 37, which is different for
all powers of two below 2**32.

``SlabHeap`` is the first of the three classes that the allocator is made of (see ``allocator``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from heapq import heappop, heappush
from typing import Final

from librt.vecs import extend, vec
from mypy_extensions import i64

from pyredmem.memory.pages import GROWTH_PAGES, PAGE_SHIFT, PagePool
from pyredmem.memory.size_classes import BIN_SHAPES, PAGE_BYTES, BinShape, Profile

GRANULE_BYTES: Final = 8
WORD_BITS: Final = 32
ALL_FREE: Final = (1 << WORD_BITS) - 1
#: The bit of region r is TOP_BIT >> (~r & 31), as mypyc compiles 1 << (r & 31) to a shift of a 32-bit int, which is
#: wrong for bit 31.
TOP_BIT: Final = 1 << WORD_BITS - 1

# The numbers in a record of a slab or extent.
BASE: Final = 0
BIN: Final = 1
FIRST_WORD: Final = 2
USED: Final = 3
RECORD_SIZE: Final = 4
#: A large extent has these in place of the last two, as it has no bitmap and no regions.
EXTENT_PAGES: Final = 2
EXTENT_USABLE: Final = 3

# The numbers in a bin. The first eight are all that alloc and free look at in the usual case.
CURRENT: Final = 0
WORD: Final = 1
WORD_ADDRESS: Final = 2
GRANULES: Final = 3
USABLE: Final = 4
ALLOCATIONS: Final = 5
FREES: Final = 6
RECIPROCAL: Final = 7
REGIONS: Final = 8
PAGES: Final = 9
WORDS: Final = 10
SLABS: Final = 11
NONFULL: Final = 12
SLABS_MADE: Final = 13
NUMBER: Final = 14
BIN_SIZE: Final = 16

#: The number of a region is offset * reciprocal >> RECIPROCAL_SHIFT, which is exact for slabs of up to 2**16 granules.
RECIPROCAL_SHIFT: Final = 32

#: The BIN of large extents, and that of unused records.
LARGE: Final = 0
UNUSED: Final = -1
#: A fresh heap has room for so many numbers in records and in words before they must be moved.
_FIRST_CAPACITY: Final = 256
#: The most dead entries that are dropped from the list of slabs with room when a slab is released.
DEAD_ENTRIES_PER_SLAB: Final = 16


def _bit_numbers() -> list[int]:
    numbers = [0] * 37
    for bit in range(WORD_BITS):
        numbers[(1 << bit) % 37] = bit
    return numbers


_BIT_NUMBERS: Final = vec[i64](_bit_numbers())
#: No page has an owner: what a fresh heap begins with, to be copied.
_NO_OWNERS: Final = vec[i64]([0] * (1 + GROWTH_PAGES))


class BinLayout:
    """The numbers of all bins of a fresh heap; there is one for each profile, made once per process."""

    def __init__(self, shapes: list[BinShape]) -> None:
        bins = [0] * (BIN_SIZE * (len(shapes) + 1))
        #: The bin of a request by its size in granules. It never changes, so all heaps share it.
        self.bin_of: vec[i64] = vec[i64]([])
        self.most_words = 0  # of the bitmap of one slab
        bin_of = [BIN_SIZE]
        for number, shape in enumerate(shapes, 1):
            bin_at = number * BIN_SIZE
            granules = shape.slot // GRANULE_BYTES
            # One region more if a slab has a remainder after its last one: an address there needs a bit to be refused.
            words = (shape.regions + (shape.pages * PAGE_BYTES % shape.slot > 0) + WORD_BITS - 1) // WORD_BITS
            bins[bin_at + NUMBER] = number
            bins[bin_at + GRANULES] = granules
            bins[bin_at + USABLE] = shape.usable
            bins[bin_at + RECIPROCAL] = (1 << RECIPROCAL_SHIFT) // granules + 1
            bins[bin_at + REGIONS] = shape.regions
            bins[bin_at + PAGES] = shape.pages
            bins[bin_at + WORDS] = words
            bin_of += [bin_at] * (shape.usable // GRANULE_BYTES + 1 - len(bin_of))
            self.most_words = max(self.most_words, words)
        self.bins = vec[i64](bins)
        self.bin_of = extend(self.bin_of, bin_of)


_LAYOUTS: Final = {name: BinLayout(shapes) for name, shapes in BIN_SHAPES.items()}


class SlabHeap(ABC):
    """Small blocks; the subclass adds the large ones, which ``alloc`` and ``free`` pass on to it."""

    def __init__(self, profile: Profile) -> None:
        self.profile: Final = profile
        self.pages: Final = PagePool()
        #: The sum of the usable sizes of all live blocks.
        self.used_memory: i64 = 0
        #: The sum of the sizes that were asked for, of all blocks that were ever allocated.
        self.requested_bytes: i64 = 0
        self.small_limit: i64 = profile.small_limit
        self.owner: vec[i64] = _NO_OWNERS[:]
        self.owner_pages: i64 = len(_NO_OWNERS)
        self.records: vec[i64] = vec[i64]([0] * RECORD_SIZE, capacity=_FIRST_CAPACITY)
        self.words: vec[i64] = vec[i64]([0], capacity=_FIRST_CAPACITY)
        layout = _LAYOUTS[profile.name]
        self.bins: vec[i64] = layout.bins[:]
        self.bin_of: vec[i64] = layout.bin_of
        self.bit_number: vec[i64] = _BIT_NUMBERS
        #: By number of the bin, a lazy heap of the first pages of slabs that have room and are not current.
        #: Made at once with the first entry: lists made later would lie among the data, and keep arenas of the process
        #: from being freed.
        self._nonfull: list[list[int]] = []
        #: By number of bitmap words, the first unused record; the others are linked through BASE.
        self._unused_records: vec[i64] = vec[i64]([0] * (layout.most_words + 1))

    # The hot path.

    def alloc(self, size: i64) -> i64:
        """Allocate a block of at least ``size`` bytes (0 counts as 8); returns its address."""
        if size > self.small_limit or size < 0:
            return self._alloc_large(size)
        bins = self.bins
        words = self.words
        bin_at: i64 = self.bin_of[(size + 7) >> 3]
        word: i64 = bins[bin_at + WORD]
        bits: i64 = words[word]
        if bits == 0:
            bits = self._refill(bin_at)
            words = self.words
            word = bins[bin_at + WORD]
        lowest: i64 = bits & -bits
        words[word] = bits ^ lowest
        bins[bin_at + ALLOCATIONS] += 1
        self.requested_bytes += size
        self.used_memory += bins[bin_at + USABLE]
        return bins[bin_at + WORD_ADDRESS] + self.bit_number[lowest % 37] * bins[bin_at + GRANULES]

    def free(self, address: i64) -> None:
        """Free the block at ``address``; raises AssertionError if no live block begins there."""
        page: i64 = address >> PAGE_SHIFT
        slab: i64 = self.owner[page] if 0 < page < self.owner_pages else 0
        records = self.records
        bin_at: i64 = records[slab + BIN]
        if bin_at == LARGE:
            self._free_large(slab, address)
            return
        bins = self.bins
        words = self.words
        offset: i64 = address - records[slab]
        region: i64 = offset * bins[bin_at + RECIPROCAL] >> RECIPROCAL_SHIFT
        word: i64 = records[slab + FIRST_WORD] + (region >> 5)
        bit: i64 = TOP_BIT >> (~region & 31)
        bits: i64 = words[word]
        if bits & bit or region * bins[bin_at + GRANULES] != offset or region >= bins[bin_at + REGIONS]:
            raise self._not_live(address)
        words[word] = bits | bit
        bins[bin_at + FREES] += 1
        self.used_memory -= bins[bin_at + USABLE]
        used: i64 = records[slab + USED] - 1
        records[slab + USED] = used
        if slab == bins[bin_at + CURRENT]:
            if word < bins[bin_at + WORD]:
                bins[bin_at + WORD] = word
                bins[bin_at + WORD_ADDRESS] = records[slab] + (region >> 5 << 5) * bins[bin_at + GRANULES]
            if used + bins[bin_at + ALLOCATIONS] == 0:
                bins[bin_at + CURRENT] = 0
                bins[bin_at + WORD] = 0
                self._release_slab(slab, bin_at)
        elif used == 0:
            self._release_slab(slab, bin_at)
            if bins[bin_at + REGIONS] > 1:
                bins[bin_at + NONFULL] -= 1
                self._drop_dead(self._nonfull[bins[bin_at + NUMBER]], bins[bin_at + NONFULL])
        elif used == bins[bin_at + REGIONS] - 1:
            self._gained_room(slab, bin_at)

    def usable(self, address: i64) -> i64:
        """The usable size of the live block at ``address``."""
        page: i64 = address >> PAGE_SHIFT
        slab: i64 = self.owner[page] if 0 < page < self.owner_pages else 0
        records = self.records
        bin_at: i64 = records[slab + BIN]
        if bin_at == LARGE:
            if slab == 0 or records[slab] != address:
                raise self._not_live(address)
            return records[slab + EXTENT_USABLE]
        if not self._is_live_region(slab, bin_at, address):
            raise self._not_live(address)
        return self.bins[bin_at + USABLE]

    def good_size(self, size: i64) -> i64:
        """C(size), the usable size that a request of ``size`` bytes gets."""
        if size > self.small_limit:
            return self.profile.large_size(size)
        assert size >= 0, f"negative size {size}"
        return self.bins[self.bin_of[(size + 7) >> 3] + USABLE]

    # Slabs.

    def _refill(self, bin_at: i64) -> i64:
        """Point WORD of the bin at a word with free regions; returns the bits of that word."""
        bins = self.bins
        records = self.records
        current = bins[bin_at + CURRENT]
        if current:
            words = self.words
            word = bins[bin_at + WORD]
            last: i64 = records[current + FIRST_WORD] + bins[bin_at + WORDS] - 1
            while word < last:
                word += 1
                bins[bin_at + WORD_ADDRESS] += WORD_BITS * bins[bin_at + GRANULES]
                bins[bin_at + WORD] = word
                if words[word]:
                    return words[word]
        slab: i64 = self._pop_nonfull(bin_at)
        if slab == 0:
            slab = self._new_slab(bin_at)
        if current:
            self.records[current + USED] += bins[bin_at + ALLOCATIONS]
        return self._make_current(slab, bin_at)

    def _make_current(self, slab: i64, bin_at: i64) -> i64:
        """Allocate from ``slab`` from now on; returns the bits of its first word with free regions."""
        bins = self.bins
        words = self.words
        records = self.records
        records[slab + USED] -= bins[bin_at + ALLOCATIONS]
        word = records[slab + FIRST_WORD]
        address = records[slab]
        while words[word] == 0:
            word += 1
            address += WORD_BITS * bins[bin_at + GRANULES]
        bins[bin_at + CURRENT] = slab
        bins[bin_at + WORD] = word
        bins[bin_at + WORD_ADDRESS] = address
        return words[word]

    def _gained_room(self, slab: i64, bin_at: i64) -> None:
        """A full slab has got its first free region: it becomes current if it is below the current slab."""
        bins = self.bins
        records = self.records
        current = bins[bin_at + CURRENT]
        if current == 0 or records[current] < records[slab]:
            self._push_nonfull(slab, bin_at)
            return
        used: i64 = records[current + USED] + bins[bin_at + ALLOCATIONS]
        records[current + USED] = used
        if used < bins[bin_at + REGIONS]:
            self._push_nonfull(current, bin_at)
        self._make_current(slab, bin_at)

    def _push_nonfull(self, slab: i64, bin_at: i64) -> None:
        self.bins[bin_at + NONFULL] += 1
        if not self._nonfull:
            self._nonfull = [[] for _ in range(len(self.profile.bins) + 1)]
        heappush(self._nonfull[self.bins[bin_at + NUMBER]], self.records[slab] >> PAGE_SHIFT)

    def _drop_dead(self, nonfull: list[int], living: i64) -> None:
        """Drop dead entries where that costs nothing: a few from the end per released slab, or all if none is alive.

        Each entry is an object of the interpreter's heap, and once the data is deleted a few such objects can keep a
        whole arena from going back to the system.
        """
        if living == 0:
            nonfull.clear()
            return
        left = DEAD_ENTRIES_PER_SLAB
        while left > 0 and nonfull and self.owner[nonfull[-1]] == 0:
            nonfull.pop()
            left -= 1

    def _pop_nonfull(self, bin_at: i64) -> i64:
        """Remove the lowest slab from the list of slabs with room, and return it; 0 if there is none.

        Entries of slabs that were released in the meantime are dead. They cannot pile up, because no new slab is made
        before all entries have been popped.
        """
        if not self._nonfull:
            return 0
        bins = self.bins
        records = self.records
        nonfull = self._nonfull[bins[bin_at + NUMBER]]
        current = bins[bin_at + CURRENT]
        while nonfull:
            page: i64 = heappop(nonfull)
            slab: i64 = self.owner[page]
            if slab in (0, current):
                continue
            if (
                records[slab + BIN] == bin_at
                and records[slab] == page << PAGE_SHIFT
                and records[slab + USED] < bins[bin_at + REGIONS]
            ):
                bins[bin_at + NONFULL] -= 1
                return slab
        return 0

    def _new_slab(self, bin_at: i64) -> i64:
        bins = self.bins
        pages = bins[bin_at + PAGES]
        page: i64 = self.pages.take(pages)
        slab: i64 = self._new_record(bins[bin_at + WORDS])
        records = self.records
        records[slab] = page << PAGE_SHIFT
        records[slab + BIN] = bin_at
        records[slab + USED] = 0
        word = records[slab + FIRST_WORD]
        regions = bins[bin_at + REGIONS]
        words = self.words
        while regions >= WORD_BITS:
            words[word] = ALL_FREE
            word += 1
            regions -= WORD_BITS
        if word < records[slab + FIRST_WORD] + bins[bin_at + WORDS]:
            words[word] = ALL_FREE >> WORD_BITS - regions
        self._own(page, pages, slab)
        bins[bin_at + SLABS] += 1
        bins[bin_at + SLABS_MADE] += 1
        return slab

    def _release_slab(self, slab: i64, bin_at: i64) -> None:
        bins = self.bins
        pages = bins[bin_at + PAGES]
        page: i64 = self.records[slab] >> PAGE_SHIFT
        self._own(page, pages, 0)
        bins[bin_at + SLABS] -= 1
        self._drop_record(slab, bins[bin_at + WORDS])
        self.pages.give(page, pages)

    # Records.

    def _own(self, page: i64, pages: i64, record: i64) -> None:
        """Make ``record`` the owner of some pages."""
        end: i64 = page + pages
        if end > self.owner_pages:
            self.owner = extend(self.owner, [0] * (self.pages.frontier - self.owner_pages))
            self.owner_pages = self.pages.frontier
        owner = self.owner
        while page < end:
            owner[page] = record
            page += 1

    def _new_record(self, words: i64) -> i64:
        """An unused record with room for ``words`` words of bitmap."""
        record = self._unused_records[words]
        if record:
            self._unused_records[words] = self.records[record]
            return record
        record = len(self.records)
        self.records = extend(self.records, [0] * RECORD_SIZE)
        if words > 0:
            self.records[record + FIRST_WORD] = len(self.words)
            self.words = extend(self.words, [0] * words)
        return record

    def _drop_record(self, record: i64, words: i64) -> None:
        records = self.records
        records[record] = self._unused_records[words]
        records[record + BIN] = UNUSED
        self._unused_records[words] = record

    def record_count(self) -> i64:
        """The highest number of slabs and extents that ever existed at the same time."""
        return len(self.records) // RECORD_SIZE - 1

    # Liveness.

    def _is_live_region(self, slab: i64, bin_at: i64, address: i64) -> bool:
        bins = self.bins
        offset: i64 = address - self.records[slab]
        region: i64 = offset * bins[bin_at + RECIPROCAL] >> RECIPROCAL_SHIFT
        if region * bins[bin_at + GRANULES] != offset or region >= bins[bin_at + REGIONS]:
            return False
        return self.words[self.records[slab + FIRST_WORD] + (region >> 5)] >> (region & 31) & 1 == 0

    def _not_live(self, address: i64) -> AssertionError:
        page: i64 = address >> PAGE_SHIFT
        slab: i64 = self.owner[page] if 0 < page < self.owner_pages else 0
        if slab == 0:
            return AssertionError(f"address {address} does not belong to the heap")
        bin_at = self.records[slab + BIN]
        offset: i64 = address - self.records[slab]
        if bin_at == LARGE or offset % self.bins[bin_at + GRANULES]:
            return AssertionError(f"address {address} is inside a block, not its beginning")
        return AssertionError(f"address {address} is already free")

    # Large blocks, which have no slab.

    @abstractmethod
    def _alloc_large(self, size: i64) -> i64:
        """Serve a request that is too large for a slab."""

    @abstractmethod
    def _free_large(self, extent: i64, address: i64) -> None:
        """Free a large block."""
