"""Strings: defragmentation, as far as strings differ from other values (see `test_contract`)."""

from __future__ import annotations

import pytest

from pyredmem.memory.allocator import Allocator
from pyredmem.objects.object import RedisObject
from pyredmem.objects.string import BufferString, BytesString, IntegerString, StringObject
from pyredmem.objects.string_factory import StringFactory
from tests.objects.samples import a_buffer, a_string
from tests.support.movers import Evictor, Recorder, Shuffler, full_pass

EMBEDDED = b"e" * 44
RAW = b"r" * 300


def string_of(data: bytes, form: str) -> tuple[RedisObject, Allocator]:
    allocator = Allocator()
    make = a_buffer if form == "buffer" else a_string
    return make(allocator, data), allocator


def test_a_string_that_is_replaced_gets_new_bytes_too() -> None:
    value, allocator = string_of(EMBEDDED, "created")
    assert isinstance(value, BytesString)
    content = value.content
    moved = full_pass(value, Evictor(allocator))
    assert isinstance(moved, BytesString)
    assert moved is not value
    assert moved.content == content
    assert moved.content is not content


def test_a_buffer_that_was_replaced_can_still_grow() -> None:
    value, allocator = string_of(RAW, "buffer")
    moved = full_pass(value, Evictor(allocator))
    assert isinstance(moved, BufferString)
    moved.set_part(moved.length(), b"more", allocator)
    assert moved.data() == RAW + b"more"
    assert sorted(allocator.live_addresses()) == sorted(moved.addresses())


def test_the_twin_of_a_buffer_takes_over_its_sds() -> None:
    value, allocator = string_of(RAW, "buffer")
    assert isinstance(value, BufferString)
    value.set_part(value.length(), b"!", allocator)
    twin = value.twin()
    assert isinstance(twin, BufferString)
    assert twin.sds is value.sds


def test_a_long_buffer_is_not_copied() -> None:
    value, allocator = string_of(b"x" * 100_000, "buffer")
    assert isinstance(value, BufferString)
    buffer = value.buffer
    value.defrag_head(Evictor(allocator))
    assert value.buffer is buffer


def test_a_shared_integer_is_never_replaced() -> None:
    allocator = Allocator()
    number = StringFactory(allocator).create(b"7")
    evictor = Evictor(allocator)
    assert full_pass(number, evictor) is number
    assert not evictor.left


def test_a_shared_integer_has_no_block_to_show() -> None:
    allocator = Allocator()
    recorder = Recorder(allocator)
    full_pass(StringFactory(allocator).create(b"7"), recorder)
    assert not recorder.blocks


def test_an_integer_keeps_its_value_in_another_block() -> None:
    value, allocator = string_of(b"123456", "created")
    assert isinstance(value, IntegerString)
    before = value.address
    full_pass(value, Shuffler(allocator))
    assert value.address != before
    assert value.number == 123456


@pytest.mark.parametrize(("data", "form"), [(RAW, "created"), (RAW, "buffer")])
def test_an_object_that_was_replaced_does_not_keep_the_content(data: bytes, form: str) -> None:
    value, allocator = string_of(data, form)
    moved = value.relocated(Evictor(allocator))
    assert isinstance(moved, StringObject)
    assert isinstance(value, StringObject)
    assert moved.data() == data
    assert value.data() == b""
