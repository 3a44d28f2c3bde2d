"""INCR and the related commands."""

from __future__ import annotations

import pytest

from tests.support.keys import encoding, time_left_ms, used
from tests.support.replies import NOT_A_FLOAT, NOT_AN_INTEGER, OVERFLOW, Error
from tests.support.world import World

HIGHEST = 9223372036854775807
LOWEST = -HIGHEST - 1


def test_a_missing_key_counts_as_zero(world: World) -> None:
    assert world.do("INCR", "a") == 1
    assert world.do("DECR", "b") == -1
    assert world.do("INCRBY", "c", "5") == 5
    assert world.do("DECRBY", "d", "5") == -5
    assert world.do("INCRBYFLOAT", "e", "1.5") == b"1.5"


@pytest.mark.parametrize("start", [0, 9, 9998, 9999, 10000, -1, -2, HIGHEST - 1, LOWEST + 1])
def test_counting_up_and_down(world: World, start: int) -> None:
    world.do("SET", "k", start)
    assert world.do("INCR", "k") == start + 1
    assert world.do("DECR", "k") == start
    assert world.do("GET", "k") == b"%d" % start
    assert encoding(world) == "int"


@pytest.mark.parametrize("data", ["", "x", "1.0", " 1", "+1", "01", "9223372036854775808", "1" * 50])
def test_a_value_that_is_no_integer_is_refused(world: World, data: str) -> None:
    world.do("SET", "k", data)
    assert world.do("INCR", "k") == NOT_AN_INTEGER


def test_an_amount_that_is_no_integer_is_refused(world: World) -> None:
    assert world.do("INCRBY", "k", "x") == NOT_AN_INTEGER
    assert world.do("DECRBY", "k", "9223372036854775808") == NOT_AN_INTEGER
    assert world.engine.keyspace.size() == 0


@pytest.mark.parametrize(
    ("start", "command", "amount"),
    [
        (HIGHEST, "INCRBY", 1),
        (LOWEST, "INCRBY", -1),
        (HIGHEST, "INCRBY", HIGHEST),
        (-1, "INCRBY", LOWEST),
        (LOWEST, "DECRBY", 1),
        (2, "DECRBY", -HIGHEST),
    ],
)
def test_an_overflow_is_refused(world: World, start: int, command: str, amount: int) -> None:
    world.do("SET", "k", start)
    assert world.do(command, "k", amount) == OVERFLOW
    assert world.do("INCRBY", "k", 0) == start


def test_decrementing_by_the_lowest_integer_is_always_refused(world: World) -> None:
    assert world.do("DECRBY", "k", LOWEST) == Error(b"ERR decrement would overflow")


def test_the_bounds_can_be_reached(world: World) -> None:
    assert world.do("INCRBY", "k", LOWEST) == LOWEST
    assert world.do("INCRBY", "k", HIGHEST) == -1
    assert world.do("INCRBY", "k", 1) == 0


def test_a_number_kept_as_text_is_counted_and_becomes_an_integer(world: World) -> None:
    world.do("APPEND", "k", "1")
    world.do("APPEND", "k", "0")
    assert encoding(world) == "raw"
    assert world.do("INCR", "k") == 11
    assert encoding(world) == "int"


def test_counting_keeps_the_expire_time(world: World) -> None:
    world.do("SET", "k", "5", "EX", "10")
    world.do("INCR", "k")
    world.do("INCRBYFLOAT", "k", "1")
    assert time_left_ms(world) == 10_000


def test_a_number_that_is_not_shared_is_changed_in_place(world: World) -> None:
    database = world.engine.keyspace.databases[0]
    world.do("SET", "k", "20000")
    before = database.peek(b"k")
    world.do("INCR", "k")
    after = database.peek(b"k")
    assert before is not None
    assert after is not None
    assert after.addresses() == before.addresses()


def test_a_shared_number_is_never_changed(world: World) -> None:
    world.do("SET", "a", "9999")
    world.do("SET", "b", "9999")
    world.do("INCR", "a")
    assert world.do("GET", "b") == b"9999"


def test_a_number_takes_a_block_only_if_it_is_not_shared(world: World) -> None:
    world.do("INCRBY", "k", 9998)
    shared = used(world)
    for number, block in ((9999, 0), (10000, 16), (10001, 16)):
        assert world.do("INCRBY", "k", 1) == number
        assert used(world) - shared == block
    world.do("INCRBY", "k", -10000)
    assert used(world) == shared


@pytest.mark.parametrize(
    ("start", "amount", "text"),
    [
        ("10.5", "0.1", "10.6"),
        ("5.0e3", "2.0e2", "5200"),
        ("3", "-3", "0"),
        ("0", "-0.1", "-0.1"),
        ("1", "1e17", "100000000000000001"),
        ("0.1", "0.2", "0.3"),
        ("0", "3.0000000000000001", "3.0000000000000001"),
    ],
)
def test_floating_point_sums(world: World, start: str, amount: str, text: str) -> None:
    world.do("SET", "k", start)
    assert world.do("INCRBYFLOAT", "k", amount) == text.encode()
    assert world.do("GET", "k") == text.encode()
    assert encoding(world) == "embstr"


@pytest.mark.parametrize("text", ["", "x", " 1", "1 ", "1x", "nan"])
def test_a_value_that_is_no_float_is_refused(world: World, text: str) -> None:
    assert world.do("INCRBYFLOAT", "new", text) == NOT_A_FLOAT
    world.do("SET", "k", text)
    assert world.do("INCRBYFLOAT", "k", "1") == NOT_A_FLOAT
    assert world.do("GET", "k") == text.encode()


def test_infinity_is_refused(world: World) -> None:
    assert world.do("INCRBYFLOAT", "k", "inf") == Error(b"ERR increment would produce NaN or Infinity")
    assert world.engine.keyspace.size() == 0


def test_a_long_sum_is_raw(world: World) -> None:
    world.do("INCRBYFLOAT", "k", "1e300")
    assert encoding(world) == "raw"
