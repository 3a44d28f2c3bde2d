"""Strings under defragmentation, and taken apart."""

from __future__ import annotations

from collections import Counter

import pytest

from pyredmem.memory.allocator import Allocator
from pyredmem.objects.object import RedisObject
from pyredmem.objects.string import BufferString, BytesString, IntegerString, StringObject
from pyredmem.objects.string_factory import StringFactory
from tests.support.movers import Evictor, Recorder, Shuffler, assert_sound_after_passes, full_pass, taken_apart

EMBEDDED = b"e" * 44
RAW = b"r" * 300


def unshared_strings() -> tuple[StringFactory, Allocator]:
    """A maker of strings without shared numbers, and its ledger."""
    allocator = Allocator()
    strings = StringFactory(allocator)
    strings.sharing = False
    return strings, allocator


def string_of(data: bytes, form: str) -> tuple[RedisObject, Allocator]:
    strings, allocator = unshared_strings()
    if form == "buffer":
        return strings.create_buffer(bytearray(data)), allocator
    return strings.create(data), allocator


FORMS = [
    (b"12345", "created"),
    (b"-9223372036854775808", "created"),
    (b"", "created"),
    (b"x", "created"),
    (EMBEDDED, "created"),
    (RAW, "created"),
    (b"big" * 20000, "created"),
    (RAW, "buffer"),
    (b"", "buffer"),
    (b"big" * 50000, "buffer"),
]


@pytest.mark.parametrize(("data", "form"), FORMS)
def test_a_pass_shows_each_block_once_and_changes_nothing_that_can_be_seen(data: bytes, form: str) -> None:
    value, allocator = string_of(data, form)
    value.lru = 77
    assert_sound_after_passes(value, allocator)


@pytest.mark.parametrize(("data", "form"), FORMS)
def test_taking_apart_gives_the_blocks_back_at_once(data: bytes, form: str) -> None:
    value, _ = string_of(data, form)
    owned = Counter(value.addresses())
    assert Counter(taken_apart(value, lambda: 1)) == owned


def test_a_string_that_leaves_its_place_takes_its_bytes_along() -> None:
    value, allocator = string_of(EMBEDDED, "created")
    assert isinstance(value, BytesString)
    content = value.content
    moved = full_pass(value, Evictor(allocator))
    assert isinstance(moved, BytesString)
    assert moved is not value
    assert moved.content == content
    assert moved.content is not content


def test_a_buffer_that_leaves_its_place_can_still_grow() -> None:
    value, allocator = string_of(RAW, "buffer")
    moved = full_pass(value, Evictor(allocator))
    assert isinstance(moved, BufferString)
    moved.append(b"more", allocator)
    assert moved.data() == RAW + b"more"
    assert sorted(allocator.live_addresses()) == sorted(moved.addresses())


def test_the_twin_of_a_buffer_takes_over_its_sds() -> None:
    value, allocator = string_of(RAW, "buffer")
    assert isinstance(value, BufferString)
    value.append(b"!", allocator)
    twin = value.twin()
    assert isinstance(twin, BufferString)
    assert twin.sds is value.sds


def test_a_long_buffer_is_not_copied() -> None:
    value, allocator = string_of(b"x" * 100_000, "buffer")
    assert isinstance(value, BufferString)
    buffer = value.buffer
    value.defrag_head(Evictor(allocator))
    assert value.buffer is buffer


def test_a_shared_number_stays_where_it_is() -> None:
    allocator = Allocator()
    number = StringFactory(allocator).create(b"7")
    evictor = Evictor(allocator)
    assert full_pass(number, evictor) is number
    assert not evictor.left


def test_a_shared_number_has_no_block_to_show() -> None:
    allocator = Allocator()
    recorder = Recorder(allocator)
    full_pass(StringFactory(allocator).create(b"7"), recorder)
    assert not recorder.blocks


def test_a_string_that_others_hold_is_not_replaced() -> None:
    value, allocator = string_of(RAW, "created")
    value.refcount = 2
    assert value.relocated(Evictor(allocator)) is value


def test_a_number_keeps_its_value_in_another_block() -> None:
    value, allocator = string_of(b"123456", "created")
    assert isinstance(value, IntegerString)
    before = value.address
    full_pass(value, Shuffler(allocator))
    assert value.address != before
    assert value.number == 123456


@pytest.mark.parametrize(("data", "form"), [(RAW, "created"), (RAW, "buffer")])
def test_an_object_that_was_replaced_does_not_hold_the_content(data: bytes, form: str) -> None:
    value, allocator = string_of(data, form)
    moved = value.relocated(Evictor(allocator))
    assert isinstance(moved, StringObject)
    assert isinstance(value, StringObject)
    assert moved.data() == data
    assert value.data() == b""
