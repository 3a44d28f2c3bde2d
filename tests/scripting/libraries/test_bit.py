"""The Lua library `bit`. The values are those of a real server."""

from __future__ import annotations

import pytest

from tests.support.lua import Lua


@pytest.mark.parametrize(
    ("expressions", "shown"),
    [
        ("bit.tobit(0xffffffff), bit.tobit(0x80000000), bit.tobit(-2^31-1)", "-1 -2147483648 2147483647"),
        ("bit.tobit(2.5), bit.tobit(3.5), bit.tobit(-2.5)", "2 4 -2"),
        ("bit.tobit(2^51+3), bit.tobit(2^53+2), bit.tobit(2^60+2^20), bit.tobit(-2^55-2^10)", "2 1 4096 256"),
        ("bit.tobit(1/0), bit.tobit(0/0), bit.tobit(1e300)", "0 0 -2013235812"),
        ("bit.bnot(0), bit.bnot(-1), bit.bnot(0x12345678)", "-1 0 -305419897"),
        ("bit.band(0x12345678, 0xff00ff), bit.band('0x10', 16.4), bit.band(7)", "3407992 16 7"),
        ("bit.bor(1, 2, 4, 8), bit.bor(0xf0f0f0f0, 0x0f0f0f0f)", "15 -1"),
        ("bit.bxor(0xa5a5f0f0, 0xaa55ff00), bit.bxor(1, 1, 1)", "267390960 1"),
        ("bit.lshift(1, 31), bit.lshift(1, 33), bit.lshift(0x87654321, 12)", "-2147483648 2 1412567040"),
        ("bit.rshift(-1, 1), bit.rshift(0x87654321, 12)", "2147483647 554580"),
        ("bit.arshift(-8, 1), bit.arshift(0x87654321, 12)", "-4 -493996"),
        (
            "bit.rol(0x12345678, 12), bit.rol(1, 0), bit.ror(0x12345678, 12), bit.ror(1, 32)",
            "1164411171 1 1736516421 1",
        ),
        ("bit.bswap(0x12345678), bit.bswap(0x78563412)", "2018915346 305419896"),
    ],
)
def test_values_are_signed_and_have_32_bits(lua: Lua, expressions: str, shown: str) -> None:
    assert lua.show(expressions) == shown


@pytest.mark.parametrize(
    ("call", "digits"),
    [
        ("bit.tohex(1)", b"00000001"),
        ("bit.tohex(-1, 4)", b"ffff"),
        ("bit.tohex(255, -4)", b"00FF"),
        ("bit.tohex(1, 0)", b""),
        ("bit.tohex(1, -2^31)", b"00000001"),
        ("bit.tohex(10, -100)", b"0000000A"),
    ],
)
def test_tohex_cuts_digits_on_the_left_and_writes_capitals_for_a_negative_count(
    lua: Lua, call: str, digits: bytes
) -> None:
    assert lua.run(f"return {call}") == digits


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("bit.band()", "bad argument #1 to 'band' (number expected, got no value)"),
        ("bit.band(1, nil)", "bad argument #2 to 'band' (number expected, got nil)"),
        ("bit.bor(1, {}, 'x')", "bad argument #3 to 'bor' (number expected, got string)"),
        ("bit.lshift(1)", "bad argument #2 to 'lshift' (number expected, got no value)"),
        ("bit.tohex(1, nil)", "bad argument #2 to 'tohex' (number expected, got nil)"),
        ("bit:bnot()", "calling 'bnot' on bad self (number expected, got table)"),
        ("bit.band({}, true)", "bad argument #1 to 'band' (number expected, got table)"),
    ],
)
def test_arguments_must_be_numbers(lua: Lua, call: str, error: str) -> None:
    assert lua.error(f"local x = {call}") == f"user_script:1: {error}"
