"""Append-only files go both ways between this server and real ones: what one writes the other loads alike."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.differential.aof_servers import (
    NEW_REDIS,
    OLD_REDIS,
    OURS,
    VALKEY,
    appending,
    do,
    failed_to_rewrite,
    rewritten,
)
from tests.differential.test_rdb import FAR_MS, SETTINGS, fill, seen
from tests.support.servers import Server
from tests.support.suites import every_nth
from tests.support.wire import OK, Wire

pytestmark = pytest.mark.needs_redis

#: Who writes, who reads, whether a base is an RDB file, and whether fields have expire times.
EXCHANGES = [
    *[(OLD_REDIS, OURS, preamble, False) for preamble in ("yes", "no")],
    *[
        (judge, OURS, preamble, times)
        for judge in (NEW_REDIS, VALKEY)
        for preamble in ("yes", "no")
        for times in (0, 1)
    ],
    (OURS, OLD_REDIS, "no", False),
    (OURS, NEW_REDIS, "yes", False),
    (OURS, NEW_REDIS, "yes", True),
    (OURS, NEW_REDIS, "no", True),
    (OURS, VALKEY, "yes", False),
    (OURS, VALKEY, "no", True),
]


def more(wire: Wire) -> None:
    """Change some of what `fill` has made, so that it remains comparable."""
    do(wire, "SELECT", 3)
    for command in (
        ["SET", "number", 5],
        ["INCRBYFLOAT", "number", "0.1"],
        ["SADD", "members", *range(50)],
        ["SPOP", "members", 10],
        ["SET", "copied", "x", "EX", 100_000],
        ["PEXPIREAT", "copied", FAR_MS],
        ["XADD", "events", "*", "f", "v"],
        ["XGROUP", "CREATE", "events", "g", 0],
        ["XREADGROUP", "GROUP", "g", "c", "COUNT", 1, "STREAMS", "events", ">"],
        ["EVAL", "redis.call('RPUSH', 'l', 1) redis.call('RPUSH', 'l', 2)", 0],
        ["COPY", "l", "l2"],
        ["SMOVE", "members", "others", "none"],
        ["RENAME", "l2", "l3"],
        ["GEOADD", "places", 13.361389, 38.115556, "Palermo"],
    ):
        do(wire, *command)
    do(wire, "SELECT", 9)
    do(wire, "MULTI")
    do(wire, "APPEND", "elsewhere", "2")
    do(wire, "SELECT", 0)
    do(wire, "LPUSH", "list", "z")
    do(wire, "EXEC")
    do(wire, "SWAPDB", 4, 5)


def all_seen(wire: Wire, times: bool, has_other_digest: bool) -> list[object]:
    """What both servers must show alike."""
    shown = seen(wire, times, has_other_digest)
    do(wire, "SELECT", 3)
    shown += [do(wire, "XINFO", "GROUPS", "events"), do(wire, "XPENDING", "events", "g"), do(wire, "GET", "number")]
    shown += [do(wire, "PEXPIRETIME", "copied"), do(wire, "SCARD", "members"), do(wire, "DBSIZE")]
    do(wire, "SELECT", 0)
    return shown


#: How a dataset is written, and the settings meanwhile.
HISTORIES = {"commands": "usual", "rewritten": "tables", "several files": "lfu"}


def write(server: Server, wire: Wire, history: str, times: bool) -> None:
    """Write a dataset, so that it is in an incremental file, in the base, or in several files."""
    fill(wire, HISTORIES[history], times)
    # Commands cannot make pending entries whose entry has been trimmed.
    do(wire, "XACK", "stream with everything", "g", *[f"{number}-1" for number in range(1, 20)])
    if history == "several files":
        rewritten(wire)
        failed_to_rewrite(server, wire)
    more(wire)
    if history == "rewritten":
        rewritten(wire)


@pytest.mark.parametrize(
    ("writer", "reader", "preamble", "times", "history"),
    every_nth([(*exchange, history) for exchange in EXCHANGES for history in HISTORIES]),
)
def test_what_one_server_writes_the_other_loads(
    tmp_path: Path, writer: str, reader: str, preamble: str, times: bool, history: str
) -> None:
    options = [word for name, value in SETTINGS[HISTORIES[history]].items() for word in (f"--{name}", value)]
    options += ["--aof-use-rdb-preamble", preamble, "--aof-timestamp-enabled", "yes" if history == "commands" else "no"]
    has_other_digest = times and VALKEY in {writer, reader}
    with appending(writer, tmp_path / "first", *options) as first, first.connect() as wire:
        write(first, wire, history, times)
        if writer == OLD_REDIS:  # it does not record how many entries a group has read
            do(wire, "DEBUG", "LOADAOF")
        expected = all_seen(wire, times, has_other_digest)
        shutil.copytree(first.directory / "appendonlydir", tmp_path / "second" / "appendonlydir")
    with appending(reader, tmp_path / "second", *options) as second, second.connect() as wire:
        assert all_seen(wire, times, has_other_digest) == expected
        do(wire, "SET", "afterwards", "1")
        rewritten(wire)
        after = all_seen(wire, times, has_other_digest)
        assert do(wire, "DEBUG", "LOADAOF") == OK
        assert all_seen(wire, times, has_other_digest) == after
