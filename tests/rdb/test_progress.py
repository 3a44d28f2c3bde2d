"""The progress of long files is shown on terminals, after a while, and leaves nothing behind."""

from __future__ import annotations

import io
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pyredmem.objects import rdb_types
from pyredmem.rdb import progress
from pyredmem.rdb.progress import BYTES, KEYS, Display, PlainDisplay, Progress, ShownProgress, WatchedFile, progress_on
from tests.server.processes import command, environment
from tests.support.rdb_files import Content, key, word


class Terminal(io.StringIO):
    """An output that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


class Drawn(Display):
    """Notes what is drawn."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, int, float]] = []
        self.removed = 0

    def show(self, done: int, total: int, seconds: float) -> None:
        self.calls.append((done, total, seconds))

    def remove(self) -> None:
        self.removed += 1


def moments(*times: float) -> Callable[[], float]:
    return iter(times).__next__


def test_nothing_is_shown_in_the_first_second_and_then_five_times_a_second() -> None:
    drawn = Drawn()
    shown = ShownProgress(drawn, 100, moments(0, 0.5, 1.1, 1.2, 1.35))
    for _ in range(4):
        shown.advance(20)
    shown.close()
    assert drawn.calls == [(40, 100, 1.1), (80, 100, 1.35)]
    assert drawn.removed == 1


def test_what_was_not_shown_is_not_removed() -> None:
    drawn = Drawn()
    shown = ShownProgress(drawn, 100, moments(0, 0.5, 9))
    shown.advance(100)
    shown.close()
    shown.advance(100)
    assert (drawn.calls, drawn.removed) == ([], 0)


def test_a_file_that_grows_is_never_read_by_more_than_all() -> None:
    drawn = Drawn()
    ShownProgress(drawn, 100, moments(0, 2)).advance(150)
    assert drawn.calls == [(100, 100, 2)]


def test_the_plain_line_is_written_over_and_removed() -> None:
    output = io.StringIO()
    display = PlainDisplay("dump.rdb", BYTES, output)
    display.show(25 << 20, 100 << 20, 5)
    display.show(100 << 20, 100 << 20, 10)
    display.remove()
    first, second, blank, last = output.getvalue().split("\r")[1:]
    assert first == "dump.rdb: 25%, 5.00 MiB/s, 15 s left"
    assert second.rstrip() == "dump.rdb: 100%, 10.00 MiB/s, 0 s left"
    assert (blank.strip(), len(blank) >= len(first), last) == ("", True, "")


def test_keys_are_counted_in_thousands() -> None:
    output = io.StringIO()
    PlainDisplay("server", KEYS, output).show(5000, 10_000, 2)
    assert output.getvalue() == "\rserver: 50%, 2,500 keys/s, 2 s left"


def test_a_watched_file_is_the_same_file() -> None:
    class Counting(Progress):
        done = 0

        def advance(self, amount: int) -> None:
            self.done += amount

    counting = Counting()
    file = WatchedFile(Content(b"0123456789", 4), counting)
    assert (file.size(), file.read(3), file.read(9), counting.done) == (10, b"012", b"3456", 7)


def test_only_terminals_show_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "optional_module", lambda name: None)
    assert type(progress_on(io.StringIO(), "x", 1, BYTES)) is Progress
    assert type(progress_on(Terminal(), "x", 1, BYTES)) is ShownProgress


def test_rich_draws_a_bar() -> None:
    pytest.importorskip("rich", reason="the extra report is not installed")
    output = Terminal()
    shown = progress_on(output, "dump [x].rdb", 100, BYTES)
    assert isinstance(shown, ShownProgress)
    shown._next = 0
    shown.advance(50)
    shown.close()
    assert "50%" in output.getvalue()
    assert "dump [x].rdb" in output.getvalue()


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
@pytest.mark.parametrize("options", [[], ["--no-progress"]])
def test_the_program_shows_it_where_stderr_is_a_terminal(options: list[str], tmp_path: Path) -> None:
    """The file is a pipe, which is written to for more than a second."""
    path = tmp_path / "pipe.rdb"
    os.mkfifo(path)
    ours, theirs = os.openpty()
    arguments = command("rdb", "keys", str(path), *options)
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=theirs, env=environment()) as program:
        with open(path, "wb", buffering=0) as file:
            file.write(b"REDIS0011")
            for _ in range(14):
                time.sleep(0.1)
                file.write(key(rdb_types.STRING, b"k", word(b"1")))
            file.write(b"\xff" + bytes(8))
        assert program.wait(20) == 0
    shown = os.read(ours, 10_000) if select.select([ours], [], [], 0)[0] else b""
    os.close(theirs)
    os.close(ours)
    assert (b"pipe.rdb" in shown) == (not options)
