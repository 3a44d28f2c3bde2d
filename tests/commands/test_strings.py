"""Commands that set and get whole strings."""

from __future__ import annotations

import pytest

from tests.support.keys import Watched, add_foreign, encoding, time_left_ms, used
from tests.support.replies import NOT_AN_INTEGER, OK, SYNTAX_ERROR, WRONG_TYPE, Error
from tests.support.world import World

NOW_MS = 1_700_000_000_000


def bad_expire(command: str) -> Error:
    return Error(f"ERR invalid expire time in '{command}' command".encode())


# GET, MGET, STRLEN


@pytest.mark.parametrize("data", [b"", b"v", b"123", b"x" * 44, b"x" * 45, bytes(range(256)) * 300])
def test_get_gives_back_what_was_set(world: World, data: bytes) -> None:
    assert world.do("SET", "k", data) == OK
    assert world.do("GET", "k") == data
    assert world.do("STRLEN", "k") == len(data)


def test_missing_keys_have_no_value_and_no_length(world: World) -> None:
    assert world.do("GET", "k") is None
    assert world.do("STRLEN", "k") == 0


def test_mget_gives_null_for_missing_keys_and_other_types(world: World) -> None:
    world.do("SET", "a", "1")
    add_foreign(world)
    assert world.do("MGET", "a", "none", "f", "a") == [b"1", None, None, b"1"]


def test_null_is_the_null_of_the_protocol(world: World) -> None:
    world.set_protocol(3)
    assert world.do("GET", "k") is None
    assert world.do("MGET", "k") == [None]
    assert world.do("SET", "k", "v", "XX") is None


@pytest.mark.parametrize(
    "words",
    [
        ("GET", "f"),
        ("STRLEN", "f"),
        ("GETDEL", "f"),
        ("GETEX", "f"),
        ("GETEX", "f", "EX", "0"),
        ("GETSET", "f", "v"),
        ("SET", "f", "v", "GET"),
        ("SET", "f", "v", "GET", "NX"),
        ("APPEND", "f", "v"),
        ("SETRANGE", "f", "0", "v"),
        ("SETRANGE", "f", "0", ""),
        ("GETRANGE", "f", "0", "1"),
        ("SUBSTR", "f", "0", "1"),
        ("INCR", "f"),
        ("DECR", "f"),
        ("INCRBY", "f", "1"),
        ("DECRBY", "f", "1"),
        ("INCRBYFLOAT", "f", "1"),
        ("INCRBYFLOAT", "f", "x"),
    ],
)
def test_another_type_is_refused_and_kept(world: World, words: tuple[str, ...]) -> None:
    value = add_foreign(world)
    before = world.engine.keyspace.changes.since_save()
    assert world.do(*words) == WRONG_TYPE
    assert world.engine.keyspace.databases[0].peek(b"f") is value
    assert world.engine.keyspace.changes.since_save() == before


@pytest.mark.parametrize(
    "words",
    [
        ("SET", "f", "v"),
        ("SET", "f", "v", "XX"),
        ("SETEX", "f", "9", "v"),
        ("PSETEX", "f", "9", "v"),
        ("MSET", "f", "v"),
    ],
)
def test_setting_overwrites_any_type(world: World, words: tuple[str, ...]) -> None:
    add_foreign(world)
    assert world.do(*words) == OK
    assert world.do("GET", "f") == b"v"


# SET and its options


def test_set_nx_sets_only_a_missing_key(world: World) -> None:
    assert world.do("SET", "k", "1", "NX") == OK
    assert world.do("SET", "k", "2", "nx") is None
    assert world.do("GET", "k") == b"1"


def test_set_xx_sets_only_an_existing_key(world: World) -> None:
    assert world.do("SET", "k", "1", "XX") is None
    assert world.do("GET", "k") is None
    world.do("SET", "k", "1")
    assert world.do("SET", "k", "2", "xx") == OK
    assert world.do("GET", "k") == b"2"


