"""Commands on bits and ranges of bits."""

from __future__ import annotations

import pytest

from tests.support.keys import Watched, add_foreign, encoding, time_left_ms
from tests.support.replies import NOT_AN_INTEGER, SYNTAX_ERROR, WRONG_TYPE, Error, Reply
from tests.support.world import World

BAD_OFFSET = Error(b"ERR bit offset is not an integer or out of range")
BAD_BIT = Error(b"ERR bit is not an integer or out of range")
BAD_SEARCHED_BIT = Error(b"ERR The bit argument must be 1 or 0.")


@pytest.mark.parametrize(
    "words",
    [
        ("SETBIT", "f", "0", "1"),
        ("GETBIT", "f", "0"),
        ("BITCOUNT", "f"),
        ("BITPOS", "f", "1"),
        ("BITOP", "AND", "k", "f"),
        ("BITOP", "NOT", "k", "f"),
        ("BITFIELD", "f"),
        ("BITFIELD", "f", "GET", "u8", "0"),
        ("BITFIELD", "f", "SET", "u8", "0", "1"),
        ("BITFIELD_RO", "f", "GET", "u8", "0"),
    ],
)
def test_another_type_is_refused(world: World, words: tuple[str, ...]) -> None:
    value = add_foreign(world)
    assert world.do(*words) == WRONG_TYPE
    assert world.engine.keyspace.databases[0].peek(b"f") is value
    assert world.engine.keyspace.size() == 1


# SETBIT, GETBIT


def test_setbit_replies_with_the_old_bit(world: World) -> None:
    assert world.do("SETBIT", "k", 7, 1) == 0
    assert world.do("SETBIT", "k", 7, 0) == 1
    assert world.do("SETBIT", "k", 7, 0) == 0
    assert world.do("GET", "k") == b"\0"


def test_setbit_grows_the_string(world: World) -> None:
    world.do("SET", "k", "a", "EX", "10")
    assert world.do("SETBIT", "k", 31, 1) == 0
    assert world.do("GET", "k") == b"a\0\0\1"
    assert time_left_ms(world) == 10_000


def test_setbit_works_on_the_digits_of_a_number(world: World) -> None:
    world.do("SET", "k", "12")
    assert world.do("SETBIT", "k", 7, 0) == 1
    assert world.do("GET", "k") == b"02"
    assert encoding(world) == "raw"


@pytest.mark.parametrize(("offset", "bit"), [(0, 0), (1, 1), (7, 1), (8, 0), (9, 1), (15, 0), (16, 0), (4294967295, 0)])
def test_getbit(world: World, offset: int, bit: int) -> None:
    world.do("SET", "k", b"\x61\x62")
    assert world.do("GETBIT", "k", offset) == bit
    world.do("APPEND", "k", "")
    assert world.do("GETBIT", "k", offset) == bit


def test_getbit_of_numbers_and_of_a_missing_key(world: World) -> None:
    world.do("SET", "k", "1")
    assert world.do("GETBIT", "k", 7) == 1
    assert world.do("GETBIT", "none", 7) == 0


@pytest.mark.parametrize("offset", ["-1", "x", "4294967296", "1.5", ""])
def test_bad_offsets_are_refused(world: World, offset: str) -> None:
    assert world.do("SETBIT", "k", offset, 1) == BAD_OFFSET
    assert world.do("GETBIT", "k", offset) == BAD_OFFSET
    assert world.engine.keyspace.size() == 0


@pytest.mark.parametrize("bit", ["2", "-1", "x"])
def test_bad_bits_are_refused(world: World, bit: str) -> None:
    assert world.do("SETBIT", "k", 0, bit) == BAD_BIT


# BITCOUNT


@pytest.mark.parametrize("touched", [False, True])
@pytest.mark.parametrize(
    ("options", "count"),
    [
        ((), 26),
        ((0, 0), 4),
        ((1, 1), 6),
        ((1, 1, "BYTE"), 6),
        ((5, 30, "bit"), 17),
        ((0, -1), 26),
        ((-2, -1), 7),
        ((10, 20), 0),
        ((-1, -2), 0),
        ((-100, -101), 0),
        ((-1, -2, "x"), 0),
        ((-100, -50), 4),
        ((3, 1), 0),
        ((9, 9, "BIT"), 1),
    ],
)
def test_bitcount(world: World, options: tuple[int | str, ...], count: int, touched: bool) -> None:
    world.do("SET", "k", "foobar")
    if touched:
        world.do("APPEND", "k", "")
    assert world.do("BITCOUNT", "k", *options) == count


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        ((1,), SYNTAX_ERROR),
        ((0, 1, "x"), SYNTAX_ERROR),
        ((0, 1, "BIT", "x"), SYNTAX_ERROR),
        (("x", 1), NOT_AN_INTEGER),
        ((0, "x", "x"), NOT_AN_INTEGER),
    ],
)
def test_bitcount_looks_at_a_range_only_in_a_string(
    world: World, options: tuple[int | str, ...], refusal: Reply
) -> None:
    world.do("SET", "k", "foobar")
    assert world.do("BITCOUNT", "k", *options) == refusal
    assert world.do("BITCOUNT", "none", *options) == 0
    add_foreign(world)
    assert world.do("BITCOUNT", "f", *options) == WRONG_TYPE


