"""What is read of the text of INFO."""

from __future__ import annotations

import pytest

from pyredmem.metrics.engine_reading import reading_of
from pyredmem.metrics.reading import Reading, Spike, as_number, parsed
from tests.support.world import World

TEXT = (
    "# Server\r\nredis_version:7.2.6\r\nlistener0:name=tcp,bind=*,port=6379\r\n\r\n"
    "# Commandstats\r\ncmdstat_get:calls=3,usec=7\r\n"
)


def test_each_line_with_a_colon_is_a_field() -> None:
    fields = parsed(TEXT)
    assert fields["redis_version"] == "7.2.6"
    assert fields["listener0"] == "name=tcp,bind=*,port=6379"
    assert len(fields) == 3


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", 12.0),
        ("-1", -1.0),
        ("1.14", 1.14),
        ("ok", 1.0),
        ("err", 0.0),
        ("1.15M", None),
        ("", None),
        ("master", None),
    ],
)
def test_numbers_and_words_of_a_status_are_numbers(text: str, number: float | None) -> None:
    assert as_number(text) == number


def test_fields_with_parts_are_rows() -> None:
    assert list(Reading(parsed(TEXT)).rows("cmdstat_")) == [("get", {"calls": "3", "usec": "7"})]


def test_an_engine_is_read_with_its_slow_log_and_its_latency_events(world: World) -> None:
    world.do("CONFIG", "SET", "slowlog-log-slower-than", "0", "latency-monitor-threshold", "1", "maxclients", "77")
    world.do("SET", "key", "value")
    world.engine.slow_commands.monitor.observe(b"fork", 250, 1_700_000_000)
    reading = reading_of(world.engine)
    assert reading.number("used_memory") == world.engine.allocator.used_memory
    assert reading.settings["maxclients"] == 77
    log = world.engine.slow_commands.log
    newest = log.get(1)[0]
    assert reading.slow_log == (len(log), newest.entry_id, newest.duration_us)
    assert reading.spikes == [Spike("fork", 1_700_000_000, 250)]