def test_set_get_replies_with_the_old_value(world: World) -> None:
    assert world.do("SET", "k", "1", "GET") is None
    assert world.do("SET", "k", "2", "GET") == b"1"
    assert world.do("SET", "k", "3", "NX", "GET") == b"2"
    assert world.do("GET", "k") == b"2"
    assert world.do("SET", "new", "1", "GET", "NX") is None
    assert world.do("GET", "new") == b"1"
    assert world.do("SET", "other", "1", "GET", "XX") is None
    assert world.do("GET", "other") is None


@pytest.mark.parametrize(
    ("options", "left_ms"),
    [
        (("EX", "10"), 10_000),
        (("px", "10"), 10),
        (("EXAT", str(NOW_MS // 1000 + 7)), 7000),
        (("PXAT", str(NOW_MS + 7)), 7),
        (("EX", "5", "EX", "6"), 6000),
        (("NX", "PX", "10", "GET"), 10),
    ],
)
def test_set_accepts_an_expire_time(world: World, options: tuple[str, ...], left_ms: int) -> None:
    world.do("SET", "k", "v", *options)
    assert time_left_ms(world) == left_ms
    world.advance(left_ms + 1)
    assert world.do("GET", "k") is None


def test_set_removes_the_expire_time_unless_keepttl_is_given(world: World) -> None:
    world.do("SET", "k", "v", "EX", "10")
    world.do("SET", "k", "w", "KEEPTTL")
    assert time_left_ms(world) == 10_000
    world.do("SET", "k", "w", "keepttl", "GET")
    assert time_left_ms(world) == 10_000
    world.do("SET", "k", "w")
    assert time_left_ms(world) == -1


def test_a_key_set_with_an_expire_time_in_the_past_expires_at_the_next_access(world: World) -> None:
    assert world.do("SET", "k", "v", "PXAT", "1") == OK
    assert world.do("GET", "k") is None
    assert world.engine.keyspace.expired == 1


@pytest.mark.parametrize(
    "options",
    [
        ("NX", "XX"),
        ("XX", "NX"),
        ("EX",),
        ("EX", "1", "PX", "1"),
        ("KEEPTTL", "EX", "1"),
        ("PXAT", "1", "KEEPTTL"),
        ("PERSIST",),
        ("FOO",),
        ("EX", "x", "FOO"),
        ("NX", "GET", "XX"),
    ],
)
def test_set_refuses_options_that_do_not_go_together(world: World, options: tuple[str, ...]) -> None:
    assert world.do("SET", "k", "v", *options) == SYNTAX_ERROR
    assert world.do("GET", "k") is None


@pytest.mark.parametrize("argument", ["x", "1.5", "", " 1", "9223372036854775808"])
def test_an_expire_time_must_be_an_integer(world: World, argument: str) -> None:
    assert world.do("SET", "k", "v", "EX", argument) == NOT_AN_INTEGER
    assert world.do("SETEX", "k", argument, "v") == NOT_AN_INTEGER
    assert world.do("GET", "k") is None


@pytest.mark.parametrize("argument", ["0", "-1", "9223372036854775", "9223372036854775807", "-9223372036854775808"])
def test_an_expire_time_must_be_positive_and_fit(world: World, argument: str) -> None:
    assert world.do("SET", "k", "v", "EX", argument) == bad_expire("set")
    assert world.do("SETEX", "k", argument, "v") == bad_expire("setex")
    world.do("SET", "k", "v")
    assert world.do("GETEX", "k", "EX", argument) == bad_expire("getex")


@pytest.mark.parametrize("argument", ["0", "-1", "9223372036854775807"])
def test_an_expire_time_in_milliseconds_must_be_positive_and_fit(world: World, argument: str) -> None:
    assert world.do("SET", "k", "v", "PX", argument) == bad_expire("set")
    assert world.do("PSETEX", "k", argument, "v") == bad_expire("psetex")


def test_an_absolute_expire_time_may_be_the_latest_possible_one(world: World) -> None:
    assert world.do("SET", "k", "v", "PXAT", "9223372036854775807") == OK
    assert world.do("SET", "k", "v", "EXAT", "9223372036854775") == OK
    assert world.do("SET", "k", "v", "EXAT", "9223372036854776") == bad_expire("set")


def test_a_refused_set_changes_nothing(world: World) -> None:
    world.do("SET", "k", "v", "EX", "10")
    memory = used(world)
    watched = Watched(world)
    for options in (("EX", "0"), ("NX",), ("EX", "5", "NX"), ("FOO",)):
        assert watched.by("SET", "k", "w", *options) == ([], 0)
    assert time_left_ms(world) == 10_000
    assert used(world) == memory


# SETNX, SETEX, PSETEX, GETSET, MSET, MSETNX


def test_setnx_says_whether_it_set(world: World) -> None:
    assert world.do("SETNX", "k", "1") == 1
    assert world.do("SETNX", "k", "2") == 0
    assert world.do("GET", "k") == b"1"


def test_setex_and_psetex_set_with_an_expire_time(world: World) -> None:
    assert world.do("SETEX", "k", "10", "v") == OK
    assert time_left_ms(world) == 10_000
    assert world.do("PSETEX", "k", "10", "v") == OK
    assert time_left_ms(world) == 10


def test_getset_replies_with_the_old_value_and_removes_the_expire_time(world: World) -> None:
    assert world.do("GETSET", "k", "1") is None
    world.do("SET", "k", "2", "EX", "10")
    assert world.do("GETSET", "k", "3") == b"2"
    assert time_left_ms(world) == -1
    assert world.do("GET", "k") == b"3"


def test_mset_sets_all_keys_and_of_a_key_named_twice_the_last_value_counts(world: World) -> None:
    world.do("SET", "a", "0", "EX", "10")
    assert world.do("MSET", "a", "1", "b", "2", "a", "3") == OK
    assert world.do("MGET", "a", "b") == [b"3", b"2"]
    assert time_left_ms(world, b"a") == -1


def test_msetnx_sets_all_or_nothing(world: World) -> None:
    assert world.do("MSETNX", "a", "1", "b", "2", "a", "3") == 1
    assert world.do("MSETNX", "c", "1", "b", "3") == 0
    assert world.do("MGET", "a", "b", "c") == [b"3", b"2", None]


@pytest.mark.parametrize("command", ["mset", "msetnx"])
def test_keys_without_value_are_refused(world: World, command: str) -> None:
    world.do("SET", "a", "0")
    refusal = Error(f"ERR wrong number of arguments for '{command}' command".encode())
    assert world.do(command, "a", "1", "b") == refusal
    assert world.do("GET", "a") == b"0"


# GETDEL, GETEX


def test_getdel_deletes_the_key_and_frees_its_memory(world: World) -> None:
    for command in (("SET", "k", "v", "EX", "10"), ("GETDEL", "k")):
        world.do(*command)
    empty = used(world)
    world.do("SET", "k", "v" * 100, "EX", "10")
    assert world.do("GETDEL", "k") == b"v" * 100
    assert world.do("GETDEL", "k") is None
    assert used(world) == empty


@pytest.mark.parametrize(
    ("options", "left_ms"),
    [
        ((), 10_000),
        (("EX", "3"), 3000),
        (("PX", "3"), 3),
        (("EXAT", str(NOW_MS // 1000 + 2)), 2000),
        (("PXAT", str(NOW_MS + 2)), 2),
        (("persist",), -1),
    ],
)
def test_getex_changes_the_expire_time(world: World, options: tuple[str, ...], left_ms: int) -> None:
    world.do("SET", "k", "v", "EX", "10")
    assert world.do("GETEX", "k", *options) == b"v"
    assert time_left_ms(world) == left_ms


@pytest.mark.parametrize("option", ["EXAT", "PXAT"])
def test_getex_with_a_time_in_the_past_deletes_the_key(world: World, option: str) -> None:
    world.do("SET", "k", "v")
    watched = Watched(world)
    assert watched.by("GETEX", "k", option, "1") == (["del k"], 1)
    assert world.engine.keyspace.size() == 0


@pytest.mark.parametrize("options", [("KEEPTTL",), ("NX",), ("PERSIST", "EX", "1"), ("EX", "1", "PERSIST"), ("EX",)])
def test_getex_refuses_options_that_do_not_go_together(world: World, options: tuple[str, ...]) -> None:
    assert world.do("GETEX", "k", *options) == SYNTAX_ERROR


def test_getex_of_a_missing_key_does_not_check_the_time(world: World) -> None:
    assert world.do("GETEX", "k", "EX", "0") is None


# Events, transactions, memory


@pytest.mark.parametrize(
    ("before", "words", "events", "dirty"),
    [
        ((), ("SET", "k", "v"), ["set k"], 1),
        ((), ("SET", "k", "v", "EX", "5"), ["set k", "expire k"], 1),
        (("SET", "k", "v"), ("SET", "k", "v", "NX"), [], 0),
        ((), ("SETEX", "k", "5", "v"), ["set k", "expire k"], 1),
        ((), ("PSETEX", "k", "5", "v"), ["set k", "expire k"], 1),
        ((), ("SETNX", "k", "v"), ["set k"], 1),
        (("SET", "k", "v"), ("SETNX", "k", "v"), [], 0),
        ((), ("GETSET", "k", "v"), ["set k"], 1),
        ((), ("MSET", "k", "v", "l", "w"), ["set k", "set l"], 2),
        ((), ("MSETNX", "k", "v", "l", "w"), ["set k", "set l"], 2),
        (("SET", "k", "v"), ("MSETNX", "l", "v", "k", "w"), [], 0),
        (("SET", "k", "v"), ("GETDEL", "k"), ["del k"], 1),
        ((), ("GETDEL", "k"), [], 0),
        (("SET", "k", "v"), ("GETEX", "k"), [], 0),
        (("SET", "k", "v"), ("GETEX", "k", "EX", "5"), ["expire k"], 1),
        (("SET", "k", "v"), ("GETEX", "k", "PERSIST"), [], 0),
        (("SET", "k", "v", "EX", "5"), ("GETEX", "k", "PERSIST"), ["persist k"], 1),
        (("SET", "k", "v"), ("APPEND", "k", "w"), ["append k"], 1),
        (("SET", "k", "v"), ("APPEND", "k", ""), ["append k"], 1),
        ((), ("APPEND", "k", "w"), ["append k"], 1),
        (("SET", "k", "v"), ("SETRANGE", "k", "1", "w"), ["setrange k"], 1),
        (("SET", "k", "v"), ("SETRANGE", "k", "1", ""), [], 0),
        ((), ("INCR", "k"), ["incrby k"], 1),
        ((), ("DECRBY", "k", "0"), ["incrby k"], 1),
        (("SET", "k", "v"), ("INCR", "k"), [], 0),
        ((), ("INCRBYFLOAT", "k", "1"), ["incrbyfloat k"], 1),
    ],
)
def test_events_and_changes(
    world: World, before: tuple[str, ...], words: tuple[str, ...], events: list[str], dirty: int
) -> None:
    if before:
        world.do(*before)
    assert Watched(world).by(*words) == (events, dirty)


@pytest.mark.parametrize(("data", "name"), [("12", "int"), ("99999", "int"), ("v", "embstr"), ("v" * 45, "raw")])
def test_all_ways_of_setting_choose_the_same_encoding(world: World, data: str, name: str) -> None:
    commands = [
        ("SET", "k", data),
        ("SET", "k", data, "EX", "5"),
        ("SETEX", "k", "5", data),
        ("GETSET", "k", data),
        ("MSET", "k", data),
    ]
    for words in commands:
        world.do("SET", "k", "something else")
        world.do(*words)
        assert encoding(world) == name


def test_overwriting_again_and_again_leaks_nothing(world: World) -> None:
    for data in ("v", "12", "x" * 50, "99999", "y" * 50, "z" * 70, ""):
        world.do("SET", "k", data, "EX", "5")
        world.do("SETRANGE", "k", "3", "abc")
        world.do("GETSET", "k", data)
    world.check()
