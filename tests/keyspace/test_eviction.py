"""Which key is evicted, and the loop that evicts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredmem.keyspace.database import Database
from pyredmem.keyspace.events import EVICTED, KeyListener, Watcher
from pyredmem.keyspace.eviction import (
    ANY,
    ENOUGH,
    IDLE,
    NO_CANDIDATES,
    NOTHING,
    OUT_OF_TIME,
    POOL_SIZE,
    RARELY_USED,
    SOON_OVER,
    Eviction,
    EvictionPool,
)
from pyredmem.memory.allocator import Allocator
from tests.support.world import World

#: As many keys as the table has buckets: a sample of so many is all of them.
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
    """A key with a certain access field and expire time."""
    place = databases(world)[database]
    place.add(key, world.engine.keyspace.strings.create(value))
    place.keys.values[place.keys.find(key)].lru = field
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
    return set(databases(world)[database].keys.keys)


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
    return pool.names[: pool.count]


def test_a_pool_is_ordered_by_score() -> None:
    assert names(pool_of(5, 1, 3)) == [b"1", b"3", b"5"]


def test_a_full_pool_lets_the_worst_go_for_a_better_one() -> None:
    assert names(pool_of(*range(16), 7)) == [b"%d" % score for score in [*range(1, 7), 7, *range(7, 16)]]


@pytest.mark.parametrize("score", [0, -1])
def test_a_full_pool_does_not_admit_what_is_no_better_than_its_worst(score: int) -> None:
    assert not pool_of(*range(16)).admits(score)


def test_of_equal_scores_the_first_to_come_is_the_first_to_go() -> None:
    pool = EvictionPool(Allocator("jemalloc"))
    for name in (b"a", b"b", b"c"):
        pool.add(1, 0, name)
    assert names(pool) == [b"c", b"b", b"a"]


def test_the_best_is_dropped_from_the_end() -> None:
    pool = pool_of(5, 1, 3)
    pool.drop_best()
    assert names(pool) == [b"1", b"3"]


@pytest.mark.parametrize(("name", "size"), [(LONG[:255], 0), (LONG, 320)])
def test_only_a_long_name_is_an_allocation(name: bytes, size: int) -> None:
    pool = EvictionPool(Allocator("jemalloc"))
    pool.add(1, 0, name)
    assert pool._allocator.used_memory == size
    assert len(pool.addresses()) == (size > 0)


def test_a_long_name_is_freed_with_its_place() -> None:
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


def test_lru_evicts_what_was_idle_longest(world: World) -> None:
    for number in range(FEW):
        add(world, b"%d" % number, field=seconds_ago(world, 100 - number if number != 5 else 200))
    run(world, evicting(world, IDLE), 1)
    assert keys(world) == {b"0", b"1", b"2", b"3", b"4", b"6", b"7"}


def test_lru_knows_that_its_clock_has_wrapped(world: World) -> None:
    clock = int(world.engine.keyspace.lru_clock)
    for number in range(FEW):
        add(world, b"%d" % number, field=clock - 1000)
    add(world, b"wrapped", field=clock + 1000)
    run(world, evicting(world, IDLE), 1)
    assert b"wrapped" not in keys(world)


def test_lfu_evicts_what_was_used_least(world: World) -> None:
    minutes = int(world.engine.keyspace.lfu_minutes)
    for number in range(FEW):
        add(world, b"%d" % number, field=minutes << 8 | (3 if number == 4 else 10 + number))
    run(world, evicting(world, RARELY_USED), 1)
    assert b"4" not in keys(world)


def test_lfu_forgets_uses_long_past(world: World) -> None:
    minutes = int(world.engine.keyspace.lfu_minutes)
    for number in range(FEW):
        add(world, b"%d" % number, field=minutes << 8 | 10)
    add(world, b"once", field=(minutes - 91) << 8 | 100)
    run(world, evicting(world, RARELY_USED), 1)
    assert b"once" not in keys(world)


def test_ttl_evicts_what_is_over_first(world: World) -> None:
    now_ms = world.clock.now_us() // 1000
    for number in range(FEW):
        add(world, b"%d" % number, when_ms=now_ms + (50_000 if number == 3 else 90_000 + number))
    run(world, evicting(world, SOON_OVER, from_all=False), 1)
    assert b"3" not in keys(world)


@pytest.mark.parametrize("criterion", [IDLE, RARELY_USED, SOON_OVER, ANY])
def test_volatile_policies_leave_keys_without_a_time_alone(world: World, criterion: int) -> None:
    later_ms = world.clock.now_us() // 1000 + 100_000
    for number in range(20):
        add(world, b"stays:%d" % number)
        add(world, b"goes:%d" % number, when_ms=later_ms + number)
    made = evicting(world, criterion, from_all=False, samples=5)
    assert run(world, made, 1 << 30) == NO_CANDIDATES
    assert keys(world) == {b"stays:%d" % number for number in range(20)}
    assert made.evicted == 20


@pytest.mark.parametrize("criterion", [IDLE, RARELY_USED, ANY])
def test_all_keys_may_go(world: World, criterion: int) -> None:
    for number in range(100):
        add(world, b"%d" % number, database=number % 3)
    assert run(world, evicting(world, criterion, samples=3), 1 << 30) == NO_CANDIDATES
    assert world.engine.keyspace.size() == 0


def test_random_victims_are_of_each_database_in_turn(world: World) -> None:
    for number in range(40):
        add(world, b"%d" % number, database=(3, 7)[number % 2])
    for database in (3, 7):
        databases(world)[database].keys.rehash(100)  # an old table that goes would count as freed
    made = evicting(world, ANY)
    per_key = 24 + 8 + 24
    run(world, made, per_key * 20)
    assert (len(keys(world, 3)), len(keys(world, 7))) == (10, 10)


def test_any_key_may_be_the_random_victim(world: World) -> None:
    made = evicting(world, ANY)
    every = {b"%d" % number for number in range(4)}
    gone: set[bytes] = set()
    for _ in range(100):
        for key in every - keys(world):
            add(world, key)
        run(world, made, 1)
        gone |= every - keys(world)
    assert gone == every


def test_keys_of_all_databases_compete(world: World) -> None:
    for database in (0, 5, 15):
        for number in range(FEW):
            add(world, b"%d" % number, database=database, field=seconds_ago(world, 10))
    add(world, b"old", database=5, field=seconds_ago(world, 99))
    run(world, evicting(world, IDLE, samples=9), 1)
    assert b"old" not in keys(world, 5)


# What the pool remembers.


def test_candidates_stay_from_one_run_to_the_next(world: World) -> None:
    for number in range(FEW):
        add(world, b"%d" % number, field=seconds_ago(world, 10 + number))
    made = evicting(world, IDLE)
    run(world, made, 1)
    assert names(made.pool)[-1] == b"6"


def test_a_key_that_was_used_since_it_was_sampled_may_be_evicted(world: World) -> None:
    for number in range(FEW):
        add(world, b"%d" % number, field=seconds_ago(world, 10 + number))
    made = evicting(world, IDLE)
    run(world, made, 1)
    databases(world)[0].read(b"6")
    run(world, made, 1)
    assert keys(world) == {b"0", b"1", b"2", b"3", b"4", b"5"}


def test_candidates_that_are_gone_are_passed_over(world: World) -> None:
    for number in range(FEW):
        add(world, b"%d" % number, field=seconds_ago(world, 10 + number))
    made = evicting(world, IDLE)
    run(world, made, 1)
    for gone in (b"6", b"5"):
        databases(world)[0].delete(gone)
    run(world, made, 1)
    assert keys(world) == {b"0", b"1", b"2", b"3"}


def test_a_candidate_without_its_time_is_none_for_a_volatile_policy(world: World) -> None:
    later_ms = world.clock.now_us() // 1000 + 100_000
    for number in range(FEW):
        add(world, b"%d" % number, when_ms=later_ms + number)
    made = evicting(world, SOON_OVER, from_all=False)
    run(world, made, 1)
    databases(world)[0].persist(b"1")
    run(world, made, 1)
    assert keys(world) == {b"1", b"3", b"4", b"5", b"6", b"7"}


# The loop.


def test_it_ends_when_enough_is_freed(world: World) -> None:
    for number in range(100):
        add(world, b"%02d" % number, value=b"x" * 100)
    made = evicting(world, IDLE)
    per_key = 24 + 8 + 16 + 112
    assert run(world, made, per_key * 10) == ENOUGH
    assert made.evicted == 10
    assert run(world, made, per_key * 10 + 1) == ENOUGH
    assert made.evicted == 21


def test_the_clock_is_looked_at_after_sixteen_victims(world: World) -> None:
    for number in range(100):
        add(world, b"%02d" % number)
    made = evicting(world, IDLE)
    assert run(world, made, 1 << 30, limit_us=-1) == OUT_OF_TIME
    assert made.evicted == 16


def test_without_keys_nothing_can_be_done(world: World) -> None:
    assert run(world, evicting(world, IDLE), 1) == NO_CANDIDATES
    assert run(world, evicting(world, ANY), 1) == NO_CANDIDATES


def test_noeviction_has_no_victims(world: World) -> None:
    assert not evicting(world, NOTHING).evicts()


def test_a_key_whose_time_is_over_is_evicted_not_expired(world: World) -> None:
    for number in range(FEW):
        add(world, b"%d" % number, when_ms=1)
    made = evicting(world, SOON_OVER, from_all=False)
    run(world, made, 1)
    assert (made.evicted, world.engine.keyspace.expired) == (1, 0)


def test_eviction_is_an_event(world: World) -> None:
    add(world, b"k", database=2)
    listener = Listener()
    world.engine.keyspace.events.add_listener(listener)
    run(world, evicting(world, IDLE), 1)
    assert listener.events == [(EVICTED, b"evicted", 2, b"k")]


def test_who_watches_a_victim_is_told(world: World) -> None:
    add(world, b"k")
    watcher = Watcher()
    world.engine.keyspace.events.watch(watcher, 0, b"k")
    run(world, evicting(world, IDLE), 1)
    assert watcher.dirty


def test_eviction_is_no_change_that_is_to_be_saved(world: World) -> None:
    add(world, b"k")
    before = world.engine.keyspace.dirty
    run(world, evicting(world, IDLE), 1)
    assert world.engine.keyspace.dirty == before


def test_tables_under_way_keep_every_candidate_within_reach(world: World) -> None:
    for number in range(520):
        add(world, b"%d" % number, when_ms=1 << 50)
    assert databases(world)[0].keys.is_rehashing()
    made = evicting(world, IDLE, samples=5)
    while world.engine.keyspace.size() > 0:
        assert run(world, made, 1) == ENOUGH
        if world.engine.keyspace.size() % 40 == 0:
            world.engine.keyspace.check()


def test_more_samples_than_keys_do_no_harm(world: World) -> None:
    add(world, b"k")
    assert run(world, evicting(world, IDLE, samples=1 << 30), 1) == ENOUGH


def test_large_values_go_in_the_background_if_wanted(world: World) -> None:
    for number in range(20):
        world.do("SADD", f"s{number}", *range(1000))
    world.engine.keyspace.lazy_eviction = True
    made = evicting(world, IDLE)
    used = world.engine.allocator.used_memory
    assert run(world, made, 10_000) == ENOUGH
    assert made.evicted == 16  # what each frees at once is too little: it is looked at what the background has freed
    assert world.engine.allocator.used_memory < used - 10_000
    assert world.engine.keyspace.lazyfree.freed == 16


def test_the_longest_deletion_is_kept_where_somebody_wants_to_know(world: World) -> None:
    add(world, b"k")
    made = evicting(world, IDLE)
    made.times_deletions = True
    made._observe_deletion(7)
    run(world, made, 1)
    assert made.longest_deletion_us == 7
