"""The directory of an append-only file has the same files and manifest as that of a real server after the same history.

The replies of the commands, and what INFO tells of the file, are compared on the way.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from tests.differential.aof_servers import (
    JUDGES,
    OURS,
    appending,
    do,
    failed_to_rewrite,
    listing,
    settled,
)
from tests.support.servers import Server
from tests.support.suites import every_nth
from tests.support.wire import Argument, Closed, Wire, info

pytestmark = pytest.mark.needs_redis

Steps = list[Sequence[Argument] | Callable[[Server, Wire], object]]

#: What depends on the process, on the time that something has taken, or on what an RDB file says of its server.
UNDETERMINED: Final = {
    "aof_last_cow_size",
    "aof_current_size",
    "aof_base_size",
    "aof_last_rewrite_time_sec",
    "aof_current_rewrite_time_sec",
}


def together(*commands: Sequence[Argument]) -> Callable[[Server, Wire], object]:
    """Commands that are run as a transaction."""

    def run(_: Server, wire: Wire) -> object:
        return wire.pipeline([["MULTI"], *commands, ["EXEC"]])

    return run


REWRITE: Final[list[Sequence[Argument]]] = [["BGREWRITEAOF"]]
OFF: Final[list[Sequence[Argument]]] = [["CONFIG", "SET", "appendonly", "no"]]
ON: Final[list[Sequence[Argument]]] = [["CONFIG", "SET", "appendonly", "yes"]]
STORIES: dict[str, Steps] = {
    "nothing": [],
    "rewrites": [["SET", "a", 1], *REWRITE, *REWRITE, ["SET", "b", 1], *REWRITE],
    "rewrites in both forms": [
        *[["CONFIG", "SET", "aof-use-rdb-preamble", "no"], *REWRITE],
        *[["SET", "a", "1"], ["CONFIG", "SET", "aof-use-rdb-preamble", "yes"], *REWRITE],
    ],
    "rewrites that fail": [failed_to_rewrite, ["SET", "a", 1], failed_to_rewrite, *REWRITE],
    "switched off and on": [["SET", "a", 1], *OFF, ["SET", "a", 2], *ON, ["SET", "a", 3], *OFF, *OFF, *ON, *ON],
    "rewritten while it is off": [["SET", "a", 1], *OFF, *REWRITE, *REWRITE, *ON, *REWRITE],
    "a rewrite that fails while it is off": [*OFF, failed_to_rewrite, *ON],
    "history is kept": [
        *[["CONFIG", "SET", "aof-disable-auto-gc", "yes"], *REWRITE, *REWRITE, *OFF, *ON],
        *[["CONFIG", "SET", "aof-disable-auto-gc", "no"], *REWRITE],
    ],
    "in transactions": [
        together(["BGREWRITEAOF"], ["SET", "a", 1], ["BGSAVE"]),
        *[together(*OFF, *REWRITE, *ON), together(*ON), together(*OFF), together(*OFF, *ON)],
    ],
    "flushed": [["SET", "a", 1], ["FLUSHALL"], *REWRITE, ["FLUSHALL"], ["DEBUG", "LOADAOF"], ["DEBUG", "RELOAD"]],
    "saves": [["SAVE"], ["BGSAVE"], ["BGSAVE", "SCHEDULE"], *OFF, ["BGSAVE"], *ON],
    "other names": [["CONFIG", "SET", "appendfilename", "x"], ["CONFIG", "SET", "appenddirname", "x"]],
}


def look(server: Server, wire: Wire) -> list[object]:
    """What there is to compare when nothing goes on any more."""
    settled(wire)
    fields = {name: value for name, value in info(wire, "persistence").items() if name.startswith("aof_")}
    return [listing(server.directory), {name: "" if name in UNDETERMINED else fields[name] for name in fields}]


def told(name: str, directory: Path, steps: Steps, *options: str) -> list[Any]:
    """What a server replies and leaves after each step, at its end, and after another start."""
    seen: list[Any] = []
    with appending(name, directory, *options) as server, server.connect() as wire:
        seen.append(look(server, wire))
        for step in steps:
            seen.append(step(server, wire) if callable(step) else wire.do(*step))
            seen.append(look(server, wire))
        seen.append(listing(directory))
        content = do(wire, "DEBUG", "DIGEST")
        with contextlib.suppress(Closed):
            wire.do("SHUTDOWN")
    seen.append(listing(directory))
    with appending(name, directory, *options) as server, server.connect() as wire:
        seen += [look(server, wire), listing(directory), do(wire, "DEBUG", "DIGEST") == content]
    return seen


@pytest.mark.parametrize("story", every_nth(STORIES))
def test_files_and_manifest_are_those_of_real_servers(tmp_path: Path, story: str) -> None:
    ours = told(OURS, tmp_path / "ours", STORIES[story])
    for number, judge in enumerate(JUDGES):
        theirs = told(judge, tmp_path / f"judge{number}", STORIES[story])
        for mine, other in zip(ours, theirs, strict=True):
            assert mine == other, judge
