"""Traces in files."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from pyredmem.lab.errors import TraceFileError
from pyredmem.lab.operations import DELETE, EXPIRE, READ, WRITE
from pyredmem.lab.trace import Trace, TraceBuilder
from pyredmem.lab.trace_file import BLOCK, TraceWriter, load, save


def small() -> Trace:
    builder = TraceBuilder()
    builder.add(5_000_000, WRITE, b"a", 100, 60_000, 1)
    builder.add(5_000_007, READ, b"b\x00\n")
    builder.add(5_000_007, DELETE, b"a", database=3)
    builder.add(9_000_000, EXPIRE, b"a", ttl_ms=5, kind=4)
    return builder.trace()


def rows(trace: Trace) -> list[tuple[object, ...]]:
    names = [(trace.names[key], int(trace.databases[key])) for key in trace.keys]
    columns = (trace.times, trace.operations, trace.sizes, trace.ttls, trace.types)
    return list(zip(names, *(column.tolist() for column in columns), strict=True))


def test_a_trace_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = str(tmp_path / "trace")
    save(small(), path)
    found = load(path)
    assert rows(found) == rows(small())
    assert rows(found) == [
        ((b"a", 0), 0, WRITE, 100, 60_000, 1),
        ((b"b\x00\n", 0), 7, READ, -1, -2, 0),
        ((b"a", 3), 7, DELETE, -1, -2, 0),
        ((b"a", 0), 4_000_000, EXPIRE, -1, 5, 4),
    ]
    assert found.start_us == 5_000_000
    assert found.key_lengths.tolist() == [1, 3, 1, 1]


def test_keys_are_numbered_as_they_appear_in_many_blocks(tmp_path: Path) -> None:
    count = 2 * BLOCK + 17
    keys = np.random.default_rng(1).integers(0, 5000, count)
    column = np.zeros(count, dtype="<i8")
    names = [b"key:%d" % number for number in range(5000)]
    trace = Trace(np.arange(count) * 3, column, keys, column + 9, column, column, names, np.arange(5000) % 7)
    path = str(tmp_path / "trace")
    save(trace, path)
    found = load(path)
    assert rows(found) == rows(trace)
    firsts = list(dict.fromkeys(found.keys.tolist()))
    assert firsts == list(range(len(firsts)))


def test_operations_can_be_written_bit_by_bit(tmp_path: Path) -> None:
    path = str(tmp_path / "trace")
    with TraceWriter(path) as writer:
        for number in range(10):
            writer.builder.add(100 + number, READ, b"%d" % (number % 3))
            if number % 4 == 0:
                writer.flush()
    found = load(path)
    assert found.times.tolist() == list(range(10))
    assert [found.names[key] for key in found.keys] == [b"%d" % (number % 3) for number in range(10)]


def test_an_empty_trace(tmp_path: Path) -> None:
    path = str(tmp_path / "trace")
    save(TraceBuilder().trace(), path)
    found = load(path)
    assert (len(found), found.names, found.seconds, found.reads) == (0, [], 0.0, 0)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is no trace file"),
        (b"plain text", "is no trace file"),
        (gzip.compress(b"something else, which is long enough"), "its first line is another one"),
        (gzip.compress(b"pyredmem trace 1\n" + bytes(8) + b"\xff" * 12), "is damaged"),
        (gzip.compress(b"pyredmem trace 1\n" + bytes(8)), "was cut off"),
    ],
    ids=["empty", "text", "another line", "damaged", "cut off"],  # compressed data tells when it was made
)
def test_a_file_that_is_no_trace_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "trace"
    path.write_bytes(data)
    with pytest.raises(TraceFileError, match=message):
        load(str(path))


def test_a_trace_that_was_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    save(small(), str(path))
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(TraceFileError):
            load(str(path))


def test_a_key_that_is_not_in_the_file_is_damage(tmp_path: Path) -> None:
    path = str(tmp_path / "trace")
    with TraceWriter(path) as writer:
        columns = TraceBuilder().take_columns() | {"keys": np.array([7])}
        columns |= {name: np.zeros(1) for name in columns if name != "keys"}
        writer.write(columns, [b"a"], np.zeros(1))
    with pytest.raises(TraceFileError, match="is damaged"):
        load(path)
