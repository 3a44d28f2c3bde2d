"""Ballast: memory that is in use for no purpose but to bring used_memory up to a figure.

One block would miss the figure by up to a fifth, because the allocator rounds up to size classes. So the ballast is a
few blocks: the largest that fits, then the largest that fits into the rest, and so on, down to the smallest block.
"""

from __future__ import annotations

from mypy_extensions import i64

from pyredmem.engine.core import Core


class Ballast:
    """The ballast of one engine, and the owner of its blocks."""

    def __init__(self, core: Core) -> None:
        self._allocator = core.allocator
        self._blocks: list[int] = []
        core.owners.register("ballast", self.addresses)

    def fill_to(self, used_bytes: i64) -> list[int]:
        """Take blocks until no more fit below ``used_bytes`` of used_memory; returns them."""
        allocator = self._allocator
        smallest: i64 = allocator.good_size(1)
        blocks: list[int] = []
        room = used_bytes - allocator.used_memory
        while room >= smallest:
            blocks.append(int(allocator.alloc(self._largest_fitting(room))))
            room = used_bytes - allocator.used_memory
        self._blocks += blocks
        return blocks

    def _largest_fitting(self, room: i64) -> i64:
        """The largest size whose usable size is at most ``room``."""
        low: i64 = 1
        high: i64 = room
        while low < high:
            middle = (low + high + 1) // 2
            if self._allocator.good_size(middle) <= room:
                low = middle
            else:
                high = middle - 1
        return low

    def release(self, blocks: list[int]) -> None:
        """Free blocks that `fill_to` has returned."""
        released = set(blocks)
        for block in blocks:
            self._allocator.free(block)
        self._blocks = [block for block in self._blocks if block not in released]

    def addresses(self) -> list[int]:
        return self._blocks
