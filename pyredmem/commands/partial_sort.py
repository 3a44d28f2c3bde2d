"""Partial sorting: the smallest numbers of a list, in the order in which Redis would return them.

Redis sorts with the quicksort of Bentley and McIlroy ("Engineering a sort function", 1993), which does not keep the
order of equal elements, and skips the partitions outside the wanted range. Which of several equal elements are
returned, and in which order, depends on its exchanges, so this module makes the same exchanges in the same order.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

_SMALL: Final = 7  # fewer elements than this are sorted by insertion
_LARGE: Final = 40  # with more elements than this, the pivot is a median of medians


class PartialSort:
    """Sorts the smallest numbers to the front; ``order`` gives the original index of each number."""

    def __init__(self, numbers: list[float]) -> None:
        self._numbers = list(numbers)
        self.order = list(range(len(numbers)))

    def sort(self, last: i64) -> None:
        """Move the numbers of ranks 0 to ``last`` to the front, in order."""
        self._sort(0, len(self._numbers), last)

    def _swap(self, one: i64, other: i64) -> None:
        numbers, order = self._numbers, self.order
        numbers[one], numbers[other] = numbers[other], numbers[one]
        order[one], order[other] = order[other], order[one]

    def _swap_blocks(self, one: i64, other: i64, count: i64) -> None:
        for at in range(count):
            self._swap(one + at, other + at)

    def _median(self, one: i64, two: i64, three: i64) -> i64:
        numbers = self._numbers
        a, b, c = numbers[one], numbers[two], numbers[three]
        if a < b:
            if b < c:
                return two
            return three if a < c else one
        if b > c:
            return two
        return one if a < c else three

    def _insertion_sort(self, start: i64, count: i64) -> None:
        numbers = self._numbers
        end = start + count
        place = start + 1
        while place < end:
            at = place
            while at > start and numbers[at - 1] > numbers[at]:
                self._swap(at, at - 1)
                at -= 1
            place += 1

    def _pivot(self, start: i64, count: i64) -> i64:
        middle = start + count // 2
        if count <= _SMALL:
            return middle
        low = start
        high = start + count - 1
        if count > _LARGE:
            span = count // 8
            low = self._median(low, low + span, low + 2 * span)
            middle = self._median(middle - span, middle, middle + span)
            high = self._median(high - 2 * span, high - span, high)
        return self._median(low, middle, high)

    def _sort(self, start: i64, count: i64, last: i64) -> None:
        numbers = self._numbers
        while count >= _SMALL:
            self._swap(start, self._pivot(start, count))
            pivot = numbers[start]
            # start | equal | less | not yet seen | greater | equal | end
            equal_low = left = start + 1
            equal_high = right = start + count - 1
            while True:
                while left <= right and numbers[left] <= pivot:
                    if numbers[left] == pivot:
                        self._swap(equal_low, left)
                        equal_low += 1
                    left += 1
                while left <= right and numbers[right] >= pivot:
                    if numbers[right] == pivot:
                        self._swap(right, equal_high)
                        equal_high -= 1
                    right -= 1
                if left > right:
                    break
                self._swap(left, right)
                left += 1
                right -= 1
            end = start + count
            less = left - equal_low
            greater = equal_high - right
            equal = min(equal_low - start, less)
            self._swap_blocks(start, left - equal, equal)
            equal = min(greater, end - equal_high - 1)
            self._swap_blocks(left, end - equal, equal)
            if less > 1:
                self._sort(start, less, last)
            if greater <= 1 or last < end - greater:
                return
            start = end - greater
            count = greater
        self._insertion_sort(start, count)
