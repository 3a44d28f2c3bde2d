"""Partial sorting: which numbers come first, and in which order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredmem.commands.partial_sort import PartialSort

NUMBERS = st.lists(st.integers(0, 30).map(float) | st.floats(allow_nan=False), min_size=1, max_size=200)


@given(NUMBERS, st.data())
def test_the_smallest_numbers_come_first_in_order(numbers: list[float], data: st.DataObject) -> None:
    last = data.draw(st.integers(0, len(numbers) - 1))
    sorting = PartialSort(numbers)
    sorting.sort(last)
    assert [numbers[at] for at in sorting.order[: last + 1]] == sorted(numbers)[: last + 1]
    assert sorted(sorting.order) == list(range(len(numbers)))


# Recorded from redis-server 7.0.15: GEOSEARCH ... COUNT n with members at these distances.
@pytest.mark.parametrize(
    ("numbers", "count", "order"),
    [
        ([1.0] * 6, 3, [0, 1, 2]),
        ([1.0] * 8, 3, [7, 1, 2]),
        ([1.0] * 6 + [2.0] * 6, 4, [1, 2, 3, 4]),
    ],
)
def test_equal_numbers_come_in_the_order_that_redis_gives_them(
    numbers: list[float], count: int, order: list[int]
) -> None:
    sorting = PartialSort(numbers)
    sorting.sort(count - 1)
    assert sorting.order[:count] == order
