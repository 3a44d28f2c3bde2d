"""BITFIELD and BITFIELD_RO."""

from __future__ import annotations

import pytest

from tests.support.keys import encoding
from tests.support.replies import NOT_AN_INTEGER, SYNTAX_ERROR, Error, Reply
from tests.support.world import World

BAD_OFFSET = Error(b"ERR bit offset is not an integer or out of range")
BAD_TYPE = Error(b"ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.")


def test_no_subcommand_gives_an_empty_array(world: World) -> None:
    assert world.do("BITFIELD", "k") == []
    assert world.do("BITFIELD_RO", "k") == []
    assert world.do("BITFIELD", "k", "OVERFLOW", "SAT") == []


def test_set_replies_with_the_old_number(world: World) -> None:
    assert world.do("BITFIELD", "k", "SET", "u8", 0, 200, "set", "u8", "#0", 3, "GET", "u8", 0) == [0, 200, 3]
    assert world.do("GET", "k") == b"\x03"
    assert encoding(world) == "raw"


def test_incrby_replies_with_the_new_number(world: World) -> None:
    assert world.do("BITFIELD", "k", "INCRBY", "i5", 100, 1, "GET", "u4", 0) == [1, 0]
    assert world.do("STRLEN", "k") == 14


def test_an_offset_with_a_hash_sign_counts_in_fields(world: World) -> None:
    world.do("SET", "k", "abc")
    assert world.do("BITFIELD", "k", "GET", "u8", "#1", "GET", "u8", 16, "GET", "i8", "#3") == [98, 99, 0]


@pytest.mark.parametrize("touched", [False, True])
def test_a_field_may_span_several_bytes(world: World, touched: bool) -> None:
    world.do("SET", "k", b"\x01\x23\x45\x67\x89\xab\xcd\xef\x01")
    if touched:
        world.do("APPEND", "k", "")
    fields = (("u4", 6, 4), ("i4", 62, -4), ("u63", 1, 0x0123456789ABCDEF), ("i64", 4, 0x123456789ABCDEF0))
    for kind, offset, value in fields:
        assert world.do("BITFIELD_RO", "k", "GET", kind, offset) == [value], kind


@pytest.mark.parametrize(
    ("kind", "start", "increment", "wrap", "saturated"),
    [
        ("u8", 255, 1, 0, 255),
        ("u8", 0, -1, 255, 0),
        ("i8", 127, 1, -128, 127),
        ("i8", -128, -1, 127, -128),
        ("u1", 1, 1, 0, 1),
        ("i1", -1, -1, 0, -1),
        ("u63", (1 << 63) - 1, 1, 0, (1 << 63) - 1),
        ("i64", (1 << 63) - 1, 1, -(1 << 63), (1 << 63) - 1),
        ("i64", -(1 << 63), -1, (1 << 63) - 1, -(1 << 63)),
        ("u4", 15, (1 << 63) - 1, 14, 15),
    ],
)
def test_overflow_of_an_increment(
    world: World, kind: str, start: int, increment: int, wrap: int, saturated: int
) -> None:
    for rule, result in ((None, wrap), ("WRAP", wrap), ("sat", saturated), ("FAIL", None)):
        world.do("BITFIELD", "k", "SET", kind, 0, start)
        option = () if rule is None else ("OVERFLOW", rule)
        assert world.do("BITFIELD", "k", *option, "INCRBY", kind, 0, increment) == [result]
        kept = start if result is None else result
        assert world.do("BITFIELD", "k", "GET", kind, 0) == [kept]


@pytest.mark.parametrize(
    ("kind", "value", "wrap", "saturated"),
    [("u8", 256, 0, 255), ("u8", -1, 255, 255), ("i8", 128, -128, 127), ("i8", -129, 127, -128), ("i1", 1, -1, 0)],
)
def test_overflow_of_a_value_to_be_set(world: World, kind: str, value: int, wrap: int, saturated: int) -> None:
    for rule, result in (("WRAP", wrap), ("SAT", saturated), ("FAIL", 0)):
        world.do("SET", "k", b"\0")
        world.do("BITFIELD", "k", "OVERFLOW", rule, "SET", kind, 0, value)
        assert world.do("BITFIELD", "k", "GET", kind, 0) == [result]


def test_an_overflow_rule_applies_to_the_subcommands_after_it(world: World) -> None:
    world.do("SET", "k", b"\xff\xff")
    command = ("BITFIELD", "k", "INCRBY", "u8", 0, 1, "OVERFLOW", "FAIL", "INCRBY", "u8", 8, 1)
    assert world.do(*command) == [0, None]


def test_a_failed_overflow_is_the_null_of_the_protocol(world: World) -> None:
    world.set_protocol(3)
    assert world.do("BITFIELD", "k", "OVERFLOW", "FAIL", "SET", "u1", 0, 2) == [None]


def test_reading_creates_no_key_and_keeps_the_encoding(world: World) -> None:
    assert world.do("BITFIELD", "k", "GET", "u8", 1000) == [0]
    assert world.engine.keyspace.size() == 0
    world.do("SET", "k", "12")
    assert world.do("BITFIELD", "k", "GET", "u8", 0) == [49]
    assert encoding(world) == "int"


@pytest.mark.parametrize("kind", ["u64", "i65", "u0", "i0", "x8", "u", "", "8", "u08", "U8"])
def test_bad_types_are_refused(world: World, kind: str) -> None:
    assert world.do("BITFIELD", "k", "GET", kind, 0) == BAD_TYPE


@pytest.mark.parametrize("offset", ["-1", "x", "#", "#-1", "#x", "", "4294967296", "#536870912"])
def test_bad_offsets_are_refused(world: World, offset: str) -> None:
    assert world.do("BITFIELD", "k", "SET", "u8", offset, 1) == BAD_OFFSET


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        (("GET", "u8"), SYNTAX_ERROR),
        (("SET", "u8", 0), SYNTAX_ERROR),
        (("INCRBY", "u8", 0), SYNTAX_ERROR),
        (("OVERFLOW",), SYNTAX_ERROR),
        (("FOO", "u8", 0), SYNTAX_ERROR),
        (("OVERFLOW", "x"), Error(b"ERR Invalid OVERFLOW type specified")),
        (("SET", "u8", 0, "x"), NOT_AN_INTEGER),
        (("SET", "u8", 0, 1, "GET", "u8"), SYNTAX_ERROR),
    ],
)
def test_bad_subcommands_are_refused_before_anything_is_written(
    world: World, words: tuple[str | int, ...], refusal: Reply
) -> None:
    assert world.do("BITFIELD", "k", *words) == refusal
    assert world.engine.keyspace.size() == 0


def test_bitfield_ro_accepts_only_get(world: World) -> None:
    refusal = Error(b"ERR BITFIELD_RO only supports the GET subcommand")
    assert world.do("BITFIELD_RO", "k", "SET", "u8", 0, 1) == refusal
    assert world.do("BITFIELD_RO", "k", "GET", "u8", 0, "INCRBY", "u8", 0, 1) == refusal
