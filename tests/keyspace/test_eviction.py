"""Which key is evicted, and the loop that evicts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredmem.keyspace.changes import Watcher
from pyredmem.keyspace.database import Database
from pyredmem.keyspace.events import EVICTED, KeyListener
from pyredmem.keyspace.eviction import (
    ENOUGH,
    LFU,
    LRU,
    NO_CANDIDATES,
    NOEVICTION,
    OUT_OF_TIME,
    POOL_SIZE,
    RANDOM,
    TTL,
    Eviction,
    EvictionPool,
)
from pyredmem.memory.allocator import Allocator
from tests.support.world import World

#: As many keys as the table has buckets: a sample of this size contains all of them.
FEW = 8
LONG = b"k" * 256


class Listener(KeyListener):
    def __init__(self) -> None:
        self.events: list[tuple[int, bytes, int, bytes]] = []

    def event(self, kind: int, name: bytes, database: int, key: bytes) -> None:
        if kind != 16384:
            self.events.append((int(kind), name, int(database), key))


def databases(world: World) -> list[Database]:
    return world.engine.keyspace.databases


def add(world: World, key: bytes, database: int = 0, field: int = 0, when_ms: int = 0, value: bytes = b"v") -> None:
    """Add a key with a given access field and expire time."""
    place = databases(world)[database]
    place.add(key, world.engine.keyspace.strings.create(value))
    place.keys.set_access(place.keys.find(key), field)
    if when_ms:
        place.expire_at(key, when_ms)


def evicting(world: World, criterion: int, from_all: bool = True, samples: int = 16) -> Eviction:
    made = Eviction(world.engine.keyspace, world.clock)
    made.set_policy(criterion, from_all)
    made.samples = samples
    return made


def run(world: World, made: Eviction, to_free: int, limit_us: int = 1 << 40) -> int:
    return int(made.run(world.engine.allocator.used_memory - to_free, world.clock.now_us(), limit_us))


def keys(world: World, database: int = 0) -> set[bytes]:
    return set(databases(world)[database].keys.all_keys())


def seconds_ago(world: World, seconds: int) -> int:
    return int(world.engine.keyspace.lru_clock) - seconds


# The pool.


def pool_of(*scores: int) -> EvictionPool:
    pool = EvictionPool(Allocator("jemalloc"))
    for score in scores:
        if pool.admits(score):
            pool.add(score, 0, b"%d" % score)
    pool.check()
    return pool


def names(pool: EvictionPool) -> list[bytes]:
    return pool.keys[: pool.count]


def test_a_pool_is_ordered_by_score() -> None:
    assert names(pool_of(5, 1, 3)) == [b"1", b"3", b"5"]


def test_a_full_pool_drops_the_worst_candidate_for_a_better_one() -> None:
    assert names(pool_of(*range(16), 7)) == [b"%d" % score for score in [*range(1, 7), 7, *range(7, 16)]]


@pytest.mark.parametrize("score", [0, -1])
def test_a_full_pool_does_not_admit_a_candidate_that_is_no_better_than_its_worst(score: int) -> None:
    assert not pool_of(*range(16)).admits(score)


def test_of_equal_scores_the_one_that_was_added_first_is_evicted_first() -> None:
    pool = EvictionPool(Allocator("jemalloc"))
    for name in (b"a", b"b", b"c"):
        pool.add(1, 0, name)
    assert names(pool) == [b"c", b"b", b"a"]


def test_the_best_candidate_is_the_last_one() -> None:
    pool = pool_of(5, 1, 3)
    pool.drop_best()
    assert names(pool) == [b"1", b"3"]


@pytest.mark.parametrize(("name", "size"), [(LONG[:255], 0), (LONG, 320)])
def test_only_a_long_key_is_an_allocation(name: bytes, size: int) -> None:
    pool = EvictionPool(Allocator("jemalloc"))
    pool.add(1, 0, name)
    assert pool._allocator.used_memory == size
    assert len(pool.addresses()) == (size > 0)


def test_the_copy_of_a_long_key_is_freed_when_its_candidate_leaves_the_pool() -> None:
    pool = pool_of()
    for score in range(40):
        pool.add(score, 0, LONG + b"%d" % score)
    pool.check()
    while pool.count > 0:
        pool.drop_best()
    assert pool._allocator.used_memory == 0


@given(st.lists(st.one_of(st.integers(0, 20), st.none()), max_size=200))
def test_a_pool_agrees_with_a_sorted_list(scores: list[int | None]) -> None:
    pool = EvictionPool(Allocator("jemalloc"))
    model: list[int] = []
    for score in scores:
        if score is None:
            if pool.count > 0:
                pool.drop_best()
                model.pop()
        elif pool.admits(score):
            pool.add(score, 0, LONG if score % 3 else b"short")
            model = sorted([*model, score])[-POOL_SIZE:]
        else:
            assert len(model) == POOL_SIZE
            assert score <= model[0]
        pool.check()
        assert list(pool.scores)[: pool.count] == model


# The victim.


def test_lru_evicts_the_key_that_was_idle_longest(world: World) -> None:
    for number in range(FEW):
        add(world, b"%d" % number, field=seconds_ago(world, 100 - number if number != 5 else 200))
    run(world, evicting(world, LRU), 1)
    assert keys(world) == {b"0", b"1", b"2", b"3", b"4", b"6", b"7"}


def test_lru_allows_for_a_clock_that_has_wrapped(world: World) -> None:
    clock = int(world.engine.keyspace.lru_clock)
    for number in range(FEW):
        add(world, b"%d" % number, field=clock - 1000)
    add(world, b"wrapped", field=clock + 1000)
    run(world, evicting(world, LRU), 1)
    assert b"wrapped" not in keys(world)


def test_lfu_evicts_the_key_that_was_used_least(world: World) -> None:
    minutes = int(world.engine.keyspace.lfu_minutes)
    for number in range(FEW):
        add(world, b"%d" % number, field=minutes << 8 | (3 if number == 4 else 10 + number))
    run(world, evicting(world, LFU), 1)
    assert b"4" not in keys(world)


def test_lfu_forgets_uses_of_long_ago(world: World) -> None:
    minutes = int(world.engine.keyspace.lfu_minutes)
    for number in range(FEW):
        add(world, b"%d" % number, field=minutes << 8 | 10)
    add(world, b"once", field=(minutes - 91) << 8 | 100)
    run(world, evicting(world, LFU), 1)
    assert b"once" not in keys(world)


def test_ttl_evicts_the_key_that_expires_first(world: World) -> None:
    now_ms = world.clock.now_us() // 1000
    for number in range(FEW):
        add(world, b"%d" % number, when_ms=now_ms + (50_000 if number == 3 else 90_000 + number))
    run(world, evicting(world, TTL, from_all=False), 1)
    assert b"3" not in keys(world)


@pytest.mark.parametrize("criterion", [LRU, LFU, TTL, RANDOM])
def test_volatile_policies_evict_no_key_without_an_expire_time(world: World, criterion: int) -> None:
    later_ms = world.clock.now_us() // 1000 + 100_000
    for number in range(20):
        add(world, b"stays:%d" % number)
        add(world, b"expires:%d" % number, when_ms=later_ms + number)
    made = evicting(world, criterion, from_all=False, samples=5)
    assert run(world, made, 1 << 30) == NO_CANDIDATES
    assert keys(world) == {b"stays:%d" % number for number in range(20)}
    assert made.evicted == 20


@pytest.mark.parametrize("criterion", [LRU, LFU, RANDOM])
def test_the_other_policies_evict_all_keys_if_they_must(world: World, criterion: int) -> None:
    for number in range(100):
        add(world, b"%d" % number, database=number % 3)
    assert run(world, evicting(world, criterion, samples=3), 1 << 30) == NO_CANDIDATES
    assert world.engine.keyspace.size() == 0


def test_random_victims_come_from_each_database_in_turn(world: World) -> None:
    for number in range(40):
        add(world, b"%d" % number, database=(3, 7)[number % 2])
    for database in (3, 7):
        databases(world)[database].keys.rehash(100)  # an old table that is dropped would count as freed
    made = evicting(world, RANDOM)
    per_key = 24 + 8 + 24
    run(world, made, per_key * 20)
    assert (len(keys(world, 3)), len(keys(world, 7))) == (10, 10)


def test_any_key_may_be_the_random_victim(world: World) -> None:
    made = evicting(world, RANDOM)
    every = {b"%d" % number for number in range(4)}
    evicted: set[bytes] = set()
    for _ in range(100):
        for key in every - keys(world):
            add(world, key)
        run(world, made, 1)
        evicted |= every - keys(world)
    assert evicted == every


def test_keys_of_all_databases_compete(world: World) -> None:
    for database in (0, 5, 15):
        for number in range(FEW):
            add(world, b"%d" % number, database=database, field=seconds_ago(world, 10))
    add(world, b"old", database=5, field=seconds_ago(world, 99))
    run(world, evicting(world, LRU, samples=9), 1)
    assert b"old" not in keys(world, 5)


# What the pool remembers.


def test_candidates_stay_from_one_run_to_the_next(world: World) -> None:
    for number in range(FEW):
        add(world, b"%d" % number, field=seconds_ago(world, 10 + number))
    made = evicting(world, LRU)
    run(world, made, 1)
    assert names(made.pool)[-1] == b"6"


def test_a_key_that_was_used_since_it_was_sampled_may_be_evicted(world: World) -> None:
    for number in range(FEW):
        add(world, b"%d" % number, field=seconds_ago(world, 10 + number))
    made = evicting(world, LRU)
    run(world, made, 1)
    databases(world)[0].read(b"6")
    run(world, made, 1)
    assert keys(world) == {b"0", b"1", b"2", b"3", b"4", b"5"}


def test_candidates_that_were_deleted_are_skipped(world: World) -> None:
    for number in range(FEW):
        add(world, b"%d" % number, field=seconds_ago(world, 10 + number))
    made = evicting(world, LRU)
    run(world, made, 1)
    for deleted in (b"6", b"5"):
        databases(world)[0].delete(deleted)
    run(world, made, 1)
    assert keys(world) == {b"0", b"1", b"2", b"3"}


def test_a_candidate_that_lost_its_expire_time_is_no_victim_of_a_volatile_policy(world: World) -> None:
    later_ms = world.clock.now_us() // 1000 + 100_000
    for number in range(FEW):
        add(world, b"%d" % number, when_ms=later_ms + number)
    made = evicting(world, TTL, from_all=False)
    run(world, made, 1)
    databases(world)[0].persist(b"1")
    run(world, made, 1)
    assert keys(world) == {b"1", b"3", b"4", b"5", b"6", b"7"}


# The loop.


def test_a_run_ends_when_enough_is_freed(world: World) -> None:
    for number in range(100):
        add(world, b"%02d" % number, value=b"x" * 100)
    made = evicting(world, LRU)
    per_key = 24 + 8 + 16 + 112
    assert run(world, made, per_key * 10) == ENOUGH
    assert made.evicted == 10
    assert run(world, made, per_key * 10 + 1) == ENOUGH
    assert made.evicted == 21


def test_the_clock_is_read_after_sixteen_victims(world: World) -> None:
    for number in range(100):
        add(world, b"%02d" % number)
    made = evicting(world, LRU)
    assert run(world, made, 1 << 30, limit_us=-1) == OUT_OF_TIME
    assert made.evicted == 16


def test_without_keys_there_are_no_candidates(world: World) -> None:
    assert run(world, evicting(world, LRU), 1) == NO_CANDIDATES
    assert run(world, evicting(world, RANDOM), 1) == NO_CANDIDATES


def test_noeviction_has_no_victims(world: World) -> None:
    assert not evicting(world, NOEVICTION).evicts()


def test_an_expired_key_that_is_the_victim_counts_as_evicted(world: World) -> None:
    for number in range(FEW):
        add(world, b"%d" % number, when_ms=1)
    made = evicting(world, TTL, from_all=False)
    run(world, made, 1)
    assert (made.evicted, world.engine.keyspace.expired) == (1, 0)


def test_an_eviction_notifies_the_listeners(world: World) -> None:
    add(world, b"k", database=2)
    listener = Listener()
    world.engine.keyspace.changes.set_listener(listener, True)
    run(world, evicting(world, LRU), 1)
    assert listener.events == [(EVICTED, b"evicted", 2, b"k")]


def test_a_transaction_that_watches_the_victim_is_marked(world: World) -> None:
    add(world, b"k")
    watcher = Watcher()
    world.engine.keyspace.changes.watch(watcher, 0, b"k")
    run(world, evicting(world, LRU), 1)
    assert watcher.dirty


def test_an_eviction_does_not_count_as_a_change_since_the_last_save(world: World) -> None:
    add(world, b"k")
    before = world.engine.keyspace.changes.since_save()
    run(world, evicting(world, LRU), 1)
    assert world.engine.keyspace.changes.since_save() == before


def test_every_key_can_be_evicted_during_a_rehash(world: World) -> None:
    for number in range(520):
        add(world, b"%d" % number, when_ms=1 << 50)
    assert databases(world)[0].keys.is_rehashing()
    made = evicting(world, LRU, samples=5)
    while world.engine.keyspace.size() > 0:
        assert run(world, made, 1) == ENOUGH
        if world.engine.keyspace.size() % 40 == 0:
            world.engine.keyspace.check()


def test_there_may_be_fewer_keys_than_samples(world: World) -> None:
    add(world, b"k")
    assert run(world, evicting(world, LRU, samples=1 << 30), 1) == ENOUGH


def test_large_victims_are_freed_lazily_if_the_setting_says_so(world: World) -> None:
    for number in range(20):
        world.do("SADD", f"s{number}", *range(1000))
    world.engine.keyspace.lazy_eviction = True
    made = evicting(world, LRU)
    used = world.engine.allocator.used_memory
    assert run(world, made, 10_000) == ENOUGH
    assert made.evicted == 16  # each frees too little at once; after 16 victims lazy free is worked off
    assert world.engine.allocator.used_memory < used - 10_000
    assert world.engine.keyspace.lazyfree.freed == 16


def test_the_longest_deletion_is_kept_while_deletions_are_timed(world: World) -> None:
    add(world, b"k")
    made = evicting(world, LRU)
    made.times_deletions = True
    made._observe_deletion(7)
    run(world, made, 1)
    assert made.longest_deletion_us == 7
