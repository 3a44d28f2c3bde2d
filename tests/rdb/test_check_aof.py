"""The report on an append-only file: the lines of redis-check-aof, the exit status, what is advised and mended."""

from __future__ import annotations

from errno import EIO
from pathlib import Path

import pytest

from pyredmem.host.memory_files import MemoryFiles
from pyredmem.rdb.check_aof import FAILED, OK, USAGE, Request, Surroundings, check, parse_arguments
from tests.server.processes import run as run_program
from tests.support.faulty_files import FaultyFiles
from tests.support.rdb_files import key, rdb, word

NOW_MS = 1_700_000_000_000
MANIFEST = b"file a.1.base.aof seq 1 type b\nfile a.1.incr.aof seq 1 type i\nfile a.2.incr.aof seq 2 type i\n"
PING = b"*1\r\n$4\r\nPING\r\n"
SET = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n"
MULTI = b"*1\r\n$5\r\nMULTI\r\n"
EXEC = b"*1\r\n$4\r\nEXEC\r\n"


class World:
    """Some files in memory, a user who answers, and what was written."""

    def __init__(self, files: MemoryFiles | None = None, answer: str = "", **content: bytes) -> None:
        self.files = files or MemoryFiles()
        self.lines: list[str] = []
        self.questions: list[str] = []
        self._answer = answer
        for name, data in content.items():
            self.files.content[name] = bytearray(data)

    def check(self, path: str, fixes: bool = False, until: int = 0) -> int:
        """The exit status."""
        surroundings = Surroundings(self.files, NOW_MS, self.lines.append, self.truncate, self._ask)
        return check(Request(path, fixes, until), surroundings)

    def truncate(self, path: str, size: int) -> None:
        del self.files.content[path][size:]

    def _ask(self, question: str) -> str:
        self.questions.append(question)
        return self._answer

    def advice(self) -> list[str]:
        return [line.removeprefix("[advice] ") for line in self.lines if line.startswith("[advice] ")]

    def report(self) -> list[str]:
        """The lines that redis-check-aof prints too."""
        return [line for line in self.lines if not line.startswith("[advice] ")]


def several(base: bytes = SET, first: bytes = PING, last: bytes = SET) -> World:
    """A world with three files and their manifest, all in one directory."""
    world = World()
    parts = {"a.1.base.aof": base, "a.1.incr.aof": first, "a.2.incr.aof": last, "a.manifest": MANIFEST}
    for name, data in parts.items():
        world.files.content[f"aof/{name}"] = bytearray(data)
    return world


# Valid files.


def test_all_files_of_a_manifest_are_checked() -> None:
    world = several()
    assert world.check("aof/a.manifest") == OK
    assert world.lines == [
        "Start checking Multi Part AOF",
        "Start to check BASE AOF (RESP format).",
        "AOF analyzed: filename=a.1.base.aof, size=27, ok_up_to=27, ok_up_to_line=8, diff=0",
        "BASE AOF a.1.base.aof is valid",
        "Start to check INCR files.",
        "AOF analyzed: filename=a.1.incr.aof, size=14, ok_up_to=14, ok_up_to_line=11, diff=0",
        "INCR AOF a.1.incr.aof is valid",
        "AOF analyzed: filename=a.2.incr.aof, size=27, ok_up_to=27, ok_up_to_line=18, diff=0",
        "INCR AOF a.2.incr.aof is valid",
        "All AOF files and manifest are valid",
    ]


def test_the_files_may_be_empty() -> None:
    world = several(b"", b"", b"")
    assert world.check("aof/a.manifest") == OK
    assert "INCR AOF a.2.incr.aof is empty" in world.lines


