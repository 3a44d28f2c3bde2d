"""Lists: defragmentation and dismantling, as far as lists differ from other values (see `test_contract`)."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredmem.memory.allocator import Allocator
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.list import ListObject, new_list
from pyredmem.objects.list_encodings import QuicklistList
from pyredmem.structures.marks import MOST_MARKS
from tests.objects.samples import LIST_SHAPES, a_list
from tests.objects.samples import list_limits as limits
from tests.support.movers import (
    Evictor,
    Recorder,
    full_pass,
    taken_apart,
    visit_elements,
)


@pytest.mark.parametrize(("count", "wanted"), LIST_SHAPES)
def test_a_pass_that_steers_shows_each_element_once(count: int, wanted: EncodingLimits) -> None:
    allocator = Allocator()
    value = a_list(allocator, count, wanted)
    recorder = Recorder(allocator, steering=True)
    full_pass(value, recorder, 3)
    assert recorder.texts == value.elements()


@pytest.mark.parametrize(("count", "wanted"), LIST_SHAPES)
def test_every_object_of_a_list_leaves_its_place(count: int, wanted: EncodingLimits) -> None:
    allocator = Allocator()
    value = a_list(allocator, count, wanted)
    evictor = Evictor(allocator)
    moved = full_pass(value, evictor, 3)
    assert isinstance(moved, ListObject)
    left = {id(item) for item in evictor.left}
    assert not left & {id(element) for element in moved.elements()}
    node = moved.encoded.first_node()
    while node is not None:
        assert not left & {id(node), id(node.items)}
        node = node.next
    assert not left & {id(moved), id(moved.encoded)}


def test_a_call_visits_at_most_limit_nodes() -> None:
    allocator = Allocator()
    value = a_list(allocator, 400, limits(4))
    recorder = Recorder(allocator)
    value.defrag_elements(recorder, 0, 5)
    assert len(recorder.blocks) == 2 * 5


def test_a_call_shows_at_most_limit_elements() -> None:
    allocator = Allocator()
    value = a_list(allocator, 5000, limits())
    recorder = Recorder(allocator, steering=True)
    value.defrag_elements(recorder, 0, 100)
    assert len(recorder.texts) <= 100


def test_the_scan_effort_of_a_quicklist_is_its_nodes() -> None:
    assert a_list(Allocator(), 40, limits(4)).scan_effort() == 10


def test_the_scan_effort_of_a_small_list_is_one() -> None:
    assert a_list(Allocator(), 4, limits(4)).scan_effort() == 1


@pytest.mark.parametrize("steering", [False, True])
def test_two_passes_at_the_same_time_do_not_disturb_each_other(steering: bool) -> None:
    allocator = Allocator()
    value = a_list(allocator, 200, limits(4))
    first, second = Recorder(allocator, steering), Recorder(allocator, not steering)
    place, other_place = value.defrag_elements(first, 0, 3), value.defrag_elements(second, 0, 7)
    while place != 0 or other_place != 0:
        if place != 0:
            place = value.defrag_elements(first, place, 3)
        if other_place != 0:
            other_place = value.defrag_elements(second, other_place, 7)
    elements = Counter(value.addresses()[2:])
    assert Counter(first.blocks) == elements
    assert Counter(second.blocks) == elements
    value.check()


def test_a_pass_continues_at_the_next_node_if_its_own_was_removed() -> None:
    allocator = Allocator()
    value = a_list(allocator, 40, limits(4))
    cursor = value.defrag_elements(Recorder(allocator), 0, 2)
    value.encoded.delete(0, 3 * 4)
    rest = Recorder(allocator)
    assert value.defrag_elements(rest, cursor, 1000) == 0
    assert Counter(rest.blocks) == Counter(value.addresses()[2:])


def test_a_pass_ends_if_no_node_is_left_for_it() -> None:
    allocator = Allocator()
    value = a_list(allocator, 40, limits(4))
    cursor = value.defrag_elements(Recorder(allocator), 0, 9)
    value.encoded.delete(36, 4)
    assert value.defrag_elements(Recorder(allocator), cursor, 1000) == 0


@pytest.mark.parametrize("count", [4, 400])
@pytest.mark.parametrize("cursor", [1, 5, 10**6, 2**62])
@pytest.mark.parametrize("steering", [False, True])
def test_a_cursor_of_another_list_ends_a_pass(count: int, cursor: int, steering: bool) -> None:
    allocator = Allocator()
    value = a_list(allocator, count, limits(8))
    recorder = Recorder(allocator, steering)
    calls = 0
    while cursor != 0:
        cursor = value.defrag_elements(recorder, cursor, 10)
        calls += 1
    assert calls == 1


def test_abandoned_passes_leave_few_marks() -> None:
    allocator = Allocator()
    value = a_list(allocator, 400, limits(8))
    cursors = [value.defrag_elements(Recorder(allocator), 0, 3) for _ in range(50)]
    value.check()
    encoded = value.encoded
    assert isinstance(encoded, QuicklistList)
    marks = encoded.quicklist.marks
    assert marks is not None
    assert len(marks.marks) <= MOST_MARKS
    # Without its mark a pass ends at once, so these are the ones that still have one: the latest.
    going_on = [at for at, cursor in enumerate(cursors) if value.defrag_elements(Recorder(allocator), cursor, 3) != 0]
    assert going_on == list(range(50 - len(going_on), 50))
    assert 0 < len(going_on) <= 4


@given(st.data())
def test_a_list_may_change_during_a_pass(data: st.DataObject) -> None:
    allocator = Allocator()
    wanted = limits(4, data.draw(st.integers(0, 2)))
    value = a_list(allocator, data.draw(st.integers(1, 60)), wanted)
    evictor = Evictor(allocator)
    movers = [Recorder(allocator), evictor, Recorder(allocator, steering=True)]
    mover = data.draw(st.sampled_from(movers))

    def change() -> None:
        model = value.elements()
        kind = data.draw(st.integers(0, 3))
        if kind == 0:
            value.push(b"new", data.draw(st.booleans()), wanted)
            assert Counter(value.elements()) == Counter([*model, b"new"])
        elif kind == 1 and value.length() > 1:
            value.encoded.pop(data.draw(st.booleans()))
            value.shrink(wanted)
        elif kind == 2 and value.length() > 1:
            start = data.draw(st.integers(0, value.length() - 1))
            count = data.draw(st.integers(1, max(1, value.length() - 1)))
            if count < value.length():
                value.encoded.delete(start, min(count, value.length() - start - (start == 0)))
                value.shrink(wanted)
        elif kind == 3 and value.length() > 2:
            value.insert(model[1], b"beside", data.draw(st.booleans()), wanted)
        value.check()

    changes = 0

    def change_at_times() -> None:
        nonlocal changes
        changes += 1
        if changes < 30:
            change()

    visit_elements(value, mover, data.draw(st.integers(1, 12)), change_at_times)
    value.check()
    assert sorted(allocator.live_addresses()) == sorted(value.addresses())


def test_a_large_list_is_dismantled_in_many_slices() -> None:
    allocator = Allocator()
    value = a_list(allocator, 5000, limits())
    elements = value.elements()
    freed = taken_apart(value, lambda: 10**9)
    assert freed
    value = new_list(allocator)
    for element in elements:
        value.push(element, True, limits())
    steps = 0

    def next_limit() -> int:
        nonlocal steps
        steps += 1
        return 100

    taken_apart(value, next_limit)
    assert steps >= 5000 / 100
