"""Attempts to get out of the sandbox, to change it for the next script, or to exhaust the process.

Each script must end with a reply; then the next script must find everything as before. None may crash the process,
which is why some ask for much memory or deep recursion.
"""

from __future__ import annotations

import pytest

from tests.support.world import World

#: What does not exist, is not reached or may not be changed; each script ends with an error that has these words.
REFUSED = [
    # Globals of Lua and lupa that are gone.
    *[
        (f"return {name}", f"nonexistent global variable '{name}'")
        for name in (
            *("debug", "io", "package", "require", "module", "dofile", "loadfile", "print", "newproxy"),
            *("getfenv", "setfenv", "python", "lupa", "__builtins__", "arg"),
        )
    ],
    ("return _G.python", "nonexistent global variable 'python'"),
    ("return _G['de' .. 'bug']", "nonexistent global variable 'debug'"),
    ("return os.execute('id')", "attempt to call field 'execute' (a nil value)"),
    ("return os.getenv('HOME')", "attempt to call field 'getenv' (a nil value)"),
    ("return loadstring('return debug')()", "nonexistent global variable 'debug'"),
    ("return load(function(p) return nil end)(), debug", "nonexistent global variable 'debug'"),
    ("return coroutine.wrap(function() return debug end)()", "nonexistent global variable 'debug'"),
    # Attributes of what is written in Python.
    ("return redis.call.__class__", "attempt to index field 'call' (a function value)"),
    ("return redis.log.__globals__", "attempt to index field 'log' (a function value)"),
    ("return redis.sha1hex.__self__", "attempt to index field 'sha1hex' (a function value)"),
    ("return cjson.null.x", "attempt to index field 'null' (a userdata value)"),
    ("return string.dump(cjson.encode)", "unable to dump given function"),
    ("return string.dump(redis.call)", "unable to dump given function"),
    ("return string.dump(pcall)", "unable to dump given function"),
    # Changes of the globals and of the libraries.
    ("foo = 1", "Attempt to modify a readonly table"),
    ("_G.foo = 1", "Attempt to modify a readonly table"),
    ("rawset(_G, 'foo', 1)", "Attempt to modify a readonly table"),
    ("setmetatable(_G, {})", "Attempt to modify a readonly table"),
    ("getmetatable(_G).__index = nil", "Attempt to modify a readonly table"),
    ("rawset(getmetatable(_G), '__index', nil)", "Attempt to modify a readonly table"),
    ("redis.call = nil", "Attempt to modify a readonly table"),
    ("rawset(redis, 'call', nil)", "Attempt to modify a readonly table"),
    ("string.format = nil", "Attempt to modify a readonly table"),
    ("table.insert(table, 1)", "Attempt to modify a readonly table"),
    ("table.insert(redis, 1, 1)", "Attempt to modify a readonly table"),
    ("math.random = nil", "Attempt to modify a readonly table"),
    ("coroutine.wrap = nil", "Attempt to modify a readonly table"),
    ("cjson.decode = nil", "Attempt to modify a readonly table"),
    ("os.clock = nil", "Attempt to modify a readonly table"),
    ("pcall = nil", "Attempt to modify a readonly table"),
    ("__redis__err__handler = nil", "Attempt to modify a readonly table"),
    ("KEYS = nil", "Attempt to modify a readonly table"),
    ("for name in pairs(_G) do _G[name] = nil end", "Attempt to modify a readonly table"),
    ("getmetatable('').__index = nil", "Attempt to modify a readonly table"),
    ("getmetatable('').__add = function() return 1 end", "Attempt to modify a readonly table"),
    ("setmetatable(string, {__index = function() return 1 end})", "Attempt to modify a readonly table"),
    ("loadstring('pcall = 1')()", "Attempt to modify a readonly table"),
    # Too much of something.
    ("return string.rep('x', 1e9)", "not enough memory"),
    ("local s = 'x' while true do s = s .. s end", "not enough memory"),
    ("local t = {} while true do t[#t + 1] = {} end", "not enough memory"),
    ("return string.rep('a', 1e5):gsub('a', string.rep('b', 1e5))", "not enough memory"),
    ("return table.concat({string.rep('a', 3e8), string.rep('b', 3e8)})", "not enough memory"),
    ("local function f(n) return 1 + f(n + 1) end return f(1)", "stack overflow"),
    ("local t = setmetatable({}, {__index = function(t, k) return t[k + 1] end}) return t[1]", "C stack overflow"),
    ("local t t = setmetatable({}, {__tostring = function() return tostring(t) end}) tostring(t)", "C stack overflow"),
    ("local function f() return coroutine.wrap(f)() end return f()", "C stack overflow"),
    ("return ('a'):rep(3e5):find(('a?'):rep(3e5))", "pattern too complex"),
    ("return string.gsub(('a'):rep(40), ('(a)'):rep(40), '')", "too many captures"),
    ("return unpack({}, 1, 1e8)", "too many results to unpack"),
    ("return string.byte(string.rep('x', 1e6), 1, -1)", "string slice too long"),
    ("return string.format('%99999d', 1)", "invalid format"),
    ("return table.sort({3, 1, 2, 5, 4}, function() return true end)", "invalid order function"),
    ("return cjson.decode(string.rep('[', 1e5))", "too many nested data structures"),
    ("local t = {} for i = 1, 2000 do t = {t} end return cjson.encode(t)", "excessive nesting"),
    ("return cmsgpack.unpack(string.rep('\\145', 1e5))", "stack overflow"),
    ("table.sort({1, 2, 3}, function() coroutine.yield() end)", "attempt to yield across"),
    ("coroutine.yield()", "attempt to yield"),
    ("coroutine.create(redis.call)", "bad argument #1 to 'create' (Lua function expected)"),
    ("coroutine.wrap(pcall)", "bad argument #1 to 'wrap' (Lua function expected)"),
    # Errors of every kind.
    ("error(setmetatable({}, {__index = function() error('no') end}))", "no"),
    ("error(setmetatable({}, {__newindex = function() error('no') end}))", "no"),
    ("error(coroutine.create(function() end))", "ERR thread: "),
    ("error({})", "ERR unknown error"),
    ("return getmetatable(_G).__index(1, 'x')", "nonexistent global variable 'x'"),
]