@pytest.mark.parametrize("signature", [b"REDIS0011", b"VALKEY080"])
def test_an_rdb_preamble_is_checked_as_by_check_rdb(signature: bytes) -> None:
    preamble = rdb(b"\xfe\x00", key(0, b"a", word(b"1")), signature=signature)
    world = World(old=preamble + SET)
    assert world.check("old") == OK
    assert world.lines == [
        "Start checking Old-Style AOF",
        "[offset 0] Checking RDB file old",
        "[offset 11] Selecting DB ID 0",
        "[offset 25] Checksum OK",
        "[offset 25] \\o/ RDB looks OK! \\o/",
        "[info] 1 keys read",
        "[info] 0 expires",
        "[info] 0 already expired",
        "[info] 0 subexpires",
        "RDB preamble is OK, proceeding with AOF tail...",
        "AOF analyzed: filename=old, size=52, ok_up_to=52, ok_up_to_line=8, diff=0",
        "AOF old is valid",
    ]


def test_an_annotation_that_is_not_whole_is_valid_but_advised_against() -> None:
    world = World(old=PING + b"#TS:17")
    assert world.check("old") == OK
    assert world.advice() == [
        "The annotation at the end of old is not whole. A server would write its next command to the same line,",
        "and could not load the file again. This deletes the annotation, which is not needed:",
        "  truncate -s 14 old",
    ]


# Damaged files.


def test_a_file_that_was_cut_off_is_not_valid() -> None:
    world = World(old=PING + SET[:-3])
    assert world.check("old") == FAILED
    assert world.lines == [
        "Start checking Old-Style AOF",
        "0x              26: Expected to read 3 bytes, got 0 bytes",
        "AOF analyzed: filename=old, size=38, ok_up_to=14, ok_up_to_line=10, diff=24",
        "AOF old is not valid. Use the --fix option to try fixing it.",
        "[advice] 1 command could be read, up to offset 14.",
        "[advice] The file was cut off, as happens when a machine crashes while a server writes.",
        "[advice] A server with `aof-load-truncated yes`, the default, mends that itself when it starts.",
        "[advice] Keep a copy before you use --fix:",
        "[advice]   cp old old.copy",
    ]


def test_commands_after_the_damage_are_found() -> None:
    world = World(old=PING + SET.replace(b"$1", b"$2", 1) + PING)
    assert world.check("old") == FAILED
    assert world.advice()[:4] == [
        "1 command could be read, up to offset 14.",
        "Commands seem to go on at offset 41, so the file is damaged before that, and not only cut off.",
        "--fix deletes them too. This keeps them in a file of their own:",
        "  tail -c +42 old > old.rest",
    ]


def test_commands_are_found_far_behind_the_damage() -> None:
    for distance in range((1 << 16) - 60, (1 << 16) + 5):
        world = World(old=PING + b"x" * distance + SET)
        assert world.check("old") == FAILED
        assert f"  tail -c +{14 + distance + 1} old > old.rest" in world.advice()


def test_it_is_said_if_nothing_is_left_after_the_damage() -> None:
    world = World(old=b"<html>")
    assert world.check("old") == FAILED
    assert world.report()[1] == "AOF old format error"
    assert world.advice()[:2] == ["Nothing in the file is whole.", "After the damage nothing looks like a command."]


def test_a_transaction_without_an_end_counts_as_not_run() -> None:
    world = World(old=PING + MULTI + SET)
    assert world.check("old") == FAILED
    assert world.report()[1:3] == [
        "0x              35: Reached EOF before reading EXEC for MULTI",
        "AOF analyzed: filename=old, size=56, ok_up_to=14, ok_up_to_line=14, diff=42",
    ]
    assert "The transaction that begins at offset 14 is not whole: it counts as not run." in world.advice()


def test_an_end_without_a_transaction_is_an_error() -> None:
    world = World(old=MULTI + EXEC + EXEC)
    assert world.check("old") == FAILED
    assert world.report()[1] == "0x              25: Unexpected EXEC in AOF old"


def test_a_damaged_preamble_ends_the_check() -> None:
    world = World(old=rdb(key(0, b"a", word(b"1")), checksum=1) + SET)
    assert world.check("old") == FAILED
    assert world.report()[-1] == "RDB preamble of AOF file is not sane, aborting."
    assert world.advice()[-1] == "some value may be wrong. A server with `rdbchecksum no` loads it."


