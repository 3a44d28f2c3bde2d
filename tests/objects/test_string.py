"""String objects: encodings, growth and reference counts, in the ledger."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredmem.memory.allocator import Allocator
from pyredmem.objects.object import SHARED_REFERENCE_COUNT, decr_ref_count, incr_ref_count
from pyredmem.objects.string import BufferString, BytesString, IntegerString, StringObject
from pyredmem.objects.string_factory import StringFactory


def make() -> StringFactory:
    return StringFactory(Allocator("jemalloc"))


@pytest.mark.parametrize(
    ("data", "name", "usage"),
    [
        (b"", b"embstr", 24),
        (b"abc", b"embstr", 24),
        (b"a" * 44, b"embstr", 64),
        (b"a" * 45, b"raw", 72),
        (b"0", b"int", 16),
        (b"-7", b"int", 16),
        (b"9223372036854775807", b"int", 16),
        (b"9223372036854775808", b"embstr", 40),
        (b"07", b"embstr", 24),
    ],
)
def test_a_value_gets_the_tightest_encoding(data: bytes, name: bytes, usage: int) -> None:
    strings = make()
    value = strings.create(data)
    assert value.encoding() == name
    assert value.memory(strings.allocator, 5) == usage
    assert value.data() == data == bytes(value.view())
    assert value.length() == len(data)


def test_small_integers_are_shared_while_sharing_is_on() -> None:
    strings = make()
    assert strings.create(b"9999") is strings.create_integer(9999)
    assert strings.create(b"9999").refcount == SHARED_REFERENCE_COUNT
    strings.sharing = False
    assert strings.create(b"9999") is not strings.create(b"9999")


def test_a_shared_integer_has_no_block_and_the_access_field_of_the_start() -> None:
    strings = make()
    strings.integers.unused_lru = 4711
    before = strings.allocator.used_memory
    value = strings.create(b"9999")
    assert (value.lru, value.addresses()) == (4711, [])
    assert strings.allocator.used_memory == before


def test_shared_integers_are_made_in_any_order() -> None:
    strings = make()
    made = {number: strings.create_integer(number) for number in (300, 7, 9999, 0, 8)}
    assert all(strings.create_integer(number) is value for number, value in made.items())
    assert [value.data() for value in made.values()] == [b"300", b"7", b"9999", b"0", b"8"]


@pytest.mark.parametrize("data", [b"5", b"77777", b"abc", b"a" * 50, b"a" * 40000])
def test_unsharing_passes_the_reference_and_the_access_field_on(data: bytes) -> None:
    strings = make()
    before = strings.allocator.used_memory
    value = strings.create(data)
    value.lru = 4711 if value.refcount == 1 else 0
    access = value.lru
    buffer = strings.unshare(value)
    assert bytes(buffer.buffer) == data
    assert buffer.lru == access
    assert strings.unshare(buffer) is buffer
    decr_ref_count(buffer, strings.allocator)
    assert strings.allocator.used_memory == before


def test_unsharing_a_raw_string_keeps_its_blocks() -> None:
    strings = make()
    value = strings.create(b"a" * 50)
    addresses = value.addresses()
    used = strings.allocator.used_memory
    assert strings.unshare(value).addresses() == addresses
    assert strings.allocator.used_memory == used


def test_unsharing_a_string_with_other_references_makes_a_copy() -> None:
    strings = make()
    value = strings.create(b"a" * 50)
    incr_ref_count(value)
    buffer = strings.unshare(value)
    buffer.set_part(buffer.length(), b"b", strings.allocator)
    assert value.data() == b"a" * 50
    assert value.refcount == 1


def test_the_sds_of_a_big_argument_is_trimmed() -> None:
    """41000 bytes leave more than a tenth of 49152 free, which trimming forgets, so the next byte doubles the sds."""
    strings = make()
    buffer = strings.unshare(strings.create(b"a" * 41000))
    assert buffer.sds.capacity == 41000
    buffer.set_part(buffer.length(), b"b", strings.allocator)
    assert strings.allocator.usable(int(buffer.sds.address)) == 98304


@pytest.mark.parametrize(("length", "usable"), [(65527, 65536), (65528, 65536), (65529, 81920), (65530, 81920)])
def test_a_big_argument_is_trimmed_only_if_its_header_can_express_the_free_room(length: int, usable: int) -> None:
    strings = make()
    assert strings.create(b"a" * length).memory(strings.allocator, 5) == 16 + usable


@pytest.mark.parametrize(
    ("length", "header", "capacity"),
    [
        (45, 3, 52),
        (32767, 5, 40954),
        (32768, 5, 32768),  # trimmed, still in a block of 40960
        (40940, 5, 40954),
        (40953, 5, 40953),  # with its CR LF it arrived in a block of 49152, and was trimmed into one of 40960
        (65530, 5, 65535),
        (65534, 9, 65534),  # with its CR LF it needs a longer header, which trimming keeps
        (65536, 9, 65536),
    ],
)
def test_a_string_that_was_set_has_the_header_and_capacity_of_its_argument(
    length: int, header: int, capacity: int
) -> None:
    strings = make()
    buffer = strings.unshare(strings.create(b"a" * length))
    assert (buffer.sds.header, buffer.sds.capacity) == (header, capacity)


def test_a_copy_of_a_big_string_has_the_capacity_of_its_block() -> None:
    strings = make()
    for original in (strings.create(b"a" * 41000), strings.create_buffer(bytearray(41000))):
        copy = original.duplicate(strings.allocator)
        assert isinstance(copy, StringObject)
        assert strings.unshare(copy).sds.capacity == 49152 - 6


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_the_capacity_of_a_buffer_fits_in_its_block(parts: list[bytes]) -> None:
    strings = make()
    buffer = strings.create_buffer(bytearray())
    for part in parts:
        buffer.set_part(buffer.length(), part, strings.allocator)
        usable = strings.allocator.usable(int(buffer.sds.address))
        room = len(buffer.buffer) if buffer.sds.header == 1 else int(buffer.sds.capacity)
        assert len(buffer.buffer) <= room
        assert int(buffer.sds.header) + room + 1 <= usable
    assert buffer.data() == b"".join(parts)


def test_a_part_replaces_what_was_there_and_lengthens_the_string() -> None:
    strings = make()
    buffer = strings.create_buffer(bytearray(b"abcd"))
    for offset, part, expected in (
        (1, b"x", b"axcd"),
        (3, b"yz", b"axcyz"),
        (7, b"gap", b"axcyz\0\0gap"),
        (2, b"", b"axcyz\0\0gap"),
    ):
        buffer.set_part(offset, part, strings.allocator)
        assert bytes(buffer.buffer) == expected


@pytest.mark.parametrize(
    ("old", "new", "possible"),
    [
        (b"abc", b"xyz", True),
        (b"abc", b"longer but short", True),
        (b"abc", b"x" * 45, False),
        (b"a" * 45, b"x" * 90, True),
        (b"a" * 45, b"x", False),
        (b"abc", b"123", False),
        (b"abc", b"", False),
        (b"77777", b"abc", False),
    ],
)
def test_assigning_in_place_gives_the_same_as_creating(old: bytes, new: bytes, possible: bool) -> None:
    strings = make()
    value = strings.create(old)
    assert strings.assign(value, new) == possible
    if possible:
        fresh = strings.create(new)
        assert (value.data(), value.encoding()) == (fresh.data(), fresh.encoding())
        assert value.memory(strings.allocator, 5) == fresh.memory(strings.allocator, 5)


def test_each_form_of_a_string_has_its_class() -> None:
    strings = make()
    assert isinstance(strings.create(b"1"), IntegerString)
    assert isinstance(strings.create(b"v"), BytesString)
    assert isinstance(strings.unshare(strings.create(b"v")), BufferString)
    assert strings.create_text(b"1").encoding() == b"embstr"
    assert strings.create_buffer(bytearray(b"1")).encoding() == b"raw"
