"""`pyredmem lab`, as somebody calls it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import pyredmem.__main__ as command
from pyredmem.lab import charts
from pyredmem.lab.tool import run
from tests.support.servers import Server, free_port

SPEC = 'operations = 1500\nper_second = 100\n[[part]]\nkeys = 300\n[[part]]\nkind = "scan"\nfirst = 500\nkeys = 200\n'


@pytest.fixture
def trace(tmp_path: Path) -> str:
    spec, path = tmp_path / "spec.toml", str(tmp_path / "made.trace")
    spec.write_text(SPEC)
    assert run(["make", str(spec), "-o", path], "pyredmem") == 0
    return path


def test_a_trace_is_made_and_shown(trace: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", trace], "pyredmem") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("1,500 operations on ")
    assert lines[1:3] == ["operations: read 100.0%", "types: string 100.0%"]


def test_a_replay_writes_all_that_it_is_asked_for(
    trace: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {name: str(tmp_path / f"out.{name}") for name in ("json", "html", "png")}
    wanted = [word for name, path in files.items() for word in (f"--{name}", path)]
    arguments = ["--policies", "allkeys-lru,allkeys-random", "--maxmemory", "720kb..740kb:2", "--samples", "3,5"]
    arguments += ["--fill-misses", "--jobs", "1"]
    assert run(["replay", trace, *arguments, *wanted], "pyredmem") == 0
    captured = capsys.readouterr()
    data = json.loads(Path(files["json"]).read_text())
    assert captured.err == ""
    assert captured.out.splitlines()[-1] == data["conclusion"]
    policies = [(row["policy"], row["samples"]) for row in data["rows"]]
    assert policies[:6] == [("allkeys-lru", 3)] * 2 + [("allkeys-lru", 5)] * 2 + [("allkeys-random", 0)] * 2
    assert policies[6::2] == [("exact-lru", 0), ("exact-lfu", 0), ("belady", 0)]
    assert all(0 < row["hit_ratio"] < 1 and row["evicted_keys"] > 0 for row in data["rows"])
    assert Path(files["png"]).read_bytes().startswith(b"\x89PNG")
    assert Path(files["html"]).read_text().startswith("<!DOCTYPE html>")
    assert run(["replay", trace, *arguments, "--json", "-"], "pyredmem") == 0
    assert json.loads(capsys.readouterr().out) == data


def test_a_server_is_recorded(ours: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "trace")
    assert run(["record", f"redis://127.0.0.1:{ours.port}", "--seconds", "0.1", "-o", path], "pyredmem") == 0
    assert capsys.readouterr().out == "0 commands, of which 0 operations on keys were recorded\n"
    assert run(["show", path], "pyredmem") == 0


def test_files_are_imported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "trace.csv", str(tmp_path / "trace")
    path.write_text("0,a,1,5,1,get,0\n")
    assert run(["import", str(path), "-o", out], "pyredmem") == 0
    assert run(["show", out], "pyredmem") == 0
    assert capsys.readouterr().out.startswith("1 operations on 1 keys")
    (tmp_path / "file.aof").write_bytes(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n")
    assert run(["import", str(tmp_path / "file.aof"), "-o", out], "pyredmem") == 0
    assert run(["replay", out, "--maxmemory", "2mb"], "pyredmem") == 2
    assert capsys.readouterr().err == "The trace has no reads, so it has no hit ratio\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "{missing}"], "Cannot open {missing}: No such file or directory"),
        (["show", "{text}"], "is no trace file"),
        (["make", "{text}", "-o", "{missing}"], "Expected"),
        (["make", "{missing}", "-o", "{missing}"], "Cannot open {missing}"),
        (["import", "{missing}", "-o", "{missing}"], "Cannot open {missing}"),
        (["import", "{text}", "-o", "{missing}"], "{text}"),
        (["replay", "{text}"], "--maxmemory"),
        (["replay", "{text}", "--maxmemory", "x"], "'x' is no size"),
        (["replay", "{text}", "--maxmemory", "5mb", "--samples", "0"], "'0' is no list of numbers"),
        (["replay", "{text}", "--maxmemory", "5mb", "--versions", "redis-9"], "'redis-9' is no version"),
        (["replay", "{text}", "--maxmemory", "5mb", "--sample", "2"], "'2' is no share"),
        (["replay", "{text}", "--maxmemory", "5mb", "--jobs", "0"], "'0' must be a number from 1 on"),
        (["record", "redis://127.0.0.1:{port}", "--seconds", "1", "-o", "{missing}"], "Cannot connect: "),
        (["record", "redis://127.0.0.1:{port}", "--seconds", "-1", "-o", "{missing}"], "'-1' is no number"),
        (["nonsense"], "nonsense"),
        ([], "required"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_a_status(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text").write_text("some text\n")
    names = {"missing": str(tmp_path / "missing"), "text": str(tmp_path / "text"), "port": free_port()}
    assert run([word.format(**names) for word in arguments], "pyredmem") == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message.format(**names) in captured.err
    assert "Traceback" not in captured.err
    assert not (tmp_path / "missing").exists() or arguments[0] == "record"


@pytest.mark.parametrize("name", ["", "make", "show", "replay", "record", "import"])
def test_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*name.split(), "--help"], "pyredmem") == 0
    assert "usage: pyredmem lab" in capsys.readouterr().out


def test_without_its_extra_the_pip_line_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.startswith("pyredmem.lab")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "numpy", None)
    assert command.run(["pyredmem", "lab", "show", "x"]) == 1
    assert capsys.readouterr().err == "pyredmem lab needs numpy: pip install 'pyredmem[lab]'\n"


@pytest.mark.parametrize("option", ["--png", "--html"])
def test_a_picture_without_matplotlib_is_refused(
    option: str, trace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(charts, "optional_module", lambda name: None)
    arguments = ["replay", trace, "--policies", "allkeys-lru", "--maxmemory", "1mb", "--jobs", "1"]
    assert run([*arguments, option, str(tmp_path / "picture")], "pyredmem") == 2
    assert "pip install 'pyredmem[lab]'" in capsys.readouterr().err
