"""Strings and words at the addresses of the ledger, in each implementation."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from librt.strings import BytesWriter
from librt.vecs import vec
from mypy_extensions import i64

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.buffer_bytes import BufferBytes
from pyredmem.memory.byte_chunks import CHUNK_WORDS
from pyredmem.memory.checked_bytes import CheckedAllocator, CheckedBytes
from pyredmem.memory.heap_bytes import HeapBytes, place_of
from pyredmem.memory.heap_choice import create_allocator, create_heap_bytes
from pyredmem.memory.pages import PAGE_LIMIT, PAGE_SHIFT, OutOfMemory
from pyredmem.memory.word_bytes import WordBytes

KINDS = ["words", "buffers", "checked words", "checked buffers"]
#: Addresses in chunk 0, in another one, at the ends of both, and in the last page of the address space.
PLACES = [1000, CHUNK_WORDS - 2, CHUNK_WORDS + 1000, 2 * CHUNK_WORDS - 2, (PAGE_LIMIT << PAGE_SHIFT) - 512]


def heap_of(kind: str) -> tuple[Allocator, HeapBytes]:
    allocator = create_allocator("jemalloc", kind.startswith("checked"))
    return allocator, create_heap_bytes(allocator, kind.endswith("words"))


def memory_of(kind: str) -> HeapBytes:
    return WordBytes() if kind == "words" else BufferBytes()


def replied(heap: HeapBytes, address: int, length: int) -> bytes:
    writer = BytesWriter()
    writer.write(b"$")
    heap.reply(address, length, writer)
    return writer.getvalue()[1:]


def text(length: int) -> bytes:
    """Bytes with all values, also such that make a word negative."""
    return bytes([(index * 37 + 200) % 256 for index in range(length)])


def spread(data: bytes) -> list[int]:
    """The words of a string."""
    data += bytes(-len(data) % 8)
    return [int.from_bytes(data[at : at + 8], "little", signed=True) for at in range(0, len(data), 8)]


kinds = pytest.mark.parametrize("kind", ["words", "buffers"])
places = pytest.mark.parametrize("place", PLACES)


@kinds
@places
@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 100, 1000])
def test_a_stored_string_is_read_in_every_way(kind: str, place: int, length: int) -> None:
    heap = memory_of(kind)
    data = text(length)
    heap.store(place, text(length + 9), length + 9)
    heap.store(place, data, length)
    assert heap.load(place, length) == data
    assert replied(heap, place, length) == data
    assert heap.equals(place, data, length)
    assert [heap.word(place + at) for at in range((length + 7) // 8)] == spread(data)


@kinds
@places
@pytest.mark.parametrize("length", [1, 7, 8, 9, 40, 300])
def test_a_string_with_one_other_byte_is_not_equal(kind: str, place: int, length: int) -> None:
    heap = memory_of(kind)
    data = text(length)
    heap.store(place, data, length)
    for index in range(length):
        other = data[:index] + bytes([data[index] ^ 128]) + data[index + 1 :]
        assert not heap.equals(place, other, length)


@kinds
@places
@pytest.mark.parametrize("length", [0, 1, 8, 13, 30])
def test_every_part_of_a_string_is_read(kind: str, place: int, length: int) -> None:
    heap = memory_of(kind)
    data = text(length)
    heap.store(place, data, length)
    for offset in range(length + 1):
        for size in range(length - offset + 1):
            assert heap.load_part(place, offset, size) == data[offset : offset + size]


@kinds
@places
def test_every_part_of_a_string_is_overwritten(kind: str, place: int) -> None:
    heap = memory_of(kind)
    for length in (0, 1, 7, 8, 21):
        for offset in range(26):
            for size in range(20):
                data, part = text(length), text(200)[100 : 100 + size]
                heap.store(place, b"\xff" * 56, 56)
                heap.store(place, data, length)
                heap.store_at(place, offset, part, length)
                expected = data.ljust(offset, b"\0")[:offset] + part + data[offset + size :]
                assert heap.load(place, len(expected)) == expected
                assert [heap.word(place + at) for at in range((len(expected) + 7) // 8)] == spread(expected)
                untouched = place + max(length, offset + size, 1) // 8 + 1
                assert heap.word(untouched) == -1


@kinds
@places
@pytest.mark.parametrize("value", [0, 1, -1, 2**63 - 1, -(2**63)])
def test_words_are_numbers_of_64_bits(kind: str, place: int, value: int) -> None:
    heap = memory_of(kind)
    heap.set_word(place, value)
    assert heap.word(place) == value
    assert heap.load(place, 8) == value.to_bytes(8, "little", signed=True)


@kinds
@places
def test_a_string_is_compared_by_the_word_that_has_its_place(kind: str, place: int) -> None:
    heap = memory_of(kind)
    heap.set_words(place, place_of(5000, 9), -1)
    heap.store(5000, b"a string.", 9)
    assert heap.equals_at(place, b"a string.", 9)
    assert not heap.equals_at(place, b"a string!", 9)
    assert not heap.equals_at(place, b"a string", 8)
    assert heap.word(place + 1) == -1


@kinds
def test_the_first_chunk_may_go_and_come_back(kind: str) -> None:
    heap = memory_of(kind)
    places = [1000, CHUNK_WORDS + 1000, 2 * CHUNK_WORDS + 1000]
    pages = CHUNK_WORDS >> PAGE_SHIFT
    heap.store(places[0], b"gone", 4)
    heap.store(places[1], b"left", 4)
    heap.on_retained(0, pages, 0, pages)
    heap.store(places[2], b"new", 3)
    heap.store(places[0], b"back", 4)
    assert [heap.load(places[0], 4), heap.load(places[1], 4), heap.load(places[2], 3)] == [b"back", b"left", b"new"]
    assert heap.equals(places[0], b"back", 4)
    assert heap.word(places[2]) == int.from_bytes(b"new", "little")


@kinds
def test_addresses_are_replaced_by_the_words_there(kind: str) -> None:
    heap = memory_of(kind)
    for number, place in enumerate(PLACES):
        heap.set_word(place, number - 2)
    addresses = vec[i64]([*PLACES, 77])
    heap.read_words(addresses, len(PLACES))
    assert list(addresses) == [*range(-2, len(PLACES) - 2), 77]


@kinds
@pytest.mark.parametrize("length", [0, 1, 8, 100, 3 * CHUNK_WORDS * 8 + 5])
def test_a_string_is_moved_over_the_ends_of_chunks(kind: str, length: int) -> None:
    heap = memory_of(kind)
    data = (text(1021) * (length // 1021 + 1))[:length]
    source, target = CHUNK_WORDS - 3, 9 * CHUNK_WORDS - 7
    heap.store(source, data, length)
    heap.move(source, target, length)
    assert heap.load(target, length) == data
    assert heap.equals(target, data, length)
    if length:
        assert not heap.equals(target, data[:-1] + bytes([data[-1] ^ 1]), length)


@kinds
def test_neighbours_do_not_disturb_each_other(kind: str) -> None:
    heap = memory_of(kind)
    for number in range(2000):
        heap.store(CHUNK_WORDS - 2000 + 2 * number, b"value:%04d" % number, 10)
    assert all(heap.equals(CHUNK_WORDS - 2000 + 2 * number, b"value:%04d" % number, 10) for number in range(2000))


@pytest.mark.parametrize("kind", KINDS)
def test_a_resized_block_keeps_its_bytes(kind: str) -> None:
    allocator, heap = heap_of(kind)
    data = text(90)
    address = allocator.alloc(90)
    heap.store(address, data, 90)
    for size in (96, 200, 20_000, 40_000, 9 << 20, 100):
        address = heap.resize(allocator, address, 90, size)
        assert (heap.load(address, 90), allocator.usable(address)) == (data, allocator.good_size(size))
    allocator.check()


@pytest.mark.parametrize("kind", KINDS)
def test_resizing_does_to_the_ledger_what_realloc_does(kind: str) -> None:
    allocator, heap = heap_of(kind)
    ledger = Allocator()
    ours, theirs = allocator.alloc(10), ledger.alloc(10)
    heap.store(ours, b"0123456789", 10)
    for size in (100, 97, 5000, 20_000, 60_000, 30_000, 10):
        ours, theirs = heap.resize(allocator, ours, 10, size), ledger.realloc(theirs, size)
        assert (ours, allocator.used_memory, allocator.active()) == (theirs, ledger.used_memory, ledger.active())


@pytest.mark.parametrize("kind", KINDS)
def test_relocated_blocks_keep_their_bytes(kind: str) -> None:
    allocator, heap = heap_of(kind)
    ledger = Allocator()
    blocks = {}
    chance = Random(1)
    for number in range(20_000):
        address = allocator.alloc(100)
        assert ledger.alloc(100) == address
        heap.store(address, b"%0100d" % number, 100)
        blocks[number] = address
    for number in range(20_000):
        if chance.random() < 0.8:
            allocator.free(blocks[number])
            ledger.free(blocks.pop(number))
    active = allocator.active()
    for _ in range(3):
        for number, address in blocks.items():
            blocks[number] = heap.relocate(allocator, address, 100)
            assert blocks[number] == ledger.relocate(address)
    assert 2 * allocator.active() < active
    assert all(heap.load(address, 100) == b"%0100d" % number for number, address in blocks.items())


@pytest.mark.parametrize("kind", KINDS)
def test_the_last_addresses_of_the_ledger_hold_bytes(kind: str) -> None:
    allocator, heap = heap_of(kind)
    reserve = allocator.pages.take(PAGE_LIMIT - 20)
    blocks = {}
    for number in range(3000):
        try:
            address = allocator.alloc(32)
        except OutOfMemory:
            break
        heap.store(address, b"%020d" % number, 20)
        blocks[address] = number
    assert max(blocks) >> PAGE_SHIFT == PAGE_LIMIT - 1
    assert all(heap.load(address, 20) == b"%020d" % number for address, number in blocks.items())
    for address in blocks:
        allocator.free(address)
    allocator.pages.give_to_system(reserve, PAGE_LIMIT - 20)
    allocator.purge()
    assert heap.memory_bytes() == 0


class Machine(RuleBasedStateMachine):
    """Blocks with strings, beside a dict of what they must hold."""

    kind = ""

    def __init__(self) -> None:
        super().__init__()
        self.allocator, self.heap = heap_of(self.kind)
        self.blocks: dict[int, bytes] = {}

    @initialize(pages=st.sampled_from([0, 200, 255, 512, 1000]))
    def begin_anywhere(self, pages: int) -> None:
        if pages:
            self.allocator.pages.take(pages)
            self.allocator.reserved_pages = pages

    def pick(self, data: st.DataObject) -> int:
        return data.draw(st.sampled_from(sorted(self.blocks)))

    @rule(
        size=st.one_of(st.integers(0, 64), st.integers(0, 2000), st.integers(14_000, 70_000)), count=st.integers(1, 12)
    )
    def alloc(self, size: int, count: int) -> None:
        for number in range(count):
            address = self.allocator.alloc(size)
            assert address not in self.blocks
            data = text(min(size, 300) + number)[number:]
            self.heap.store(address, data, len(data))
            self.blocks[address] = data

    @rule(data=st.data(), offset=st.integers(0, 100), part=st.binary(max_size=50))
    def store_at(self, data: st.DataObject, offset: int, part: bytes) -> None:
        if self.blocks:
            address = self.pick(data)
            old = self.blocks[address]
            new = old.ljust(offset, b"\0")[:offset] + part + old[offset + len(part) :]
            if len(new) <= self.allocator.usable(address) and (part or offset <= len(old)):
                self.heap.store_at(address, offset, part, len(old))
                self.blocks[address] = new

    @rule(data=st.data(), part=st.binary(max_size=70))
    def store(self, data: st.DataObject, part: bytes) -> None:
        if self.blocks:
            address = self.pick(data)
            part = part[: self.allocator.usable(address)]
            self.heap.store(address, part, len(part))
            self.blocks[address] = part

    @rule(data=st.data(), size=st.integers(1, 30_000))
    def resize(self, data: st.DataObject, size: int) -> None:
        if self.blocks:
            address = self.pick(data)
            old = self.blocks.pop(address)[:size]
            self.blocks[int(self.heap.resize(self.allocator, address, len(old), size))] = old

    @rule()
    def relocate(self) -> None:
        for address in list(self.blocks):
            old = self.blocks.pop(address)
            self.blocks[int(self.heap.relocate(self.allocator, address, len(old)))] = old

    @rule(data=st.data(), every=st.integers(1, 4))
    def free(self, data: st.DataObject, every: int) -> None:
        for address in sorted(self.blocks)[::every]:
            self.allocator.free(address)
            del self.blocks[address]

    @rule()
    def purge(self) -> None:
        self.allocator.purge()

    @rule()
    def read(self) -> None:
        for address, data in self.blocks.items():
            assert self.heap.load(address, len(data)) == data
            assert self.heap.equals(address, data, len(data))

    def teardown(self) -> None:
        self.read()
        self.allocator.check()


def machine_of(kind: str) -> Any:
    case = type(kind.title().replace(" ", ""), (Machine,), {"kind": kind}).TestCase  # type: ignore[attr-defined]  # made by hypothesis
    case.settings = settings(max_examples=100, stateful_step_count=40)
    return case


TestWords = machine_of("words")
TestBuffers = machine_of("buffers")
TestCheckedWords = machine_of("checked words")
TestCheckedBuffers = machine_of("checked buffers")


@kinds
@given(data=st.binary(max_size=80), cut=st.integers(0, 10), place=st.sampled_from(PLACES))
@settings(max_examples=50)
def test_the_lengths_of_strings_do_not_matter_to_their_neighbours(kind: str, data: bytes, cut: int, place: int) -> None:
    heap = memory_of(kind)
    after = place + (len(data) + 7) // 8
    if len(data):
        heap.set_word(after, -7)
    heap.store(place, data, len(data))
    heap.store_at(place, 0, data[cut:], len(data))
    assert heap.load(place, len(data)) == data[cut:] + data[len(data[cut:]) :]
    assert not len(data) or heap.word(after) == -7


def test_the_choice_follows_build_and_allocator() -> None:
    assert type(create_heap_bytes(Allocator(), True)) is WordBytes
    assert type(create_heap_bytes(Allocator(), False)) is BufferBytes
    assert type(create_allocator("jemalloc", False)) is Allocator
    checked = create_allocator("libc", True)
    assert isinstance(checked, CheckedAllocator)
    assert isinstance(create_heap_bytes(checked, True), CheckedBytes)
