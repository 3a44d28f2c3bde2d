"""The traces of the eviction benchmark have the properties that their names promise."""

from __future__ import annotations

from collections import Counter

import pytest
from cache_traces import SCAN_LENGTH, SHIFTS, SPREAD, TRACES, loop, scan_with_zipf, shifting_hot_set, zipf
from exact_caches import ExactLru

CAPACITY = 1_000
ACCESSES = 24_000


@pytest.mark.parametrize("name", TRACES)
def test_a_trace_has_the_length_asked_for(name: str) -> None:
    assert len(TRACES[name](CAPACITY, ACCESSES, 1)) == ACCESSES


@pytest.mark.parametrize("name", TRACES)
def test_a_seed_gives_the_same_trace_again(name: str) -> None:
    assert TRACES[name](CAPACITY, ACCESSES, 7) == TRACES[name](CAPACITY, ACCESSES, 7)


@pytest.mark.parametrize("name", TRACES)
def test_another_seed_gives_another_trace(name: str) -> None:
    assert TRACES[name](CAPACITY, ACCESSES, 7) != TRACES[name](CAPACITY, ACCESSES, 8)


def test_zipf_asks_for_the_first_key_about_twice_as_often_as_for_the_second() -> None:
    counts = Counter(zipf(CAPACITY, 200_000, 1))
    assert counts[0] / counts[1] == pytest.approx(2**0.9, rel=0.1)


def test_a_scan_asks_for_each_key_once() -> None:
    scanned = Counter(key for key in scan_with_zipf(CAPACITY, ACCESSES, 1) if key >= CAPACITY * SPREAD)
    assert set(scanned.values()) == {1}


def test_a_quarter_of_the_mixed_trace_is_scans() -> None:
    scanned = sum(key >= CAPACITY * SPREAD for key in scan_with_zipf(CAPACITY, SCAN_LENGTH * 12, 1))
    assert scanned == SCAN_LENGTH * 3


def test_each_shift_brings_other_hot_keys() -> None:
    trace = shifting_hot_set(CAPACITY, ACCESSES, 1)
    stretch = ACCESSES // SHIFTS
    hottest = [
        {key for key, _ in Counter(trace[start : start + stretch]).most_common(100)}
        for start in range(0, ACCESSES, stretch)
    ]
    assert sum(map(len, hottest)) == len(set.union(*hottest))


def test_a_loop_never_hits_in_an_exact_lru_cache() -> None:
    cache = ExactLru(CAPACITY)
    for key in loop(CAPACITY, ACCESSES, 1):
        assert not cache.get(key)
        cache.put(key)
