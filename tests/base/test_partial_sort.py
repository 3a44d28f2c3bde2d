"""Sorting the front of a list."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredmem.base.partial_sort import PartialSort

NUMBERS = st.lists(st.integers(0, 30).map(float) | st.floats(allow_nan=False), min_size=1, max_size=200)


@given(NUMBERS, st.data())
def test_the_front_is_sorted(numbers: list[float], data: st.DataObject) -> None:
    last = data.draw(st.integers(0, len(numbers) - 1))
    sorting = PartialSort(numbers)
    sorting.sort(last)
    assert [numbers[at] for at in sorting.order[: last + 1]] == sorted(numbers)[: last + 1]
    assert sorted(sorting.order) == list(range(len(numbers)))


# What redis-server 7.0.15 gives for members at these distances: GEOSEARCH ... COUNT n.
@pytest.mark.parametrize(
    ("numbers", "count", "order"),
    [
        ([1.0] * 6, 3, [0, 1, 2]),
        ([1.0] * 8, 3, [7, 1, 2]),
        ([1.0] * 6 + [2.0] * 6, 4, [1, 2, 3, 4]),
    ],
)
def test_the_order_of_equal_numbers(numbers: list[float], count: int, order: list[int]) -> None:
    sorting = PartialSort(numbers)
    sorting.sort(count - 1)
    assert sorting.order[:count] == order
