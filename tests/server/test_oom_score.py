"""The kernel's out-of-memory score follows the settings."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pyredmem.config.settings import SettingError, Settings
from pyredmem.server.logs import Log
from pyredmem.server.oom_score import OomScore
from tests.server.processes import on_port
from tests.support.servers import Server
from tests.support.wire import OK, Error, Wire

FOUND = 50
REFUSED = b"Failed to set current oom_score_adj. Check server logs."


class Desk:
    """Settings, and a file that stands for that of the kernel."""

    def __init__(self, directory: Path, **pairs: str) -> None:
        self.path = directory / "oom_score_adj"
        self.path.write_text(f"{FOUND}\n")
        self.settings = Settings([(name.replace("_", "-"), value) for name, value in pairs.items()])
        OomScore(self.settings, Log(), self.path).apply()

    def set(self, *pairs: tuple[str, str]) -> int:
        self.settings.set_many(list(pairs))
        return self.score()

    def score(self) -> int:
        return int(self.path.read_text())


def test_nothing_is_written_unless_it_is_asked_for(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert desk.path.read_text() == f"{FOUND}\n"
    assert desk.set(("oom-score-adj-values", "7 200 800")) == FOUND


@pytest.mark.parametrize(
    ("way", "values", "expected"),
    [
        ("absolute", "7 200 800", 7),
        ("relative", "7 200 800", FOUND + 7),
        ("yes", "-7 200 800", FOUND - 7),
        ("relative", "2000 2000 2000", 1000),
        ("absolute", "-2000 0 0", -1000),
        ("no", "7 200 800", FOUND),
    ],
)
def test_the_score_is_set_at_the_start(tmp_path: Path, way: str, values: str, expected: int) -> None:
    assert Desk(tmp_path, oom_score_adj=way, oom_score_adj_values=values).score() == expected


def test_the_score_follows_the_settings_and_is_restored_by_no(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert desk.set(("oom-score-adj", "absolute"), ("oom-score-adj-values", "10 0 0")) == 10
    assert desk.set(("oom-score-adj", "relative")) == FOUND + 10
    assert desk.set(("oom-score-adj-values", "20 0 0")) == FOUND + 20
    assert desk.set(("oom-score-adj", "no")) == FOUND
    desk.path.write_text("60")
    assert desk.set(("oom-score-adj", "yes")) == 80


def test_a_change_fails_if_the_kernel_refuses_the_score(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.path.unlink()
    desk.path.mkdir()
    with pytest.raises(SettingError, match="Failed to set current oom_score_adj"):
        desk.settings.set_many([("oom-score-adj", "absolute")])
    assert desk.settings.text("oom-score-adj") == "no"


def test_a_server_starts_even_if_its_score_cannot_be_set(tmp_path: Path) -> None:
    settings = Settings([("oom-score-adj", "yes")])
    OomScore(settings, Log(), tmp_path / "missing").apply()
    settings.set_many([("oom-score-adj", "no")])
    assert settings.text("oom-score-adj") == "no"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has such scores")
def test_the_score_of_a_real_process_follows_the_settings(tmp_path: Path) -> None:
    with on_port(tmp_path, "--oom-score-adj-values", "400 0 0") as (process, port), Wire(port) as wire:
        score = Path(f"/proc/{process.popen.pid}/oom_score_adj")
        before = int(score.read_text())
        assert wire.do("CONFIG", "SET", "oom-score-adj", "absolute") == OK
        assert int(score.read_text()) == 400
        assert wire.do("CONFIG", "SET", "oom-score-adj", "no") == OK
        assert int(score.read_text()) == before


@pytest.mark.needs_redis
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has such scores")
def test_the_score_follows_the_settings_as_in_redis(real: Server, ours: Server) -> None:
    changes = [
        ["oom-score-adj", "absolute"],
        ["oom-score-adj-values", "300 0 0"],
        ["oom-score-adj", "relative"],
        ["oom-score-adj-values", "2000 0 0"],
        ["oom-score-adj-values", "-2000 0 0"],
        ["oom-score-adj-values", "400 0 0"],
        ["oom-score-adj", "no"],
    ]
    seen = []
    for server in (real, ours):
        score = Path(f"/proc/{server.pid}/oom_score_adj")
        with server.connect() as wire:
            seen.append([(wire.do("CONFIG", "SET", *change), score.read_text()) for change in changes])
    assert seen[0] == seen[1]
    refusal = seen[0][4][0]
    assert refusal == OK or (isinstance(refusal, Error) and refusal.text.endswith(REFUSED))
