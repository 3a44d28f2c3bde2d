"""The ledger blocks of queued commands and of watched keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredmem.engine.transaction_memory import QueuedCommands, WatchedKeys
from pyredmem.memory.allocator import Allocator

SHORT = b"k"  # stored inside its object
LONG = b"k" * 45  # has a block of its own


@pytest.fixture
def allocator() -> Allocator:
    return Allocator()


def test_an_empty_queue_has_no_block(allocator: Allocator) -> None:
    queue = QueuedCommands(allocator)
    queue.check()
    assert (queue.addresses(), queue.total()) == ([], 0)


def test_the_array_has_room_for_two_commands_and_doubles(allocator: Allocator) -> None:
    queue = QueuedCommands(allocator)
    totals = []
    for _ in range(5):
        queue.add([b"PING"])
        totals.append(int(queue.total() - queue.argument_bytes) // 24)
    assert totals == [2, 2, 4, 4, 8]


def test_an_argument_counts_its_bytes_and_its_pointer(allocator: Allocator) -> None:
    queue = QueuedCommands(allocator)
    queue.add([b"SET", SHORT, LONG])
    assert queue.argument_bytes == 3 + 1 + 45 + 3 * 8


def test_a_long_argument_has_two_blocks(allocator: Allocator) -> None:
    queue = QueuedCommands(allocator)
    queue.add([SHORT])
    assert len(queue.addresses()) == 3
    queue.add([LONG])
    assert len(queue.addresses()) == 6


def test_blocks_that_are_handed_over_belong_to_the_caller(allocator: Allocator) -> None:
    before = allocator.used_memory
    queue = QueuedCommands(allocator)
    queue.add([b"PING"])
    blocks = queue.give_away()
    queue.check()
    assert queue.addresses() == []
    assert allocator.used_memory > before
    for block in blocks:
        allocator.free(block)
    assert allocator.used_memory == before


def test_a_watched_key_counts_its_record_and_its_node(allocator: Allocator) -> None:
    watched = WatchedKeys(allocator)
    watched.add(SHORT)
    watched.add(LONG)
    watched.check()
    assert (watched.total(), len(watched.addresses())) == (2 * 80, 3 + 4)


@given(st.lists(st.lists(st.binary(max_size=60), min_size=1, max_size=4), max_size=20))
def test_any_commands_and_keys_are_freed_again(commands: list[list[bytes]]) -> None:
    allocator = Allocator()
    before = allocator.used_memory
    queue, watched = QueuedCommands(allocator), WatchedKeys(allocator)
    for argv in commands:
        queue.add(argv)
        watched.add(argv[0])
        queue.check()
        watched.check()
    owned = queue.addresses() + watched.addresses()
    assert len(owned) == len(set(owned))
    assert allocator.used_memory - before == sum(allocator.usable(address) for address in owned)
    queue.clear()
    watched.clear()
    assert allocator.used_memory == before
