"""Values freed in the background: which values, how they are dismantled, what is counted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pyredmem.base.clock import Clock, ManualClock
from pyredmem.base.limits import UNLIMITED
from pyredmem.base.rng import Random
from pyredmem.config.profiles import REDIS_7_2
from pyredmem.keyspace.block_layout import create_layout
from pyredmem.keyspace.database import Database
from pyredmem.keyspace.keyspace import Keyspace
from pyredmem.keyspace.lazyfree_queue import Job, LazyFreeQueue
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.audit import audit
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.objects.hash import new_hash
from pyredmem.objects.list import new_list
from pyredmem.objects.object import RedisObject, incr_ref_count
from pyredmem.objects.set import SetObject, new_set
from pyredmem.objects.sorted_set import new_sorted_set

CLOCK = ManualClock()


class Watch(Clock):
    """A clock that goes on by a microsecond whenever it is read."""

    def __init__(self) -> None:
        self.time_us = 0

    def now_us(self) -> int:
        self.time_us += 1
        return self.time_us


@pytest.fixture
def keyspace() -> Keyspace:
    return Keyspace(Random(1), create_layout(REDIS_7_2.layout, Allocator()), 2)


@pytest.fixture
def database(keyspace: Keyspace) -> Database:
    return keyspace.databases[0]


def a_set(keyspace: Keyspace, members: int, prefix: bytes = b"member") -> SetObject:
    keyspace.limits.set_entries = 0
    value = new_set(prefix, 1, keyspace.allocator, keyspace.limits)
    for number in range(members):
        value.add(b"%s:%d" % (prefix, number), keyspace.limits)
    return value


def a_hash(keyspace: Keyspace, fields: int) -> RedisObject:
    keyspace.limits.hash_entries = 0
    value = new_hash(keyspace.allocator)
    for number in range(fields):
        value.set(b"field:%d" % number, b"value:%d" % number, keyspace.limits)
    return value


def a_sorted_set(keyspace: Keyspace, members: int) -> RedisObject:
    keyspace.limits.zset_entries = 0
    value = new_sorted_set(keyspace.allocator, keyspace.limits, 1)
    for number in range(members):
        value.add(b"member:%d" % number, float(number), keyspace.limits, keyspace.rng)
    return value


def a_list(keyspace: Keyspace, nodes: int) -> RedisObject:
    keyspace.limits.list_size = 1
    value = new_list(keyspace.allocator)
    for number in range(nodes):
        value.push(b"element:%d" % number, True, keyspace.limits)
    return value


def is_sound(keyspace: Keyspace) -> bool:
    """Whether the keyspace owns every block of the ledger."""
    return audit(keyspace.allocator, [("keyspace", address) for address in keyspace.addresses()]).ok


LARGE: dict[str, Callable[[Keyspace, int], RedisObject]] = {
    "set": a_set,
    "hash": a_hash,
    "sorted set": a_sorted_set,
    "list": a_list,
}


# Which values are freed in the background.


@pytest.mark.parametrize("make", LARGE.values(), ids=list(LARGE))
def test_a_value_with_a_free_effort_of_64_is_freed_at_once(
    keyspace: Keyspace, make: Callable[[Keyspace, int], RedisObject]
) -> None:
    value = make(keyspace, 64)
    assert value.free_effort() == 64
    keyspace.lazyfree.submit(value)
    assert keyspace.lazyfree.pending == 0
    assert is_sound(keyspace)


@pytest.mark.parametrize("make", LARGE.values(), ids=list(LARGE))
def test_a_value_with_a_free_effort_of_65_is_freed_in_the_background(
    keyspace: Keyspace, make: Callable[[Keyspace, int], RedisObject]
) -> None:
    value = make(keyspace, 65)
    keyspace.lazyfree.submit(value)
    assert keyspace.lazyfree.pending == 1
    assert not is_sound(keyspace)
    keyspace.lazyfree.drain(CLOCK)
    assert is_sound(keyspace)


def test_a_long_string_is_freed_at_once(keyspace: Keyspace) -> None:
    keyspace.lazyfree.submit(keyspace.strings.create(b"x" * 1_000_000))
    assert keyspace.lazyfree.pending == 0
    assert is_sound(keyspace)


def test_a_value_that_something_else_refers_to_only_loses_a_reference(keyspace: Keyspace, database: Database) -> None:
    value = a_set(keyspace, 100)
    database.add(b"k", value)
    incr_ref_count(value)
    keyspace.lazyfree.submit(value)
    assert keyspace.lazyfree.pending == 0
    assert value.refcount == 1
    assert is_sound(keyspace)


def test_a_key_is_deleted_at_once_though_its_value_is_pending(keyspace: Keyspace, database: Database) -> None:
    database.add(b"k", a_set(keyspace, 100))
    database.expire_at(b"k", 10**15)
    assert database.delete(b"k", lazily=True)
    assert database.keys.used == 0
    assert database.expires.used == 0
    assert keyspace.lazyfree.pending == 1


def test_a_large_value_is_freed_at_once_unless_lazy_free_is_asked_for(keyspace: Keyspace, database: Database) -> None:
    database.add(b"k", a_set(keyspace, 100))
    database.delete(b"k")
    assert keyspace.lazyfree.pending == 0
    assert is_sound(keyspace)


@pytest.mark.parametrize("lazy", [False, True])
def test_a_replaced_value_follows_lazy_server_del(keyspace: Keyspace, database: Database, lazy: bool) -> None:
    keyspace.lazy_server_del = lazy
    database.add(b"k", a_set(keyspace, 100))
    database.set(b"k", keyspace.strings.create(b"v"))
    assert keyspace.lazyfree.pending == int(lazy)


@pytest.mark.parametrize("lazy", [False, True])
def test_an_expired_value_follows_lazy_expire(keyspace: Keyspace, database: Database, lazy: bool) -> None:
    keyspace.lazy_expire = lazy
    database.add(b"k", a_set(keyspace, 100))
    database.expire_at(b"k", 5)
    keyspace.now_us = 10_000
    assert database.peek(b"k") is None
    assert keyspace.lazyfree.pending == int(lazy)


# Whole databases.


def fill(keyspace: Keyspace, database: Database) -> None:
    for number in range(300):
        database.add(b"string:%d" % number, keyspace.strings.create(b"v" * number))
        database.add(b"number:%d" % number, keyspace.strings.create(b"%d" % number))
        database.add(b"set:%d" % number, a_set(keyspace, number % 7 * 30))
        database.expire_at(b"set:%d" % number, 10**15)


def test_a_flushed_database_is_empty_at_once(keyspace: Keyspace, database: Database) -> None:
    fill(keyspace, database)
    assert database.clear_lazily() == 900
    assert database.keys.used == 0
    assert database.expires.used == 0
    assert database.peek(b"set:1") is None
    database.check()


def test_all_keys_of_a_flushed_database_are_pending_then_freed(keyspace: Keyspace, database: Database) -> None:
    fill(keyspace, database)
    database.clear_lazily()
    assert (keyspace.lazyfree.pending, keyspace.lazyfree.freed) == (900, 0)
    keyspace.lazyfree.drain(CLOCK)
    assert (keyspace.lazyfree.pending, keyspace.lazyfree.freed) == (0, 900)
    assert is_sound(keyspace)


def test_a_flushed_database_can_be_filled_while_its_old_keys_are_freed(keyspace: Keyspace, database: Database) -> None:
    fill(keyspace, database)
    database.clear_lazily()
    fill(keyspace, database)
    clock = Watch()
    while keyspace.lazyfree.pending > 0:
        keyspace.lazyfree.work(clock, 20)
    assert is_sound(keyspace)
    database.check()
    assert database.peek(b"set:299") is not None


def test_a_database_can_be_flushed_in_the_middle_of_a_rehash(keyspace: Keyspace, database: Database) -> None:
    number = 0
    while not database.keys.is_rehashing():
        database.add(b"key:%d" % number, keyspace.strings.create(b"v"))
        number += 1
    database.clear_lazily()
    assert not database.keys.is_rehashing()
    keyspace.lazyfree.drain(CLOCK)
    assert is_sound(keyspace)


def test_flushing_does_not_free_a_value_that_another_key_has_too(keyspace: Keyspace) -> None:
    first, second = keyspace.databases
    value = a_set(keyspace, 100)
    first.add(b"k", value)
    incr_ref_count(value)
    second.add(b"k", value)
    first.clear_lazily()
    keyspace.lazyfree.drain(CLOCK)
    assert value.refcount == 1
    assert is_sound(keyspace)


def test_flushing_does_not_free_shared_integers(keyspace: Keyspace, database: Database) -> None:
    for number in range(200):
        database.add(b"%d" % number, keyspace.strings.create(b"7"))
    database.clear_lazily()
    keyspace.lazyfree.drain(CLOCK)
    assert is_sound(keyspace)
    assert keyspace.strings.create(b"7").refcount > 1


def test_flushing_an_empty_database_counts_nothing(keyspace: Keyspace, database: Database) -> None:
    database.clear_lazily()
    assert keyspace.lazyfree.pending == 0
    keyspace.lazyfree.drain(CLOCK)
    assert keyspace.lazyfree.freed == 0


def test_flushing_keeps_the_table_objects(keyspace: Keyspace, database: Database) -> None:
    before = (database.keys, database.expires)
    fill(keyspace, database)
    database.clear_lazily()
    assert (database.keys, database.expires) == before


# In slices.


@pytest.mark.parametrize("make", LARGE.values(), ids=list(LARGE))
def test_a_slice_ends_after_its_time_and_frees_a_part(
    keyspace: Keyspace, make: Callable[[Keyspace, int], RedisObject]
) -> None:
    before = keyspace.allocator.used_memory
    keyspace.lazyfree.submit(make(keyspace, 5000))
    clock = Watch()
    used = [keyspace.allocator.used_memory]
    while keyspace.lazyfree.work(clock, 40):
        used.append(keyspace.allocator.used_memory)
    assert len(used) > 3
    assert used == sorted(used, reverse=True)
    assert keyspace.allocator.used_memory == before
    assert is_sound(keyspace)


def test_dismantling_does_not_touch_the_ledger(keyspace: Keyspace) -> None:
    keyspace.lazyfree.submit(a_set(keyspace, 1000))
    before = keyspace.allocator.used_memory
    assert not keyspace.lazyfree.dismantle(CLOCK, UNLIMITED)
    assert keyspace.allocator.used_memory == before
    assert keyspace.lazyfree.pending == 1


def test_a_settled_object_counts_as_freed(keyspace: Keyspace) -> None:
    keyspace.lazyfree.submit(a_set(keyspace, 1000))
    keyspace.lazyfree.dismantle(CLOCK, UNLIMITED)
    keyspace.lazyfree.settle(CLOCK, UNLIMITED)
    assert (keyspace.lazyfree.pending, keyspace.lazyfree.freed) == (0, 1)


def test_an_object_is_pending_until_its_last_block_is_freed(keyspace: Keyspace) -> None:
    keyspace.lazyfree.submit(a_set(keyspace, 5000))
    clock = Watch()
    while keyspace.lazyfree.work(clock, 20):
        assert (keyspace.lazyfree.pending, keyspace.lazyfree.freed) == (1, 0)
    assert (keyspace.lazyfree.pending, keyspace.lazyfree.freed) == (0, 1)


def test_one_call_of_dismantle_takes_about_as_many_elements_as_its_limit(keyspace: Keyspace) -> None:
    value = a_set(keyspace, 1000)
    sizes = []
    done = False
    while not done:
        freed = FreedBlocks()
        done = value.dismantle(64, freed)
        sizes.append(len(freed))
    assert max(sizes) <= 64 * 2 + 4


def test_jobs_are_dismantled_in_the_order_in_which_they_were_added(keyspace: Keyspace) -> None:
    order: list[str] = []

    class Named(Job):
        def __init__(self, name: str, calls: int) -> None:
            super().__init__(1)
            self._name = name
            self._calls = calls

        def dismantle(self, limit: int, freed: FreedBlocks) -> bool:
            order.append(self._name)
            self._calls -= 1
            return self._calls == 0

    lazyfree = LazyFreeQueue(keyspace.allocator)
    lazyfree.add(Named("a", 2))
    lazyfree.add(Named("b", 1))
    lazyfree.drain(CLOCK)
    assert order == ["a", "a", "b"]


# The call for work, and the counters.


def test_on_work_is_called_for_the_first_of_several_jobs(keyspace: Keyspace) -> None:
    calls: list[int] = []
    keyspace.lazyfree.on_work = lambda: calls.append(1)
    keyspace.lazyfree.submit(a_set(keyspace, 100))
    keyspace.lazyfree.submit(a_set(keyspace, 100))
    assert len(calls) == 1


def test_on_work_is_called_again_once_all_jobs_are_dismantled(keyspace: Keyspace) -> None:
    calls: list[int] = []
    keyspace.lazyfree.on_work = lambda: calls.append(1)
    keyspace.lazyfree.submit(a_set(keyspace, 100))
    keyspace.lazyfree.dismantle(CLOCK, UNLIMITED)
    keyspace.lazyfree.submit(a_set(keyspace, 100))
    assert len(calls) == 2


def test_the_count_of_freed_objects_can_be_reset(keyspace: Keyspace) -> None:
    keyspace.lazyfree.submit(a_set(keyspace, 100))
    keyspace.lazyfree.drain(CLOCK)
    keyspace.lazyfree.reset_statistics()
    assert keyspace.lazyfree.freed == 0
