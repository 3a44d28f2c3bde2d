"""Metrics of a reading, as the families of prometheus_client.

Every server has those that redis_exporter knows. Of an engine in this process much more is known: `own.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client.metrics_core import Metric

from pyredmem.metrics.names import (
    CONSTANTS,
    COUNTER,
    FROM_MICROSECONDS,
    FROM_MILLISECONDS,
    GAUGE,
    INSTANCE_LABELS,
    NAMES,
    SETTINGS,
    Name,
)
from pyredmem.metrics.reading import Reading, as_number

SUMMARY: Final = "summary"

#: By metric: the part of a ``cmdstat_`` field, and what one unit of it is.
_OF_COMMANDS: Final = (
    ("redis_commands_total", "calls", 1.0, "Calls of each command"),
    ("redis_commands_duration_seconds_total", "usec", FROM_MICROSECONDS, "Time that each command took"),
    ("redis_commands_failed_calls_total", "failed_calls", 1.0, "Calls of each command that ended with an error"),
    ("redis_commands_rejected_calls_total", "rejected_calls", 1.0, "Calls of each command that were refused"),
)


def family(name: str, kind: str, about: str) -> Metric:
    """An empty family.

    To the name of a counter prometheus_client adds ``_total`` when it writes it. Some of redis_exporter's counters are
    named otherwise: these are gauges until `exposition.py` has written them.
    """
    if kind != COUNTER:
        return Metric(name, about, kind)
    stem = name.removesuffix("_total")
    return Metric(stem, about, GAUGE if stem == name else COUNTER)


def single(name: str, kind: str, about: str, value: float) -> Metric:
    """A metric without labels."""
    made = family(name, kind, about)
    made.add_sample(name, {}, value)
    return made


def families(reading: Reading) -> Iterator[Metric]:
    """What redis_exporter tells of the server."""
    for name, kind, value, about in CONSTANTS:
        yield single(name, kind, about, value)
    yield _instance(reading)
    yield from of_fields(reading, NAMES)
    yield from _times(reading)
    for setting, metric in SETTINGS.items():
        if setting in reading.settings:
            yield single(metric, GAUGE, f"The setting {setting}", reading.settings[setting])
    yield from _databases(reading)
    yield from _key_sizes(reading)
    yield from _commands(reading)
    yield from _errors(reading)
    yield from _slow(reading)


def of_fields(reading: Reading, names: tuple[Name, ...]) -> Iterator[Metric]:
    """The metrics of single fields of INFO."""
    for field, metric, kind, scale in names:
        number = reading.number(field)
        if number is not None:
            yield single(metric, kind, f"{field} of INFO", number * scale)


def _instance(reading: Reading) -> Metric:
    made = family("redis_instance_info", GAUGE, "What the server is")
    labels = {name: reading.info[name] for name in INSTANCE_LABELS if reading.info.get(name)}
    made.add_sample("redis_instance_info", labels, 1)
    return made


def _times(reading: Reading) -> Iterator[Metric]:
    """When the server was started."""
    now_us, uptime_s = reading.number("server_time_usec"), reading.number("uptime_in_seconds")
    if now_us is not None and uptime_s is not None:
        started_s = now_us // 1_000_000 - uptime_s
        yield single("redis_start_time_seconds", GAUGE, "When the server was started, in Unix time", started_s)


def _databases(reading: Reading) -> Iterator[Metric]:
    """The keys of each database. Those without keys are told too, with zeros, as far as there are databases."""
    keys = family("redis_db_keys", GAUGE, "Keys in each database")
    expiring = family("redis_db_keys_expiring", GAUGE, "Keys in each database that have an expire time")
    ttl = family("redis_db_avg_ttl_seconds", GAUGE, "Average time to live of the keys in each database that expire")
    rows = {f"db{name}": parts for name, parts in reading.rows("db") if name.isdigit()}
    for name in dict.fromkeys([*rows, *(f"db{index}" for index in range(reading.settings.get("databases", 0)))]):
        parts = rows.get(name, {})
        label = {"db": name}
        keys.add_sample(keys.name, label, float(parts.get("keys", 0)))
        expiring.add_sample(expiring.name, label, float(parts.get("expires", 0)))
        if "avg_ttl" in parts:
            ttl.add_sample(ttl.name, label, float(parts["avg_ttl"]) * FROM_MILLISECONDS)
    yield from (keys, expiring)
    if ttl.samples:
        yield ttl


def _key_sizes(reading: Reading) -> Iterator[Metric]:
    """What redis_exporter makes of INFO keysizes: it cannot read a histogram as a number, and tells 0."""
    for name, _ in reading.rows("db"):
        if "_distrib_" in name:
            yield single(f"redis_db{name}", GAUGE, f"There is a histogram db{name} in INFO", 0.0)


def _commands(reading: Reading) -> Iterator[Metric]:
    """Calls and times of each command."""
    rows = list(reading.rows("cmdstat_"))
    for name, part, scale, about in _OF_COMMANDS:
        made = family(name, COUNTER, about)
        for command, parts in rows:
            if part in parts:
                made.add_sample(name, {"cmd": command}, float(parts[part]) * scale)
        if made.samples:
            yield made
    calls = {command: parts for command, parts in rows if "calls" in parts and "usec" in parts}
    summary = family("redis_latency_percentiles_usec", SUMMARY, "Time that each command takes, in microseconds")
    for command, percentiles in reading.rows("latency_percentiles_usec_"):
        for name, value in percentiles.items():
            labels = {"cmd": command, "quantile": name.removeprefix("p")}
            summary.add_sample(summary.name, labels, as_number(value) or 0.0)
        totals = calls.get(command, {})
        for end, part in (("_sum", "usec"), ("_count", "calls")):
            summary.add_sample(summary.name + end, {"cmd": command}, float(totals.get(part, 0)))
    if summary.samples:
        yield summary


def _errors(reading: Reading) -> Iterator[Metric]:
    made = family("redis_errors_total", COUNTER, "Errors, by their first word")
    for name, parts in reading.rows("errorstat_"):
        made.add_sample("redis_errors_total", {"err": name}, float(parts["count"]))
    if made.samples:
        yield made


def _slow(reading: Reading) -> Iterator[Metric]:
    """The slow log, and the latency monitor."""
    log = reading.slow_log
    yield single("redis_slowlog_length", GAUGE, "Entries of the slow log", log.length)
    yield single("redis_slowlog_last_id", GAUGE, "Number of the newest entry of the slow log", log.last_id)
    about = "Time that the newest entry of the slow log took"
    yield single("redis_last_slow_execution_duration_seconds", GAUGE, about, log.last_us * FROM_MICROSECONDS)
    if not reading.spikes:
        return
    last = family("redis_latency_spike_last", GAUGE, "When the latency monitor last saw each event, in Unix time")
    duration = family("redis_latency_spike_duration_seconds", GAUGE, "How long each event of the latency monitor took")
    for spike in reading.spikes:
        label = {"event_name": spike.event}
        last.add_sample(last.name, label, spike.unix_s)
        duration.add_sample(duration.name, label, spike.ms * FROM_MILLISECONDS)
    yield from (last, duration)
