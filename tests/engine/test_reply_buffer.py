"""The reply buffer and the reply blocks: how the timer adapts the buffer, and how many blocks the output needs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredmem.engine.reply_buffer import ReplyBuffer
from pyredmem.memory.allocator import Allocator

FULL_SIZE = 16384
NEVER = -1


@pytest.fixture
def allocator() -> Allocator:
    return Allocator()


@pytest.fixture
def buffer(allocator: Allocator) -> ReplyBuffer:
    opened = ReplyBuffer(allocator)
    opened.open()
    return opened


def use(buffer: ReplyBuffer, peak: int, now_ms: int) -> int:
    """Let the timer reset the peak, use `peak` bytes, let the timer adapt the buffer; returns the change in size."""
    buffer.adapt(now_ms, 0)
    buffer.note_use(peak)
    return int(buffer.adapt(now_ms, NEVER))


def test_a_new_buffer_has_its_full_size(buffer: ReplyBuffer) -> None:
    assert (buffer.size, buffer.peak) == (FULL_SIZE, FULL_SIZE)


def test_a_full_buffer_of_full_size_does_not_grow(buffer: ReplyBuffer) -> None:
    buffer.note_use(1_000_000)
    assert buffer.adapt(1, NEVER) == 0
    assert buffer.size == FULL_SIZE


def test_a_buffer_of_which_half_is_used_keeps_its_size(buffer: ReplyBuffer) -> None:
    assert use(buffer, FULL_SIZE // 2, 1) == 0


def test_a_buffer_of_which_less_than_half_is_used_shrinks_to_the_part_in_use(buffer: ReplyBuffer) -> None:
    assert use(buffer, 5000, 1) == 5120 - FULL_SIZE
    assert buffer.size == 5120


def test_no_buffer_is_smaller_than_a_kilobyte(buffer: ReplyBuffer) -> None:
    assert use(buffer, 0, 1) == 1024 - FULL_SIZE
    assert use(buffer, 0, 2) == 0
    assert buffer.size == 1024


def test_a_full_buffer_doubles(buffer: ReplyBuffer) -> None:
    use(buffer, 0, 1)
    assert use(buffer, 1024, 2) == 1024
    assert use(buffer, 2048, 3) == 2048
    assert buffer.size == 4096


def test_a_peak_that_is_never_reset_keeps_the_size(buffer: ReplyBuffer) -> None:
    for now_ms in range(0, 100_000, 1000):
        assert buffer.adapt(now_ms, NEVER) == 0


def test_the_peak_is_reset_to_what_is_unsent(buffer: ReplyBuffer) -> None:
    buffer.set_unsent(100, 0)
    buffer.adapt(5001, 5000)
    assert buffer.peak == 100


def test_output_that_fits_into_the_buffer_needs_no_block(buffer: ReplyBuffer) -> None:
    buffer.set_unsent(FULL_SIZE, 0)
    assert (buffer.used(), buffer.blocks, buffer.blocks_bytes()) == (FULL_SIZE, [], 0)


@given(st.lists(st.tuples(st.integers(0, 400_000), st.integers(0, 400_000)), max_size=30))
def test_any_output_is_covered_by_no_more_blocks_than_it_needs(outputs: list[tuple[int, int]]) -> None:
    allocator = Allocator()
    before = allocator.used_memory
    buffer = ReplyBuffer(allocator)
    buffer.open()
    for unsent, largest in outputs:
        buffer.set_unsent(unsent, largest)
        buffer.check()
        capacity = sum(int(block.capacity) for block in buffer.blocks)
        assert not buffer.blocks or capacity - buffer.blocks[0].capacity < unsent - buffer.size
    buffer.close()
    assert allocator.used_memory == before
