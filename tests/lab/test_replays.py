"""Replays of a trace in many configurations."""

from __future__ import annotations

import pytest

from pyredmem import lab
from pyredmem.config.profiles import DEFAULT
from pyredmem.lab.errors import ReplayError
from pyredmem.lab.operations import DELETE, EXPIRE, KEEP_TTL, NO_TTL, READ, TYPES, WRITE
from pyredmem.lab.results import Results
from pyredmem.lab.trace import Trace, TraceBuilder
from tests.support.suites import SUITE

POLICIES = "allkeys-lru,allkeys-lfu,volatile-ttl,noeviction"


@pytest.fixture(scope="module")
def trace() -> Trace:
    part = [{"kind": "zipf", "keys": 1000}, {"kind": "scan", "keys": 600, "first": 2000, "run": 50, "weight": 0.2}]
    return lab.make(operations=4_000, per_second=200, reads=0.9, ttls=[[0.5, 20], [0.5, 0]], part=part)


@pytest.fixture(scope="module")
def results(trace: Trace) -> Results:
    return lab.replay(trace, POLICIES, "790kb,830kb", (3, 10), fill_misses=True, jobs=1)


def figures(results: Results) -> list[dict[str, object]]:
    return results.rows()


def test_the_numbers_do_not_depend_on_the_number_of_processes(trace: Trace, results: Results) -> None:
    progress: list[int] = []
    again = lab.replay(trace, POLICIES, "790kb,830kb", (3, 10), fill_misses=True, jobs=2, advance=progress.append)
    assert figures(again) == figures(results)
    assert again.conclusion() == results.conclusion()
    assert 0 < sum(progress) <= len(trace) * len(again.outcomes)


def test_a_newer_version_holds_more_keys_in_the_same_memory(trace: Trace) -> None:
    """Redis 8.2 takes 24 bytes less for a key."""
    found = lab.replay(trace, "allkeys-lru", [1_000_000], fill_misses=True, jobs=1, versions="redis-7.2,redis-8.2")
    keys = {row["version"]: row["keys"] for row in found.rows() if row["policy"] == "allkeys-lru"}
    assert keys["redis-8.2"] > 1.1 * keys["redis-7.2"] > 0
    (_, older), (_, newer) = [found.curve("allkeys-lru", version=version) for version in ("redis-7.2", "redis-8.2")]
    assert newer[0] > older[0]
    assert {curve.label for curve in found.curves()} >= {"allkeys-lru, 5 samples, redis-8.2", "belady, redis-7.2"}
    assert found.conclusion().startswith("allkeys-lru of redis-8.2 gives ")


def test_versions_change_nothing_else(trace: Trace, results: Results) -> None:
    found = lab.replay(trace, "allkeys-lru", "790kb", (3,), fill_misses=True, jobs=1, versions=[DEFAULT.name])
    expected = results.rows()[0]
    assert found.rows()[0] == {**expected, "version": DEFAULT.name}


def test_another_seed_gives_slightly_other_numbers(trace: Trace, results: Results) -> None:
    other = lab.replay(trace, "allkeys-lru", "790kb", (3,), fill_misses=True, seed=2, jobs=1)
    mine, its = other.rows()[0], results.rows()[0]
    assert mine["misses"] != its["misses"]
    assert mine["hit_ratio"] == pytest.approx(its["hit_ratio"], abs=0.01)


def test_exact_caches_are_bounds_for_the_server(results: Results) -> None:
    _, best = results.curve("belady")
    for policy in ("allkeys-lru", "allkeys-lfu"):
        _, exact = results.curve(policy.replace("allkeys", "exact"))
        _, ratios = results.curve(policy, 10)
        assert all(best > ratios)
        assert ratios == pytest.approx(exact, abs=0.05)
        assert ratios[0] < ratios[1]


def test_policies_that_find_nothing_to_evict_refuse_writes(results: Results) -> None:
    rows = {(row["policy"], row["maxmemory"]): row for row in results.rows()}
    full = rows["noeviction", 790 * 1024]
    assert full["evicted_keys"] == 0
    assert full["refused_writes"] > 0
    assert full["over_limit_seconds"] > 0
    assert rows["allkeys-lru", 790 * 1024]["refused_writes"] == 0
    assert any("refused" in note for note in results.notes())


def test_each_configuration_stays_within_its_limit(results: Results) -> None:
    for outcome in results.outcomes:
        assert outcome.used_memory <= outcome.configuration.maxmemory + 1000
        assert outcome.reads == results.outcomes[0].reads


