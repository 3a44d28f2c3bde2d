"""APPEND, SETRANGE, GETRANGE and LCS."""

from __future__ import annotations

import pytest

from tests.support.keys import add_foreign, encoding, time_left_ms, used
from tests.support.replies import NOT_AN_INTEGER, SYNTAX_ERROR, Error, Map, Reply
from tests.support.world import World

TOO_LONG = Error(b"ERR string exceeds maximum allowed size (proto-max-bulk-len)")
MEBIBYTE = 1 << 20


# APPEND


def test_append_sets_a_missing_key(world: World) -> None:
    assert world.do("APPEND", "k", "12") == 2
    assert encoding(world) == "int"


@pytest.mark.parametrize("start", ["", "12", "v", "v" * 44, "v" * 45, "v" * 300])
def test_append_makes_any_string_raw(world: World, start: str) -> None:
    world.do("SET", "k", start)
    assert world.do("APPEND", "k", "xyz") == len(start) + 3
    assert world.do("GET", "k") == start.encode() + b"xyz"
    assert encoding(world) == "raw"


def test_appending_an_empty_string_makes_a_string_raw_too(world: World) -> None:
    world.do("SET", "k", "v")
    assert world.do("APPEND", "k", "") == 1
    assert encoding(world) == "raw"


def test_append_keeps_the_expire_time(world: World) -> None:
    world.do("SET", "k", "v", "EX", "10")
    world.do("APPEND", "k", "w")
    assert time_left_ms(world) == 10_000


def test_append_to_an_expired_key_creates_a_new_string(world: World) -> None:
    world.do("SET", "k", "v", "PX", "10")
    world.advance(11)
    assert world.do("APPEND", "k", "w") == 1


def test_appending_many_times_needs_few_new_blocks(world: World) -> None:
    sizes = set()
    for _ in range(2000):
        world.do("APPEND", "k", "0123456789")
        sizes.add(used(world))
    assert len(sizes) < 25
    assert world.do("STRLEN", "k") == 20000


def test_a_shared_number_is_not_changed_by_append(world: World) -> None:
    world.do("SET", "a", "7")
    world.do("SET", "b", "7")
    world.do("APPEND", "a", "x")
    assert world.do("GET", "b") == b"7"


def test_a_string_must_not_become_longer_than_an_argument_may_be() -> None:
    world = World(proto_max_bulk_len="1mb")
    world.do("SET", "k", b"x" * (MEBIBYTE - 1))
    assert world.do("APPEND", "k", "yz") == TOO_LONG
    assert world.do("APPEND", "k", "y") == MEBIBYTE
    assert world.do("SETRANGE", "k", MEBIBYTE, "x") == TOO_LONG
    assert world.do("SETRANGE", "new", MEBIBYTE, "x") == TOO_LONG
    assert world.do("SETRANGE", "new", "9223372036854775807", "x") == TOO_LONG
    assert world.do("SETRANGE", "k", MEBIBYTE, "") == MEBIBYTE
    assert world.do("SETRANGE", "k", MEBIBYTE - 1, "x") == MEBIBYTE
    assert world.do("SETBIT", "k", 8 * MEBIBYTE, "1") == Error(b"ERR bit offset is not an integer or out of range")
    world.check()


# SETRANGE


@pytest.mark.parametrize(
    ("start", "offset", "data", "result"),
    [
        ("hello", 0, "HE", b"HEllo"),
        ("hello", 3, "LOW", b"helLOW"),
        ("hello", 7, "x", b"hello\0\0x"),
        ("12345", 1, "9", b"19345"),
        ("x" * 100, 50, "yy", b"x" * 50 + b"yy" + b"x" * 48),
    ],
)
def test_setrange_writes_into_a_string(world: World, start: str, offset: int, data: str, result: bytes) -> None:
    world.do("SET", "k", start)
    assert world.do("SETRANGE", "k", offset, data) == len(result)
    assert world.do("GET", "k") == result
    assert encoding(world) == "raw"


def test_setrange_fills_a_new_string_up_with_zeros(world: World) -> None:
    assert world.do("SETRANGE", "k", 3, "ab") == 5
    assert world.do("GET", "k") == b"\0\0\0ab"


