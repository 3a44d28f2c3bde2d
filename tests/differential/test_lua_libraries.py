"""Random calls of `bit`, `struct`, `cmsgpack` and `cjson`: the same results and the same errors as in a real server.

Every run makes the same calls. With PYREDMEM_SUITE=explore each run makes others; a failure prints its seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from pyredmem.scripting.libraries.tail_calls import call_libraries
from tests.differential.grammar_lua_libraries import FUNCTIONS, Calls
from tests.support.lua import Lua
from tests.support.servers import Server
from tests.support.suites import SUITE, time_limit
from tests.support.wire import Array, Bulk, Error, Wire

pytestmark = pytest.mark.needs_redis

CALLS_PER_SCRIPT = 50


def first_seed() -> int:
    return random.randrange(2**31) if SUITE.explores else 0


def texts_of(wire: Wire, script: bytes) -> list[bytes]:
    reply = wire.do("EVAL", script, 0)
    assert isinstance(reply, Array), reply
    return [item.data for item in reply.items if isinstance(item, Bulk)]


def compare(wire: Wire, lua: Lua, library: str, seed: int) -> None:
    """Make the calls of a seed on both sides; the settings of cjson are reset before."""
    calls = Calls(seed).calls(library, CALLS_PER_SCRIPT)
    script = Calls.script(calls)
    theirs, ours = texts_of(wire, script), lua.run(script)
    assert len(theirs) == len(ours) == len(calls), seed
    for call, their, our in zip(calls, theirs, ours, strict=True):
        assert our == their, f"seed {seed}: {call}"


@pytest.fixture
def wire_to_real(real: Server) -> Iterator[Wire]:
    with real.connect() as wire:
        yield wire
        # The cache of scripts would grow with every run.
        assert not isinstance(wire.do("SCRIPT", "FLUSH"), Error)


@pytest.fixture
def wire_to_newer(newer: Server) -> Iterator[Wire]:
    with newer.connect() as wire:
        yield wire
        assert not isinstance(wire.do("SCRIPT", "FLUSH"), Error)


def compare_many(wire: Wire, library: str, calls: int) -> None:
    seed, lua = first_seed(), Lua()
    for number in range(calls // CALLS_PER_SCRIPT):
        compare(wire, lua, library, seed + number)
        if number % 20 == 0:
            wire.do("SCRIPT", "FLUSH")


@pytest.mark.parametrize("library", FUNCTIONS)
def test_calls_have_the_results_of_a_real_server(wire_to_real: Wire, library: str) -> None:
    compare_many(wire_to_real, library, 5_000)


@pytest.mark.parametrize("library", FUNCTIONS)
def test_calls_have_the_results_of_a_newer_server(wire_to_newer: Wire, library: str) -> None:
    compare_many(wire_to_newer, library, 2_500)


@pytest.mark.slow
@time_limit(600)
@pytest.mark.parametrize("library", FUNCTIONS)
def test_many_calls_have_the_results_of_a_real_server(wire_to_real: Wire, library: str) -> None:
    compare_many(wire_to_real, library, SUITE.calls)


ERRORS_OF_TAIL_CALLS = [
    "return cjson.decode('x')",
    "return cjson.decode()",
    "return cjson:decode()",
    "local decode = cjson.decode\nreturn decode()",
    "local t = {cjson.decode}\nlocal x = t[1]()",
    "local function f() return cjson.encode(f) end\nreturn f()",
    "return cmsgpack.unpack('\\193')",
    "return struct.pack('i', {})",
    "return bit.band(1, nil)",
]


@pytest.mark.parametrize("script", ERRORS_OF_TAIL_CALLS)
def test_the_error_of_a_tail_call_is_that_of_a_real_server(wire_to_real: Wire, script: str) -> None:
    reply = wire_to_real.do("EVAL", script, 0)
    assert isinstance(reply, Error), reply
    lua = Lua()
    chunk = lua.runtime.eval(b"function(code) return string.dump(loadstring(code, '@user_script')) end")(
        script.encode()
    )
    names = {name.encode() for names in FUNCTIONS.values() for name in names}
    message = lua.runtime.eval(b"function(chunk) return select(2, pcall(loadstring(chunk))) end")(
        call_libraries(chunk, names)
    )
    assert reply.text.partition(b" script: ")[0] == b"ERR " + message


NESTED = {
    "encode an array": "cjson.encode(arrays(%d))",
    "encode an object": "cjson.encode(objects(%d))",
    "decode an array": "cjson.decode(string.rep('[', %d))",
    "decode an object": "cjson.decode(string.rep('{\"a\":', %d))",
    "unpack values": "cmsgpack.unpack(string.rep('\\1', %d))",
    "unpack arrays": "cmsgpack.unpack(string.rep('\\145', %d))",
    "unpack maps": "cmsgpack.unpack(string.rep('\\129\\1', %d))",
    "unpack maps as keys": "cmsgpack.unpack_one(string.rep('\\129', %d))",
    "unpack a structure": "struct.unpack(string.rep('b', %d), string.rep('b', 9000))",
    "pack values": "cmsgpack.pack(unpack({}, 1, math.min(%d, 7990)))",
}
DEEP = "cjson.encode_max_depth(2^31-1) cjson.decode_max_depth(2^31-1) "
RESULT = """
local function arrays(n) local t = {} for i = 1, n do t = {t} end return t end
local function objects(n) local t = {} for i = 1, n do t = {a = t} end return t end
local function pass(...) return ... end
local function last(ok, ...)
  return tostring(ok) .. " " .. select("#", ...) .. " " .. tostring((select(select("#", ...), ...)))
end
return last(pcall(function() return pass(%s) end))
"""


@pytest.mark.parametrize("script", NESTED.values(), ids=NESTED)
def test_the_stack_has_the_same_limits_as_that_of_a_real_server(wire_to_real: Wire, script: str) -> None:
    lua = Lua()
    for size in [999, 1000, 3998, 3999, 4000, 4001, 7995, 7996, 7997, 7998, 7999, 8000, 50_000]:
        source = (DEEP + RESULT % (script % size)).encode()
        reply = wire_to_real.do("EVAL", source, 0)
        assert isinstance(reply, Bulk), reply
        assert _without_address(lua.run(source)) == _without_address(reply.data), size


def _without_address(text: bytes) -> bytes:
    return text.split(b"table: 0x")[0]
