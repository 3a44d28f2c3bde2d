"""The defragmentation of hash tables."""

from __future__ import annotations

from collections import Counter

import pytest

from pyredmem.keyspace.tables import ExpireTable
from pyredmem.memory.allocator import Allocator
from pyredmem.objects.hash_table import FieldTable
from pyredmem.structures.dict import Dict
from pyredmem.structures.dict_tables import GrowthLimit
from tests.support.movers import Evictor, Recorder, Shuffler


def a_table(count: int, without_values: bool = False, owns_keys: bool = True) -> Dict:
    table = Dict(Allocator(), owns_keys=owns_keys, without_values=without_values)
    for number in range(count):
        add(table, b"key %d" % number)
    return table


def field_table(count: int) -> FieldTable:
    table = FieldTable(Allocator())
    for number in range(count):
        table.put(b"field %d" % number, b"value %d" % number)
    return table


def add(table: Dict, key: bytes) -> None:
    if isinstance(table, FieldTable):
        table.put(key, b"value")
    else:
        table.find_for_insert(key)
        table.insert(key, 0)


def rehashing(table: Dict) -> Dict:
    number = table.used
    while not table.is_rehashing():
        add(table, b"one more %d" % number)
        number += 1
    return table


def show_slots(table: Dict, mover: Recorder, limit: int = 7) -> None:
    cursor = table.defrag_slots(mover, 0, limit)
    while cursor != 0:
        cursor = table.defrag_slots(mover, cursor, limit)


@pytest.mark.parametrize("without_values", [False, True])
@pytest.mark.parametrize("count", [0, 1, 4, 100])
def test_a_pass_shows_each_block_once(count: int, without_values: bool) -> None:
    table = rehashing(a_table(count, without_values))
    recorder = Recorder(table.allocator)
    table.defrag_table(recorder)
    show_slots(table, recorder)
    assert Counter(recorder.blocks) == Counter(table.addresses())


def test_a_table_that_does_not_own_its_keys_shows_only_its_entries() -> None:
    table = ExpireTable(Allocator())
    for number in range(50):
        table.add(b"key %d" % number, 12345, 1)
    recorder = Recorder(table.allocator, steering=True)
    table.defrag_table(recorder)
    show_slots(table, recorder)
    assert Counter(recorder.blocks) == Counter(table.addresses())
    assert not recorder.texts


def test_the_table_keeps_the_new_addresses_of_moved_blocks() -> None:
    table = rehashing(a_table(100, without_values=True))
    mover = Shuffler(table.allocator)
    table.defrag_table(mover)
    table.defrag_slots(mover, 0, 1000)
    table.check()
    assert sorted(table.addresses()) == sorted(table.allocator.live_addresses())


def test_replaced_keys_are_found_and_keep_their_order() -> None:
    table = rehashing(a_table(100))
    order = [table.keys[slot] for slot in table.walk(0)]
    table.defrag_slots(Evictor(table.allocator), 0, 1000)
    table.check()
    assert [table.keys[slot] for slot in table.walk(0)] == order


def test_a_twin_takes_over_everything() -> None:
    table = rehashing(field_table(50))
    content = sorted(table.keys)
    state = (table.buckets(), table.rehash_index, table.old_used, table.owns_keys, sorted(table.addresses()))
    twin = table.relocated(Evictor(table.allocator))
    assert isinstance(twin, FieldTable)
    assert twin is not table
    twin.check()
    assert sorted(twin.keys) == content
    assert (twin.buckets(), twin.rehash_index, twin.old_used, twin.owns_keys, sorted(twin.addresses())) == state


@pytest.mark.parametrize("without_values", [False, True])
def test_a_twin_has_values_only_if_the_original_has(without_values: bool) -> None:
    table = a_table(20, without_values)
    assert table.relocated(Evictor(table.allocator)).without_values == without_values


def test_a_twin_has_the_growth_limit_of_the_original() -> None:
    table = a_table(4)
    table.growth_limit = GrowthLimit()
    assert table.relocated(Evictor(table.allocator)).growth_limit is table.growth_limit


def test_a_table_that_need_not_leave_its_place_stays() -> None:
    table = a_table(4)
    assert table.relocated(Recorder(table.allocator)) is table


def thinned_out(count: int) -> FieldTable:
    """A table of ``count`` fields that had ten times as many before, and has not shrunk yet."""
    table = field_table(count * 10)
    while table.used > count:
        table.take_out(table.used - 1)
    return table


def test_compacting_frees_spare_room() -> None:
    table = thinned_out(100)
    table.compact()
    assert {len(table.links), len(table.entry_addresses), len(table.key_places), len(table.words)} == {100}


def test_a_compacted_table_works_as_before() -> None:
    table = thinned_out(100)
    table.compact()
    for number in range(2000):
        table.put(b"field %d" % number, b"new")
    table.check()
    assert table.used == 2000
    assert sorted(table.addresses()) == sorted(table.allocator.live_addresses())


def test_compacting_leaves_a_little_spare_room() -> None:
    table = field_table(500)
    table.take_out(3)
    table.compact()
    assert len(table.links) == 500


def test_a_mover_that_steers_compacts_the_table() -> None:
    table = thinned_out(100)
    table.defrag_table(Evictor(table.allocator))
    assert len(table.links) == 100
