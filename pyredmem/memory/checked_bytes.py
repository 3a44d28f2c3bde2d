"""The assertion build of the heap: each access is checked, and freed memory is poisoned.

A wrong address does not crash: it reads or changes the string of another key. This module finds that, for tests:

* An access must lie inside one live block of the ledger, and inside the bytes that were requested if the owner has
  stated them (``guard``). So a use after free is found unless the block already has a new owner.
* Words of a block are poisoned when it is freed. When they are allocated again they must still be poison: if not,
  somebody wrote to them past this module. Words that have never been used, or whose pages went back, are zero.
* Poison must not be read: whoever reads it reads what was never stored.
* The words of a block after its requested size are a red zone: poison that must be there when the block is freed.

An AssertionError names the block. ``CheckedAllocator`` is the allocator that tells ``CheckedBytes`` of each block; the
two belong together. They are many times slower than the ordinary ones.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.byte_chunks import ByteChunks
from pyredmem.memory.heap_bytes import HeapBytes
from pyredmem.memory.pages import PAGE_SHIFT
from pyredmem.memory.slabs import GRANULE_BYTES

#: A word of freed memory: 0xDEADBEEFDEADBEEF.
POISON: Final = -0x2152411021524111


def words_of(size: i64) -> i64:
    """The words that ``size`` bytes take."""
    return (size + GRANULE_BYTES - 1) // GRANULE_BYTES


class CheckedAllocator(Allocator):
    """An allocator that tells of each block that it takes or gives back, if it ``checks``."""

    def __init__(self, profile_name: str = "jemalloc", checks: bool = True) -> None:
        super().__init__(profile_name)
        self.checks: Final = checks
        self.checked: CheckedBytes | None = None

    def alloc(self, size: i64) -> i64:
        address: i64 = super().alloc(size)
        if self.checked is not None:
            self.checked.on_alloc(address, self.live_size(address))
        return address

    def free(self, address: i64) -> None:
        if self.checked is not None:
            size: i64 = self.live_size(address)
            if size:
                self.checked.on_free(address, size)
        super().free(address)

    def start_realloc(self, address: i64, size: i64) -> i64:
        if self.checked is not None:
            self.checked.on_realloc(address)
        return super().start_realloc(address, size)

    def _give_pages(self, page: i64, pages: i64, usable: i64) -> None:
        if self.checked is not None:
            self.checked.poison(page << PAGE_SHIFT, (page + pages) << PAGE_SHIFT)
        super()._give_pages(page, pages, usable)


class CheckedBytes(HeapBytes):
    """Passes on what is allowed, and raises AssertionError for everything else."""

    def __init__(self, memory: ByteChunks, allocator: CheckedAllocator) -> None:
        super().__init__()
        self._memory: Final = memory
        self._allocator: Final = allocator
        #: The requested sizes that were stated, by block.
        self._requested: dict[int, int] = {}
        allocator.checked = self

    # Accesses.

    def store(self, address: i64, data: bytes, length: i64) -> None:
        assert length == len(data), f"a string of {len(data)} bytes is stored as one of {length}"
        self._check(address, 0, length, "store")
        self._memory.store(address, data, length)

    def store_at(self, address: i64, offset: i64, data: bytes, length: i64) -> None:
        self._check(address, offset, len(data), "store_at")
        self._check_written(address, 0, length, "store_at")
        self._memory.store_at(address, offset, data, length)

    def equals(self, address: i64, data: bytes, length: i64) -> bool:
        assert length == len(data), f"a string of {len(data)} bytes is compared as one of {length}"
        self._check_written(address, 0, length, "equals")
        return self._memory.equals(address, data, length)

    def load(self, address: i64, length: i64) -> bytes:
        self._check_written(address, 0, length, "load")
        return self._memory.load(address, length)

    def load_part(self, address: i64, offset: i64, length: i64) -> bytes:
        self._check_written(address, offset, length, "load_part")
        return self._memory.load_part(address, offset, length)

    def reply(self, address: i64, length: i64, writer: BytesWriter) -> None:
        self._check_written(address, 0, length, "reply")
        self._memory.reply(address, length, writer)

    def word(self, address: i64) -> i64:
        self._check_written(address, 0, GRANULE_BYTES, "word")
        return self._memory.word(address)

    def set_word(self, address: i64, value: i64) -> None:
        self._check(address, 0, GRANULE_BYTES, "set_word")
        self._memory.set_word(address, value)

    def move(self, source: i64, target: i64, length: i64) -> None:
        self._check_written(source, 0, length, "move from")
        self._check(target, 0, length, "move to")
        self._memory.move(source, target, length)

    def memory_bytes(self) -> int:
        return self._memory.memory_bytes()

    def guard(self, address: i64, size: i64) -> None:
        usable: i64 = self._allocator.live_size(address)
        assert usable, f"guard: no live block begins at address {address}"
        assert 0 <= size <= usable, f"guard: the block at address {address} has {usable} bytes, not {size}"
        self._check_red_zone(address)
        self._requested[address] = size
        self.poison(address + words_of(size), address + words_of(usable))

    def _check(self, address: i64, offset: i64, length: i64, access: str) -> None:
        """Refuse an access to ``length`` bytes at ``offset`` from ``address`` unless they lie in one live block."""
        assert offset >= 0, f"{access}: negative offset {offset} from address {address}"
        assert length >= 0, f"{access}: negative length {length} at address {address}"
        block: i64 = self._allocator.live_block(address)
        assert block, f"{access}: address {address} lies in no live block; its block was freed, or never allocated"
        size: i64 = self._requested.get(block, self._allocator.live_size(block))
        end: i64 = (address - block) * GRANULE_BYTES + offset + length
        assert end <= size, f"{access}: byte {end - 1} of the block at address {block}, which has {size} bytes"

    def _check_written(self, address: i64, offset: i64, length: i64, access: str) -> None:
        """The same for an access that reads: all of the bytes must have been stored."""
        self._check(address, offset, length, access)
        first: i64 = address + offset // GRANULE_BYTES
        end: i64 = address + words_of(offset + length)
        if length == 0:
            return
        assert self._memory.has_memory(first, end - first), f"{access}: nothing was stored at address {first}"
        while first < end:
            assert self._memory.word(first) != POISON, (
                f"{access}: nothing was stored at address {first} since it was freed"
            )
            first += 1

    # Blocks that come and go.

    def on_retained(self, page: i64, pages: i64, free_from: i64, free_to: i64) -> None:
        self._memory.on_retained(page, pages, free_from, free_to)

    def on_alloc(self, address: i64, size: i64) -> None:
        """A block was allocated: nobody may have written to it since it was freed."""
        changed: i64 = self._memory.first_other(address, address + words_of(size), POISON)
        assert not changed, (
            f"word {changed - address} of the block at address {address} was written to after it was freed"
        )

    def on_free(self, address: i64, size: i64) -> None:
        """A block is about to be freed."""
        self._check_red_zone(address)
        self._requested.pop(address, 0)
        self.poison(address, address + words_of(size))

    def on_realloc(self, address: i64) -> None:
        """A block is about to get another size, or another place."""
        self._check_red_zone(address)
        self._requested.pop(address, 0)

    def poison(self, address: i64, end: i64) -> None:
        """Poison the words between two addresses, as far as they have memory."""
        self._memory.fill(address, end, POISON)

    def check(self) -> None:
        """Assert that nobody wrote to the red zones of live blocks."""
        for address in list(self._requested):
            self._check_red_zone(address)

    def _check_red_zone(self, address: i64) -> None:
        size: i64 = self._requested.get(address, -1)
        if size < 0:
            return
        end: i64 = address + words_of(self._allocator.live_size(address))
        changed: i64 = self._memory.first_other(address + words_of(size), end, POISON)
        assert not changed, (
            f"word {changed - address} of the block at address {address}, behind its {size} bytes, was written to"
        )
