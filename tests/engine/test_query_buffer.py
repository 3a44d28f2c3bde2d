"""The query buffer: when a read makes it grow, when the timer trims it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredmem.engine.query_buffer import STEADY_READ, QueryBuffer
from pyredmem.memory.allocator import Allocator

ORDINARY = 20474  # the size of an empty buffer after the first read
NO_ARGUMENT = -1


@pytest.fixture
def allocator() -> Allocator:
    return Allocator()


@pytest.fixture
def buffer(allocator: Allocator) -> QueryBuffer:
    opened = QueryBuffer(allocator)
    opened.open()
    return opened


def big_request(size: int) -> bytes:
    return b"*2\r\n$4\r\nECHO\r\n$%d\r\n%b\r\n" % (size, b"x" * size)


def test_a_closed_buffer_has_no_block(allocator: Allocator) -> None:
    closed = QueryBuffer(allocator)
    assert (closed.addresses(), closed.usable(), closed.capacity()) == ([], 0, 0)
    closed.check()


def test_closing_frees_the_block(allocator: Allocator) -> None:
    before = allocator.used_memory
    buffer = QueryBuffer(allocator)
    buffer.open()
    assert allocator.used_memory > before
    buffer.close()
    assert allocator.used_memory == before
    buffer.close()
    assert allocator.used_memory == before


def test_any_read_may_make_an_empty_buffer_grow(buffer: QueryBuffer) -> None:
    assert buffer.steady_read == -1
    buffer.before_read(0, NO_ARGUMENT, b"PING\r\n")
    assert buffer.capacity() == ORDINARY
    assert buffer.steady_read == STEADY_READ


def test_a_steady_read_leaves_the_buffer_alone(buffer: QueryBuffer) -> None:
    buffer.before_read(0, NO_ARGUMENT, b"PING\r\n")
    before = buffer.addresses()
    buffer.before_read(0, NO_ARGUMENT, b"x" * STEADY_READ)
    assert (buffer.addresses(), buffer.capacity()) == (before, ORDINARY)


def test_a_second_read_with_bytes_pending_doubles_the_room(buffer: QueryBuffer) -> None:
    buffer.before_read(0, NO_ARGUMENT, b"x")
    buffer.before_read(10_000, NO_ARGUMENT, b"x")
    assert buffer.capacity() >= 2 * (10_000 + 16_384)


def test_an_announced_argument_gets_room_for_itself_and_no_more(buffer: QueryBuffer, allocator: Allocator) -> None:
    buffer.await_bulk(100_000)
    assert buffer.usable() == allocator.good_size(100_002 + 10)


def test_reading_the_rest_of_an_announced_argument_needs_no_more_room(buffer: QueryBuffer) -> None:
    buffer.await_bulk(100_000)
    before = buffer.addresses()
    buffer.before_read(50_000, 100_000, b"x" * 50_002)
    assert buffer.addresses() == before


def test_a_big_argument_in_one_read_leaves_a_buffer_of_its_size(buffer: QueryBuffer, allocator: Allocator) -> None:
    buffer.before_read(0, NO_ARGUMENT, big_request(100_000))
    assert buffer.usable() == allocator.good_size(100_002 + 10)


def test_waiting_requests_have_room(buffer: QueryBuffer) -> None:
    buffer.hold(200_000)
    assert buffer.capacity() >= 200_000


def test_the_timer_trims_an_idle_buffer_to_what_is_pending(buffer: QueryBuffer) -> None:
    buffer.before_read(0, NO_ARGUMENT, b"PING\r\n")
    buffer.trim(0, NO_ARGUMENT, 2)
    assert buffer.capacity() == ORDINARY
    buffer.trim(100, NO_ARGUMENT, 3)
    assert buffer.capacity() == 100
    buffer.check()


def test_the_timer_trims_a_big_buffer_once_it_is_little_used(buffer: QueryBuffer) -> None:
    buffer.before_read(0, NO_ARGUMENT, big_request(100_000))
    buffer.trim(0, NO_ARGUMENT, 0)
    assert buffer.capacity() >= 100_000
    buffer.trim(0, NO_ARGUMENT, 0)
    assert buffer.capacity() == 0


def test_the_timer_leaves_room_for_an_announced_argument(buffer: QueryBuffer) -> None:
    buffer.hold(200_000)
    buffer.trim(0, 40_000, 0)
    buffer.trim(0, 40_000, 0)
    assert buffer.capacity() == 40_002


STEPS = st.one_of(
    st.tuples(st.just("read"), st.integers(0, 50_000), st.integers(1, 60_000)),
    st.tuples(st.just("await"), st.integers(32_768, 200_000), st.just(0)),
    st.tuples(st.just("hold"), st.integers(0, 100_000), st.just(0)),
    st.tuples(st.just("trim"), st.integers(0, 20_000), st.integers(0, 5)),
)


@given(st.lists(STEPS, max_size=20))
def test_any_steps_leave_one_sound_block(steps: list[tuple[str, int, int]]) -> None:
    allocator = Allocator()
    before = allocator.used_memory
    buffer = QueryBuffer(allocator)
    buffer.open()
    for kind, amount, more in steps:
        if kind == "read":
            buffer.before_read(amount, NO_ARGUMENT, b"x" * more)
        elif kind == "await":
            buffer.await_bulk(amount)
            assert buffer.capacity() >= amount + 2
        elif kind == "hold":
            buffer.hold(amount)
            assert buffer.capacity() >= amount
        else:
            buffer.hold(amount)
            buffer.trim(amount, NO_ARGUMENT, more)
            assert buffer.capacity() >= amount
        buffer.check()
        assert allocator.used_memory - before == buffer.usable()
    buffer.close()
    assert allocator.used_memory == before