def test_a_damaged_file_before_the_last_one_is_named_with_what_can_be_done() -> None:
    world = several(first=PING[:-1])
    assert world.check("aof/a.manifest") == FAILED
    assert world.report()[-1] == "AOF a.1.incr.aof is not valid. Use the --fix option to try fixing it."
    assert world.advice()[-2:] == [
        "Only the last file of a manifest can be cut off. To keep what is whole, delete the lines of the",
        "files after this one from the manifest, which gives up their commands, and check with --fix.",
    ]
    assert world.check("aof/a.manifest", fixes=True) == FAILED
    assert world.report()[-1] == "Failed to truncate AOF a.1.incr.aof because it is not the last file"


def test_a_damaged_manifest_is_shown() -> None:
    world = World(m=b"# mine\nfile a seq 1 typ b\n")
    assert world.check("m") == FAILED
    assert world.lines == [
        "Start checking Multi Part AOF",
        "*** FATAL AOF MANIFEST FILE ERROR ***",
        "Reading the manifest file, at line 2",
        ">>> 'file a seq 1 typ b'",
        "Invalid AOF manifest file format",
    ]


def test_a_file_that_does_not_exist_is_named() -> None:
    world = several()
    assert world.check("old") == FAILED
    assert world.lines == ["Cannot open file old: No such file or directory"]
    del world.files.content["aof/a.2.incr.aof"]
    assert world.check("aof/a.manifest") == FAILED
    assert world.lines[-1] == "Cannot open file aof/a.2.incr.aof: No such file or directory, aborting..."


def test_a_file_that_cannot_be_read_is_reported() -> None:
    files = FaultyFiles()
    world = World(files, old=PING)

    def fail() -> None:
        raise OSError(EIO, "Input/output error")

    files.passes_time = fail
    assert world.check("old") == FAILED
    assert world.lines == ["Cannot read file: Input/output error"]


# Mending.


@pytest.mark.parametrize("answer", ["y\n", "Yes\n"])
def test_the_end_is_cut_off_if_the_user_agrees(answer: str) -> None:
    world = World(old=PING + SET[:-3], answer=answer)
    assert world.check("old", fixes=True) == OK
    assert world.questions == ["Continue? [y/N]: "]
    assert world.report()[-2:] == [
        "This will shrink the AOF old from 38 bytes, with 24 bytes, to 14 bytes",
        "Successfully truncated AOF old",
    ]
    assert bytes(world.files.content["old"]) == PING
    assert world.check("old") == OK


@pytest.mark.parametrize("answer", ["", "\n", "n\n", " y\n"])
def test_nothing_is_changed_if_the_user_does_not_agree(answer: str) -> None:
    world = World(old=PING + SET[:-3], answer=answer)
    assert world.check("old", fixes=True) == FAILED
    assert world.lines[-1] == "Aborting..."
    assert len(world.files.content["old"]) == 38


def test_a_user_knows_what_would_be_deleted_before_the_question() -> None:
    world = World(old=PING + b"x" + SET)
    world.check("old", fixes=True)
    assert world.lines[-2] == "[advice]   tail -c +16 old > old.rest"


def test_nothing_is_asked_about_a_valid_file() -> None:
    world = several()
    assert world.check("aof/a.manifest", fixes=True) == OK
    assert world.questions == []


class ReadOnlyWorld(World):
    """A world in which no file can be changed."""

    def truncate(self, path: str, size: int) -> None:
        raise PermissionError(13, "Permission denied")


def test_a_file_that_cannot_be_truncated_is_reported() -> None:
    world = ReadOnlyWorld(old=PING + b"x", answer="y")
    assert world.check("old", fixes=True) == FAILED
    assert world.lines[-1] == "Failed to truncate AOF old"


# Times.


