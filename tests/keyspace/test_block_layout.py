from __future__ import annotations

from collections.abc import Iterator

import pytest

from pyredmem.keyspace.block_layout import LAYOUTS, BlockLayout, OneBlock, SeparateBlocks, create_layout
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


@pytest.fixture
def another_layout() -> Iterator[None]:
    """From Redis 99.2 on there is another layout."""
    LAYOUTS.append(((99, 2, 0), CountingLayout))
    yield
    LAYOUTS.pop()


@pytest.mark.usefixtures("another_layout")
@pytest.mark.parametrize(
    ("version", "layout"),
    [
        ("7.2.6", SeparateBlocks),
        ("8.1.9", SeparateBlocks),
        ("8.2", OneBlock),
        ("99.1.9", OneBlock),
        ("99.2", CountingLayout),
        ("100.0.0", CountingLayout),
        ("unstable", SeparateBlocks),
    ],
)
def test_a_version_has_the_newest_layout_that_is_not_newer(version: str, layout: type[BlockLayout]) -> None:
    assert type(create_layout(version, Allocator())) is layout


@pytest.mark.usefixtures("another_layout")
def test_all_tables_of_keys_and_strings_of_an_engine_come_from_its_layout() -> None:
    world = World(redis_version="99.2.0", databases="2")
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


@pytest.mark.parametrize("version", ["8", "7.4", "unstable"])
def test_scripts_run_whatever_the_version_is_called(version: str) -> None:
    world = World(redis_version=version)
    assert world.do("EVAL", "return redis.REDIS_VERSION", "0") == version.encode()
