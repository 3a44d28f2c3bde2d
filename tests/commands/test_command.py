"""COMMAND and its subcommands."""

from __future__ import annotations

import contextlib
import select
from contextlib import closing
from random import Random

import pytest

from tests.differential.harness import Pair, step
from tests.differential.rules import in_any_order
from tests.support.replies import SYNTAX_ERROR, Map, Set, Simple
from tests.support.servers import Server
from tests.support.specs import KNOWN_INFO, ask, described_by, described_by_server, items, pairs, value
from tests.support.wire import OK, Wire, request
from tests.support.world import World


def test_every_command_is_described_once(world: World) -> None:
    names = [items(entry)[0] for entry in items(ask(world, "COMMAND"))]
    assert names == [name.decode() for name in world.engine.commands.commands]
    assert ask(world, "COMMAND", "COUNT") == len(names)


def test_info_describes_the_named_commands_and_gives_null_for_unknown_ones(world: World) -> None:
    found = items(ask(world, "COMMAND", "INFO", "GET", "nosuch", "config|get"))
    assert items(found[0])[:6] == ["get", 2, ["readonly", "fast"], 1, 1, 1]
    assert found[1] is None
    assert items(found[2])[0] == "config|get"


def test_info_without_names_is_the_same_as_command(world: World) -> None:
    assert ask(world, "COMMAND", "INFO") == ask(world, "COMMAND")


def test_a_container_describes_its_subcommands(world: World) -> None:
    (config,) = items(ask(world, "COMMAND", "INFO", "config"))
    names = [items(entry)[0] for entry in items(items(config)[9])]
    assert names == ["config|get", "config|help", "config|resetstat", "config|rewrite", "config|set"]


def test_under_resp3_flags_are_sets_and_docs_are_maps(world: World) -> None:
    world.set_protocol(3)
    [get] = world.do("COMMAND", "INFO", "get")
    assert get[2] == Set([Simple(b"readonly"), Simple(b"fast")])
    docs = world.do("COMMAND", "DOCS", "get")
    assert list(docs) == [b"get"]
    assert isinstance(docs, Map)
    assert isinstance(docs[b"get"], Map)
    assert world.do("COMMAND", "INFO", "nosuch") == [None]


def test_docs_leave_out_unknown_commands(world: World) -> None:
    assert world.do("COMMAND", "DOCS", "nosuch") == []
    assert list(pairs(ask(world, "COMMAND", "DOCS", "get", "nosuch"))) == ["get"]


def test_docs_describe_the_arguments(world: World) -> None:
    documented = pairs(pairs(ask(world, "COMMAND", "DOCS", "memory|usage"))["memory|usage"])
    first, second = [pairs(argument) for argument in items(documented["arguments"])]
    assert first == {"name": "key", "type": "key", "display_text": "key", "key_spec_index": 0}
    assert second == {
        "name": "count",
        "type": "integer",
        "display_text": "count",
        "token": "SAMPLES",
        "flags": ["optional"],
    }


def test_docs_say_what_replaces_a_deprecated_command(world: World) -> None:
    documented = pairs(pairs(ask(world, "COMMAND", "DOCS", "getset"))["getset"])
    assert documented["doc_flags"] == ["deprecated"]
    assert documented["deprecated_since"] == "6.2.0"


def test_list_includes_subcommands(world: World) -> None:
    names = items(ask(world, "COMMAND", "LIST"))
    assert {"get", "config", "config|get"} <= set(map(str, names))


@pytest.mark.parametrize(
    ("by", "what", "expected"),
    [
        ("PATTERN", "COMMAND|GETK*", ["command|getkeys", "command|getkeysandflags"]),
        ("module", "any", []),
        ("aclcat", "Transaction", ["discard", "exec", "multi", "unwatch", "watch"]),
        ("ACLCAT", "nosuch", []),
    ],
)
def test_list_filters(world: World, by: str, what: str, expected: list[str]) -> None:
    assert ask(world, "COMMAND", "LIST", "FILTERBY", by, what) == expected


@pytest.mark.parametrize("words", ["FILTERBY", "FILTERBY PATTERN", "FILTERBY x y", "x", "FILTERBY PATTERN x y"])
def test_list_refuses_unknown_filters(world: World, words: str) -> None:
    assert world.do("COMMAND", "LIST", *words.split()) == SYNTAX_ERROR