#: What is allowed, with the reply; it must not help anybody either.
HARMLESS = [
    # Compiled code never gets in.
    ("return {loadstring(string.dump(function() return 1 end))}", []),
    ("return {loadstring('\\27LuaQ')}", []),
    ("return {load(function() return '\\27LuaQ' end)}", []),
    ("local p, i = {'', '\\27', 'LuaQ'}, 0 return {load(function() i = i + 1 return p[i] end)}", []),
    ("return type(load(function() return nil end))", b"function"),
    # Nothing of Python, and no metatable, is found anywhere.
    ("local s = '' for k, v in pairs(_G) do if type(v) == 'userdata' then s = s .. k end end return s", b""),
    ("local n = 0 for k, v in pairs(redis) do if type(v) == 'userdata' then n = n + 1 end end return n", 0),
    ("return tostring(getmetatable(redis.call))", b"nil"),
    ("return tostring(getmetatable(cjson.null))", b"nil"),
    ("return tostring(getmetatable(redis))", b"nil"),
    ("return tostring(rawget(_G, 'python'))", b"nil"),
    ("return type(select(2, pcall(redis.call)))", b"string"),
    ("return type(select(2, xpcall(redis.call, function(e) return e end)))", b"table"),
    ("return type(select(2, pcall(coroutine.create, redis.call)))", b"string"),
    ("return type(select(2, coroutine.resume(coroutine.create(function() redis.call() end))))", b"table"),
    ("return type(select(2, pcall(redis.log, {}, {})))", b"string"),
    ("return type(select(2, pcall(redis.call, setmetatable({}, {__tostring = error}))))", b"string"),
    ("return type(select(2, pcall(error)))", b"nil"),
    ("return tostring(select(2, pcall(redis.setresp, function() end)))", b"ERR RESP version must be 2 or 3."),
    # Stand-ins for tables are seen through where Redis has a real table.
    ("return {rawget(redis, 'LOG_DEBUG'), #redis, type(next(redis)), rawequal(_G, _G._G) and 1}", [0, 0, b"string", 1]),
    ("local n = 0 table.foreach(redis, function() n = n + 1 end) return n > 20 and 1", 1),
    # No finalizers; garbage collection is as before in the next script.
    ("setmetatable({}, {__gc = function() redis.call('set', 'gc', '1') end}) collectgarbage() return 1", 1),
    ("collectgarbage('stop') collectgarbage('setpause', 1e6) return 1", 1),
    # Deep and wide results.
    ("return #string.rep('x', 1e7)", 10_000_000),
    ("local t = {} for i = 1, 7000 do t[i] = 'k' .. i end return #redis.call('mget', unpack(t))", 7000),
    ("return {1, 2, setmetatable({}, {__index = function() error('x') end})}", [1, 2, []]),
    ("return ('a'):rep(1e4):match(('a?'):rep(1e4)) and 1", 1),
    ("local function f() coroutine.resume(coroutine.create(f)) return 1 end return f()", 1),
    ("return pcall(pcall, pcall, error, 'x') and 1", 1),
    ("return loadstring(string.rep('(', 1e5) .. '1') == nil and 1", 1),
    ("return select('#', unpack({}, 1, 7000))", 7000),
]

