"""Profiles: what each version of the server has."""

from __future__ import annotations

import pytest

from pyredmem.config.profiles import MIXED, OPTIONS, PROFILES, REDIS_8_2, Option, profile_of
from pyredmem.config.settings import SettingError, Settings
from pyredmem.engine.spec import Command
from tests.support.wire import Error
from tests.support.world import World


def command_of(world: World, name: str) -> Command:
    """The command with a name, of the table of a server."""
    command = world.engine.commands.by_full_name(name.encode())
    assert command is not None
    return command


@pytest.mark.parametrize(
    ("choice", "name", "version"),
    [
        ("redis-7.2", "redis-7.2", "7.2.6"),
        ("mixed", "mixed", MIXED.version),
        ("7.2.4", "redis-7.2", "7.2.4"),
        ("6.0.16", "redis-7.2", "6.0.16"),
        ("7.4", "redis-7.4", "7.4"),
        ("7.3.240", "redis-7.2", "7.3.240"),
        ("8.6", "redis-8.4", "8.6"),
    ],
)
def test_a_number_chooses_the_newest_profile_that_is_not_newer(choice: str, name: str, version: str) -> None:
    chosen = profile_of(choice)
    assert (chosen.name, chosen.version) == (name, version)


def test_what_is_no_profile_and_no_version_is_refused() -> None:
    with pytest.raises(SettingError, match="mixed, or a version such as"):
        Settings([("redis-version", "redis-9")])


def test_the_default_is_8_2() -> None:
    assert Settings().profile() is REDIS_8_2


@pytest.mark.parametrize(
    ("name", "knows"),
    [
        ("redis-7.2", {"ZRANK", "WAITAOF"}),
        ("redis-7.4", {"ZRANK", "WAITAOF", "HEXPIRE", "HTTL"}),
        ("mixed", {"ZRANK", "WAITAOF", "HEXPIRE", "HTTL", "HGETDEL", "HSETEX"}),
    ],
)
def test_a_server_does_not_know_the_commands_of_later_versions(name: str, knows: set[str]) -> None:
    world = World(redis_version=name)
    for word in ("ZRANK", "WAITAOF", "HEXPIRE", "HTTL", "HGETDEL", "HSETEX"):
        reply = world.reply(word)
        assert isinstance(reply, Error)
        assert reply.text.startswith(b"ERR unknown command") == (word not in knows), word


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.syntax)
@pytest.mark.parametrize("name", PROFILES)
def test_documentation_shows_an_option_where_it_is_accepted(name: str, option: Option) -> None:
    table = World(redis_version=name).engine.commands
    command = table.by_full_name(option.command.encode())
    if command is None:
        assert not PROFILES[name].has(option)
        return
    spec = command.spec
    assert (option.syntax in spec.syntax) == PROFILES[name].has(option)
    assert all(PROFILES[name].has_since(version) for version, _ in spec.history)


def test_an_option_of_a_later_version_is_a_syntax_error() -> None:
    world = World(redis_version="redis-7.2")
    world.do("HSET", "hash", "field", "value")
    for command in (("HSCAN", "hash", 0, "NOVALUES"), ("CLIENT", "KILL", "MAXAGE", "10")):
        assert world.reply(*command) == Error(b"ERR syntax error"), command
        assert World(redis_version="redis-7.4").reply(*command) != Error(b"ERR syntax error"), command


def test_a_command_has_the_same_number_in_all_profiles() -> None:
    worlds = [World(redis_version=name) for name in PROFILES]
    assert len({command_of(world, "zadd").index for world in worlds}) == 1
