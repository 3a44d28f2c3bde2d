"""The report on an RDB file: the lines of redis-check-rdb, the exit status, and what is advised."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from pyredmem.base.files import Files, ReadableFile
from pyredmem.host.files import SystemFiles
from pyredmem.host.memory_files import MemoryFiles
from pyredmem.objects import rdb_types
from pyredmem.objects.rdb_loader import is_known_type
from pyredmem.rdb.check import FAILED, OK, TYPE_NAMES, USAGE, check, run
from pyredmem.rdb.text import readable
from tests.server.processes import run as run_program
from tests.support.rdb_files import key, rdb, word

NOW_MS = 1_700_000_000_000
A = key(rdb_types.STRING, b"a", word(b"1"))
WORDS = key(rdb_types.LIST, b"words", b"\x02" + word(b"x") + word(b"y"))
TIMED = key(rdb_types.HASH_METADATA, b"h", (NOW_MS).to_bytes(8, "little") + b"\x01\x01" + word(b"f") + word(b"v"))
NO_COUNTS = ["[info] 0 keys read", "[info] 0 expires", "[info] 0 already expired", "[info] 0 subexpires"]


def expiring(when_ms: int) -> bytes:
    return b"\xfc" + when_ms.to_bytes(8, "little")


def report(data: bytes, path: str = "dump.rdb") -> tuple[int, list[str]]:
    """The exit status and the lines for a file with these bytes."""
    files = MemoryFiles()
    files.content[path] = bytearray(data)
    lines: list[str] = []
    return check(path, files, NOW_MS, lines.append), lines


def advice(lines: Iterable[str]) -> list[str]:
    return [line.removeprefix("[advice] ") for line in lines if line.startswith("[advice] ")]


# Valid files.


def test_a_valid_file_is_reported_as_redis_check_rdb_does() -> None:
    data = rdb(
        b"\xfa" + word(b"redis-ver") + word(b"7.4.0"),
        b"\xfe\x00\xfb\x04\x02",
        A,
        expiring(NOW_MS + 1) + WORDS,
        expiring(NOW_MS - 1) + WORDS,
        b"\xfe\x09" + TIMED,
        version=12,
    )
    assert report(data) == (
        OK,
        [
            "[offset 0] Checking RDB file dump.rdb",
            "[offset 26] AUX FIELD redis-ver = '7.4.0'",
            "[offset 28] Selecting DB ID 0",
            "[offset 80] Selecting DB ID 9",
            f"[offset {len(data)}] Checksum OK",
            f"[offset {len(data)}] \\o/ RDB looks OK! \\o/",
            "[info] 4 keys read",
            "[info] 2 expires",
            "[info] 1 already expired",
            "[info] 1 subexpires",
        ],
    )


def test_a_file_without_a_checksum_is_valid() -> None:
    status, lines = report(rdb(checksum=0))
    assert status == OK
    assert "[offset 18] RDB file was saved with checksum disabled: no check performed." in lines


def test_nothing_is_said_of_the_checksum_of_an_old_file() -> None:
    assert report(rdb(version=4)) == (
        OK,
        ["[offset 0] Checking RDB file dump.rdb", "[offset 10] \\o/ RDB looks OK! \\o/", *NO_COUNTS],
    )


def test_the_type_of_a_module_is_named() -> None:
    module_id = bytes([0b0001_0000] * 8)
    status, lines = report(rdb(b"\xf7\x81" + module_id + b"\x02\x01\x00"))
    assert status == OK
    assert "[offset 22] MODULE AUX for: EBAQEBAQE" in lines


def test_bytes_after_the_end_are_mentioned() -> None:
    assert advice(report(rdb(A) + b"*1\r\n")[1]) == [
        "4 bytes after the end were not checked. In an append-only file these are commands."
    ]


# Damaged files.


def test_a_file_that_is_cut_off_is_reported_with_what_was_being_read() -> None:
    data = rdb(A, expiring(5) + WORDS, WORDS)
    cut = data[: data.rindex(b"y")]
    whole = len(data) - 9 - len(WORDS)
    assert report(cut) == (
        FAILED,
        [
            "[offset 0] Checking RDB file dump.rdb",
            "--- RDB ERROR DETECTED ---",
            f"[offset {len(cut)}] Unexpected EOF reading RDB file",
            "[additional info] While doing: read-object-value",
            "[additional info] Reading key 'words'",
            "[additional info] Reading type 1 (list-linked)",
            "[info] 3 keys read",
            "[info] 1 expires",
            "[info] 1 already expired",
            "[info] 0 subexpires",
            f"[advice] The file ends after {len(cut)} bytes, but the record at offset {whole} goes on: "
            "the end is missing, or a length in the record is wrong.",
            f"[advice] 2 keys could be read, up to offset {whole}. This keeps them:",
            rf"[advice]   (head -c {whole} dump.rdb; printf '\377\0\0\0\0\0\0\0\0') > dump.rdb.mended",
        ],
    )


def test_without_a_value_there_is_no_key_in_the_report() -> None:
    lines = report(rdb()[:9] + bytes([rdb_types.HASH]))[1]
    assert lines[2:5] == [
        "[offset 10] Unexpected EOF reading RDB file",
        "[additional info] While doing: read-key",
        "[additional info] Reading type 4 (hash-hashtable)",
    ]


def test_without_a_type_there_is_neither_type_nor_key_in_the_report() -> None:
    lines = report(rdb()[:9])[1]
    assert lines[2:5] == [
        "[offset 9] Unexpected EOF reading RDB file",
        "[additional info] While doing: read-type",
        "[info] 0 keys read",
    ]
    assert advice(lines)[-1] == "No key could be read."


def test_a_wrong_checksum_is_reported_as_redis_check_rdb_does() -> None:
    data = rdb(A, checksum=0x1234)
    status, lines = report(data)
    assert status == FAILED
    assert lines[1:5] == [
        "--- RDB ERROR DETECTED ---",
        f"[offset {len(data)}] RDB CRC error",
        "[additional info] While doing: check-sum",
        "[info] 1 keys read",
    ]


def test_a_file_with_a_wrong_checksum_can_be_loaded_all_the_same() -> None:
    lines = advice(report(rdb(A, checksum=0x1234))[1])
    assert lines[0].endswith("but got (1234).")
    assert lines[1:] == [
        "All records could be read, with 1 key, but the file is not as it was written:",
        "some value may be wrong. A server with `rdbchecksum no` loads it.",
    ]


def test_a_damaged_value_is_reported_with_its_record() -> None:
    status, lines = report(rdb(A, key(rdb_types.SET_INTSET, b"s", word(b"no set"))))
    assert status == FAILED
    assert "Invalid data" in lines[2]
    assert lines[5] == "[additional info] Reading type 11 (set-intset)"
    assert advice(lines)[0] == (
        f"The record at offset {9 + len(A)} is damaged, or was written by a version that is newer than this program."
    )


@pytest.mark.parametrize(
    ("data", "message", "advised"),
    [
        (b"", "Unexpected EOF reading RDB file", "The file is empty."),
        (b"REDIS", "Unexpected EOF reading RDB file", "The file ends after 5 bytes, inside its header."),
        (b"*1\r\n$4\r\nPING\r\n", "Wrong signature trying", "This is no RDB file: one begins with REDIS or VALKEY."),
        (b"REDIS0099\xff", "Can't handle RDB format version 99", "The header is damaged, or a newer version wrote"),
    ],
)
def test_a_file_of_another_kind_is_reported(data: bytes, message: str, advised: str) -> None:
    status, lines = report(data)
    assert status == FAILED
    assert message in lines[2]
    assert lines[3] == "[additional info] While doing: start"
    assert [line.startswith(advised) for line in advice(lines)] == [True]


# What is advised helps.


@pytest.mark.skipif(sys.platform == "win32", reason="the command is one of a POSIX shell")
@pytest.mark.parametrize("version", [4, 11])
@pytest.mark.parametrize("name", ["dump.rdb", "two words; 'quoted'.rdb"])
def test_the_advised_command_makes_a_valid_file_of_the_keys_that_could_be_read(
    tmp_path: Path, version: int, name: str
) -> None:
    path = str(tmp_path / name)
    data = rdb(b"\xfe\x00", A, WORDS, expiring(5) + A, version=version)
    Path(path).write_bytes(data[: data.rindex(b"a")])
    lines: list[str] = []
    assert check(path, SystemFiles(), NOW_MS, lines.append) == FAILED
    (command,) = [line for line in advice(lines) if "head" in line]
    subprocess.run(command, shell=True, cwd=tmp_path, check=True)
    mended: list[str] = []
    assert check(f"{path}.mended", SystemFiles(), NOW_MS, mended.append) == OK
    assert "[info] 2 keys read" in mended


# The words.


def test_every_type_that_can_be_read_has_a_name() -> None:
    """The report of an error in such a value would fail otherwise."""
    known = {kind for kind in range(rdb_types.FIRST_OPCODE) if is_known_type(kind)}
    assert known | {rdb_types.MODULE_VALUE, rdb_types.HASH_WITH_TIMES_VALKEY} == set(TYPE_NAMES)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"word", "word"),
        ("Käse 🧀".encode(), "Käse 🧀"),
        (b"a\x00b\n\x1b[31m", r"a\x00b\n\x1b[31m"),
        (b"\xff\xfe", r"\xff\xfe"),
    ],
)
def test_names_do_not_control_the_terminal(data: bytes, text: str) -> None:
    assert readable(data) == text


# The program.


def test_without_a_file_the_usage_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("", "./pyredmem") == FAILED
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", USAGE.format(program="./pyredmem") + "\n")


def test_a_missing_file_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "none.rdb")
    assert run(path, "./pyredmem") == FAILED
    printed = capsys.readouterr()
    assert printed.out == f"[offset 0] Checking RDB file {path}\n"
    assert printed.err == f"Cannot open file {path}: No such file or directory\n"


class BadFile(ReadableFile):
    """A file that the disk cannot read."""

    closed = False

    def read(self, size: int) -> bytes:
        raise OSError(5, "Input/output error")

    def close(self) -> None:
        self.closed = True


class BadDisk(Files):
    """A disk with one such file."""

    def __init__(self) -> None:
        self.file = BadFile()

    def open(self, path: str) -> ReadableFile:
        return self.file


def test_a_file_that_cannot_be_read_is_reported_and_closed(capsys: pytest.CaptureFixture[str]) -> None:
    disk = BadDisk()
    assert check("a", disk, NOW_MS, print) == FAILED
    assert capsys.readouterr().err == "Cannot read file a: Input/output error\n"
    assert disk.file.closed


def test_the_program_checks_a_file(tmp_path: Path) -> None:
    path = tmp_path / "dump.rdb"
    path.write_bytes(rdb(A))
    ended = run_program("check-rdb", str(path))
    assert (ended.returncode, ended.stderr) == (OK, "")
    assert ended.stdout.splitlines()[-4:] == ["[info] 1 keys read", *NO_COUNTS[1:]]


def test_the_program_fails_for_a_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "dump.rdb"
    path.write_bytes(rdb(A, checksum=1))
    ended = run_program("check-rdb", str(path))
    assert ended.returncode == FAILED
    assert "RDB CRC error" in ended.stdout


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["a", "b"]])
def test_the_program_shows_its_usage(arguments: list[str]) -> None:
    ended = run_program("check-rdb", *arguments)
    assert (ended.returncode, ended.stdout) == (FAILED, "")
    assert ended.stderr == "Usage: python -m pyredmem check-rdb <rdb-file-name>\n"


def test_a_server_does_not_load_the_tool() -> None:
    code = "import sys, pyredmem.__main__; print([name for name in sys.modules if name.startswith('pyredmem.rdb')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
