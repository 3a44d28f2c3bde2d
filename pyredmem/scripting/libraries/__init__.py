"""The Lua libraries that Redis bundles for scripts: `bit`, `cjson`, `cmsgpack` and `struct`.

They are written in Lua. What a script can observe of Lua (the order of `next`, how numbers are printed and read, which
NaN has a sign) is then the same as in the C libraries, and no object of Python comes near a script.

The chunks are called `=[C]`, as Lua calls C code, so that a message handler that looks for the frame of the script can
pass over the frames of the libraries as it passes over those of C.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Protocol


class Runtime(Protocol):
    """What is used of a `lupa.lua51.LuaRuntime` with `encoding=None`."""

    def execute(self, code: bytes, *arguments: object) -> object:
        """Run a chunk of Lua."""


DIRECTORY: Final = Path(__file__).parent
NAMES: Final = ("support", "floats", "bit", "struct", "cmsgpack", "cjson_encode", "cjson_decode", "cjson")

INSTALL: Final = b"""
local chunks = {}
for index = 1, select("#", ...), 2 do
  local name, text = select(index, ...)
  chunks[name] = assert(loadstring(text, "=[C]"))
end
local support, floats = chunks.support(), chunks.floats()
local null = newproxy(true)
getmetatable(null).__tostring = function() return "userdata: (nil)" end
getmetatable(null).__metatable = false
bit = chunks.bit(support)
struct = chunks.struct(support, floats)
cmsgpack = chunks.cmsgpack(support, floats)
cjson = chunks.cjson(support, chunks.cjson_encode(support, null), chunks.cjson_decode(support, null), null)
"""


def install(runtime: Runtime) -> None:
    """Set the globals `bit`, `cjson`, `cmsgpack` and `struct` to tables of Lua functions.

    The standard libraries of Lua, `debug` and `loadstring` among them, must still be there; they may be removed after.
    """
    arguments = [part for name in NAMES for part in (name.encode(), (DIRECTORY / f"{name}.lua").read_bytes())]
    runtime.execute(INSTALL, *arguments)
