"""The ledger's side of a string that is modified in place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredmem.memory.allocator import Allocator
from pyredmem.structures.sds import Sds, new_sds
from tests.support.movers import Evictor

TYPE_5, TYPE_8, TYPE_16 = 1, 3, 5


def _figures(sds: Sds, allocator: Allocator) -> tuple[int, int, int]:
    """The type of the header, the capacity and the usable size of the block."""
    sds.check(allocator)
    return int(sds.header), int(sds.capacity), int(sds.usable(allocator))


@pytest.mark.parametrize(
    ("length", "figures"),
    [
        (0, (TYPE_8, 4, 8)),  # an empty string gets a header that can grow
        (20, (TYPE_5, 0, 24)),  # type 5 stores no capacity
        (100, (TYPE_8, 108, 112)),
        (1000, (TYPE_16, 1018, 1024)),
    ],
)
def test_a_new_string_may_use_the_rest_of_its_block(length: int, figures: tuple[int, int, int]) -> None:
    allocator = Allocator()
    assert _figures(new_sds(length, allocator), allocator) == figures


def test_room_that_is_there_needs_no_other_block() -> None:
    allocator = Allocator()
    sds = new_sds(100, allocator)
    before = sds.address, _figures(sds, allocator)
    sds.make_room(100, 8, allocator)
    assert (sds.address, _figures(sds, allocator)) == before


def test_no_room_is_made_for_nothing() -> None:
    """Although a string of type 5 has a capacity of 0, less than its length."""
    allocator = Allocator()
    sds = new_sds(20, allocator)
    sds.make_room(20, 0, allocator)
    assert _figures(sds, allocator) == (TYPE_5, 0, 24)


def test_making_room_doubles_what_is_needed() -> None:
    allocator = Allocator()
    sds = new_sds(1000, allocator)
    sds.make_room(1000, 500, allocator)
    assert _figures(sds, allocator) == (TYPE_16, 3066, 3072)  # a request of 3006


def test_making_exact_room_takes_just_what_is_needed() -> None:
    allocator = Allocator()
    sds = new_sds(1000, allocator)
    sds.make_exact_room(1000, 500, allocator)
    assert _figures(sds, allocator) == (TYPE_16, 1530, 1536)


def test_a_header_of_another_type_means_another_block() -> None:
    """The new block is taken before the old one is freed, so it cannot be the same one."""
    allocator = Allocator()
    sds = new_sds(20, allocator)
    old = sds.address
    sds.make_exact_room(20, 1, allocator)
    assert _figures(sds, allocator) == (TYPE_8, 28, 32)
    assert sds.address != old
    assert allocator.live_addresses() == [sds.address]


def test_resizing_forgets_the_rest_of_the_block() -> None:
    allocator = Allocator()
    sds = new_sds(1000, allocator)
    sds.resize(600, allocator)
    assert _figures(sds, allocator) == (TYPE_16, 600, 640)


def test_a_string_that_is_resized_to_next_to_nothing_gets_a_header_that_can_grow() -> None:
    allocator = Allocator()
    sds = new_sds(1000, allocator)
    sds.resize(10, allocator)
    assert _figures(sds, allocator) == (TYPE_8, 10, 16)


def test_resizing_to_the_present_capacity_changes_nothing() -> None:
    allocator = Allocator()
    sds = new_sds(1000, allocator)
    before = sds.address, _figures(sds, allocator)
    sds.resize(1018, allocator)
    assert (sds.address, _figures(sds, allocator)) == before


def test_a_renewed_string_is_as_a_new_one_in_another_block() -> None:
    allocator = Allocator()
    sds = new_sds(1000, allocator)
    old = sds.address
    sds.renew(1000, allocator)
    assert _figures(sds, allocator) == (TYPE_16, 1018, 1024)
    assert sds.address != old


def test_a_freed_string_leaves_nothing_in_the_ledger() -> None:
    allocator = Allocator()
    new_sds(1000, allocator).free(allocator)
    assert allocator.used_memory == 0


def test_a_record_that_has_to_leave_its_place_gets_a_twin_with_the_same_block() -> None:
    allocator = Allocator()
    sds = new_sds(1000, allocator)
    twin = sds.relocated(Evictor(allocator))
    assert twin is not sds
    assert (twin.address, _figures(twin, allocator)) == (sds.address, _figures(sds, allocator))


@given(st.lists(st.tuples(st.sampled_from(["room", "exact", "resize", "renew"]), st.integers(0, 100_000)), max_size=20))
def test_a_string_always_has_the_room_that_was_made_and_one_block(steps: list[tuple[str, int]]) -> None:
    allocator = Allocator()
    sds = new_sds(0, allocator)
    length = 0
    for step, size in steps:
        if step == "room":
            sds.make_room(length, size, allocator)
            assert size == 0 or sds.capacity >= length + size
        elif step == "exact":
            sds.make_exact_room(length, size, allocator)
            assert size == 0 or sds.capacity >= length + size
        elif step == "resize":
            sds.resize(length + size, allocator)
            assert sds.capacity == length + size
        else:
            length = size
            sds.renew(length, allocator)
        sds.check(allocator)
        assert allocator.live_addresses() == [sds.address]
