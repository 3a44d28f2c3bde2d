"""A Lua runtime with the libraries of scripts."""

from __future__ import annotations

from typing import Any, Final

import lupa.lua51  # type: ignore[import-untyped]  # lupa has no annotations

from pyredmem.scripting.libraries import install

#: Functions of Lua that show values as texts, with what `tostring` hides: the type, all digits of a number and its
#: sign, the bytes of a string, the pairs of a table. Pairs come in the order of `next`: the same for equal tables
#: that were filled in the same way. Only tables as keys come in the order of their addresses, so then pairs are sorted.
SHOW: Final = rb"""
local function hex(text)
  return (string.gsub(text, ".", function(c) return string.format("%02x", string.byte(c)) end))
end
local show
local function show_table(value, depth)
  local parts, has_addresses = {}, false
  for key, element in next, value do
    parts[#parts + 1] = show(key, depth) .. "=" .. show(element, depth)
    has_addresses = has_addresses or type(key) == "table"
  end
  if has_addresses then
    table.sort(parts)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end
function show(value, depth)
  local kind = type(value)
  if kind == "number" then
    return string.format("%.17g", value)
  elseif kind == "string" then
    return "'" .. hex(value) .. "'"
  elseif kind == "table" then
    return depth > 60 and "{...}" or show_table(value, depth + 1)
  elseif kind == "userdata" then
    return tostring(value)
  elseif kind == "boolean" or kind == "nil" then
    return tostring(value)
  end
  return kind
end
local function collect(...)
  local parts = {}
  for index = 1, select("#", ...) do
    parts[index] = show((select(index, ...)), 0)
  end
  return table.concat(parts, " ")
end
"""


class Lua:
    """A bare runtime with the libraries; scripts are called `user_script`, as in Redis."""

    def __init__(self) -> None:
        self.runtime: Any = lupa.lua51.LuaRuntime(
            encoding=None, unpack_returned_tuples=True, register_eval=False, register_builtins=False
        )
        install(self.runtime)
        self._call: Any = self.runtime.eval(
            b"function(code) return pcall(assert(loadstring(code, '@user_script'))) end"
        )

    def run(self, script: str | bytes) -> Any:
        """What a script returns: a value, or a tuple of several; a table is a list of its elements."""
        ok, *results = self._results(script)
        assert ok, results
        converted = tuple(self._converted(result) for result in results)
        return converted[0] if len(converted) == 1 else converted

    def show(self, expressions: str) -> str:
        """The values of expressions as the texts of `SHOW`."""
        shown = self.run(SHOW + f"local text = collect({expressions}) return text".encode())
        assert isinstance(shown, bytes)
        return shown.decode()

    def error(self, script: str) -> str:
        """The text of the error that a script raises."""
        ok, text = self._results(script)
        assert not ok, text
        assert isinstance(text, bytes)
        return text.decode("latin-1")

    def _results(self, script: str | bytes) -> list[Any]:
        results = self._call(script.encode("latin-1") if isinstance(script, str) else script)
        return list(results) if isinstance(results, tuple) else [results]

    def _converted(self, result: Any) -> Any:
        if lupa.lua51.lua_type(result) == "table":
            return [self._converted(element) for element in result.values()]
        return result
