"""EVAL and its kin, and SCRIPT: the cache, what scripts may do, and what the rest of the server sees of them."""

from __future__ import annotations

from hashlib import sha1

import pytest

from pyredmem.engine.command_stream import CommandStream
from tests.support.hosted import Hosted
from tests.support.replies import Error
from tests.support.world import World

GET = "return redis.call('get', KEYS[1])"
GET_SHA = b"4e6d8fc8bb01276962cce5371fa795a7763657ae"
NO_SCRIPT = Error(b"NOSCRIPT No matching script. Please use EVAL.")


class TestCache:
    def test_eval_caches_the_script(self, world: World) -> None:
        world.do("EVAL", GET, 1, "k")
        assert world.do("SCRIPT", "EXISTS", GET_SHA, "f" * 40, GET_SHA.upper()) == [1, 0, 1]
        assert world.do("EVALSHA", GET_SHA.upper(), 1, "k") is None

    def test_script_load_only_caches_it(self, world: World) -> None:
        sha = world.do("SCRIPT", "LOAD", "return redis.call('incr', 'k')")
        assert world.do("EXISTS", "k") == 0
        assert world.do("EVALSHA", sha, 0) == 1

    @pytest.mark.parametrize("mode", [(), ("SYNC",), ("async",)])
    def test_script_flush_forgets_all(self, world: World, mode: tuple[str, ...]) -> None:
        world.do("SCRIPT", "LOAD", GET)
        assert world.raw("SCRIPT", "FLUSH", *mode) == b"+OK\r\n"
        assert world.do("EVALSHA", GET_SHA, 1, "k") == NO_SCRIPT
        assert world.do("SCRIPT", "EXISTS", GET_SHA) == [0]

    @pytest.mark.parametrize("sha", ["f" * 40, "", "f" * 39, "f" * 41])
    def test_evalsha_of_an_unknown_script_is_an_error(self, world: World, sha: str) -> None:
        assert world.do("EVALSHA", sha, 0) == NO_SCRIPT

    def test_a_script_that_does_not_compile_is_not_cached(self, world: World) -> None:
        message = b"ERR Error compiling script (new function): user_script:1: '=' expected near 'b'"
        assert world.do("EVAL", "a b", 0) == Error(message)
        assert world.do("SCRIPT", "LOAD", "a b") == Error(message)
        assert b"number_of_cached_scripts:0\r\n" in world.raw("INFO", "memory")

    def test_a_script_that_fails_is_cached(self, world: World) -> None:
        world.do("EVAL", "error('x')", 0)
        assert b"number_of_cached_scripts:1\r\n" in world.raw("INFO", "memory")

    def test_scripts_take_memory_in_the_ledger(self, world: World) -> None:
        world.do("SCRIPT", "LOAD", "return 1")
        world.do("SCRIPT", "FLUSH")
        before = world.used_memory
        world.do("SCRIPT", "LOAD", "return 1 -- " + "x" * 1000)
        assert 1000 < world.used_memory - before < 1500
        world.check()
        world.do("SCRIPT", "FLUSH")
        assert world.used_memory == before

    def test_info_counts_the_memory_of_scripts_as_redis_does(self, world: World) -> None:
        """The figures are those of a real server."""
        for script, expected in (
            ("return 1", 136),
            ("return 1 -- " + "x" * 100, 352),
            ("return 1 --" + "y" * 1000, 1464),
        ):
            world.do("SCRIPT", "LOAD", script)
            assert b"used_memory_scripts_eval:%d\r\n" % expected in world.raw("INFO", "memory")
        for number in range(29):  # after that many the table has been rehashed
            world.do("SCRIPT", "LOAD", f"return {number + 100}")
        assert b"used_memory_scripts_eval:4704\r\n" in world.raw("INFO", "memory")

    def test_lua_is_loaded_at_the_first_script(self, world: World) -> None:
        assert b"used_memory_vm_eval:0\r\n" in world.raw("INFO", "memory")
        world.do("EVAL", "return 1", 0)
        assert b"used_memory_vm_eval:0\r\n" not in world.raw("INFO", "memory")
        world.do("SCRIPT", "FLUSH")
        assert b"used_memory_vm_eval:0\r\n" in world.raw("INFO", "memory")

    def test_many_scripts_are_kept(self, world: World) -> None:
        for number in range(600):
            world.do("EVAL", f"return {number}", 0)
        assert b"number_of_cached_scripts:600\r\n" in world.raw("INFO", "memory")
        world.check()


