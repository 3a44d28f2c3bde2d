"""Of many items the largest are kept."""

from __future__ import annotations

from pyredmem.rdb.survey.largest import Largest


def test_the_largest_are_kept_and_of_equal_ones_the_first() -> None:
    largest: Largest[str] = Largest(3)
    for size, name in ((1, "a"), (5, "b"), (3, "c"), (3, "d"), (4, "e"), (0, "f")):
        largest.add(size, name)
    assert largest.items() == [(5, "b"), (4, "e"), (3, "c")]
    assert largest.least == 3


def test_everything_comes_in_until_there_are_enough() -> None:
    largest: Largest[str] = Largest(2)
    largest.add(0, "a")
    assert (largest.least, largest.items()) == (-1, [(0, "a")])