# BITPOS


@pytest.mark.parametrize(
    ("data", "arguments", "place"),
    [
        (b"\xff\xf0\x00", (0,), 12),
        (b"\x00\xff\xf0", (1,), 8),
        (b"\x00\xff\xf0", (1, 2), 16),
        (b"\x00\x00", (1,), -1),
        (b"\xff\xff", (0,), 16),
        (b"\xff\xff", (0, 0), 16),
        (b"\xff\xff", (0, 0, -1), -1),
        (b"\xff\xff", (0, 5), -1),
        (b"\xff\xf0\x00", (1, 7, 15, "BIT"), 7),
        (b"\xff\xf0\x00", (0, 0, 11, "BIT"), -1),
        (b"\xff\xf0\x00", (0, -10, -1, "BIT"), 14),
        (b"\xff\xf0\x00", (0, 0, -1, "BYTE"), 12),
        (b"a", (1, -5, -6), 1),
        (b"", (0,), -1),
        (b"\x00" * 70000 + b"\x10", (1,), 560003),
        (b"\xff" * 140000 + b"\xfe", (0,), 1120007),
    ],
)
def test_bitpos(world: World, data: bytes, arguments: tuple[int | str, ...], place: int) -> None:
    world.do("SET", "k", data)
    assert world.do("BITPOS", "k", *arguments) == place


def test_bitpos_of_a_missing_key(world: World) -> None:
    assert world.do("BITPOS", "none", 1) == -1
    assert world.do("BITPOS", "none", 0) == 0
    assert world.do("BITPOS", "none", 0, 5, 6) == 0


@pytest.mark.parametrize(("bit", "refusal"), [("2", BAD_SEARCHED_BIT), ("x", NOT_AN_INTEGER)])
def test_bitpos_refuses_bad_bits_whatever_the_key(world: World, bit: str, refusal: Reply) -> None:
    add_foreign(world)
    assert world.do("BITPOS", "none", bit) == refusal
    assert world.do("BITPOS", "f", bit) == refusal


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (("1", "x"), NOT_AN_INTEGER),
        (("1", "0", "x"), NOT_AN_INTEGER),
        (("1", "0", "1", "x"), SYNTAX_ERROR),
        (("1", "0", "x", "x"), SYNTAX_ERROR),
        (("1", "0", "1", "BIT", "x"), SYNTAX_ERROR),
    ],
)
def test_bitpos_looks_at_a_range_only_in_a_string(world: World, arguments: tuple[str, ...], refusal: Reply) -> None:
    world.do("SET", "k", "foobar")
    assert world.do("BITPOS", "k", *arguments) == refusal
    assert world.do("BITPOS", "none", *arguments) == -1
    add_foreign(world)
    assert world.do("BITPOS", "f", *arguments) == WRONG_TYPE


# BITOP


@pytest.mark.parametrize(
    ("operation", "result"),
    [("AND", b"`bc`ab\0"), ("or", b"goofev!"), ("XOR", b"\x07\x0d\x0c\x06\x04\x14!")],
)
def test_bitop_combines_strings_of_different_length(world: World, operation: str, result: bytes) -> None:
    world.do("MSET", "a", "foobar", "b", "abcdef!")
    assert world.do("BITOP", operation, "k", "a", "b") == 7
    assert world.do("GET", "k") == result
    assert encoding(world) == "raw"


def test_bitop_not_inverts_all_bits(world: World) -> None:
    world.do("SET", "a", b"\x00\xff\x0f")
    assert world.do("BITOP", "NOT", "k", "a") == 3
    assert world.do("GET", "k") == b"\xff\x00\xf0"


def test_bitop_counts_missing_keys_as_zeros(world: World) -> None:
    world.do("SET", "a", "foo")
    assert world.do("BITOP", "AND", "k", "a", "none") == 3
    assert world.do("GET", "k") == b"\0\0\0"


def test_bitop_removes_the_expire_time_and_may_overwrite_a_source(world: World) -> None:
    world.do("SET", "a", "foo", "EX", "10")
    assert world.do("BITOP", "OR", "a", "a") == 3
    assert world.do("GET", "a") == b"foo"
    assert time_left_ms(world, b"a") == -1


def test_an_empty_result_deletes_the_key(world: World) -> None:
    world.do("SET", "k", "v")
    watched = Watched(world)
    assert watched.by("BITOP", "AND", "k", "none") == (["del k"], 1)
    assert watched.by("BITOP", "AND", "k", "none") == ([], 0)
    assert world.engine.keyspace.size() == 0


def test_bitop_refuses_bad_arguments(world: World) -> None:
    assert world.do("BITOP", "NAND", "k", "a") == SYNTAX_ERROR
    refusal = Error(b"ERR BITOP NOT must be called with a single source key.")
    assert world.do("BITOP", "NOT", "k", "a", "b") == refusal


# Events


