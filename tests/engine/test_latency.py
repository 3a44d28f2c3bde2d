"""The latency monitor, its graph and its doctor."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredmem.engine.latency import MAX_SAMPLES, LatencyMonitor
from pyredmem.engine.latency_reports import DoctorFacts, latency_doctor, latency_graph
from tests.support.servers import Server
from tests.support.wire import Array, Integer, Verbatim

FACTS = DoctorFacts(10_000, 0.0, 0)
NOW = 1_700_000_000


def monitor_of(*samples: tuple[int, int], threshold_ms: int = 1) -> LatencyMonitor:
    monitor = LatencyMonitor(threshold_ms)
    for time_s, latency_ms in samples:
        monitor.observe(b"command", latency_ms, time_s)
    monitor.check()
    return monitor


def graph_of(samples: list[tuple[int, int]], now_s: int) -> bytes:
    event = monitor_of(*samples).event(b"command")
    assert event is not None
    return latency_graph(event, now_s)


def test_no_sample_is_taken_while_the_monitor_is_off() -> None:
    assert monitor_of((NOW, 1000), threshold_ms=0).latest() == []


def test_a_duration_at_or_above_the_threshold_becomes_a_sample() -> None:
    assert monitor_of((NOW, 9), (NOW + 1, 10), threshold_ms=10).history(b"command") == [(NOW + 1, 10)]


def test_only_the_longest_sample_of_a_second_is_kept() -> None:
    assert monitor_of((NOW, 5), (NOW, 9), (NOW, 7)).history(b"command") == [(NOW, 9)]


def test_only_the_last_samples_are_kept() -> None:
    history = monitor_of(*[(NOW + second, 5) for second in range(MAX_SAMPLES + 3)]).history(b"command")
    assert len(history) == MAX_SAMPLES
    assert history[0] == (NOW + 3, 5)


def test_latest_has_the_last_sample_and_the_longest_ever() -> None:
    assert monitor_of((NOW, 50), (NOW + 4, 20)).latest() == [(b"command", NOW + 4, 20, 50)]


def test_an_unknown_event_has_no_history() -> None:
    assert monitor_of((NOW, 5)).history(b"fork") == []


def test_reset_forgets_named_events_or_all() -> None:
    monitor = monitor_of((NOW, 5))
    monitor.observe(b"fork", 7, NOW)
    assert monitor.reset([b"FORK", b"unknown"]) == 1
    assert [event.name for event in monitor.events()] == [b"command"]
    assert monitor.reset([]) == 1
    assert monitor.reset([]) == 0


def test_statistics_are_truncated() -> None:
    event = monitor_of((NOW, 5), (NOW + 2, 20), (NOW + 4, 101)).event(b"command")
    assert event is not None
    statistics = event.statistics(NOW + 10)
    assert (statistics.samples, statistics.average_ms, statistics.mean_deviation_ms) == (3, 42, 39)
    assert statistics.period_s == 10


GRAPH = b"""\
command - high 300 ms, low 3 ms (all time high 300 ms)
--------------------------------------------------------------------------------
     #\x20
     |\x20
  _  |\x20
__|_o|o
       \n\
