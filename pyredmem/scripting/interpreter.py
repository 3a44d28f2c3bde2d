"""A Lua state with the sandbox in which scripts run: the only place that knows lupa.

Making one takes milliseconds and some hundred kilobytes, so it is made when the first script comes, and lupa is
imported only then.

The memory of the state is limited, which Redis does not do: a script that asks for too much gets the error "not enough
memory" where Redis would take what the machine has. Lua raises that error where it is harmless. But values that come
from Python must fit, or the process would abort; so they are refused when less than a quarter of the memory is left.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from pyredmem.scripting.libraries import install
from pyredmem.scripting.wrapped import call_libraries

DIRECTORY: Final = Path(__file__).parent / "lua"
SUPPORT: Final = Path(__file__).parent / "libraries" / "support.lua"

#: The most memory that a state may take (bytes), and how much of it is in use when values are refused.
MAX_MEMORY: Final = 512 * 1024 * 1024
REFUSED_ABOVE: Final = 384 * 1024 * 1024
#: More arguments are given to Lua in chunks of this size: its stack has room for some thousands.
CHUNK: Final = 240

SETUP: Final = b"""
local texts, host = ...
local function chunk(name)
  return assert(loadstring(texts[name], "=[C]"))
end
local support = chunk("support")()
local state = { inside = false }
local sandbox = chunk("sandbox")(support, host.tick, host.call_libraries)
local api, random = chunk("api")(support, host, state)
math.random, math.randomseed = random.random, random.randomseed
local runner = chunk("runner")(sandbox, state)
local loader = chunk("special")(support, api, sandbox)
local globals, environment = sandbox.close(api)
runner.open(globals, environment)
if loader then
  loader.open(globals, sandbox.unknown)
end
sandbox.arm()
return runner, loader
"""

LuaFunction = Any


class Interpreter:
    """One Lua state. `host` has the functions of Python that Lua calls; `special` is a chunk that adds to `redis`."""

    def __init__(self, host: dict[str, object], special: str) -> None:
        lua = importlib.import_module("lupa.lua51")
        self._runtime = lua.LuaRuntime(
            encoding=None,
            unpack_returned_tuples=True,
            register_eval=False,
            register_builtins=False,
            attribute_filter=_refuse_access,
            max_memory=MAX_MEMORY,
        )
        self._error: type[Exception] = lua.LuaError  # Lua found no memory where no script runs
        install(self._runtime)
        as_function = self._runtime.globals()[b"python"][b"as_function"]
        functions = self._runtime.table()
        for name, value in host.items():
            functions[name.encode()] = as_function(value) if callable(value) else value
        texts = self._runtime.table()
        texts[b"support"] = SUPPORT.read_bytes()
        for name in ("sandbox", "api", "runner"):
            texts[name.encode()] = (DIRECTORY / f"{name}.lua").read_bytes()
        texts[b"special"] = (DIRECTORY / f"{special}.lua").read_bytes()
        runner, loader = self._runtime.execute(SETUP, texts, functions)
        self._compile = runner[b"compile"]
        self._load = runner[b"load"]
        self._run = runner[b"run"]
        self._run_many = runner[b"run_many"]
        self._call = runner[b"call"]
        self._call_many = runner[b"call_many"]
        self._more = runner[b"more"]
        self._new_list = runner[b"new_list"]
        self._extend = runner[b"extend"]
        if loader is not None:
            self._load_library = loader[b"load"]
            self._function_at = loader[b"function_at"]
        self.memory_used: Callable[[], int] = self._runtime.get_memory_used
        self.collect: Callable[[], None] = self._runtime.gccollect

    def compile(self, code: bytes, name: bytes) -> LuaFunction:
        """The function that a script is; raises `CompileError`."""
        self.make_room(len(code))
        compiled = self._compile(code, name)
        if isinstance(compiled, tuple):
            raise CompileError(compiled[1])
        return self._load(call_libraries(compiled))

    def load_library(self, code: bytes, name: bytes) -> list[tuple[bytes, LuaFunction, bytes | None, bytes]]:
        """The functions that a library registers: name, function, description and flags of each.

        Raises `CompileError` if the library does not compile, and `LibraryError` if it fails.
        """
        self.make_room(len(code))
        compiled = self._compile(code, name)
        if isinstance(compiled, tuple):
            raise CompileError(compiled[1])
        count = self._load_library(call_libraries(compiled))
        if isinstance(count, tuple):
            raise LibraryError(count[1])
        functions = [self._function_at(index) for index in range(1, count + 1)]
        return [(name, function, description or None, flags) for name, function, description, flags in functions]

    def make_room(self, size: int) -> None:
        """Raise `NoRoomError` unless values of ``size`` bytes from Python fit."""
        if self.memory_used() + size > REFUSED_ABOVE:
            self.collect()
            if self.memory_used() + size > REFUSED_ABOVE:
                raise NoRoomError

    def run(self, body: LuaFunction, keys: list[bytes], arguments: list[bytes]) -> object:
        """Run a script of EVAL. The result is a value, or a tuple that begins with None: see lua/runner.lua."""
        try:
            if len(keys) + len(arguments) < CHUNK:
                return self._run(body, len(keys), *keys, *arguments)
            return self._run_many(body, self._list(keys), self._list(arguments))
        except self._error as error:
            raise NoRoomError from error

    def call(self, body: LuaFunction, keys: list[bytes], arguments: list[bytes]) -> object:
        """Call a function of a library, with its keys and arguments as tables."""
        try:
            if len(keys) + len(arguments) < CHUNK:
                return self._call(body, len(keys), *keys, *arguments)
            return self._call_many(body, self._list(keys), self._list(arguments))
        except self._error as error:
            raise NoRoomError from error

    def _list(self, values: list[bytes]) -> object:
        made = self._new_list()
        for start in range(0, len(values), CHUNK):
            self._extend(made, *values[start : start + CHUNK])
        return made

    def more(self, first: tuple[object, ...]) -> list[object]:
        """All parts of a result, of which the interpreter gave ``first``."""
        total = first[1]
        parts = list(first[2:])
        assert isinstance(total, int)
        while len(parts) < total:
            chunk = self._more()
            parts += chunk if isinstance(chunk, tuple) else (chunk,)
        return parts


class CompileError(Exception):
    """A script has an error of syntax; ``message`` is what Lua says."""

    def __init__(self, message: bytes) -> None:
        super().__init__(message)
        self.message = message


class LibraryError(Exception):
    """A library of functions failed while it was loaded; ``message`` is its error."""

    def __init__(self, message: bytes) -> None:
        super().__init__(message)
        self.message = message


class NoRoomError(Exception):
    """The Lua state has no room for values from Python."""


def _refuse_access(_object: object, name: object, _is_setting: bool) -> object:
    raise AttributeError(name)
