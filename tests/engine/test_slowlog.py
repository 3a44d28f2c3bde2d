"""The slow log: what an entry keeps, limits, ids and the ledger."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredmem.engine.slowlog import SlowLog
from pyredmem.memory.allocator import Allocator
from tests.support.servers import Server
from tests.support.wire import Array, Bulk


def log_of(*commands: list[bytes], max_length: int = 128) -> SlowLog:
    log = SlowLog(Allocator(), 0, max_length)
    for argv in commands:
        log.add(argv, 5, 1_700_000_000, b"127.0.0.1:1", b"")
        log.check()
    return log


def logged(argv: list[bytes]) -> list[bytes]:
    return log_of(argv).get()[0].arguments


def test_an_entry_keeps_everything_that_it_was_given() -> None:
    log = SlowLog(Allocator())
    log.add([b"GET", b"k"], 12_000, 1_700_000_000, b"127.0.0.1:5", b"me")
    entry = log.get()[0]
    assert (entry.entry_id, entry.time_s, entry.duration_us) == (0, 1_700_000_000, 12_000)
    assert entry.arguments == [b"GET", b"k"]
    assert (entry.client_address, entry.client_name) == (b"127.0.0.1:5", b"me")


def test_128_bytes_are_kept_whole() -> None:
    assert logged([b"SET", b"x" * 128]) == [b"SET", b"x" * 128]


def test_longer_arguments_say_how_much_more_there_was() -> None:
    assert logged([b"SET", b"x" * 200]) == [b"SET", b"x" * 128 + b"... (72 more bytes)"]


def test_32_arguments_are_kept_whole() -> None:
    argv = [b"%d" % index for index in range(32)]
    assert logged(argv) == argv


def test_more_arguments_say_how_many_more_there_were() -> None:
    argv = [b"%d" % index for index in range(33)]
    assert logged(argv) == [*argv[:31], b"... (2 more arguments)"]


def test_entries_come_newest_first_and_at_most_as_many_as_asked_for() -> None:
    log = log_of([b"A"], [b"B"], [b"C"])
    assert [entry.arguments for entry in log.get(2)] == [[b"C"], [b"B"]]
    assert log.get(0) == []
    assert len(log.get(-1)) == 3


def test_the_oldest_entries_are_deleted_when_the_log_is_full() -> None:
    log = log_of([b"A"], [b"B"], [b"C"], max_length=2)
    assert [entry.entry_id for entry in log.get()] == [2, 1]


def test_a_length_of_zero_keeps_nothing() -> None:
    assert len(log_of([b"A"], max_length=0)) == 0


def test_a_smaller_limit_takes_effect_at_once() -> None:
    log = log_of([b"A"], [b"B"], [b"C"])
    log.configure(0, 1)
    assert [entry.arguments for entry in log.get()] == [[b"C"]]


def test_ids_go_on_after_a_reset() -> None:
    log = log_of([b"A"], [b"B"])
    log.reset()
    assert len(log) == 0
    log.add([b"C"], 5, 0, b"", b"")
    assert log.get()[0].entry_id == 2


def test_the_threshold_of_a_log_that_is_off_is_out_of_reach() -> None:
    log = SlowLog(Allocator(), -1)
    assert log.threshold_us == 2**63 - 1
    log.configure(0, 128)
    assert log.threshold_us == 0


def test_an_entry_is_charged_as_redis_would_allocate_it() -> None:
    allocator = Allocator()
    SlowLog(allocator).add([b"GET", b"key"], 20_000, 0, b"127.0.0.1:50000", b"")
    # node 24, entry 56, two pointers 16, embedded strings 23 and 23, empty name 4, address 17
    assert allocator.used_memory == 24 + 56 + 16 + 24 + 24 + 8 + 24


def test_long_arguments_are_charged_as_object_and_string() -> None:
    allocator = Allocator()
    SlowLog(allocator).add([b"x" * 45, b"x" * 1000], 20_000, 0, b"a", b"")
    # 45 bytes take 16 + 49; a shortened argument takes 16 + a string of 128 bytes, which has room for the note
    assert allocator.used_memory == 24 + 56 + 16 + (16 + 56) + (16 + 160) + 8 + 8


@given(st.lists(st.lists(st.binary(max_size=300), min_size=1, max_size=40), max_size=12), st.integers(0, 5))
def test_the_ledger_is_empty_after_a_reset(commands: list[list[bytes]], max_length: int) -> None:
    allocator = Allocator()
    log = SlowLog(allocator, 0, max_length)
    for argv in commands:
        log.add(argv, 1, 0, b"127.0.0.1:1", b"name")
        log.check()
    assert sum(allocator.usable(address) for address in log.addresses()) == allocator.used_memory
    log.reset()
    assert allocator.used_memory == 0
    assert log.addresses() == []


@pytest.mark.needs_redis
@pytest.mark.parametrize(
    "argv",
    [
        [b"SET", b"k", b"x" * 128],
        [b"SET", b"k", b"x" * 129],
        [b"SET", b"k", b"x" * 100_000],
        [b"DEL", *[b"k"] * 31],
        [b"DEL", *[b"k"] * 32],
        [b"DEL", *[b"k" * 130] * 500],
    ],
    ids=["128 bytes", "129 bytes", "100000 bytes", "32 arguments", "33 arguments", "501 arguments"],
)
def test_a_real_server_shortens_arguments_the_same_way(real: Server, argv: list[bytes]) -> None:
    with real.connect() as wire:
        wire.do("CONFIG", "SET", "slowlog-log-slower-than", "0")
        wire.do(*argv)
        reply = wire.do("SLOWLOG", "GET", "1")
    assert isinstance(reply, Array)
    assert isinstance(reply.items[0], Array)
    assert reply.items[0].items[3] == Array(tuple(Bulk(argument) for argument in logged(argv)))