class TestArguments:
    @pytest.mark.parametrize(
        ("count", "message"),
        [
            ("x", b"ERR value is not an integer or out of range"),
            ("2", b"ERR Number of keys can't be greater than number of args"),
            ("-1", b"ERR Number of keys can't be negative"),
        ],
    )
    def test_the_number_of_keys_is_checked(self, world: World, count: str, message: bytes) -> None:
        assert world.do("EVAL", "return 1", count, "k") == Error(message)

    @pytest.mark.parametrize("keys", [0, 1, 2, 239, 240, 241, 3000])
    @pytest.mark.parametrize("arguments", [0, 1, 240, 3000])
    def test_keys_and_arguments_are_tables(self, world: World, keys: int, arguments: int) -> None:
        words = [f"k{number}" for number in range(keys)] + [f"a{number}" for number in range(arguments)]
        script = "return {#KEYS, #ARGV, KEYS[#KEYS] or 'none', ARGV[#ARGV] or 'none', KEYS[1] or '', ARGV[1] or ''}"
        last_key = f"k{keys - 1}" if keys else "none"
        last_argument = f"a{arguments - 1}" if arguments else "none"
        expected = [last_key, last_argument, "k0" if keys else "", "a0" if arguments else ""]
        assert world.do("EVAL", script, keys, *words) == [keys, arguments, *(word.encode() for word in expected)]

    def test_command_getkeys_finds_the_keys(self, world: World) -> None:
        assert world.do("COMMAND", "GETKEYS", "EVAL", "x", 2, "a", "b", "c") == [b"a", b"b"]
        assert world.do("COMMAND", "GETKEYS", "FCALL_RO", "x", 1, "a", "b") == [b"a"]


class TestRules:
    def test_eval_ro_may_not_write(self, world: World) -> None:
        reply = world.raw("EVAL_RO", "return redis.call('set', 'k', 'v')", 0)
        assert reply.startswith(b"-ERR Write commands are not allowed from read-only scripts. script: ")
        assert world.do("EVAL_RO", GET, 1, "k") is None

    def test_a_script_that_declares_no_writes_may_not_write(self, world: World) -> None:
        reply = world.raw("EVAL", "#!lua flags=no-writes\nreturn redis.call('set', 'k', 'v')", 0)
        assert reply.startswith(b"-ERR Write commands are not allowed from read-only scripts.")
        assert reply.endswith(b"on @user_script:2.\r\n")

    def test_out_of_memory_only_the_first_write_is_refused(self, world: World) -> None:
        world.do("SET", "k", "v")
        world.do("CONFIG", "SET", "maxmemory", 1)
        assert world.raw("EVAL", "return redis.call('set', 'k', 'v')", 0).startswith(b"-OOM command not allowed")
        assert world.raw("EVAL", "redis.call('del', 'x') return redis.call('set', 'k', 'v')", 0) == b"+OK\r\n"
        assert world.raw("EVAL", "#!lua\nreturn 1", 0).startswith(b"-OOM command not allowed")
        assert world.raw("EVAL", "#!lua flags=allow-oom\nreturn redis.call('set', 'k', 'v')", 0) == b"+OK\r\n"

    def test_a_command_that_would_block_replies_at_once(self, world: World) -> None:
        assert world.do("EVAL", "return redis.call('blpop', 'k', 0)", 0) is None

    def test_time_stands_still(self, world: World) -> None:
        script = "redis.call('set', 'k', 'v', 'px', 1) local a = redis.call('pttl', 'k') "
        script += "for i = 1, 1e5 do end return {a, redis.call('pttl', 'k'), redis.call('exists', 'k')}"
        assert world.do("EVAL", script, 0) == [1, 1, 1]

    def test_select_counts_for_the_script_only(self, world: World) -> None:
        assert (
            world.do("EVAL", "redis.call('select', 3) redis.call('set', 'k', 'v') return redis.call('dbsize')", 0) == 1
        )
        assert world.do("GET", "k") is None
        assert world.do("EVAL", GET, 1, "k") is None

    def test_setresp_counts_for_the_script_only(self, world: World) -> None:
        assert world.do("EVAL", "redis.setresp(3) return type(redis.call('get', 'k'))", 0) == b"nil"
        assert world.do("EVAL", "return type(redis.call('get', 'k'))", 0) == b"boolean"

    def test_scripts_run_in_transactions(self, world: World) -> None:
        world.do("MULTI")
        world.do("EVAL", "return redis.call('incr', KEYS[1])", 1, "k")
        world.do("EVAL", "return redis.call('nosuch')", 0)
        replies = world.do("EXEC")
        assert isinstance(replies, list)
        assert replies[0] == 1
        assert isinstance(replies[1], Error)

    def test_a_paused_client_waits_with_scripts_that_may_write(self, world: World) -> None:
        other = world.client()
        other.do("CLIENT", "PAUSE", 1000, "WRITE")
        assert world.do("EVAL", "#!lua flags=no-writes\nreturn 1", 0) == 1
        assert world.do("EVAL_RO", "return 1", 0) == 1
        assert world.replies("EVAL", "return 2", 0) == []
        other.do("CLIENT", "UNPAUSE")
        assert world.replies() == [2]


