"""The libraries as a whole: what they leave in a runtime, and what they need of it later."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyredmem.scripting import libraries
from pyredmem.scripting.libraries.tail_calls import Prototype, Reader
from tests.support.lua import Lua

GETGLOBAL = 5
SETGLOBAL = 7
FILES = sorted(Path(libraries.__file__).parent.glob("*.lua"))

# As Redis finds out where a script failed: the frame that raised, or the next one if that is C.
HANDLER = """
local getinfo = ...
return function(message)
  local level = 2
  local frame
  repeat
    frame = getinfo(level, "Sl")
    level = level + 1
  until not frame or frame.source ~= "=[C]"
  return message .. " on " .. frame.source .. ":" .. frame.currentline
end
"""


def globals_in_functions(prototype: Prototype) -> set[bytes | None]:
    found: set[bytes | None] = set()
    for child in prototype.children:
        found |= {child.constants[word >> 14] for word in child.words if word & 63 in {GETGLOBAL, SETGLOBAL}}
        found |= globals_in_functions(child)
    return found


def test_every_file_of_lua_is_installed() -> None:
    assert {path.stem for path in FILES} == set(libraries.NAMES)


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_a_library_looks_up_globals_only_when_it_is_loaded(lua: Lua, path: Path) -> None:
    """So it works after a sandbox has removed them, and a script cannot replace them."""
    chunk = lua.runtime.eval(b"function(code) return string.dump(assert(loadstring(code))) end")(path.read_bytes())
    assert globals_in_functions(Reader(chunk).function()) == set()


def test_four_globals_are_set(lua: Lua) -> None:
    names = "for _, name in ipairs({'bit', 'struct', 'cmsgpack', 'cjson', 'support', 'floats'}) do "
    assert lua.run(f"local t = {{}} {names} t[#t + 1] = type(_G[name]) end return t") == [b"table"] * 4 + [b"nil"] * 2


def test_every_function_is_a_function_of_lua(lua: Lua) -> None:
    """No object of Python is given to scripts."""
    script = """
    local kinds = {}
    for _, library in ipairs({bit, struct, cmsgpack, cjson}) do
      for _, value in pairs(library) do
        kinds[type(value)] = true
        assert(type(value) ~= "function" or debug.getinfo(value, "S").what == "Lua")
      end
    end
    return kinds.userdata, kinds["function"], kinds.string, kinds.table
    """
    assert lua.run(script) == (True, True, True, None)


def test_a_message_handler_finds_the_frame_of_the_script_behind_those_of_the_library(lua: Lua) -> None:
    handler = lua.runtime.eval(b"function(code, getinfo) return loadstring(code)(getinfo) end")
    made = handler(HANDLER.encode(), lua.runtime.eval(b"debug.getinfo"))
    call = lua.runtime.eval(b"function(code, handler) return xpcall(loadstring(code, '@user_script'), handler) end")
    script = b"local t = {}\nfor i = 1, 2000 do t = {t} end\nlocal x = cjson.encode(t)\nreturn x"
    _, message = call(script, made)
    assert message == b"user_script:3: Cannot serialise, excessive nesting (1001) on @user_script:3"


class TestNamesInErrors:
    @pytest.mark.parametrize(
        ("script", "name"),
        [
            ("local x = cjson.decode()", "decode"),
            ("local x = (cjson.decode)()", "decode"),
            ("local f = cjson.decode local x = f()", "f"),
            ("local t = {g = cjson.decode} local x = t.g()", "g"),
            ("local t = {cjson.decode} local x = t[1]()", "?"),
            ("local f = cjson.decode local function g() local x = f() end g()", "f"),
            ("for x in cjson.decode, 1 do end", "(for generator)"),
        ],
    )
    def test_a_function_is_called_as_the_script_calls_it(self, lua: Lua, script: str, name: str) -> None:
        assert lua.error(script) == f"user_script:1: bad argument #1 to '{name}' (expected 1 argument)"

    @pytest.mark.parametrize(
        "call", ["pcall(cjson.decode)", "pcall(pcall, cjson.decode)", "pcall(table.sort, {1, 2}, cjson.decode)"]
    )
    def test_a_function_that_c_calls_has_no_name_and_no_position(self, lua: Lua, call: str) -> None:
        error = b"bad argument #1 to '?' (expected 1 argument)"
        assert lua.run(f"local t = {{{call}}} return t[#t]") == error

    def test_a_metamethod_has_no_name_but_the_position_of_its_cause(self, lua: Lua) -> None:
        error = "user_script:1: bad argument #1 to '?' (number expected, got table)"
        assert lua.error("local t = setmetatable({}, {__add = bit.band}) local x = t + 1") == error

    def test_the_error_of_a_coroutine_has_the_position_in_the_coroutine(self, lua: Lua) -> None:
        script = "local f = coroutine.wrap(function() local x = cjson.decode('x') end) return pcall(f)"
        error = b"user_script:1: Expected value but found invalid token at character 1"
        assert lua.run(script) == (False, error)
