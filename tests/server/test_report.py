"""``pyredmem report URL``: the keys of a running server, and what can go wrong."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyredmem.base.clock import SystemClock
from pyredmem.host.files import SystemFiles
from pyredmem.rdb.content import content_digest
from pyredmem.rdb.dataset import Dataset, Entry, Selection, Source
from pyredmem.rdb.options import OptionError, parse_server
from pyredmem.rdb.running import RunningServer, ServerError, address_of
from tests.server.processes import run
from tests.support.servers import Server, pyredmem_server, redis_server
from tests.support.wire import OK, Error, Wire

COMMANDS = (
    ("SET", "word", "x" * 100),
    ("SET", "number", 12345),
    ("SET", "timed", "v", "PX", 3_600_000),
    ("RPUSH", "list", *range(300)),
    ("SADD", "set", *[f"member {number}" for number in range(300)]),
    ("ZADD", "board", 1, "a", 2.5, "b"),
    ("HSET", "hash", "f", "v", "g", "w" * 100),
    ("XADD", "stream", "1-1", "f", "v"),
    ("SELECT", 3),
    ("SET", "other", "y"),
    *[("SET", f"many:{number}", number) for number in range(500)],
)


@contextmanager
def filled(kind: str) -> Iterator[tuple[Server, Wire]]:
    """A server with keys in two databases."""
    with (
        pyredmem_server("--save", "", "--maxmemory", "100mb")
        if kind == "pyredmem"
        else redis_server("--maxmemory", "100mb") as server,
        server.connect() as wire,
    ):
        for words in COMMANDS:
            assert not isinstance(wire.do(*words), Error), words
        yield server, wire


SERVERS = ["pyredmem", pytest.param("redis", marks=pytest.mark.needs_redis)]


def url_of(server: Server, rest: str = "") -> str:
    return f"redis://127.0.0.1:{server.port}{rest}"


def content_of(source: Source) -> dict[tuple[int, bytes], tuple[str, int, int | None]]:
    """Type, digest and time (in minutes) of each key."""
    found = {}
    for entry in source.records():
        assert isinstance(entry, Entry)
        assert entry.image is not None
        minutes = None if entry.expire_ms is None else round(entry.expire_ms / 60_000)
        found[entry.database, entry.key] = (entry.type, content_digest(entry.image), minutes)
    return found


def opened(url: str, selection: Selection | None = None, rate: int = 0) -> RunningServer:
    return RunningServer(url, selection or Selection(), SystemClock(), rate)


@pytest.mark.parametrize("kind", SERVERS)
def test_the_keys_are_those_of_a_file_that_the_server_saves(kind: str, tmp_path: Path) -> None:
    with filled(kind) as (server, wire):
        running = opened(url_of(server))
        found = content_of(running)
        running.close()
        assert wire.do("SAVE") == OK
        shutil.copy(server.directory / "dump.rdb", tmp_path / "dump.rdb")
    file = SystemFiles(str(tmp_path)).open("dump.rdb")
    saved = content_of(Dataset(file, Selection()))
    file.close()
    assert found == saved
    assert len(found) == len(COMMANDS) - 1
    assert running.fields[b"redis-ver"]


def test_the_program_writes_the_report(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    with filled("pyredmem") as (server, _):
        done = run("report", url_of(server), "--largest", "3")
        to_page = run("report", url_of(server, "/3"), "--html", str(page), "--no-progress")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Memory of redis://127.0.0.1:{server.port}" in done.stdout
    assert all(f"db{number}" in done.stdout for number in (0, 3))
    assert (to_page.returncode, to_page.stdout, to_page.stderr) == (0, "", "")
    assert "many:" in page.read_text()
    assert "db0" not in page.read_text()


@pytest.mark.parametrize(
    ("rest", "selection", "expected"),
    [
        ("/3", Selection(key=None), 501),
        ("", Selection(databases=frozenset({0})), 8),
        ("/3", Selection(databases=frozenset({0})), 0),
        ("", Selection(types=frozenset({"list", "hash"})), 2),
    ],
)
def test_only_the_keys_that_are_wanted_are_read(rest: str, selection: Selection, expected: int) -> None:
    with filled("pyredmem") as (server, _):
        running = opened(url_of(server, rest), selection)
        assert len(content_of(running)) == expected
        running.close()


def test_keys_that_vanish_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with filled("pyredmem") as (server, wire):
        assert wire.do("SELECT", 0) == OK
        running = opened(url_of(server, "/0"))
        read = running._entries

        def after_a_deletion(database: int, keys: list[bytes]) -> Iterator[Entry]:
            wire.do("UNLINK", "word")
            return read(database, keys)

        monkeypatch.setattr(running, "_entries", after_a_deletion)
        names = {key for _, key in content_of(running)}
        running.close()
    assert (b"word" in names, b"number" in names) == (False, True)


def test_a_rate_limits_the_keys_per_second() -> None:
    with filled("pyredmem") as (server, _):
        running = opened(url_of(server, "/3"), rate=1000)
        start = time.monotonic()
        assert len(content_of(running)) == 501
        running.close()
    assert 0.35 < time.monotonic() - start < 5


def test_user_and_password_are_in_the_address_and_not_in_the_report() -> None:
    with filled("pyredmem") as (server, wire):
        assert wire.do("ACL", "SETUSER", "reader", "on", ">secret", "~*", "+@read", "+info", "+select", "+dump") == OK
        done = run("report", f"redis://reader:secret@127.0.0.1:{server.port}/0")
        wrong = run("report", f"redis://reader:wrong@127.0.0.1:{server.port}/0")
    assert done.returncode == 0
    assert "secret" not in done.stdout
    assert wrong.returncode == 1
    assert wrong.stderr.startswith(f"Cannot connect to redis://127.0.0.1:{server.port}/0: ")
    assert "WRONGPASS" in wrong.stderr or "invalid username-password" in wrong.stderr


@pytest.mark.parametrize("refused", ["scan", "dump", "info", "pttl"])
def test_a_command_that_is_refused_is_named(refused: str) -> None:
    with filled("pyredmem") as (server, wire):
        assert wire.do("ACL", "SETUSER", "reader", "on", ">secret", "~*", "+@all", f"-{refused}") == OK
        done = run("report", f"redis://reader:secret@127.0.0.1:{server.port}")
    assert done.returncode == 1
    assert done.stderr.startswith(f"redis://127.0.0.1:{server.port} refuses {refused.upper()}: ")
    assert "Traceback" not in done.stderr


def test_a_server_that_is_not_there_is_an_error() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        done = run("report", f"redis://127.0.0.1:{unused.getsockname()[1]}")
    assert done.returncode == 1
    assert done.stderr.startswith("Cannot connect to redis://127.0.0.1:")


@pytest.mark.parametrize("url", ["dump.rdb", "http://host", "redis://host:port"])
def test_what_is_no_address_is_an_error(url: str) -> None:
    with pytest.raises(ServerError, match="Cannot connect to"):
        opened(url)


def test_a_connection_that_is_lost_is_an_error() -> None:
    with filled("pyredmem") as (server, wire):
        running = opened(url_of(server))
        records = running.records()
        assert isinstance(next(records), Entry)
        wire.do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        with pytest.raises(ServerError, match="is lost"):
            list(records)


def test_a_unix_socket_is_an_address(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with (
        pyredmem_server("--save", "", "--maxmemory", "100mb", "--unixsocket", str(path)) as server,
        server.connect() as wire,
    ):
        assert wire.do("SET", "k", "v") == OK
        running = opened(f"unix://{path}")
        assert list(content_of(running)) == [(0, b"k")]
        running.close()


def test_addresses_are_shown_without_credentials() -> None:
    shown = [address_of(url) for url in ("redis://u:p@h:1/2", "rediss://:p@h", "unix://u:p@/run/s?db=1")]
    assert shown == ["redis://h:1/2", "rediss://h", "unix:///run/s"]


def test_options_are_those_of_rdb_report_and_a_rate() -> None:
    options = parse_server(["redis://h", "--rate", "50", "--nodes", "7", "--type", "zset"], "p")
    assert (options.path, options.rate, options.survey.nodes) == ("redis://h", 50, 7)
    assert options.selection.types == frozenset({"sortedset"})
    with pytest.raises(OptionError, match="arguments are required: URL"):
        parse_server([], "p")
