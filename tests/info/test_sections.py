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
