"""FUNCTION and FCALL: libraries are loaded as a whole or not at all, and serialized as Redis does."""

from __future__ import annotations

import re
from typing import Final

import pytest

from pyredmem.engine.command_stream import CommandStream
from tests.support.replies import Error
from tests.support.world import World

COUNTER = "#!lua name=counter\nlocal n = 0\nredis.register_function('count', function() n = n + 1 return n end)"
ECHO = "#!lua name=echo\nredis.register_function('echo', function(keys, args) return {keys, args} end)"
READER = (
    "#!lua name=reader\nredis.register_function{function_name='read', description='Reads.', flags={'no-writes'}, "
    "callback=function(keys) return redis.call('get', keys[1]) end}"
)
#: FUNCTION DUMP of a library on a real server, without the footer, which has the version of the format.
DUMPED: Final = "#!lua name=lib1\nredis.register_function('f1', function(keys, args) return {keys, args} end)"
DUMP: Final = (
    b"\xf5\xc3@R@[\x1f#!lua name=lib1\nredis.register_f\runction('f1', \xe0\x00\x0e\x13keys, args) return {"
    b"\xe0\x01\x13\x05} end)"
)


def names(world: World) -> list[object]:
    libraries = world.do("FUNCTION", "LIST")
    assert isinstance(libraries, list)
    return sorted(library[1] for library in libraries)


class TestLoading:
    def test_a_library_has_a_name(self, world: World) -> None:
        assert world.do("FUNCTION", "LOAD", ECHO) == b"echo"
        assert world.do("FCALL", "echo", 1, "k", "a", "b") == [[b"k"], [b"a", b"b"]]
        assert world.do("FCALL", "ECHO", 0) == [[], []]

    def test_a_library_is_replaced_only_if_asked(self, world: World) -> None:
        world.do("FUNCTION", "LOAD", COUNTER)
        assert world.do("FCALL", "count", 0) == 1
        assert world.do("FUNCTION", "LOAD", COUNTER) == Error(b"ERR Library 'counter' already exists")
        assert world.do("FCALL", "count", 0) == 2
        assert world.do("FUNCTION", "LOAD", "replace", COUNTER) == b"counter"
        assert world.do("FCALL", "count", 0) == 1

    @pytest.mark.parametrize(
        "code",
        [
            "#!lua name=other\nredis.register_function('ECHO', function() end)",
            "#!lua name=other\nredis.register_function('new', function() end) error('x')",
            "#!lua name=other\nredis.register_function('new', function() end) redis.register_function('new', print)",
            "#!lua name=echo\nredis.register_function('new', function() end) x = 1",
            "#!lua name=echo\nsyntax error",
            "#!lua name=echo\n",
            "#!lua name=a-b\nredis.register_function('new', function() end)",
        ],
    )
    def test_a_library_that_fails_changes_nothing(self, world: World, code: str) -> None:
        world.do("FUNCTION", "LOAD", ECHO)
        world.do("FUNCTION", "LIST")
        used = world.used_memory
        assert isinstance(world.do("FUNCTION", "LOAD", "REPLACE", code), Error)
        assert names(world) == [b"echo"]
        assert world.used_memory == used
        assert world.do("FCALL", "echo", 0) == [[], []]
        assert world.do("FCALL", "new", 0) == Error(b"ERR Function not found")
        world.check()

    def test_a_library_may_not_run_commands_while_it_is_loaded(self, world: World) -> None:
        for word in ("call", "pcall", "setresp", "acl_check_cmd"):
            reply = world.raw("FUNCTION", "LOAD", f"#!lua name=l\nredis.{word}('get', 'k')")
            assert f"nonexistent global variable '{word}'".encode() in reply

    def test_functions_may_not_register_functions(self, world: World) -> None:
        late = "redis.register_function('late', function() redis.register_function('later', function() end) end)"
        world.do("FUNCTION", "LOAD", "#!lua name=l\n" + late)
        assert b"attempt to call field 'register_function' (a nil value)" in world.raw("FCALL", "late", 0)

    def test_flushall_keeps_libraries(self, world: World) -> None:
        world.do("FUNCTION", "LOAD", ECHO)
        world.do("FLUSHALL")
        assert names(world) == [b"echo"]


