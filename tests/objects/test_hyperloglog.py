"""How the sds of a HyperLogLog grows."""

from __future__ import annotations

import pytest

from pyredmem.memory.allocator import Allocator
from pyredmem.objects.hyperloglog import add_elements, make_dense, merge_registers
from pyredmem.objects.string import BufferString
from pyredmem.objects.string_factory import StringFactory
from pyredmem.structures import hyperloglog

LIMIT = 3000


def make(count: int = 0, limit: int = LIMIT) -> tuple[BufferString, Allocator]:
    allocator = Allocator("jemalloc")
    value = StringFactory(allocator).create_buffer(hyperloglog.new_hyperloglog())
    add_elements(value, [b"%d" % number for number in range(count)], allocator, limit)
    assert allocator.used_memory == value.memory(allocator, 0)
    return value, allocator


@pytest.mark.parametrize(
    ("count", "header", "capacity", "usage"),
    [(0, 1, 0, 16 + 24), (1, 3, 42, 16 + 48), (8, 3, 42, 16 + 48), (9, 3, 90, 16 + 96)],
)
def test_room_doubles_while_the_value_is_small(count: int, header: int, capacity: int, usage: int) -> None:
    value, allocator = make(count)
    assert (value.sds.header, value.sds.capacity) == (header, capacity)
    assert value.memory(allocator, 0) == usage


def test_room_grows_by_300_bytes_afterwards_up_to_the_limit() -> None:
    capacities = {int(make(count)[0].sds.capacity) for count in range(200, 1000, 150)}
    assert max(capacities) <= LIMIT
    lengths = [(len(value.buffer), int(value.sds.capacity)) for value, _ in map(make, (100, 200, 400, 700, 900))]
    assert all(length <= capacity <= length + 303 for length, capacity in lengths)


def test_a_sparse_value_that_gets_too_long_becomes_dense() -> None:
    value, allocator = make(40, 100)
    assert not hyperloglog.is_sparse(value.buffer)
    assert value.memory(allocator, 0) == 16 + 14336


def test_the_encoding_makes_no_difference_to_the_registers() -> None:
    assert hyperloglog.registers_of(make(500)[0].buffer) == hyperloglog.registers_of(make(500, 100)[0].buffer)


def test_a_value_longer_than_the_limit_stays_sparse_until_it_grows() -> None:
    value, allocator = make(3)
    before = bytes(value.buffer)
    assert add_elements(value, [b"0", b"1"], allocator, 5) == 0
    assert value.buffer == before
    assert add_elements(value, [b"77"], allocator, 5) == 1
    assert not hyperloglog.is_sparse(value.buffer)


def test_merging_into_a_sparse_value_adds_in_the_order_of_the_registers() -> None:
    source, _ = make(300)
    registers = hyperloglog.registers_of(source.buffer)
    assert registers is not None
    value, allocator = make(100)
    assert merge_registers(value, registers, allocator, LIMIT)
    assert hyperloglog.is_sparse(value.buffer)
    assert hyperloglog.registers_of(value.buffer) == registers
    assert allocator.used_memory == value.memory(allocator, 0)


def test_a_merge_that_gets_too_long_makes_a_dense_value() -> None:
    registers = hyperloglog.registers_of(make(3000)[0].buffer)
    assert registers is not None
    value, allocator = make(10)
    assert merge_registers(value, registers, allocator, LIMIT)
    assert value.length() == 12304
    assert hyperloglog.registers_of(value.buffer) == registers


def test_a_corrupt_value_stays_sparse() -> None:
    value, allocator = make()
    value.buffer[16:] = b"\x7f\xfe"
    assert not make_dense(value, allocator)
    assert add_elements(value, [b"%d" % number for number in range(100)], allocator, 30) == -1
    assert not merge_registers(value, bytes(16383) + b"\x01", allocator, LIMIT)
    assert hyperloglog.is_sparse(value.buffer)
