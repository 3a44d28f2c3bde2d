"""`pyredmem check-aof` and redis-check-aof on the same files: those of real servers, and damaged copies of them.

The judges are those of test_check_rdb, and each checks files that its own server has written.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyredmem.host.files import SystemFiles
from pyredmem.rdb.check_aof import Request, Surroundings, check, parse_arguments
from tests.differential.aof_reports import AofReport
from tests.differential.test_check_rdb import LIMITED, SECONDS
from tests.support import servers
from tests.support.suites import SUITE, time_limit
from tests.support.wire import Argument, Error, Wire, info

pytestmark = pytest.mark.needs_redis

MANIFEST = "appendonly.aof.manifest"
BASE = "appendonly.aof.2.base."
INCREMENT = "appendonly.aof.2.incr.aof"
#: The content of a directory, by the names of its files.
Content = dict[str, bytes]

BEFORE: list[list[Argument]] = [["SET", "word", "hello"], ["RPUSH", "list", 1, "\r\n", 3], ["HSET", "hash", "f", "v"]]
AFTER: list[list[Argument]] = [
    ["SET", "empty", ""],
    ["MULTI"],
    ["SET", "a", "x" * 40],
    ["DEL", "word"],
    ["EXEC"],
    ["SET", "b", "*1\r\n$4\r\nEXEC\r\n"],
]


class Judge:
    """A check tool, and the command that starts the server which writes its files."""

    def __init__(self, name: str, tool: Path, server: list[str]) -> None:
        self.name = name
        self.tool = tool
        self._server = server

    def content(self, *settings: str, waits: bool = False) -> Content:
        """The append-only file that the server writes: a base, and some commands; ``waits`` for another second."""
        command = [*LIMITED, *self._server]
        with (
            servers.running("judge", command, "--appendonly", "yes", "--appendfsync", "always", *settings) as server,
            server.connect() as wire,
        ):
            self._do(wire, BEFORE)
            self._do(wire, [["BGREWRITEAOF"]])
            while info(wire, "persistence")["aof_rewrite_in_progress"] != "0":
                time.sleep(0.01)
            self._do(wire, AFTER)
            if waits:
                time.sleep(1.01)
                self._do(wire, AFTER)
            return content_of(server.directory / "appendonlydir")

    @staticmethod
    def _do(wire: Wire, commands: list[list[Argument]]) -> None:
        for command in commands:
            assert not isinstance(wire.do(*command), Error), command

    def report(self, directory: Path, *arguments: str, answer: str = "") -> AofReport:
        """What the tool says in a directory."""
        ended = subprocess.run(
            [*LIMITED, str(self.tool), *arguments],
            cwd=directory,
            input=answer.encode(),
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
        return AofReport.of(ended.returncode, ended.stdout)


def content_of(directory: Path) -> Content:
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


@pytest.fixture(scope="module", params=["redis 7.0", "redis 8.2", "valkey 9.1"])
def judge(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Judge:
    if request.param == "redis 7.0":
        tool = shutil.which("redis-check-aof")
        if tool is None:
            pytest.skip("no redis-check-aof on PATH (apt-get install redis-tools)")
        return Judge(request.param, Path(tool), servers.redis_server_command())
    newer = request.param == "redis 8.2"
    command = servers.newer_redis_command() if newer else servers.valkey_command()
    if command is None:
        pytest.skip(f"no {request.param}")
    path = tmp_path_factory.mktemp("tool") / ("redis-check-aof" if newer else "valkey-check-aof")
    path.symlink_to(command[0])  # the program looks at the name by which it is called
    return Judge(request.param, path, command)


@pytest.fixture(scope="module")
def with_preamble(judge: Judge) -> Content:
    content = judge.content("--aof-timestamp-enabled", "no")
    if judge.name == "valkey 9.1":  # see the last test
        base = BASE + "rdb"
        content[base] = b"REDIS0011" + content[base][9:-8] + bytes(8)
    return content


@pytest.fixture(scope="module")
def with_times(judge: Judge) -> Content:
    return judge.content("--aof-timestamp-enabled", "yes", "--aof-use-rdb-preamble", "no", waits=True)


def ours(directory: Path, *arguments: str, answer: str = "") -> AofReport:
    """What we say in a directory."""
    output: list[str] = []

    def ask(question: str) -> str:
        output.append(question)
        return answer

    request = parse_arguments(list(arguments))
    assert isinstance(request, Request)
    surroundings = Surroundings(
        files=SystemFiles(str(directory)),
        now_ms=int(time.time() * 1000),
        write=lambda line: output.append(f"{line}\n"),
        truncate=lambda path, size: os.truncate(directory / path, size),
        ask=ask,
    )
    status = check(request, surroundings)
    return AofReport.of(status, "".join(output).encode("utf-8", "surrogateescape"))


class Comparison:
    """Lets a judge and us check the same content, and mend it; fails if what we say or leave there differs."""

    def __init__(self, judge: Judge, directory: Path) -> None:
        self._judge = judge
        self._theirs = directory / "theirs"
        self._ours = directory / "ours"
        self.statuses: list[int] = []

    def check(self, content: Content, *arguments: str, answer: str = "") -> Content:
        """Returns what is left of the content."""
        for directory in (self._theirs, self._ours):
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir()
            for name, data in content.items():
                (directory / name).write_bytes(data)
        theirs = self._judge.report(self._theirs, *arguments, answer=answer)
        found = theirs.difference(ours(self._ours, *arguments, answer=answer))
        assert not found, (arguments, content, found)
        left = content_of(self._theirs)
        assert content_of(self._ours) == left, (arguments, content)
        self.statuses.append(theirs.status)
        return left


@pytest.fixture
def comparison(judge: Judge, tmp_path: Path) -> Comparison:
    return Comparison(judge, tmp_path)


def several(content: Content) -> Content:
    """The same content with its commands in two incremental files."""
    commands = content[INCREMENT]
    middle = commands.index(b"*1\r\n$5\r\nMULTI")
    first, last = content[MANIFEST].splitlines()[:2]
    lines = [first, last, last.replace(b"aof.2.", b"aof.3.").replace(b"seq 2", b"seq 3"), b""]
    parts = {INCREMENT: commands[:middle], INCREMENT.replace("2", "3"): commands[middle:]}
    return {**content, **parts, MANIFEST: b"\n".join(lines)}


# Valid files.


def test_the_files_of_a_server_are_valid(comparison: Comparison, with_preamble: Content, with_times: Content) -> None:
    for content in (with_preamble, with_times, several(with_preamble), several(with_times)):
        assert comparison.check(content, MANIFEST) == content
        assert comparison.check(content, "--fix", MANIFEST) == content
    assert comparison.statuses == [0] * 8


def test_single_files_are_valid(comparison: Comparison, with_preamble: Content, with_times: Content) -> None:
    whole = with_preamble[BASE + "rdb"] + with_preamble[INCREMENT]
    for data in (whole, with_times[INCREMENT], b"", b"# nothing\r\n"):
        comparison.check({"old.aof": data}, "old.aof")
    assert comparison.statuses == [0] * 4


# Damaged files.


def cuts(data: bytes) -> Iterator[bytes]:
    for size in range(len(data)):
        yield data[:size]


def wrong_bytes(data: bytes, count: int) -> Iterator[bytes]:
    chance = random.Random(None if SUITE.explores else 1)
    for _ in range(count):
        place = chance.randrange(len(data))
        byte = chance.choice([0, 255, data[place] ^ 1, data[place] ^ 128, *b"0159\r\n$*#-x"])
        yield data[:place] + bytes([byte]) + data[place + 1 :]


def test_a_file_that_was_cut_off_anywhere_is_mended_alike(comparison: Comparison, with_times: Content) -> None:
    sizes = set()
    for data in cuts(with_times[INCREMENT]):
        left = comparison.check({**with_times, INCREMENT: data}, "--fix", MANIFEST, answer="y\n")
        sizes.add(len(left[INCREMENT]))
    assert len(sizes) > 10
    assert set(comparison.statuses) == {0}


def test_a_file_with_a_preamble_that_was_cut_off_anywhere_is_reported_alike(
    comparison: Comparison, with_preamble: Content
) -> None:
    for data in cuts(with_preamble[BASE + "rdb"] + with_preamble[INCREMENT]):
        comparison.check({"old.aof": data}, "old.aof")
    assert set(comparison.statuses) == {0, 1}


@pytest.mark.parametrize("name", [BASE + "aof", INCREMENT])
def test_only_the_last_of_several_files_can_be_mended(comparison: Comparison, with_times: Content, name: str) -> None:
    content = several(with_times)
    for data in list(cuts(content[name]))[::5]:
        comparison.check({**content, name: data}, MANIFEST)
        comparison.check({**content, name: data}, "--fix", MANIFEST, answer="y\n")
    assert comparison.statuses.count(1) > len(comparison.statuses) / 2


def compare_damaged(comparison: Comparison, content: Content, count: int) -> None:
    for data in wrong_bytes(content[INCREMENT], count):
        comparison.check({**content, INCREMENT: data}, "--fix", MANIFEST, answer="y\n")
    for name, original in content.items():
        for data in wrong_bytes(original, count // 10):
            if name != MANIFEST or data.isascii():  # Valkey leaves out the other characters of a name
                comparison.check({**content, name: data}, MANIFEST)
    assert set(comparison.statuses) == {0, 1}


def test_a_file_with_a_wrong_byte_is_mended_alike(comparison: Comparison, with_preamble: Content) -> None:
    compare_damaged(comparison, with_preamble, 200)


@pytest.mark.slow
@time_limit(900)
def test_many_files_with_a_wrong_byte_are_mended_alike(
    comparison: Comparison, with_preamble: Content, with_times: Content
) -> None:
    for content in (with_preamble, with_times):
        compare_damaged(comparison, content, SUITE.damaged_files // 2)


@pytest.mark.parametrize("answer", ["", "\n", "n\n", "no\n", "N", "y", "Y\n", "yes\n", " y\n"])
def test_the_answer_decides(comparison: Comparison, with_times: Content, answer: str) -> None:
    data = with_times[INCREMENT][:-1]
    left = comparison.check({**with_times, INCREMENT: data}, "--fix", MANIFEST, answer=answer)
    assert (left[INCREMENT] == data) == (answer[:1] not in {"y", "Y"})


PING = b"*1\r\n$4\r\nPING\r\n"
MULTI = b"*1\r\n$5\r\nMulti\r\n"
EXEC = b"*1\r\n$4\r\nexec\r\n"


@pytest.mark.parametrize(
    "data",
    [
        MULTI,
        MULTI + PING,
        MULTI + PING + b"*2\r\n$4\r\nPING\r\n",
        MULTI + PING + b"#TS:1\r\n",
        MULTI + MULTI,
        MULTI + EXEC + EXEC,
        EXEC,
        MULTI + b"xx",
        MULTI + b"*2\r\n$4\r\nEXEC\r\n",
        b"*01\r\n$06\r\nMULTI\0\r\n",
        b"*2\r\n$5\r\nMULTI\r\n$1\r\n",
        PING + b"*0\r\n*-5\r\n* 1\r\n$\t+4\r\nPING\r\n",
        PING + b"*1\n",
        PING + b"*1\r\n$4\nPING\r\n",
        PING + b"* \r\n",
        PING + b"*x\r\n",
        PING + b"*1\r\n\r\n",
        PING + b"*1\r\n\n",
        PING + b"*1\r\n\0\r\n",
        PING + b"*1\r\n\xff\xfe",
        PING + b"*1\r\n$4\r\nPING\xff\xfe",
        PING + b"*1\r\n$-1\r\n",
        PING + b"*1\r\n$9223372036854775806\r\n",
        PING + b"*1\r\n$99999999999999999999\r\n",
        PING + b"*99999999999999999999\r\n" + b"$0\r\n\r\n" * 3,
        PING + b"*" + b"0" * 200 + b"1\r\n",
        PING + b"*" + b"0" * 120 + b"1\r\n" + PING[4:],
        b"#" * 1100 + b"\r\n" + PING,
        b"#" * 1023 + PING,
        b"PING\r\n",
        b"\r\n",
        b"# a comment\n" + PING,
        b"REDIS00",
        b"REDIS0006",
        b"files",
        b"#\nfile",
        PING + b"*1\r\n$30\r\nPING\r\n" + PING * 2,
        PING + b"*1\r\n$4\r\nPONGS\r\n" + PING * 2,
    ],
)
def test_what_no_server_writes_is_mended_alike(comparison: Comparison, data: bytes) -> None:
    comparison.check({"odd.aof": data}, "odd.aof")
    left = comparison.check({"odd.aof": data}, "--fix", "odd.aof", answer="y\n")
    assert data.startswith(left["odd.aof"])


@pytest.mark.parametrize("name", ["base", "increment", "manifest"])
def test_a_file_that_is_missing_is_named_alike(comparison: Comparison, with_times: Content, name: str) -> None:
    missing = {"base": BASE + "aof", "increment": INCREMENT, "manifest": MANIFEST}[name]
    comparison.check({other: data for other, data in with_times.items() if other != missing}, MANIFEST)
    assert comparison.statuses == [1]


def test_an_empty_file_is_not_damaged(comparison: Comparison, with_times: Content) -> None:
    for name in (BASE + "aof", INCREMENT):
        comparison.check({**with_times, name: b""}, MANIFEST)
    comparison.check({MANIFEST: b"#\nfile a seq 1 type h\n"}, MANIFEST)
    assert comparison.statuses == [0, 0, 0]


# Times.


def times_of(data: bytes) -> list[int]:
    return [int(line[4:]) for line in data.splitlines() if line.startswith(b"#TS:")]


def test_a_file_is_truncated_to_a_time_alike(comparison: Comparison, with_times: Content) -> None:
    content = several(with_times)
    times = [*times_of(content[BASE + "aof"]), *times_of(with_times[INCREMENT])]
    assert len(set(times)) > 1
    lengths = set()
    for time_s in {0, -1, *times, *(one - 1 for one in times), *(one + 1 for one in times)}:
        for files in (with_times, content):
            left = comparison.check(files, "--truncate-to-timestamp", str(time_s), MANIFEST)
            lengths.add(sum(map(len, left.values())))
        comparison.check({"a": with_times[INCREMENT]}, "--truncate-to-timestamp", str(time_s), "a")
    assert len(lengths) > 2
    assert set(comparison.statuses) == {0, 1}


@pytest.mark.parametrize(
    "annotation", [b"#TS:", b"#TS:x\r\n", b"#TS:5x\r\n", b"#TS:\r\n", b"#ts:99\r\n", b"#TS: 99\r\n"]
)
def test_an_odd_annotation_is_read_alike(comparison: Comparison, annotation: bytes) -> None:
    for data in (annotation + PING, PING + annotation + PING, MULTI + PING + annotation + PING, PING + annotation):
        for time_s in ("7", "-7", "0", ""):
            comparison.check({"a": data}, "--truncate-to-timestamp", time_s, "a")
    assert len(comparison.statuses) == 16


# What we do better.


def test_we_know_a_base_that_valkey_has_written(judge: Judge, tmp_path: Path) -> None:
    """valkey-check-aof 9.1 takes the header of such a file for a wrong command."""
    if judge.name != "valkey 9.1":
        pytest.skip("other servers write another header")
    for name, data in judge.content().items():
        (tmp_path / name).write_bytes(data)
    assert judge.report(tmp_path, MANIFEST).status == 1
    assert ours(tmp_path, MANIFEST).status == 0


def test_a_line_of_a_value_does_not_make_a_manifest(judge: Judge, tmp_path: Path) -> None:
    """redis-check-aof 7.0 takes a file for a manifest if any line begins with the word."""
    (tmp_path / "a").write_bytes(b"*1\r\n$5\r\nfiles\r\n")
    assert (judge.report(tmp_path, "a").status == 1) == (judge.name == "redis 7.0")
    assert ours(tmp_path, "a").status == 0
