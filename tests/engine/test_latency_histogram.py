"""The latency histogram of a command: cells, percentiles and the distribution."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredmem.engine.latency_histogram import LatencyHistogram, highest_equivalent
from tests.support.servers import Server
from tests.support.wire import Array, Bulk, Integer, info


def histogram_of(*durations_us: int) -> LatencyHistogram:
    histogram = LatencyHistogram()
    for duration_us in durations_us:
        histogram.record_us(duration_us)
    histogram.check()
    return histogram


durations = st.lists(st.one_of(st.integers(0, 300), st.integers(0, 2_000_000)), min_size=1, max_size=60)


@pytest.mark.parametrize(
    ("duration_us", "reported_us"),
    [
        (0, 0.001),
        (1, 1.003),
        (2, 2.007),
        (4, 4.015),
        (17, 17.023),
        (27, 27.007),
        (34, 34.047),
        (255, 255.999),
        (256, 257.023),
        (552, 552.959),
        (600_000, 603979.775),
        (1_200_000, 1002438.655),
    ],
)
def test_a_duration_is_reported_as_the_longest_that_falls_into_its_cell(duration_us: int, reported_us: float) -> None:
    assert histogram_of(duration_us).percentile(50.0) == reported_us


def test_percentiles_are_reached_by_counting_up() -> None:
    histogram = histogram_of(*[1] * 90, *[10] * 9, 1000)
    assert histogram.percentile(50.0) == 1.003
    assert histogram.percentile(95.0) == 10.047
    assert histogram.percentile(99.9) == 1003.519
    assert histogram.percentile(100.0) == 1003.519


def test_an_empty_histogram_reports_nothing() -> None:
    histogram = histogram_of()
    assert histogram.count == 0
    assert histogram.percentile(50.0) == 0.0
    assert histogram.cumulative_distribution() == []


def test_a_negative_duration_counts_as_the_shortest_possible() -> None:
    assert histogram_of(-5).percentile(50.0) == 0.001


def test_the_distribution_skips_bounds_that_add_nothing() -> None:
    assert histogram_of(0, 1, 1, 30, 300_000).cumulative_distribution() == [(1, 3), (33, 4), (541065, 5)]


def test_the_distribution_ends_at_a_second() -> None:
    assert histogram_of(600_000).cumulative_distribution() == [(1073741, 1)]


@given(durations)
def test_the_distribution_counts_every_call(durations_us: list[int]) -> None:
    histogram = histogram_of(*durations_us)
    pairs = histogram.cumulative_distribution()
    assert pairs[-1][1] == histogram.count == len(durations_us)
    assert pairs == sorted(set(pairs))


@given(durations, st.floats(0.1, 100.0))
def test_a_percentile_is_the_cell_of_a_recorded_duration(durations_us: list[int], percent: float) -> None:
    rank = max(1, int(percent / 100 * len(durations_us) + 0.5))
    value_ns = sorted(durations_us)[rank - 1] * 1000
    assert histogram_of(*durations_us).percentile(percent) == (
        highest_equivalent(max(1, min(value_ns, 10**9))) / 1000.0
    )


@pytest.mark.needs_redis
def test_a_real_server_reports_the_same_cells(real: Server) -> None:
    with real.connect() as wire:
        wire.do("CONFIG", "SET", "slowlog-log-slower-than", "0")
        wire.do("CONFIG", "RESETSTAT")
        wire.do("SLOWLOG", "RESET")
        wire.pipeline([("SETBIT", "k", 8 * 1024 * size, 1) for size in range(1, 60)])
        entries = wire.do("SLOWLOG", "GET", "-1")
        distribution = wire.do("LATENCY", "HISTOGRAM", "setbit")
        percentiles = info(wire, "latencystats")["latency_percentiles_usec_setbit"]
    assert isinstance(entries, Array)
    taken: list[int] = []
    for entry in entries.items:
        assert isinstance(entry, Array)
        duration, arguments = entry.items[2], entry.items[3]
        assert isinstance(duration, Integer)
        assert isinstance(arguments, Array)
        if arguments.items[0] == Bulk(b"SETBIT"):
            taken.append(duration.value)
    histogram = histogram_of(*taken)
    assert isinstance(distribution, Array)
    assert isinstance(distribution.items[1], Array)
    assert distribution.items[1].items[1] == Integer(histogram.count)
    assert distribution.items[1].items[3] == Array(
        tuple(Integer(part) for pair in histogram.cumulative_distribution() for part in pair)
    )
    wanted = {"p50": 50.0, "p99": 99.0, "p99.9": 99.9}
    assert percentiles == ",".join(f"{name}={histogram.percentile(percent):.3f}" for name, percent in wanted.items())