def test_getkeys(world: World) -> None:
    assert ask(world, "COMMAND", "GETKEYS", "mset", "a", "1", "b", "2") == ["a", "b"]


@pytest.mark.parametrize("subcommand", ["GETKEYS", "GETKEYSANDFLAGS"])
def test_getkeys_of_a_command_without_keys_is_an_error(world: World, subcommand: str) -> None:
    assert (
        ask(world, "COMMAND", subcommand) == f"ERR wrong number of arguments for 'command|{subcommand.lower()}' command"
    )
    assert ask(world, "COMMAND", subcommand, "PING") == "ERR The command has no key arguments"
    assert ask(world, "COMMAND", subcommand, "CONFIG") == "ERR The command has no key arguments"
    assert ask(world, "COMMAND", subcommand, "GET") == "ERR Invalid number of arguments specified for command"


def test_getkeysandflags(world: World) -> None:
    assert ask(world, "COMMAND", "GETKEYSANDFLAGS", "set", "a", "b", "get") == [["a", ["RW", "access", "update"]]]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("nosuch a", "ERR Invalid command specified"),
        ("config nosuch", "ERR Invalid command specified"),
        ("config get a", "ERR The command has no key arguments"),
        ("get a b", "ERR Invalid number of arguments specified for command"),
    ],
)
def test_getkeys_refuses(world: World, call: str, error: str) -> None:
    assert ask(world, "COMMAND", "GETKEYS", *call.split()) == error


def test_an_unknown_subcommand(world: World) -> None:
    assert ask(world, "COMMAND", "NOSUCH") == "ERR unknown subcommand 'NOSUCH'. Try COMMAND HELP."


def test_help_has_the_usual_form(world: World) -> None:
    lines = [str(line) for line in items(ask(world, "COMMAND", "HELP"))]
    assert lines[0] == "COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"
    assert lines[1] == "(no subcommand)"
    assert "GETKEYS <command> [<arg> [<arg> ...]]" in lines
    assert lines[-2:] == ["HELP", "    Prints this help."]


def test_every_container_has_help(world: World) -> None:
    for name, command in world.engine.commands.commands.items():
        if command.is_container and name != b"cluster":  # all of CLUSTER is refused, HELP too
            assert items(ask(world, name.decode(), "HELP"))[-2:] == ["HELP", "    Prints this help."]


@pytest.mark.needs_redis
def test_a_real_server_describes_our_commands_the_same(world: World, real: Server) -> None:
    ours = described_by(world)
    with real.connect() as wire:
        theirs = described_by_server(wire)
    found = [
        f"{name} {field}: redis-server {theirs[name].fields[field]}, pyredmem {described.fields[field]}"
        for name, described in ours.items()
        if name in theirs
        for field in described.differences(theirs[name])
        if (name, field) not in KNOWN_INFO
    ]
    assert not found, "\n".join(found)


#: Commands that the test must not call: they change the server or the connection, or take a while.
UNSUITED = {"bgsave", "client", "debug", "monitor", "pfselftest", "quit", "reset", "save", "shutdown", "waitaof"}
#: Commands that make a redis-server take the client for a replica.
UNSUITED |= {"sync", "psync", "replconf"}
UNPAUSED_SECONDS = 0.5


@pytest.mark.needs_redis
def test_client_pause_write_holds_back_the_same_commands_as_on_a_real_server(
    world: World, real: Server, ours: Server
) -> None:
    """For commands without the flag `write`, since COMMAND does not say whether they may change data or replicas."""
    described = described_by(world)
    calls = [
        [*name.split("|"), *["k"] * (abs(int(str(one.fields["arity"]))) - len(name.split("|")))]
        for name, one in described.items()
        if "write" not in items(one.fields["flags"]) and name.partition("|")[0] not in UNSUITED
    ]
    held = [_paused_together_with_writes(server, calls) for server in (real, ours)]
    assert held[0] == held[1]
    assert "pfcount" in held[1]


def _paused_together_with_writes(server: Server, calls: list[list[str]]) -> set[str]:
    """The commands that get no reply until the pause ends."""
    with contextlib.ExitStack() as stack:
        control = stack.enter_context(server.connect())
        wires = [stack.enter_context(server.connect()) for _ in calls]
        assert control.do("CLIENT", "PAUSE", 60000, "WRITE") == OK
        for wire, call in zip(wires, calls, strict=True):
            wire.send(request(*call))
        answered: set[Wire] = set()
        while found := select.select([wire for wire in wires if wire not in answered], [], [], UNPAUSED_SECONDS)[0]:
            answered.update(found)
        assert control.do("CLIENT", "UNPAUSE") == OK
        return {call[0] for wire, call in zip(wires, calls, strict=True) if wire not in answered}


