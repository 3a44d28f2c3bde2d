"""The Lua library `cjson`. The values are those of a real server."""

from __future__ import annotations

import json
import time

import pytest

from tests.support.lua import Lua


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("nil", b"null"),
        ("cjson.null", b"null"),
        ("true", b"true"),
        ("'a/b\"c\\\\d'", b'"a\\/b\\"c\\\\d"'),
        ("'\\0\\1\\8\\9\\10\\12\\13\\31\\127\\128\\255'", b'"\\u0000\\u0001\\b\\t\\n\\f\\r\\u001f\\u007f\x80\xff"'),
        ("0.1", b"0.1"),
        ("1/3", b"0.33333333333333"),
        ("1e15", b"1e+15"),
        ("2^53", b"9.007199254741e+15"),
        ("-0", b"-0"),
        ("{}", b"{}"),
        ("{1, 2, nil, 4}", b"[1,2,null,4]"),
        ("{[1] = 1, [10] = 10}", b"[1,null,null,null,null,null,null,null,null,10]"),
        ("{[1.5] = 1}", b'{"1.5":1}'),
        ("{[0] = 1}", b'{"0":1}'),
        ("{[2^40] = 1}", b'{"1099511627776":1}'),
        ("{[2^31] = 1}", b'{"2147483648":1}'),
        ("{a = {b = {{}}}}", b'{"a":{"b":[{}]}}'),
        ("setmetatable({1, nil, 3}, {__index = function() return 7 end})", b"[1,null,3]"),
    ],
)
def test_encode(lua: Lua, value: str, text: bytes) -> None:
    assert lua.run(f"return cjson.encode({value})") == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("12", "12"),
        (" [1 ,\\n2\\t] ", "{1=1,2=2}"),
        ('{"a":1,"a":2}', "{'61'=2}"),
        ("[]", "{}"),
        ("[null]", "{1=userdata: (nil)}"),
        ("[nan,inf,-inf,Infinity,NaN]", "{1=nan,2=inf,3=-inf,4=inf,5=nan}"),
        ("[0x1F,012,-0,1E+5,1.,+1,0x1p4]", "{1=31,2=12,3=-0,4=100000,5=1,6=1,7=16}"),
        ('["\\\\u00e9\\\\ud83d\\\\ude00\\\\n\\\\/"]', "{1='c3a9f09f98800a2f'}"),
        ('["\\1\\255"]', "{1='01ff'}"),
        ("12\\0garbage", "12"),
    ],
)
def test_decode(lua: Lua, text: str, shown: str) -> None:
    assert lua.show(f"cjson.decode('{text}')") == shown


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "Expected value but found T_END at character 1"),
        ("x", "Expected value but found invalid token at character 1"),
        ("nulll", "Expected the end but found invalid token at character 5"),
        ("[1]]", "Expected the end but found T_ARR_END at character 4"),
        ("[1 2]", "Expected comma or array end but found T_NUMBER at character 4"),
        ("[1,]", "Expected value but found T_ARR_END at character 4"),
        ("[true,:]", "Expected value but found T_COLON at character 7"),
        ("{1:2}", "Expected object key string but found T_NUMBER at character 2"),
        ('{"a":1,}', "Expected object key string but found T_OBJ_END at character 8"),
        ('{"a" null}', "Expected colon but found T_NULL at character 6"),
        ('{"a":2 "b"}', "Expected comma or object end but found T_STRING at character 8"),
        ("[-]", "Expected value but found invalid number at character 2"),
        (".5", "Expected value but found invalid token at character 1"),
        ('["a', "Expected value but found unexpected end of string at character 4"),
        ('["a\\0"]', "Expected value but found unexpected end of string at character 4"),
        ('["a\\\\x"]', "Expected value but found invalid escape code at character 4"),
        ('["\\\\u12"]', "Expected value but found invalid unicode escape code at character 3"),
        ('["\\\\ud800"]', "Expected value but found invalid unicode escape code at character 3"),
        ('["\\\\ud83d\\\\u0041"]', "Expected value but found invalid unicode escape code at character 3"),
        ('["\\\\udc00"]', "Expected value but found invalid unicode escape code at character 3"),
        ("\\0a", "JSON parser does not support UTF-16 or UTF-32"),
    ],
)
def test_errors_of_decode_name_the_token_and_its_position(lua: Lua, text: str, error: str) -> None:
    assert lua.error(f"local x = cjson.decode('{text}')") == f"user_script:1: {error}"


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("tostring", "Cannot serialise function: type not supported"),
        ("newproxy()", "Cannot serialise userdata: type not supported"),
        ("{[true] = 1}", "Cannot serialise boolean: table key must be a number or string"),
        ("0/0", "Cannot serialise number: must not be NaN or Inf"),
        ("{[1/0] = 1}", "Cannot serialise number: must not be NaN or Inf"),
        ("{[11] = 1}", "Cannot serialise table: excessively sparse array"),
        ("{[2^31-1] = 1}", "Cannot serialise table: excessively sparse array"),
    ],
)
def test_errors_of_encode(lua: Lua, value: str, error: str) -> None:
    assert lua.error(f"local x = cjson.encode({value})") == f"user_script:1: {error}"


