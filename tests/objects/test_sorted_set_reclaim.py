"""Sorted sets: defragmentation and dismantling, as far as they differ from other values (see `test_contract`)."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyredmem.base.rng import Random
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.mover import Mover
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.sorted_set import SortedSetObject
from pyredmem.objects.sorted_set_encodings import SortedSetListpack
from pyredmem.objects.sorted_set_skiplist import SortedSetSkiplist
from pyredmem.structures.score_node import ScoreNode
from tests.objects.samples import SORTED_SET_COUNTS, a_sorted_set
from tests.support.movers import (
    Evictor,
    Recorder,
    full_pass,
    taken_apart,
    visit_elements,
)


def nodes_of(value: SortedSetObject) -> list[ScoreNode]:
    found = [value.content.order._root]
    for node in found:
        found += node.children or []
    return found


def check(value: SortedSetObject) -> None:
    """Assert the invariants, and that each member is one object everywhere."""
    content = value.content
    content.order.check()
    table = content.table()
    keys: list[bytes] = list(content.by_member) if isinstance(content, SortedSetListpack) else []
    if table is not None:
        table.check()
        keys = table.keys
    members = content.order.members(0, content.order.length)
    assert {id(key) for key in keys} == {id(member) for member in members}


@pytest.mark.parametrize("count", SORTED_SET_COUNTS)
def test_a_pass_keeps_scores_and_order(count: int) -> None:
    allocator = Allocator()
    value = a_sorted_set(allocator, count)
    items = value.items()
    moved = full_pass(value, Evictor(allocator))
    assert isinstance(moved, SortedSetObject)
    assert moved.items() == items
    assert all(moved.score(member) == score for member, score in items)


@pytest.mark.parametrize("count", SORTED_SET_COUNTS)
def test_a_pass_that_steers_shows_each_member_once(count: int) -> None:
    allocator = Allocator()
    value = a_sorted_set(allocator, count)
    recorder = Recorder(allocator, steering=True)
    full_pass(value, recorder)
    assert Counter(recorder.texts) == Counter([member for member, _ in value.items()])


@pytest.mark.parametrize("count", SORTED_SET_COUNTS)
def test_a_pass_that_steers_shows_each_node_once(count: int) -> None:
    allocator = Allocator()
    value = a_sorted_set(allocator, count)
    recorder = Recorder(allocator, steering=True)
    full_pass(value, recorder)
    shown = Counter(id(item) for item in recorder.items)
    for node in nodes_of(value):
        assert shown[id(node)] == 1
        assert shown[id(node.members)] == 1


@pytest.mark.parametrize("count", SORTED_SET_COUNTS)
def test_every_object_of_a_sorted_set_leaves_its_place(count: int) -> None:
    allocator = Allocator()
    value = a_sorted_set(allocator, count)
    evictor = Evictor(allocator)
    moved = full_pass(value, evictor)
    assert isinstance(moved, SortedSetObject)
    left = {id(item) for item in evictor.left}
    present: list[object] = [moved, moved.content, moved.content.order]
    for node in nodes_of(moved):
        present += [node, node.members, *node.members]
        if node.children is not None:
            present.append(node.children)
    content = moved.content
    if isinstance(content, SortedSetListpack):
        present += [content.pack, content.by_member, *content.by_member, *content.by_member.values()]
    else:
        assert isinstance(content, SortedSetSkiplist)
        present += [content.members, *content.members.keys]
    assert not left & {id(item) for item in present}
    check(moved)


def test_a_member_that_got_another_score_remains_one_object() -> None:
    allocator = Allocator()
    value = a_sorted_set(allocator, 500)
    limits = EncodingLimits()
    for number, (member, _) in enumerate(value.items()):
        value.add(b"".join((member, b"")), float(number * 37 % 101), limits, Random(1))
    check(value)


def test_the_scan_effort_of_a_skiplist_is_its_members() -> None:
    assert a_sorted_set(Allocator(), 500).scan_effort() == 500


def test_the_scan_effort_of_a_listpack_is_one() -> None:
    assert a_sorted_set(Allocator(), 50).scan_effort() == 1


def test_a_call_visits_at_most_limit_members() -> None:
    allocator = Allocator()
    value = a_sorted_set(allocator, 3000)
    recorder = Recorder(allocator)
    value.defrag_elements(recorder, 0, 50)
    assert len(recorder.blocks) == 3 * 50


@pytest.mark.parametrize("count", [5, 500])
@pytest.mark.parametrize("cursor", [1, 499, 10**6, 1 << 40, (1 << 40) + 499, 1 << 62])
@pytest.mark.parametrize("steering", [False, True])
def test_any_cursor_leads_to_the_end_of_a_pass(count: int, cursor: int, steering: bool) -> None:
    allocator = Allocator()
    value = a_sorted_set(allocator, count)
    recorder = Recorder(allocator, steering)
    calls = 0
    while cursor != 0:
        cursor = value.defrag_elements(recorder, cursor, 10)
        calls += 1
        assert calls < 200


@settings(max_examples=40)
@given(st.data())
def test_a_sorted_set_may_change_during_a_pass(data: st.DataObject) -> None:
    allocator = Allocator()
    value = a_sorted_set(allocator, data.draw(st.integers(1, 400)), data.draw(st.sampled_from([10, 128])))
    limits = EncodingLimits()
    rng = Random(2)
    movers: list[Mover] = [Mover(allocator), Evictor(allocator), Recorder(allocator, steering=True)]
    changes = 0

    def change() -> None:
        nonlocal changes
        changes += 1
        if changes > 30:
            return
        members = [member for member, _ in value.items()]
        for _ in range(data.draw(st.integers(0, 40))):
            number = data.draw(st.integers(0, 10**6))
            kind = number % 3
            if kind == 0:
                value.add(b"new %d" % number, float(number % 77), limits, rng)
            elif kind == 1 and members:
                value.remove(members[number % len(members)])
            elif kind == 2 and members:
                value.add(members[number % len(members)], float(number % 99), limits, rng)

    visit_elements(value, data.draw(st.sampled_from(movers)), data.draw(st.integers(1, 60)), change)
    check(value)
    assert sorted(allocator.live_addresses()) == sorted(value.addresses())


def test_a_large_listpack_is_dismantled_in_many_slices() -> None:
    allocator = Allocator()
    value = a_sorted_set(allocator, 3000, 100000)
    assert value.encoding() == b"listpack"
    steps = 0

    def next_limit() -> int:
        nonlocal steps
        steps += 1
        return 100

    owned = sorted(value.addresses())
    assert sorted(taken_apart(value, next_limit)) == owned
    assert steps >= 3000 / 100
