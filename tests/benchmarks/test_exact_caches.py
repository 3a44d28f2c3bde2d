"""The exact caches of the eviction benchmark, compared with caches that search all their keys."""

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
    """The same decisions made slowly: the hits of a cache that searches all keys for its victim."""
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
def test_lru_evicts_the_key_whose_last_access_is_the_longest_ago(capacity: int, accesses: list[int]) -> None:
    assert read_through(ExactLru(capacity), accesses) == by_search(capacity, accesses, "lru")


@given(CAPACITIES, ACCESSES)
def test_lfu_evicts_the_least_used_key_and_of_several_the_one_not_used_for_longest(
    capacity: int, accesses: list[int]
) -> None:
    assert read_through(ExactLfu(capacity), accesses) == by_search(capacity, accesses, "lfu")


@given(CAPACITIES, ACCESSES)
def test_fifo_evicts_the_key_that_was_added_first(capacity: int, accesses: list[int]) -> None:
    assert read_through(ExactFifo(capacity), accesses) == by_search(capacity, accesses, "fifo")


@pytest.mark.parametrize("kind", [ExactLru, ExactLfu, ExactFifo, ExactRandom])
@given(capacity=CAPACITIES, accesses=ACCESSES)
def test_no_cache_holds_more_keys_than_its_capacity(kind: type[Cache], capacity: int, accesses: list[int]) -> None:
    cache = kind(capacity)
    read_through(cache, accesses)
    assert len(cache) == min(capacity, len(set(accesses)))


@pytest.mark.parametrize("kind", [ExactLru, ExactLfu, ExactFifo, ExactRandom])
def test_a_key_that_was_just_added_is_in_the_cache(kind: type[Cache]) -> None:
    cache = kind(3)
    for key in range(50):
        cache.put(key)
        assert cache.get(key)


@pytest.mark.parametrize("kind", [ExactLru, ExactLfu, ExactFifo, ExactRandom])
def test_adding_a_key_twice_evicts_no_other_key(kind: type[Cache]) -> None:
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
