"""``pyredmem rdb``: keys and JSON, filters, damaged files, options, and how the program ends."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from pyredmem.objects import rdb_types
from pyredmem.rdb.options import COMMANDS, HelpRequest, OptionError, parse
from pyredmem.rdb.output import FAILED, OK
from pyredmem.rdb.tool import run
from tests.persistence.worlds import SavingWorld
from tests.rdb.datasets import FAR_MS, filled, of_bytes, output_of, saved, written
from tests.server.processes import command, environment
from tests.server.processes import run as run_program
from tests.support.rdb_files import key, rdb, word

A = key(rdb_types.STRING, b"a", word(b"1"))
B = key(rdb_types.STRING, b"b", word(b"2"))
WORDS = key(rdb_types.LIST, b"words", b"\x02" + word(b"x") + word(b"y"))
EMPTY = key(rdb_types.LIST, b"empty", b"\x00")
MODULE = key(rdb_types.MODULE_VALUE, b"m", b"\x81" + bytes([0b0001_0000] * 8) + b"\x02\x01\x00")
NINE = b"\xfe\x09"
SMALL = rdb(b"\xfe\x00", A, WORDS, NINE, A, B)


# Keys, and which of them.


def test_keys_are_told_one_per_line() -> None:
    data = rdb(A, key(rdb_types.STRING, b"two\nlines \xff \xc3\xa9", word(b"1")))
    assert output_of(of_bytes(data), "keys") == "a\ntwo\\nlines \\xff é\n"


def test_keys_of_modules_are_keys() -> None:
    assert output_of(of_bytes(rdb(A, MODULE)), "keys") == "a\nm\n"


def test_a_key_without_elements_is_none() -> None:
    assert output_of(of_bytes(rdb(A, EMPTY, B)), "keys") == "a\nb\n"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--db", "9"], "a\nb\n"),
        (["--db", "0", "--db", "9"], "a\nwords\na\nb\n"),
        (["--type", "list"], "words\n"),
        (["--type", "list", "--type", "set"], "words\n"),
        (["--key", "w.r"], "words\n"),
        (["--key", "ord"], ""),
        (["--key", "[ab]$", "--db", "0"], "a\n"),
    ],
)
def test_filters(options: list[str], expected: str) -> None:
    assert output_of(of_bytes(SMALL), "keys", *options) == expected


@pytest.mark.parametrize("name", ["zset", "sortedset"])
def test_sorted_sets_are_found_by_both_names(name: str) -> None:
    world = SavingWorld()
    world.do("ZADD", "board", 1, "a")
    world.do("SADD", "tags", "a")
    assert output_of(saved(world), "keys", "--type", name) == "board\n"


# JSON.


def test_json_has_an_object_per_database() -> None:
    world = SavingWorld()
    for words in (
        ["SET", "visits", "41"],
        ["RPUSH", "words", "a", "b", "a"],
        ["SADD", "tags", "x"],
        ["ZADD", "board", "1.5", "ada", "inf", "bob", "-inf", "eve"],
        ["HSET", "user", "name", "Ada \u00e9"],
        ["XADD", "events", "1-1", "f", "v", "f", "w"],
        ["SELECT", 3],
        ["SET", "elsewhere", '\n"\\'],
    ):
        world.do(*words)
    text = output_of(saved(world), "json")
    assert text.isascii()
    assert json.loads(text) == [
        {
            "visits": "41",
            "words": ["a", "b", "a"],
            "tags": ["x"],
            "board": {"eve": "-inf", "ada": 1.5, "bob": "inf"},
            "user": {"name": "Ada \u00e9"},
            "events": {"1-1": ["f", "v", "f", "w"]},
        },
        {"elsewhere": '\n"\\'},
    ]


def test_bytes_that_are_not_utf8_can_be_had_back_from_json() -> None:
    content = bytes(range(256)) + "é\U0001f600".encode() + b"\xed\xb2\x80"
    world = SavingWorld()
    world.do("HSET", content, content, content)
    [database] = json.loads(output_of(saved(world), "json"))
    [(name, fields)] = database.items()
    found = [text.encode("utf-8", "surrogateescape") for text in (name, *fields, *fields.values())]
    assert found == [content] * 3


def test_json_of_no_key_is_an_empty_list() -> None:
    assert json.loads(output_of(of_bytes(rdb(b"\xfe\x00")), "json")) == []


def test_json_of_all_encodings_can_be_parsed() -> None:
    databases = json.loads(output_of(saved(filled()), "json"))
    assert [len(database) for database in databases][1] == 2
    assert len(databases[0]["big hash"]) == 600
    assert len(databases[0]["long list"]) == 1000
    assert databases[0]["empty stream"] == {}


# Damaged files.


@pytest.mark.parametrize("name", ["memory", "keys", "json", "protocol"])
def test_what_stands_before_the_damage_is_written(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    cut = SMALL[: SMALL.index(b"words") + 7]
    status, text = written(of_bytes(cut), name)
    assert status == FAILED
    assert text == output_of(of_bytes(rdb(b"\xfe\x00", A)), name)
    assert capsys.readouterr().err == (
        f"[offset {len(cut)}] Unexpected EOF reading RDB file: nothing more of dump.rdb can be read\n"
    )


def test_a_wrong_checksum_comes_after_all_keys(capsys: pytest.CaptureFixture[str]) -> None:
    status, text = written(of_bytes(rdb(A, B, checksum=1)), "keys")
    assert (status, text) == (FAILED, "a\nb\n")
    assert "Wrong RDB checksum" in capsys.readouterr().err


def test_another_file_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert written(of_bytes(b"# Redis configuration"), "keys") == (FAILED, "")
    assert "[offset 9] Wrong signature" in capsys.readouterr().err


def test_the_largest_keys_before_the_damage_are_told() -> None:
    status, text = written(of_bytes(SMALL[:-12]), "memory", "--largest", "1")
    assert status == FAILED
    assert [line.split(",")[2] for line in text.splitlines()] == ["key", "words"]


# Options.


def test_the_command_may_be_an_option_as_in_redis_rdb_tools() -> None:
    for arguments in (
        ["memory", "x.rdb", "-f", "out", "-b", "5"],
        ["--command", "memory", "x.rdb", "-f", "out", "-b", "5"],
        ["x.rdb", "-b", "5", "-c", "memory", "--file=out"],
        ["--command=memory", "-b", "5", "-f", "out", "x.rdb"],
    ):
        options = parse(arguments, "p")
        assert (options.command, options.path, options.output, options.least) == ("memory", "x.rdb", "out", 5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Usage: p rdb COMMAND [options] FILE"),
        (["compare", "x.rdb"], "Unknown command 'compare'"),
        (["--command"], "Usage: p rdb COMMAND"),
        (["keys"], "the following arguments are required: FILE"),
        (["keys", "a.rdb", "b.rdb"], "unrecognized arguments: b.rdb"),
        (["keys", "x.rdb", "--largest", "5"], "unrecognized arguments: --largest"),
        (["keys", "x.rdb", "--type", "tree"], "'tree' is none of string, list"),
        (["keys", "x.rdb", "--key", "("], "'(' is no regular expression"),
        (["keys", "x.rdb", "--db", "-1"], "'-1' is no number"),
        (["memory", "x.rdb", "--bytes", "1kb"], "'1kb' is no number"),
        (["memory", "x.rdb", "--largest", "0"], "must be at least 1"),
        (["memory", "x.rdb", "--format", "xml"], "invalid choice: 'xml'"),
        (["memory", "x.rdb", "--allocator", "mimalloc"], "invalid choice: 'mimalloc'"),
        (["memory", "x.rdb", "--set", "port", "1"], "'port' is none of hash-max-listpack-entries"),
        (["memory", "x.rdb", "--set", "hash-max-listpack-entries", "x"], "couldn't be parsed into an integer"),
    ],
)
def test_options_that_cannot_be_used_are_refused(arguments: list[str], message: str) -> None:
    with pytest.raises(OptionError) as refused:
        parse(arguments, "p")
    assert message in str(refused.value)


@pytest.mark.parametrize("arguments", [["--help"], ["memory", "--help"], ["-c", "json", "-h"]])
def test_help_ends_well(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments, "p") == OK
    assert capsys.readouterr().out.lower().startswith("usage: p rdb")


def test_each_command_is_in_the_usage() -> None:
    with pytest.raises(HelpRequest) as wanted:
        parse(["-h"], "p")
    assert all(f"  {name} " in str(wanted.value) for name in COMMANDS)


def test_settings_are_found_by_their_old_names() -> None:
    options = parse(["memory", "x.rdb", "--set", "hash-max-ziplist-entries", "7"], "p")
    assert options.settings.integer("hash-max-listpack-entries") == 7


# Files, and the program.


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "dump.rdb"
    found.write_bytes(SMALL)
    return found


def test_the_output_can_go_to_a_file(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = path.with_name("keys")
    assert run(["keys", str(path), "-f", str(output)], "p") == OK
    assert output.read_text() == "a\nwords\na\nb\n"
    assert capsys.readouterr().out == ""


def test_the_file_itself_is_never_the_output(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["keys", str(path), "-f", str(path)], "p") == FAILED
    assert "is the file to read" in capsys.readouterr().err
    assert path.read_bytes() == SMALL


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["keys", "nowhere.rdb"], "Cannot open file nowhere.rdb: No such file or directory"),
        (["keys", "{path}", "-f", "nowhere/x"], "Cannot open file nowhere/x: No such file or directory"),
        (["keys"], "the following arguments are required: FILE"),
    ],
)
def test_what_cannot_be_done_is_said_on_stderr(path: Path, arguments: list[str], message: str) -> None:
    done = run_program("rdb", *[word.format(path=path) for word in arguments], cwd=path.parent)
    assert done.returncode == FAILED
    assert done.stdout == ""
    assert done.stderr.startswith(message)
    assert "Traceback" not in done.stderr


def test_the_program_writes_what_the_tool_writes(path: Path) -> None:
    done = run_program("rdb", "memory", str(path))
    assert (done.returncode, done.stderr) == (OK, "")
    assert done.stdout == output_of(of_bytes(SMALL), "memory")


def test_a_reader_that_has_enough_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "many.rdb"
    path.write_bytes(rdb(*[key(rdb_types.STRING, b"key %d" % at, word(b"%d" % at)) for at in range(30_000)]))
    with subprocess.Popen(
        command("rdb", "keys", str(path)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    ) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        assert program.stdout.readline() == b"key 0\n"
        program.stdout.close()
        assert program.stderr.read() == b""
        assert program.wait(20) == OK


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_an_error_without_a_traceback(path: Path) -> None:
    message = f"Cannot read {path}, or write /dev/full: No space left on device\n"
    to_file = run_program("rdb", "keys", str(path), "-f", "/dev/full")
    assert (to_file.returncode, to_file.stderr) == (FAILED, message)
    with open("/dev/full", "wb") as full:
        to_stdout = subprocess.run(
            command("rdb", "keys", str(path)), stdout=full, stderr=subprocess.PIPE, env=environment(), check=False
        )
    assert to_stdout.returncode == FAILED
    assert to_stdout.stderr.decode() == message.replace("/dev/full", "the output")


def test_the_moment_of_a_key_is_that_of_the_server() -> None:
    world = SavingWorld()
    world.do("SET", "k", "v", "PXAT", FAR_MS)
    assert output_of(saved(world), "memory").endswith(",2100-01-01T00:00:00\n")