class TestWhatOthersSee:
    def test_monitor_shows_the_script_and_then_its_commands(self, world: World) -> None:
        watcher = world.client()
        watcher.do("MONITOR")
        world.do("EVAL", "return redis.call('get', KEYS[1])", 1, "k")
        lines = watcher.take_output().decode().splitlines()
        assert lines[0].endswith('[0 127.0.0.1:50000] "EVAL" "return redis.call(\'get\', KEYS[1])" "1" "k"')
        assert lines[1].endswith('[0 lua] "get" "k"')
        assert len(lines) == 2

    def test_what_a_script_writes_is_recorded_as_one_transaction(self, world: World) -> None:
        stream = CommandStream()
        world.engine.record(stream)
        world.do("EVAL", "redis.call('set', 'a', 1) redis.call('get', 'a') redis.call('incr', 'a')", 0)
        world.do("EVAL", "return redis.call('set', 'b', 1, 'px', 100)", 0)
        world.do("EVAL", "return redis.call('get', 'b')", 0)
        assert stream.take() == [
            *([b"MULTI"], [b"SELECT", b"0"], [b"set", b"a", b"1"], [b"incr", b"a"], [b"EXEC"]),
            [b"SET", b"b", b"1", b"PXAT", b"%d" % (world.now_ms + 100)],
        ]

    @pytest.mark.parametrize(
        ("targets", "recorded"), [("ALL", True), ("REPLICA", True), ("AOF", False), ("NONE", False)]
    )
    def test_set_repl_says_what_is_recorded(self, world: World, targets: str, recorded: bool) -> None:
        stream = CommandStream()
        world.engine.record(stream)
        world.do("EVAL", f"redis.set_repl(redis.REPL_{targets}) redis.call('set', 'a', 1)", 0)
        assert ([b"set", b"a", b"1"] in stream.take()) is recorded

    def test_keys_that_a_script_reads_are_tracked(self) -> None:
        world = World(protocol=3)
        world.do("CLIENT", "TRACKING", "ON")
        world.do("EVAL_RO", GET, 2, "k", "other")
        writer = world.client()
        writer.do("SET", "other", "v")
        assert world.replies() == []
        writer.do("SET", "k", "v")
        assert len(world.replies()) == 1

    def test_commands_of_scripts_are_counted(self, world: World) -> None:
        world.do("EVAL", "redis.call('get', 'k') redis.pcall('get') return redis.pcall('lpop', 'k', 'x')", 0)
        report = world.raw("INFO", "commandstats").decode()
        assert "cmdstat_get:calls=1," in report
        assert "rejected_calls=1,failed_calls=0" in report.split("cmdstat_get:")[1].splitlines()[0]
        assert "failed_calls=1" in report.split("cmdstat_lpop:")[1].splitlines()[0]
        assert "failed_calls=1" in report.split("cmdstat_eval:")[1].splitlines()[0]
        assert b"errorstat_ERR:count=2\r\n" in world.raw("INFO", "errorstats")


