"""What the profile of Redis 8.4 adds: DIGEST, DELEX, MSETEX and the comparisons of SET.

No server of that version judges this: the replies are those that Redis's documentation, its public tests and reports of
its users tell of.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pyredmem.config.profiles import PROFILES
from pyredmem.engine.command_stream import CommandStream
from tests.support.replies import (
    NOT_AN_INTEGER,
    OK,
    SYNTAX_ERROR,
    WRONG_TYPE,
    Error,
    Reply,
    Simple,
    is_error,
    wrong_arity,
)
from tests.support.world import World

HELLO, DIGEST = "hello", "9555e8555c62dcfd"
OTHER_DIGEST = "0" * 16
BAD_DIGEST = Error(b"ERR must be exactly 16 hexadecimal characters")
NOT_A_STRING = Error(b"ERR Key should be of string type if conditions are specified")
BAD_CONDITION = Error(b"ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE")
BAD_COUNT = Error(b"ERR invalid numkeys value")
BAD_PAIRS = Error(b"ERR wrong number of key-value pairs")

#: Conditions, and whether the string `hello` fulfils them.
CONDITIONS = [
    *[("IFEQ", HELLO, True), ("IFEQ", "other", False), ("IFNE", HELLO, False), ("IFNE", "other", True)],
    *[("IFDEQ", DIGEST, True), ("IFDEQ", OTHER_DIGEST, False), ("IFDNE", DIGEST, False), ("IFDNE", OTHER_DIGEST, True)],
    *[("ifdeq", DIGEST.upper(), True), ("IfDne", DIGEST.upper(), False)],
    *[("IFDEQ", "z" * 16, False), ("IFDNE", "z" * 16, True)],  # only the length of a digest is checked
]
WORDS = ("IFEQ", "IFNE", "IFDEQ", "IFDNE")


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    made = World(redis_version="redis-8.4", protocol=request.param)
    made.do("SET", "k", HELLO)
    made.do("RPUSH", "list", "x")
    yield made
    made.check()


def recorded(world: World, *words: str) -> list[str]:
    """What a command records."""
    stream = CommandStream()
    world.engine.record(stream)
    world.do(*words)
    return [b" ".join(command).decode() for command in stream.take()]


def events(world: World, *words: str) -> list[str]:
    """The events of which a command notifies, with their keys."""
    world.do("CONFIG", "SET", "notify-keyspace-events", "EA")
    listener = world.client(protocol=3)
    listener.do("PSUBSCRIBE", "__keyevent@0__:*")
    world.do(*words)
    return [f"{channel.decode().partition(':')[2]} {key.decode()}" for _, _, channel, key in listener.replies()]


# Other versions.


@pytest.mark.parametrize("name", [name for name in PROFILES if name != "redis-8.4"])
def test_other_versions_do_not_have_it(name: str) -> None:
    world = World(redis_version=name)
    for words in ("DELEX k", "DIGEST k", *(["MSETEX 1 k v"] if name != "valkey-9.1" else [])):
        assert is_error(world.do(*words.split()), b"ERR unknown command"), words
    world.do("SET", "k", HELLO)
    for condition, value, _ in CONDITIONS:
        if name != "valkey-9.1" or condition != "IFEQ":
            assert world.do("SET", "k", "new", condition, value) == SYNTAX_ERROR, condition
    assert world.do("GET", "k") == HELLO.encode()


def test_valkey_keeps_its_errors_and_the_order_of_its_events() -> None:
    valkey = World(redis_version="valkey-9.1")
    assert valkey.do("MSETEX", "0", "a", "1") == Error(b"ERR invalid numkeys value or out of range")
    assert valkey.do("MSETEX", "2", "a", "1") == SYNTAX_ERROR
    assert events(valkey, "MSETEX", "1", "a", "1", "EX", "10") == ["set a", "expire a"]


def test_keys_have_the_blocks_of_8_2() -> None:
    worlds = [World(redis_version=name) for name in ("redis-8.2", "redis-8.4")]
    for world in worlds:
        world.do("SET", "key", "value")
    assert worlds[0].do("MEMORY", "USAGE", "key") == worlds[1].do("MEMORY", "USAGE", "key")
    assert worlds[0].used_memory == worlds[1].used_memory


# DIGEST


@pytest.mark.parametrize(
    ("value", "digest"),
    [
        *[("", "2d06800538d394c2"), (HELLO, DIGEST), ("v8", "0cc76dbb41381419")],
        ("123", "404a763b3f4c8c9a"),  # a number has the digest of its text
    ],
)
def test_digest_is_the_hash_of_the_string(world: World, value: str, digest: str) -> None:
    world.do("SET", "k", value)
    assert world.do("DIGEST", "k") == digest.encode()


def test_digest_of_a_number_that_counts_is_that_of_its_text(world: World) -> None:
    world.do("SET", "n", "122")
    world.do("INCR", "n")
    assert world.do("OBJECT", "ENCODING", "n") == b"int"
    assert world.do("DIGEST", "n") == b"404a763b3f4c8c9a"


def test_digest_of_what_is_no_string(world: World) -> None:
    assert world.do("DIGEST", "missing") is None
    assert world.do("DIGEST", "list") == WRONG_TYPE
    assert world.do("DIGEST", "a", "b") == wrong_arity("digest")


def test_digest_counts_as_a_read(world: World) -> None:
    world.do("CONFIG", "RESETSTAT")
    for key in ("k", "missing"):
        world.do("DIGEST", key)
    assert (world.engine.keyspace.hits, world.engine.keyspace.misses) == (1, 1)


# DELEX


@pytest.mark.parametrize(("condition", "value", "is_true"), CONDITIONS)
def test_delex_deletes_a_key_whose_string_fulfils_the_condition(
    world: World, condition: str, value: str, is_true: bool
) -> None:
    assert world.do("DELEX", "k", condition, value) == int(is_true)
    assert world.do("EXISTS", "k") == int(not is_true)


def test_delex_without_a_condition_deletes_a_key_of_any_type(world: World) -> None:
    assert [world.do("DELEX", key) for key in ("k", "list", "missing", "k")] == [1, 1, 0, 0]
    assert world.do("DBSIZE") == 0


@pytest.mark.parametrize("word", [*WORDS, "FOO"])
def test_delex_of_a_missing_key_deletes_nothing_whatever_the_condition(world: World, word: str) -> None:
    assert world.do("DELEX", "missing", word, "x") == 0


@pytest.mark.parametrize("word", [*WORDS, "FOO"])
def test_delex_compares_strings_only(world: World, word: str) -> None:
    assert world.do("DELEX", "list", word, "x") == NOT_A_STRING
    assert world.do("EXISTS", "list") == 1


def test_delex_compares_bytes_and_a_number_by_its_text(world: World) -> None:
    world.do("SET", "n", "123")
    assert world.do("DELEX", "n", "IFEQ", "0123") == 0
    assert world.do("DELEX", "n", "IFNE", "123") == 0
    assert world.do("DELEX", "n", "IFEQ", "123") == 1


@pytest.mark.parametrize("word", ["IFDEQ", "IFDNE"])
@pytest.mark.parametrize("digest", ["", DIGEST[1:], "0" + DIGEST])
def test_a_digest_has_16_digits(world: World, word: str, digest: str) -> None:
    assert world.do("DELEX", "k", word, digest) == BAD_DIGEST
    assert world.do("SET", "k", "new", word, digest) == BAD_DIGEST
    assert world.do("GET", "k") == HELLO.encode()


def test_delex_refuses_other_arguments(world: World) -> None:
    assert world.do("DELEX", "k", "FOO", "x") == BAD_CONDITION
    for words in ("k IFEQ", "k IFEQ hello IFEQ", "missing IFEQ", ""):
        assert world.do("DELEX", *words.split()) == wrong_arity("delex"), words
    assert world.do("EXISTS", "k") == 1


def test_delex_of_an_expired_key_deletes_nothing(world: World) -> None:
    world.do("PEXPIRE", "k", "5")
    world.advance(10, most_ticks=0)
    assert world.do("DELEX", "k", "IFEQ", HELLO) == 0


def test_delex_fails_the_transaction_of_who_watches_only_if_it_deletes(world: World) -> None:
    other = world.client()
    for value, runs in (("other", True), (HELLO, False)):
        other.do("WATCH", "k")
        world.do("DELEX", "k", "IFEQ", value)
        other.do("MULTI")
        other.do("GET", "k")
        assert (other.do("EXEC") == [HELLO.encode()]) == runs


@pytest.mark.parametrize("condition", [(), ("IFEQ", HELLO), ("IFDEQ", DIGEST)])
def test_delex_notifies_and_is_recorded_as_del(world: World, condition: tuple[str, ...]) -> None:
    assert events(world, "DELEX", "k", *condition) == ["del k"]
    world.do("SET", "k", HELLO)
    assert recorded(world, "DELEX", "k", *condition) == ["SELECT 0", "DEL k"]
    assert recorded(world, "DELEX", "k", *condition) == []


# SET


@pytest.mark.parametrize(("condition", "value", "is_true"), CONDITIONS)
def test_set_sets_a_key_whose_string_fulfils_the_comparison(
    world: World, condition: str, value: str, is_true: bool
) -> None:
    assert world.do("SET", "k", "new", condition, value) == (OK if is_true else None)
    assert world.do("GET", "k") == (b"new" if is_true else HELLO.encode())


@pytest.mark.parametrize(("word", "is_set"), [("IFEQ", False), ("IFNE", True), ("IFDEQ", False), ("IFDNE", True)])
def test_set_creates_a_key_if_the_old_value_has_to_be_another_one(world: World, word: str, is_set: bool) -> None:
    assert world.do("SET", "missing", "new", word, "x") == (OK if is_set else None)
    assert world.do("SET", "missing2", "new", word, "x", "GET") is None
    assert world.do("MGET", "missing", "missing2") == [b"new" if is_set else None] * 2


def test_set_with_get_replies_with_the_old_value_in_any_case(world: World) -> None:
    assert world.do("SET", "k", "new", "IFNE", HELLO, "GET") == HELLO.encode()
    assert world.do("SET", "k", "new", "GET", "IFDEQ", DIGEST) == HELLO.encode()
    assert world.do("GET", "k") == b"new"


def test_a_comparison_goes_with_an_expire_time(world: World) -> None:
    assert world.do("SET", "k", "new", "IFNE", "other", "EX", "100") == OK
    assert world.do("TTL", "k") == 100
    assert world.do("SET", "k", "newer", "KEEPTTL", "IFEQ", "new") == OK
    assert world.do("TTL", "k") == 100
    assert world.do("SET", "k", "newest", "IFEQ", "newer") == OK
    assert world.do("TTL", "k") == -1


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("options", [(), ("GET",)])
def test_set_compares_strings_only(world: World, word: str, options: tuple[str, ...]) -> None:
    assert world.do("SET", "list", "new", word, "x", *options) == WRONG_TYPE
    assert world.do("TYPE", "list") == Simple(b"list")


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("other", ["NX", "XX", "IFEQ y", "IFDNE y"])
def test_set_takes_one_condition_with_its_value(world: World, word: str, other: str) -> None:
    assert world.do("SET", "k", "new", word) == SYNTAX_ERROR
    assert world.do("SET", "k", "new", word, "x", *other.split()) == SYNTAX_ERROR
    assert world.do("SET", "k", "new", *other.split(), word, "x") == SYNTAX_ERROR


@pytest.mark.parametrize(
    ("options", "record"),
    [
        ("IFEQ hello", "SET k new"),
        ("IFDNE 0000000000000000 GET", "SET k new"),
        ("KEEPTTL IFNE x", "SET k new KEEPTTL"),
        ("IFEQ hello PXAT 99999999999999", "SET k new PXAT 99999999999999"),
    ],
)
def test_set_is_recorded_without_the_comparison(world: World, options: str, record: str) -> None:
    assert recorded(world, "SET", "k", "new", *options.split()) == ["SELECT 0", record]


def test_set_is_not_recorded_if_the_comparison_is_false(world: World) -> None:
    assert recorded(world, "SET", "k", "new", "IFEQ", "other") == []


# MSETEX


def test_msetex_sets_all_keys_and_their_expire_time(world: World) -> None:
    assert world.do("MSETEX", "2", "a", "1", "b", "2", "EX", "100") == 1
    assert world.do("MGET", "a", "b") == [b"1", b"2"]
    assert [world.do("TTL", key) for key in ("a", "b")] == [100, 100]
    assert world.do("MSETEX", "2", "a", "1", "k", "2", "NX") == 0
    assert world.do("MSETEX", "2", "a", "1", "missing", "2", "XX", "PX", "5") == 0


@pytest.mark.parametrize(
    ("words", "reply"),
    [
        *[(f"{count} a 1", BAD_COUNT) for count in ("0", "-1", "x", "2147483648")],
        *[(words, BAD_PAIRS) for words in ("2 a 1", "2 a 1 b", "2147483647 a 1 EX 10")],
        *[(f"1 a 1 {options}", SYNTAX_ERROR) for options in ("b 2", "NX XX", "EX", "EX 1 PX 1", "KEEPTTL EX 1", "GET")],
        ("1 a 1 EX x", NOT_AN_INTEGER),
        ("1 a 1 EX 0", Error(b"ERR invalid expire time in 'msetex' command")),
        ("1 a", wrong_arity("msetex")),
    ],
)
def test_msetex_refuses_bad_arguments_and_sets_nothing(world: World, words: str, reply: Reply) -> None:
    assert world.do("MSETEX", *words.split()) == reply
    assert world.do("EXISTS", "a") == 0


def test_msetex_notifies_of_the_expire_time_of_a_key_first(world: World) -> None:
    assert events(world, "MSETEX", "2", "a", "1", "b", "2", "EX", "10") == ["expire a", "set a", "expire b", "set b"]
    assert events(world, "MSETEX", "1", "a", "1") == ["set a"]


def test_msetex_is_recorded_with_the_time_itself(world: World) -> None:
    assert recorded(world, "MSETEX", "1", "a", "1", "PXAT", "99999999999999", "NX") == [
        *("SELECT 0", "MSETEX 1 a 1 PXAT 99999999999999"),
    ]


# What the server says of the commands.


@pytest.mark.parametrize(
    ("call", "flags"),
    [
        ("SET k v", "OW update"),
        ("SET k v IFEQ x", "RW update"),
        ("SET k v EX 1 ifdne x", "RW update"),
        ("SET k v IFEQ x GET", "RW access update"),
        ("DELEX k", "RM delete"),
        ("DELEX k IFEQ x", "RW delete"),
        ("DIGEST k", "RO access"),
        ("MSETEX 1 k v NX", "OW update"),
    ],
)
def test_what_a_call_does_with_its_key(world: World, call: str, flags: str) -> None:
    reply = world.do("COMMAND", "GETKEYSANDFLAGS", *call.split())
    [[key, found]] = reply
    assert (key, " ".join(flag.text.decode() for flag in found)) == (b"k", flags)


@pytest.mark.parametrize(
    ("command", "categories"),
    [
        ("delex", {"@write", "@string", "@fast"}),
        ("digest", {"@read", "@string", "@fast"}),
        ("msetex", {"@write", "@string", "@slow"}),
    ],
)
def test_the_commands_are_described_as_in_the_documentation(world: World, command: str, categories: set[str]) -> None:
    [info] = world.do("COMMAND", "INFO", command)
    assert {category.text.decode() for category in info[6]} == categories
    assert world.engine.commands.commands[command.encode()].spec.since == "8.4.0"
