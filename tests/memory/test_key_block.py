"""The blocks of keys in Redis 8.2; the figures were measured."""

from __future__ import annotations

import pytest

from pyredmem.memory.key_block import embedded_size, is_embedded, key_block_size
from pyredmem.memory.size_classes import jemalloc_class


@pytest.mark.parametrize(
    ("name", "value", "has_time", "block"),
    [(0, 0, False, 24), (0, 2, False, 32), (5, 4, False, 32), (5, 4, True, 40), (1, 40, False, 64), (32, 8, False, 80)],
)
def test_the_block_of_an_embedded_string(name: int, value: int, has_time: bool, block: int) -> None:
    assert is_embedded(name, value, has_time)
    assert jemalloc_class(key_block_size(name, has_time) + embedded_size(value), 8) == block


@pytest.mark.parametrize(
    ("name", "has_time", "block"),
    [(5, False, 24), (5, True, 32), (31, False, 56), (32, False, 56), (127, False, 160), (128, False, 160)],
)
def test_the_block_of_another_value(name: int, has_time: bool, block: int) -> None:
    assert jemalloc_class(key_block_size(name, has_time), 8) == block


def test_a_long_name_has_room_for_a_time_from_the_start() -> None:
    assert key_block_size(127, False) < key_block_size(127, True)
    assert key_block_size(128, False) == key_block_size(128, True)


@pytest.mark.parametrize(("name", "longest"), [(1, 40), (32, 9), (41, 0)])
def test_the_longest_embedded_string(name: int, longest: int) -> None:
    assert is_embedded(name, longest, False)
    assert not is_embedded(name, longest + 1, False)


@pytest.mark.parametrize(("name", "longest"), [(1, 32), (32, 1), (33, 0)])
def test_the_longest_embedded_string_of_a_key_with_a_time(name: int, longest: int) -> None:
    assert is_embedded(name, longest, True)
    assert not is_embedded(name, longest + 1, True)
