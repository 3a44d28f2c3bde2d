"""`pyredmem top`, as somebody calls it."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pyredmem.monitor.top import tool
from tests.monitor.top.screens import address
from tests.support.servers import ROOT, Server, free_port

PROGRAM = "pyredmem"


@pytest.fixture(params=["ours", pytest.param("real", marks=pytest.mark.needs_redis)])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(str(request.param))
    return found


def test_one_frame_of_text_fits_80_columns(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    with server.connect() as wire:
        wire.do("CONFIG", "SET", "slowlog-log-slower-than", "0")
        wire.do("SET", "a:key:with:a:name:" + "x" * 200, "x" * 3000)
        wire.do("CONFIG", "SET", "slowlog-log-slower-than", "-1")
        wire.do("SELECT", "1")
        for number in range(30):
            wire.do("SET", f"key:{number}", "x", "EX", "1000")
    assert tool.run([address(server), "--once", "--interval", "0.1"], PROGRAM) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines) <= 80
    text = "\n".join(lines)
    for title in (
        "MEMORY  ",
        "OPERATIONS",
        "RECLAIM",
        "CLIENTS AND KEYS",
        "COMMANDS",
        "SLOW LOG",
        "BIG KEYS",
        "ALERTS",
    ):
        assert f"\n{title.strip()}" in text or f"  {title}" in text
    [keys] = [line for line in lines if " keys   " in line]
    assert keys.split("keys")[1].split()[0] == "31"
    assert "a:key:with:a:name:xxx" in text
    assert "a:key:with:a:name:x" in text.partition("BIG KEYS")[2].splitlines()[2]
    assert "\x1b" not in text


def test_an_output_that_is_no_terminal_gets_one_frame(ours: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert tool.run([address(ours), "--interval", "0.1"], PROGRAM) == 0
    assert capsys.readouterr().out.startswith(f"127.0.0.1:{ours.port}  pyredmem ")


def test_alerts_that_hold_are_in_the_frame(ours: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "alerts.toml"
    path.write_text(
        '[[alert]]\nname = "A"\nif = "redis_connected_clients > 0"\nseverity = "critical"\n'
        'measured = "There are {value:.0f} clients, of which this sentence goes on to say so much that it is long."\n'
        'meaning = "m"\nadvice = "a"\n'
    )
    assert tool.run([address(ours), "--once", "--interval", "0.1", "--alerts", str(path)], PROGRAM) == 0
    lines = capsys.readouterr().out.splitlines()
    at = lines.index("ALERTS")
    assert lines[at + 1].startswith("CRITICAL A: There are ")
    assert lines[at + 2] == "  that it is long."


@pytest.mark.parametrize("url", ["redis://127.0.0.1:{port}", "nonsense://x", "redis://127.0.0.1:x", "nonsense"])
def test_a_server_that_cannot_be_asked_is_one_line(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert tool.run([url.format(port=free_port())], PROGRAM) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("Cannot ")
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize("interval", ["0", "-1", "nan", "inf", "x", "4000"])
def test_an_interval_that_makes_no_sense_is_refused(interval: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert tool.run(["--interval", interval], PROGRAM) == 2
    assert "--interval" in capsys.readouterr().err


def test_a_wrong_table_of_alerts_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "alerts.toml"
    path.write_text("[[alert]]")
    assert tool.run(["--alerts", str(path)], PROGRAM) == 1
    assert "alert 1 needs a text 'name'" in capsys.readouterr().err


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert tool.run(["--help"], PROGRAM) == 0
    assert "usage: pyredmem top" in capsys.readouterr().out


class _Terminal:
    """An output that is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_without_the_extra_the_pip_line_is_told(
    ours: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout", _Terminal())
    monkeypatch.setattr(tool, "import_module", _missing("textual"))
    assert tool.run([address(ours)], PROGRAM) == 1
    assert capsys.readouterr().err == "`pyredmem top` needs textual: pip install 'pyredmem[monitor]'\n"


def _missing(name: str) -> Callable[[str], Any]:
    def load(_module: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    return load


def test_an_output_of_another_alphabet_gets_question_marks(ours: Server) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "pyredmem", "top", address(ours), "--interval", "0.1"]
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    assert b" ?s" in done.stdout
    assert done.stderr == b""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")
def test_a_terminal_is_used_and_q_leaves_it(ours: Server) -> None:
    ours_end, its_end = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}
    command = [sys.executable, "-m", "pyredmem", "top", address(ours)]
    process = subprocess.Popen(command, env=environment, stdin=its_end, stdout=its_end, stderr=its_end)
    os.close(its_end)
    try:
        drawn = b""
        while b"Operations" not in drawn:
            drawn += os.read(ours_end, 65536)
        os.write(ours_end, b"q")
        while process.poll() is None:
            drawn += _read(ours_end)
        assert process.returncode == 0
        assert b"\x1b[?1049l" in drawn + _read(ours_end)  # the screen from before is shown again
    finally:
        process.kill()
        os.close(ours_end)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # the other end has been closed
        return b""
