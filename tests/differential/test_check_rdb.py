"""`pyredmem check-rdb` and redis-check-rdb on the same files: those of real servers, and damaged copies of them.

There are three judges: the installed redis-check-rdb (7.0), Redis 8.2, and Valkey 9.1. A server's program is its check
tool if it is called by the tool's name. Each judge checks files that its own server has written.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pyredmem.host.files import SystemFiles
from pyredmem.host.memory_files import MemoryFiles
from pyredmem.rdb.check import check
from tests.differential.rdb_reports import MODULE_FIELD, Report, difference
from tests.differential.test_dump import ALL
from tests.support import servers
from tests.support.rdb_files import key, rdb, word
from tests.support.servers import Server
from tests.support.suites import SUITE, time_limit
from tests.support.wire import OK, Argument, Error

pytestmark = pytest.mark.needs_redis

PRLIMIT = shutil.which("prlimit")
#: A judge believes a false length and asks for that much memory.
LIMITED = [PRLIMIT, "--as=4000000000"] if PRLIMIT else []
SECONDS = 30.0
#: A small file of each judge.
FILES = Path(__file__).with_name("rdb_files")

SMALL: list[list[Argument]] = [
    ["SET", "word", "hello"],
    ["SET", "number", 12345],
    ["SET", "long", "a" * 300],
    ["SET", "lives", "x", "PX", 100_000_000],
    ["SET", "dead", "x", "PX", 1],
    ["RPUSH", "list", "a", "b", 1, 2],
    ["SADD", "numbers", 1, 2, 3],
    ["SADD", "set", "a", "b", "c"],
    ["HSET", "hash", "f", "v", "g", "w"],
    ["HSET", "table", "f", "v" * 100, "g", "w"],
    ["ZADD", "scores", 1, "a", 2.5, "b"],
    ["ZADD", "skiplist", 1, "a" * 100],
    ["XADD", "stream", "1-1", "f", "v"],
    ["XADD", "stream", "2-1", "f", "v"],
    ["XGROUP", "CREATE", "stream", "g", 0],
    ["XREADGROUP", "GROUP", "g", "c", "COUNT", 1, "STREAMS", "stream", ">"],
    ["FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('f', function() return 1 end)"],
]
TIMES: list[list[Argument]] = [
    ["HEXPIRE", "hash", 10_000, "FIELDS", 1, "f"],
    ["HEXPIRE", "table", 10_000, "FIELDS", 1, "f"],
]
#: What comes first: the server is empty, and does not delete what expires by itself.
FRESH: list[list[Argument]] = [["FLUSHALL"], ["FUNCTION", "FLUSH"], ["DEBUG", "SET-ACTIVE-EXPIRE", 0]]
LARGE_HASH: list[Argument] = ["HSET", "large", *(f"f{at // 2}" for at in range(2000))]
KEYS_OF_SMALL = 13


class Judge:
    """A check tool, and the server that writes its files."""

    def __init__(self, name: str, tool: Path, server: Server, knows_field_times: bool) -> None:
        self.name = name
        self.tool = tool
        self.server = server
        self.knows_field_times = knows_field_times

    def report(self, path: Path) -> Report:
        """What the tool says of a file."""
        command = [*LIMITED, str(self.tool), str(path)]
        ended = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
        return Report.of(ended.returncode, ended.stdout)

    def file(self, *commands: list[Argument]) -> bytes:
        """The file that the server writes after these commands."""
        with self.server.connect() as wire:
            for command in [*FRESH, *commands]:
                reply = wire.do(*command)
                assert not isinstance(reply, Error), (command, reply)
            time.sleep(0.005)  # the key `dead` has expired by now
            assert wire.do("SAVE") == OK
        return (self.server.directory / "dump.rdb").read_bytes()

    def small(self) -> bytes:
        """A small file with a value of each type."""
        return self.file(*SMALL, *(TIMES if self.knows_field_times else []))

    def sample(self) -> bytes:
        """The small file that was kept, to be damaged: no two files of a server are the same, but each run is."""
        return self.small() if SUITE.explores else (FILES / f"{self.name.replace(' ', '-')}.rdb").read_bytes()

    def large(self) -> bytes:
        """A file with values of all types and encodings, in several databases."""
        commands: list[list[Argument]] = [["CONFIG", "SET", "maxmemory-policy", "allkeys-lfu"]]
        for number, name in enumerate(ALL):
            commands += [["SELECT", number % 5], *ALL[name], ["RENAME", "k", name]]
            commands += [["PEXPIRE", name, 10**8]] if number % 3 else []
        commands += [["SELECT", 9], *SMALL]
        if self.knows_field_times:
            commands += [*TIMES, LARGE_HASH]
            commands += [["HEXPIRE", "large", 10_000, "FIELDS", 2, "f7", "f8"]]
        return self.file(*commands, ["CONFIG", "SET", "maxmemory-policy", "noeviction"])


@pytest.fixture(scope="module", params=["redis 7.0", "redis 8.2", "valkey 9.1"])
def judge(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    with ExitStack() as stack:
        if request.param == "redis 7.0":
            tool = shutil.which("redis-check-rdb")
            if tool is None:
                pytest.skip("no redis-check-rdb on PATH (apt-get install redis-tools)")
            yield Judge(request.param, Path(tool), stack.enter_context(servers.redis_server()), False)
            return
        newer = request.param == "redis 8.2"
        command = servers.newer_redis_command() if newer else servers.valkey_command()
        if command is None:
            pytest.skip(f"no {request.param}")
        tool_path = tmp_path_factory.mktemp("tool") / ("redis-check-rdb" if newer else "valkey-check-rdb")
        tool_path.symlink_to(command[0])  # the program looks at the name by which it is called
        running = servers.running("judge", [*LIMITED, *command], "--enable-debug-command", "yes")
        yield Judge(request.param, tool_path, stack.enter_context(running), True)


def ours(path: Path, data: bytes) -> Report:
    """What we say of a file with these bytes."""
    files = MemoryFiles()
    files.content[str(path)] = bytearray(data)
    lines: list[str] = []
    status = check(str(path), files, int(time.time() * 1000), lines.append)
    return Report.of(status, lines)


class Comparison:
    """Compares reports on many files; a difference that is not known fails the test."""

    def __init__(self, judge: Judge, directory: Path) -> None:
        self._judge = judge
        self._path = directory / "dump.rdb"
        self.reasons: Counter[str] = Counter()  # "" for reports without a difference

    def check(self, data: bytes, what: str) -> None:
        self._path.write_bytes(data)
        found, reason = difference(self._judge.report(self._path), ours(self._path, data))
        assert not found or reason, f"{what}: {found}"
        self.reasons[reason] += 1


# Valid files.


@pytest.mark.parametrize("size", ["small", "large"])
def test_a_file_of_a_server_is_valid_and_reported_alike(judge: Judge, tmp_path: Path, size: str) -> None:
    data = judge.small() if size == "small" else judge.large()
    path = tmp_path / "dump.rdb"
    path.write_bytes(data)
    theirs, report = judge.report(path), ours(path, data)
    assert theirs.differences(report) == []
    assert report.status == 0
    assert report.counts["keys read"] >= KEYS_OF_SMALL + (len(ALL) if size == "large" else 0)
    assert report.counts["already expired"] == 1
    assert report.counts["subexpires"] == (3 if size == "large" else 2) * judge.knows_field_times


OLD_KEYS = (
    key(0, b"a", word(b"1")),
    b"\xfd" + (2_000_000_000).to_bytes(4, "little") + key(1, b"list", b"\x02" + word(b"x") + word(b"y")),
    b"\xfd" + (1_000_000_000).to_bytes(4, "little") + key(2, b"set", b"\x02" + word(b"x") + word(b"y")),
    key(3, b"scores", b"\x02" + word(b"x") + b"\x031.5" + word(b"y") + b"\xff"),
    key(4, b"hash", b"\x01" + word(b"f") + word(b"v")),
    key(9, b"zipmap", word(b"\x01\x01a\x01\x001\xff")),
)


@pytest.mark.parametrize("version", range(1, 11))
def test_a_file_of_an_old_version_is_reported_alike(judge: Judge, tmp_path: Path, version: int) -> None:
    comparison = Comparison(judge, tmp_path)
    data = rdb(b"\xfe\x00", *OLD_KEYS, b"\xfe\x05", *OLD_KEYS[:1], version=version)
    comparison.check(data, "valid")
    comparison.check(data[:-1], "cut off")
    assert comparison.reasons == {"": 2}
    assert ours(tmp_path, data).status == 0


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(b"\xf8\x42\x00" + OLD_KEYS[0], id="idle time"),
        pytest.param(b"\xf9\x07" + OLD_KEYS[0], id="frequency"),
        pytest.param(b"\xfb\x01\x00" + OLD_KEYS[0], id="sizes"),
        pytest.param(b"\xfc" + b"\x01" * 5 + bytes(3) + b"\xfa\x01a\x01b" + OLD_KEYS[0], id="time before a field"),
        pytest.param(b"\x07\x01m\x81" + b"\x10" * 8 + b"\x02\x07\x03abcd\x04abcdefgh\x00", id="module value"),
        pytest.param(b"\xfa\x03\xff\x01'\x04a\nb'", id="odd names"),
    ],
)
@pytest.mark.parametrize("checksum", [None, 0, 1])
def test_a_rare_record_is_reported_alike(judge: Judge, tmp_path: Path, record: bytes, checksum: int | None) -> None:
    comparison = Comparison(judge, tmp_path)
    comparison.check(rdb(b"\xfe\x00", record, version=9, checksum=checksum), "rare")
    assert comparison.reasons == {"": 1}


@pytest.mark.parametrize("checksum", [None, 0, 1])
def test_a_field_of_a_module_is_reported_alike_but_for_its_offset(
    judge: Judge, tmp_path: Path, checksum: int | None
) -> None:
    comparison = Comparison(judge, tmp_path)
    record = b"\xf7\x81" + b"\x10" * 8 + b"\x02\x01\x05\x01a\x01\x07\x00"
    comparison.check(rdb(b"\xfe\x00", record, version=9, checksum=checksum), "a module")
    assert comparison.reasons == {MODULE_FIELD.reason: 1}


# Damaged files.


def test_a_file_that_was_cut_off_anywhere_is_reported_alike(judge: Judge, tmp_path: Path) -> None:
    data = judge.sample()
    comparison = Comparison(judge, tmp_path)
    for size in range(len(data)):
        comparison.check(data[:size], f"{size} of {len(data)} bytes")
    assert comparison.reasons[""] > len(data) / 2


def test_the_judge_accepts_what_was_kept_of_a_file_by_the_advised_command(judge: Judge, tmp_path: Path) -> None:
    data = judge.sample()
    path = tmp_path / "dump.rdb"
    for size in range(len(data) // 2, len(data), 20):
        path.write_bytes(data[:size])
        lines: list[str] = []
        assert check(str(path), SystemFiles(), 0, lines.append) == 1
        command = lines[-1].removeprefix("[advice] ")
        subprocess.run(command, shell=True, cwd=tmp_path, check=True)
        mended = judge.report(tmp_path / "dump.rdb.mended")
        assert mended.status == 0
        (kept,) = [line for line in lines if "could be read, up to" in line]
        assert kept.startswith(f"[advice] {mended.counts['keys read']} key")


def damaged(data: bytes, count: int) -> Iterable[tuple[int, bytes]]:
    """Copies with one byte that is wrong, each with the place of that byte."""
    chance = random.Random(None if SUITE.explores else 1)
    for _ in range(count):
        place = chance.randrange(len(data))
        byte = chance.choice([0, 255, data[place] ^ 1, data[place] ^ 128, chance.randrange(256)])
        yield place, data[:place] + bytes([byte]) + data[place + 1 :]


def compare_damaged(judge: Judge, directory: Path, count: int) -> None:
    data = judge.sample()
    comparison = Comparison(judge, directory)
    for place, copy in damaged(data, count):
        comparison.check(copy, f"{place}: {data[place]} -> {copy[place]} in {data!r}")
    assert comparison.reasons[""] > count / 2


def test_a_file_with_a_wrong_byte_is_reported_alike(judge: Judge, tmp_path: Path) -> None:
    compare_damaged(judge, tmp_path, 200)


@pytest.mark.slow
@time_limit(900)
def test_many_files_with_a_wrong_byte_are_reported_alike(judge: Judge, tmp_path: Path) -> None:
    compare_damaged(judge, tmp_path, SUITE.damaged_files)
