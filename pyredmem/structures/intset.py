"""Redis's intset: a set of 64-bit integers as one sorted array of numbers of equal width.

The numbers take 2, 4 or 8 bytes each, as many as the largest that was *ever* added needs; the block is reallocated to
the exact size with every number that comes or goes (Redis 7.2 intset.c). The numbers themselves are in a sorted list,
which finds one by halving as Redis does.
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
        """``address``: the block of the intset that this one takes the place of."""
        self.allocator = allocator
        self.numbers: list[int] = []
        self.width: i64 = _SMALLEST_WIDTH  # bytes per number
        self.address: i32 = i32(allocator.alloc(intset_size(0, 0)) if address == 0 else address)

    def contains(self, number: int) -> bool:
        """Whether a number is there."""
        numbers = self.numbers
        at = bisect_left(numbers, number)
        return at < len(numbers) and numbers[at] == number

    def add(self, number: int) -> bool:
        """Put a number in; False if it is there."""
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
        """Take a number out; False if it is not there."""
        numbers = self.numbers
        at = bisect_left(numbers, number)
        if at == len(numbers) or numbers[at] != number:
            return False
        del numbers[at]
        self._fit()
        return True

    def duplicate(self) -> IntSet:
        """A copy of its own; numbers stay as wide as they are."""
        copy = IntSet(self.allocator)
        copy.numbers = self.numbers.copy()
        copy.width = self.width
        copy._fit()
        return copy

    def fill(self, numbers: list[int], width: i64) -> None:
        """Take over numbers in ascending order, each as wide as ``width`` says."""
        self.numbers = numbers
        self.width = width
        self._fit()

    def data(self) -> bytes:
        """The very bytes of the block: width, number and the numbers, little-endian."""
        width = int(self.width)
        content = b"".join([number.to_bytes(width, "little", signed=True) for number in self.numbers])
        return width.to_bytes(4, "little") + len(self.numbers).to_bytes(4, "little") + content

    def free(self) -> None:
        """Give the block back."""
        self.allocator.free(i64(self.address))

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        """Drop so many numbers, and the block with the last ones; True when nothing is left."""
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
        """Show a mover that steers so many numbers from a place on; the next place, 0 at the end."""
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
        """This object or, if it has to leave its place in the process's heap, its twin with the same block."""
        if not mover.must_leave(self):
            return self
        twin = IntSet(self.allocator, i64(self.address))
        while mover.must_plug(twin):
            twin = IntSet(self.allocator, i64(self.address))
        twin.numbers = self.numbers
        twin.width = self.width
        return twin

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
