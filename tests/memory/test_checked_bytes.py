"""The assertion build of the heap finds what would be silent damage."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from librt.strings import BytesWriter

from pyredmem.memory.byte_chunks import ByteChunks
from pyredmem.memory.checked_bytes import POISON, CheckedAllocator, CheckedBytes
from pyredmem.memory.heap_bytes import HeapBytes
from pyredmem.memory.heap_choice import create_allocator, create_heap_bytes
from pyredmem.memory.process import CHECKED_HEAP_VARIABLE, wants_checked_heap
from pyredmem.memory.word_bytes import WordBytes


class Heap:
    """An allocator that checks, its bytes, and the memory below these, which nobody checks."""

    def __init__(self) -> None:
        self.allocator = CheckedAllocator()
        self.memory: ByteChunks = WordBytes()
        self.checked = CheckedBytes(self.memory, self.allocator)
        self.bytes: HeapBytes = self.checked
        self.allocator.pages.receiver = self.checked

    def block(self, data: bytes, size: int = 0) -> int:
        address = int(self.allocator.alloc(size or len(data)))
        self.bytes.store(address, data, len(data))
        return address


@pytest.fixture
def heap() -> Heap:
    heap = Heap()
    for size in (8, 32, 104):
        heap.block(bytes(size))  # so that no slab goes when a test frees its block
    return heap


def test_the_environment_asks_for_a_heap_that_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    for value, wanted in (("1", True), ("0", False), ("", False)):
        monkeypatch.setenv(CHECKED_HEAP_VARIABLE, value)
        assert wants_checked_heap() is wanted
    monkeypatch.delenv(CHECKED_HEAP_VARIABLE)
    assert not wants_checked_heap()


ACCESSES = ["store", "store_at", "equals", "load", "load_part", "reply", "word", "set_word", "move"]


@pytest.mark.parametrize("access", ACCESSES)
@pytest.mark.parametrize("size", [8, 32, 104, 20_000])
def test_a_use_after_free_is_found(heap: Heap, access: str, size: int) -> None:
    address = heap.block(b"x" * size)
    other = heap.block(b"x" * size)
    heap.allocator.free(address)
    uses: dict[str, Callable[[], object]] = {
        "store": lambda: heap.bytes.store(address, b"abc", 3),
        "store_at": lambda: heap.bytes.store_at(address, 1, b"abc", 8),
        "equals": lambda: heap.bytes.equals(address, b"abc", 3),
        "load": lambda: heap.bytes.load(address, 3),
        "load_part": lambda: heap.bytes.load_part(address, 1, 3),
        "reply": lambda: heap.bytes.reply(address, 3, BytesWriter()),
        "word": lambda: heap.bytes.word(address),
        "set_word": lambda: heap.bytes.set_word(address, 1),
        "move": lambda: heap.bytes.move(other, address, 8),
    }
    with pytest.raises(AssertionError, match=rf"address {address} lies in no live block"):
        uses[access]()


def test_a_double_free_is_found(heap: Heap) -> None:
    address = heap.block(b"x" * 30)
    heap.allocator.free(address)
    with pytest.raises(AssertionError, match=f"address {address} is already free"):
        heap.allocator.free(address)


def test_a_free_inside_a_block_is_found(heap: Heap) -> None:
    address = heap.block(b"x" * 30)
    with pytest.raises(AssertionError, match="inside a block"):
        heap.allocator.free(address + 1)


@pytest.mark.parametrize(("offset", "length"), [(0, 33), (32, 1), (31, 2), (100, 1)])
def test_an_access_behind_the_end_of_a_block_is_found(heap: Heap, offset: int, length: int) -> None:
    address = heap.block(b"x" * 32)
    heap.block(b"y" * 32)
    message = f"byte {offset + length - 1} of the block at address {address}, which has 32 bytes"
    with pytest.raises(AssertionError, match=message):
        heap.bytes.store_at(address, offset, b"x" * length, 32)
    with pytest.raises(AssertionError, match=message):
        heap.bytes.load_part(address, offset, length)


def test_an_access_that_begins_behind_a_header_is_allowed_up_to_the_end_of_the_block(heap: Heap) -> None:
    address = heap.block(b"x" * 32)
    heap.bytes.store(address + 2, b"y" * 16, 16)
    assert heap.bytes.load(address, 32) == b"x" * 16 + b"y" * 16
    with pytest.raises(AssertionError, match=f"byte 32 of the block at address {address}"):
        heap.bytes.store(address + 2, b"y" * 17, 17)
    large = heap.block(b"z" * 20_000)
    assert heap.bytes.load(large + 2000, 4000) == b"z" * 4000
    with pytest.raises(AssertionError, match=f"byte 20480 of the block at address {large}"):
        heap.bytes.load(large + 2000, 4481)


def test_address_zero_and_addresses_that_never_were_in_use_are_refused(heap: Heap) -> None:
    for address in (0, 1, -5, 1 << 30):
        with pytest.raises(AssertionError, match="lies in no live block"):
            heap.bytes.word(address)


def test_a_negative_offset_or_length_is_refused(heap: Heap) -> None:
    address = heap.block(b"x" * 32)
    with pytest.raises(AssertionError, match="negative offset"):
        heap.bytes.store_at(address, -1, b"x", 32)
    with pytest.raises(AssertionError, match="negative length"):
        heap.bytes.load(address, -1)


def test_a_wrong_length_is_refused(heap: Heap) -> None:
    address = heap.block(b"x" * 32)
    with pytest.raises(AssertionError, match="4 bytes is stored as one of 3"):
        heap.bytes.store(address, b"xxxx", 3)
    with pytest.raises(AssertionError, match="4 bytes is compared as one of 8"):
        heap.bytes.equals(address, b"xxxx", 8)


def test_freed_words_are_poison(heap: Heap) -> None:
    address = heap.block(b"x" * 32)
    heap.allocator.free(address)
    assert [heap.memory.word(address + at) for at in range(4)] == [POISON] * 4


@pytest.mark.parametrize("size", [32, 104, 20_000])
def test_a_write_to_a_freed_block_is_found_when_it_is_allocated_again(heap: Heap, size: int) -> None:
    address = heap.block(b"x" * size)
    heap.allocator.free(address)
    heap.memory.set_word(address + 3, 77)
    with pytest.raises(AssertionError, match=f"word 3 of the block at address {address} was written to after"):
        heap.allocator.alloc(size)


def test_a_write_to_pages_that_were_cut_off_is_found(heap: Heap) -> None:
    address = heap.block(b"x" * 40_000)
    assert heap.bytes.resize(heap.allocator, address, 20_000, 20_000) == address
    heap.memory.set_word(address + 3000, 77)
    with pytest.raises(AssertionError, match="was written to after it was freed"):
        heap.allocator.alloc(16_384)


def test_reading_what_was_not_stored_since_the_block_was_freed_is_found(heap: Heap) -> None:
    heap.allocator.free(heap.block(b"x" * 32))
    address = heap.allocator.alloc(32)
    heap.bytes.store(address, b"y" * 9, 9)
    assert heap.bytes.load(address, 9) == b"y" * 9
    with pytest.raises(AssertionError, match=f"load: nothing was stored at address {address + 2} since it was freed"):
        heap.bytes.load(address, 17)


def test_reading_where_there_is_no_memory_is_found(heap: Heap) -> None:
    address = heap.allocator.alloc(3 << 20)
    with pytest.raises(AssertionError, match=f"word: nothing was stored at address {address + 200_000}"):
        heap.bytes.word(address + 200_000)


def test_an_access_behind_the_requested_size_is_found(heap: Heap) -> None:
    address = heap.block(b"x" * 100)
    heap.bytes.guard(address, 100)
    with pytest.raises(AssertionError, match=f"byte 100 of the block at address {address}, which has 100 bytes"):
        heap.bytes.store_at(address, 100, b"x", 100)


def test_a_write_to_the_red_zone_is_found_when_the_block_goes(heap: Heap) -> None:
    address = heap.block(b"x" * 98)
    heap.bytes.guard(address, 98)
    heap.memory.set_word(address + 13, 0x1234)
    message = f"word 13 of the block at address {address}, behind its 98 bytes, was written to"
    for found_by in (
        heap.checked.check,
        lambda: heap.allocator.free(address),
        lambda: heap.bytes.guard(address, 90),
        lambda: heap.bytes.resize(heap.allocator, address, 98, 3000),
    ):
        with pytest.raises(AssertionError, match=message):
            found_by()


def test_a_statement_about_the_requested_size_ends_with_the_block(heap: Heap) -> None:
    address = heap.block(b"x" * 98)
    heap.bytes.guard(address, 98)
    heap.allocator.free(address)
    assert heap.block(b"y" * 112) == address
    heap.bytes.guard(address, 100)
    assert heap.bytes.resize(heap.allocator, address, 100, 110) == address
    heap.bytes.store_at(address, 100, b"0123456789", 100)
    heap.checked.check()


def test_a_moved_block_leaves_poison_behind(heap: Heap) -> None:
    address = heap.block(b"x" * 32)
    new = heap.bytes.resize(heap.allocator, address, 32, 500)
    assert heap.bytes.load(new, 32) == b"x" * 32
    assert heap.memory.word(address) == POISON


def test_the_ordinary_heap_accepts_statements_about_the_requested_size() -> None:
    allocator = create_allocator("jemalloc", False)
    ordinary = create_heap_bytes(allocator, True)
    address = allocator.alloc(100)
    ordinary.guard(address, 100)
    ordinary.store(address, b"x" * 112, 112)
    assert ordinary.load(address, 112) == b"x" * 112