#: A script that fails if anything was left behind.
INTACT = """
assert(type(redis.call) == 'function' and type(string.format) == 'function' and ('x'):upper() == 'X')
assert(rawget(_G, 'foo') == nil and type(pcall) == 'function' and type(cjson.decode) == 'function')
assert(not pcall(function() return foo end))
for i = 1, 1000 do local t = {} for j = 1, 100 do t[j] = {} end end
return #KEYS
"""


def assert_intact(world: World) -> None:
    assert world.do("EVAL", INTACT, 1, "k") == 1
    assert world.do("EXISTS", "gc") == 0


@pytest.mark.parametrize(("script", "words"), REFUSED)
def test_what_is_refused_is_an_error_and_leaves_no_trace(world: World, script: str, words: str) -> None:
    reply = world.raw("EVAL", script, 1, "k")
    assert reply.startswith(b"-")
    assert words.encode() in reply
    assert_intact(world)


@pytest.mark.parametrize(("script", "expected"), HARMLESS)
def test_what_is_allowed_leaves_no_trace(world: World, script: str, expected: object) -> None:
    reply = world.do("EVAL", script, 1, "k")
    if expected == []:
        assert reply in ([], [None])
    else:
        assert reply == expected
    assert_intact(world)


def test_a_result_may_be_deeper_than_the_stack_of_lua(world: World) -> None:
    reply = world.raw("EVAL", "local t = {} for i = 1, 9000 do t = {t} end return t", 0)
    assert reply.startswith(b"*1\r\n" * 7000)
    assert reply.endswith(b"-ERR reached lua stack limit\r\n")


def test_a_table_that_contains_itself_ends_with_an_error(world: World) -> None:
    reply = world.raw("EVAL", "local t = {} t[1] = t return t", 0)
    assert reply.endswith(b"-ERR reached lua stack limit\r\n")


def test_a_reply_for_which_lua_has_no_room_is_an_error(world: World) -> None:
    world.do("SET", "big", b"x" * 100_000_000)
    keep = "local t = {} for i = 1, 20 do t[i] = redis.call('get', 'big') .. i end return #t"
    assert b"not enough memory" in world.raw("EVAL", keep, 0)
    assert world.do("EVAL", "return #redis.call('get', 'big')", 0) == 100_000_000


def test_arguments_for_which_lua_has_no_room_are_refused(world: World) -> None:
    reply = world.raw("EVAL", "return #ARGV[1]", 0, *[b"x" * 150_000_000] * 3)
    assert reply == b"-ERR not enough memory for the script and its arguments\r\n"
    assert_intact(world)
