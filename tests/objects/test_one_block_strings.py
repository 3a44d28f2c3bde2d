"""Strings in the heap, in the blocks of their keys. (All they do: tests/keyspace/test_values_in_heap.py)"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.heap_choice import create_allocator, create_heap_bytes
from pyredmem.memory.key_block import KeyBlock
from pyredmem.objects.heap_strings import NO_WORD, shared_word, with_access
from pyredmem.objects.one_block_strings import NOTHING, OneBlockStrings, granules

BLOCKS = KeyBlock()


class Rig:
    """Strings in a heap that checks each access, and a key for them."""

    def __init__(self, name: int = 5) -> None:
        self.allocator: Allocator = create_allocator("jemalloc", checked=True)
        self.strings = OneBlockStrings(self.allocator, create_heap_bytes(self.allocator, compiled=False), 256, BLOCKS)
        self.name = name

    def placed(self, word: int, has_time: bool = False) -> int:
        """The string that waits, in a new block for the key."""
        embeds = self.strings.embeds(word, self.name, has_time)
        block = self.allocator.alloc(self.strings.block_size(self.name, has_time, embeds))
        self.strings.heap.store(block, b"k" * self.name, self.name)
        return int(self.strings.place(word, block, self.name, embeds))


@given(st.integers(0, 2000), st.integers(0, 44), st.booleans())
def test_a_block_has_room_for_the_granules_of_the_name_and_for_the_part(name: int, size: int, has_time: bool) -> None:
    assert granules(name) * 8 + 8 <= BLOCKS.size(name, has_time)
    if BLOCKS.embeds(name, size, has_time):
        assert granules(name) * 8 + size <= BLOCKS.size_with(name, size, has_time)


@pytest.mark.parametrize("data", [b"", b"text", b"v" * 40, b"v" * 200])
def test_a_text_is_read_from_its_block(data: bytes) -> None:
    rig = Rig()
    strings = rig.strings
    word = rig.placed(with_access(strings.new_text(data), 77))
    view = strings.view(word)
    assert (view.data(), int(view.lru), int(view.address)) == (data, 77, int(strings.block(word)))
    assert (strings.data(word), strings.length(word), strings.access(word)) == (data, len(data), 77)
    assert sorted(strings.addresses(word)) == sorted(view.addresses())
    assert strings.heap.load(strings.block(word), rig.name) == b"k" * rig.name
    strings.free(word)
    assert rig.allocator.used_memory == 0


def test_a_number_is_read_and_changed_in_its_block() -> None:
    rig = Rig()
    word = rig.placed(rig.strings.new_integer(-12))
    assert rig.strings.integer(word) == (True, -12)
    assert rig.strings.set_integer(word, 13)
    assert rig.strings.view(word).data() == b"13"


def test_a_text_is_embedded_if_name_and_time_leave_room() -> None:
    rig = Rig(name=32)
    for size, has_time, encoding in ((9, False, b"embstr"), (10, False, b"raw"), (9, True, b"raw")):
        word = rig.placed(rig.strings.new_text(b"v" * size), has_time)
        assert rig.strings.view(word).encoding() == encoding


def test_only_raw_strings_are_modified_without_the_table() -> None:
    strings = (rig := Rig()).strings
    for word in (rig.placed(strings.new_text(b"text")), rig.placed(strings.new_integer(5))):
        assert strings.overwrite(word, b"more") == strings.set_part(word, 1, b"more") == NO_WORD
    raw = rig.placed(strings.new_text(b"v" * 100))
    assert strings.overwrite(raw, b"w" * 100) == strings.set_part(raw, 100, b"x") == raw
    assert strings.data(raw) == b"w" * 100 + b"x"


def test_another_thread_leaves_the_block_to_the_table() -> None:
    strings = (rig := Rig()).strings
    word = rig.placed(strings.new_text(b"v" * 100))
    freed = FreedBlocks()
    strings.dismantle(word, freed)
    assert [int(address) for address in freed.addresses] == [strings.sds_address(word)]


def test_nothing_has_no_blocks() -> None:
    assert shared_word(0) == NOTHING
    Rig().strings.free(NOTHING)
