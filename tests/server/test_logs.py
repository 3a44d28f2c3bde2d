from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from pyredmem.server.logs import LEVELS, Log


def at_a_known_moment() -> float:
    return 1_795_224_090.0239


def logged(path: Path, level: str = "debug") -> Log:
    log = Log(at_a_known_moment)
    log.set_level(level)
    log.open_file(str(path))
    return log


def test_a_line_has_the_pid_role_local_time_level_and_text(tmp_path: Path) -> None:
    log = logged(tmp_path / "log")
    log.role = "M"
    log.notice("Ready to accept connections tcp")
    log.close()
    line = (tmp_path / "log").read_text()
    pattern = rf"{os.getpid()}:M \d\d Nov 2026 \d\d:\d\d:\d\d\.023 \* Ready to accept connections tcp\n"
    assert re.fullmatch(pattern, line)


def test_the_role_is_c_at_first(tmp_path: Path) -> None:
    log = logged(tmp_path / "log")
    log.notice("hello")
    log.close()
    assert ":C " in (tmp_path / "log").read_text()


def test_each_level_has_its_symbol(tmp_path: Path) -> None:
    log = logged(tmp_path / "log")
    log.debug("a")
    log.verbose("b")
    log.notice("c")
    log.warning("d")
    log.close()
    assert [line[-3:] for line in (tmp_path / "log").read_text().splitlines()] == [". a", "- b", "* c", "# d"]


@pytest.mark.parametrize(
    ("level", "written"),
    [("debug", 4), ("verbose", 3), ("notice", 2), ("warning", 1), ("nothing", 0)],
)
def test_lines_below_the_level_are_left_out(tmp_path: Path, level: str, written: int) -> None:
    log = logged(tmp_path / "log", level)
    for value in sorted(LEVELS.values())[:4]:
        log.write(value, "text")
    log.close()
    assert len((tmp_path / "log").read_text().splitlines()) == written


def test_a_log_file_is_continued_not_truncated(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("before\n")
    log = logged(path)
    log.notice("after")
    log.close()
    assert path.read_text().startswith("before\n")


def test_without_a_file_lines_go_to_standard_output(capfd: pytest.CaptureFixture[str]) -> None:
    Log(at_a_known_moment).notice("here")
    assert capfd.readouterr().out.endswith("* here\n")


def test_a_file_that_cannot_be_opened_is_an_error_and_the_old_file_is_kept(tmp_path: Path) -> None:
    log = logged(tmp_path / "log")
    with pytest.raises(OSError, match="No such file"):
        log.open_file(str(tmp_path / "missing" / "log"))
    log.notice("still here")
    log.close()
    assert "still here" in (tmp_path / "log").read_text()


def test_bytes_that_are_not_text_are_kept(tmp_path: Path) -> None:
    log = logged(tmp_path / "log")
    log.notice(b"name \xff".decode("utf-8", "surrogateescape"))
    log.close()
    assert b"name \xff\n" in (tmp_path / "log").read_bytes()