class TestDepth:
    def test_1000_levels_are_encoded_and_decoded(self, lua: Lua) -> None:
        text = b"[" * 1000 + b"{}" + b"]" * 1000
        assert lua.error("local t = {} for i = 1, 1000 do t = {t} end local x = cjson.encode(t)") == (
            "user_script:1: Cannot serialise, excessive nesting (1001)"
        )
        nested = text[1:-1]
        assert lua.run(b"return cjson.encode(cjson.decode('" + nested + b"'))") == nested
        assert lua.error(f"local x = cjson.decode('{'[' * 1001}')") == (
            "user_script:1: Found too many nested data structures (1001) at character 1001"
        )

    @pytest.mark.parametrize(
        ("script", "error"),
        [
            ("for i = 1, 50000 do t = {t} end local x = cjson.encode(t)", "Cannot serialise, excessive nesting (7998)"),
            (
                "for i = 1, 50000 do t = {a = t} end local x = cjson.encode(t)",
                "Cannot serialise, excessive nesting (4000)",
            ),
            (
                "local x = cjson.decode(string.rep('[', 50000))",
                "Found too many nested data structures (7999) at character 7999",
            ),
            (
                "local x = cjson.decode(string.rep('{\"a\":', 50000))",
                "Found too many nested data structures (4000) at character 19996",
            ),
        ],
    )
    def test_where_deeper_nesting_is_allowed_the_stack_of_c_is_the_limit(
        self, lua: Lua, script: str, error: str
    ) -> None:
        allowed = "cjson.encode_max_depth(2^31-1) cjson.decode_max_depth(2^31-1) local t = {} "
        assert lua.error(allowed + script) == f"user_script:1: {error}"

    def test_a_table_that_contains_itself_is_nested_too_deeply(self, lua: Lua) -> None:
        assert "excessive nesting (1001)" in lua.error("local t = {} t.t = t local x = cjson.encode(t)")


