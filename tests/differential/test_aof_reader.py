"""A real server and our reader agree on which append-only files are whole, are truncated, or have a wrong format."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

import pytest

from pyredmem.persistence.aof_reader import AofFormatError, AofReader, AofTruncated
from tests.differential.test_check_rdb import LIMITED
from tests.support.rdb_files import Content
from tests.support.servers import LEASH, redis_server_command

pytestmark = pytest.mark.needs_redis

WHOLE = "whole"
TRUNCATED = "truncated"
DAMAGED = "damaged"
#: What a server says when it has read the file.
VERDICTS = {
    b"ready to accept connections": WHOLE,
    b"Unexpected end of file": TRUNCATED,
    b"Bad file format": DAMAGED,
    b"Unrecoverable error": DAMAGED,
    b"Unknown command": WHOLE,  # it could be read
}
SET = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n"
FILES = {
    "annotation": SET + b"#TS:1\r\n",
    "annotation only": b"#\n",
    "long annotation": b"#" * 1028 + b"\n" + SET,
    "annotation as long as a piece": b"#" * 1022 + b"\n" + SET,
    "rest of a long annotation": b"#" * 1023 + b"x\n" + SET,
    "inline command": b"SET k v\r\n",
    "line break": SET + b"\r\n",
    "nul": SET + b"\0",
    "no arguments": SET + b"*0\r\n",
    "fewer than no arguments": SET + b"*-1\r\n",
    "no number": SET + b"*\r\n",
    "wrong number": SET + b"*x\r\n",
    "star and nul": SET + b"*\0\r\n",
    "many arguments": SET + b"*1000000\r\n$3\r\nSET\r\n",
    "blanks": b"* \t3\r\n$ 3\r\nSET\r\n$+1\r\nk\r\n$01\r\nv\r\n",
    "text after numbers": b"*3x\r\n$3 bytes\r\nSET\r\n$1,\r\nk\r\n$1\r\nv\r\n",
    "only line feeds": b"*3\n$3\nSET\r\n$1\nk\r\n$1\nv\r\n",
    "anything after strings": b"*3\r\n$3\r\nSETxx$1\r\nk\n\n$1\r\nv!!" + SET,
    "length without a number": b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$\r\n\r\n" + SET,
    "wrong prefix of an argument": b"*3\r\n$3\r\nSET\r\n:1\r\nk\r\n",
    "argument without a prefix": b"*3\r\n$3\r\nSET\r\nk\r\n",
    "length too large by one": b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\nv\r\n" + SET,
    "length too small by one": b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nvv\r\n" + SET,
    "length larger than the file": b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000000\r\nv\r\n" + SET,
    "argument too many": b"*4\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n" + SET,
    "argument too few": b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n$1\r\nv\r\n",
    **{f"cut off after {size}": (SET + SET)[:size] for size in range(len(SET), 2 * len(SET))},
}


def their_verdict(directory: Path, data: bytes) -> str:
    """What a server does with a file: it ends unless the file is whole."""
    parts = directory / "appendonlydir"
    parts.mkdir()
    (parts / "appendonly.aof.manifest").write_bytes(b"file a seq 1 type i\n")
    (parts / "a").write_bytes(data)
    options = ["--appendonly", "yes", "--aof-load-truncated", "no", "--dir", str(directory)]
    options += ["--port", "0", "--unixsocket", str(directory / "socket")]
    log = b""
    with subprocess.Popen([*LEASH, *LIMITED, *redis_server_command(), *options], stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        for line in server.stdout:
            log += line
            for words, verdict in VERDICTS.items():
                if words in line:
                    server.kill()
                    return verdict
    raise AssertionError(log)


def our_verdict(data: bytes) -> str:
    reader = AofReader(Content(data))
    with contextlib.suppress(AofFormatError):
        try:
            while reader.next() is not None:
                pass
        except AofTruncated:
            return TRUNCATED
        return WHOLE
    return DAMAGED


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", FILES)
def test_a_file_is_judged_alike(tmp_path: Path, name: str) -> None:
    assert our_verdict(FILES[name]) == their_verdict(tmp_path, FILES[name])


def test_an_annotation_that_is_not_whole_is_truncated_for_us_only(tmp_path: Path) -> None:
    """A real server then appends a command to that line, and cannot load the file when it starts again."""
    data = SET + b"#TS:17"
    assert their_verdict(tmp_path, data) == WHOLE
    assert our_verdict(data) == TRUNCATED
    (tmp_path / "again").mkdir()
    assert their_verdict(tmp_path / "again", data + SET) == DAMAGED
