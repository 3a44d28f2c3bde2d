"""Strings in the heap have the blocks, the encodings and the content of the objects that they stand for."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from librt.vecs import vec
from mypy_extensions import i64

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.heap_bytes import LONGEST_IN_HEAP as LONGEST
from pyredmem.memory.heap_choice import create_allocator, create_heap_bytes
from pyredmem.objects.heap_strings import NO_WORD, HeapStrings, is_shared, with_access
from pyredmem.objects.object import SHARED_REFERENCE_COUNT
from pyredmem.objects.string import BufferString, BytesString, IntegerString
from pyredmem.objects.string_factory import StringFactory
from pyredmem.protocol.resp import RespSink
from tests.support.movers import Shuffler

TEXTS = [b"", b"a", b"seven b", b"eight by", b"x" * 44, b"x" * 45, b"y" * 100, b"z" * LONGEST]
NUMBERS = [b"-1", b"10000", b"9223372036854775807", b"-9223372036854775808"]


class Rig:
    """Strings in the heap, with each access checked, and a factory that uses them; another factory makes objects."""

    def __init__(self) -> None:
        self.allocator: Allocator = create_allocator("jemalloc", True)
        self.strings = HeapStrings(self.allocator, create_heap_bytes(self.allocator, False), LONGEST)
        self.factory = StringFactory(self.allocator, self.strings)
        self.objects = StringFactory(create_allocator("jemalloc", True))

    def word(self, data: bytes) -> int:
        word = int(self.factory.create_in_heap(data))
        assert word != NO_WORD
        return word


@pytest.fixture
def rig() -> Rig:
    return Rig()


def replied(strings: HeapStrings, word: int) -> bytes:
    sink = RespSink()
    strings.reply(word, sink)
    return sink.take()


@pytest.mark.parametrize("data", TEXTS + NUMBERS)
def test_a_string_is_like_the_object(rig: Rig, data: bytes) -> None:
    value = rig.objects.create(data)
    word = with_access(rig.word(data), 0xABCDEF)
    view = rig.strings.view(word)
    assert view.data() == rig.strings.data(word) == data
    assert replied(rig.strings, word) == b"$%d\r\n%b\r\n" % (len(data), data)
    assert rig.strings.length(word) == len(data)
    assert (view.encoding(), view.refcount, view.lru) == (value.encoding(), 1, 0xABCDEF)
    assert view.addresses() == rig.strings.addresses(word) == value.addresses()
    assert rig.allocator.used_memory == rig.objects.allocator.used_memory
    rig.strings.free(word)
    assert rig.allocator.used_memory == 0


def test_a_long_string_is_an_object(rig: Rig) -> None:
    assert rig.factory.create_in_heap(b"z" * (LONGEST + 1)) == NO_WORD
    assert rig.allocator.used_memory == 0


@pytest.mark.parametrize("data", [b"0", b"7", b"9999"])
def test_a_shared_integer_has_no_block(rig: Rig, data: bytes) -> None:
    word = rig.word(data)
    assert is_shared(word)
    view = rig.strings.view(word)
    assert view is rig.factory.create(data)
    assert view.refcount == SHARED_REFERENCE_COUNT
    assert rig.strings.word_of(view) == word
    assert rig.strings.data(word) == data
    assert replied(rig.strings, word) == b"$%d\r\n%b\r\n" % (len(data), data)
    assert rig.strings.length(word) == len(data)
    assert rig.strings.addresses(word) == []
    assert rig.strings.defrag(word, Shuffler(rig.allocator)) == word
    assert rig.strings.overwrite(word, b"text") == NO_WORD
    rig.strings.free(word)
    assert rig.allocator.used_memory == 0


def test_all_keys_with_a_shared_integer_have_one_access_field(rig: Rig) -> None:
    first, second, other = rig.word(b"7"), rig.word(b"7"), rig.word(b"8")
    assert rig.strings.set_access(first, 4711) == first
    assert rig.strings.access(second) == rig.strings.view(second).lru == 4711
    assert rig.strings.access(other) == 0
    assert with_access(first, 99) == first  # a new key leaves it as it is


def test_an_integer_that_is_not_shared_takes_a_block(rig: Rig) -> None:
    rig.factory.sharing = False
    assert not is_shared(rig.word(b"7"))


def test_nothing_goes_into_the_heap_while_it_is_off(rig: Rig) -> None:
    rig.strings.longest = -1
    assert rig.factory.create_in_heap(b"text") == NO_WORD
    assert rig.strings.word_of(rig.factory.create(b"text")) == NO_WORD


@pytest.mark.parametrize("data", TEXTS + NUMBERS)
def test_an_object_goes_into_the_heap_with_its_blocks(rig: Rig, data: bytes) -> None:
    value = rig.factory.create(data)
    value.lru = 1234
    owned = value.addresses()
    word = rig.strings.word_of(value)
    assert word != NO_WORD
    assert rig.strings.addresses(word) == owned
    assert (rig.strings.data(word), rig.strings.access(word)) == (data, 1234)


def test_objects_that_others_refer_to_stay_objects(rig: Rig) -> None:
    value = rig.factory.create(b"text")
    value.refcount = 2
    assert rig.strings.word_of(value) == NO_WORD


def test_the_access_field_can_have_any_value(rig: Rig) -> None:
    word = rig.word(b"x" * 44)
    for field in (0, 1, 0xFFFFFF, 0x800000):
        changed = with_access(word, field)
        assert changed >= 0
        assert rig.strings.access(changed) == field
        assert rig.strings.data(changed) == b"x" * 44
        assert with_access(changed, 0) == word


def test_a_number_is_changed_in_place(rig: Rig) -> None:
    word = rig.word(b"20000")
    view = rig.strings.view(word)
    assert isinstance(view, IntegerString)
    view.number = -5
    assert rig.strings.word_of(view) == word
    assert rig.strings.data(word) == b"-5"
    assert not isinstance(rig.strings.view(rig.word(b"text")), IntegerString)


texts = st.sampled_from(TEXTS + NUMBERS + [b"b" * size for size in (1, 12, 13, 43, 46, 60, 61, 200)])


@given(texts, st.lists(texts, max_size=5))
@settings(max_examples=200, deadline=None)
def test_overwriting_keeps_or_replaces_the_blocks_as_for_an_object(first: bytes, others: list[bytes]) -> None:
    rig = Rig()
    word = with_access(rig.word(first), 99)
    value = rig.objects.create(first)
    for data in others:
        changed = rig.strings.overwrite(word, data)
        assert (changed != NO_WORD) == rig.objects.assign(value, data)
        if changed == NO_WORD:
            break
        word = int(changed)
        assert (rig.strings.data(word), rig.strings.access(word)) == (data, 99)
        assert rig.strings.addresses(word) == value.addresses()
    assert rig.allocator.used_memory == rig.objects.allocator.used_memory


PARTS = st.tuples(st.integers(0, 80), st.sampled_from([b"", b"x", b"part", b"y" * 30, b"z" * 60, b"w" * 90]))


@given(st.sampled_from(TEXTS + NUMBERS + [b"7"]), st.lists(PARTS, max_size=6))
@settings(max_examples=200, deadline=None)
def test_a_string_is_modified_with_the_blocks_and_spare_room_of_an_object(
    first: bytes, parts: list[tuple[int, bytes]]
) -> None:
    rig = Rig()
    word = with_access(rig.word(first), 99)
    value = rig.objects.create(first)
    for offset, part in parts:
        changed = rig.strings.set_part(word, offset, part)
        if changed == NO_WORD:
            assert offset + len(part) > LONGEST
            break
        word = int(changed)
        buffer = rig.objects.unshare(value)
        buffer.set_part(offset, part, rig.objects.allocator)
        value = buffer
        data = value.data()
        assert rig.strings.data(word) == data
        assert (rig.strings.length(word), rig.strings.addresses(word)) == (len(data), value.addresses())
        assert [rig.strings.part(word, start, 9) for start in range(90)] == [data[at : at + 9] for at in range(90)]
        assert [rig.strings.byte(word, place) for place in range(len(data))] == list(data)
        view = rig.strings.view(word)
        assert isinstance(view, BufferString)
        assert (view.sds.header, view.sds.capacity) == (buffer.sds.header, buffer.sds.capacity)
        assert rig.strings.word_of(view) == word
    assert rig.allocator.used_memory == rig.objects.allocator.used_memory


def test_a_modified_string_with_less_room_than_its_block_remains_an_object(rig: Rig) -> None:
    buffer = rig.factory.create_buffer(bytearray(b"x" * 50))
    buffer.sds.capacity -= 1
    assert rig.strings.word_of(buffer) == NO_WORD


@pytest.mark.parametrize("data", TEXTS + NUMBERS)
def test_parts_of_any_string_can_be_read(rig: Rig, data: bytes) -> None:
    word = rig.word(data)
    assert [rig.strings.part(word, start, 11) for start in range(70)] == [data[at : at + 11] for at in range(70)]
    assert [rig.strings.byte(word, place) for place in range(len(data))] == list(data)


@pytest.mark.parametrize("data", TEXTS + NUMBERS)
def test_defragmentation_moves_the_bytes(rig: Rig, data: bytes) -> None:
    rig.word(b"something before it")
    word = with_access(rig.word(data), 77)
    old = rig.strings.addresses(word)
    moved = rig.strings.defrag(word, Shuffler(rig.allocator))
    assert (rig.strings.data(moved), rig.strings.access(moved)) == (data, 77)
    assert not set(rig.strings.addresses(moved)) & set(old)
    assert sorted(rig.allocator.live_addresses())[1:] == sorted(rig.strings.addresses(moved))


def test_dismantling_gives_the_blocks(rig: Rig) -> None:
    word = rig.word(b"y" * 100)
    freed = FreedBlocks()
    rig.strings.dismantle(word, freed)
    assert [int(address) for address in freed.addresses] == rig.strings.addresses(word)
    assert len(freed) == 2


def test_looking_at_strings_of_all_kinds_changes_nothing() -> None:
    allocator = create_allocator("jemalloc", False)
    strings = HeapStrings(allocator, create_heap_bytes(allocator, True), LONGEST)
    factory = StringFactory(allocator, strings)
    kinds = [b"7", *TEXTS, b"9999", *NUMBERS]
    words = [factory.create_in_heap(data) for data in kinds]
    strings.look_at(vec[i64](words), len(words))
    assert [strings.data(word) for word in words] == kinds


def test_a_view_may_be_read_when_the_string_is_gone(rig: Rig) -> None:
    word = rig.word(b"text")
    view = rig.strings.view(word)
    rig.strings.free(word)
    assert isinstance(view, BytesString)
    assert view.data() == b"text"
