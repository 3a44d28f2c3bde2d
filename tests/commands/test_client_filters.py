"""The filters of CLIENT LIST and CLIENT KILL that Valkey has, and CLIENT CAPA and IMPORT-SOURCE."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.support.replies import OK, SYNTAX_ERROR, Error, Reply
from tests.support.world import World

UNKNOWN_FLAGS = b"ERR Unknown flags found in "


@pytest.fixture
def world() -> Iterator[World]:
    """Client 1 calls, 2 subscribes, 3 has names, 4 is in a transaction in database 2."""
    made = World(redis_version="valkey-9.1")
    listener = made.client(address="127.0.0.2:99")
    listener.do("SUBSCRIBE", "channel")
    named = made.client()
    for words in ("SETNAME me", "SETINFO LIB-NAME lib", "SETINFO LIB-VER 1.2", "CAPA redirect"):
        named.do("CLIENT", *words.split())
    busy = made.client()
    busy.do("SELECT", "2")
    busy.do("MULTI")
    yield made
    assert {listener.id, named.id, busy.id} == {2, 3, 4}  # they were there all the time
    made.check()


def ids(world: World, *words: str) -> list[int]:
    """The clients that CLIENT LIST lists."""
    return [int(number) for number in re.findall(rb"^id=(\d+)", world.do("CLIENT", "LIST", *words), re.MULTILINE)]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("ID 3 1", [1, 3]),
        ("ID 3 9 NOT-ID 1", [3]),
        ("ID 3 ID 4", [3, 4]),
        ("ID ID 4", [4]),
        ("ID TYPE normal", []),
        ("NOT-ID TYPE pubsub", [2]),
        ("NOT-ID 1 NOT-ID 3", [2, 4]),
        ("ID 3 NOT-ID", [3]),
        ("NOT-ID 1 2", [3, 4]),
        ("TYPE pubsub", [2]),
        ("NOT-TYPE pubsub", [1, 3, 4]),
        ("TYPE primary", []),
        ("ADDR 127.0.0.2:99", [2]),
        ("NOT-ADDR 127.0.0.2:99", [1, 3, 4]),
        ("LADDR 127.0.0.1:6379", [1, 2, 3, 4]),
        ("NOT-LADDR 127.0.0.1:6379", []),
        ("IP 127.0.0.2", [2]),
        ("NOT-IP 127.0.0.2", [1, 3, 4]),
        ("USER default", [1, 2, 3, 4]),
        ("NOT-USER default", []),
        ("NAME me", [3]),
        ("NOT-NAME me", [1, 2, 4]),
        ("LIB-NAME lib", [3]),
        ("NOT-LIB-NAME lib", [1, 2, 4]),
        ("LIB-VER 1.2", [3]),
        ("NOT-LIB-VER 1.2", [1, 2, 4]),
        ("DB 2", [4]),
        ("NOT-DB 2", [1, 2, 3]),
        ("FLAGS x", [4]),
        ("FLAGS Px", []),
        ("NOT-FLAGS x", [1, 2, 3]),
        ("CAPA r", [3]),
        ("NOT-CAPA r", [1, 2, 4]),
        ("SKIPME yes", [2, 3, 4]),
        ("SKIPME yes SKIPME no", [1, 2, 3, 4]),
        ("name me db 0", [3]),
    ],
)
def test_only_clients_that_pass_all_filters_are_listed(world: World, words: str, found: list[int]) -> None:
    assert ids(world, *words.split()) == found


def test_a_client_without_a_name_has_no_empty_name(world: World) -> None:
    assert ids(world, "NAME", "") == ids(world, "LIB-NAME", "") == ids(world, "LIB-VER", "") == []
    assert ids(world, "FLAGS", "") == ids(world, "CAPA", "") == [1, 2, 3, 4]


def test_age_and_idleness_are_at_least_what_is_asked_for(world: World) -> None:
    world.advance(5000, most_ticks=0)
    late = world.client()
    late.do("PING")
    assert ids(world, "MAXAGE", "5") == [1, 2, 3, 4]
    assert ids(world, "IDLE", "5") == [2, 3, 4]


@pytest.mark.parametrize(
    ("words", "reply"),
    [
        *[(words, SYNTAX_ERROR) for words in ("NAME", "ID", "ID x", "ID 1 x", "ID 1 TYPE", "FOO bar", "NOT-FOO bar")],
        *[(words, SYNTAX_ERROR) for words in ("NOT-IDLE 1", "NOT-MAXAGE 1", "NOT-SKIPME yes", "SKIPME maybe")],
        *[(words, Error(b"ERR client-id should be greater than 0")) for words in ("ID 0", "NOT-ID -1", "ID 1 0")],
        ("IDLE 0", Error(b"ERR idle should be greater than 0")),
        ("IDLE x", Error(b"ERR idle is not an integer or out of range")),
        ("MAXAGE 0", Error(b"ERR maxage should be greater than 0")),
        ("DB 16", Error(b"ERR DB number should be between 0 and 15")),
        ("NOT-DB -1", Error(b"ERR NOT-DB number should be between 0 and 15")),
        ("DB x", Error(b"ERR DB is not an integer or out of range")),
        ("FLAGS bQ", Error(UNKNOWN_FLAGS + b"the provided filter: bQ")),
        ("NOT-FLAGS Q", Error(UNKNOWN_FLAGS + b"the NOT-FLAGS filter: Q")),
        ("CAPA z", Error(b"ERR Unknown capa found in the provided filter: z")),
        ("NOT-TYPE x", Error(b"ERR Unknown client type 'x'")),
        ("NOT-USER bob", Error(b"ERR No such user 'bob'")),
    ],
)
@pytest.mark.parametrize("command", ["LIST", "KILL"])
def test_bad_filters_are_refused(world: World, command: str, words: str, reply: Reply) -> None:
    if len(words.split()) == 1 and command == "KILL":
        words += " x NAME"  # a single word would be an address
    assert world.do("CLIENT", command, *words.split()) == reply


def test_kill_closes_those_who_pass(world: World) -> None:
    assert world.do("CLIENT", "KILL", "NOT-FLAGS", "P", "NOT-ID", "3") == 1
    assert ids(world) == [1, 2, 3]


def test_redis_has_none_of_them() -> None:
    world = World(redis_version="redis-8.2")
    assert world.do("CLIENT", "LIST", "NAME", "me") == SYNTAX_ERROR
    assert world.do("CLIENT", "KILL", "NAME", "me") == SYNTAX_ERROR
    assert world.do("CLIENT", "KILL", "ID", "1", "2") == SYNTAX_ERROR
    assert world.do("CLIENT", "LIST", "TYPE", "primary") == Error(b"ERR Unknown client type 'primary'")


# CAPA and IMPORT-SOURCE


def test_unknown_capabilities_are_ignored(world: World) -> None:
    assert world.do("CLIENT", "CAPA", "foo") == OK
    assert b" capa= " in world.do("CLIENT", "INFO")
    assert world.do("CLIENT", "CAPA", "foo", "REDIRECT") == OK
    assert b" capa=r " in world.do("CLIENT", "INFO")


def test_a_source_of_an_import_needs_import_mode(world: World) -> None:
    refused = Error(b"ERR Server is not in import mode")
    assert [world.do("CLIENT", "IMPORT-SOURCE", word) for word in ("on", "x", "off")] == [refused, refused, OK]
    world.do("CONFIG", "SET", "import-mode", "yes")
    assert [world.do("CLIENT", "IMPORT-SOURCE", word) for word in ("on", "x")] == [OK, SYNTAX_ERROR]
    assert b" flags=I " in world.do("CLIENT", "INFO")