8754321
sssssss
"""


def test_the_graph_has_a_column_for_each_sample_with_its_age_below() -> None:
    samples = zip([8, 7, 5, 4, 3, 2, 1], [5, 20, 100, 3, 50, 300, 50], strict=True)
    assert graph_of([(NOW - age, latency) for age, latency in samples], NOW) == GRAPH


def test_the_graph_of_one_sample_is_flat() -> None:
    assert graph_of([(NOW - 7200, 30)], NOW).splitlines()[2:] == [b" ", b" ", b" ", b"_", b" ", b"2", b"h"]


def test_the_graph_breaks_after_80_columns() -> None:
    lines = graph_of([(NOW - age, age) for age in range(100, 0, -1)], NOW).splitlines()
    assert lines[-9] == b""
    assert len(lines[-2]) == 20


@given(st.lists(st.tuples(st.integers(0, 40_000), st.integers(1, 100_000)), min_size=1, max_size=300))
def test_any_history_can_be_drawn_and_diagnosed(steps: list[tuple[int, int]]) -> None:
    now_s = NOW
    samples: list[tuple[int, int]] = []
    for step, latency in steps:
        now_s += step
        samples.append((now_s, latency))
    monitor = monitor_of(*samples)
    assert graph_of(samples, now_s).startswith(b"command - high ")
    assert b"1. command: " in latency_doctor(monitor, now_s, FACTS)


def test_the_doctor_says_when_the_monitor_is_off() -> None:
    assert b"latency-monitor-threshold" in latency_doctor(LatencyMonitor(0), NOW, FACTS)


def test_the_doctor_is_content_without_events() -> None:
    assert b"All is well" in latency_doctor(LatencyMonitor(1), NOW, FACTS)


def test_the_doctor_gives_the_figures_of_each_event() -> None:
    report = latency_doctor(monitor_of((NOW - 8, 5), (NOW, 25)), NOW, FACTS)
    assert (
        b"1. command: 2 latency spikes (average 15ms, mean deviation 10ms, period 4.00 sec). "
        b"Worst all time event 25ms." in report
    )


def test_the_doctor_advises_to_lower_the_slow_log_threshold() -> None:
    report = latency_doctor(monitor_of((NOW, 5)), NOW, DoctorFacts(10_000, 0.0, 0))
    assert b"slowlog-log-slower-than 1000" in report


@pytest.mark.parametrize(
    "event",
    [
        *(b"expire-cycle", b"expire-del", b"eviction-cycle", b"eviction-del", b"eviction-lazyfree"),
        b"active-defrag-cycle",
    ],
)
def test_the_doctor_has_advice_for_every_event_of_reclaim(event: bytes) -> None:
    monitor = LatencyMonitor(1)
    monitor.observe(event, 30, 1000)
    report = latency_doctor(monitor, 1001, DoctorFacts(10_000, 0.0, 0))
    assert b"\nAdvice:\n" in report


def test_the_doctor_gives_each_advice_once() -> None:
    monitor = monitor_of((NOW, 5))
    monitor.observe(b"eviction-del", 5, NOW)
    assert latency_doctor(monitor, NOW, FACTS).count(b"UNLINK") == 1


def test_the_doctor_rates_the_speed_of_forks() -> None:
    monitor = LatencyMonitor(1)
    monitor.observe(b"fork", 5, NOW)
    assert b"Fork rate is 12.50 GB/sec (poor)." in latency_doctor(monitor, NOW, DoctorFacts(0, 12.5, 0))


def test_the_doctor_admits_when_there_is_no_advice() -> None:
    monitor = LatencyMonitor(1)
    monitor.observe(b"something-new", 5, NOW)
    assert b"no easy remedy" in latency_doctor(monitor, NOW, FACTS)


@pytest.mark.needs_redis
def test_a_real_server_draws_the_same_graph(real: Server) -> None:
    with real.connect(3) as wire:
        wire.do("LATENCY", "RESET")
        wire.do("CONFIG", "SET", "latency-monitor-threshold", "1")
        wire.do("DEBUG", "SLEEP", 0.004)
        history, picture = wire.pipeline([("LATENCY", "HISTORY", "command"), ("LATENCY", "GRAPH", "command")])
        wire.do("LATENCY", "RESET")
    assert isinstance(history, Array)
    assert isinstance(history.items[0], Array)
    moment, latency = history.items[0].items
    assert isinstance(moment, Integer)
    assert isinstance(latency, Integer)
    sample = (moment.value, latency.value)
    ages = range(3)  # a second may pass between the command and its graph
    assert picture in [Verbatim(b"txt", graph_of([sample], moment.value + age)) for age in ages]
