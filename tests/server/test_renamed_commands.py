"""rename-command in a configuration file: other names, no names, and what cannot be; beside the real server."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyredmem.assembly import REGISTRY, create_engine, registry_of
from pyredmem.base.clock import ManualClock
from pyredmem.base.rng import Random
from pyredmem.config.settings import Settings
from tests.server.processes import DEADLINE_SECONDS, run
from tests.support.servers import Server, pyredmem_command, redis_server_command, running
from tests.support.wire import OK, Array, Bulk, Error, Integer, Reply, Wire, info
from tests.support.world import Client

needs_redis = pytest.mark.needs_redis

CONFIGURATION = """
# kept
rename-command FLUSHALL ""
rename-command GET FETCH
rename-command config Cfg
rename-command EXEC RUN
rename-command MULTI begin
rename-command ECHO "my echo"
rename-command SORT arrange
rename-command XGROUP groups
rename-command auth login
rename-command BLPOP "wait for"
rename-command SET GET
"""


@contextlib.contextmanager
def _renamed(name: str, server: list[str], directory: Path) -> Iterator[Server]:
    path = directory / f"{name}.conf"
    path.write_text(CONFIGURATION)
    with running(name, [*server, str(path)], "--slowlog-log-slower-than", "0") as started:
        yield started


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[Server]:
    with _renamed("pyredmem", pyredmem_command(), tmp_path) as server:
        yield server


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Server]:
    with _renamed("redis", redis_server_command(), tmp_path) as server:
        yield server


CALLS: list[tuple[str, ...]] = [
    ("FLUSHALL",),
    ("GET", "a"),
    ("GET", "a", "1"),
    ("SET", "a", "1"),
    ("FETCH", "a"),
    ("fEtCh", "a"),
    ("FETCH",),
    ("FETCH", "a", "b"),
    ("CONFIG", "GET", "port"),
    ("CFG", "GET", "slowlog-max-len"),
    ("cfg", "nosuch"),
    ("cfg",),
    ("cfg", "get"),
    ("groups", "create", "s", "g", "$", "nonsense"),
    ("groups", "nosuch", "s"),
    ("my echo", "x"),
    ("begin",),
    ("fetch", "a"),
    ("exec",),
    ("run",),
    ("Begin",),
    ("fetch", "a"),
    ("my echo", "x"),
    ("Run",),
    ("login", "secret"),
    ("arrange", "nokey", "by", "x*"),
    ("COMMAND", "INFO", "exec", "nosuch", "cfg|nosuch", "config|get"),
    ("COMMAND", "DOCS", "exec"),
    ("COMMAND", "GETKEYS", "fetch", "a"),
    ("COMMAND", "GETKEYS", "get", "a", "b"),
    ("COMMAND", "GETKEYS", "exec", "a"),
    ("COMMAND", "GETKEYS", "arrange", "k", "store", "x"),
    ("COMMAND", "LIST", "FILTERBY", "PATTERN", "fetc*"),
    ("COMMAND", "LIST", "FILTERBY", "PATTERN", "ech*"),
    ("cfg", "get", "rename-command"),
    ("cfg", "set", "rename-command", "a b"),
    ("LATENCY", "HISTOGRAM", "exec", "multi", "nosuch"),
]


@needs_redis
def test_every_call_gets_the_reply_that_redis_gives(real: Server, ours: Server) -> None:
    with real.connect() as judge, ours.connect() as wire:
        for call in CALLS:
            assert wire.do(*call) == judge.do(*call), call


@needs_redis
def test_statistics_slow_log_and_monitor_name_commands_as_redis_does(real: Server, ours: Server) -> None:
    judged, found = (_traces(server) for server in (real, ours))
    assert found == judged
    assert found["calls"] == {"get", "set", "config", "config|get", "exec", "multi", "echo", "auth", "monitor"}
    assert '"FETCH" "a"' in found["monitored"]
    assert "FETCH a" in found["logged"]


def _traces(server: Server) -> dict[str, set[str]]:
    with server.connect() as wire, server.connect() as monitor:
        monitor.do("MONITOR")
        for call in CALLS[1:26]:
            if call[0] not in {"groups", "arrange"}:
                wire.do(*call)
        calls = {name.removeprefix("cmdstat_") for name in info(wire, "commandstats")}
        latencies = {name.removeprefix("latency_percentiles_usec_") for name in info(wire, "latencystats")}
        log = wire.do("SLOWLOG", "GET", -1)
        assert isinstance(log, Array)
        wire.do("PING")
        lines: list[str] = []
        while not lines or not lines[-1].endswith('"PING"'):
            lines.append(getattr(monitor.receive(), "text", b"").decode())
        hidden = {"info", "ping", "command|docs"}
        return {
            "calls": calls - hidden,
            "latencies": latencies - hidden,
            "logged": {line for line in map(_words, log.items) if not line.startswith("INFO")},
            "monitored": {line.partition("] ")[2] for line in lines} - {'"PING"'},
        }


def _words(entry: Reply) -> str:
    assert isinstance(entry, Array)
    words = entry.items[3]
    assert isinstance(words, Array)
    return b" ".join([word.data for word in words.items if isinstance(word, Bulk)]).decode()


def _names(wire: Wire, *call: str) -> set[bytes]:
    reply = wire.do(*call)
    assert isinstance(reply, Array)
    return {item.data for item in reply.items if isinstance(item, Bulk)}


def test_command_describes_a_renamed_command_by_its_own_name(ours: Server) -> None:
    with ours.connect() as wire:
        reply = wire.do("COMMAND", "INFO", "fetch")
        assert isinstance(reply, Array)
        [described] = reply.items
        assert isinstance(described, Array)
        assert described.items[0] == Bulk(b"get")
        assert {b"get", b"set", b"config|get"} <= _names(wire, "COMMAND", "LIST")
        assert not {b"fetch", b"cfg", b"flushall"} & _names(wire, "COMMAND", "LIST")
        assert wire.do("COMMAND", "COUNT") == Integer(len(registry_of(Settings().profile()).table.commands) - 1)


def test_config_rewrite_keeps_the_names(ours: Server, tmp_path: Path) -> None:
    with ours.connect() as wire:
        assert wire.do("CFG", "REWRITE") == OK
    text = (tmp_path / "pyredmem.conf").read_text()
    assert CONFIGURATION.strip() in text
    assert text.count("rename-command") == CONFIGURATION.count("rename-command")


REFUSED = [
    ("rename-command NOSUCH x", 2, "No such command in rename-command"),
    ("rename-command GET SET", 2, "Target command name already exists"),
    ('rename-command GET ""\nrename-command GET x', 3, "No such command in rename-command"),
    ("rename-command SET GET\nrename-command GET x", 2, "Target command name already exists"),
    ("rename-command GET", 2, "Bad directive or wrong number of arguments"),
]


@needs_redis
@pytest.mark.parametrize(("lines", "number", "reason"), REFUSED)
def test_a_name_that_cannot_be_refuses_to_start_with_the_words_of_redis(
    tmp_path: Path, lines: str, number: int, reason: str
) -> None:
    path = tmp_path / "redis.conf"
    path.write_text(f"port 0\n{lines}\n")
    judge = subprocess.run(
        [*redis_server_command(), str(path)], capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False
    )
    ended = run(str(path))
    assert (ended.returncode, judge.returncode) == (1, 1)
    for output in (judge.stderr, ended.stderr):
        assert f"Reading the configuration file, at line {number}\n" in output
        assert output.rstrip().endswith(reason)


def test_a_subcommand_cannot_be_renamed(tmp_path: Path) -> None:
    path = tmp_path / "redis.conf"
    path.write_text("rename-command config|get x\n")
    assert "No such command in rename-command" in run(str(path)).stderr


def test_a_name_may_be_renamed_again(tmp_path: Path) -> None:
    path = tmp_path / "redis.conf"
    path.write_text("rename-command GET FETCH\nrename-command FETCH read\nrename-command read GET\n")
    with running("pyredmem", [*pyredmem_command(), str(path)]) as server, server.connect() as wire:
        assert isinstance(wire.do("FETCH", "a"), Error)
        assert not isinstance(wire.do("GET", "a"), Error)


def test_a_command_is_renamed_on_the_command_line() -> None:
    names = ("--rename-command", "GET", "FETCH")
    with running("pyredmem", pyredmem_command(), *names) as server, server.connect() as wire:
        assert not isinstance(wire.do("FETCH", "a"), Error)


def test_other_engines_of_the_process_keep_their_names() -> None:
    renamed = REGISTRY.renamed([(b"GET", b"fetch"), (b"SET", b"")])
    one = create_engine(Settings(), ManualClock(), Random(1), registry=renamed)
    other = create_engine(Settings(), ManualClock(), Random(1))
    first, second = (Client(engine) for engine in (one, other))
    assert first.raw("FETCH", "a") == b"$-1\r\n"
    assert first.raw("SET", "a", "1").startswith(b"-ERR unknown command 'SET'")
    assert second.raw("SET", "a", "1") == b"+OK\r\n"
    assert second.raw("GET", "a") == b"$1\r\n1\r\n"
    assert second.raw("FETCH", "a").startswith(b"-ERR unknown command 'FETCH'")
