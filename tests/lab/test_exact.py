"""The exact caches, compared with models that are too slow for anything else."""

from __future__ import annotations

import random
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from pyredmem.lab.exact import ALGORITHMS, ExactCache, order_of, run_exact
from pyredmem.lab.operations import DELETE, EXPIRE, KEEP_TTL, NO_TTL, READ, WRITE
from pyredmem.lab.plan import plan_of
from pyredmem.lab.trace import Trace, TraceBuilder

SIZE = 100
TABLE = 8 * 8  # of a cache of up to eight keys; it grows to that if there is room


def reads(keys: list[int]) -> Trace:
    builder = TraceBuilder()
    for number, key in enumerate(keys):
        builder.add(number, READ, b"%d" % key)
    return builder.trace()


def misses(algorithm: str, keys: list[int], capacity: int) -> int:
    """The misses of a cache for some keys of the same size."""
    trace = reads(keys)
    columns: list[Any] = [
        trace.times,
        trace.operations,
        trace.keys,
        [SIZE] * len(keys),
        trace.ttls,
        [NO_TTL] * len(keys),
    ]
    columns.append(plan_of(trace).next_reads())

    def part(start: int, end: int) -> list[list[int]]:
        return [np.asarray(column[start:end]).tolist() for column in columns]

    table = 4 * 8 if capacity <= 4 else TABLE
    found = run_exact(algorithm, capacity * SIZE + table, 24, True, [0, len(keys) // 2, len(keys)], part, print)
    assert found.reads == len(keys)
    assert found.used <= capacity * SIZE + table
    return found.misses


def model_lru(keys: list[int], capacity: int) -> int:
    held: list[int] = []
    missed = 0
    for key in keys:
        if key in held:
            held.remove(key)
        else:
            missed += 1
        held.append(key)
        del held[:-capacity]
    return missed


def model_lfu(keys: list[int], capacity: int) -> int:
    held: dict[int, tuple[int, int]] = {}  # uses, and when the last one was
    missed = 0
    for now, key in enumerate(keys):
        missed += key not in held
        held[key] = (held.get(key, (0, 0))[0] + 1, now)
        if len(held) > capacity:  # the victim may be the new key, which was used least often
            del held[min(held, key=lambda other: held[other])]
    return missed


def fewest_misses(keys: tuple[int, ...], capacity: int) -> int:
    """The misses of the best of all possible caches, which may also leave a key out."""

    @cache
    def best(at: int, held: frozenset[int]) -> int:
        if at == len(keys):
            return 0
        if keys[at] in held:
            return best(at + 1, held)
        everything = sorted(held | {keys[at]})
        kept = [frozenset(some) for some in combinations(everything, min(capacity, len(everything)))]
        return 1 + min(best(at + 1, some) for some in kept)

    return best(0, frozenset())


@pytest.mark.parametrize("capacity", [1, 2, 3, 7])
def test_lru_is_that_of_the_model(capacity: int) -> None:
    chance = random.Random(capacity)
    keys = [min(chance.randrange(12), chance.randrange(12)) for _ in range(400)]
    assert misses("exact-lru", keys, capacity) == model_lru(keys, capacity)


@pytest.mark.parametrize("capacity", [1, 2, 3, 7])
def test_lfu_is_that_of_the_model(capacity: int) -> None:
    chance = random.Random(capacity)
    keys = [min(chance.randrange(12), chance.randrange(12)) for _ in range(400)]
    assert misses("exact-lfu", keys, capacity) == model_lfu(keys, capacity)


@pytest.mark.parametrize("seed", range(20))
def test_belady_has_as_few_misses_as_any_cache_can(seed: int) -> None:
    chance = random.Random(seed)
    keys = [chance.randrange(6) for _ in range(24)]
    capacity = 1 + seed % 3
    assert misses("belady", keys, capacity) == fewest_misses(tuple(keys), capacity)


def run(cache: ExactCache, rows: list[tuple[int, int, int, int, int]]) -> None:
    """Give a cache operations: time, operation, key, bytes, time to live."""
    times, operations, keys, sizes, ttls = (list(column) for column in zip(*rows, strict=True))
    cache.run([times, operations, keys, sizes, ttls, ttls, [0] * len(rows)])


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_keys_leave_when_they_expire_or_are_deleted(algorithm: str) -> None:
    cache = ExactCache(order_of(algorithm), 10_000, 24, False)
    run(cache, [(0, WRITE, 1, SIZE, 5), (0, WRITE, 2, SIZE, NO_TTL), (0, WRITE, 3, SIZE, 5)])
    assert cache.used == 4 * 8 + 3 * SIZE + 2 * 24
    run(cache, [(4_000, WRITE, 3, SIZE, KEEP_TTL), (4_999, READ, 1, SIZE, 0)])
    assert (cache.misses, len(cache)) == (0, 3)
    run(cache, [(5_000, READ, 1, SIZE, 0), (5_000, READ, 3, SIZE, 0), (5_000, READ, 2, SIZE, 0)])
    assert (cache.misses, len(cache), cache.used) == (2, 1, 4 * 8 + SIZE)
    run(cache, [(6_000, EXPIRE, 2, 0, 5), (7_000, EXPIRE, 2, 0, NO_TTL), (20_000, READ, 2, SIZE, 0)])
    assert cache.misses == 2
    run(cache, [(20_000, DELETE, 2, 0, 0), (20_000, READ, 2, SIZE, 0), (20_001, DELETE, 2, 0, 0)])
    assert (cache.misses, len(cache), cache.used) == (3, 0, 4 * 8)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_value_that_is_too_large_is_not_kept(algorithm: str) -> None:
    cache = ExactCache(order_of(algorithm), 1_000, 24, False)
    run(cache, [(0, WRITE, 1, SIZE, NO_TTL), (0, WRITE, 2, 5_000, NO_TTL), (1, READ, 1, SIZE, 0)])
    assert cache.used <= 1_000
    assert cache.evicted >= 1
