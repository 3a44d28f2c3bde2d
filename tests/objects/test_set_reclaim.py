"""Sets under defragmentation, and taken apart."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.set import SetObject, new_set
from pyredmem.objects.set_encodings import IntegerMembers, ListpackMembers
from pyredmem.objects.set_table import HashedMembers
from tests.support.movers import (
    Evictor,
    Recorder,
    Shuffler,
    assert_sound_after_passes,
    full_pass,
    taken_apart,
    visit_elements,
)

LIMITS = EncodingLimits()


def a_set(allocator: Allocator, members: list[bytes], limits: EncodingLimits = LIMITS) -> SetObject:
    value = new_set(members[0], 1, allocator, limits)
    for member in members:
        value.add(member, limits)
    return value


def numbers(count: int, factor: int = 1) -> list[bytes]:
    return [b"%d" % (number * factor) for number in range(count)]


def words(count: int) -> list[bytes]:
    return [b"member %d of the set" % number for number in range(count)]


SHAPES = [
    numbers(1),
    numbers(500, 1 << 20),
    numbers(100, 1 << 55),
    words(1),
    words(100),
    words(200),  # a table that is rehashed
    words(1500),
    numbers(2000),  # a table of numbers
    [b"", b"a", b"\xff", *words(300)],  # bytes that the interpreter has once
]


@pytest.mark.parametrize("members", SHAPES)
@pytest.mark.parametrize("limit", [1, 7, 10_000])
def test_a_pass_shows_each_block_once_and_changes_nothing_that_can_be_seen(members: list[bytes], limit: int) -> None:
    allocator = Allocator()
    value = assert_sound_after_passes(a_set(allocator, members), allocator, limit)
    assert isinstance(value, SetObject)
    value.check()
    assert sorted(value.members()) == sorted(members)


@pytest.mark.parametrize("members", SHAPES)
def test_blocks_come_closer_together_in_a_fragmented_heap(members: list[bytes]) -> None:
    allocator = Allocator()
    others = [a_set(allocator, members) for _ in range(10)]
    value = others.pop(4)
    for other in others[::2]:
        other.free(allocator)
    before = allocator.used_memory
    full_pass(value, Shuffler(allocator), 9)
    assert allocator.used_memory == before
    allocator.check()
    value.check()
    owned = value.addresses()
    for other in others[1::2]:
        owned += other.addresses()
    assert sorted(owned) == sorted(allocator.live_addresses())


@pytest.mark.parametrize("members", SHAPES)
def test_a_set_whose_objects_have_left_works_as_before(members: list[bytes]) -> None:
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
    big = [number for number in content.content.numbers if number > 256]  # of smaller ones the interpreter has one each
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


def test_a_mover_of_blocks_is_not_shown_members() -> None:
    allocator = Allocator()
    recorder = Recorder(allocator)
    full_pass(a_set(allocator, words(300)), recorder)
    assert not recorder.texts


def test_a_call_visits_no_more_members_than_it_may() -> None:
    allocator = Allocator()
    value = a_set(allocator, words(300))
    recorder = Recorder(allocator, steering=True)
    value.defrag_elements(recorder, 0, 5)
    assert len(recorder.texts) == 5


def test_the_effort_of_a_table_is_its_members() -> None:
    assert a_set(Allocator(), words(300)).scan_effort() == 300


@pytest.mark.parametrize("members", [numbers(400), words(100)])
def test_the_effort_of_a_small_set_is_one(members: list[bytes]) -> None:
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
def test_members_may_come_and_go_and_the_encoding_change_during_a_pass(
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
def test_taking_apart_in_steps_gives_every_block_and_leaves_nothing(
    count: int, make: object, rng: random.Random
) -> None:
    members = numbers(count, 1 << 20) if make is numbers else words(count)
    value = a_set(Allocator(), members)
    owned = Counter(value.addresses())
    assert Counter(taken_apart(value, lambda: rng.randint(1, 400))) == owned
    assert value.length() == 0


@pytest.mark.parametrize("members", [numbers(400, 1 << 20), words(100), words(300)])
def test_a_step_of_taking_apart_drops_no_more_members_than_it_may(members: list[bytes]) -> None:
    value = a_set(Allocator(), members)
    freed = FreedBlocks()
    assert not value.dismantle(30, freed)
    assert value.length() == len(members) - 30


def test_a_set_is_taken_apart_without_the_ledger() -> None:
    allocator = Allocator()
    value = a_set(allocator, words(300))
    before = allocator.used_memory
    freed = taken_apart(value, lambda: 64)
    assert allocator.used_memory == before
    for address in freed:
        allocator.free(address)
    assert allocator.live_addresses() == []


def test_the_passes_of_a_table_under_rehash_show_both_tables() -> None:
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
