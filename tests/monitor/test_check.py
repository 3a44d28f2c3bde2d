"""`pyredmem check` and `pyredmem alerts`, as somebody calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pyredmem.monitor.alerts_tool import run as run_alerts
from pyredmem.monitor.check import run as run_check
from tests.support.servers import Server, free_port, pyredmem_server

FULL = """
[[alert]]
name = "ManyKeys"
if = "rate(redis_commands_processed_total, 60) >= 0 and redis_connected_clients > 0"
severity = "critical"
measured = "{value:.0f} commands."
meaning = "m."
advice = "a."
"""


@pytest.fixture(params=["ours", "real"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(str(request.param))
    return found


@pytest.mark.needs_redis
def test_nothing_is_found_on_a_healthy_server(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_check([f"redis://127.0.0.1:{server.port}", "--seconds", "0.05"], "pyredmem") == 0
    assert capsys.readouterr().out == "Nothing found; 10 alerts were looked at.\n"


@pytest.mark.needs_redis
def test_what_is_found_is_told_and_sets_the_status(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "alerts.toml"
    path.write_text(FULL)
    arguments = [f"redis://127.0.0.1:{server.port}", "--seconds", "0.05", "--alerts", str(path)]
    assert run_check(arguments, "pyredmem") == 1
    line = capsys.readouterr().out
    assert line.startswith("CRITICAL ManyKeys: ")
    assert line.endswith(" commands. m. a.\n")
    assert run_check([*arguments, "--json"], "pyredmem") == 1
    [row] = json.loads(capsys.readouterr().out)["alerts"]
    assert (row["name"], row["severity"], row["for_seconds"]) == ("ManyKeys", "critical", 0)


def test_memory_that_is_nearly_full_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    with pyredmem_server("--maxmemory", "3mb") as server:
        with server.connect() as wire:
            wire.do("SETRANGE", "key", "1800000", "x")
        assert run_check([f"redis://127.0.0.1:{server.port}", "--seconds", "0.05"], "pyredmem") == 1
    assert "MemoryNearlyFull: 9" in capsys.readouterr().out


@pytest.mark.parametrize(
    "url", ["redis://:secret@127.0.0.1:{port}", "nonsense://:secret@x", "redis://:secret@127.0.0.1:x"]
)
def test_a_server_that_cannot_be_asked_is_a_failure(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_check([url.format(port=free_port()), "--seconds", "0.05"], "pyredmem") == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("Cannot ")
    assert "secret" not in captured.err


def test_a_wrong_table_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "alerts.toml"
    path.write_text("[[alert]]")
    for run in (run_check, run_alerts):
        assert run(["--alerts", str(path)], "pyredmem") == 2
        assert "alert 1 needs a text 'name'" in capsys.readouterr().err
        assert run(["--alerts", str(path) + "x"], "pyredmem") == 2
        assert "No such file" in capsys.readouterr().err


@pytest.mark.parametrize("run", [run_check, run_alerts])
def test_help_and_wrong_options(run: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(run)
    assert run(["--help"], "pyredmem") == 0
    assert "usage: pyredmem" in capsys.readouterr().out
    assert run(["--nonsense"], "pyredmem") == 2
    capsys.readouterr()


def test_the_alerts_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_alerts([], "pyredmem") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[9:]] == ["warning", *["doctor"] * 8]
    assert "doctor    Many scripts: redis_number_of_cached_scripts > 1000" in lines
    assert lines[0].startswith("warning   MemoryFragmented: redis_allocator_frag_ratio > 1.5 and ")
    assert lines[0].endswith(", for 60 s")
    assert run_alerts(["--prometheus"], "pyredmem") == 0
    assert capsys.readouterr().out.startswith("groups:\n")
    assert run_alerts(["--grafana"], "pyredmem") == 0
    assert json.loads(capsys.readouterr().out)["title"] == "pyredmem"
    assert run_alerts(["--grafana", "--prometheus"], "pyredmem") == 2
