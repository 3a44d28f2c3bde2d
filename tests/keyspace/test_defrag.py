"""Scans of the keyspace: what the mover sees, in which order, and what may happen between two slices."""

from __future__ import annotations

from collections import Counter

from pyredmem.base.rng import Random
from pyredmem.base.slice_limit import SliceLimit
from pyredmem.config.profiles import REDIS_7_2
from pyredmem.keyspace.block_layout import create_layout
from pyredmem.keyspace.database import Database
from pyredmem.keyspace.defrag import DefragScan
from pyredmem.keyspace.keyspace import Keyspace
from pyredmem.memory.allocator import Allocator
from tests.support import movers
from tests.support.movers import Shuffler

NEVER = SliceLimit()


class Steps(SliceLimit):
    """A slice that ends when the clock was read ``looks`` times."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    def spend(self, steps: int) -> bool:
        self.looks -= 1
        return self.looks <= 0


class Recorder(movers.Recorder):
    """Counts each block that it sees as work."""

    def block(self, address: int) -> int:
        self.misses += 1
        return super().block(address)


class Rig:
    """A keyspace and its scan."""

    def __init__(self, databases: int = 2) -> None:
        self.allocator = Allocator()
        self.keyspace = Keyspace(Random(1), create_layout(REDIS_7_2.layout, self.allocator), databases)
        self.scan = DefragScan(self.keyspace)

    def fill(self, count: int, database: int = 0, size: int = 100) -> Database:
        filled = self.keyspace.databases[database]
        for number in range(count):
            filled.add(b"key:%d" % number, self.keyspace.strings.create(b"v" * size))
        return filled

    def thin_out(self, share: float, database: int = 0) -> int:
        """Delete random keys until about ``share`` of them are left; returns how many are left."""
        thinned = self.keyspace.databases[database]
        for key in thinned.keys.all_keys():
            if self.keyspace.rng.unit() > share:
                thinned.delete(key)
        return int(thinned.keys.used)

    def record(self) -> list[int]:
        """The blocks that the mover sees in a whole scan."""
        recorder = Recorder(self.allocator)
        self.scan.mover = recorder
        assert self.scan.run(NEVER)
        return list(recorder.blocks)

    def check(self) -> None:
        self.keyspace.check()
        self.allocator.check()
        assert sorted(self.keyspace.addresses()) == self.allocator.live_addresses()


def test_a_scan_shows_every_block_once() -> None:
    rig = Rig()
    filled = rig.fill(300)
    for number in range(0, 300, 3):
        filled.expire_at(b"key:%d" % number, 10**15)
    assert Counter(rig.record()) == Counter(rig.keyspace.addresses())


def test_tables_too_large_for_slabs_are_not_shown() -> None:
    rig = Rig()
    filled = rig.fill(2000)
    shown = rig.record()
    assert filled.keys.table_address not in shown
    assert len(shown) == 2000 * 4


def test_the_entries_of_a_bucket_come_before_its_keys_and_values() -> None:
    rig = Rig()
    filled = rig.fill(1)
    keys = filled.keys
    value = filled.peek(b"key:0")
    assert value is not None
    expected = [int(keys.table_address), int(keys.entry_addresses[0]), int(keys.key_address(0)), *value.addresses()]
    assert rig.record() == expected


def test_databases_are_visited_one_after_another() -> None:
    rig = Rig()
    first, second = rig.fill(50, 0), rig.fill(50, 1)
    shown = rig.record()
    assert Counter(shown[: len(first.addresses())]) == Counter(first.addresses())
    assert Counter(shown[len(first.addresses()) :]) == Counter(second.addresses())


def test_the_entry_of_the_expire_time_gets_the_new_address_of_the_key() -> None:
    rig = Rig()
    filled = rig.fill(300)
    for number in range(0, 300, 3):
        filled.expire_at(b"key:%d" % number, 10**15)
    expires = filled.expires
    before = [expires.key_address(slot) for slot in range(expires.used)]
    rig.scan.mover = Shuffler(rig.allocator)
    rig.scan.run(NEVER)
    assert [expires.key_address(slot) for slot in range(expires.used)] != before
    rig.check()


def test_a_value_with_another_reference_is_not_moved() -> None:
    rig = Rig()
    value = rig.fill(1).keys.make_object(0)
    value.refcount = 2
    assert not set(value.addresses()) & set(rig.record())


def test_shared_numbers_are_not_shown() -> None:
    rig = Rig()
    rig.keyspace.databases[0].add(b"k", rig.keyspace.strings.create(b"17"))
    assert len(rig.record()) == 3  # table, entry, key


def test_a_scan_in_slices_shows_every_block_once() -> None:
    rig = Rig()
    rig.fill(500, 0)
    rig.fill(500, 1)
    recorder = Recorder(rig.allocator)
    rig.scan.mover = recorder
    slices = 1
    while not rig.scan.run(Steps(1)):
        slices += 1
    assert Counter(recorder.blocks) == Counter(rig.keyspace.addresses())
    assert slices > 10


def test_a_new_scan_begins_where_the_last_one_began() -> None:
    rig = Rig()
    rig.fill(100)
    assert rig.record() == rig.record()


def test_after_a_restart_the_scan_begins_anew() -> None:
    rig = Rig()
    rig.fill(500)
    whole = rig.record()
    assert not rig.scan.run(Steps(2))
    rig.scan.restart()
    assert rig.record() == whole


def test_keys_are_not_missed_while_the_table_grows() -> None:
    rig = Rig()
    filled = rig.fill(1000)
    blocks = {int(filled.keys.key_address(slot)) for slot in range(filled.keys.used)}
    recorder = Recorder(rig.allocator)
    rig.scan.mover = recorder
    number = 0
    while not rig.scan.run(Steps(1)):
        for _ in range(30):
            filled.add(b"new:%d" % number, rig.keyspace.strings.create(b"v"))
            number += 1
    assert blocks <= set(recorder.blocks)


def test_the_database_may_be_emptied_between_slices() -> None:
    rig = Rig()
    filled = rig.fill(1000)
    rig.scan.run(Steps(2))
    filled.clear()
    assert rig.scan.run(NEVER)
    rig.check()


def test_a_key_is_a_hit_when_one_of_its_blocks_moved() -> None:
    rig = Rig()
    rig.fill(10_000)
    kept = rig.thin_out(0.25)
    rig.scan.run(NEVER)
    assert rig.scan.key_hits * 3 > kept
    assert rig.scan.key_hits + rig.scan.key_misses == kept
    rig.check()


def test_two_scans_free_pages() -> None:
    rig = Rig()
    rig.fill(10_000)
    rig.thin_out(0.25)
    used, before = rig.allocator.used_memory, rig.allocator.active()
    assert rig.scan.run(NEVER)
    assert rig.scan.run(NEVER)
    assert rig.allocator.used_memory == used
    assert rig.allocator.active() * 3 < before * 2
    rig.check()


def test_the_counters_can_be_set_to_zero() -> None:
    rig = Rig()
    rig.fill(100)
    rig.scan.run(NEVER)
    rig.scan.reset_counters()
    counters = (rig.scan.mover.hits, rig.scan.mover.misses, rig.scan.key_hits, rig.scan.key_misses, rig.scan.scanned)
    assert counters == (0, 0, 0, 0, 0)