def test_what_came_after_a_time_is_cut_off() -> None:
    world = several(last=b"#TS:100\r\n" + PING + b"#TS:200\r\n" + SET)
    assert world.check("aof/a.manifest", until=100) == OK
    assert world.lines[-2] == "Successfully truncated AOF a.2.incr.aof to timestamp 100"
    assert bytes(world.files.content["aof/a.2.incr.aof"]) == b"#TS:100\r\n" + PING


def test_nothing_is_cut_off_if_nothing_came_after_a_time() -> None:
    world = World(old=b"#TS:100\r\n" + PING)
    assert world.check("old", until=100) == OK
    assert world.lines[1:] == ["Truncate nothing in AOF old to timestamp 100", "AOF old is valid"]


def test_a_file_is_not_emptied_because_of_a_time() -> None:
    world = World(old=b"#TS:100\r\n" + PING)
    assert world.check("old", until=99) == FAILED
    assert world.lines[1:] == ["AOF old has nothing before timestamp 99, aborting..."]


def test_only_the_last_file_is_cut_off_at_a_time() -> None:
    world = several(first=PING + b"#TS:200\r\n" + PING)
    assert world.check("aof/a.manifest", until=100) == FAILED
    assert world.lines[-2:] == [
        "Failed to truncate AOF aof/a.1.incr.aof to timestamp 100 to offset 14 because it is not the last file.",
        "If you insist, please delete all files after this file according to the manifest file and delete the "
        "corresponding records in manifest file manually. Then re-run redis-check-aof.",
    ]


def test_an_annotation_without_a_time_is_an_error_only_if_times_matter() -> None:
    world = World(old=PING + b"#TS:soon\r\n")
    assert world.check("old") == OK
    assert world.check("old", until=1) == FAILED
    assert world.lines[-1] == "Invalid timestamp annotation"


# The command line.


@pytest.mark.parametrize("arguments", [[], ["-h"], ["--help"], ["--mend", "a"], ["a", "b", "c"], ["--fix", "a", "b"]])
def test_wrong_arguments_are_explained(arguments: list[str]) -> None:
    assert parse_arguments(arguments) == ""


@pytest.mark.parametrize("time", ["x", "1x", "1 ", "9223372036854775808"])
def test_a_wrong_time_is_refused(time: str) -> None:
    assert parse_arguments(["--truncate-to-timestamp", time, "a"]) == "Invalid timestamp, aborting..."


@pytest.mark.parametrize(("time", "seconds"), [("1700000000", 1_700_000_000), ("-1", -1), (" +5", 5), ("", 0)])
def test_a_time_is_read_as_by_redis(time: str, seconds: int) -> None:
    request = parse_arguments(["--truncate-to-timestamp", time, "a"])
    assert isinstance(request, Request)
    assert (request.path, request.until, request.fixes) == ("a", seconds, False)


def test_the_program_mends_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(PING + b"*")
    ended = run_program("check-aof", "--fix", "a", cwd=tmp_path, stdin="y\n")
    assert (ended.returncode, ended.stderr) == (OK, "")
    assert ended.stdout.endswith("Continue? [y/N]: Successfully truncated AOF a\n")
    assert (tmp_path / "a").read_bytes() == PING


def test_the_program_shows_names_that_are_not_text(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b'file "\xff\\x1b" seq 1 type i\n')
    ended = run_program("check-aof", "m", cwd=tmp_path)
    assert ended.returncode == FAILED
    assert ended.stdout.splitlines()[-1] == r"Cannot open file ./\xff\x1b: No such file or directory, aborting..."


def test_the_program_shows_its_usage(tmp_path: Path) -> None:
    ended = run_program("check-aof", cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (FAILED, USAGE.format(program="python -m pyredmem") + "\n")


def test_the_program_refuses_a_wrong_time(tmp_path: Path) -> None:
    ended = run_program("check-aof", "--truncate-to-timestamp", "soon", "a", cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (FAILED, "Invalid timestamp, aborting...\n")
