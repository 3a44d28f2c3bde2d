"""The yardsticks of the eviction benchmark, against caches that look through all they hold."""

from __future__ import annotations

import pytest
from exact_caches import Cache, ExactFifo, ExactLfu, ExactLru, ExactRandom
from hypothesis import given
from hypothesis import strategies as st

ACCESSES = st.lists(st.integers(0, 12), max_size=120)
CAPACITIES = st.integers(1, 8)


def read_through(cache: Cache, accesses: list[int]) -> list[bool]:
    hits = []
    for key in accesses:
        hits.append(cache.get(key))
        if not hits[-1]:
            cache.put(key)
    return hits


def by_search(capacity: int, accesses: list[int], kind: str) -> list[bool]:
    """The same decisions made slowly: the least (accesses, last access, or entry) among all keys."""
    entered: dict[int, int] = {}
    used: dict[int, int] = {}
    counts: dict[int, int] = {}
    hits = []
    for now, key in enumerate(accesses):
        hits.append(key in entered)
        if key not in entered:
            if len(entered) == capacity:
                score = {"lru": used, "fifo": entered, "lfu": counts}[kind]
                del entered[min(entered, key=lambda held: (score[held], used[held]))]
            entered[key] = now
            counts[key] = 0
        used[key] = now
        counts[key] += 1
    return hits


@given(CAPACITIES, ACCESSES)
def test_lru_gives_up_what_was_used_the_longest_ago(capacity: int, accesses: list[int]) -> None:
    assert read_through(ExactLru(capacity), accesses) == by_search(capacity, accesses, "lru")


@given(CAPACITIES, ACCESSES)
def test_lfu_gives_up_what_was_used_least_and_of_those_the_longest_ago(capacity: int, accesses: list[int]) -> None:
    assert read_through(ExactLfu(capacity), accesses) == by_search(capacity, accesses, "lfu")


@given(CAPACITIES, ACCESSES)
def test_fifo_gives_up_what_came_first(capacity: int, accesses: list[int]) -> None:
    assert read_through(ExactFifo(capacity), accesses) == by_search(capacity, accesses, "fifo")


@pytest.mark.parametrize("kind", [ExactLru, ExactLfu, ExactFifo, ExactRandom])
@given(capacity=CAPACITIES, accesses=ACCESSES)
def test_no_cache_holds_more_than_it_can(kind: type[Cache], capacity: int, accesses: list[int]) -> None:
    cache = kind(capacity)
    read_through(cache, accesses)
    assert len(cache) == min(capacity, len(set(accesses)))


@pytest.mark.parametrize("kind", [ExactLru, ExactLfu, ExactFifo, ExactRandom])
def test_what_was_just_put_in_is_held(kind: type[Cache]) -> None:
    cache = kind(3)
    for key in range(50):
        cache.put(key)
        assert cache.get(key)


@pytest.mark.parametrize("kind", [ExactLru, ExactLfu, ExactFifo, ExactRandom])
def test_putting_a_key_in_twice_costs_no_other_its_place(kind: type[Cache]) -> None:
    cache = kind(2)
    for key in (1, 2, 2, 2):
        cache.put(key)
    assert cache.get(1)


def test_random_victims_are_spread_over_all_keys() -> None:
    lost = [0] * 4
    for seed in range(400):
        cache = ExactRandom(4, seed)
        for key in range(5):
            cache.put(key)
        for key in range(4):
            lost[key] += not cache.get(key)
    assert sum(lost) == 400
    assert min(lost) > 70
