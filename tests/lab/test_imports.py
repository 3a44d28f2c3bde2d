"""Traces from append-only files and from CSV files."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from pyredmem import lab
from pyredmem.lab.errors import ImportFileError
from pyredmem.lab.operations import DELETE, EXPIRE, KEEP_TTL, NO_TTL, READ, WRITE
from pyredmem.lab.trace import Trace
from tests.support.servers import pyredmem_server, redis_server
from tests.support.wire import request


def rows(trace: Trace) -> list[tuple[object, ...]]:
    columns = (trace.operations, trace.sizes, trace.ttls, trace.types)
    names = [trace.names[key] for key in trace.keys]
    return list(zip(names, *(column.tolist() for column in columns), strict=True))


def test_a_file_without_times_is_spread_up_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "appendonly.aof"
    commands = [("SELECT", "2"), ("SET", "a", "12345", "PXAT", "1700000005000"), ("DEL", "a"), ("PEXPIREAT", "b", "1")]
    path.write_bytes(b"".join(request(*command) for command in commands) + b"*2\r\n$3\r\nDE")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    trace = lab.import_aof(str(path), per_second=2)
    assert trace.times.tolist() == [0, 500_000, 1_000_000]
    assert trace.start_us == 1_699_999_999_000_000
    assert rows(trace) == [(b"a", WRITE, 5, 6000, 1), (b"a", DELETE, -1, KEEP_TTL, 0), (b"b", EXPIRE, -1, 0, 0)]
    assert trace.databases.tolist() == [2, 2]


def test_annotations_of_time_are_used(tmp_path: Path) -> None:
    path = tmp_path / "appendonly.aof"
    path.write_bytes(
        b"#TS:1700000000\r\n" + request("SET", "a", "1") + b"#TS:1700000060\r\n" + request("SET", "b", "1")
    )
    trace = lab.import_aof(str(path))
    assert trace.start_us == 1_700_000_000_000_000
    assert trace.seconds == 60


@pytest.mark.needs_redis
@pytest.mark.parametrize("start", [pyredmem_server, redis_server])
def test_the_files_of_a_server_are_read_with_their_base(start: object, tmp_path: Path) -> None:
    assert callable(start)
    with start("--appendonly", "yes") as server:
        with server.connect() as wire:
            wire.do("SET", "old", "v" * 500)
            wire.do("RPUSH", "list", "a", "bb")
            wire.do("SET", "short", "v", "EX", "1000")
            wire.do("BGREWRITEAOF")
            server_ended = False
            while not server_ended:
                info = wire.do("INFO", "persistence")
                server_ended = b"aof_rewrite_in_progress:0" in info.data and b"aof_rewrite_scheduled:0" in info.data
            wire.do("SET", "new", "v" * 7)
        [manifest] = server.directory.glob("appendonlydir/*.manifest")
        trace = lab.import_aof(str(manifest))
    found = {row[0]: row[1:] for row in rows(trace)}
    assert found[b"old"] == (WRITE, 500, NO_TTL, 1)
    assert found[b"list"] == (WRITE, 3, NO_TTL, 2)
    assert found[b"new"] == (WRITE, 7, NO_TTL, 1)
    assert found[b"short"][0] == WRITE
    assert 990_000 < int(str(found[b"short"][2])) <= 1_001_000


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("appendonly.aof", b"nonsense\n", "appendonly.aof"),
        ("appendonly.aof.manifest", b"file a seq x type b\n", "manifest"),
        ("old.aof", b"REDIS0011\xff\xff", "old.aof"),
    ],
)
def test_a_damaged_append_only_file_is_explained(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(ImportFileError, match=message):
        lab.import_aof(str(path))


CSV = """\
0,aaaa,6,0,1,get,0
0,aaaa,6,100,1,set,60
5,bb,2,70,2,gets,0
3,bb,2,9,1,incr,0
9,aaaa,6,0,1,delete,0
"""


@pytest.mark.parametrize("packs", [False, True])
@pytest.mark.parametrize("title", ["", "time,key,key size,value size,client,operation,ttl\n"])
def test_a_csv_file(tmp_path: Path, packs: bool, title: str) -> None:
    path = tmp_path / "trace.csv"
    data = (title + CSV).encode()
    path.write_bytes(gzip.compress(data) if packs else data)
    trace = lab.import_csv(str(path))
    assert rows(trace) == [
        (b"aaaa..", READ, -1, KEEP_TTL, 1),
        (b"aaaa..", WRITE, 100, 60_000, 1),
        (b"bb", WRITE, -1, KEEP_TTL, 1),
        (b"bb", READ, 70, KEEP_TTL, 1),
        (b"aaaa..", DELETE, -1, KEEP_TTL, 1),
    ]
    assert trace.times.tolist() == [0, 0, 3_000_000, 5_000_000, 9_000_000]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0,a,1,1,1,jump,0", "line 2: operation 'jump' is none of get"),
        ("0,a,1", "line 2: 3 columns, where there must be 7"),
        ("0,a,x,1,1,get,0", "line 2: invalid literal"),
    ],
)
def test_a_wrong_line_of_csv_is_explained(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "trace.csv"
    path.write_text("0,a,1,1,1,get,0\n" + line)
    with pytest.raises(ImportFileError, match=message):
        lab.import_csv(str(path))


def test_an_empty_csv_file_is_no_trace(tmp_path: Path) -> None:
    path = tmp_path / "trace.csv"
    path.write_text("")
    with pytest.raises(ImportFileError, match="has no operations"):
        lab.import_csv(str(path))
