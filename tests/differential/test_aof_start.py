"""What a server makes of the directory that it finds at its start is what a real server makes of it.

Old single files are taken over, torn ends are cut off at the same offset, and the same directories are refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.differential.aof_servers import JUDGES, MANIFEST, NEW_REDIS, OLD_REDIS, OURS, launched, listing
from tests.support.rdb_files import key, rdb, word
from tests.support.suites import every_nth
from tests.support.wire import Reply, request

pytestmark = pytest.mark.needs_redis

REFUSAL_SECONDS: Final = 20.0
SET: Final = request("SET", "k", "v")
LIST: Final = request("RPUSH", "l", "a", "b")
TRANSACTION: Final = request("MULTI") + SET + LIST + request("EXEC")
TIME: Final = b"#TS:1700000000\r\n"

RDB: Final = rdb(key(0, b"r", word(b"1")), version=10)

OLD: Final = "appendonly.aof"
PARTS: Final = "appendonlydir/"
BASE: Final = PARTS + "appendonly.aof.1.base.aof"
RDB_BASE: Final = PARTS + "appendonly.aof.1.base.rdb"
FIRST: Final = PARTS + "appendonly.aof.1.incr.aof"
SECOND: Final = PARTS + "appendonly.aof.2.incr.aof"

#: How RDB files begin that a server has made itself.
MADE: Final = {b"REDIS", b"VALKE"}

Files = dict[str, bytes]


def manifest(*paths: str, history: tuple[str, ...] = ()) -> Files:
    """The manifest that names these parts."""
    lines = []
    for path in (*paths, *history):
        name = path.removeprefix(PARTS)
        words = name.split(".")
        kind = "h" if path in history else "i" if "incr" in words else "b"
        seq = next((word for word in words if word.isdigit()), "1")
        lines.append(f"file {name} seq {seq} type {kind}\n")
    return {PARTS + MANIFEST: "".join(lines).encode()}


DIRECTORIES: dict[str, Files] = {
    # Single files of versions before 7.0.
    "old file": {OLD: SET + TRANSACTION},
    "old file with a preamble": {OLD: RDB + LIST},
    "old file of a preamble": {OLD: RDB},
    "old empty file": {OLD: b""},
    "old torn file": {OLD: SET + LIST[:-3]},
    "old file with times": {OLD: TIME + SET + TIME + LIST},
    "old damaged file": {OLD: SET + b"hello\r\n"},
    "old file beside parts": {OLD: LIST, **manifest(BASE, FIRST), BASE: SET, FIRST: SET},
    "old file beside an empty manifest": {OLD: LIST, PARTS + MANIFEST: b""},
    "old file beside parts that no manifest names": {OLD: LIST, BASE: SET, FIRST: SET},
    "old file that was not moved yet": {OLD: SET, **manifest(PARTS + OLD)},
    "old file that was moved": {**manifest(PARTS + OLD), PARTS + OLD: SET + LIST},
    "old file that was moved, and has come back": {OLD: LIST, **manifest(PARTS + OLD), PARTS + OLD: SET},
    "old file that is a base of many": {OLD: SET, **manifest(PARTS + OLD, FIRST), FIRST: LIST},
    # Parts.
    "base only": {**manifest(BASE), BASE: SET},
    "increments only": {**manifest(FIRST, SECOND), FIRST: SET, SECOND: LIST},
    "base and increments": {**manifest(RDB_BASE, FIRST, SECOND), RDB_BASE: RDB, FIRST: LIST, SECOND: SET},
    "base of both forms": {**manifest(BASE, FIRST), BASE: RDB + LIST, FIRST: SET},
    "increment of both forms": {**manifest(BASE, FIRST), BASE: SET, FIRST: RDB + LIST},
    "empty files": {**manifest(BASE, FIRST, SECOND), BASE: b"", FIRST: b"", SECOND: b""},
    "empty increments": {**manifest(BASE, FIRST, SECOND), BASE: SET, FIRST: b"", SECOND: b""},
    "history": {**manifest(BASE, SECOND, history=(FIRST,)), BASE: SET, FIRST: LIST, SECOND: LIST},
    "history that is gone": {**manifest(BASE, SECOND, history=(FIRST,)), BASE: SET, SECOND: LIST},
    "history only": {**manifest(history=(FIRST,)), FIRST: LIST},
    "parts without a manifest": {BASE: SET, FIRST: LIST},
    "what a crash leaves": {
        **manifest(BASE, FIRST),
        BASE: SET,
        FIRST: LIST,
        SECOND: SET,
        PARTS + "temp-appendonly.aof.incr": SET,
        PARTS + "temp-appendonly.aof.manifest": b"file",
        "temp-rewriteaof-bg-7.aof": SET,
        "temp-7.rdb": SET,
    },
    "missing base": {**manifest(BASE, FIRST), FIRST: SET},
    "missing increment": {**manifest(BASE, FIRST, SECOND), BASE: SET, SECOND: SET},
    "missing last increment": {**manifest(BASE, FIRST), BASE: SET},
    "an rdb file": {"dump.rdb": RDB},
    # Ends.
    "torn increment": {**manifest(BASE, FIRST), BASE: SET, FIRST: TRANSACTION + SET + LIST[:-1]},
    "torn first command": {**manifest(BASE, FIRST), BASE: SET, FIRST: LIST[:5]},
    "torn transaction": {**manifest(BASE, FIRST), BASE: SET, FIRST: SET + TRANSACTION[:-20]},
    "transaction without its end": {**manifest(BASE, FIRST), BASE: SET, FIRST: LIST + request("MULTI") + SET},
    "transaction over two files": {
        **manifest(BASE, FIRST, SECOND),
        BASE: SET,
        FIRST: request("MULTI") + LIST,
        SECOND: request("EXEC"),
    },
    "torn file before the last": {**manifest(BASE, FIRST, SECOND), BASE: SET, FIRST: LIST[:-1], SECOND: SET},
    "torn file before an empty one": {**manifest(BASE, FIRST, SECOND), BASE: SET, FIRST: LIST[:-1], SECOND: b""},
    "torn base": {**manifest(BASE), BASE: SET + LIST[:-1]},
    "torn base before an empty increment": {**manifest(BASE, FIRST), BASE: SET + LIST[:-1], FIRST: b""},
    "torn preamble": {**manifest(RDB_BASE, FIRST), RDB_BASE: RDB[:-12], FIRST: b""},
    "preamble without its checksum": {**manifest(RDB_BASE, FIRST), RDB_BASE: RDB[:-4], FIRST: b""},
    "torn preamble of a base alone": {**manifest(RDB_BASE), RDB_BASE: RDB[:-12]},
    "torn commands after a preamble": {**manifest(RDB_BASE), RDB_BASE: RDB + SET[:-3]},
    "zeros at the end": {**manifest(BASE, FIRST), BASE: SET, FIRST: LIST + bytes(100)},
    "damaged": {**manifest(BASE, FIRST), BASE: SET, FIRST: LIST + b"$1\r\nx\r\n" + SET},
    "damaged in the middle": {**manifest(BASE, FIRST), BASE: SET, FIRST: LIST + b"*x\r\n" + SET},
    # Commands.
    "unknown command": {**manifest(BASE, FIRST), BASE: SET, FIRST: request("NONE", "k")},
    "too few arguments": {**manifest(BASE, FIRST), BASE: SET, FIRST: request("SET", "k") + SET},
    "command that fails": {**manifest(BASE, FIRST), BASE: LIST, FIRST: request("INCR", "l") + SET},
    "command that fails in a transaction": {
        **manifest(BASE, FIRST),
        BASE: LIST,
        FIRST: request("MULTI") + request("INCR", "l") + SET + request("EXEC"),
    },
    "database that does not exist": {**manifest(BASE, FIRST), BASE: SET, FIRST: request("SELECT", 99) + LIST},
    "database goes on in the next file": {
        **manifest(BASE, FIRST, SECOND),
        BASE: SET,
        FIRST: request("SELECT", 5) + SET,
        SECOND: LIST,
    },
    "transaction in a transaction": {
        **manifest(BASE, FIRST),
        BASE: SET,
        FIRST: request("MULTI") + TRANSACTION + request("EXEC"),
    },
    "end of no transaction": {**manifest(BASE, FIRST), BASE: SET, FIRST: request("EXEC") + LIST},
    "script": {**manifest(BASE, FIRST), BASE: SET, FIRST: request("EVAL", "redis.call('SET', 'a', 1)", 0) + LIST},
    "blocking command": {**manifest(BASE, FIRST), BASE: LIST, FIRST: request("BLPOP", "l", "m", 0) + SET},
}


def started(name: str, directory: Path, files: Files, *options: str) -> tuple[object, ...]:
    """How a server starts: its exit status or its digest, the names and the manifest, and what is left of the files."""
    (directory / "appendonlydir").mkdir(parents=True)
    for path, content in files.items():
        (directory / path).write_bytes(content)
    if not any(path.startswith(PARTS) for path in files):
        (directory / "appendonlydir").rmdir()
    with launched(name, directory, *options) as server:
        result: Reply | int
        try:
            server.wait_until_ready()
            with server.connect() as wire:
                result = wire.do("DEBUG", "DIGEST")
        except RuntimeError:
            result = server.process.wait(REFUSAL_SECONDS)
        paths = sorted(path for path in directory.glob("**/*.aof*") if path.is_file() and path.name != MANIFEST)
        left = {path.name: path.read_bytes() for path in paths}
        return result, listing(directory), {name: data for name, data in left.items() if data[:5] not in MADE}


#: Where real servers do not do what they should, and this one does not do as they: who, and why.
DIFFERENCES: dict[str, tuple[set[str], str]] = {
    "torn transaction": ({OLD_REDIS, NEW_REDIS}, "they leave a MULTI in the file, which swallows what is appended"),
    "torn commands after a preamble": ({OLD_REDIS, NEW_REDIS}, "they delete the whole preamble"),
    "too few arguments": ({OLD_REDIS, NEW_REDIS}, "they run the command; 8.2 crashes"),
    **dict.fromkeys(
        (
            *("transaction over two files", "torn file before the last", "torn file before an empty one"),
            "torn base before an empty increment",
        ),
        ({*JUDGES}, "they cut the file off before they refuse it, and accept it at the next start"),
    ),
}


@pytest.mark.parametrize("name", every_nth(DIRECTORIES))
def test_a_directory_is_loaded_or_refused_as_by_real_servers(tmp_path: Path, name: str) -> None:
    ours = started(OURS, tmp_path / "ours", DIRECTORIES[name])
    differs = {
        judge
        for number, judge in enumerate(JUDGES)
        if started(judge, tmp_path / f"judge{number}", DIRECTORIES[name]) != ours
    }
    assert differs == DIFFERENCES.get(name, (set(), ""))[0]


@pytest.mark.parametrize("name", every_nth([name for name in DIRECTORIES if "torn" in name or "transaction" in name]))
def test_without_aof_load_truncated_the_same_directories_are_refused(tmp_path: Path, name: str) -> None:
    options = ("--aof-load-truncated", "no")
    ours = started(OURS, tmp_path / "ours", DIRECTORIES[name], *options)
    assert ours == started(OLD_REDIS, tmp_path / "judge", DIRECTORIES[name], *options)
