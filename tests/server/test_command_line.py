from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pyredmem import __version__
from tests.server.processes import DEADLINE_SECONDS, environment, on_port, ping, run, started
from tests.support.servers import ROOT, free_port
from tests.support.wire import OK, Bulk, Wire


def test_the_version_line_can_be_parsed_like_that_of_redis_server() -> None:
    ended = run("--version")
    assert ended.returncode == 0
    pattern = r"Redis server v=\d+\.\d+\.\d+ sha=\S+ malloc=\S+ bits=64 build=\S+ .*\n"
    assert re.fullmatch(pattern, ended.stdout)


def test_the_version_line_names_pyredmem_too() -> None:
    assert f"pyredmem {__version__}" in run("-v").stdout


def test_help_shows_the_usage_on_standard_error() -> None:
    ended = run("--help")
    assert ended.returncode == 1
    assert "Usage:" in ended.stderr


def test_an_unknown_option_is_reported_as_redis_does() -> None:
    ended = run("--bogus", "1")
    assert ended.returncode == 1
    assert re.match(r"\n\*\*\* FATAL CONFIG FILE ERROR \(Redis \d+\.\d+\.\d+\) \*\*\*\n", ended.stderr)
    assert "Reading the configuration file, at line 2\n>>> 'bogus \"1\"'\n" in ended.stderr
    assert "Bad directive or wrong number of arguments" in ended.stderr


def test_a_bad_value_names_its_line() -> None:
    ended = run("-", stdin="loglevel notice\nport abc\n")
    assert ended.returncode == 1
    assert "at line 2\n>>> 'port abc'\nargument couldn't be parsed into an integer" in ended.stderr


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    ended = run(str(tmp_path / "none.conf"))
    assert ended.returncode == 1
    assert f"Fatal error, can't open config file '{tmp_path / 'none.conf'}': No such file" in ended.stdout


def test_a_missing_directory_is_an_error(tmp_path: Path) -> None:
    ended = run("--port", str(free_port()), "--dir", str(tmp_path / "none"))
    assert ended.returncode == 1
    assert f"Can't chdir to '{tmp_path / 'none'}': No such file or directory" in ended.stderr


def test_a_log_file_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    ended = run("--port", str(free_port()), "--logfile", str(tmp_path / "none" / "log"))
    assert ended.returncode == 1
    assert "Can't open the log file: No such file or directory" in ended.stderr


def test_sentinel_mode_is_refused() -> None:
    ended = run("--sentinel")
    assert ended.returncode == 1
    assert "Sentinel" in ended.stderr


def test_options_override_the_file(tmp_path: Path) -> None:
    port = free_port()
    config = tmp_path / "redis.conf"
    config.write_text("port 1\nloglevel notice\n")
    with started(tmp_path, str(config), "--port", str(port)):
        assert ping(port)


def test_with_a_minus_the_configuration_is_read_from_standard_input(tmp_path: Path) -> None:
    port = free_port()
    with started(tmp_path, "-", stdin=f"port {port}\nmaxmemory 100mb\n") as process:
        assert ping(port)
        assert "Reading config from stdin" in process.output


def test_the_first_lines_of_the_log_say_what_is_running(tmp_path: Path) -> None:
    with on_port(tmp_path) as (process, port):
        assert f"pyredmem {__version__}" in process.output
        assert "Configuration loaded" in process.output
        assert f"Running mode=standalone, port={port}." in process.output
        assert re.search(rf"{process.popen.pid}:M .* \* Ready to accept connections tcp\n", process.output)


@pytest.mark.parametrize("name", ["pyredmem", "redis-server"])
def test_it_can_be_started_by_path_under_any_name(tmp_path: Path, name: str) -> None:
    program = tmp_path / name
    program.write_text(f"#!{sys.executable}\nimport sys\nfrom pyredmem.__main__ import main\nsys.exit(main())\n")
    program.chmod(0o755)
    ended = subprocess.run(
        [program, "--version"],
        env=environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert ended.returncode == 0
    assert ended.stdout.startswith("Redis server v=")


def test_an_unknown_loop_is_refused() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "pyredmem", "--port", str(free_port())],
        env=environment(PYREDMEM_LOOP="fast"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert ended.returncode == 1
    assert "PYREDMEM_LOOP must be one of auto, uvloop, asyncio" in ended.stdout


def test_ignored_lines_of_the_configuration_are_logged_and_users_are_not_ignored(tmp_path: Path) -> None:
    port = free_port()
    config = f"port {port}\nloadmodule /x.so\nuser ann on nopass +@all\n"
    with started(tmp_path, "-", stdin=config) as process:
        assert "Ignored: loadmodule /x.so." in process.output
        with Wire(port) as wire:
            assert wire.do("AUTH", "ann", "any") == OK
            assert wire.do("ACL", "WHOAMI") == Bulk(b"ann")
