"""Hashes: defragmentation and dismantling, as far as hashes differ from other values (see `test_contract`)."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.objects.field_times import NO_TIME
from pyredmem.objects.hash import HashObject
from pyredmem.objects.hash_fields import PackedFields
from pyredmem.objects.hash_table import TableFields
from pyredmem.objects.hash_times import TimedPackedFields, TimedTableFields
from pyredmem.objects.limits import EncodingLimits
from tests.objects.samples import HASH_SHAPES, LIMITS, SOON, a_big_hash, a_hash
from tests.support.movers import (
    Evictor,
    Recorder,
    Shuffler,
    full_pass,
    taken_apart,
)


def times_of(value: HashObject) -> dict[bytes, int]:
    return {field: value.time_of(field) for field, _ in value.items()}


def heap_fields(value: HashObject) -> list[bytes]:
    assert value.times is not None
    return [value.times.entry_field(at) for at in range(value.times.entries())]


@pytest.mark.parametrize(("count", "timed"), HASH_SHAPES)
def test_a_hash_whose_objects_were_replaced_works_as_before(count: int, timed: int) -> None:
    allocator = Allocator()
    value = full_pass(a_hash(allocator, count, timed), Evictor(allocator, refused=2), 11)
    assert isinstance(value, HashObject)
    for number in range(0, count, 2):
        assert not value.set(b"field %d" % number, b"another value %d" % number, LIMITS)
        assert value.time_of(b"field %d" % number) == NO_TIME
    value.expire_at(b"field 1", SOON - 5)
    assert value.time_of(b"field 1") == SOON - 5
    for number in range(count):
        assert value.remove(b"field %d" % number)
    value.free(allocator)
    assert allocator.live_addresses() == []


def test_fields_expire_in_the_same_order_after_a_pass() -> None:
    def order(value: HashObject) -> list[bytes]:
        found = []
        while (field := value.expired_field(SOON + 1)) is not None:
            found.append(field)
            value.remove(field)
        return found

    allocator = Allocator()
    for count, timed in HASH_SHAPES:
        moved = full_pass(a_hash(allocator, count, timed), Evictor(allocator), 10)
        assert isinstance(moved, HashObject)
        assert moved.times is moved.fields.field_times()
        assert order(moved) == order(a_hash(allocator, count, timed))


def test_every_object_of_a_listpack_leaves_its_place() -> None:
    allocator = Allocator()
    evictor = Evictor(allocator)
    moved = full_pass(a_hash(allocator, 60), evictor)
    assert isinstance(moved, HashObject)
    fields = moved.fields
    assert isinstance(fields, PackedFields)
    left = {id(item) for item in evictor.left}
    assert not left & {id(moved), id(fields), id(fields.block), id(fields.values)}
    assert not left & {*map(id, fields.values), *map(id, fields.values.values())}


def test_every_object_of_a_listpack_with_times_leaves_its_place() -> None:
    allocator = Allocator()
    evictor = Evictor(allocator)
    moved = full_pass(a_hash(allocator, 60, 20), evictor)
    assert isinstance(moved, HashObject)
    fields = moved.fields
    assert isinstance(fields, TimedPackedFields)
    left = {id(item) for item in evictor.left}
    times = fields.times
    assert not left & {id(fields), id(times), id(times.when), *map(id, times.when), *map(id, times.when.values())}
    assert not left & {*map(id, heap_fields(moved))}


def test_every_object_of_a_table_leaves_its_place() -> None:
    allocator = Allocator()
    evictor = Evictor(allocator)
    moved = full_pass(a_hash(allocator, 600), evictor)
    assert isinstance(moved, HashObject)
    fields = moved.fields
    assert isinstance(fields, TableFields)
    table = fields.table
    left = {id(item) for item in evictor.left}
    assert not left & {id(moved), id(fields), id(table), id(table.keys), id(table.values)}
    assert not left & {*map(id, table.keys), *map(id, table.values)}


def test_every_object_of_a_table_with_times_leaves_its_place() -> None:
    allocator = Allocator()
    evictor = Evictor(allocator)
    moved = full_pass(a_hash(allocator, 600, 200), evictor)
    assert isinstance(moved, HashObject)
    fields = moved.fields
    assert isinstance(fields, TimedTableFields)
    left = {id(item) for item in evictor.left}
    times = fields.times
    assert not left & {id(fields), id(times), *map(id, times.when), *map(id, times.when.values())}
    assert not left & {*map(id, heap_fields(moved))}


@pytest.mark.parametrize("timed", [30, 60])
def test_after_a_pass_a_table_has_one_object_for_a_field_and_for_the_key_of_its_time(timed: int) -> None:
    allocator = Allocator()
    moved = full_pass(a_big_hash(allocator, 60, timed), Evictor(allocator), 7)
    assert isinstance(moved, HashObject)
    table = moved.hash_table()
    assert table is not None
    assert moved.times is not None
    names = {id(name) for name in table.keys}
    assert {id(name) for name in moved.times.when} <= names
    assert {id(name) for name in heap_fields(moved)} <= names


def test_a_pass_over_stale_times_keeps_the_valid_ones() -> None:
    allocator = Allocator()
    value = a_big_hash(allocator, 30, 30)
    for number in range(20):
        value.persist(b"field %d" % number)
        value.remove(b"field %d" % (number // 2))
    moved = full_pass(value, Evictor(allocator), 3)
    assert isinstance(moved, HashObject)
    assert times_of(moved) == {b"field %d" % n: NO_TIME if n < 20 else SOON - n // 3 for n in range(10, 30)}


@pytest.mark.parametrize("timed", [0, 600])
def test_fields_and_values_of_a_table_are_shown_once(timed: int) -> None:
    allocator = Allocator()
    value = a_hash(allocator, 600, timed)
    expected = Counter([text for item in value.items() for text in item])
    recorder = Recorder(allocator, steering=True)
    full_pass(value, recorder, 7)
    assert Counter(recorder.texts) == expected


def test_a_call_visits_at_most_limit_fields() -> None:
    allocator = Allocator()
    recorder = Recorder(allocator)
    a_hash(allocator, 700, 200).defrag_elements(recorder, 0, 5)
    assert len(recorder.blocks) == 3 * 5


@pytest.mark.parametrize(("count", "timed", "effort"), [(700, 0, 700), (700, 100, 700), (500, 0, 1), (50, 10, 1)])
def test_the_scan_effort_of_a_table_is_its_fields_and_of_a_listpack_one(count: int, timed: int, effort: int) -> None:
    assert a_hash(Allocator(), count, timed).scan_effort() == effort


@pytest.mark.parametrize("cursor", [-5, 1, 899, 900, 901, 930, 1500, 1 << 40, (1 << 62) - 1])
@pytest.mark.parametrize(("count", "timed"), [(40, 0), (40, 20), (900, 0), (900, 300)])
def test_a_cursor_of_another_value_does_no_harm(count: int, timed: int, cursor: int) -> None:
    allocator = Allocator()
    value = a_hash(allocator, count, timed)
    items, times = value.items(), times_of(value)
    while cursor != 0:
        cursor = value.defrag_elements(Evictor(allocator), cursor, 50)
    assert value.items() == items
    assert times_of(value) == times


CHANGES = st.lists(st.tuples(st.integers(0, 60), st.sampled_from(["set", "remove", "time", "persist"])), max_size=80)


@given(CHANGES, st.booleans())
def test_fields_and_the_encoding_may_change_during_a_pass(changes: list[tuple[int, str]], steering: bool) -> None:
    allocator = Allocator()
    limits = EncodingLimits()
    limits.hash_entries = 20
    value = a_hash(allocator, 15, 0, limits)
    content = dict(value.items())
    times: dict[bytes, int] = {}
    cursor = 0
    for number, change in changes:
        mover = Evictor(allocator) if steering else Shuffler(allocator)
        if cursor == 0:
            value.defrag_head(mover)
        cursor = value.defrag_elements(mover, cursor, 3)
        field = b"field %d" % number
        if change == "set":
            content[field] = b"new %d" % number
            times.pop(field, None)
            value.set(field, content[field], limits)
        elif field in content and change == "remove":
            del content[field]
            times.pop(field, None)
            value.remove(field)
        elif field in content and change == "time":
            times[field] = SOON + number
            value.expire_at(field, SOON + number)
        elif field in content and change == "persist":
            times.pop(field, None)
            value.persist(field)
    assert dict(value.items()) == content
    assert {field: time for field, time in times_of(value).items() if time != NO_TIME} == times
    assert value.due_ms() == min(times.values(), default=value.due_ms())
    assert sorted(allocator.live_addresses()) == sorted(value.addresses())


@given(st.integers(1, 700), st.integers(0, 700), st.booleans(), st.randoms(use_true_random=False))
def test_dismantling_in_slices_returns_every_block_and_leaves_nothing(
    count: int, timed: int, is_big: bool, rng: random.Random
) -> None:
    make = a_big_hash if is_big else a_hash
    value = make(Allocator(), count, min(count, timed))
    owned = Counter(value.addresses())
    assert Counter(taken_apart(value, lambda: rng.randint(1, 300))) == owned
    assert value.length() == 0
    if value.times is not None:
        assert (len(value.times.when), value.times.entries()) == (0, 0)


@pytest.mark.parametrize("count", [400, 700])
def test_a_slice_of_dismantling_removes_at_most_limit_fields(count: int) -> None:
    value = a_hash(Allocator(), count)
    assert not value.dismantle(30, FreedBlocks())
    assert value.length() == count - 30


def test_a_slice_of_dismantling_removes_at_most_limit_times() -> None:
    value = a_hash(Allocator(), 900, 900)
    assert value.times is not None
    freed = FreedBlocks()
    while len(value.times.when) == 900:
        assert not value.dismantle(30, freed)
    assert len(value.times.when) == 870
    assert value.times.entries() == 900