def test_may_replicate_is_a_flag_that_command_does_not_show(world: World) -> None:
    (pfcount,) = items(ask(world, "COMMAND", "INFO", "pfcount"))
    assert items(pfcount)[2] == ["readonly"]


def test_a_newer_server_describes_the_commands_that_came_after_7_0_the_same(
    world: World, newer: Server, real: Server
) -> None:
    ours = described_by(world)
    with newer.connect() as wire, real.connect() as older:
        theirs = described_by_server(wire)
        old = described_by_server(older)
    found = [
        f"{name} {field}: redis-server {theirs[name].fields[field]}, pyredmem {described.fields[field]}"
        for name, described in ours.items()
        if name in theirs and name not in old
        for field in described.differences(theirs[name])
    ]
    assert not found, "\n".join(found)


OURS_ALONE = {f"memory|{name}" for name in ("arenas", "audit", "eviction-pool", "heap-map", "reset", "slab")}
CALLS_PER_COMMAND = 40
WORDS = [
    *("1", "2", "3", "0", "-1", "k", "l", "m", "", "x", "u8", "GET", "BY", "LIMIT", "COUNT", "LEFT", "overflow"),
    *("STORE", "store", "STOREDIST", "STREAMS", "GROUP", "KEYS", "AUTH", "auth2", "COPY"),
]


def test_where_7_0_describes_a_command_otherwise_a_newer_server_agrees_with_us(world: World, newer: Server) -> None:
    ours = described_by(world)
    with newer.connect() as wire:
        theirs = described_by_server(wire)
    differing = {(name, field) for name, field in KNOWN_INFO if field in ours[name].differences(theirs[name])}
    # The names and groups of arguments are our own.
    assert {(name, field) for name, field in differing if field != "arguments"} == set()


def test_a_newer_server_finds_the_same_keys_whatever_the_arguments_are(world: World, newer: Server) -> None:
    random = Random(1)
    with newer.connect() as wire:
        for name, described in described_by(world).items():
            if name in OURS_ALONE:
                continue
            for _ in range(CALLS_PER_COMMAND if items(described.fields["keys"]) else 1):
                call = [*name.split("|"), *random.choices(WORDS, k=random.randint(0, 8))]
                words = ["COMMAND", random.choice(("GETKEYS", "GETKEYSANDFLAGS")), *call]
                assert ask(world, *words) == value(wire.do(*words)), " ".join(map(repr, words))


CALLS = [
    *("COMMAND GETKEYS get a", "COMMAND GETKEYS ping x", "COMMAND GETKEYS nosuch x"),
    *("COMMAND GETKEYS mset a b c", "COMMAND GETKEYS object encoding a", "COMMAND GETKEYS object x a"),
    *("COMMAND GETKEYSANDFLAGS set a b", "COMMAND GETKEYSANDFLAGS set a b get", "COMMAND GETKEYSANDFLAGS set a get"),
    *("COMMAND GETKEYSANDFLAGS bitfield a get u8", "COMMAND GETKEYSANDFLAGS bitfield a get u8 1"),
    *("COMMAND GETKEYSANDFLAGS copy a b", "COMMAND GETKEYSANDFLAGS rename a b", "COMMAND GETKEYSANDFLAGS getdel a"),
    *("COMMAND GETKEYSANDFLAGS lcs a b", "COMMAND GETKEYSANDFLAGS bitop and a b c", "COMMAND GETKEYS memory usage a"),
    *("COMMAND LIST FILTERBY", "COMMAND LIST FILTERBY x y", "COMMAND LIST x", "COMMAND COUNT x", "COMMAND NOSUCH"),
    *("COMMAND INFO nosuch", "COMMAND DOCS nosuch", "COMMAND LIST FILTERBY MODULE x", "COMMAND GETKEYS config get x"),
]


@pytest.mark.needs_redis
@pytest.mark.parametrize("protocol", [2, 3])
def test_a_real_server_finds_the_same_keys(real: Server, ours: Server, protocol: int) -> None:
    with closing(Pair(real, ours)) as pair:
        for call in CALLS:
            pair.check([step(*call.split(), rule=in_any_order)], protocol)
