"""The Lua library `cmsgpack`. The values are those of a real server."""

from __future__ import annotations

import pytest

from tests.support.lua import Lua


@pytest.mark.parametrize(
    ("arguments", "packed"),
    [
        ("0, 127, 128, 255, 256, 65535, 65536", "00 7f cc80 ccff cd0100 cdffff ce00010000"),
        ("-1, -32, -33, -128, -129, -32768", "ff e0 d0df d080 d1ff7f d18000"),
        ("-32769, -2^31, -2^31-1", "d2ffff7fff d280000000 d3ffffffff7fffffff"),
        ("2^32-1, 2^32, 2^53", "ceffffffff cf0000000100000000 cf0020000000000000"),
        ("2^63, -2^63, 2^64", "ca5f000000 d38000000000000000 ca5f800000"),
        ("1.5, 0.1, 1/0, -1/0", "ca3fc00000 cb3fb999999999999a ca7f800000 caff800000"),
        ("-0, 2^-149, 2^-150, 1e39", "00 ca00000001 cb3690000000000000 cb48078287f49c4a1d"),
        ("nil, true, false, cjson.null, tostring", "c0 c3 c2 c0 c0"),
        ("'', 'abc'", "a0 a3616263"),
        ("{}, {1, 2}, {[1] = 1, [3] = 3}, {a = 1}", "90 920102 8201010303 81a16101"),
        ("{[1.5] = 1}, {[-1] = 1}", "81ca3fc0000001 81ff01"),
    ],
)
def test_values_are_packed_in_their_shortest_form(lua: Lua, arguments: str, packed: str) -> None:
    assert lua.run(f"return cmsgpack.pack({arguments})").hex() == packed.replace(" ", "")


@pytest.mark.parametrize(
    ("size", "head"),
    [(31, "bf"), (32, "d920"), (255, "d9ff"), (256, "da0100"), (65535, "daffff"), (65536, "db00010000")],
)
def test_the_head_of_a_string_has_its_size(lua: Lua, size: int, head: str) -> None:
    packed = lua.run(f"return cmsgpack.pack(string.rep('x', {size}))")
    assert packed == bytes.fromhex(head) + b"x" * size


@pytest.mark.parametrize(("size", "head"), [(15, "9f"), (16, "dc0010"), (65535, "dcffff"), (65536, "dd00010000")])
def test_the_head_of_an_array_has_its_size(lua: Lua, size: int, head: str) -> None:
    packed = lua.run(f"local t = {{}} for i = 1, {size} do t[i] = true end return cmsgpack.pack(t)")
    assert packed == bytes.fromhex(head) + b"\xc3" * size


def test_tables_nested_deeper_than_16_are_packed_as_nil(lua: Lua) -> None:
    packed = lua.run("local t = {1} for i = 1, 20 do t = {t} end return cmsgpack.pack(t)")
    assert packed == b"\x91" * 16 + b"\xc0"
    packed = lua.run("local t = {} t.t = t return cmsgpack.pack(t)")
    assert packed == b"\x81\xa1t" * 16 + b"\xc0"