class TestSettings:
    def test_defaults(self, lua: Lua) -> None:
        assert lua.run("return cjson.encode_sparse_array()") == (False, 2, 10)
        assert lua.run("return cjson.encode_max_depth(), cjson.decode_max_depth()") == (1000, 1000)
        assert lua.run("return cjson.encode_number_precision(), cjson.encode_keep_buffer()") == (14, True)
        assert lua.run("return cjson.encode_invalid_numbers(), cjson.decode_invalid_numbers()") == (False, True)

    def test_nil_leaves_a_setting_as_it_is(self, lua: Lua) -> None:
        assert lua.run("return cjson.encode_sparse_array(nil, nil, 3)") == (False, 2, 3)
        assert lua.run("return cjson.encode_max_depth(nil)") == 1000

    def test_what_precedes_a_bad_argument_is_set(self, lua: Lua) -> None:
        assert lua.error("local x = cjson.encode_sparse_array('on', 3, -1)") == (
            "user_script:1: bad argument #1 to 'encode_sparse_array' (expected integer between 0 and 2147483647)"
        )
        assert lua.run("return cjson.encode_sparse_array()") == (True, 3, 10)

    def test_sparse_arrays_may_be_objects_or_have_gaps(self, lua: Lua) -> None:
        assert lua.run("cjson.encode_sparse_array(true) return cjson.encode({[100] = 1})") == b'{"100":1}'
        text = lua.run("cjson.encode_sparse_array(false, 0) return cjson.encode({[100] = 1})")
        assert text == b"[" + b"null," * 99 + b"1]"

    def test_a_gap_of_gigabytes_is_refused(self, lua: Lua) -> None:
        script = "cjson.encode_sparse_array(false, 0) local x = cjson.encode({[2^20] = 1, [2^31-1] = 1})"
        assert lua.error(script) == "not enough memory"

    def test_a_text_of_many_megabytes_is_encoded(self, lua: Lua) -> None:
        script = "local t = {} for i = 1, 400000 do t[i] = 'abcdefgh' .. i end t = {t, t, t, t} "
        size = 4 * (sum(len(str(number)) + 11 for number in range(1, 400_001)) + 1) + 5
        assert lua.run(script + "return #cjson.encode(t)") == size

    def test_number_precision(self, lua: Lua) -> None:
        assert lua.run("cjson.encode_number_precision(3) return cjson.encode({1/3, 12345})") == b"[0.333,1.23e+04]"

    def test_invalid_numbers(self, lua: Lua) -> None:
        numbers = "cjson.encode({1/0, -1/0, 0/0, -(0/0)})"
        assert lua.run(f"return cjson.encode_invalid_numbers(true), {numbers}") == (True, b"[inf,-inf,nan,nan]")
        assert lua.run(f"return cjson.encode_invalid_numbers('null'), {numbers}") == (b"null", b"[null,null,null,null]")
        assert lua.run("return cjson.encode_invalid_numbers('off')") is False

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("nan", "token"),
            ("+1", "token"),
            ("-nan", "number"),
            ("0x1", "number"),
            ("012", "number"),
            ("-01", "number"),
        ],
    )
    def test_invalid_numbers_can_be_refused(self, lua: Lua, text: str, reason: str) -> None:
        error = lua.error(f"cjson.decode_invalid_numbers(false) local x = cjson.decode('{text}')")
        assert error == f"user_script:1: Expected value but found invalid {reason} at character 1"

    @pytest.mark.parametrize(
        ("call", "error"),
        [
            ("encode_sparse_array(1, 2, 3, 4)", "#4 to 'encode_sparse_array' (found too many arguments)"),
            ("encode_sparse_array(-1)", "#1 to 'encode_sparse_array' (invalid option '-1')"),
            ("encode_sparse_array(true, 'x')", "#2 to 'encode_sparse_array' (number expected, got string)"),
            ("encode_max_depth(0)", "#1 to 'encode_max_depth' (expected integer between 1 and 2147483647)"),
            ("decode_max_depth(2^40)", "#1 to 'decode_max_depth' (expected integer between 1 and 2147483647)"),
            ("encode_number_precision(15)", "#1 to 'encode_number_precision' (expected integer between 1 and 14)"),
            ("encode_invalid_numbers('nul')", "#1 to 'encode_invalid_numbers' (invalid option 'nul')"),
            ("encode_keep_buffer({})", "#1 to 'encode_keep_buffer' (string expected, got table)"),
            ("encode()", "#1 to 'encode' (expected 1 argument)"),
            ("encode(1, 2)", "#1 to 'encode' (expected 1 argument)"),
            ("decode({})", "#1 to 'decode' (string expected, got table)"),
        ],
    )
    def test_bad_arguments(self, lua: Lua, call: str, error: str) -> None:
        assert lua.error(f"local x = cjson.{call}") == f"user_script:1: bad argument {error}"

    def test_an_instance_has_its_own_settings(self, lua: Lua) -> None:
        script = (
            "local other = cjson.new() other.encode_max_depth(1) return cjson.encode({{}}), pcall(other.encode, {{}})"
        )
        assert lua.run(script) == (b"[{}]", False, b"Cannot serialise, excessive nesting (2)")
        assert lua.run("return cjson.new().null == cjson.null, cjson.new()._VERSION") == (True, b"2.1.0")


class TestNull:
    def test_it_is_one_userdata_that_prints_as_a_null_pointer(self, lua: Lua) -> None:
        assert lua.run("return type(cjson.null), tostring(cjson.null)") == (b"userdata", b"userdata: (nil)")
        assert lua.run("return cjson.decode('null') == cjson.null, cjson.decode('[null]')[1] == cjson.null")

    def test_nothing_can_be_read_from_it_or_written_to_it(self, lua: Lua) -> None:
        assert lua.error("local x = cjson.null.x") == "user_script:1: attempt to index field 'null' (a userdata value)"
        assert lua.error("cjson.null.x = 1") == "user_script:1: attempt to index field 'null' (a userdata value)"
        assert not lua.run("return getmetatable(cjson.null)")


def test_a_document_survives(lua: Lua) -> None:
    document = {"items": [{"id": number, "tags": ["a", "b"], "score": number * 1.5} for number in range(100)]}
    text = json.dumps(document).encode()
    encoded = lua.run(b"return cjson.encode(cjson.decode('" + text + b"'))")
    assert json.loads(encoded) == document


def test_a_document_of_10_kb_takes_milliseconds(lua: Lua) -> None:
    items = [{"id": number, "name": f"user {number}", "tags": ["a", "b", "c"], "active": True} for number in range(140)]
    text = json.dumps(items).encode()
    assert len(text) > 10_000
    lua.runtime.execute(b"text = '" + text + b"'")
    started = time.process_time()
    lua.run("for i = 1, 20 do cjson.encode(cjson.decode(text)) end return 1")
    # About 30 ms on a slow machine.
    assert time.process_time() - started < 1.0


def test_the_table_has_the_entries_of_redis_in_its_order(lua: Lua) -> None:
    assert lua.run("local names = {} for name in pairs(cjson) do names[#names + 1] = name end return names") == [
        *(b"_NAME", b"encode", b"decode_max_depth", b"_VERSION", b"decode_invalid_numbers", b"encode_keep_buffer"),
        *(b"null", b"encode_number_precision", b"new", b"encode_max_depth", b"encode_invalid_numbers", b"decode"),
        b"encode_sparse_array",
    ]
