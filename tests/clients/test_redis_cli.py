"""redis-cli of Redis 7.0, with each profile: it works, and shows what it shows of the real server of that version."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time

import pytest

from pyredmem.config.profiles import REDIS_8_2, REDIS_8_4, VALKEY_9_1
from tests.support.servers import Server
from tests.support.wire import info

pytestmark = pytest.mark.needs_redis  # the tool is installed together with the server

LIMIT_SECONDS = 30.0
#: What `SET foo bar` takes, where that is not what it takes in Redis 7.2.
USAGE = {REDIS_8_2.name: "32\n", REDIS_8_4.name: "32\n", VALKEY_9_1.name: "24\n"}


@pytest.fixture
def ours(of_profile: Server) -> Server:
    """A server with each of the profiles."""
    return of_profile


def cli(server: Server, *words: str, lines: str = "") -> str:
    """The output of redis-cli, which must end by itself and without an error; ``lines`` are what it reads."""
    done = subprocess.run(
        ["redis-cli", "-p", str(server.port), *words],
        input=lines,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_cli_sets_and_gets(ours: Server, profile: str) -> None:
    assert cli(ours, "set", "foo", "bar") == "OK\n"
    assert cli(ours, "get", "foo") == "bar\n"
    assert cli(ours, "memory", "usage", "foo") == USAGE.get(profile, "56\n")


def test_cli_speaks_resp3(ours: Server) -> None:
    assert cli(ours, "-3", "set", "foo", "bar") == "OK\n"
    assert "maxmemory" in cli(ours, "-3", "config", "get", "maxmemory")


def test_cli_shows_info(ours: Server, profile: str) -> None:
    text = cli(ours, "info", "memory")
    assert "used_memory:" in text
    assert f"mem_allocator:{'libc' if profile == VALKEY_9_1.name else 'jemalloc'}" in text


def test_cli_takes_commands_from_a_pipe(ours: Server) -> None:
    requests = "".join(f"SET key:{number} value\r\n" for number in range(1000))
    assert "errors: 0, replies: 1000" in cli(ours, "--pipe", lines=requests)


@pytest.mark.parametrize(("flag", "title"), [("--bigkeys", "Biggest string"), ("--memkeys", "Biggest string")])
def test_cli_samples_the_keyspace(ours: Server, flag: str, title: str) -> None:
    # No two of these values take a block of the same size.
    cli(ours, "mset", *[word for number in range(30) for word in (f"key:{number}", "x" * (1000 * number))])
    text = cli(ours, flag)
    assert "Sampled 30 keys" in text
    assert title in text
    assert "key:29" in text


def test_cli_measures_latency(ours: Server) -> None:
    words = cli(ours, "--latency", "-i", "1").split()
    assert len(words) == 4, words
    assert int(words[3]) > 10


def test_cli_stat_prints_a_line_for_each_interval(ours: Server) -> None:
    # Into a pipe it would write only when it has 4096 bytes.
    command = ["stdbuf", "-oL", "redis-cli", "-p", str(ours.port), "--stat", "-i", "0.1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(5)]
        process.terminate()
    assert "keys" in lines[1]
    assert all(line.split()[0] == "0" for line in lines[2:]), lines


def test_cli_scans(ours: Server) -> None:
    cli(ours, "mset", *[word for number in range(20) for word in (f"key:{number}", "x")])
    assert len(cli(ours, "--scan", "--pattern", "key:1?").split()) == 10


COLLECTIONS = """
RPUSH l a b c d|HSET h f1 v1 f2 v2|SADD s 1 2 3|ZADD z 1 a 2.5 b inf c|XADD st 1-1 f v g w|XADD st 1-2 f v|
XGROUP CREATE st g 0|XREADGROUP GROUP g c COUNT 1 STREAMS st >|PFADD p a b c|
GEOADD geo 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
"""
SHOWN = """
LRANGE l 0 -1|HGETALL h|SMEMBERS s|ZRANGE z 0 -1 WITHSCORES|ZMSCORE z c x|XRANGE st - +|XREAD STREAMS st 0|
XINFO STREAM st|XINFO GROUPS st|XPENDING st g|GEOPOS geo Palermo x|GEODIST geo Palermo Catania km|GEOHASH geo Palermo|
PFCOUNT p|GEOSEARCH geo FROMMEMBER Palermo BYRADIUS 200 km ASC WITHCOORD WITHDIST WITHHASH|SORT l ALPHA DESC|
LMPOP 2 x l LEFT COUNT 2|ZPOPMIN z 2|ZMPOP 1 z MAX|HRANDFIELD h 5 WITHVALUES|
SMISMEMBER s 1 9|HSCAN h 0|SSCAN s 0|LPOS l d RANK -1 COUNT 0|
XAUTOCLAIM st g c2 0 0|TYPE st|ZINCRBY z 0.5 q
"""


def lines(text: str) -> str:
    """The commands that ``text`` has between bars, each on a line."""
    return text.replace("\n", "").replace("|", "\n")


@pytest.mark.parametrize("flag", ["-2", "-3"])
def test_cli_shows_the_same_collections_as_with_the_real_server(judge: Server, ours: Server, flag: str) -> None:
    for commands in (lines(COLLECTIONS), lines(SHOWN)):
        shown = [cli(server, flag, "--no-raw", lines=commands).splitlines() for server in (judge, ours)]
        assert shown[0] == shown[1]
        assert len(shown[0]) >= commands.count("\n")


def test_cli_finds_big_and_hot_collections(judge: Server, ours: Server) -> None:
    summaries = []
    for server in (judge, ours):
        cli(server, lines=lines(COLLECTIONS))
        text = cli(server, "--bigkeys")
        summaries.append(sorted(line for line in text.splitlines() if not line.startswith("[")))
        cli(server, "config", "set", "maxmemory-policy", "allkeys-lfu")
        cli(server, "-r", "10", "lrange", "l", "0", "-1")
        assert 'keyname: "l"' in cli(server, "--hotkeys")
        assert int(cli(server, "object", "freq", "l")) > 5
    assert summaries[0] == summaries[1]


class Terminal:
    """A program that runs on a pseudo terminal."""

    def __init__(self, command: list[str]) -> None:
        self._pid, self._file = pty.fork()
        if self._pid == 0:
            environment = dict(os.environ, TERM="xterm", HOME="/nonexistent")
            os.execvpe(command[0], command, environment)
        # Without a size redis-cli asks the terminal where the cursor is, and waits for an answer.
        fcntl.ioctl(self._file, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))
        self.screen = ""

    def write(self, text: str) -> None:
        os.write(self._file, text.encode())

    def expect(self, text: str, seconds: float = 10.0) -> None:
        """Read until the text has appeared on the screen."""
        deadline = time.monotonic() + seconds
        while text not in self.screen:
            readable, _, _ = select.select([self._file], [], [], max(0.0, deadline - time.monotonic()))
            assert readable, f"{text!r} not shown, but {self.screen!r}"
            self.screen += os.read(self._file, 65536).decode(errors="replace")

    def close(self) -> None:
        os.close(self._file)
        os.waitpid(self._pid, 0)


def test_interactive_cli_gives_hints_and_help_from_command_docs(ours: Server) -> None:
    terminal = Terminal(["redis-cli", "-p", str(ours.port)])
    try:
        terminal.expect("> ")
        terminal.write("setrange ")
        terminal.expect("key offset value")
        terminal.write("\x15help setrange\r")
        terminal.expect("group:")
        terminal.write("quit\r")
    finally:
        terminal.close()
    with ours.connect() as wire:
        assert "failed_calls=0" in info(wire, "commandstats")["cmdstat_command|docs"]
