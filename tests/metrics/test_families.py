"""The metrics of a reading, as text for Prometheus."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pyredmem.metrics.engine_reading import reading_of
from pyredmem.metrics.exposition import text_of
from pyredmem.metrics.families import families
from pyredmem.metrics.names import COUNTER, NAMES, OWN_NAMES
from pyredmem.metrics.own import own_families
from pyredmem.metrics.reading import Reading, SlowLogState, Spike, parsed
from tests.persistence.aof_worlds import recording
from tests.support.world import World


def samples(text: bytes) -> dict[str, float]:
    """The values by name and labels, as they are written."""
    lines = [line for line in text.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def of(text: str, **more: object) -> dict[str, float]:
    return samples(text_of(families(Reading(parsed(text), **more))))  # type: ignore[arg-type]  # each test passes what the field takes


def test_a_field_becomes_a_metric_in_base_units() -> None:
    found = of("used_memory:100\r\nlatest_fork_usec:1500\r\nrdb_last_bgsave_status:ok\r\naof_last_write_status:err\r\n")
    assert found["redis_memory_used_bytes"] == 100
    assert found["redis_latest_fork_seconds"] == pytest.approx(0.0015)
    assert (found["redis_rdb_last_bgsave_status"], found["redis_aof_last_write_status"]) == (1, 0)


def test_a_field_that_a_server_does_not_have_makes_no_metric() -> None:
    assert "redis_memory_used_bytes" not in of("role:master\r\n")


def test_the_start_is_told_in_unix_time() -> None:
    assert (
        of("server_time_usec:1700000005900000\r\nuptime_in_seconds:5\r\n")["redis_start_time_seconds"] == 1_700_000_000
    )


def test_what_a_server_is_stands_in_labels() -> None:
    found = of('redis_version:7.2.6\r\nos:a "b"\r\nrole:master\r\n')
    assert found['redis_instance_info{os="a \\"b\\"",redis_version="7.2.6",role="master"}'] == 1


def test_each_database_has_a_row() -> None:
    found = of("db0:keys=5,expires=2,avg_ttl=1500\r\ndb3:keys=1,expires=0,avg_ttl=0\r\n", settings={"databases": 4})
    assert [found[f'redis_db_keys{{db="db{index}"}}'] for index in range(4)] == [5, 0, 0, 1]
    assert found['redis_db_keys_expiring{db="db0"}'] == 2
    assert found['redis_db_avg_ttl_seconds{db="db0"}'] == 1.5
    assert 'redis_db_avg_ttl_seconds{db="db1"}' not in found


def test_a_histogram_of_sizes_is_told_to_be_there() -> None:
    found = of("db0:keys=5,expires=0,avg_ttl=0\r\ndb0_distrib_strings_sizes:0=1,1=1,2K=3\r\n")
    assert found["redis_db0_distrib_strings_sizes"] == 0
    assert found['redis_db_keys{db="db0"}'] == 5


def test_commands_have_calls_times_and_percentiles() -> None:
    found = of(
        "cmdstat_config|get:calls=4,usec=2000000,usec_per_call=5.00,rejected_calls=1,failed_calls=2\r\n"
        "latency_percentiles_usec_config|get:p50=1.003,p99.9=7.007\r\n"
        "errorstat_WRONGTYPE:count=3\r\n"
    )
    label = '{cmd="config|get"}'
    assert found[f"redis_commands_total{label}"] == 4
    assert found[f"redis_commands_duration_seconds_total{label}"] == 2
    assert found[f"redis_commands_rejected_calls_total{label}"] == 1
    assert found[f"redis_commands_failed_calls_total{label}"] == 2
    assert found['redis_latency_percentiles_usec{cmd="config|get",quantile="99.9"}'] == 7.007
    assert found[f"redis_latency_percentiles_usec_sum{label}"] == 2_000_000
    assert found[f"redis_latency_percentiles_usec_count{label}"] == 4
    assert found['redis_errors_total{err="WRONGTYPE"}'] == 3


def test_the_slow_log_and_latency_events_are_told() -> None:
    found = of("", slow_log=SlowLogState(3, 9, 2500), spikes=[Spike("fork", 1_700_000_000, 250)])
    assert (found["redis_slowlog_length"], found["redis_slowlog_last_id"]) == (3, 9)
    assert found["redis_last_slow_execution_duration_seconds"] == pytest.approx(0.0025)
    assert found['redis_latency_spike_last{event_name="fork"}'] == 1_700_000_000
    assert found['redis_latency_spike_duration_seconds{event_name="fork"}'] == 0.25


def test_every_type_is_written_under_the_name_of_the_metric() -> None:
    text = "".join(f"{name.field}:1\r\n" for name in NAMES)
    lines = text_of(families(Reading(parsed(text)))).decode().splitlines()
    for name in NAMES:
        assert lines.count(f"# TYPE {name.metric} {name.kind}") == 1, name
    assert any(name.kind == COUNTER and not name.metric.endswith("_total") for name in NAMES)


def test_every_field_of_the_tables_is_in_info() -> None:
    info = reading_of(recording().engine).info
    assert not [name.field for name in (*NAMES, *OWN_NAMES) if name.field not in info]


def test_the_ledger_is_told_by_purpose_and_by_size_class(world: World) -> None:
    for number in range(100):
        world.do("SET", f"key:{number}", "x" * 100)
    reading = reading_of(world.engine)
    text = text_of([*families(reading), *own_families(world.engine, reading, 0.5, 2.0)])
    found = samples(text)
    allocator = world.engine.allocator
    purposes = [value for name, value in found.items() if name.startswith("pyredmem_ledger_bytes")]
    assert sum(purposes) == allocator.used_memory
    blocks = {name: value for name, value in found.items() if name.startswith("pyredmem_size_class_blocks")}
    assert blocks['pyredmem_size_class_blocks{size="112"}'] >= 100
    assert found["pyredmem_requested_bytes_total"] == allocator.requested_bytes
    assert found["pyredmem_allocated_bytes_total"] > found["pyredmem_requested_bytes_total"] > 100 * 100
    assert found["pyredmem_event_loop_lag_seconds"] == 0.5
    assert found["pyredmem_event_loop_longest_lag_seconds"] == 2.0
    assert len(list(text_string_to_metric_families(text.decode()))) > 100