class TestCalling:
    def test_fcall_ro_needs_a_function_without_writes(self, world: World) -> None:
        world.do("FUNCTION", "LOAD", ECHO)
        world.do("FUNCTION", "LOAD", READER)
        world.do("SET", "k", "v")
        assert world.do("FCALL_RO", "read", 1, "k") == b"v"
        message = b"ERR Can not execute a script with write flag using *_ro command."
        assert world.do("FCALL_RO", "echo", 0) == Error(message)

    def test_an_error_names_the_function_and_the_line(self, world: World) -> None:
        world.do("FUNCTION", "LOAD", "#!lua name=l\n\nredis.register_function('f', function() return foo end)")
        assert world.raw("FCALL", "F", 0) == (
            b"-ERR user_function:3: Script attempted to access nonexistent global variable 'foo' script: f, "
            b"on @user_function:3.\r\n"
        )

    @pytest.mark.parametrize(
        ("count", "message"),
        [
            ("x", b"ERR Bad number of keys provided"),
            ("1", b"ERR Number of keys can't be greater than number of args"),
            ("-1", b"ERR Number of keys can't be negative"),
        ],
    )
    def test_the_number_of_keys_is_checked(self, world: World, count: str, message: bytes) -> None:
        world.do("FUNCTION", "LOAD", ECHO)
        assert world.do("FCALL", "echo", count) == Error(message)

    def test_many_arguments_are_passed(self, world: World) -> None:
        world.do("FUNCTION", "LOAD", ECHO)
        reply = world.do("FCALL", "echo", 1000, *range(2500))
        assert reply == [[b"%d" % n for n in range(1000)], [b"%d" % n for n in range(1000, 2500)]]

    def test_a_script_has_no_part_in_the_globals_of_functions(self, world: World) -> None:
        world.do("EVAL", "return 1", 1, "k")
        world.do("FUNCTION", "LOAD", "#!lua name=l\nredis.register_function('f', function() return KEYS end)")
        assert b"nonexistent global variable 'KEYS'" in world.raw("FCALL", "f", 0)


class TestDeleting:
    def test_delete_forgets_the_functions_too(self, world: World) -> None:
        world.do("FUNCTION", "LOAD", ECHO)
        world.do("FUNCTION", "LOAD", COUNTER)
        assert world.raw("FUNCTION", "DELETE", "echo") == b"+OK\r\n"
        assert world.do("FUNCTION", "DELETE", "echo") == Error(b"ERR Library not found")
        assert world.do("FCALL", "echo", 0) == Error(b"ERR Function not found")
        assert names(world) == [b"counter"]
        world.check()

    def test_memory_is_as_before_after_a_flush(self, world: World) -> None:
        world.do("FUNCTION", "LOAD", ECHO)
        world.do("FUNCTION", "FLUSH")
        before = world.used_memory
        for code in (ECHO, COUNTER, READER):
            world.do("FUNCTION", "LOAD", code)
        assert world.used_memory > before + 1000
        world.check()
        world.do("FUNCTION", "FLUSH", "ASYNC")
        assert world.used_memory == before