@pytest.mark.parametrize(
    ("call", "shown"),
    [
        ("cmsgpack.unpack('')", ""),
        ("cmsgpack.unpack('\\1\\192\\195')", "1 nil true"),
        (
            "cmsgpack.unpack(cmsgpack.pack(1.5, 0.1, -0.5, {a = {1}}, 'x'))",
            "1.5 0.10000000000000001 -0.5 {'61'={1=1}} '78'",
        ),
        ("cmsgpack.unpack('\\207\\255\\255\\255\\255\\255\\255\\255\\255')", "-1"),
        ("cmsgpack.unpack('\\211\\128\\0\\0\\0\\0\\0\\0\\0')", "-9.2233720368547758e+18"),
        ("cmsgpack.unpack('\\202\\255\\192\\0\\0\\203\\127\\248\\0\\0\\0\\0\\0\\0')", "-nan nan"),
        ("cmsgpack.unpack(12)", "49 50"),
        ("cmsgpack.unpack_one('\\1\\2\\3')", "1 1"),
        ("cmsgpack.unpack_one('\\1\\2\\3', 2)", "-1 3"),
        ("cmsgpack.unpack_one('\\1\\2\\3', 3)", "-1"),
        ("cmsgpack.unpack_limit('\\1\\2\\3', 2)", "2 1 2"),
        ("cmsgpack.unpack_limit('\\1\\2\\3', 5, 1)", "-1 2 3"),
        ("cmsgpack.unpack_limit('\\1\\2\\3', 0)", "1 2 3"),
        ("cmsgpack.unpack_limit('\\1\\2\\3', 0, 1)", "1"),
    ],
)
def test_unpack(lua: Lua, call: str, shown: str) -> None:
    assert lua.show(call) == shown


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("cmsgpack.pack()", "bad argument #0 to 'pack' (MessagePack pack needs input.)"),
        ("cmsgpack.pack(unpack({}, 1, 4001))", "bad argument #0 to 'pack' (Too many arguments for MessagePack pack.)"),
        ("cmsgpack.unpack({})", "bad argument #1 to 'unpack' (string expected, got table)"),
        ("cmsgpack.unpack_limit({}, {})", "bad argument #2 to 'unpack_limit' (number expected, got table)"),
        ("cmsgpack.unpack('\\148')", "Missing bytes in input."),
        ("cmsgpack.unpack('\\221\\255\\255\\255\\255')", "Missing bytes in input."),
        ("cmsgpack.unpack('\\193')", "Bad data format in input."),
        ("cmsgpack.unpack('\\199\\1\\1\\1')", "Bad data format in input."),
        ("cmsgpack.unpack('\\196\\1a')", "Bad data format in input."),
        ("cmsgpack.unpack_one('abc', 4)", "Start offset 4 greater than input length 3."),
        ("cmsgpack.unpack_one('abc', 2^32)", "Start offset 0 greater than input length 3."),
        ("cmsgpack.unpack_one('abc', -1)", "Invalid request to unpack with offset of -1 and limit of 3."),
        ("cmsgpack.unpack_limit('abc', -1)", "Invalid request to unpack with offset of 0 and limit of 3."),
    ],
)
def test_errors(lua: Lua, call: str, error: str) -> None:
    assert lua.error(f"local x = {call}") == f"user_script:1: {error}"


@pytest.mark.parametrize(("key", "name"), [("\\192", "nil"), ("\\202\\127\\192\\0\\0", "NaN")])
def test_a_key_that_lua_refuses_is_an_error_without_a_position(lua: Lua, key: str, name: str) -> None:
    assert lua.error(f"local x = cmsgpack.unpack('\\129{key}\\1')") == f"table index is {name}"


TOO_MANY = "too many return values at once; use unpack_one or unpack_limit instead."


@pytest.mark.parametrize(
    ("byte", "count", "call", "message"),
    [
        (1, 8000, "unpack(text)", TOO_MANY),
        (145, 4000, "unpack(text)", "in function mp_decode_to_lua_array"),
        (145, 3998, "unpack(text, 1, 1, 1, 1)", "in function mp_decode_to_lua_array"),
        (1, 7999, "unpack_limit(text, 9000)", "in function mp_unpack_full"),
        (129, 8000, "unpack_one(text)", TOO_MANY),
    ],
)
def test_more_than_the_stack_of_c_holds_is_an_error(lua: Lua, byte: int, count: int, call: str, message: str) -> None:
    script = (
        f"local text = string.rep('\\{byte}', %d) local ok, error = pcall(function() local x = cmsgpack.{call} end)"
    )
    assert lua.run(f"{script % count} return error").decode() == f"user_script:1: stack overflow ({message})"
    below = lua.run(f"{script % (count - 1)} return error or ''")
    assert below == (b"" if byte == 1 else b"user_script:1: Missing bytes in input.")


def test_the_table_has_the_entries_of_redis_in_its_order(lua: Lua) -> None:
    assert lua.run("local names = {} for name in pairs(cmsgpack) do names[#names + 1] = name end return names") == [
        *(b"_DESCRIPTION", b"pack", b"_NAME", b"unpack", b"_COPYRIGHT", b"_VERSION", b"unpack_one", b"unpack_limit")
    ]
    assert lua.run("return cmsgpack._NAME, cmsgpack._VERSION") == (b"cmsgpack", b"lua-cmsgpack 0.4.0")
