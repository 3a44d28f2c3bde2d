"""Reading the commands of a file as redis-check-aof does: where what is whole ends, and what the error is."""

from __future__ import annotations

import pytest

from pyredmem.persistence.aof_reader import CommandBuffer
from pyredmem.rdb.aof_scan import BadAnnotationError, Scan
from tests.support.rdb_files import Content

PING = b"*1\r\n$4\r\nPING\r\n"
MULTI = b"*1\r\n$5\r\nmulti\r\n"
EXEC = b"*2\r\n$4\r\nExec\r\n$0\r\n\r\n"


def scan(data: bytes, until: int = 0, piece: int = 1 << 30) -> Scan:
    """A file that has been read."""
    done = Scan(CommandBuffer(Content(data, piece)), "a", 1, until)
    done.run()
    return done


@pytest.mark.parametrize("piece", [1, 5, 1000])
def test_whole_commands_are_counted_with_their_lines(piece: int) -> None:
    done = scan(PING + b"#\r\n" + MULTI + PING + EXEC + b"*0\r\n* 1\r\n$0\r\n\r\n", piece=piece)
    assert (done.error, done.commands, done.ok_up_to) == ("", 6, 81)
    assert done.lines == 1 + 3 * 3 + 5 + 1 + 3


def test_lines_are_counted_on_from_other_files() -> None:
    done = Scan(CommandBuffer(Content(PING)), "a", 40, 0)
    done.run()
    assert done.lines == 43


@pytest.mark.parametrize(
    ("rest", "error"),
    [
        (b"*1", "0x               e: Expected \\r\\n, got: 0000"),
        (b"*1\n", "0x               e: Expected \\r\\n, got: 0a00"),
        (b"*1x\xff", "0x               e: Expected \\r\\n, got: 78ffffffff"),
        (b"*1\r\n:4", "0x              12: Expected prefix '$', got: ':'"),
        (b"*1\r\n\n", "0x              12: Expected prefix '$', got: '\\n'"),
        (b"*1\r\n\0", "0x              12: Expected prefix '$', got: '"),
        (b"*1\r\n$9\r\nPING\r\n", "0x              16: Expected to read 11 bytes, got 6 bytes"),
        (b"*1\r\n$3\r\nPING\r\n", "0x              16: Expected \\r\\n, got: 470d"),
        (
            b"*1\r\n$-2\r\n",
            "0x              12: Expected to read string of -2 bytes, which is not in the suitable range",
        ),
        (MULTI + MULTI, "0x              25: Unexpected MULTI in AOF a"),
        (EXEC, "0x              16: Unexpected EXEC in AOF a"),
        (MULTI, "0x              16: Reached EOF before reading EXEC for MULTI"),
        (MULTI + b"*1\r\n", "0x              21: Reached EOF before reading EXEC for MULTI"),
        (MULTI + b"#\r\n", "0x              1d: Reached EOF before reading EXEC for MULTI"),
        (b"*1\r\n", ""),
        (MULTI + b"x", ""),
    ],
)
def test_an_error_is_described_with_its_place(rest: bytes, error: str) -> None:
    done = scan(PING + rest)
    assert done.error == error
    assert (done.ok_up_to, done.commands) == (14, 1)


@pytest.mark.parametrize(
    ("rest", "ends_early"),
    [
        (b"*", True),
        (b"*1", True),
        (b"*1\r", True),
        (b"*1\r\n", True),
        (b"*1\r\n$4\r\nPING\r", True),
        (MULTI + PING, True),
        (b"*1\r\n$4\r\nPINGS\r", False),
        (b"*x", True),
        (b"*1\r\nx", False),
        (b"x", False),
    ],
)
def test_a_file_that_ends_early_is_told_from_a_damaged_one(rest: bytes, ends_early: bool) -> None:
    assert scan(PING + rest).ends_early == ends_early


def test_an_unfinished_annotation_is_remembered() -> None:
    assert scan(PING + b"#TS:5\n#TS").torn_annotation == 20
    assert scan(PING + b"#TS:5\n").torn_annotation == -1


def test_it_stops_at_an_annotation_with_a_later_time() -> None:
    data = b"#TS:5\r\n" + PING + b"#TS:7\r\n" + b"x"
    assert scan(data, until=6).later == 21
    assert scan(data, until=7).later == -1
    assert scan(data).later == -1


@pytest.mark.parametrize("annotation", [b"#TS:x\r\n", b"#TS:5\n", b"#TS:5", b"#TS:5 \r\n"])
def test_an_annotation_must_have_a_time_if_times_matter(annotation: bytes) -> None:
    with pytest.raises(BadAnnotationError):
        scan(annotation, until=5)
    assert scan(annotation + PING).error == ""


@pytest.mark.parametrize(("rest", "place"), [(b"", -1), (b"*", -1), (b"*1\r\n$x\r\n", -1), (b"x" * 9 + PING, 26)])
def test_further_commands_are_searched_after_an_error(rest: bytes, place: int) -> None:
    assert scan(PING + b"*x\n" + rest).find_further_commands() == place
