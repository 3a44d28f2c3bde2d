"""How much memory a client takes in the ledger, with the sizes of Redis 7.2."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.wire import request
from tests.support.world import Client, World

CONNECTED = 17288
IN_USE = 37760
#: What the blocks of a new connection take: client, buffers, two lists, three dicts, connection, node, index share.
CONNECTION_BYTES = 17720


@pytest.fixture
def steady(world: World) -> World:
    """A world in which the timer does not resize reply buffers."""
    world.engine.switches.reply_buffer_resizing = False
    return world


def used(world: World) -> int:
    return int(world.engine.allocator.used_memory)


def total(client: Client) -> int:
    return int(client.session.memory.total())


def test_a_new_connection_takes_as_much_memory_as_in_redis(world: World) -> None:
    before = used(world)
    client = world.client()
    assert used(world) - before == CONNECTION_BYTES
    assert total(client) == CONNECTED


def test_the_first_read_gives_the_query_buffer_its_ordinary_size(steady: World) -> None:
    steady.do("PING")
    assert total(steady.first) == IN_USE
    assert steady.session.memory.query_buffer.capacity() == 20474


def test_ordinary_commands_do_not_touch_the_ledger(world: World) -> None:
    world.do("PING")
    before = used(world)
    for _ in range(50):
        world.do("PING")
    assert used(world) == before


def test_the_query_buffer_of_an_idle_client_is_freed_after_three_seconds(steady: World) -> None:
    steady.do("PING")
    steady.advance(2900)
    assert total(steady.first) == IN_USE
    steady.advance(1100)
    assert total(steady.first) == CONNECTED


def test_the_next_read_allocates_the_query_buffer_again(steady: World) -> None:
    steady.do("PING")
    steady.advance(4000)
    steady.do("PING")
    assert total(steady.first) == IN_USE


def test_a_closed_client_leaves_only_the_histograms_of_its_commands_in_the_ledger(world: World) -> None:
    before = used(world)
    client = world.client()
    client.do("PING")
    client.do("CLIENT", "SETNAME", "x" * 100)
    client.do("WATCH", "a", "b")
    client.do("MULTI")
    client.do("SET", "a", "y" * 100)
    client.receive(request("SET", "big", "v" * 100_000)[:60_000])
    client.leave()
    histograms = sum(world.engine.allocator.usable(address) for address in world.engine.statistics.addresses())
    assert used(world) - before == histograms


def test_a_big_argument_gets_a_buffer_of_its_size(steady: World) -> None:
    data = request("ECHO", "x" * 100_000)
    steady.first.receive(data[:50])
    assert steady.session.memory.query_buffer.capacity() >= 100_002
    assert steady.session.memory.query_buffer.usable() == steady.engine.allocator.good_size(100_002 + 10)


def test_a_big_argument_in_one_read_leaves_a_buffer_of_its_size(steady: World) -> None:
    steady.do("ECHO", "x" * 100_000)
    assert steady.session.memory.query_buffer.usable() == steady.engine.allocator.good_size(100_002 + 10)


def test_the_timer_frees_a_big_buffer_at_its_second_visit(steady: World) -> None:
    steady.do("ECHO", "x" * 100_000)
    steady.engine.clients.visit_some()
    assert steady.session.memory.query_buffer.capacity() >= 100_002
    steady.engine.clients.visit_some()
    assert total(steady.first) == CONNECTED


def test_a_buffer_keeps_its_size_while_a_big_argument_is_received(steady: World) -> None:
    data = request("ECHO", "x" * 100_000)
    steady.first.receive(data[:50])
    steady.advance(1500)
    assert steady.session.memory.query_buffer.capacity() >= 100_002
    steady.first.receive(data[50:])
    assert steady.session.take_output().endswith(b"x\r\n")


def test_a_request_in_small_pieces_makes_the_buffer_grow(steady: World) -> None:
    data = request("ECHO", "x" * 30_000)
    for start in range(0, 24_000, 1000):
        steady.first.receive(data[start : start + 1000])
    assert steady.session.memory.query_buffer.capacity() > 24_000


def test_the_memory_of_a_transaction_queue_is_that_of_its_arguments_and_slots(steady: World) -> None:
    for words in (["MULTI"], ["SET", "a", "b"], ["SET", "a", "x" * 100]):
        steady.do(*words)
    assert total(steady.first) == IN_USE + 157 + 48


def test_a_third_queued_command_doubles_the_slots(steady: World) -> None:
    steady.do("MULTI")
    for _ in range(3):
        steady.do("PING")
    assert total(steady.first) == IN_USE + 3 * (4 + 8) + 4 * 24


def test_the_end_of_a_transaction_frees_its_queue(steady: World) -> None:
    for words in (["MULTI"], ["PING"], ["DISCARD"]):
        steady.do(*words)
    assert total(steady.first) == IN_USE


def test_a_watched_key_counts_80_bytes(steady: World) -> None:
    steady.do("WATCH", "k")
    assert total(steady.first) == IN_USE + 80


def test_unwatch_frees_the_watched_keys(steady: World) -> None:
    steady.do("WATCH", "k", "l")
    steady.do("UNWATCH")
    assert total(steady.first) == IN_USE


def test_a_reply_buffer_that_is_little_used_shrinks_to_a_kilobyte(world: World) -> None:
    world.advance(300)
    assert world.session.memory.reply_buffer.size == 1024
    assert world.engine.clients.buffer_shrinks == 1


def test_an_idle_client_takes_two_kilobytes_once_both_buffers_have_shrunk(world: World) -> None:
    world.do("PING")
    world.advance(4000)
    assert total(world.first) == 1928


def test_a_reply_buffer_that_was_full_grows_to_twice_its_size(world: World) -> None:
    world.advance(300)
    world.do("ECHO", "x" * 3000)
    world.advance(100)
    assert world.session.memory.reply_buffer.size == 2048
    assert world.engine.clients.buffer_expands == 1


def test_unsent_output_that_does_not_fit_into_the_buffer_is_in_blocks(steady: World) -> None:
    memory = steady.session.memory.reply_buffer
    before = used(steady)
    memory.set_unsent(16384 + 20464)
    assert (memory.used(), len(memory.blocks), memory.blocks_bytes()) == (16384, 1, 20464 + 40)
    memory.set_unsent(16384 + 20464 + 1)
    assert len(memory.blocks) == 2
    assert used(steady) - before == 2 * (20480 + 24)


def test_a_long_string_gets_a_block_of_its_own(steady: World) -> None:
    memory = steady.session.memory.reply_buffer
    memory.set_unsent(1_016_384, largest=1_000_000)
    assert len(memory.blocks) == 1
    assert memory.blocks_bytes() >= 1_000_040


def test_blocks_are_freed_as_the_client_reads(steady: World) -> None:
    memory = steady.session.memory.reply_buffer
    before = used(steady)
    memory.set_unsent(200_000)
    memory.set_unsent(30_000)
    assert len(memory.blocks) == 1
    memory.set_unsent(0)
    assert used(steady) == before


@settings(max_examples=25)
@given(st.lists(st.integers(0, 400_000), max_size=30))
def test_output_is_always_covered_by_its_blocks(sizes: list[int]) -> None:
    world = World()
    memory = world.session.memory.reply_buffer
    for size in sizes:
        memory.set_unsent(size, largest=size // 2)
        world.session.memory.check()
        assert memory.unsent == size
    memory.set_unsent(0)
    assert not memory.blocks
    world.check()


@settings(max_examples=25)
@given(st.lists(st.integers(1, 60_000), min_size=1, max_size=6), st.integers(50, 30_000))
def test_any_requests_in_any_pieces_leave_the_ledger_sound(lengths: list[int], piece: int) -> None:
    world = World()
    data = b"".join(request("ECHO", "x" * length) for length in lengths)
    for start in range(0, len(data), piece):
        world.first.receive(data[start : start + piece])
        world.session.memory.check()
    assert len(world.session.take_output()) > sum(lengths)
    world.check()
    world.first.leave()
    world.check()


def test_the_memory_of_all_clients_is_as_of_the_timers_last_visit_to_each(steady: World) -> None:
    assert steady.engine.clients.eviction.total_bytes == 0
    steady.advance(100)
    assert steady.engine.clients.eviction.total_bytes == CONNECTED
    steady.do("PING")
    assert steady.engine.clients.eviction.total_bytes == CONNECTED
    steady.advance(100)
    assert steady.engine.clients.eviction.total_bytes == IN_USE
    steady.engine.clients.check()


def test_a_disconnected_client_no_longer_counts(steady: World) -> None:
    other = steady.client()
    steady.advance(100)
    other.leave()
    assert steady.engine.clients.eviction.total_bytes == CONNECTED


def test_the_recent_maximum_is_forgotten_after_some_seconds(steady: World) -> None:
    steady.do("ECHO", "x" * 100_000)
    steady.advance(100)
    assert steady.engine.clients.recent_max_input() > 100_000
    steady.advance(9000)
    assert steady.engine.clients.recent_max_input() < 100_000
