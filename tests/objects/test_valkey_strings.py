"""Strings in the heap, in the blocks of their keys, as large as Valkey embeds them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.heap_choice import create_allocator, create_heap_bytes
from pyredmem.memory.key_block import ValkeyKeyBlock
from pyredmem.objects.heap_strings import NO_WORD, with_access
from pyredmem.objects.one_block_strings import granules
from pyredmem.objects.valkey_strings import ValkeyStrings

BLOCKS = ValkeyKeyBlock()
NAME = 5


@pytest.fixture
def allocator() -> Allocator:
    return create_allocator("jemalloc", checked=True)


@pytest.fixture
def strings(allocator: Allocator) -> ValkeyStrings:
    """Strings in a heap that checks each access."""
    return ValkeyStrings(allocator, create_heap_bytes(allocator, compiled=False), 256, BLOCKS)


def placed(strings: ValkeyStrings, data: bytes) -> int:
    """A string in a new block for a key."""
    word = with_access(strings.new_text(data), 77)
    embeds = strings.embeds(word, NAME, False)
    block = strings.allocator.alloc(strings.block_size(NAME, False, embeds))
    strings.heap.store(block, b"k" * NAME, NAME)
    return int(strings.place(word, block, NAME, embeds))


@given(st.integers(0, 2000), st.integers(0, 113), st.booleans())
def test_a_block_has_room_for_the_name_the_place_and_the_bytes(name: int, size: int, has_time: bool) -> None:
    assert granules(name) * 8 + 8 <= BLOCKS.size(name, has_time)
    if BLOCKS.embeds(name, size, has_time):
        assert granules(name) * 8 + (8 if size > 63 else 0) + size <= BLOCKS.size_with(name, size, has_time)


@pytest.mark.parametrize(
    ("size", "encoding"),
    [(0, b"embstr"), (63, b"embstr"), (64, b"embstr"), (108, b"embstr"), (109, b"raw"), (256, b"raw")],
)
def test_a_text_is_read_from_its_block(
    strings: ValkeyStrings, allocator: Allocator, size: int, encoding: bytes
) -> None:
    data = bytes(range(size))
    word = placed(strings, data)
    view = strings.view(word)
    assert (view.data(), view.encoding(), int(view.lru)) == (data, encoding, 77)
    assert (strings.data(word), strings.length(word), strings.access(word)) == (data, size, 77)
    assert strings.is_embedded(word) == (encoding == b"embstr")
    assert sorted(strings.addresses(word)) == sorted(view.addresses())
    assert strings.heap.load(strings.block(word), NAME) == b"k" * NAME
    strings.free(word)
    assert allocator.used_memory == 0


@pytest.mark.parametrize("size", [10, 63, 64, 100, 200])
def test_a_string_is_read_where_its_block_was_moved_to(strings: ValkeyStrings, size: int) -> None:
    data = bytes(range(size))
    word = placed(strings, data)
    block = int(strings.block(word))
    address = int(strings.allocator.alloc(strings.allocator.usable(block)))
    strings.heap.move(block, address, granules(NAME) * 8 + strings.part_bytes(word))
    moved = strings.moved(word, block, address)
    strings.allocator.free(block)
    assert int(strings.block(moved)) == address
    assert (strings.data(moved), strings.access(moved)) == (data, 77)
    strings.free(moved)
    assert strings.allocator.used_memory == 0


@pytest.mark.parametrize("size", [10, 64, 100, 200])
def test_an_object_that_goes_into_the_heap_has_the_word_of_a_new_string(strings: ValkeyStrings, size: int) -> None:
    word = placed(strings, b"v" * size)
    assert strings.word_in(strings.view(word), NAME) == word


@pytest.mark.parametrize("size", [10, 64, 100])
def test_an_embedded_string_is_changed_by_the_table_only(strings: ValkeyStrings, size: int) -> None:
    word = placed(strings, b"v" * size)
    assert strings.set_part(word, 1, b"x") == NO_WORD
    block = int(strings.block(word))
    assert strings.overwrite_embedded(word, b"w" * size, block, NAME, False, True) == word
    assert strings.data(word) == b"w" * size


def test_a_raw_string_is_overwritten_only_by_one_that_cannot_be_embedded(strings: ValkeyStrings) -> None:
    raw = placed(strings, b"v" * 200)
    assert strings.overwrite(raw, b"w" * 120) == NO_WORD
    assert strings.overwrite(raw, b"w" * 121) == strings.set_part(raw, 121, b"x") == raw
    assert strings.data(raw) == b"w" * 121 + b"x"
