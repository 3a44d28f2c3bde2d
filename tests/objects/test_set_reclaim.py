"""Sets: defragmentation and dismantling, as far as sets differ from other values (see `test_contract`)."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.set import SetObject
from pyredmem.objects.set_encodings import IntegerMembers, ListpackMembers
from pyredmem.objects.set_table import HashedMembers
from tests.objects.samples import LIMITS, SET_SHAPES, a_set, numbers, words
from tests.support.movers import (
    Evictor,
    Recorder,
    Shuffler,
    full_pass,
    taken_apart,
    visit_elements,
)


@pytest.mark.parametrize("members", SET_SHAPES)
def test_a_set_whose_objects_were_replaced_works_as_before(members: list[bytes]) -> None:
    allocator = Allocator()
    value = full_pass(a_set(allocator, members), Evictor(allocator, refused=2), 5)
    assert isinstance(value, SetObject)
    assert all(value.contains(member) for member in members)
    assert not value.add(members[0], LIMITS)
    assert value.add(b"another", LIMITS)
    for member in members:
        assert value.remove(member)
    value.check()
    value.free(allocator)
    assert allocator.live_addresses() == []


def test_every_object_of_an_intset_leaves_its_place() -> None:
    allocator = Allocator()
    value = a_set(allocator, numbers(400, 1 << 20))
    evictor = Evictor(allocator)
    moved = full_pass(value, evictor, 30)
    assert isinstance(moved, SetObject)
    content = moved.content
    assert isinstance(content, IntegerMembers)
    left = {id(item) for item in evictor.left}
    assert not left & {id(moved), id(content), id(content.content), id(content.content.numbers)}
    big = [number for number in content.content.numbers if number > 256]  # smaller ones are objects of the interpreter
    assert not left & {id(number) for number in big}


def test_every_object_of_a_listpack_leaves_its_place() -> None:
    allocator = Allocator()
    evictor = Evictor(allocator)
    moved = full_pass(a_set(allocator, words(90)), evictor)
    assert isinstance(moved, SetObject)
    content = moved.content
    assert isinstance(content, ListpackMembers)
    left = {id(item) for item in evictor.left}
    assert not left & {id(moved), id(content), id(content.block), id(content.items), *map(id, content.items)}


def test_every_object_of_a_table_leaves_its_place() -> None:
    allocator = Allocator()
    evictor = Evictor(allocator)
    moved = full_pass(a_set(allocator, words(700)), evictor)
    assert isinstance(moved, SetObject)
    content = moved.content
    assert isinstance(content, HashedMembers)
    left = {id(item) for item in evictor.left}
    assert not left & {id(moved), id(content), id(content.keys), id(content.keys.keys), *map(id, content.keys.keys)}


def test_each_member_of_a_table_is_shown_once() -> None:
    allocator = Allocator()
    value = a_set(allocator, words(300))
    recorder = Recorder(allocator, steering=True)
    full_pass(value, recorder, 7)
    assert Counter(recorder.texts) == Counter(words(300))


def test_a_call_visits_at_most_limit_members() -> None:
    allocator = Allocator()
    value = a_set(allocator, words(300))
    recorder = Recorder(allocator, steering=True)
    value.defrag_elements(recorder, 0, 5)
    assert len(recorder.texts) == 5


def test_the_scan_effort_of_a_table_is_its_members() -> None:
    assert a_set(Allocator(), words(300)).scan_effort() == 300


@pytest.mark.parametrize("members", [numbers(400), words(100)])
def test_the_scan_effort_of_a_small_set_is_one(members: list[bytes]) -> None:
    assert a_set(Allocator(), members).scan_effort() == 1


@pytest.mark.parametrize("cursor", [-5, 1, 299, 300, 301, 1 << 40, (1 << 62) - 1])
@pytest.mark.parametrize("members", [numbers(400), words(100), words(300)])
def test_a_cursor_of_another_value_does_no_harm(members: list[bytes], cursor: int) -> None:
    allocator = Allocator()
    value = a_set(allocator, members)
    while cursor != 0:
        cursor = value.defrag_elements(Evictor(allocator), cursor, 50)
    value.check()
    assert sorted(value.members()) == sorted(members)


@given(st.lists(st.tuples(st.integers(0, 400), st.booleans(), st.booleans()), max_size=60), st.booleans())
def test_members_and_the_encoding_may_change_during_a_pass(
    changes: list[tuple[int, bool, bool]], steering: bool
) -> None:
    allocator = Allocator()
    limits = EncodingLimits()
    limits.set_intset_entries = 12
    limits.set_entries = 20
    value = a_set(allocator, numbers(10), limits)
    kept = set(numbers(10))
    cursor = 0
    for number, is_word, adds in changes:
        mover = Evictor(allocator) if steering else Shuffler(allocator)
        if cursor == 0:
            value.defrag_head(mover)
        cursor = value.defrag_elements(mover, cursor, 3)
        member = b"w%d" % number if is_word else b"%d" % number
        if adds or len(kept) < 2:
            value.add(member, limits)
            kept.add(member)
        else:
            value.remove(max(kept))
            kept.discard(max(kept))
        value.check()
    assert set(value.members()) == kept
    assert sorted(allocator.live_addresses()) == sorted(value.addresses())


@given(st.integers(1, 1500), st.sampled_from([numbers, words]), st.randoms(use_true_random=False))
def test_dismantling_in_slices_returns_every_block_and_leaves_nothing(
    count: int, make: object, rng: random.Random
) -> None:
    members = numbers(count, 1 << 20) if make is numbers else words(count)
    value = a_set(Allocator(), members)
    owned = Counter(value.addresses())
    assert Counter(taken_apart(value, lambda: rng.randint(1, 400))) == owned
    assert value.length() == 0


@pytest.mark.parametrize("members", [numbers(400, 1 << 20), words(100), words(300)])
def test_a_slice_of_dismantling_removes_at_most_limit_members(members: list[bytes]) -> None:
    value = a_set(Allocator(), members)
    freed = FreedBlocks()
    assert not value.dismantle(30, freed)
    assert value.length() == len(members) - 30


def test_a_pass_over_a_rehashing_table_shows_both_of_its_tables() -> None:
    allocator = Allocator()
    value = a_set(allocator, words(600))
    table = value.hash_table()
    assert table is not None
    while not table.is_rehashing():
        value.add(b"one more %d" % table.used, LIMITS)
    recorder = Recorder(allocator)
    value.defrag_head(recorder)
    assert {table.table_address, table.new_table_address} <= set(recorder.blocks)
    visit_elements(value, recorder, 100)
    assert Counter(recorder.blocks) == Counter(value.addresses())
