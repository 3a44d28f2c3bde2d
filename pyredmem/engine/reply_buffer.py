"""The reply buffer of a client, and the reply blocks for output that does not fit into it.

The timer adapts the size of the buffer to its use (Redis 7.2 server.c clientsCronResizeOutputBuffer). Blocks exist only
while output is unsent: they are added at the end of their list as output grows and freed from its head as it is sent.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.layout import (
    LIST_NODE_SIZE,
    REPLY_BLOCK_HEADER_SIZE,
    REPLY_BUFFER_MIN_BYTES,
    REPLY_CHUNK_BYTES,
    reply_block_size,
)

#: What CLIENT LIST counts for a block beside its capacity.
_BLOCK_OVERHEAD: Final = LIST_NODE_SIZE + REPLY_BLOCK_HEADER_SIZE


class ReplyBlock:
    """A block for ``capacity`` bytes of output, and its node in the client's list of blocks."""

    def __init__(self, node: i64, address: i64, capacity: i64) -> None:
        self.node: i64 = node
        self.address: i64 = address
        self.capacity: i64 = capacity


class ReplyBuffer:
    """The ledger blocks of a client's output, from `open` to `close`."""

    def __init__(self, allocator: Allocator) -> None:
        self._allocator = allocator
        self._address: i64 = 0
        self.size: i64 = 0
        self.peak: i64 = 0  # bytes used at once since the peak was last reset
        self._peak_reset_ms: i64 = 0
        self.unsent: i64 = 0
        self.blocks: list[ReplyBlock] = []
        self._blocks_capacity: i64 = 0

    def open(self) -> None:
        self._set_buffer(self._allocator.alloc(REPLY_CHUNK_BYTES))
        self.peak = self.size
        self._peak_reset_ms = 0  # so the first peak is reset at once, as in Redis, which takes seconds for milliseconds

    def close(self) -> None:
        for address in self.addresses():
            self._allocator.free(address)
        self._address = 0
        self.unsent = 0
        self.blocks = []
        self._blocks_capacity = 0

    def addresses(self) -> list[int]:
        """Every ledger block of the buffer and the reply blocks."""
        owned = [int(self._address)] if self._address != 0 else []
        for block in self.blocks:
            owned += [int(block.node), int(block.address)]
        return owned

    def check(self) -> None:
        """Assert the invariants."""
        assert self._blocks_capacity == sum([block.capacity for block in self.blocks])
        assert self.unsent <= self.size + self._blocks_capacity

    def _set_buffer(self, address: i64) -> None:
        self._address = address
        self.size = self._allocator.usable(address)

    # Figures.

    def used(self) -> i64:
        """Unsent bytes in the buffer."""
        return min(self.unsent, self.size)

    def blocks_bytes(self) -> i64:
        """What the reply blocks take: omem in CLIENT LIST."""
        return self._blocks_capacity + _BLOCK_OVERHEAD * len(self.blocks)

    # Output.

    def note_use(self, output: i64) -> None:
        """Note for the timer that ``output`` bytes were unsent at once."""
        used = min(output, self.size)
        if used > self.peak:
            self.peak = used

    def set_unsent(self, unsent: i64, largest: i64 = 0) -> None:
        """Add or free blocks for ``unsent`` bytes; ``largest`` is the length of the longest new string in them."""
        self.unsent = unsent
        overflow = unsent - self.size
        while self._blocks_capacity < overflow:
            self._add_block(min(largest, overflow - self._blocks_capacity))
        while self.blocks and self._blocks_capacity - self.blocks[0].capacity >= max(overflow, 0):
            self._free_first_block()

    def _add_block(self, needed: i64) -> None:
        alloc = self._allocator.alloc
        address = alloc(reply_block_size(needed))
        capacity = self._allocator.usable(address) - REPLY_BLOCK_HEADER_SIZE
        self.blocks.append(ReplyBlock(alloc(LIST_NODE_SIZE), address, capacity))
        self._blocks_capacity += capacity

    def _free_first_block(self) -> None:
        block = self.blocks.pop(0)
        self._blocks_capacity -= block.capacity
        self._allocator.free(block.node)
        self._allocator.free(block.address)

    # The timer.

    def adapt(self, now_ms: i64, reset_ms: i64) -> i64:
        """Adapt the size of the buffer to its peak use; returns by how many bytes it grew, negative if it shrank.

        The peak is reset after ``reset_ms`` milliseconds; never if that is negative.
        """
        old_size = self.size
        wanted = self._wanted_size()
        if reset_ms >= 0 and now_ms - self._peak_reset_ms > reset_ms:
            self.peak = self.used()
            self._peak_reset_ms = now_ms
        if wanted != old_size:
            address = self._allocator.alloc(wanted)
            self._allocator.free(self._address)
            self._set_buffer(address)
        return self.size - old_size

    def _wanted_size(self) -> i64:
        """Just above the peak if less than half of the buffer was used, twice the size if all of it was."""
        size = self.size
        if size // 2 >= REPLY_BUFFER_MIN_BYTES and self.peak < size // 2:
            return max(REPLY_BUFFER_MIN_BYTES, self.peak + 1)
        if size < REPLY_CHUNK_BYTES and self.peak == size:
            return min(REPLY_CHUNK_BYTES, size * 2)
        return size
