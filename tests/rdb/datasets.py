"""Datasets with values of all types and encodings, and what the tool writes about them."""

from __future__ import annotations

import io
from typing import Any

from pyredmem.base.files import Files
from pyredmem.host.memory_files import MemoryFiles
from pyredmem.rdb.options import parse
from pyredmem.rdb.tool import process
from tests.differential.test_dump import ALL
from tests.differential.test_rdb import FIELD_TIMES, LIBRARY
from tests.persistence.test_round_trip import LIMITS
from tests.persistence.worlds import SavingWorld
from tests.support.replies import OK
from tests.support.wire import Argument

FAR_MS = 4_102_444_800_000
NAME = "dump.rdb"

#: With these limits values have other encodings.
OTHER_LIMITS: dict[str, dict[str, Any]] = {
    **LIMITS,
    "high": {
        "hash_max_listpack_entries": "1000",
        "hash_max_listpack_value": "1000",
        "set_max_listpack_entries": "1000",
        "set_max_listpack_value": "1000",
        "zset_max_listpack_entries": "1000",
        "zset_max_listpack_value": "1000",
        "list_max_listpack_size": "-5",
    },
}


def filled(**settings: Any) -> SavingWorld:
    """A world with keys of all kinds in two databases, and a library."""
    world = SavingWorld(**settings)
    for name, commands in ALL.items():
        for command in commands:
            do(world, *[name if word == "k" else word for word in command])
    do(world, "SET", b'\xff\xfe\n, "odd" \xc3\xa9', b"\x00\xff")
    do(world, "SET", "a key whose name is longer than any size class of a few bytes would hold", 7)
    do(world, "PEXPIREAT", "word", FAR_MS)
    do(world, "PEXPIREAT", "big hash", FAR_MS + 5)
    do(world, "SELECT", 9)
    for command in FIELD_TIMES:
        do(world, *command)
    do(world, "SELECT", 0)
    do(world, "FUNCTION", "LOAD", LIBRARY)
    return world


def do(world: SavingWorld, *words: Argument) -> object:
    """Run a command, which must succeed."""
    raw = world.reply(*words)
    assert "Error" not in type(raw).__name__, (words, raw)
    return raw


def saved(world: SavingWorld) -> MemoryFiles:
    """The files of a world that has saved."""
    assert world.do("SAVE") == OK
    return world.files


def of_bytes(data: bytes) -> MemoryFiles:
    """Files of which one is an RDB file with these bytes."""
    files = MemoryFiles()
    files.content[NAME] = bytearray(data)
    return files


def run_on(files: Files, *arguments: str) -> tuple[int, bytes]:
    """The exit status and the output of the tool for the file of that name."""
    output = io.BytesIO()
    status = process(parse([*arguments, NAME], "pyredmem"), files.open(NAME), output.write)
    return status, output.getvalue()


def written(files: Files, *arguments: str) -> tuple[int, str]:
    """The same with the output as text."""
    status, output = run_on(files, *arguments)
    return status, output.decode()


def output_of(files: Files, *arguments: str) -> str:
    """The output of the tool, which must succeed."""
    status, text = written(files, *arguments)
    assert status == 0
    return text
