"""What the fields of INFO say, section by section."""

from __future__ import annotations

import re

import pytest

from tests.support.hosted import Hosted


@pytest.fixture
def hosted() -> Hosted:
    return Hosted()


def test_the_reported_version_is_a_setting() -> None:
    assert Hosted(redis_version="7.2.6").info("server")["redis_version"] == "7.2.6"


def test_the_run_id_has_forty_hexadecimal_digits_and_stays(hosted: Hosted) -> None:
    run_id = hosted.info("server")["run_id"]
    assert re.fullmatch("[0-9a-f]{40}", run_id)
    assert hosted.info("server")["run_id"] == run_id


def test_uptime_counts_from_the_start(hosted: Hosted) -> None:
    hosted.tick(3 * 86_400_000 + 5000)
    server = hosted.info("server")
    assert server["uptime_in_seconds"] == str(3 * 86400 + 5)
    assert server["uptime_in_days"] == "3"


def test_hz_is_the_pace_of_the_timer_which_many_clients_raise(hosted: Hosted) -> None:
    for number in range(2500):
        hosted.engine.connect("tcp", f"127.0.0.1:{number}", "127.0.0.1:6379")
    hosted.tick(100)
    server = hosted.info("server")
    assert (server["hz"], server["configured_hz"]) == ("20", "10")


def test_every_listener_has_a_line(hosted: Hosted) -> None:
    server = hosted.info("server")
    assert server["listener0"] == "name=tcp,bind=127.0.0.1,port=6379"
    assert server["listener1"] == "name=unix,bind=/tmp/s"


def test_cpu_times_are_those_of_the_process(hosted: Hosted) -> None:
    assert hosted.info("cpu") == {
        "used_cpu_sys": "1.500000",
        "used_cpu_user": "2.250000",
        "used_cpu_sys_children": "0.000000",
        "used_cpu_user_children": "0.125000",
        "used_cpu_sys_main_thread": "1.000000",
        "used_cpu_user_main_thread": "2.000000",
    }


def test_connected_clients_are_counted(hosted: Hosted) -> None:
    other = hosted.engine.connect("tcp", "127.0.0.1:50001", "127.0.0.1:6379")
    assert hosted.info("clients")["connected_clients"] == "2"
    hosted.engine.disconnect(other)
    assert hosted.info("clients")["connected_clients"] == "1"


def test_hits_and_misses(hosted: Hosted) -> None:
    hosted.do("SET", "k", "v")
    hosted.do("GET", "k")
    hosted.do("GET", "none")
    stats = hosted.info("stats")
    assert (stats["keyspace_hits"], stats["keyspace_misses"]) == ("1", "1")


def test_commands_processed_include_failed_but_not_refused_ones(hosted: Hosted) -> None:
    hosted.do("SET", "k", "v")
    hosted.do("MEMORY", "USAGE", "k", "nonsense")  # run, and failed
    hosted.do("GET")  # refused
    assert hosted.info("stats")["total_commands_processed"] == "2"


def test_the_rate_of_commands_is_a_mean_over_sixteen_samples(hosted: Hosted) -> None:
    for _ in range(16):
        for _ in range(10):
            hosted.do("GET", "k")
        hosted.tick(100)
    assert hosted.info("stats")["instantaneous_ops_per_sec"] == "100"
    for _ in range(8):
        hosted.tick(100)
    assert hosted.info("stats")["instantaneous_ops_per_sec"] == "50"


def test_changes_since_the_last_save_count_from_the_start(hosted: Hosted) -> None:
    hosted.do("SET", "a", "1")
    hosted.do("SET", "a", "2")
    persistence = hosted.info("persistence")
    assert persistence["rdb_changes_since_last_save"] == "2"
    assert persistence["rdb_last_save_time"] == "1700000000"


def test_databases_with_keys_have_a_line(hosted: Hosted) -> None:
    assert hosted.info("keyspace") == {}
    hosted.do("SET", "a", "1")
    hosted.do("SET", "b", "1")
    hosted.engine.keyspace.databases[0].expire_at(b"a", 1_800_000_000_000)
    assert hosted.info("keyspace") == {"db0": "keys=2,expires=1,avg_ttl=0,subexpiry=0"}


def test_commandstats_show_calls_refusals_and_failures(hosted: Hosted) -> None:
    hosted.do("SET", "k", "v")
    hosted.do("GET", "k")
    hosted.do("GET")
    hosted.do("MEMORY", "USAGE", "k", "nonsense")
    lines = hosted.info("commandstats")
    assert lines["cmdstat_get"] == "calls=1,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0"
    assert lines["cmdstat_memory|usage"].endswith(",rejected_calls=0,failed_calls=1")
    assert "cmdstat_ping" not in lines


def test_latencystats_show_the_percentiles_that_are_set() -> None:
    hosted = Hosted(latency_tracking_info_percentiles="50 99.99 100")
    hosted.do("GET", "k")
    assert hosted.info("latencystats") == {"latency_percentiles_usec_get": "p50=0.001,p99.99=0.001,p100=0.001"}


def test_errorstats_count_by_code(hosted: Hosted) -> None:
    hosted.do("NOSUCH")
    hosted.do("GET")
    hosted.do("DEBUG", "ERROR", "ODD thing")  # goes past the counters
    assert hosted.info("errorstats") == {"errorstat_ERR": "count=2"}
    assert hosted.info("stats")["total_error_replies"] == "2"


def test_a_lone_master_has_a_replication_id_that_debug_changes(hosted: Hosted) -> None:
    before = hosted.info("replication")
    assert before["role"] == "master"
    assert before["master_replid2"] == "0" * 40
    hosted.do("DEBUG", "CHANGE-REPL-ID")
    after = hosted.info("replication")
    assert re.fullmatch("[0-9a-f]{40}", after["master_replid"])
    assert after["master_replid"] != before["master_replid"]


def test_good_replicas_are_counted_where_they_are_required() -> None:
    assert "min_slaves_good_slaves" not in Hosted().info("replication")
    assert Hosted(min_replicas_to_write="1").info("replication")["min_slaves_good_slaves"] == "0"