class TestReports:
    def test_list_shows_functions_and_on_request_the_code(self, world: World) -> None:
        world.do("FUNCTION", "LOAD", READER)
        functions = [[b"name", b"read", b"description", b"Reads.", b"flags", [b"no-writes"]]]
        shown = world.reply("FUNCTION", "LIST", "WITHCODE", "LIBRARYNAME", "READ*")
        assert repr(shown).count("no-writes") == 2  # the flag and the code
        assert world.do("FUNCTION", "LIST", "LIBRARYNAME", "x*") == []
        listed = world.do("FUNCTION", "LIST")
        assert isinstance(listed, list)
        assert listed[0][:4] == [b"library_name", b"reader", b"engine", b"LUA"]
        assert len(listed[0][5]) == len(functions)

    def test_list_shows_flags_once_and_in_the_order_of_redis(self, world: World) -> None:
        flags = "'allow-cross-slot-keys', 'no-cluster', 'allow-stale', 'allow-oom', 'no-writes', 'no-writes'"
        function = f"{{function_name='f', callback=function() return 1 end, flags={{{flags}}}}}"
        world.do("FUNCTION", "LOAD", f"#!lua name=flagged\nredis.register_function{function}")
        shown = repr(world.reply("FUNCTION", "LIST"))
        names = ["no-writes", "allow-oom", "allow-stale", "no-cluster", "allow-cross-slot-keys"]
        assert re.findall("|".join(names), shown) == names

    def test_info_counts_the_memory_of_libraries_as_redis_does(self) -> None:
        """The figures are those of a real server, whose empty tables take 184 bytes; no table is being rehashed."""
        world = World(hash_seed=1)
        for number, (count, expected) in enumerate(((4, 800), (12, 2536), (16, 4880))):
            names_of_functions = [f"f{number}_{place}" for place in range(count)]
            code = "".join([f"redis.register_function('{name}', function() end) " for name in names_of_functions])
            world.do("FUNCTION", "LOAD", f"#!lua name=lib{number}\n{code}")
            assert b"used_memory_functions:%d\r\n" % expected in world.raw("INFO", "memory")

    def test_info_counts_libraries_and_functions(self, world: World) -> None:
        world.do("FUNCTION", "LOAD", READER)
        report = world.raw("INFO", "memory")
        assert b"number_of_functions:1\r\n" in report
        assert b"number_of_libraries:1\r\n" in report

    def test_stats_without_a_running_function(self, world: World) -> None:
        world.do("FUNCTION", "LOAD", READER)
        engines = [b"LUA", [b"libraries_count", 1, b"functions_count", 1]]
        assert world.do("FUNCTION", "STATS") == [b"running_script", None, b"engines", engines]

    def test_writes_are_recorded(self, world: World) -> None:
        stream = CommandStream()
        world.engine.record(stream)
        world.do("FUNCTION", "LOAD", ECHO)
        world.do("FUNCTION", "DELETE", "echo")
        commands = [command[:2] for command in stream.take() if command[0] != b"SELECT"]
        assert commands == [[b"FUNCTION", b"LOAD"], [b"FUNCTION", b"DELETE"]]


class TestSerialized:
    def test_the_payload_is_that_of_a_real_server(self, world: World) -> None:
        world.do("FUNCTION", "LOAD", DUMPED)
        dump = world.do("FUNCTION", "DUMP")
        assert isinstance(dump, bytes)
        assert dump[:-10] == DUMP

    @pytest.mark.parametrize("policy", ["FLUSH", "APPEND", "REPLACE", None])
    def test_a_payload_is_restored(self, world: World, policy: str | None) -> None:
        world.do("FUNCTION", "LOAD", ECHO)
        world.do("FUNCTION", "LOAD", READER)
        dump = world.do("FUNCTION", "DUMP")
        world.do("FUNCTION", "FLUSH")
        world.do("FUNCTION", "LOAD", COUNTER)
        words = [] if policy is None else [policy]
        assert world.raw("FUNCTION", "RESTORE", dump, *words) == b"+OK\r\n"
        assert names(world) == ([b"echo", b"reader"] if policy == "FLUSH" else [b"counter", b"echo", b"reader"])
        world.check()

    def test_append_refuses_a_library_that_is_there(self, world: World) -> None:
        world.do("FUNCTION", "LOAD", COUNTER)
        dump = world.do("FUNCTION", "DUMP")
        world.do("FCALL", "count", 0)
        assert world.do("FUNCTION", "RESTORE", dump) == Error(b"ERR Library counter already exists")
        assert world.do("FCALL", "count", 0) == 2
        assert world.raw("FUNCTION", "RESTORE", dump, "REPLACE") == b"+OK\r\n"
        assert world.do("FCALL", "count", 0) == 1

    def test_a_damaged_payload_changes_nothing(self, world: World) -> None:
        world.do("FUNCTION", "LOAD", ECHO)
        dump = world.do("FUNCTION", "DUMP")
        assert isinstance(dump, bytes)
        for place in range(0, len(dump), 7):
            damaged = dump[:place] + bytes([dump[place] ^ 1]) + dump[place + 1 :]
            message = b"ERR DUMP payload version or checksum are wrong"
            assert world.do("FUNCTION", "RESTORE", damaged, "FLUSH") == Error(message)
        assert names(world) == [b"echo"]
