"""The allocator of a server that uses glibc's malloc, with the 16 bytes that a block may get more than it needs.

The ledger places blocks as it always does. But each block of glibc's main heap has a chunk in a ``LibcArena`` too,
which says how large the block is. Blocks that glibc maps from the system have none.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import extend, vec
from mypy_extensions import i32, i64

from pyredmem.memory.checked_bytes import CheckedAllocator
from pyredmem.memory.libc_arena import UNIT, LibcArena, chunk_units, usable_bytes
from pyredmem.memory.libc_requests import WaitingRequests, matter
from pyredmem.memory.pages import PAGE_SHIFT, OutOfMemory
from pyredmem.memory.size_classes import PAGE_BYTES, LibcProfile


class LibcAllocator(CheckedAllocator):
    """The heap of one server with glibc's malloc."""

    def __init__(self, checks: bool) -> None:
        super().__init__("libc", checks)
        assert isinstance(self.profile, LibcProfile)
        self._sizes: Final = self.profile
        self.arena: Final = LibcArena()
        self.spare_bytes = UNIT
        #: The chunk of each block, by half of its address, as blocks begin at multiples of 16 bytes; 0 if it has none.
        self._chunks: vec[i32] = vec[i32]()
        self._given: i64 = 0
        self._waiting: WaitingRequests | None = None

    def alloc(self, size: i64) -> i64:
        if size < 0 or self._is_mapped(size):
            self.arena.pass_by()
            address: i64 = super().alloc(size)
            self._given = self.usable(address)
            return address
        return self._alloc_with(self.arena.take(chunk_units(size)), size)

    def alloc_zeroed(self, size: i64) -> i64:
        if self._is_mapped(size):
            return self.alloc(size)
        return self._alloc_with(self.arena.take_zeroed(chunk_units(size)), size)

    def free(self, address: i64) -> None:
        super().free(address)
        self._release_chunk(address)

    def given_size(self, request: i64) -> i64:
        return self._given

    def start_resize(self, address: i64, old: i64, size: i64) -> tuple[i64, i64]:
        chunk: i64 = self._chunk(address)
        if chunk == 0 or self._is_mapped(size):
            return self._resize_mapped(address, old, size)
        chunk = self.arena.resize(chunk, chunk_units(size))
        usable: i64 = usable_bytes(self.arena.size(chunk))
        self._chunks[address >> 1] = 0
        if usable == old or (min(usable, old) > self.small_limit and self._resize_large(address, usable)):
            self._set_chunk(address, chunk)
            return address, usable
        return self._alloc_with(chunk, size), usable

    # Requests that wait.

    def hold_requests(self, requests: list[list[bytes]]) -> bool:
        if self.sizes.queued_request == 0 or not matter(requests):
            return False
        if self._waiting is None:
            self._waiting = WaitingRequests(self.arena, self.sizes.queued_request)
        self._waiting.hold(requests)
        return True

    def drop_request(self) -> None:
        if self._waiting is not None:
            self._waiting.drop()

    def drop_requests(self) -> None:
        if self._waiting is not None:
            self._waiting.drop_all()

    # Sizes.

    def _resize_mapped(self, address: i64, old: i64, size: i64) -> tuple[i64, i64]:
        """Resize a block that is mapped by the system, or will be."""
        usable: i64 = self.good_size(size)
        if usable == old:
            return address, usable
        if min(usable, old) <= self.small_limit or not self._resize_large(address, usable):
            new: i64 = self.alloc(size)
            return new, self._given
        self._release_chunk(address)
        return address, usable

    def _is_mapped(self, size: i64) -> bool:
        """Whether glibc asks the system for a block of its own for a request."""
        return chunk_units(size) * UNIT >= self._sizes.mmap_threshold

    def _alloc_with(self, chunk: i64, size: i64) -> i64:
        """A block for a chunk, of which ``size`` bytes were asked for."""
        usable: i64 = usable_bytes(self.arena.size(chunk))
        try:
            address: i64 = super().alloc(usable)
        except OutOfMemory:
            self.arena.release(chunk)
            raise
        self._given = usable if usable <= self.small_limit else self.usable(address)
        self.requested_bytes -= usable - size
        self._set_chunk(address, chunk)
        return address

    def _release_chunk(self, address: i64) -> None:
        chunk: i64 = self._chunk(address)
        if chunk:
            self._chunks[address >> 1] = 0
            self.arena.release(chunk)
        else:
            self.arena.follow_threshold(self._sizes.mmap_threshold)

    def _chunk(self, address: i64) -> i64:
        at: i64 = address >> 1
        return i64(self._chunks[at]) if at < len(self._chunks) else 0

    def _set_chunk(self, address: i64, chunk: i64) -> None:
        at: i64 = address >> 1
        missing: i64 = at + 1 - len(self._chunks)
        if missing > 0:
            whole: i64 = (self.pages.frontier << PAGE_SHIFT - 1) - len(self._chunks)
            self._chunks = extend(self._chunks, [0] * max(missing, whole))
        self._chunks[at] = i32(chunk)

    # Audit.

    def check(self) -> None:
        """Assert the invariants."""
        super().check()
        self.arena.check()
        for address in self.live_addresses():
            chunk: i64 = self._chunk(address)
            if chunk:
                room: i64 = self.usable(address) - usable_bytes(self.arena.size(chunk))
                assert 0 <= room < PAGE_BYTES, f"block {address} is not as large as its chunk"
