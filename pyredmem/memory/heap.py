"""The whole heap: small blocks in slabs, and large blocks in page runs of their own.

A large block has a record with its pages and its usable size. It is grown and shrunk in place where the pages allow, as
jemalloc does. Blocks of 8 MiB and more do not leave dirty pages behind: jemalloc serves them from a separate arena that
returns pages to the system at once.

The heap also does everything that concerns small and large blocks alike: it lists the live blocks, checks that all
structures agree, and moves a block from a sparse slab to a fuller one. (``allocator`` says why ``SlabHeap``, ``Heap``
and ``Allocator`` are three classes.)
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.memory.pages import PAGE_SHIFT, OutOfMemory
from pyredmem.memory.size_classes import Profile
from pyredmem.memory.slabs import (
    ALL_FREE,
    ALLOCATIONS,
    BIN,
    BIN_SIZE,
    CURRENT,
    EXTENT_PAGES,
    EXTENT_USABLE,
    FIRST_WORD,
    FREES,
    GRANULES,
    LARGE,
    NONFULL,
    NUMBER,
    PAGES,
    RECIPROCAL,
    RECIPROCAL_SHIFT,
    REGIONS,
    SLABS,
    TOP_BIT,
    USABLE,
    USED,
    WORD,
    WORD_ADDRESS,
    WORD_BITS,
    WORDS,
    SlabHeap,
)

#: Pages of blocks of this size or more are never kept dirty: they return to the system at once.
OVERSIZE_BYTES: Final = 8 * 1024 * 1024

#: Requests above this are refused before any arithmetic: there are not that many addresses.
REQUEST_LIMIT: Final = 1 << 35


class Heap(SlabHeap):
    """All blocks of a process, and the figures that follow from where they lie."""

    def __init__(self, profile: Profile) -> None:
        super().__init__(profile)
        self.large_allocations: i64 = 0
        self.large_frees: i64 = 0
        #: The sum of the usable sizes of all large blocks that were ever allocated.
        self.large_bytes: i64 = 0
        #: Pages in use, and bytes of used_memory, that belong to no block.
        self.reserved_pages: i64 = 0
        self.reserved_bytes: i64 = 0

    # Large blocks.

    def _alloc_large(self, size: i64) -> i64:
        assert size >= 0, f"negative size {size}"
        if size > REQUEST_LIMIT:
            raise OutOfMemory(f"no address space for {size} bytes")
        usable: i64 = self.profile.large_size(size)
        pages: i64 = self.profile.large_pages(usable)
        page: i64 = self.pages.take(pages)
        extent: i64 = self._new_record(0)
        records = self.records
        records[extent] = page << PAGE_SHIFT
        records[extent + BIN] = LARGE
        records[extent + EXTENT_PAGES] = pages
        records[extent + EXTENT_USABLE] = usable
        self._own(page, 1, extent)
        self.large_allocations += 1
        self.large_bytes += usable
        self.requested_bytes += size
        self.used_memory += usable
        return page << PAGE_SHIFT

    def _free_large(self, extent: i64, address: i64) -> None:
        records = self.records
        if extent == 0 or records[extent] != address:
            raise self._not_live(address)
        usable = records[extent + EXTENT_USABLE]
        pages = records[extent + EXTENT_PAGES]
        page: i64 = address >> PAGE_SHIFT
        self.owner[page] = 0
        self._drop_record(extent, 0)
        self.large_frees += 1
        self.used_memory -= usable
        self.profile.large_freed(usable)
        self._give_pages(page, pages, usable)

    def _give_pages(self, page: i64, pages: i64, usable: i64) -> None:
        """Give pages of a large block, whose usable size was ``usable``, back to the pool."""
        if usable >= OVERSIZE_BYTES:
            self.pages.give_to_system(page, pages)
        else:
            self.pages.give(page, pages)

    def _resize_large(self, address: i64, usable: i64) -> bool:
        """Change the size of a large block in place; False if it must grow and the pages after it are not free."""
        records = self.records
        extent: i64 = self.owner[address >> PAGE_SHIFT]
        pages = records[extent + EXTENT_PAGES]
        wanted: i64 = self.profile.large_pages(usable)
        end: i64 = (address >> PAGE_SHIFT) + pages
        if wanted > pages and not self.pages.extend_run(end, wanted - pages):
            return False
        if wanted < pages:
            self._give_pages(end - pages + wanted, pages - wanted, records[extent + EXTENT_USABLE])
        self.used_memory += usable - records[extent + EXTENT_USABLE]
        records[extent + EXTENT_PAGES] = wanted
        records[extent + EXTENT_USABLE] = usable
        return True

    # Defragmentation.

    def relocate(self, address: i64) -> i64:
        """Move a block to where new blocks of its size go, if that helps to empty a sparse slab; returns its address.

        Only blocks in slabs move, not out of the current slab (new blocks go there) nor out of a full one, and only
        when the slab is not more than an eighth fuller than the average of the slabs with room. The arithmetic is that
        of the allocator bundled with Redis, which counts the current slab among the full ones: with a current slab,
        both the number of slabs with room and the regions used in them come out one slab short. When that makes the
        regions negative, its unsigned comparison is true, and the block moves.

        The new place is the first free region of the current slab or, when that is full, of the lowest slab with room.
        Redis bypasses the thread cache here, because the cache would hand out just the regions that were freed last.
        """
        new: i64 = self.start_relocate(address)
        if new != address:
            self.free(address)
        return new

    def start_relocate(self, address: i64) -> i64:
        """Find a place for a block as ``relocate`` does. If it moves, the old block stays until the caller frees it."""
        page: i64 = address >> PAGE_SHIFT
        slab: i64 = self.owner[page] if 0 < page < self.owner_pages else 0
        records = self.records
        bin_at: i64 = records[slab + BIN]
        if bin_at == LARGE:
            if slab == 0 or records[slab] != address:
                raise self._not_live(address)
            return address
        bins = self.bins
        words = self.words
        offset: i64 = address - records[slab]
        region: i64 = offset * bins[bin_at + RECIPROCAL] >> RECIPROCAL_SHIFT
        word: i64 = records[slab + FIRST_WORD] + (region >> 5)
        bit: i64 = TOP_BIT >> (~region & 31)
        regions: i64 = bins[bin_at + REGIONS]
        if words[word] & bit or region * bins[bin_at + GRANULES] != offset or region >= regions:
            raise self._not_live(address)
        current: i64 = bins[bin_at + CURRENT]
        if slab == current:
            return address
        used: i64 = records[slab + USED]
        if used == regions:
            return address
        slabs: i64 = bins[bin_at + NONFULL]
        others: i64 = bins[bin_at + ALLOCATIONS] - bins[bin_at + FREES] - (bins[bin_at + SLABS] - slabs) * regions
        if current:
            others -= records[current + USED] + bins[bin_at + ALLOCATIONS]
            slabs -= 1
        if others >= 0 and used * slabs > others + (others >> 3):
            return address
        return self.alloc(bins[bin_at + USABLE])

    # Inspection.

    def _record_of(self, address: i64) -> i64:
        page: i64 = address >> PAGE_SHIFT
        return self.owner[page] if 0 < page < self.owner_pages else 0

    def live_size(self, address: i64) -> i64:
        """The usable size of the live block at ``address``, 0 if no live block begins there."""
        slab: i64 = self._record_of(address)
        if slab == 0:
            return 0
        bin_at = self.records[slab + BIN]
        if bin_at == LARGE:
            return self.records[slab + EXTENT_USABLE] if self.records[slab] == address else 0
        return self.bins[bin_at + USABLE] if self._is_live_region(slab, bin_at, address) else 0

    def live_block(self, address: i64) -> i64:
        """The live block that ``address`` points to or into; 0 if there is none."""
        page: i64 = address >> PAGE_SHIFT
        slab: i64 = self._record_of(address)
        while slab == 0 and page > 1:  # of an extent, only the first page has an owner
            page -= 1
            slab = self._record_of(page << PAGE_SHIFT)
        if slab == 0:
            return 0
        block: i64 = self.records[slab]
        bin_at: i64 = self.records[slab + BIN]
        if bin_at != LARGE:
            granules: i64 = self.bins[bin_at + GRANULES]
            block += (address - block) // granules * granules
        return block if address < block + (self.live_size(block) + 7 >> 3) else 0

    def live_large_sizes(self) -> list[int]:
        """The usable sizes of all large blocks, by their addresses."""
        sizes: list[int] = []
        for page in range(1, self.owner_pages):
            extent = self.owner[page]
            if extent and self.records[extent + BIN] == LARGE:
                sizes.append(self.records[extent + EXTENT_USABLE])
        return sizes

    def live_addresses(self) -> list[int]:
        """The addresses of all live blocks in ascending order."""
        found: list[int] = []
        page: i64 = 1
        while page < self.owner_pages:
            slab = self.owner[page]
            if slab == 0:
                page += 1
                continue
            bin_at = self.records[slab + BIN]
            if bin_at == LARGE:
                found.append(self.records[slab])
                page += self.records[slab + EXTENT_PAGES]
            else:
                self._collect_live(slab, bin_at, found)
                page += self.bins[bin_at + PAGES]
        return found

    def _collect_live(self, slab: i64, bin_at: i64, found: list[int]) -> None:
        bins = self.bins
        address = self.records[slab]
        granules = bins[bin_at + GRANULES]
        word = self.records[slab + FIRST_WORD]
        left = bins[bin_at + REGIONS]
        while left > 0:
            bits = self.words[word]
            region: i64 = 0
            while region < WORD_BITS and left > 0:
                if bits >> region & 1 == 0:
                    found.append(address)
                address += granules
                region += 1
                left -= 1
            word += 1

    def check(self) -> None:
        """Assert that all structures of the heap agree with each other."""
        self.pages.check()
        bins = len(self.profile.bins) + 1
        counted = [0] * bins
        nonfull = [0] * bins
        slabs = [0] * bins
        used_pages: i64 = 0
        used_memory: i64 = self.reserved_bytes
        page: i64 = 1
        while page < self.owner_pages:
            slab = self.owner[page]
            if slab == 0:
                page += 1
                continue
            records = self.records
            bin_at = records[slab + BIN]
            assert records[slab] == page << PAGE_SHIFT, f"page {page}: record {slab} begins elsewhere"
            if bin_at == LARGE:
                pages = records[slab + EXTENT_PAGES]
                used_memory += records[slab + EXTENT_USABLE]
                counted[0] += 1
            else:
                pages = self.bins[bin_at + PAGES]
                used: i64 = self._check_slab(slab, bin_at)
                number = self.bins[bin_at + NUMBER]
                used_memory += used * self.bins[bin_at + USABLE]
                counted[number] += used
                slabs[number] += 1
                if used < self.bins[bin_at + REGIONS] and slab != self.bins[bin_at + CURRENT]:
                    nonfull[number] += 1
                    assert page in self._nonfull[number], f"slab at page {page} has room but is not listed"
                for inner in range(page, page + pages):
                    assert self.owner[inner] == slab, f"page {inner}: not owned by the slab at {page}"
            used_pages += pages
            page += pages
        assert used_memory == self.used_memory, f"used_memory {self.used_memory}, counted {used_memory}"
        assert used_pages == self.pages.used_pages - self.reserved_pages
        assert counted[0] == self.large_allocations - self.large_frees
        for number in range(1, bins):
            bin_at = number * BIN_SIZE
            assert self.bins[bin_at + ALLOCATIONS] - self.bins[bin_at + FREES] == counted[number]
            assert self.bins[bin_at + SLABS] == slabs[number]
            assert self.bins[bin_at + NONFULL] == nonfull[number], f"bin {number}: count of slabs with room"

    def _check_slab(self, slab: i64, bin_at: i64) -> i64:
        """Assert the invariants of one slab; returns its number of used regions."""
        bins = self.bins
        records = self.records
        free: i64 = 0
        first_free: i64 = -1
        for word in range(records[slab + FIRST_WORD], records[slab + FIRST_WORD] + bins[bin_at + WORDS]):
            bits = self.words[word]
            assert 0 <= bits <= ALL_FREE
            if bits and first_free < 0:
                first_free = word
            while bits:
                free += 1
                bits &= bits - 1
        used: i64 = bins[bin_at + REGIONS] - free
        assert used > 0, f"slab at {records[slab]} is empty"
        if slab == bins[bin_at + CURRENT]:
            assert used == records[slab + USED] + bins[bin_at + ALLOCATIONS], f"slab at {records[slab]}: used"
            assert bins[bin_at + WORD] <= first_free or free == 0
            skipped: i64 = bins[bin_at + WORD] - records[slab + FIRST_WORD]
            assert bins[bin_at + WORD_ADDRESS] == records[slab] + skipped * WORD_BITS * bins[bin_at + GRANULES]
        else:
            assert used == records[slab + USED], f"slab at {records[slab]}: used"
        return used
