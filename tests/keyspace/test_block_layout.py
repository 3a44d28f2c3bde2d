from __future__ import annotations

import pytest

from pyredmem.config.profiles import REDIS_7_2, REDIS_7_4, REDIS_8_2, REDIS_8_4, VALKEY_9_1, Profile
from pyredmem.keyspace.block_layout import LAYOUTS, BlockLayout, OneBlock, SeparateBlocks, ValkeyBlocks
from pyredmem.keyspace.key_table import KeyTable
from pyredmem.memory.allocator import Allocator
from tests.support.world import World


class CountingLayout(SeparateBlocks):
    """Redis 7.2's blocks, and a list of the tables that were asked for."""

    def __init__(self, allocator: Allocator) -> None:
        super().__init__(allocator)
        self.tables: list[KeyTable] = []

    def create_key_table(self) -> KeyTable:
        self.tables.append(super().create_key_table())
        return self.tables[-1]


@pytest.mark.parametrize(
    ("profile", "layout"),
    [
        *((REDIS_7_2, SeparateBlocks), (REDIS_7_4, SeparateBlocks)),
        *((REDIS_8_2, OneBlock), (REDIS_8_4, OneBlock), (VALKEY_9_1, ValkeyBlocks)),
    ],
)
def test_a_profile_has_a_layout(profile: Profile, layout: type[BlockLayout]) -> None:
    assert type(World(redis_version=profile.name).engine.keyspace.layout) is layout


def test_all_tables_of_keys_and_strings_of_an_engine_come_from_its_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAYOUTS, REDIS_7_2.layout, CountingLayout)
    world = World(redis_version=REDIS_7_2.name, databases="2")
    keyspace = world.engine.keyspace
    layout = keyspace.layout
    assert isinstance(layout, CountingLayout)
    world.do("SET", "key", "value")
    world.do("SELECT", "1")
    world.do("SET", "key", "value")
    world.do("SWAPDB", "0", "1")
    world.do("FLUSHDB", "ASYNC")  # gives its table away, and gets another one
    assert len(layout.tables) == 3
    for database in keyspace.databases:
        assert any(database.keys is table for table in layout.tables)
        assert database.keys.strings is layout.strings
    assert keyspace.heap_strings is layout.strings
    world.check()


@pytest.mark.parametrize("version", ["8", "7.4", "7.4.1-rc1"])
def test_scripts_run_whatever_the_version_is_called(version: str) -> None:
    world = World(redis_version=version)
    assert world.do("EVAL", "return redis.REDIS_VERSION", "0") == version.encode()
