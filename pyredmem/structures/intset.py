"""Redis's intset: a set of 64-bit integers as one sorted array of numbers of equal width.

The numbers take 2, 4 or 8 bytes each, as many as the largest that was *ever* added needs; the block is reallocated to
the exact size with every number that comes or goes (Redis 7.2 intset.c). The numbers themselves are in a sorted list,
which finds one by halving as Redis does.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from typing import Final

from mypy_extensions import i32, i64

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.layout import intset_size, intset_width

_SMALLEST_WIDTH: Final = 2


class IntSet:
    """Sorted integers and their block in the ledger."""

    def __init__(self, allocator: Allocator) -> None:
        self.allocator = allocator
        self.numbers: list[int] = []
        self.width: i64 = _SMALLEST_WIDTH  # bytes per number
        self.address: i32 = i32(allocator.alloc(intset_size(0, 0)))

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
