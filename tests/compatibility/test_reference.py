"""The compatibility document is up to date."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyredmem.base.redis_commands import redis_commands
from pyredmem.compatibility.reference import DIFFERENCES, PATH, document
from pyredmem.config.profiles import REDIS_7_2, REDIS_7_4, REDIS_8_2
from tests.support.servers import Server
from tests.support.specs import items, value
from tests.support.world import World

ROOT = Path(__file__).parents[2]
NEW_IN_7_2 = {"client|no-touch", "client|setinfo", "cluster|myshardid", "waitaof"}


def test_the_document_is_up_to_date() -> None:
    path = ROOT / PATH
    if not path.exists() and not (ROOT / "pyredmem").is_dir():
        pytest.skip("the tests were copied without the documents")
    assert path.read_text() == document(), "run python -m pyredmem.compatibility"


def test_every_difference_concerns_a_command_that_exists(world: World) -> None:
    names = {command.name for command in world.engine.commands.all()}
    assert not set(DIFFERENCES) - names


def names_of(server: Server) -> set[str]:
    """What the server itself calls its commands; those of a module are in upper case."""
    with server.connect() as wire:
        return {str(name).lower() for name in items(value(wire.do("COMMAND", "LIST")))}


@pytest.mark.needs_redis
def test_the_list_of_commands_is_that_of_a_real_server_and_the_new_ones_of_7_2(real: Server) -> None:
    listed = [name for names in redis_commands(REDIS_7_2.until).values() for name in names]
    assert len(listed) == len(set(listed))
    assert set(listed) == names_of(real) | NEW_IN_7_2


def test_the_list_of_commands_of_8_2_is_that_of_a_real_server(newer: Server) -> None:
    groups = redis_commands(REDIS_8_2.until).values()
    listed = [name for names in groups for name in names]
    assert len(listed) == len(set(listed))
    assert set(listed) == names_of(newer)
    assert all(names == sorted(names) for names in groups)


def test_a_command_is_listed_from_its_version_on() -> None:
    assert "httl" not in redis_commands(REDIS_7_2.until)["hash"]
    older, newer = redis_commands(REDIS_7_4.until), redis_commands(REDIS_8_2.until)
    assert "httl" in older["hash"]
    assert "hgetex" not in older["hash"]
    assert "vector-set" not in older
    assert "vsim" in newer["vector-set"]
