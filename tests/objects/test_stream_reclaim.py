"""Streams: defragmentation and dismantling, as far as streams differ from other values (see `test_contract`)."""

from __future__ import annotations

import gc
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.mover import Mover
from pyredmem.objects.stream import StreamObject, new_stream
from pyredmem.objects.stream_group import PendingEntry, StreamGroup, entries_from
from pyredmem.objects.stream_id import MAX_ID, id_key
from pyredmem.structures.radix import RadixTree
from tests.objects.samples import STREAM_SHAPES, a_stream
from tests.objects.samples import add_entry as add
from tests.objects.samples import stream_limits as limits
from tests.support.movers import (
    Evictor,
    Recorder,
    full_pass,
    taken_apart,
    visit_elements,
)


def groups_of(value: StreamObject) -> list[StreamGroup]:
    return value.stream.group_list()


def objects_of(value: StreamObject) -> list[object]:
    """Every Python object that a pass may replace, except short bytes and small numbers."""
    stream = value.stream
    found: list[object] = [value, stream, stream.last_id, stream.tree]
    trees: list[RadixTree[object]] = [stream.tree]  # type: ignore[list-item]  # of any value
    if stream.groups is not None:
        found.append(stream.groups)
        trees.append(stream.groups)  # type: ignore[arg-type]
    for node in stream.tree.values():
        found += [node, node.listpack, node.master_fields, *node.master_fields, node.master_id, node.tombstones]
        found += [node.ids, *node.ids, node.entries]
        for entry in [*node.entries, *node.tombstones.values()]:
            if entry is not None:
                found += [entry, *entry]
    for group in groups_of(value):
        found += [group, group.name, group.pending, group.consumers]
        trees += [group.pending, group.consumers]  # type: ignore[list-item]
        found += group.pending.values()
        for consumer in group.consumers.values():
            found += [consumer.name, consumer.pending, *consumer.pending.values()]
            if consumer.pending.used <= 64:
                found.append(consumer)
            trees.append(consumer.pending)  # type: ignore[arg-type]
    for tree in trees:
        for radix_node in tree._all_nodes():
            found += [radix_node, radix_node.children]
            found += [data for data in (radix_node.edge, radix_node.key) if len(data) > 1]
    return [item for item in found if item != 0]


def check(value: StreamObject, shared: bool = True) -> None:
    """Assert the invariants; if ``shared``, also that a group's trees and its consumers' have the same key objects."""
    stream = value.stream
    stream.check()
    if stream.groups is not None:
        stream.groups.check()
    for group in groups_of(value):
        keys = {id(node.key) for node in group.pending._all_nodes() if node.value is not None}
        owned: set[int] = set()
        for consumer in group.consumers.values():
            assert group.consumers.get(consumer.name) is consumer
            owned |= {id(node.key) for node in consumer.pending._all_nodes() if node.value is not None}
        assert not shared or owned == keys


@pytest.mark.parametrize(("count", "groups"), STREAM_SHAPES)
def test_a_pass_keeps_the_pending_entries(count: int, groups: int) -> None:
    def pending(value: StreamObject) -> list[tuple[int, bytes, int, int]]:
        return [
            (entry_id, entry.consumer.name, int(entry.delivered_ms), int(entry.deliveries))
            for group in groups_of(value)
            for entry_id, entry in entries_from(group.pending, 0, MAX_ID, -1)
        ]

    allocator = Allocator()
    value = a_stream(allocator, count, groups)
    before = pending(value)
    moved = full_pass(value, Evictor(allocator))
    assert isinstance(moved, StreamObject)
    assert pending(moved) == before


@pytest.mark.parametrize(("count", "groups"), STREAM_SHAPES)
@pytest.mark.parametrize("limit", [3, 1000])
def test_every_object_of_a_stream_leaves_its_place(count: int, groups: int, limit: int) -> None:
    allocator = Allocator()
    value = a_stream(allocator, count, groups)
    evictor = Evictor(allocator)
    moved = full_pass(value, evictor, limit)
    assert isinstance(moved, StreamObject)
    left = {id(item) for item in evictor.left}
    assert not [item for item in objects_of(moved) if id(item) in left]
    check(moved)


def test_a_pass_that_steers_shows_each_object_once() -> None:
    allocator = Allocator()
    value = a_stream(allocator, 300, 2)
    recorder = Recorder(allocator, steering=True)
    full_pass(value, recorder, 10)
    shown = Counter(id(item) for item in recorder.items)
    shown.update(id(item) for item in recorder.texts)
    names = {id(value.stream.last_id), id(b"field"), id(b"other")}
    twice = [item for item in objects_of(value) if shown[id(item)] != 1 and id(item) not in names]
    assert not [item for item in twice if not isinstance(item, bytes | int)]
    assert all(shown[id(item)] > 0 for item in objects_of(value))


def test_the_field_names_of_a_copy_remain_one_object() -> None:
    allocator = Allocator()
    value = a_stream(allocator, 20, 0)
    copy = value.duplicate(allocator)
    assert isinstance(copy, StreamObject)
    evictor = Evictor(allocator)
    full_pass(value, evictor)
    full_pass(copy, evictor)
    for node in copy.stream.tree.values():
        for entry in node.entries:
            if entry is not None and entry[::2] == node.master_fields:
                assert entry[0] is node.master_fields[0]