def test_without_filling_only_writes_of_the_trace_make_hits(trace: Trace) -> None:
    filled, bare = (
        lab.replay(trace, "allkeys-lru", "4mb", fill_misses=fills, jobs=1).outcomes[0] for fills in (True, False)
    )
    assert bare.hit_ratio < filled.hit_ratio - 0.1


def test_operations_of_all_kinds_on_all_types() -> None:
    builder = TraceBuilder()
    for kind in range(1, len(TYPES)):
        key = b"key:%d" % kind
        builder.add(0, WRITE, key, 50, 10_000, kind, database=kind % 3)
        builder.add(1_000_000, WRITE, key, 70, KEEP_TTL, kind, database=kind % 3)
        builder.add(1_000_000, READ, key, kind=kind, database=kind % 3)
        builder.add(1_000_000, WRITE, key + b"stays", 60, NO_TTL, kind, database=kind % 3)
        builder.add(1_000_000, WRITE, key + b"persists", 60, 1, kind, database=kind % 3)
        builder.add(1_000_000, EXPIRE, key + b"persists", ttl_ms=NO_TTL, database=kind % 3)
        builder.add(1_000_000, WRITE, key + b"goes", 60, NO_TTL, kind, database=kind % 3)
        builder.add(1_000_000, EXPIRE, key + b"goes", ttl_ms=20, database=kind % 3)
        builder.add(1_000_000, WRITE, key + b"deleted", 60, NO_TTL, kind, database=kind % 3)
        builder.add(1_000_000, DELETE, key + b"deleted", database=kind % 3)
    for kind in range(1, len(TYPES)):
        for ending in (b"", b"stays", b"persists", b"goes", b"deleted"):
            builder.add(30_000_000, READ, b"key:%d" % kind + ending, kind=kind, database=kind % 3)
    trace = builder.trace()
    trace.times.sort()
    outcome, exact = lab.replay(trace, "noeviction", "4mb", jobs=1).outcomes[:2]
    types = len(TYPES) - 1
    for found in (outcome, exact):
        assert (found.reads, found.misses) == (6 * types, 3 * types)
        assert found.keys == 2 * types
    assert set(outcome.memory_by_type) == set(TYPES[1:])
    assert all(size > 100 for size in outcome.memory_by_type.values())


def test_what_cannot_be_replayed_is_explained(trace: Trace) -> None:
    writes = TraceBuilder()
    writes.add(0, WRITE, b"a", 1)
    cases = [
        (trace, "allkeys-lru", "10kb", 1.0, "which a server takes without data"),
        (trace, "lru", "10mb", 1.0, "'lru' is no policy"),
        (trace, "", "10mb", 1.0, "No policy was named"),
        (trace, "all", "10mb..5mb:3", 1.0, "no range of sizes"),
        (trace, "all", "much", 1.0, "'much' is no size"),
        (trace, "all", "10mb", 1e-9, "The sample is empty"),
        (writes.trace(), "all", "10mb", 1.0, "has no reads"),
    ]
    for given, policies, sizes, sample, message in cases:
        with pytest.raises(ReplayError, match=message):
            lab.replay(given, policies, sizes, sample=sample, jobs=1)


def check_sample(keys: int, operations: int, rate: float, policies: str, sizes: str) -> None:
    """Compare a sample of the keys with all of them."""
    part = [{"keys": keys, "skew": 0.9}]
    trace = lab.make(operations=operations, per_second=20_000, values=[50, 400], part=part)
    whole, some = (lab.replay(trace, policies, sizes, fill_misses=True, sample=share) for share in (1.0, rate))
    for full, sampled in zip(whole.outcomes, some.outcomes, strict=True):
        assert full.configuration == sampled.configuration
        assert sampled.hit_ratio == pytest.approx(full.hit_ratio, abs=0.02), full.configuration
        assert sampled.reads < 2 * rate * full.reads
    assert some.rate == rate
    assert any("Sampled" in note for note in some.notes())


def test_a_third_of_the_keys_tells_what_all_of_them_do() -> None:
    check_sample(20_000, 20_000, 0.3, "allkeys-lru", "2mb")


@pytest.mark.slow
@pytest.mark.timeout(0)
def test_a_hundredth_of_a_million_keys_tells_what_all_of_them_do() -> None:
    keys = SUITE.traced_keys
    rate = 0.01 if keys > 1_000_000 else 0.2
    check_sample(keys, 2 * keys, rate, "allkeys-lru,allkeys-lfu", f"{keys * 40},{keys * 120}")
