"""Scripts and libraries that do not end: they are suspended, and killed, whatever they do to prevent it."""

from __future__ import annotations

import pytest

from pyredmem.base.clock import ManualClock
from tests.support.replies import NO_REPLY, Error
from tests.support.world import Client, World

ENDLESS = [
    "while true do end",
    "while true do pcall(function() while true do end end) end",
    "while true do pcall(pcall, pcall, error) end",
    "local function f() error('x') end while true do pcall(f) end",
    "return xpcall(function() while true do end end, function() while true do end end)",
    "while true do redis.pcall('get', 'k') end",
    "coroutine.wrap(function() while true do end end)()",
    "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
    "local function f() while true do pcall(f) end end return coroutine.resume(coroutine.create(f))",
    "local function f() while true do pcall(f) end end f()",
    "local t t = setmetatable({}, {__index = function(_, n) while n > 150 do end return t[n + 1] end}) "
    "while true do pcall(function() return t[1] end) end",
    "while true do pcall(coroutine.wrap(function() while true do pcall(error) end end)) end",
    "return string.gsub(('x'):rep(100), 'x', function() while true do end end)",
    "return load(function() while true do end end)",
    "table.sort({1, 2, 3}, function() while true do end end)",
    "return setmetatable({}, {__index = function() while true do end end}).x",
    "loadstring('while true do end', '=[C]')()",
    "load(function() return nil end, '=[C]') while true do pcall(loadstring('while true do end', '=[C]')) end",
]


class RunningClock(ManualClock):
    """A clock that moves whenever it is read, as the endless scripts never return to the test."""

    def now_us(self) -> int:
        self.advance_us(1000)
        return int(super().now_us())


@pytest.fixture
def world() -> World:
    return World(clock=RunningClock(), busy_reply_threshold="20")


def kill(world: World, *command: str) -> Client:
    """Kill the script that the first client runs; gives back another client."""
    other = world.client()
    assert other.do("GET", "k") == Error(
        b"BUSY Redis is busy running a script. You can only call %b KILL or SHUTDOWN NOSAVE." % command[0].encode()
    )
    assert other.raw(*command) == b"+OK\r\n"
    for _ in range(50):
        world.run_tasks()
    return other


@pytest.mark.parametrize("script", ENDLESS)
def test_an_endless_script_is_killed(world: World, script: str) -> None:
    assert world.do("EVAL", script, 0) is NO_REPLY
    other = kill(world, "SCRIPT", "KILL")
    assert world.first.take_output().startswith(b"-ERR Script killed by user with SCRIPT KILL...")
    assert other.do("EVAL", "return 1", 0) == 1
    assert world.raw("PING") == b"+PONG\r\n"
    world.check()


def test_after_a_kill_scripts_may_run_for_long_again(world: World) -> None:
    world.do("EVAL", ENDLESS[1], 0)
    kill(world, "SCRIPT", "KILL")
    world.first.take_output()
    assert world.do("EVAL", ENDLESS[0], 0) is NO_REPLY
    kill(world, "SCRIPT", "KILL")
    assert b"Script killed" in world.first.take_output()


def test_a_script_that_has_written_is_not_killed(world: World) -> None:
    world.do("EVAL", "redis.call('set', 'k', 'v') for i = 1, 5e6 do end return 'done'", 0)
    other = world.client()
    assert other.raw("SCRIPT", "KILL").startswith(b"-UNKILLABLE ")
    for _ in range(2000):
        world.run_tasks()
    assert world.first.take_output() == b"$4\r\ndone\r\n"


def test_a_function_is_killed_by_function_kill_only(world: World) -> None:
    world.do("FUNCTION", "LOAD", "#!lua name=l\nredis.register_function('f', function() while true do end end)")
    assert world.do("FCALL", "f", 0) is NO_REPLY
    other = world.client()
    assert other.raw("SCRIPT", "KILL").startswith(b"-BUSY ")
    stats = other.do("FUNCTION", "STATS")
    assert isinstance(stats, list)
    assert stats[1][:4] == [b"name", b"f", b"command", [b"FCALL", b"f", b"0"]]
    kill(world, "FUNCTION", "KILL")
    assert world.first.take_output().endswith(b"script: f, on @user_function:2.\r\n")
    assert other.do("FUNCTION", "STATS")[1] is None


def test_a_library_that_takes_too_long_to_load_is_refused(world: World) -> None:
    reply = world.raw("FUNCTION", "LOAD", "#!lua name=l\nwhile true do end")
    assert reply == b"-ERR Error registering functions: ERR FUNCTION LOAD timeout\r\n"
    assert world.do("FUNCTION", "LIST") == []
    assert world.do("EVAL", "return 1", 0) == 1
