"""INFO: all fields of Redis 7.2 in their order, and the choice of sections."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.hosted import Hosted

FIELDS = {
    section: names.split()
    for section, names in re.findall(
        r"^# (\w+)\n(.*?)(?=^# |\Z)", (Path(__file__).parent / "fields.txt").read_text(), re.MULTILINE | re.DOTALL
    )
}
DEFAULT = (
    *("Server", "Clients", "Memory", "Persistence", "Stats", "Replication", "CPU", "Modules", "Errorstats"),
    *("Cluster", "Keyspace"),
)
ALL = (
    *("Server", "Clients", "Memory", "Process", "Persistence", "Stats", "Replication", "CPU", "Modules"),
    *("Commandstats", "Errorstats", "Latencystats", "Cluster", "Keyspace"),
)


def titles(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"^# (\w+)\r$", text, re.MULTILINE))


@pytest.mark.parametrize("section", FIELDS)
def test_a_section_has_the_fields_of_redis_in_order(section: str) -> None:
    found = list(Hosted().info(section))
    assert [name for name in found if name in FIELDS[section]] == FIELDS[section]


def test_only_the_server_section_has_fields_of_its_own() -> None:
    extra = {name for section in FIELDS for name in Hosted().info(section)} - {n for f in FIELDS.values() for n in f}
    assert extra == {"pyredmem_version", "pyredmem_build", "python_version", "listener1"}


def test_without_arguments_the_default_sections_are_shown() -> None:
    assert titles(Hosted().info_text()) == DEFAULT


@pytest.mark.parametrize("word", ["all", "everything", "ALL"])
def test_all_shows_the_statistics_of_commands_too(word: str) -> None:
    assert titles(Hosted().info_text(word)) == ALL


def test_sections_are_shown_once_and_in_a_fixed_order() -> None:
    assert titles(Hosted().info_text("keyspace", "CLUSTER", "keyspace", "nothing")) == ("Cluster", "Keyspace")


def test_the_default_sections_and_others_can_be_asked_for_together() -> None:
    expected = tuple(title for title in ALL if title not in {"Process", "Latencystats"})
    assert titles(Hosted().info_text("default", "commandstats")) == expected


def test_an_unknown_section_gives_an_empty_string() -> None:
    assert Hosted().raw("INFO", "nothing") == b"$0\r\n\r\n"


def test_an_empty_line_stands_between_sections_but_not_at_the_end() -> None:
    assert Hosted().info_text("cluster", "keyspace") == "# Cluster\r\ncluster_enabled:0\r\n\r\n# Keyspace\r\n"


def test_under_resp3_the_text_is_a_verbatim_string() -> None:
    assert Hosted(protocol=3).raw("INFO", "cluster") == b"=34\r\ntxt:# Cluster\r\ncluster_enabled:0\r\n\r\n"


def test_info_changes_nothing() -> None:
    hosted = Hosted()
    hosted.info_text("everything")  # the first call is charged for the histogram of INFO
    before = hosted.engine.allocator.used_memory
    hosted.info_text("everything")
    assert hosted.engine.allocator.used_memory == before
    assert hosted.engine.audit().ok


def test_threads_and_keysizes_came_with_8_2() -> None:
    assert {"Threads", "Keysizes"} <= set(titles(Hosted(redis_version="8.2.3").info_text()))
    assert Hosted(redis_version="7.4.1").info_text("threads", "keysizes") == ""


def test_keysizes_count_keys_by_powers_of_two() -> None:
    newer = Hosted(redis_version="8.2.3")
    for key, size in (("a", 0), ("b", 1), ("c", 3), ("d", 2), ("e", 9000)):
        newer.do("SETRANGE" if size else "SET", key, *([size - 1, "x"] if size else [""]))
    newer.do("RPUSH", "l", *"abcde")
    newer.do("ZADD", "z", "1", "a")
    newer.do("XADD", "stream", "*", "f", "v")
    newer.do("SELECT", "2")
    newer.do("HSET", "h", "f", "v")
    newer.do("SADD", "s", "m", "n")
    assert newer.info("keysizes") == {
        "db0_distrib_strings_sizes": "0=1,1=1,2=2,8K=1",
        "db0_distrib_lists_items": "4=1",
        "db0_distrib_zsets_items": "1=1",
        "db2_distrib_sets_items": "2=1",
        "db2_distrib_hashes_items": "1=1",
    }


def test_a_profile_has_the_fields_of_its_version() -> None:
    memory = {version: Hosted(redis_version=version).info("memory") for version in ("7.2.6", "7.4.1", "8.2.3")}
    assert [("allocator_muzzy" in found) for found in memory.values()] == [False, True, True]
    assert [("used_memory_peak_time" in found) for found in memory.values()] == [False, False, True]


def test_the_time_of_the_peak_is_known() -> None:
    newer = Hosted(redis_version="8.2.3")
    newer.do("SET", "k", "v" * 1_000_000)
    newer.tick()
    reached_s = newer.now_ms // 1000
    newer.do("DEL", "k")
    newer.advance(5000)
    assert int(newer.info("memory")["used_memory_peak_time"]) in {reached_s, reached_s - 1}


def test_a_client_knows_its_traffic_since_8_2() -> None:
    newer = Hosted(redis_version="8.2.3")
    newer.do("PING")
    line = newer.do("CLIENT", "INFO")
    assert isinstance(line, bytes)
    assert line.endswith(b" io-thread=0 tot-net-in=40 tot-net-out=7 tot-cmds=1\n")
    assert b"tot-net-in" not in bytes(str(Hosted(redis_version="7.4.1").do("CLIENT", "INFO")), "ascii")


def test_memory_stats_has_the_fields_of_the_version() -> None:
    for version, names in (("7.2.6", set[bytes]()), ("8.2.3", {b"script.VMs", b"allocator.muzzy"})):
        one = Hosted(redis_version=version)
        one.do("SET", "k", "v")
        found = one.do("MEMORY", "STATS")
        assert isinstance(found, list)
        fields = dict(zip(found[::2], found[1::2], strict=True))
        assert fields.keys() & {b"script.VMs", b"allocator.muzzy"} == names
        tables = fields[b"db.0"]
        assert isinstance(tables, list)
        assert (b"overhead.hashtable.slot-to-keys" in tables) == (version == "7.2.6")


def test_7_2_lacks_what_7_4_brought() -> None:
    older = Hosted(redis_version="7.2.6")
    older.do("SET", "k", "v")
    assert older.info("keyspace")["db0"] == "keys=1,expires=0,avg_ttl=0"
    assert b" watch=" not in older.raw("CLIENT", "INFO")
    brought = {"pubsub_clients", "watching_clients", "total_watched_keys", "expired_subkeys", "evicted_scripts"}
    assert not brought & older.info("all").keys()
    assert brought <= Hosted(redis_version="7.4.1").info("all").keys()
