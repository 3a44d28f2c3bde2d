"""`pyredmem lab fragment`, as somebody calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pyredmem.lab import charts
from pyredmem.lab.tool import run

PATTERN = """
[settings]
active-defrag-ignore-bytes = "100kb"
[[phase]]
do = "set"
keys = 3000
size = [100, 100]
[[phase]]
do = "delete"
share = 0.5
"""


@pytest.fixture
def pattern(tmp_path: Path) -> str:
    path = tmp_path / "pattern.toml"
    path.write_text(PATTERN)
    return str(path)


def test_tables_are_printed_and_files_written(pattern: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    files = [word for kind in ("json", "html", "png") for word in (f"--{kind}", str(tmp_path / f"out.{kind}"))]
    assert run(["fragment", pattern, "--allocators", "jemalloc,tcmalloc", "--jobs", "1", *files], "pyredmem") == 0
    text = capsys.readouterr().out
    assert [name for name in ("jemalloc with activedefrag", "tcmalloc", "1 set", "2 delete") if name not in text] == []
    assert text.count("bytes of pages for a byte in use at the end") == 3
    runs = json.loads((tmp_path / "out.json").read_text())["runs"]
    assert [(one["allocator"], one["activedefrag"]) for one in runs] == [
        *[("jemalloc", False), ("jemalloc", True), ("tcmalloc", False)]
    ]
    assert runs[0]["points"][-1]["keys"] == 1500
    assert "<h1>Fragmentation</h1>" in (tmp_path / "out.html").read_text()
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["{pattern}", "--allocators", "mimalloc"], "there is no allocator 'mimalloc'"),
        (["/nowhere/pattern.toml"], "Cannot open /nowhere/pattern.toml: No such file"),
        ([], "required: PATTERN"),
    ],
)
def test_wrong_arguments(arguments: list[str], why: str, pattern: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fragment", *[word.format(pattern=pattern) for word in arguments]], "pyredmem") == 2
    assert why in capsys.readouterr().err


def test_a_pattern_that_cannot_be_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text("seed = 1")
    assert run(["fragment", str(path)], "pyredmem") == 2
    assert capsys.readouterr().err == "a pattern needs phases: tables [[phase]]\n"


def test_a_chart_without_matplotlib(
    pattern: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(charts, "optional_module", lambda name: None)
    assert run(["fragment", pattern, "--png", "chart.png"], "pyredmem") == 2
    assert "pip install 'pyredmem[lab]'" in capsys.readouterr().err
