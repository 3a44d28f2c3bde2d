"""What the profile of Valkey says of itself, and its smaller commands and options."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.replies import OK, SYNTAX_ERROR, Error, Map, Simple
from tests.support.world import World

SCRIPT = "return 1"
SHA = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db"


@pytest.fixture
def world() -> Iterator[World]:
    made = World(redis_version="valkey-9.1")
    yield made
    made.check()


# Names


def test_info_has_the_versions_of_both_servers(world: World) -> None:
    lines = world.do("INFO", "server").split(b"\r\n")
    for line in (b"redis_version:7.2.4", b"server_name:valkey", b"valkey_version:9.1.2", b"server_mode:standalone"):
        assert line in lines
    assert not any(line.startswith((b"redis_mode", b"atomicvar_api")) for line in lines)


def test_hello_names_valkey_and_its_module() -> None:
    facts = World(redis_version="valkey-9.1", protocol=3).do("HELLO", "3")
    assert (facts[b"server"], facts[b"version"]) == (b"valkey", b"9.1.2")
    assert facts[b"modules"] == [Map({b"name": b"lua", b"ver": 1, b"path": b"lua", b"args": []})]
    assert b"availability_zone" not in facts


def test_the_zone_is_told_if_there_is_one() -> None:
    world = World(redis_version="valkey-9.1", protocol=3, availability_zone="north")
    assert world.do("HELLO", "3")[b"availability_zone"] == b"north"
    assert b"availability_zone:north\r\n" in world.do("INFO", "server").text


def test_hello_of_redis_does_not_tell_a_zone() -> None:
    facts = World(redis_version="redis-7.2", protocol=3, availability_zone="north").do("HELLO", "3")
    assert (facts[b"server"], b"availability_zone" in facts) == (b"redis", False)


def test_lolwut_names_the_server(world: World) -> None:
    assert world.do("LOLWUT").endswith(b"Valkey ver. 9.1.2\n")


def test_info_tells_of_a_pause(world: World) -> None:
    assert b"paused_actions:none\r\npaused_timeout_milliseconds:0\r\n" in world.do("INFO", "clients")
    world.do("CLIENT", "PAUSE", "500", "WRITE")
    assert b"paused_actions:write\r\npaused_timeout_milliseconds:500\r\n" in world.do("INFO", "clients")


# Scripts


def test_scripts_know_the_server_by_two_names(world: World) -> None:
    script = "return {server == redis, server.VALKEY_VERSION, redis.REDIS_VERSION, redis.REDIS_VERSION_NUM}"
    assert world.do("EVAL", script, "0") == [1, b"9.1.2", b"7.2.4", 0x070204]


def test_libraries_too(world: World) -> None:
    code = "#!lua name=l\nserver.register_function('f', function() return server.call('PING') end)"
    assert world.do("FUNCTION", "LOAD", code) == b"l"
    assert world.do("FCALL", "f", "0") == Simple(b"PONG")


def test_errors_of_scripts_do_not_name_redis(world: World) -> None:
    unknown = world.do("EVAL", "redis.call('foo')", "0")
    assert unknown == Error(b"ERR Unknown command called from script script: on @user_script:1.")
    refused = world.do("EVAL", "redis.call('subscribe', 'c')", "0")
    assert refused == Error(b"ERR This Valkey command is not allowed from script script: on @user_script:1.")


def test_script_show_returns_the_text_of_a_cached_script(world: World) -> None:
    assert world.do("SCRIPT", "SHOW", SHA) == Error(b"NOSCRIPT No matching script.")
    world.do("SCRIPT", "LOAD", SCRIPT)
    assert world.do("SCRIPT", "SHOW", SHA.upper()) == SCRIPT.encode()
    assert world.do("SCRIPT", "SHOW", "abc") == Error(b"NOSCRIPT No matching script.")


# COMMANDLOG


def test_the_slow_log_has_two_names(world: World) -> None:
    world.do("CONFIG", "SET", "commandlog-execution-slower-than", "0")
    world.do("GET", "k")
    assert world.do("CONFIG", "GET", "slowlog-log-slower-than") == [b"slowlog-log-slower-than", b"0"]
    [entry] = world.do("COMMANDLOG", "GET", "1", "slow")
    assert entry[3] == [b"CONFIG", b"GET", b"slowlog-log-slower-than"]
    assert world.do("COMMANDLOG", "LEN", "SLOW") == world.do("SLOWLOG", "LEN") - 1
    world.do("CONFIG", "SET", "slowlog-log-slower-than", "-1")
    assert world.do("COMMANDLOG", "RESET", "slow") == OK
    assert world.do("SLOWLOG", "LEN") == 0


@pytest.mark.parametrize("kind", ["large-request", "LARGE-REPLY"])
def test_the_other_logs_are_empty(world: World, kind: str) -> None:
    world.do("CONFIG", "SET", "slowlog-log-slower-than", "0")
    world.do("PING")
    assert world.do("COMMANDLOG", "GET", "-1", kind) == []
    assert world.do("COMMANDLOG", "LEN", kind) == 0
    world.do("COMMANDLOG", "RESET", kind)
    assert world.do("SLOWLOG", "LEN") > 0


def test_a_bad_count_or_type_is_refused(world: World) -> None:
    bad_count = Error(b"ERR count should be greater than or equal to -1")
    bad_type = Error(b"ERR type should be one of the following: slow, large-request, large-reply")
    assert world.do("COMMANDLOG", "GET", "-2", "slow") == world.do("COMMANDLOG", "GET", "x", "slow") == bad_count
    assert world.do("COMMANDLOG", "GET", "1", "x") == world.do("COMMANDLOG", "LEN", "x") == bad_type


# Commands in MULTI


@pytest.mark.parametrize("words", [["MULTI"], ["WATCH", "k"], ["CLIENT", "REPLY", "OFF"]])
def test_what_may_not_be_sent_in_a_transaction_fails_it(world: World, words: list[str]) -> None:
    world.do("MULTI")
    name = "|".join(words[:2] if words[0] == "CLIENT" else words[:1]).lower()
    assert world.do(*words) == Error(f"ERR Command '{name}' not allowed inside a transaction".encode())
    assert world.do("EXEC").text.startswith(b"EXECABORT")


# Options


def test_bitcount_takes_a_start_alone(world: World) -> None:
    world.do("SET", "k", "foobar")
    assert world.do("BITCOUNT", "k", "1") == world.do("BITCOUNT", "k", "1", "-1") == 22
    assert world.do("BITCOUNT", "k", "1", "x", "y") == SYNTAX_ERROR


@pytest.mark.parametrize("limit", ["128", "0"])
def test_zscan_noscores_leaves_out_the_scores(world: World, limit: str) -> None:
    world.do("CONFIG", "SET", "zset-max-listpack-entries", limit)
    world.do("ZADD", "z", "1", "a", "2", "b")
    cursor, members = world.do("ZSCAN", "z", "0", "NOSCORES")
    assert (cursor, sorted(members)) == (b"0", [b"a", b"b"])
    assert World(redis_version="redis-8.2").do("ZSCAN", "z", "0", "NOSCORES") == [b"0", []]


def test_hsetex_has_conditions_on_the_key(world: World) -> None:
    assert world.do("HSETEX", "h", "XX", "FIELDS", "1", "f", "1") == 0
    assert world.do("HSETEX", "h", "NX", "FIELDS", "1", "f", "1") == 1
    assert world.do("HSETEX", "h", "NX", "FIELDS", "1", "f", "2") == 0
    assert world.do("HSETEX", "h", "XX", "FNX", "FIELDS", "1", "g", "2") == 1
    assert world.do("HGETALL", "h") == [b"f", b"1", b"g", b"2"]
    assert world.do("HSETEX", "h", "NX", "XX", "FIELDS", "1", "f", "2") == SYNTAX_ERROR


@pytest.mark.parametrize("number", ["0x10", "0X1P3"])
def test_scores_are_decimal_numbers(world: World, number: str) -> None:
    not_a_float = Error(b"ERR value is not a valid float")
    assert world.do("ZADD", "z", number, "m") == world.do("ZADD", "z", "1", "a", number, "m") == not_a_float
    assert world.do("ZINCRBY", "z", number, "m") == world.do("GEOADD", "z", number, "1", "m") == not_a_float
    assert world.do("ZUNIONSTORE", "d", "1", "z", "WEIGHTS", number) == Error(b"ERR weight value is not a float")
    assert world.do("EXISTS", "z") == 0


def test_the_member_that_a_search_does_not_find_is_named(world: World) -> None:
    world.do("GEOADD", "g", "1", "1", "m")
    missing = Error(b"ERR member other does not exist")
    assert world.do("GEORADIUSBYMEMBER", "g", "other", "1", "km") == missing
    assert world.do("GEOSEARCH", "g", "FROMMEMBER", "other", "BYRADIUS", "1", "km") == missing


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["ZRANGEBYSCORE", "z", "1", "4", "LIMIT", "-1", "-1"], [b"d"]),
        (["ZRANGEBYSCORE", "z", "2", "4", "LIMIT", "-3", "2"], [b"b", b"c"]),
        (["ZREVRANGEBYSCORE", "z", "4", "2", "LIMIT", "-2", "-1"], [b"c", b"b"]),
        (["ZRANGE", "z", "4", "2", "BYSCORE", "REV", "LIMIT", "-4", "-1"], []),
        (["ZRANGEBYLEX", "lex", "-", "+", "LIMIT", "-2", "-1"], [b"b", b"c"]),
        (["ZREVRANGEBYLEX", "lex", "+", "-", "LIMIT", "-9223372036854775808", "-1"], []),
    ],
)
def test_a_negative_offset_counts_from_the_end_of_a_skiplist(
    world: World, words: list[str], found: list[bytes]
) -> None:
    fill = (["ZADD", "z", "1", "a", "2", "b", "3", "c", "4", "d"], ["ZADD", "lex", "0", "a", "0", "b", "0", "c"])
    redis = World(redis_version="redis-8.2")
    for limit, server, expected in (("128", world, []), ("0", world, found), ("0", redis, [])):
        server.do("FLUSHALL")
        server.do("CONFIG", "SET", "zset-max-listpack-entries", limit)
        for command in fill:
            server.do(*command)
        assert server.do(*words) == expected


@pytest.mark.parametrize(
    "words", [["ZADD", "z", "XX", "1"], ["ZADD", "z", "XX", "INCR", "1"], ["GEOADD", "z", "XX", "1", "1"]]
)
def test_a_long_member_that_is_not_added_makes_a_skiplist(world: World, words: list[str]) -> None:
    for server, encoding in ((world, b"skiplist"), (World(redis_version="redis-8.2"), b"listpack")):
        server.do("ZADD", "z", "1", "a")
        server.do(*words, "x" * 64)
        assert server.do("OBJECT", "ENCODING", "z") == b"listpack"
        server.do(*words, "x" * 65)
        assert (server.do("OBJECT", "ENCODING", "z"), server.do("ZCARD", "z")) == (encoding, 1)


def test_a_long_member_makes_a_skiplist_before_others_are_added(world: World) -> None:
    """A listpack cannot hold the score -0."""
    for server, score in ((world, b"-0"), (World(redis_version="redis-8.2"), b"0")):
        server.do("ZADD", "z", "-0", "a", "1", "x" * 65)
        assert server.do("ZSCORE", "z", "a") == score


def test_scan_refuses_a_type_that_no_value_has(world: World) -> None:
    assert world.do("SCAN", "0", "TYPE", "noSuch", "COUNT", "x") == Error(b"ERR unknown type name 'noSuch'")
    assert world.do("SCAN", "0", "TYPE", "") == Error(b"ERR unknown type name ''")
    for name in ("STRING", "list", "set", "zset", "hash", "stream"):
        assert world.do("SCAN", "0", "TYPE", name) == [b"0", []]
    assert World(redis_version="redis-8.2").do("SCAN", "0", "TYPE", "nosuch") == [b"0", []]


def test_getex_checks_the_expire_time_of_a_missing_key(world: World) -> None:
    refused = Error(b"ERR invalid expire time in 'getex' command")
    not_an_integer = Error(b"ERR value is not an integer or out of range")
    world.do("RPUSH", "l", "a")
    for key in ("missing", "l"):
        assert world.do("GETEX", key, "EX", "0") == refused
        assert world.do("GETEX", key, "PXAT", "x") == not_an_integer
    assert world.do("GETEX", "missing", "EX", "10") is None
    assert World(redis_version="redis-8.2").do("GETEX", "missing", "EX", "0") is None


# Replicas


def test_a_client_may_say_that_it_only_reads(world: World) -> None:
    assert world.do("READONLY") == OK
    assert b" flags=r " in world.do("CLIENT", "INFO")
    assert world.do("READWRITE") == OK
    assert b" flags=N " in world.do("CLIENT", "INFO")


def test_reset_ends_readonly(world: World) -> None:
    world.do("READONLY")
    world.do("RESET")
    assert b" flags=N " in world.do("CLIENT", "INFO")