def test_a_call_visits_at_most_limit_nodes() -> None:
    allocator = Allocator()
    value = a_stream(allocator, 300, 0, entries=1)
    recorder = Recorder(allocator)
    value.defrag_elements(recorder, 0, 10)
    assert len(recorder.blocks) < 5 * 10


def test_a_call_shows_few_entries_of_a_large_node() -> None:
    allocator = Allocator()
    value = a_stream(allocator, 3000, 0, entries=0)
    wanted = limits(0)
    wanted.stream_node_bytes = 0
    large = new_stream(allocator)
    for number in range(2000):
        add(large, number, wanted)
    assert large.stream.tree.used == 1
    assert value.stream.tree.used > 1
    recorder = Recorder(allocator, steering=True)
    large.defrag_elements(recorder, 0, 40)
    assert len(recorder.texts) < 60
    assert visit_elements(large, recorder, 40) > 100


def test_the_scan_effort_of_a_stream_is_its_listpacks() -> None:
    assert a_stream(Allocator(), 30, 2, entries=3).scan_effort() == 10


@pytest.mark.parametrize("cursor", [1, 7, 1 << 62])
def test_a_cursor_of_another_stream_ends_a_pass(cursor: int) -> None:
    allocator = Allocator()
    assert a_stream(allocator, 30, 2).defrag_elements(Recorder(allocator), cursor, 10) == 0


@pytest.mark.parametrize("steering", [False, True])
def test_two_passes_at_the_same_time_do_not_disturb_each_other(steering: bool) -> None:
    allocator = Allocator()
    value = a_stream(allocator, 300, 2)
    first, second = Recorder(allocator, steering), Recorder(allocator, not steering)
    value.defrag_head(first)
    value.defrag_head(second)
    place, other_place = value.defrag_elements(first, 0, 3), value.defrag_elements(second, 0, 7)
    while place != 0 or other_place != 0:
        if place != 0:
            place = value.defrag_elements(first, place, 3)
        if other_place != 0:
            other_place = value.defrag_elements(second, other_place, 7)
    owned = Counter(value.addresses())
    assert Counter(first.blocks) == owned
    assert Counter(second.blocks) == owned


@settings(max_examples=60)
@given(st.data())
def test_a_stream_may_change_during_a_pass(data: st.DataObject) -> None:
    allocator = Allocator()
    count = data.draw(st.integers(0, 60))
    value = a_stream(allocator, count, data.draw(st.integers(0, 3)))
    movers: list[Mover] = [Mover(allocator), Evictor(allocator), Recorder(allocator, steering=True)]
    calls = 0

    def change() -> None:
        nonlocal calls, count
        calls += 1
        if calls > 40:
            return
        stream = value.stream
        kind = data.draw(st.integers(0, 7))
        ids = stream.range(0, MAX_ID).ids
        chosen = data.draw(st.integers(0, 10**6))
        groups = stream.group_list()
        if kind == 0 and ids:
            stream.delete(ids[chosen % len(ids)])
            stream.update_first_id()
        elif kind == 1:
            count += 1
            add(value, count, limits())
        elif kind == 2:
            stream.trim_to_length(chosen % (len(ids) + 1), chosen % 2 == 0, 0)
        elif kind == 3 and groups:
            stream.delete_group(groups[chosen % len(groups)])
        elif kind == 4 and stream.group(b"new") is None:
            stream.add_group(b"new", 0, 0)
        elif groups:
            group = groups[chosen % len(groups)]
            consumers = group.consumers.values()
            pending = entries_from(group.pending, 0, MAX_ID, -1)
            if kind == 5 and consumers:
                group.delete_consumer(consumers[chosen % len(consumers)])
            elif kind == 6 and pending:
                group.acknowledge(id_key(pending[chosen % len(pending)][0]))
            elif kind == 7 and ids:
                consumer = group.consumers.get(b"late") or group.add_consumer(b"late", 1)
                group.deliver(id_key(ids[chosen % len(ids)]), consumer, 9)

    value.defrag_head(movers[1])
    visit_elements(value, data.draw(st.sampled_from(movers)), data.draw(st.integers(1, 30)), change)
    check(value, shared=False)
    assert sorted(allocator.live_addresses()) == sorted(value.addresses())


def test_a_dismantled_stream_leaves_no_reference_cycle() -> None:
    def pending_entries() -> int:
        return len([item for item in gc.get_objects() if isinstance(item, PendingEntry)])

    gc.collect()
    gc.disable()
    try:
        before = pending_entries()
        value = a_stream(Allocator(), 300, 2)
        assert pending_entries() > before
        taken_apart(value, lambda: 7)
        del value
        assert pending_entries() == before
    finally:
        gc.enable()


def test_a_copy_keeps_its_entries_when_the_original_is_dismantled() -> None:
    allocator = Allocator()
    value = new_stream(allocator)
    value.stream.add(5, [b"f", b"v"] * 2000, limits())
    value.stream.add(6, [b"f", b"v"], limits())
    copy = value.duplicate(allocator)
    assert isinstance(copy, StreamObject)
    taken_apart(value, lambda: 100)
    assert [len(entry) for entry in copy.stream.range(0, MAX_ID).entries] == [4000, 2]


def test_a_large_entry_is_dismantled_in_many_slices() -> None:
    value = new_stream(Allocator())
    value.stream.add(5, [b"f", b"v"] * 2000, limits())
    steps = 0

    def next_limit() -> int:
        nonlocal steps
        steps += 1
        return 100

    taken_apart(value, next_limit)
    assert steps > 4000 / 110
