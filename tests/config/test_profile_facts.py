"""What the facts, fields and settings of the profiles are, and that each is described."""

from __future__ import annotations

import dataclasses

import pytest

from pyredmem.config.kinds import INT_MAX
from pyredmem.config.profiles import (
    FACTS,
    FORMER_SETTINGS,
    LATER_FIELDS,
    LATER_SETTINGS,
    MIXED,
    PROFILES,
    REDIS_7_2,
    REDIS_7_4,
    REDIS_8_2,
    REDIS_8_4,
    profile_of,
)
from pyredmem.config.settings import SettingError, Settings, unknown_setting
from tests.support.replies import OK, Error
from tests.support.world import World


def test_every_fact_is_described() -> None:
    names = [field.name for field in dataclasses.fields(REDIS_7_2)]
    assert FACTS.keys() == {name for name in names if isinstance(getattr(REDIS_7_2, name), int)}


def test_a_version_of_8_chooses_8_2_or_8_4() -> None:
    assert profile_of("8.2.3") == REDIS_8_2
    assert profile_of("8.4.2") == REDIS_8_4
    assert profile_of("9.1").name == "redis-8.4"
    assert profile_of("8.0.2").name == "redis-7.4"


def test_no_server_judges_7_4_and_8_4() -> None:
    assert [profile.name for profile in PROFILES.values() if profile.not_judged] == ["redis-7.4", "redis-8.4"]


def test_no_profile_has_a_field_or_a_setting_that_is_not_listed() -> None:
    for profile in PROFILES.values():
        assert profile.fields <= LATER_FIELDS
        assert profile.settings <= LATER_SETTINGS | FORMER_SETTINGS


def test_later_versions_keep_the_fields_of_earlier_ones() -> None:
    assert REDIS_7_2.fields < REDIS_7_4.fields < REDIS_8_2.fields <= REDIS_8_4.fields
    assert MIXED.fields < REDIS_7_4.fields


def test_the_mixed_profile_replies_as_7_2() -> None:
    assert {name for name in FACTS if getattr(MIXED, name) != getattr(REDIS_7_2, name)} == set()


def test_settings_of_other_versions_are_unknown() -> None:
    world = World(redis_version="redis-8.2")
    assert world.do("CONFIG", "GET", "io-threads-do-reads", "cluster-slot-stats-enabled") == [
        *(b"cluster-slot-stats-enabled", b"no"),
    ]
    assert world.do("CONFIG", "SET", "cluster-slot-stats-enabled", "yes") == OK
    older = World(redis_version="redis-7.4")
    assert older.do("CONFIG", "GET", "io-threads-do-read*", "cluster-slot-*") == [b"io-threads-do-reads", b"no"]
    refusal = Error(unknown_setting("cluster-slot-stats-enabled").message)
    assert older.do("CONFIG", "SET", "cluster-slot-stats-enabled", "yes") == refusal


def test_a_file_may_have_the_settings_of_any_version() -> None:
    for name in PROFILES:
        settings = Settings([("redis-version", name)])
        settings.start_with("cluster-slot-stats-enabled", "yes")
        settings.start_with("io-threads-do-reads", "yes")
        assert (settings.flag("cluster-slot-stats-enabled"), settings.flag("io-threads-do-reads")) == (True, True)


def test_a_hidden_setting_is_shown_to_those_who_know_its_name() -> None:
    world = World(redis_version="redis-8.2")
    assert world.do("CONFIG", "GET", "aof-disable-auto*") == []
    assert world.do("CONFIG", "GET", "aof-disable-auto-gc") == [b"aof-disable-auto-gc", b"no"]
    older = World(redis_version="redis-7.4")
    assert older.do("CONFIG", "GET", "aof-disable-auto*") == [b"aof-disable-auto-gc", b"no"]


@pytest.mark.parametrize(("name", "most"), [("redis-7.2", INT_MAX), ("redis-7.4", 64), ("redis-8.2", 64)])
def test_the_bound_of_samples(name: str, most: int) -> None:
    settings = Settings([("redis-version", name)])
    settings.set_many([("maxmemory-samples", str(most))])
    with pytest.raises(SettingError, match=f"argument must be between 1 and {most} inclusive"):
        settings.set_many([("maxmemory-samples", str(most + 1))])


@pytest.mark.parametrize(("name", "refused"), [("redis-7.4", True), ("redis-8.2", False), ("mixed", False)])
def test_where_times_of_fields_are_refused_out_of_memory(name: str, refused: bool) -> None:
    world = World(redis_version=name, maxmemory_policy="noeviction")
    world.do("HSET", "h", "f", "v")
    world.do("CONFIG", "SET", "maxmemory", "1")
    reply = world.do("HEXPIRE", "h", "100", "FIELDS", "1", "f")
    assert (reply == Error(b"OOM command not allowed when used memory > 'maxmemory'.")) == refused
