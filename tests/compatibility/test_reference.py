"""The compatibility document is up to date."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyredmem.base.redis_commands import redis_commands
from pyredmem.compatibility.reference import DIFFERENCES, PATH, document
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


@pytest.mark.needs_redis
def test_the_list_of_commands_is_that_of_a_real_server_and_the_new_ones_of_7_2(real: Server) -> None:
    with real.connect() as wire:
        theirs = {str(name) for name in items(value(wire.do("COMMAND", "LIST")))}
    listed = [name for names in redis_commands().values() for name in names]
    assert len(listed) == len(set(listed))
    assert set(listed) == theirs | NEW_IN_7_2
