"""Valkey's windows of fields that expire; the sizes were measured with MEMORY USAGE after each HPEXPIREAT."""

from __future__ import annotations

import random

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.structure_sizes import VALKEY_9_1
from pyredmem.objects.field_times import NO_TIME, FieldTimes
from pyredmem.objects.time_windows import TimeWindows

START_MS = 4_000_000_000_000 // 8192 * 8192
#: The tree with one window: its head, the node with the key, and the node with the window.
TREE = 40 + 24 + 24


class Rig:
    """Windows, and the times that they are for."""

    def __init__(self) -> None:
        self.allocator = Allocator("libc")
        self.allocator.sizes = VALKEY_9_1
        self.times = FieldTimes()
        self.windows = TimeWindows(self.allocator, self.times)

    def set(self, number: int, after_ms: int) -> None:
        field, when_ms = b"f%d" % number, START_MS + after_ms
        old_ms = self.times.get(field)
        self.times.set(field, when_ms)
        if old_ms == NO_TIME:
            self.windows.add(field, when_ms)
        else:
            self.windows.move(field, old_ms, when_ms)

    def remove(self, number: int) -> None:
        field = b"f%d" % number
        when_ms = self.times.get(field)
        self.times.clear(field)
        self.windows.remove(field, when_ms)

    def memory(self) -> int:
        return int(self.windows.memory())


def rig_with(times: list[int]) -> Rig:
    rig = Rig()
    for number, after_ms in enumerate(times):
        rig.set(number, after_ms)
    return rig


def test_up_to_127_fields_are_a_list_and_one_field_needs_none() -> None:
    assert [rig_with([0] * count).memory() for count in (1, 2, 3, 4, 127)] == [0, 24, 40, 40, 1032]


def lists(rig: Rig) -> list[int]:
    """What the lists have, but for those of a few fields, which are like nodes of the tree."""
    sizes = [int(rig.allocator.usable(address)) for address in rig.windows.addresses()]
    return sorted(size for size in sizes if size > 100)


def test_a_full_list_of_one_window_ends_earlier_when_a_field_comes_after_its_last_one() -> None:
    assert lists(rig_with([*range(0, 8128, 64), 8191])) == [1032]


def test_a_full_list_is_cut_in_the_middle_when_a_field_comes_among_the_others() -> None:
    assert lists(rig_with([*range(0, 8128, 64), 8070])) == [8 + 8 * 64, 8 + 8 * 66]


def test_fields_with_the_same_time_that_do_not_fit_into_a_list_are_a_table() -> None:
    rig = rig_with([5] * 129)
    children = (rig.memory() - TREE - 80 - 64 * 32) // 64
    assert 0 <= children <= 9
    assert rig.memory() == TREE + 80 + 64 * (32 + children)


def test_a_field_far_away_gets_a_window_of_its_own() -> None:
    rig = rig_with([5] * 129)
    before = rig.memory()
    rig.set(500, 10**7)
    assert 0 < rig.memory() - before < 200  # nodes of the tree, but no list
    rig.remove(500)
    assert rig.memory() <= before + 24  # the tree need not join its nodes again


def test_a_table_stays_until_one_field_is_left() -> None:
    rig = rig_with([5] * 300)
    for number in range(298):
        rig.remove(number)
    assert rig.memory() > TREE
    rig.remove(298)
    assert rig.memory() == 0


def test_a_short_list_in_the_only_window_needs_no_tree() -> None:
    rig = rig_with([*range(0, 8000, 50)])
    assert rig.memory() > TREE
    for number in range(159, 0, -1):
        rig.remove(number)
    assert rig.memory() == 0


def test_a_new_time_within_16_ms_changes_nothing_once_there_is_a_tree() -> None:
    rig = rig_with([0] * 200)
    addresses = rig.windows.addresses()
    rig.set(7, 15)
    assert rig.windows.addresses() == addresses


def test_whatever_happens_each_block_is_freed_once() -> None:
    for spread in (1, 100, 5000, 10**6, 10**9):
        chance = random.Random(spread)
        rig = Rig()
        for _ in range(1500):
            number = chance.randrange(400)
            if chance.random() < 0.7:
                rig.set(number, chance.randrange(spread))
            elif rig.times.get(b"f%d" % number) != NO_TIME:
                rig.remove(number)
        found = rig.windows.addresses()
        assert len(set(found)) == len(found)
        image = rig.windows.image(rig.times.image())
        assert sorted(image.addresses()) == sorted(found)
        for field in list(rig.times.when):
            rig.remove(int(field[1:]))
        assert rig.allocator.used_memory == rig.allocator.startup
        assert rig.memory() == 0


def test_dismantling_gives_each_block_once() -> None:
    rig = rig_with([number * 37 for number in range(700)])
    freed = FreedBlocks()
    blocks = len(rig.windows.addresses())
    assert rig.windows.dismantle(1, freed)
    assert len(freed) == blocks
    assert rig.windows.addresses() == []
