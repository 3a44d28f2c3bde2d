"""Sequences written by hand: rules that random commands meet too seldom, and faults that were found."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.differential.harness import Pair, Step, step
from tests.differential.rules import MILLISECONDS, SECONDS, near
from tests.support.servers import Server

pytestmark = pytest.mark.needs_redis

SCENARIOS: dict[str, list[Step]] = {
    "GT and LT move an expire time in one direction only": [
        step("SET", "a", "1", "EX", "1000"),
        step("EXPIRE", "a", "10", "GT"),
        step("EXPIRE", "a", "5000", "GT"),
        step("EXPIRE", "a", "9000", "LT"),
        step("EXPIRE", "a", "100", "LT"),
        step("TTL", "a", rule=SECONDS),
        step("SET", "b", "1"),
        step("EXPIRE", "b", "100", "GT"),
        step("EXPIRE", "b", "100", "LT"),
        step("PTTL", "b", rule=MILLISECONDS),
    ],
    "a time in the past deletes the key": [
        step("MSET", "a", "1", "b", "1", "c", "1", "d", "1"),
        step("EXPIRE", "a", "-1"),
        step("PEXPIREAT", "b", "1"),
        step("GETEX", "c", "PXAT", "1"),
        step("SET", "d", "2", "PXAT", "1"),
        step("EXISTS", "a", "b", "c", "d"),
    ],
    "a transaction sees what its own commands did": [
        step("MULTI"),
        step("SET", "a", "1"),
        step("INCR", "a"),
        step("GET", "a"),
        step("EXEC"),
    ],
    "an unknown command spoils the transaction": [
        step("MULTI"),
        step("SET", "a", "1"),
        step("NOSUCH", "a"),
        step("GET"),
        step("EXEC"),
        step("GET", "a"),
        step("EXEC"),
    ],
    "an error at run time does not spoil it": [
        step("MULTI"),
        step("SET", "a", "x"),
        step("INCR", "a"),
        step("SET", "b", "2"),
        step("EXEC"),
        step("GET", "b"),
    ],
    "a watched key changed by another": [
        step("SET", "a", "1"),
        step("WATCH", "a"),
        step("SET", "a", "1", on="other"),
        step("MULTI"),
        step("SET", "b", "2"),
        step("EXEC"),
        step("GET", "b"),
    ],
    "a watched key changed by oneself": [
        step("WATCH", "a"),
        step("SET", "a", "1"),
        step("MULTI"),
        step("GET", "a"),
        step("EXEC"),
    ],
    "a watched key that is touched without change": [
        step("SET", "a", "1"),
        step("WATCH", "a", "missing"),
        step("EXPIRE", "missing", "10", on="other"),
        step("DEL", "missing", on="other"),
        step("GET", "a", on="other"),
        step("SETNX", "a", "2", on="other"),
        step("PERSIST", "a", on="other"),
        step("MULTI"),
        step("GET", "a"),
        step("EXEC"),
    ],
    "a watched key in a database that is flushed": [
        step("SET", "a", "1"),
        step("WATCH", "a"),
        step("FLUSHALL", on="other"),
        step("MULTI"),
        step("PING"),
        step("EXEC"),
    ],
    "a missing watched key in a database that is flushed": [
        step("WATCH", "a"),
        step("FLUSHDB", on="other"),
        step("MULTI"),
        step("PING"),
        step("EXEC"),
    ],
    "a watched key in swapped databases": [
        step("SET", "a", "1"),
        step("WATCH", "a"),
        step("SWAPDB", "0", "1", on="other"),
        step("MULTI"),
        step("PING"),
        step("EXEC"),
    ],
    "a database selected within a transaction stays": [
        step("MULTI"),
        step("SELECT", "1"),
        step("SET", "a", "1"),
        step("EXEC"),
        step("GET", "a"),
        step("SELECT", "0"),
        step("GET", "a"),
    ],
    "commands that cannot be queued": [
        step("MULTI"),
        step("WATCH", "a"),
        step("MULTI"),
        step("EXEC"),
        step("UNWATCH"),
        step("DISCARD"),
        step("EXEC"),
    ],
    "the protocol may change within a pipeline": [
        step("HELLO", "3", rule=lambda *_: None),
        step("CONFIG", "GET", "maxmemory"),
        step("GET", "missing"),
        step("HELLO", "2", rule=lambda *_: None),
        step("CONFIG", "GET", "maxmemory"),
        step("GET", "missing"),
    ],
    "replies that are already switched on": [
        step("SET", "a", "1"),
        step("CLIENT", "REPLY", "ON"),
        step("GET", "a"),
    ],
    "the limits of 64 bits": [
        step("SET", "a", "9223372036854775806"),
        step("INCR", "a"),
        step("INCR", "a"),
        step("DECRBY", "a", "-1"),
        step("DECRBY", "a", "-9223372036854775808"),
        step("SET", "a", "-9223372036854775808"),
        step("DECR", "a"),
        step("INCRBY", "a", "9223372036854775807"),
    ],
    "sums of doubles": [
        *(step("INCRBYFLOAT", "a", number) for number in ("0.1", "0.2", "1e15", "-3", "5.0e3", "1e17", "1e-5")),
        step("INCRBYFLOAT", "a", "1e5000"),
        step("SET", "b", "3.0e3"),
        step("INCRBYFLOAT", "b", "200"),
        step("SET", "c", "1.7976931348623157e308"),
        step("INCRBYFLOAT", "c", "1.7976931348623157e308"),
    ],
    "words that look like numbers": [
        step("MSET", "a", "0123", "b", "+1", "c", " 1", "d", "1.0", "e", "-0"),
        *(step("INCR", name) for name in "abcde"),
        *(step("OBJECT", "ENCODING", name) for name in "abcde"),
    ],
    "encodings of strings": [
        step("SET", "int", "12345678901234567890"),
        step("SET", "short", "x" * 44),
        step("SET", "long", "x" * 45),
        step("APPEND", "appended", "1"),
        step("OBJECT", "ENCODING", "appended"),
        step("APPEND", "appended", "1"),
        step("OBJECT", "ENCODING", "appended"),
        step("SETRANGE", "int", "0", ""),
        step("OBJECT", "ENCODING", "int"),
    ],
    "fields that overflow": [
        *(
            step("BITFIELD", "a", "OVERFLOW", how, "INCRBY", kind, "0", amount, "GET", kind, "0")
            for how in ("WRAP", "SAT", "FAIL")
            for kind in ("u8", "i8", "u63", "i64", "u1", "i5")
            for amount in ("1", "-1", "255", "9223372036854775807", "-9223372036854775808")
        ),
    ],
}


@pytest.fixture
def pair(real: Server, ours: Server) -> Iterator[Pair]:
    pair = Pair(real, ours)
    yield pair
    pair.close()


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("name", SCENARIOS)
def test_both_servers_reply_alike_in_a_scenario(pair: Pair, name: str, protocol: int) -> None:
    pair.check(SCENARIOS[name], protocol)


@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-lfu", "volatile-ttl", "noeviction"])
def test_small_numbers_are_shared_unless_an_access_time_is_needed(pair: Pair, policy: str) -> None:
    steps = [step("SET", "a", "5"), step("INCR", "b"), step("APPEND", "c", "7")]
    steps += [step("OBJECT", "REFCOUNT", name) for name in "abc"]
    pair.check(steps, settings={"maxmemory": "100mb", "maxmemory-policy": policy})


@pytest.mark.parametrize("policy", ["allkeys-lfu", "noeviction"])
def test_frequency_and_idle_time_exclude_each_other(pair: Pair, policy: str) -> None:
    steps = [step("SET", "a", "x"), step("OBJECT", "FREQ", "a", rule=near(3)), step("OBJECT", "FREQ", "missing")]
    steps += [step("OBJECT", "IDLETIME", "a", rule=near(2)), step("OBJECT", "IDLETIME", "missing")]
    pair.check(steps, settings={"maxmemory-policy": policy})


def test_the_memory_limit_refuses_writes(pair: Pair) -> None:
    steps = [step("GET", "a"), step("SET", "a", "1"), step("DEL", "a"), step("MULTI"), step("SET", "a", "1")]
    pair.check([*steps, step("EXEC"), step("APPEND", "a", "x")], settings={"maxmemory": "1"})


@pytest.mark.parametrize("length", [1, 7, 2000])
def test_lset_takes_the_low_32_bits_of_an_index_as_8_2_does(newer: Server, ours: Server, length: int) -> None:
    steps = [step("RPUSH", "l", *map(str, range(length)))]
    for index in (1 << 31, (1 << 31) - 1, -(1 << 31), 1 << 32, -(1 << 32) - 1, (1 << 32) + 6, -(1 << 63)):
        steps += [step("LSET", "l", str(index), f"set at {index}"), step("LRANGE", "l", "0", "-1")]
    pair = Pair(newer, ours)
    try:
        pair.check(steps)
    finally:
        pair.close()
