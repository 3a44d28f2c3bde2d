"""What a valkey-server 9.1 says of itself and of its commands, beside what the profile of Valkey says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.servers import Server
from tests.support.specs import items, value
from tests.support.wire import Bulk, Error, Wire

#: Commands that only one of the servers has, and why.
ONLY_THERE = dict.fromkeys(("module|load", "module|loadex", "module|unload"), "modules cannot be loaded")
ONLY_HERE = {
    f"memory|{name}": "this server's own view of its memory"
    for name in ("arenas", "audit", "eviction-pool", "heap-map", "reset", "slab")
}
#: Facts of COMMAND INFO that differ: the name of the command, the fact, and why.
DIFFERENT_FACTS = {
    ("cluster|replicate", "arity"): "NO ONE, which makes it longer, is refused with everything else",
    ("script|debug", "arity"): "there is no debugger for which an engine could be named",
    ("cluster|flushslot", "acl"): "a subcommand has the categories of its flags",
    ("hpttl", "tips"): "they are those of Redis",
    ("httl", "tips"): "they are those of Redis",
    **{(name, "keys"): "notes and flags of keys are those of Redis" for name in ("hgetex", "hsetex")},
    **{(f"georadius{end}", "keys"): "a flag of the destination is missing" for end in ("", "bymember")},
}
FACTS = ("arity", "flags", "first", "last", "step", "acl", "tips", "keys")
#: Settings that only this server has, and fields of INFO.
OWN_SETTINGS = {"mem-allocator", "redis-version"}
OWN_FIELDS = {"pyredmem_version", "pyredmem_build", "python_version"}
SECTIONS = ("server", "tls", "clients", "memory", "persistence", "stats", "replication", "cpu", "modules", "keyspace")

pytestmark = pytest.mark.needs_redis


@pytest.fixture
def wires(valkey: Server, our_valkey: Server) -> Iterator[tuple[Wire, Wire]]:
    with valkey.connect() as theirs, our_valkey.connect() as ours:
        yield theirs, ours


def _described(wire: Wire) -> dict[str, dict[str, Any]]:
    """The facts of COMMAND INFO about each command and subcommand."""
    found: dict[str, dict[str, Any]] = {}
    waiting = items(value(wire.do("COMMAND")))
    while waiting:
        name, *facts, subcommands = items(waiting.pop())
        found[str(name)] = dict(zip(FACTS, facts, strict=True))
        for fact in ("flags", "acl"):
            found[str(name)][fact] = sorted(map(str, items(found[str(name)][fact])))
        waiting += items(subcommands)
    return found


def test_the_commands_are_those_of_valkey(wires: tuple[Wire, Wire]) -> None:
    theirs, ours = map(_described, wires)
    assert set(theirs) - set(ours) == set(ONLY_THERE)
    assert set(ours) - set(theirs) == set(ONLY_HERE)


def test_commands_are_described_as_in_valkey(wires: tuple[Wire, Wire]) -> None:
    theirs, ours = map(_described, wires)
    different = {
        (name, fact) for name in set(theirs) & set(ours) for fact in FACTS if theirs[name][fact] != ours[name][fact]
    }
    assert different == set(DIFFERENT_FACTS)


def _documented(wire: Wire) -> dict[str, tuple[Any, Any]]:
    """Since when each command exists, and since when it is deprecated."""
    found: dict[str, tuple[Any, Any]] = {}
    waiting = items(value(wire.do("COMMAND", "DOCS")))
    while waiting:
        facts, name = items(waiting.pop()), str(waiting.pop())
        by_name = dict(zip(map(str, facts[::2]), facts[1::2], strict=True))
        found[name] = (by_name["since"], by_name.get("deprecated_since"))
        waiting += items(by_name.get("subcommands", []))
    return found


def test_commands_exist_and_are_deprecated_since_the_same_versions(wires: tuple[Wire, Wire]) -> None:
    theirs, ours = map(_documented, wires)
    common = set(theirs) & set(ours)
    assert {name: ours[name] for name in common} == {name: theirs[name] for name in common}


def _settings(wire: Wire) -> dict[str, str]:
    words = [str(word) for word in items(value(wire.do("CONFIG", "GET", "*")))]
    return dict(zip(words[::2], words[1::2], strict=True))


def test_settings_and_their_defaults_are_those_of_valkey(wires: tuple[Wire, Wire]) -> None:
    theirs, ours = map(_settings, wires)
    assert set(ours) == set(theirs) | OWN_SETTINGS
    assert {name for name in theirs if theirs[name] != ours[name]} <= {"dir", "port"}


@pytest.mark.parametrize("section", SECTIONS)
def test_info_has_the_fields_of_valkey(wires: tuple[Wire, Wire], section: str) -> None:
    names = []
    for wire in wires:
        wire.do("HSETEX", "h", "EX", "100", "FIELDS", "1", "f", "v")
        reply = wire.do("INFO", section)
        assert isinstance(reply, Bulk)
        lines = reply.data.decode().split("\r\n")
        names.append([line.partition(":")[0] for line in lines if not line.startswith("listener")])
    theirs, ours = names
    assert sorted(set(ours) - OWN_FIELDS) == sorted(theirs)


def test_info_all_has_the_sections_of_valkey(wires: tuple[Wire, Wire]) -> None:
    titles = []
    for wire in wires:
        reply = wire.do("INFO", "all")
        assert isinstance(reply, Bulk)
        titles.append([line for line in reply.data.decode().split("\r\n") if line.startswith("#")])
    theirs, ours = titles
    assert [title for title in ours if title != "# Process"] == theirs


def test_a_client_is_described_as_in_valkey(wires: tuple[Wire, Wire]) -> None:
    names = []
    for wire in wires:
        reply = wire.do("CLIENT", "INFO")
        assert isinstance(reply, Bulk)
        names.append([word.partition("=")[0] for word in reply.data.decode().split()])
    assert names[0] == names[1]


def test_memory_stats_have_the_fields_of_valkey(wires: tuple[Wire, Wire]) -> None:
    names = []
    for wire in wires:
        for database in ("1", "0"):
            wire.do("SELECT", database)
            wire.do("SET", "k", "v")
        wire.do("FLUSHALL", "ASYNC")  # a database that was used is still there afterwards
        names.append([str(name) for name in items(value(wire.do("MEMORY", "STATS")))[::2]])
    assert names[0] == names[1]


BAD_CALLS = (
    *("CLIENT LIST FLAGS Q", "CLIENT LIST NOT-FLAGS Q", "CLIENT LIST ID x", "CLIENT LIST ID 0", "CLIENT LIST ID 7 x"),
    *("CLIENT LIST DB 16", "CLIENT LIST NOT-DB x", "CLIENT LIST IDLE 0", "CLIENT LIST MAXAGE x", "CLIENT LIST CAPA z"),
    *("CLIENT KILL FOO bar", "CLIENT KILL NOT-TYPE x", "CLIENT KILL USER nobody", "CLIENT KILL NOT-IDLE 1"),
    *("CLIENT CAPA", "CLIENT IMPORT-SOURCE x", "COMMANDLOG GET x slow", "COMMANDLOG GET 1 x", "COMMANDLOG LEN"),
    *("SCRIPT SHOW x", "SCRIPT SHOW", "EVALSHA x 0", "CLUSTERSCAN 0", "CLUSTER MIGRATESLOTS", "CLUSTER FLUSHSLOT 1"),
    *("MSETEX 0 a 1", "MSETEX 2 a 1", "MSETEX 1 a 1 NX XX", "MSETEX 1 a 1 EX 0", "MSETEX 1 a 1 GET", "MSETEX 1 a"),
    *("SET k v IFEQ", "SET k v IFEQ a NX", "SET k v XX IFEQ a", "DELIFEQ k", "XDELEX k", "VADD k", "HSETEX k NX XX"),
    *("ZSCAN z 0 NOSCORES x", "BITCOUNT k 0 1 x", "XADD k KEEPREF * a b", "BITOP DIFF a b c", "SUBSCRIBE"),
    *("EVAL return(redis.call()) 0", "EVAL return(redis.call('foo')) 0", "EVAL return(redis.call('get')) 0"),
    *("EVAL return(server.call({})) 0", "EVAL return(redis.call('subscribe','a')) 0", "EVAL x=1 0", "EVAL ) 0"),
)


@pytest.mark.parametrize("call", BAD_CALLS)
def test_bad_calls_are_refused_in_the_words_of_valkey(wires: tuple[Wire, Wire], call: str) -> None:
    theirs, ours = (wire.do(*call.split()) for wire in wires)
    assert theirs == ours
    assert isinstance(theirs, Error) or call.startswith("ZSCAN")
