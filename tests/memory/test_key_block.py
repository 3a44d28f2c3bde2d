"""The blocks of keys in Redis 8.2 and Valkey 9.1; the figures were measured."""

from __future__ import annotations

import pytest

from pyredmem.memory.key_block import KeyBlock, ValkeyKeyBlock
from pyredmem.memory.size_classes import jemalloc_class

REDIS = KeyBlock()
VALKEY = ValkeyKeyBlock()


@pytest.mark.parametrize(
    ("name", "value", "has_time", "block"),
    [(0, 0, False, 24), (0, 2, False, 32), (5, 4, False, 32), (5, 4, True, 40), (1, 40, False, 64), (32, 8, False, 80)],
)
def test_the_block_of_an_embedded_string(name: int, value: int, has_time: bool, block: int) -> None:
    assert REDIS.embeds(name, value, has_time)
    assert jemalloc_class(REDIS.size_with(name, value, has_time), 8) == block


@pytest.mark.parametrize(
    ("name", "has_time", "block"),
    [(5, False, 24), (5, True, 32), (31, False, 56), (32, False, 56), (127, False, 160), (128, False, 160)],
)
def test_the_block_of_another_value(name: int, has_time: bool, block: int) -> None:
    assert jemalloc_class(REDIS.size(name, has_time), 8) == block


def test_a_long_name_has_room_for_a_time_from_the_start() -> None:
    assert REDIS.size(127, False) < REDIS.size(127, True)
    assert REDIS.size(128, False) == REDIS.size(128, True)


@pytest.mark.parametrize(("name", "longest"), [(1, 40), (32, 9), (41, 0)])
def test_the_longest_embedded_string(name: int, longest: int) -> None:
    assert REDIS.embeds(name, longest, False)
    assert not REDIS.embeds(name, longest + 1, False)


@pytest.mark.parametrize(("name", "longest"), [(1, 32), (32, 1), (33, 0)])
def test_the_longest_embedded_string_of_a_key_with_a_time(name: int, longest: int) -> None:
    assert REDIS.embeds(name, longest, True)
    assert not REDIS.embeds(name, longest + 1, True)


@pytest.mark.parametrize(
    ("name", "value", "has_time", "block"),
    [
        (1, 0, False, 20),
        (1, 4, False, 20),
        (1, 31, False, 47),
        (1, 1, True, 28),
        (31, 82, False, 128),
        (32, 0, False, 53),
    ],
)
def test_the_block_of_an_embedded_string_in_valkey(name: int, value: int, has_time: bool, block: int) -> None:
    assert VALKEY.embeds(name, value, has_time)
    assert VALKEY.size_with(name, value, has_time) == block


@pytest.mark.parametrize(
    ("name", "has_time", "block"),
    [(1, False, 20), (1, True, 28), (31, False, 50), (32, False, 53), (128, False, 157), (252, False, 281)],
)
def test_the_block_of_another_value_in_valkey(name: int, has_time: bool, block: int) -> None:
    assert VALKEY.size(name, has_time) == block


def test_a_name_of_253_bytes_has_a_longer_header_in_valkey() -> None:
    assert VALKEY.size(253, False) == VALKEY.size(252, False) + 3
    assert VALKEY.size(256, False) == VALKEY.size(255, False) + 1


@pytest.mark.parametrize("has_time", [False, True])
@pytest.mark.parametrize(("name", "longest"), [(1, 112), (31, 82), (32, 79), (100, 11)])
def test_the_longest_embedded_string_in_valkey(name: int, longest: int, has_time: bool) -> None:
    assert VALKEY.embeds(name, longest, has_time)
    assert not VALKEY.embeds(name, longest + 1, has_time)
    assert longest <= VALKEY.longest
