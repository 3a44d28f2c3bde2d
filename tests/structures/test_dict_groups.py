"""Valkey's buckets as groups of buckets; the sizes were measured."""

from __future__ import annotations

import random

import pytest

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.structure_sizes import VALKEY_9_1
from pyredmem.structures.dict import Dict
from pyredmem.structures.dict_groups import group_children, grouped_buckets


def table_of(count: int, expected: int = 0) -> Dict:
    allocator = Allocator("libc")
    allocator.sizes = VALKEY_9_1
    table = Dict(allocator, owns_keys=True, without_values=True)
    if expected:
        table.expand(expected)
    for number in range(count):
        add(table, b"%d" % number)
    return table


def add(table: Dict, key: bytes) -> None:
    assert table.find_for_insert(key) < 0
    table.insert(key, 0)


def test_a_table_grows_when_there_are_seven_keys_per_group() -> None:
    assert [table_of(count).buckets() for count in (1, 7, 8, 9, 14)] == [8, 8, 8 + 16, 16, 16]
    assert [table_of(count).buckets() // 8 for count in (15, 16, 17, 28, 29, 33)] == [6, 6, 4, 4, 12, 8]


@pytest.mark.parametrize(
    ("count", "groups"),
    [(1, 1), (6, 1), (7, 2), (12, 2), (13, 4), (25, 4), (26, 8), (51, 8), (52, 16), (102, 16), (103, 32), (819, 128)],
)
def test_the_size_for_a_known_number_of_keys(count: int, groups: int) -> None:
    assert grouped_buckets(count) == 8 * groups
    assert table_of(0, expected=count).buckets() == 8 * groups


@pytest.mark.parametrize(("count", "children"), [(7, 0), (8, 1), (13, 1), (14, 2), (19, 2), (20, 3)])
def test_the_children_of_a_group(count: int, children: int) -> None:
    assert group_children(count) == children


def test_a_table_shrinks_when_less_than_13_percent_of_its_room_are_used() -> None:
    table = table_of(1800)
    while table.is_rehashing():
        table.step()
    assert table.buckets() == 8 * 512
    sizes = []
    for number in range(1799, -1, -1):
        table.remove(table.find(b"%d" % number))
        if table.shrink_if_sparse():
            sizes.append((number, (table.buckets() - table.mask - 1) // 8))
    assert sizes[0] == (465, 128)
    assert table.used == 0
    table.check()


def test_the_ledger_has_what_the_groups_need_whatever_happens() -> None:
    chance = random.Random(5)
    table = table_of(0)
    allocator = table.allocator
    there: set[bytes] = set()
    for _ in range(3000):
        key = b"%d" % chance.randrange(700)
        if key in there and chance.random() < 0.7:
            table.remove(table.find(key))
            table.shrink_if_sparse()
            there.remove(key)
        elif key not in there:
            add(table, key)
            there.add(key)
        if chance.random() < 0.02:
            table.check()
    table.clear()
    assert allocator.used_memory == allocator.startup
    assert table.children() == 0
