"""Size classes of the modelled allocators.

A *profile* says what an allocator makes of a request: the usable size ``C(n)`` of a request of ``n`` bytes, the usable
size ``R(old, n)`` after a reallocation, how slabs are divided into small blocks, and the name of the allocator.

There are four profiles:

``jemalloc``      the jemalloc bundled with Redis: quantum 8, four classes per doubling
``jemalloc-lg4``  jemalloc as Linux distributions build it: quantum 16, one guard page per large run
``libc``          glibc: chunks of 16n bytes with an 8-byte header, big blocks mapped separately
``tcmalloc``      gperftools 2.10: a fixed table of classes, reallocation grows by a quarter

This module is arithmetic only; ``heap`` decides where blocks are placed. The one piece of state is glibc's mapping
threshold, which rises when mapped blocks are freed; that is why each allocator has its own profile object.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final

from mypy_extensions import i64

PAGE_BYTES: Final = 4096

JEMALLOC_SMALL_LIMIT: Final = 14336
LIBC_SMALL_LIMIT: Final = 8184
LIBC_MMAP_THRESHOLD: Final = 128 * 1024
LIBC_MMAP_THRESHOLD_LIMIT: Final = 32 * 1024 * 1024
TCMALLOC_SMALL_LIMIT: Final = 32768
TCMALLOC_PAGE_BYTES: Final = 8192

TCMALLOC_CLASSES: Final = (
    *(8, *range(16, 257, 16), *range(288, 513, 32), *range(576, 769, 64), *range(896, 1537, 128)),
    *(1792, 2048, 2304, 2560, 2816, 3072, 3328, 4096, 4608, 5120, 6144, 6656, 8192, 9216, 10240),
    *(12288, 13312, 16384, 20480, 24576, 26624, 32768),
)


class BinShape:
    """The geometry of one small class: ``regions`` blocks of ``slot`` bytes each in a slab of ``pages`` pages.

    ``usable`` is the part of a slot that the owner of the block may use; glibc keeps 8 bytes for itself.
    """

    def __init__(self, usable: int, slot: int, pages: int) -> None:
        self.usable: Final = usable
        self.slot: Final = slot
        self.pages: Final = pages
        self.regions: Final = pages * PAGE_BYTES // slot


def floor_log2(value: i64) -> i64:
    """The position of the highest set bit of a positive number."""
    result: i64 = 0
    if value >= 1 << 32:
        value >>= 32
        result += 32
    while value >= 16:
        value >>= 4
        result += 4
    while value > 1:
        value >>= 1
        result += 1
    return result


def jemalloc_class(size: i64, quantum: i64) -> i64:
    """The jemalloc class of a request: four classes per doubling, at least ``quantum`` bytes apart."""
    if size <= 8:
        return 8
    quarter: i64 = 1  # a variable, because mypyc makes a literal on the left of a shift a 32-bit number
    quarter = quarter << floor_log2(size - 1) >> 2
    spacing: i64 = max(quarter, quantum)
    return (size + spacing - 1) // spacing * spacing


def _jemalloc_slab_pages(size: int) -> int:
    pages = 1
    while pages * PAGE_BYTES % size:
        pages += 1
    return pages


def _simple_slab_pages(slot: int, page_bytes: int) -> int:
    """The pages of the smallest slab that wastes at most an eighth of itself after its last region."""
    slab = page_bytes
    while slab % slot * 8 > slab:
        slab += page_bytes
    return slab // PAGE_BYTES


def _jemalloc_bins(quantum: int) -> list[BinShape]:
    shapes: list[BinShape] = []
    size = 0
    while size < JEMALLOC_SMALL_LIMIT:
        size = jemalloc_class(size + 1, quantum)
        shapes.append(BinShape(size, size, _jemalloc_slab_pages(size)))
    return shapes


#: The small classes of each profile, made once per process.
BIN_SHAPES: Final = {
    "jemalloc": _jemalloc_bins(8),
    "jemalloc-lg4": _jemalloc_bins(16),
    "libc": [
        BinShape(chunk - 8, chunk, _simple_slab_pages(chunk, PAGE_BYTES))
        for chunk in range(32, LIBC_SMALL_LIMIT + 9, 16)
    ],
    "tcmalloc": [BinShape(size, size, _simple_slab_pages(size, TCMALLOC_PAGE_BYTES)) for size in TCMALLOC_CLASSES],
}


class Profile(ABC):
    """The sizes that one allocator gives."""

    def __init__(self, name: str, mem_allocator: str, startup_bytes: int) -> None:
        self.name: Final = name
        #: The value of INFO's mem_allocator.
        self.mem_allocator: Final = mem_allocator
        #: The used_memory of a server with the default configuration before its first client.
        self.startup_bytes: Final = startup_bytes
        self.has_statistics: bool = False
        self.supports_defrag: bool = False
        #: The largest request that is served from a slab.
        self.small_limit: i64 = 0
        #: The small classes in order of size: one list for all profiles of the name, which never changes.
        self.bins: Final = BIN_SHAPES[name]

    @abstractmethod
    def large_size(self, size: i64) -> i64:
        """C(size) of a request above ``small_limit``."""

    @abstractmethod
    def large_pages(self, usable: i64) -> i64:
        """The pages that a large block of that usable size occupies."""

    def realloc_request(self, old: i64, size: i64) -> i64:
        """The request that a reallocation from usable size ``old`` to ``size`` bytes really makes.

        A result of ``old`` means that the block stays as it is.
        """
        return size

    def large_freed(self, usable: i64) -> None:
        """Called after a large block was freed."""
        return


class JemallocProfile(Profile):
    """jemalloc 5.3.0 with the given quantum."""

    def __init__(self, name: str, startup_bytes: int, quantum: int, guard_pages: int) -> None:
        super().__init__(name, "jemalloc-5.3.0", startup_bytes)
        self.quantum: i64 = quantum
        self.guard_pages: i64 = guard_pages
        self.has_statistics = True
        self.supports_defrag = guard_pages == 0
        self.small_limit = JEMALLOC_SMALL_LIMIT

    def large_size(self, size: i64) -> i64:
        """C(size); each large class is a multiple of the page size."""
        return jemalloc_class(size, self.quantum)

    def large_pages(self, usable: i64) -> i64:
        """The pages of a run, with the guard page of cache-oblivious builds."""
        return usable // PAGE_BYTES + self.guard_pages


class LibcProfile(Profile):
    """glibc's malloc as a formula.

    A real process may get 16 bytes more, when the remainder of a chunk is too small to split.
    """

    def __init__(self) -> None:
        super().__init__("libc", "libc", 957264)
        self.small_limit = LIBC_SMALL_LIMIT
        #: Requests whose chunk has this size or more are mapped separately.
        self.mmap_threshold: i64 = LIBC_MMAP_THRESHOLD

    def large_size(self, size: i64) -> i64:
        """C(size): a chunk less its header or, for a mapped block, whole pages less two words."""
        chunk: i64 = (size + 23) // 16 * 16
        if chunk < self.mmap_threshold:
            return chunk - 8
        return (chunk + 8 + PAGE_BYTES - 1) // PAGE_BYTES * PAGE_BYTES - 16

    def large_pages(self, usable: i64) -> i64:
        """The pages that cover the block and its header."""
        return (usable + 16 + PAGE_BYTES - 1) // PAGE_BYTES

    def large_freed(self, usable: i64) -> None:
        """Raise the threshold to the size of a freed mapped block, so that blocks of this size come from the heap.

        Mapped blocks are recognised by their usable size: it is a multiple of 16, where that of a heap chunk is 8 more.
        """
        mapped: i64 = usable + 16
        if usable % 16 == 0 and self.mmap_threshold < mapped <= LIBC_MMAP_THRESHOLD_LIMIT:
            self.mmap_threshold = mapped


class TcmallocProfile(Profile):
    """gperftools tcmalloc 2.10 with default settings."""

    def __init__(self) -> None:
        super().__init__("tcmalloc", "tcmalloc-2.10", 871392)
        self.small_limit = TCMALLOC_SMALL_LIMIT

    def large_size(self, size: i64) -> i64:
        """Whole tcmalloc pages of 8 KiB."""
        return (size + TCMALLOC_PAGE_BYTES - 1) // TCMALLOC_PAGE_BYTES * TCMALLOC_PAGE_BYTES

    def large_pages(self, usable: i64) -> i64:
        """The number of 4 KiB pages."""
        return usable // PAGE_BYTES

    def realloc_request(self, old: i64, size: i64) -> i64:
        """A growing block grows by at least a quarter; a shrinking one stays until less than half of it is needed."""
        if size > old:
            return max(size, old + old // 4)
        return size if size < old // 2 else old


PROFILE_NAMES: Final = ("jemalloc", "jemalloc-lg4", "libc", "tcmalloc")


def create_profile(name: str) -> Profile:
    """A new profile of that name."""
    if name == "jemalloc":
        return JemallocProfile(name, 865960, quantum=8, guard_pages=0)
    if name == "jemalloc-lg4":
        return JemallocProfile(name, 880336, quantum=16, guard_pages=1)
    if name == "libc":
        return LibcProfile()
    if name == "tcmalloc":
        return TcmallocProfile()
    raise ValueError(f"unknown allocator profile: {name}")