class TestRandomNumbers:
    def test_they_are_those_of_drand48(self, world: World) -> None:
        """The first number is that of a server that has just started."""
        assert world.do("EVAL", "return tostring(math.random())", 0) == b"0.39646477363839"
        assert world.do("EVAL", "math.randomseed(1) return tostring(math.random())", 0) == b"0.041630344484761"
        assert world.do("EVAL", "math.randomseed(2^31) return tostring(math.random())", 0) == b"0.670828036345"
        assert world.do("EVAL", "math.randomseed(-5.9) return tostring(math.random())", 0) == b"0.8168164928522"

    def test_the_sequence_goes_on_from_script_to_script(self, world: World) -> None:
        world.do("EVAL", "math.randomseed(7)", 0)
        apart = [world.do("EVAL", "return math.random(1000000)", 0) for _ in range(3)]
        assert world.do("EVAL", "math.randomseed(7) local r = math.random return {r(1e6), r(1e6), r(1e6)}", 0) == apart


class TestScriptDebug:
    def test_only_no_is_accepted(self, world: World) -> None:
        assert world.raw("SCRIPT", "DEBUG", "no") == b"+OK\r\n"
        assert isinstance(world.do("SCRIPT", "DEBUG", "YES"), Error)
        assert world.do("SCRIPT", "DEBUG", "x") == Error(b"ERR Use SCRIPT DEBUG YES/SYNC/NO")


def test_a_log_line_has_the_level_and_the_words(world: World) -> None:
    assert world.do("EVAL", "return redis.log(redis.LOG_WARNING, 'a', 1, nil, {}, 'b')", 0) is None
    assert isinstance(world.do("EVAL", "redis.log(9, 'a')", 0), Error)


def test_script_kill_without_a_script_is_an_error(world: World) -> None:
    assert world.do("SCRIPT", "KILL") == Error(b"NOTBUSY No scripts in execution right now.")


# Scripts that EVAL brought are not kept for ever since 7.4.


def sha(script: str) -> str:
    return sha1(script.encode(), usedforsecurity=False).hexdigest()


def figures(hosted: Hosted) -> tuple[int, int]:
    """How many scripts are cached, and how many were evicted."""
    return int(hosted.info("memory")["number_of_cached_scripts"]), int(hosted.info("stats")["evicted_scripts"])


def test_since_7_4_the_evaluated_script_that_was_not_used_for_longest_is_evicted() -> None:
    newer = Hosted(redis_version="7.4.1")
    newer.do("SCRIPT", "LOAD", "return 0")
    for number in range(1, 501):
        newer.do("EVAL", f"return {number}", 0)
    assert figures(newer) == (501, 0)
    newer.do("EVAL", "return 501", 0)
    assert figures(newer) == (501, 1)
    newer.do("EVALSHA", sha("return 2"), 0)
    newer.do("EVAL", "return 3", 0)
    newer.do("SCRIPT", "LOAD", "return 4")  # it is there already, which is no use
    for number in range(600, 602):
        newer.do("EVAL", f"return {number}", 0)
    there = newer.do("SCRIPT", "EXISTS", *[sha(f"return {number}") for number in range(8)])
    assert there == [1, 0, 1, 1, 0, 0, 1, 1]
    assert figures(newer) == (501, 3)
    newer.check()
    newer.do("CONFIG", "RESETSTAT")
    assert figures(newer) == (501, 0)
    newer.do("SCRIPT", "FLUSH")
    assert figures(newer) == (0, 0)
    newer.check()


def test_before_7_4_all_scripts_are_kept() -> None:
    older = Hosted(redis_version="7.2.6")
    for number in range(600):
        older.do("EVAL", f"return {number}", 0)
    assert older.info("memory")["number_of_cached_scripts"] == "600"
