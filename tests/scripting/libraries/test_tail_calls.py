"""Tail calls of library functions keep the frame of the script."""

from __future__ import annotations

import pytest

from pyredmem.scripting.libraries.tail_calls import CALL, TAILCALL, Reader, call_libraries
from tests.support.lua import Lua

NAMES = {b"decode", b"encode", b"call"}
ERROR = "user_script:1: Expected value but found invalid token at character 1"
DUMP = b"function(code) return string.dump(assert(loadstring(code, '@user_script'))) end"
LOAD = b"function(chunk) return pcall(assert(loadstring(chunk))) end"


def changed(lua: Lua, script: str) -> bytes:
    chunk = lua.runtime.eval(DUMP)(script.encode())
    assert isinstance(chunk, bytes)
    return call_libraries(chunk, NAMES)


def outcome(lua: Lua, script: str) -> object:
    """What a script returns, or the text of its error."""
    result = lua.runtime.eval(LOAD)(changed(lua, script))[1]
    return result.decode() if isinstance(result, bytes) else result


def tail_calls(chunk: bytes) -> int:
    main = Reader(chunk).function()
    functions = [main, *main.children]
    return sum(word & 63 == TAILCALL for one in functions for word in one.words)


@pytest.mark.parametrize(
    "script",
    [
        "return cjson.decode('x')",
        "return cjson.decode(type(nil) and 'x' or tostring('y'))",
        "local json = cjson return json.decode('x')",
        "local decode = cjson.decode return decode('x')",
        "local decode = cjson.decode local function f(text) return decode(text) end f('x') return 1",
        "local decode = cjson.decode return (function() return (function() return decode('x') end)() end)()",
        "local function f() return cjson.decode('x') end f()",
        "local t = {f = function() return cjson.decode('x') end} return t.f()",
        "if cjson then return cjson.decode('x') end return 1",
    ],
)
def test_an_error_names_the_line_of_a_tail_call(lua: Lua, script: str) -> None:
    assert outcome(lua, script) == ERROR


def test_an_error_names_the_function_of_a_tail_call(lua: Lua) -> None:
    assert outcome(lua, "return cjson.decode()") == "user_script:1: bad argument #1 to 'decode' (expected 1 argument)"
    assert outcome(lua, "return cjson:decode()") == (
        "user_script:1: calling 'decode' on bad self (string expected, got table)"
    )


@pytest.mark.parametrize("batches", [511, 512, 512 + 29, 512 + 36, 1024 + 36])
def test_numbers_among_the_instructions_are_no_instructions(lua: Lua, batches: int) -> None:
    # A constructor stores 50 values at a time. The number of a batch stands alone when the instruction has no room.
    script = f"local t = {{{'1,' * (50 * batches)}}} return cjson.decode('x')"
    assert outcome(lua, script) == ERROR


def test_all_results_are_returned(lua: Lua) -> None:
    assert outcome(lua, "local t = {call = function(...) return ... end} return select('#', t.call(1, 2, nil))") == 3
    script = "local t = {call = function(...) return ... end} local function f() return t.call(7, 8) end"
    assert outcome(lua, f"{script} local a, b, c = f() return a + b, c") == 15


@pytest.mark.parametrize(
    "script",
    [
        "local function count(n) if n == 0 then return 'done' end return count(n - 1) end return count(100000)",
        "local t = {} function t.f(n) if n == 0 then return 'done' end return t.f(n - 1) end return t.f(100000)",
        "local t = {} function t:f(n) if n == 0 then return 'done' end return self:f(n - 1) end return t:f(100000)",
    ],
)
def test_other_tail_calls_may_recurse_without_end(lua: Lua, script: str) -> None:
    assert outcome(lua, script) == "done"


def test_only_the_instruction_is_changed(lua: Lua) -> None:
    script = "local function other() return tostring(1) end return cjson.encode(other(), 'a', 1.5, true, nil)"
    chunk = lua.runtime.eval(DUMP)(script.encode())
    result = changed(lua, script)
    assert (tail_calls(chunk), tail_calls(result)) == (2, 1)
    different = [place for place in range(len(chunk)) if chunk[place] != result[place]]
    assert [(chunk[place] & 63, result[place] & 63) for place in different] == [(TAILCALL, CALL)]
