"""RDB files go both ways between this server and real ones: what one saves the other loads, with an equal digest."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator

import pytest

from tests.conftest import Shared
from tests.differential.test_dump import ALL, Commands
from tests.support.servers import Server, newer_redis_command, pyredmem_server, redis_server, running, valkey_command
from tests.support.wire import OK, Argument, Error, Wire

pytestmark = pytest.mark.needs_redis

FAR_MS = 4_102_444_800_000

#: Settings under which values have other encodings, and files another form.
SETTINGS: dict[str, dict[str, str]] = {
    "usual": {},
    "tables": {
        "hash-max-listpack-entries": "0",
        "set-max-intset-entries": "0",
        "zset-max-listpack-entries": "0",
        "list-max-listpack-size": "3",
        "list-compress-depth": "1",
        "stream-node-max-entries": "5",
    },
    "uncompressed": {"rdbcompression": "no"},
    "lru": {"maxmemory-policy": "allkeys-lru"},
    "lfu": {"maxmemory-policy": "volatile-lfu"},
}
FIELD_TIMES: Commands = [
    ["HSET", "small", "f", "v", "g", "w", "h", "x"],
    ["HPEXPIREAT", "small", FAR_MS, "FIELDS", 2, "f", "h"],
    ["HSET", "big", *[word for at in range(600) for word in (f"field {at}", f"value {at}")]],
    ["HPEXPIREAT", "big", FAR_MS + 1, "FIELDS", 1, "field 7"],
    ["HPEXPIREAT", "big", FAR_MS, "FIELDS", 1, "field 8"],
]
LIBRARY = "#!lua name=lib\nredis.register_function('seven', function() return 7 end)"


@contextlib.contextmanager
def server_named(name: str) -> Iterator[Server]:
    """A server of its own: what it is told to save must not disturb other tests."""
    if name == "pyredmem":
        with pyredmem_server("--save", "") as server:
            yield server
    elif name == "redis 7.0":
        with redis_server() as server:
            yield server
    else:
        command = newer_redis_command() if name == "redis 8.2" else valkey_command()
        if command is None:
            pytest.skip(f"{name} is not installed")
        with running("other", command, "--enable-debug-command", "yes") as server:
            yield server


@pytest.fixture(scope="module")
def fresh() -> Iterator[Callable[[str], Server]]:
    """Returns the server of a name, empty and with its first configuration. The tests here share it with no others."""
    with contextlib.ExitStack() as stack:
        started: dict[str, Shared] = {}

        def server(name: str) -> Server:
            if name not in started:
                started[name] = Shared(stack.enter_context(server_named(name)))
            started[name].reset()
            return started[name].server

        yield server


def do(wire: Wire, *words: Argument) -> object:
    reply = wire.do(*words)
    assert not isinstance(reply, Error), (words, reply)
    return reply


def fill(wire: Wire, settings: str, with_field_times: bool) -> None:
    """Make a dataset in two databases, with values of all types."""
    for name, value in SETTINGS[settings].items():
        assert do(wire, "CONFIG", "SET", name, value) == OK
    for name, commands in ALL.items():
        for command in commands:
            do(wire, *[name if word == "k" else word for word in command])
    do(wire, "PEXPIREAT", "word", FAR_MS)
    do(wire, "PEXPIREAT", "big hash", FAR_MS + 5)
    do(wire, "SELECT", 9)
    do(wire, "SET", "elsewhere", "1", "PXAT", FAR_MS + 9)
    if with_field_times:
        for command in FIELD_TIMES:
            do(wire, *command)
    do(wire, "SELECT", 0)
    do(wire, "FUNCTION", "LOAD", LIBRARY)


def seen(wire: Wire, with_field_times: bool, has_other_digest: bool) -> list[object]:
    """What both servers must show alike. The digest of Valkey is another one if there are fields that expire."""
    shown = [
        *[do(wire, "DEBUG", "DIGEST-VALUE", name) for name in ALL],
        None if has_other_digest else do(wire, "DEBUG", "DIGEST"),
        do(wire, "DBSIZE"),
        do(wire, "PEXPIRETIME", "word"),
        do(wire, "PEXPIRETIME", "big hash"),
        do(wire, "XINFO", "GROUPS", "stream with everything"),
        do(wire, "XPENDING", "stream with everything", "g"),
        do(wire, "FCALL", "seven", 0),
        do(wire, "SELECT", 9),
        do(wire, "PEXPIRETIME", "elsewhere"),
    ]
    if with_field_times:
        fields = ["f", "g", "h", *[f"field {at}" for at in range(600)]]
        shown += [do(wire, "HMGET", name, *fields) for name in ("small", "big")]
        shown.append(do(wire, "HPEXPIRETIME", "small", "FIELDS", 3, "f", "g", "h"))
        shown.append(do(wire, "HPEXPIRETIME", "big", "FIELDS", 3, "field 7", "field 8", "field 9"))
    do(wire, "SELECT", 0)
    return shown


PAIRS = [
    ("redis 7.0", "pyredmem", False),
    ("redis 8.2", "pyredmem", False),
    ("redis 8.2", "pyredmem", True),
    ("valkey 9.1", "pyredmem", False),
    ("valkey 9.1", "pyredmem", True),
    ("pyredmem", "redis 8.2", False),
    ("pyredmem", "redis 8.2", True),
    ("pyredmem", "valkey 9.1", False),
]


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize(("writer", "reader", "with_field_times"), PAIRS)
def test_what_one_server_saves_the_other_loads(
    fresh: Callable[[str], Server], writer: str, reader: str, with_field_times: bool, settings: str
) -> None:
    first, second = fresh(writer), fresh(reader)
    with first.connect() as wire:
        fill(wire, settings, with_field_times)
        assert do(wire, "SAVE") == OK
        has_other_digest = with_field_times and writer == "valkey 9.1"
        expected = seen(wire, with_field_times, has_other_digest)
    shutil.copy(first.directory / "dump.rdb", second.directory / "dump.rdb")
    with second.connect() as wire:
        for name, value in SETTINGS[settings].items():
            assert do(wire, "CONFIG", "SET", name, value) == OK
        assert do(wire, "DEBUG", "RELOAD", "NOSAVE") == OK
        assert seen(wire, with_field_times, has_other_digest) == expected


def test_encodings_are_those_that_a_real_server_loads(fresh: Callable[[str], Server]) -> None:
    """Both load one file, which a real server has saved, under lower limits than it was made with."""
    real, ours = fresh("redis 8.2"), fresh("pyredmem")
    with real.connect() as wire:
        fill(wire, "usual", False)
        assert do(wire, "SAVE") == OK
    shutil.copy(real.directory / "dump.rdb", ours.directory / "dump.rdb")
    encodings = []
    for server in (real, ours):
        with server.connect() as wire:
            for name, value in SETTINGS["tables"].items():
                assert do(wire, "CONFIG", "SET", name, value) == OK
            assert do(wire, "DEBUG", "RELOAD", "NOSAVE") == OK
            encodings.append({name: do(wire, "OBJECT", "ENCODING", name) for name in ALL})
    assert encodings[0] == encodings[1]