@pytest.mark.parametrize(
    ("words", "events", "dirty"),
    [
        (("SETBIT", "k", "1", "1"), [], 0),
        (("SETBIT", "k", "1", "0"), ["setbit k"], 1),
        (("SETBIT", "k", "8", "0"), ["setbit k"], 1),
        (("SETBIT", "new", "0", "0"), ["setbit new"], 1),
        (("BITOP", "NOT", "new", "k"), ["set new"], 1),
        (("BITFIELD", "k", "GET", "u8", "0"), [], 0),
        (("BITFIELD", "k", "SET", "u8", "0", "97"), [], 0),
        (("BITFIELD", "k", "SET", "u8", "0", "98"), ["setbit k"], 1),
        (("BITFIELD", "k", "SET", "u8", "0", "98", "INCRBY", "u8", "0", "1"), ["setbit k"], 2),
        (("BITFIELD", "k", "SET", "u8", "8", "0"), ["setbit k"], 1),
        (("BITFIELD", "k", "OVERFLOW", "FAIL", "INCRBY", "u8", "0", "200"), [], 0),
        (("BITFIELD", "new", "GET", "u8", "0"), [], 0),
    ],
)
def test_events_and_changes(world: World, words: tuple[str, ...], events: list[str], dirty: int) -> None:
    world.do("SET", "k", "a")
    assert Watched(world).by(*words) == (events, dirty)


def test_bits_of_an_expired_key_are_zero(world: World) -> None:
    world.do("SET", "k", "a", "PX", "5")
    world.advance(6)
    assert world.do("GETBIT", "k", 1) == 0
    assert world.do("BITCOUNT", "k") == 0
    assert world.do("SETBIT", "k", 0, 1) == 0
    assert world.do("GET", "k") == b"\x80"


# What came with later versions.


@pytest.mark.parametrize(
    ("operation", "result"),
    [
        ("DIFF", b"\x0c\xf0\x00"),
        ("DIFF1", b"\xf0\x00\xaa"),
        ("ANDOR", b"\x03\x0f\x00"),
        ("ONE", b"\xfc\xf0\xaa"),
        ("one", b"\xfc\xf0\xaa"),
    ],
)
def test_bitop_has_the_differences_of_8_2(operation: str, result: bytes) -> None:
    newer = World(redis_version="8.2.3")
    newer.do("SET", "a", b"\x0f\xff")
    newer.do("SET", "b", b"\xf0\x0f\xaa")
    newer.do("SET", "c", b"\x03")
    assert newer.do("BITOP", operation, "d", "a", "b", "c") == 3
    assert newer.do("GET", "d") == result
    newer.check()


def test_the_differences_need_two_keys_but_one_key_has_bits_of_its_own() -> None:
    newer = World(redis_version="8.2.3")
    newer.do("SET", "a", b"\x0f")
    for name in (b"DIFF", b"DIFF1", b"ANDOR"):
        error = Error(b"ERR BITOP %b must be called with at least two source keys." % name)
        assert newer.do("BITOP", name.lower(), "d", "a") == error
    assert newer.do("BITOP", "ONE", "d", "a") == 1
    assert newer.do("GET", "d") == b"\x0f"
    assert newer.do("BITOP", "DIFF", "d", "none", "none") == 0
    assert newer.do("EXISTS", "d") == 0
    assert World(redis_version="7.4").do("BITOP", "DIFF", "d", "a", "b") == SYNTAX_ERROR


@pytest.mark.parametrize(
    ("words", "older", "error"),
    [
        ("BITCOUNT k 1", 0, SYNTAX_ERROR),
        ("BITCOUNT k 1 x", 0, NOT_AN_INTEGER),
        ("BITCOUNT k 1 2 x", 0, SYNTAX_ERROR),
        ("BITCOUNT k -1 -2 x", 0, SYNTAX_ERROR),
        ("BITPOS k 1 x", -1, NOT_AN_INTEGER),
        ("BITPOS k 0 1 2 x", 0, SYNTAX_ERROR),
    ],
)
def test_since_7_4_a_bad_range_is_refused_even_without_a_key(words: str, older: int, error: Error) -> None:
    assert World(redis_version="7.2.6").do(*words.split()) == older
    newer = World(redis_version="7.4.1")
    assert newer.do(*words.split()) == error
    add_foreign(newer)
    assert newer.do(*words.replace("k", "f", 1).split()) == error


def test_before_7_4_the_unit_of_an_empty_range_is_not_looked_at() -> None:
    for version, expected in (("7.2.6", 0), ("7.4.1", SYNTAX_ERROR)):
        one = World(redis_version=version)
        one.do("SET", "k", "foobar")
        assert one.do("BITCOUNT", "k", "-1", "-2", "x") == expected


@pytest.mark.parametrize("version", ["redis-7.2", "redis-8.2", "valkey-9.1"])
def test_bitcount_of_a_range_whose_negative_ends_are_reversed_is_0(version: str) -> None:
    world = World(redis_version=version)
    world.do("SET", "k", "foobar")
    for options in ((-100, -101), (-100, -101, "BIT"), (-2, -(1 << 63))):
        assert world.do("BITCOUNT", "k", *options) == 0
    assert world.do("BITPOS", "k", 1, -100, -101) == 1
