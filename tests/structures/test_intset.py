"""The intset: order, width and block."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pyredmem.memory.allocator import Allocator
from pyredmem.structures.intset import IntSet


def usable(one: IntSet) -> int:
    return int(one.allocator.usable(int(one.address)))


def filled(*numbers: int) -> IntSet:
    one = IntSet(Allocator())
    for number in numbers:
        one.add(number)
    one.check()
    return one


def test_numbers_are_sorted_and_each_is_there_once() -> None:
    one = filled(5, -7, 5, 0)
    assert one.numbers == [-7, 0, 5]
    assert not one.add(0)


def test_an_empty_intset_is_just_a_header() -> None:
    assert usable(filled()) == 8


def test_the_width_follows_the_largest_number() -> None:
    assert filled(32767, -32768).width == 2
    assert filled(32768).width == 4
    assert filled(-32769).width == 4
    assert filled(2**31).width == 8
    assert filled(-(2**63), 2**63 - 1).width == 8


def test_the_width_stays_when_the_largest_number_is_removed() -> None:
    one = filled(1, 2**40)
    assert one.remove(2**40)
    assert one.width == 8
    assert usable(one) == 16


def test_the_block_fits_the_numbers() -> None:
    assert usable(filled(*range(512))) == 1280
    one = filled(*range(512))
    for number in range(508):
        one.remove(number)
    assert usable(one) == 16


def test_removing_a_number_that_is_not_there_changes_nothing() -> None:
    one = filled(1, 3)
    assert not one.remove(2)
    assert one.numbers == [1, 3]


def test_a_copy_has_the_width_of_the_original() -> None:
    one = filled(1, 2, 2**40)
    one.remove(2**40)
    copy = one.duplicate()
    copy.check()
    assert (copy.numbers, copy.width) == ([1, 2], 8)
    assert usable(copy) == 24


@given(st.lists(st.tuples(st.booleans(), st.integers(-40, 40).map(lambda number: number * 2**56)), max_size=60))
def test_an_intset_behaves_like_a_set(steps: list[tuple[bool, int]]) -> None:
    one, model = filled(), set[int]()
    for adding, number in steps:
        if adding:
            assert one.add(number) == (number not in model)
            model.add(number)
        else:
            assert one.remove(number) == (number in model)
            model.discard(number)
        one.check()
        assert one.numbers == sorted(model)
        assert one.contains(number) == (number in model)
