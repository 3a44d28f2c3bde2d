"""Redis's intset: a set of 64-bit integers as one sorted array of numbers of equal width.

Each number takes 2, 4 or 8 bytes, as many as the largest number that was *ever* added needs. The block is reallocated
to the exact size whenever a number is added or removed (Redis 7.2 intset.c). The numbers themselves are in a sorted
list, in which they are found by binary search as in Redis.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from typing import Final, cast

from mypy_extensions import i32, i64

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.layout import intset_size, intset_width
from pyredmem.memory.mover import Mover
from pyredmem.memory.relocation import relocated_list, relocated_number

_SMALLEST_WIDTH: Final = 2


class IntSet:
    """Sorted integers and their block in the ledger."""

    def __init__(self, allocator: Allocator, address: i64 = 0) -> None:
        """``address`` is the block of the intset that this one replaces, if it replaces one."""
        self.allocator = allocator
        self.numbers: list[int] = []
        self.width: i64 = _SMALLEST_WIDTH  # bytes per number
        self.address: i32 = i32(allocator.alloc(intset_size(0, 0)) if address == 0 else address)

    def contains(self, number: int) -> bool:
        numbers = self.numbers
        at = bisect_left(numbers, number)
        return at < len(numbers) and numbers[at] == number

    def add(self, number: int) -> bool:
        """Add a number; False if it was there already."""
        numbers = self.numbers
        at = bisect_left(numbers, number)
        if at < len(numbers) and numbers[at] == number:
            return False
        numbers.insert(at, number)
        width = intset_width(number)
        if width > self.width:
            self.width = width
        self._fit()
        return True

    def remove(self, number: int) -> bool:
        """Remove a number; False if it was not there."""
        numbers = self.numbers
        at = bisect_left(numbers, number)
        if at == len(numbers) or numbers[at] != number:
            return False
        del numbers[at]
        self._fit()
        return True

    def duplicate(self) -> IntSet:
        """A copy with its own block; the width of the numbers stays the same."""
        copy = IntSet(self.allocator)
        copy.numbers = self.numbers.copy()
        copy.width = self.width
        copy._fit()
        return copy

    def fill(self, numbers: list[int], width: i64) -> None:
        """Take over numbers in ascending order, each of which takes ``width`` bytes."""
        self.numbers = numbers
        self.width = width
        self._fit()

    def data(self) -> bytes:
        """The exact bytes of the block: the width, the count, and the numbers, all little-endian."""
        width = int(self.width)
        content = b"".join([number.to_bytes(width, "little", signed=True) for number in self.numbers])
        return width.to_bytes(4, "little") + len(self.numbers).to_bytes(4, "little") + content

    def free(self) -> None:
        self.allocator.free(i64(self.address))

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        """Remove at most ``limit`` numbers, and the block with the last ones; True when nothing is left."""
        numbers = self.numbers
        size: i64 = len(numbers)
        if size > limit:
            del numbers[size - limit :]
            return False
        self.numbers = []
        freed.add(i64(self.address))
        return True

    def defrag(self, mover: Mover) -> None:
        """Let the mover place the block, and the list if it steers."""
        self.address = i32(mover.block(i64(self.address)))
        if mover.steers():
            self.numbers = relocated_list(self.numbers, mover)

    def defrag_numbers(self, mover: Mover, cursor: i64, limit: i64) -> i64:
        """Show ``limit`` numbers to a mover that steers; returns the next cursor, 0 at the end.

        The cursor is the place of the first number.
        """
        if not mover.steers() or cursor < 0:
            return 0
        numbers = cast("list[object]", self.numbers)
        size: i64 = len(numbers)
        end = cursor + (limit if limit > 0 else 1)
        if end > size:
            end = size
        at = cursor
        while at < end:
            numbers[at] = relocated_number(numbers[at], mover)
            at += 1
        return end if end < size else 0

    def relocated(self, mover: Mover) -> IntSet:
        """This object or, if it must leave its place in the process's heap, a twin with the same block."""
        if not mover.must_leave(self):
            return self
        twin = IntSet(self.allocator, i64(self.address))
        while mover.must_plug(twin):
            twin = IntSet(self.allocator, i64(self.address))
        twin.numbers = self.numbers
        twin.width = self.width
        return twin

    def image(self) -> IntSet:
        """A copy that refers to the same block."""
        image = IntSet(self.allocator, i64(self.address))
        image.numbers = self.numbers.copy()
        image.width = self.width
        return image

    def check(self) -> None:
        """Assert the invariants."""
        numbers = self.numbers
        assert all(low < high for low, high in pairwise(numbers)), "not in ascending order"
        assert all(intset_width(number) <= self.width for number in numbers)
        needed = self.allocator.good_size(intset_size(len(numbers), self.width))
        assert self.allocator.usable(i64(self.address)) >= needed

    def _fit(self) -> None:
        size = intset_size(len(self.numbers), self.width)
        self.address = i32(self.allocator.realloc(i64(self.address), size))