def test_setrange_with_an_empty_string_changes_nothing(world: World) -> None:
    assert world.do("SETRANGE", "k", 10, "") == 0
    assert world.engine.keyspace.size() == 0
    world.do("SET", "k", "hello")
    assert world.do("SETRANGE", "k", 10, "") == 5
    assert encoding(world) == "embstr"


def test_setrange_refuses_bad_offsets(world: World) -> None:
    assert world.do("SETRANGE", "k", -1, "") == Error(b"ERR offset is out of range")
    assert world.do("SETRANGE", "k", "x", "") == NOT_AN_INTEGER


# GETRANGE


@pytest.mark.parametrize("command", ["GETRANGE", "SUBSTR"])
@pytest.mark.parametrize(
    ("start", "end", "result"),
    [
        (0, 3, b"This"),
        (-3, -1, b"ing"),
        (0, -1, b"This is a string"),
        (10, 100, b"string"),
        (100, 200, b""),
        (5, 3, b""),
        (-1, -5, b""),
        (-100, 3, b"This"),
        (0, -100, b"T"),
        (-100, -101, b""),
        (-100, -50, b"T"),
    ],
)
def test_ranges_of_a_string(world: World, command: str, start: int, end: int, result: bytes) -> None:
    world.do("SET", "k", "This is a string")
    assert world.do(command, "k", start, end) == result
    world.do("APPEND", "k", "")
    assert world.do(command, "k", start, end) == result


def test_ranges_of_a_number_and_of_a_missing_key(world: World) -> None:
    world.do("SET", "k", "12345")
    assert world.do("GETRANGE", "k", 1, -2) == b"234"
    assert world.do("GETRANGE", "none", 0, -1) == b""
    assert world.do("GETRANGE", "k", "x", 1) == NOT_AN_INTEGER
    assert world.do("GETRANGE", "k", 1, "x") == NOT_AN_INTEGER


# LCS


def _two(world: World) -> None:
    world.do("MSET", "a", "ohmytext", "b", "mynewtext")


def test_lcs_gives_the_common_subsequence(world: World) -> None:
    _two(world)
    assert world.do("LCS", "a", "b") == b"mytext"
    assert world.do("LCS", "a", "b", "len") == 6
    assert world.do("LCS", "a", "none") == b""
    assert world.do("LCS", "none", "none", "LEN") == 0


def test_lcs_gives_the_ranges(world: World) -> None:
    _two(world)
    matches = [[[4, 7], [5, 8]], [[2, 3], [0, 1]]]
    assert world.do("LCS", "a", "b", "IDX") == [b"matches", matches, b"len", 6]
    assert world.do("LCS", "a", "b", "IDX", "MINMATCHLEN", "-5") == [b"matches", matches, b"len", 6]
    world.set_protocol(3)
    assert world.do("LCS", "a", "b", "IDX") == Map({b"matches": matches, b"len": 6})


def test_lcs_leaves_short_ranges_out_and_shows_lengths(world: World) -> None:
    _two(world)
    assert world.do("LCS", "a", "b", "IDX", "MINMATCHLEN", "4", "WITHMATCHLEN") == (
        [b"matches", [[[4, 7], [5, 8], 4]], b"len", 6]
    )


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        (("FOO",), SYNTAX_ERROR),
        (("MINMATCHLEN",), SYNTAX_ERROR),
        (("MINMATCHLEN", "x"), NOT_AN_INTEGER),
        (("IDX", "LEN"), Error(b"ERR If you want both the length and indexes, please just use IDX.")),
    ],
)
def test_lcs_refuses_bad_options(world: World, options: tuple[str, ...], refusal: Reply) -> None:
    _two(world)
    assert world.do("LCS", "a", "b", *options) == refusal


def test_lcs_works_on_strings_only(world: World) -> None:
    _two(world)
    add_foreign(world)
    refusal = Error(b"ERR The specified keys must contain string values")
    assert world.do("LCS", "a", "f") == refusal
    assert world.do("LCS", "f", "b", "FOO") == refusal


def test_lcs_refuses_strings_whose_table_would_be_too_large() -> None:
    world = World(proto_max_bulk_len="1mb")
    world.do("MSET", "a", "x" * 600, "b", "x" * 600, "c", "x" * 400)
    refusal = Error(b"ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")
    assert world.do("LCS", "a", "b") == refusal
    assert world.do("LCS", "a", "b", "LEN") == refusal
    assert world.do("LCS", "a", "c", "LEN") == 400
