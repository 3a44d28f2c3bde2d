"""The profile of Valkey: what it has, what it does not have, and its defaults."""

from __future__ import annotations

from itertools import permutations

import pytest

from pyredmem.assembly import REGISTRY, registry_of
from pyredmem.config import valkey
from pyredmem.config.file import rewritten
from pyredmem.config.parameters import PARAMETERS
from pyredmem.config.profiles import (
    BITOP_DIFFERENCES,
    FACTS,
    OPTIONS,
    PROFILES,
    REDIS_7_2,
    SET_COMPARISONS,
    SET_IFEQ,
    VALKEY_9_1,
    Profile,
    profile_of,
)
from pyredmem.config.settings import Settings

OTHERS = [profile for profile in PROFILES.values() if profile is not VALKEY_9_1]


def names_of(profile: Profile) -> set[str]:
    return {command.name for command in registry_of(profile).table.all()}


def test_it_is_chosen_by_its_name_only() -> None:
    assert profile_of("valkey-9.1") is VALKEY_9_1
    assert all(profile_of(number).server == "redis" for number in ("7.2.4", "8.2.3", "9.1", "9.1.2", "10"))


def test_it_has_the_commands_of_redis_7_2_and_those_that_are_listed() -> None:
    assert names_of(VALKEY_9_1) == names_of(REDIS_7_2) | set(valkey.COMMANDS)


@pytest.mark.parametrize("profile", OTHERS, ids=lambda profile: profile.name)
def test_no_profile_of_redis_has_its_own_commands_and_options(profile: Profile) -> None:
    assert not names_of(profile) & set(valkey.OWN_COMMANDS)
    assert not profile.has(SET_IFEQ)


def test_a_command_says_since_which_version_of_the_server_it_exists() -> None:
    since = {name: registry_of(profile).table.lookup([b"hexpire"]) for name, profile in PROFILES.items()}
    assert since["redis-7.2"] is None
    found = {name: command.spec.since for name, command in since.items() if command is not None}
    assert found == {
        "redis-7.4": "7.4.0",
        "redis-8.2": "7.4.0",
        "redis-8.4": "7.4.0",
        "valkey-9.1": "9.0.0",
        "mixed": "7.4.0",
    }


def test_everything_that_is_listed_exists() -> None:
    known = {command.name for command in REGISTRY.table.all()}
    flagged = {name for name, _ in valkey.FLAGS}
    assert set(valkey.COMMANDS) | valkey.NOT_DEPRECATED | flagged <= known
    assert valkey.SETTINGS | {name for name, _ in valkey.SETTING_DEFAULTS} <= set(PARAMETERS)


def test_each_option_stands_in_the_syntax_of_its_command() -> None:
    syntax = {command.name: command.spec.syntax for command in REGISTRY.table.all()}
    assert [one for one in OPTIONS if one.syntax not in syntax[one.command]] == []


def test_options_of_redis_after_7_2_are_missing_unless_they_are_listed() -> None:
    assert not VALKEY_9_1.has(BITOP_DIFFERENCES)
    assert not VALKEY_9_1.has(SET_COMPARISONS)
    assert VALKEY_9_1.has(SET_IFEQ)


@pytest.mark.parametrize("fact", FACTS)
def test_every_fact_has_a_name_in_the_profile(fact: str) -> None:
    assert hasattr(VALKEY_9_1, fact)


# Defaults of settings.


def test_defaults_are_those_of_the_profile() -> None:
    settings = Settings([("redis-version", "valkey-9.1")])
    assert {name: settings.text(name) for name, _ in valkey.SETTING_DEFAULTS} == dict(valkey.SETTING_DEFAULTS)


PAIRS = (("redis-version", "valkey-9.1"), ("lazyfree-lazy-expire", "no"), ("syslog-ident", "mine"))


@pytest.mark.parametrize("pairs", list(permutations(PAIRS)))
def test_what_was_given_stays_whatever_the_order(pairs: tuple[tuple[str, str], ...]) -> None:
    settings = Settings(pairs)
    assert settings.text("lazyfree-lazy-expire") == "no"
    assert settings.text("syslog-ident") == "mine"
    assert settings.flag("lazyfree-lazy-eviction")


def test_a_later_choice_of_redis_brings_back_its_defaults() -> None:
    settings = Settings([("redis-version", "valkey-9.1"), ("redis-version", "redis-7.2")])
    assert not settings.flag("lazyfree-lazy-expire")
    assert settings.text("repl-backlog-size") == "1048576"


def test_a_rewritten_file_does_not_repeat_the_defaults_of_the_profile() -> None:
    settings = Settings([("redis-version", "valkey-9.1"), ("lazyfree-lazy-expire", "no")])
    lines = rewritten("", settings, []).splitlines()
    assert "lazyfree-lazy-expire no" in lines
    assert not any(line.startswith(("lazyfree-lazy-eviction", "repl-backlog-size")) for line in lines)


def test_second_names_of_settings_belong_to_the_profile() -> None:
    theirs = Settings([("redis-version", "valkey-9.1")])
    assert theirs.matching([b"primaryuser", b"commandlog-slow*"]) == [
        ("primaryuser", ""),
        ("commandlog-slow-execution-max-len", "128"),
    ]
    assert Settings().matching([b"primaryuser", b"commandlog-*"]) == []
