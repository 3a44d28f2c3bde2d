"""Looking ahead reads what the lookups will need, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from pyredmem.memory.allocator import Allocator
from pyredmem.structures.dict import Dict
from pyredmem.structures.look_ahead import LEAST_ENTRIES, WINDOW, LookAhead
from tests.support.replies import OK
from tests.support.world import World


def filled(count: int) -> Dict:
    table = Dict(Allocator(), owns_keys=True)
    for number in range(count):
        table.step()
        table.insert(b"key:%d" % number, 0)
    return table


def prepared(ahead: LookAhead) -> list[int]:
    return [int(ahead.slots[at]) for at in range(ahead.count)]


def test_the_slots_of_keys_are_found_by_their_tags() -> None:
    table = filled(64)
    assert not table.is_rehashing()
    names = [b"key:7", b"key:0", b"key:63"]
    ahead = LookAhead()
    ahead.requests(table, [[b"GET", name] for name in names], 0, 1)
    assert prepared(ahead) == [table.find_rehashing(name) for name in names]
    assert ahead.seen > 0


def test_a_window_of_requests_is_read_and_short_requests_are_left_out() -> None:
    table = filled(WINDOW * 2)
    assert not table.is_rehashing()
    requests = [[b"GET", b"key:%d" % number] for number in range(WINDOW * 2)]
    requests[WINDOW + 1] = [b"PING"]
    ahead = LookAhead()
    ahead.requests(table, requests, WINDOW, 1)
    assert ahead.count == WINDOW - 1


def test_keys_among_the_words_of_a_request_are_read() -> None:
    table = filled(64)
    words = [b"MSET"] + [word for number in range(WINDOW + 8) for word in (b"key:%d" % number, b"value")]
    ahead = LookAhead()
    ahead.words(table, words, 1, 2)
    assert prepared(ahead) == [table.find_rehashing(word) for word in words[1 : 1 + 2 * WINDOW : 2]]
    ahead.words(table, words, 1 + 2 * WINDOW, 2)
    assert ahead.count == 8


def test_no_bucket_moves_while_a_rehash_is_in_progress() -> None:
    table = filled(65)
    assert table.is_rehashing()
    before = table.rehash_index
    ahead = LookAhead()
    ahead.requests(table, [[b"GET", b"key:%d" % number] for number in range(65)], 0, 1)
    assert table.rehash_index == before
    assert all(0 <= slot < 65 for slot in prepared(ahead))


def test_keys_are_found_in_both_tables_of_a_rehash() -> None:
    table = filled(65)
    for _ in range(32):
        table.step()
    assert table.is_rehashing()
    names = [b"key:%d" % number for number in range(64)]  # the last one was added when the rehash had begun
    ahead = LookAhead()
    for first in range(0, 64, WINDOW):
        ahead.words(table, names, first, 1)
        assert prepared(ahead) == [table.find_rehashing(name) for name in names[first : first + WINDOW]]


def test_keys_that_are_not_there_have_no_slot() -> None:
    table = filled(64)
    ahead = LookAhead()
    ahead.words(table, [b"MGET", b"key:1", b"no such key", b"key:2"], 1, 1)
    assert prepared(ahead) == [1, 2]


def texts(first: int, last: int) -> list[bytes]:
    return [b"v%d" % number for number in range(first, last)]


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.check()


def fill(world: World, make: Callable[[list[int]], list[object]]) -> None:
    """Run a command for each thousand numbers, until a table has enough entries for looking ahead."""
    for first in range(0, LEAST_ENTRIES + 1000, 1000):
        world.do(*map(str, make(list(range(first, first + 1000)))))


def set_strings(world: World) -> None:
    fill(world, lambda numbers: ["MSET", *[word for n in numbers for word in (f"n{n}", f"v{n}")]])


def test_pipelined_commands_on_a_large_database_reply_as_ever(world: World) -> None:
    set_strings(world)
    client = world.client()
    assert client.pipeline(*[("GET", f"n{number}") for number in range(100)]) == texts(0, 100)
    assert client.pipeline(*[("EXISTS", f"absent:{number}") for number in range(100)]) == [0] * 100
    assert client.do("MGET", *[f"n{number}" for number in range(70)]) == texts(0, 70)
    assert client.do("DEL", *[f"n{number}" for number in range(200, 240)]) == 40


def test_pipelined_commands_on_a_large_hash_reply_as_ever(world: World) -> None:
    fill(world, lambda numbers: ["HSET", "hash", *[word for n in numbers for word in (f"n{n}", f"v{n}")]])
    assert world.client().pipeline(*[("HGET", "hash", f"n{number}") for number in range(100)]) == texts(0, 100)


def test_pipelined_commands_on_a_large_set_reply_as_ever(world: World) -> None:
    fill(world, lambda numbers: ["SADD", "set", *[f"n{n}" for n in numbers]])
    assert world.client().pipeline(*[("SADD", "set", f"n{number}", "n1") for number in range(-50, 50)]) == [
        *[1] * 50,
        *[0] * 50,
    ]


def test_pipelined_commands_on_a_large_sorted_set_reply_as_ever(world: World) -> None:
    fill(world, lambda numbers: ["ZADD", "board", *[word for n in numbers for word in (n, f"n{n}")]])
    client = world.client()
    assert client.pipeline(*[("ZADD", "board", number, f"n{number}") for number in range(100)]) == [0] * 100
    assert client.pipeline(*[("ZSCORE", "board", f"n{number}") for number in range(100)]) == [
        b"%d" % number for number in range(100)
    ]


def test_a_table_may_vanish_in_the_middle_of_a_batch(world: World) -> None:
    set_strings(world)
    names = [("GET", f"n{number}") for number in range(40)]
    assert world.client().pipeline(*names, ("FLUSHALL", "ASYNC"), *names) == [*texts(0, 40), OK, *[None] * 40]
