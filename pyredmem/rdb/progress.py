"""How far a long file has been read, on the terminal: with rich, if that is installed, or else as one plain line.

Nothing is shown in the first second, since most files are read by then. At the end the line is removed.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any, Final, TextIO

from pyredmem.base.files import ReadableFile
from pyredmem.base.optional import optional_module
from pyredmem.rdb.survey.document import size_text

#: What is counted.
BYTES: Final = "bytes"
KEYS: Final = "keys"

_DELAY_S: Final = 1.0
_BETWEEN_S: Final = 0.2


class Progress:
    """Is told what was done. This one shows nothing."""

    def advance(self, amount: int) -> None:
        """So much more was done."""

    def close(self) -> None:
        """Remove what is shown. Whatever comes later is not shown."""


class ShownProgress(Progress):
    """Shows the share of ``total`` that was done, now and then."""

    def __init__(self, display: Display, total: int, clock: Callable[[], float] = monotonic) -> None:
        self._display = display
        self._total = total
        self._clock = clock
        self._start = clock()
        self._next = self._start + _DELAY_S
        self._done = 0
        self._is_shown = False
        self._is_closed = False

    def advance(self, amount: int) -> None:
        self._done += amount
        now = self._clock()
        if now < self._next or self._is_closed:
            return
        self._next = now + _BETWEEN_S
        self._is_shown = True
        self._display.show(min(self._done, self._total), self._total, now - self._start)

    def close(self) -> None:
        self._is_closed = True
        if self._is_shown:
            self._is_shown = False
            self._display.remove()


class Display:
    """Draws the progress."""

    def show(self, done: int, total: int, seconds: float) -> None:
        """Draw how much of the total is done, after this many seconds."""
        raise NotImplementedError

    def remove(self) -> None:
        """Leave nothing behind."""
        raise NotImplementedError


class PlainDisplay(Display):
    """One line, which is written again and again."""

    def __init__(self, name: str, unit: str, output: TextIO) -> None:
        self._name = name
        self._unit = unit
        self._output = output
        self._width = 0

    def show(self, done: int, total: int, seconds: float) -> None:
        share = done / total if total else 1.0
        left_s = seconds / share - seconds if share else 0.0
        speed = done / seconds if seconds else 0.0
        rate = f"{size_text(speed)}/s" if self._unit == BYTES else f"{speed:,.0f} keys/s"
        self._write(f"{self._name}: {share:.0%}, {rate}, {left_s:.0f} s left")

    def remove(self) -> None:
        self._write("")
        self._output.write("\r")
        self._output.flush()

    def _write(self, line: str) -> None:
        self._output.write("\r" + line.ljust(self._width))
        self._output.flush()
        self._width = len(line)


class RichDisplay(Display):
    """A bar."""

    def __init__(self, name: str, unit: str, progress: Any, output: TextIO) -> None:
        columns = [progress.TextColumn("{task.description}", markup=False), progress.BarColumn()]
        columns.append(progress.TaskProgressColumn())
        columns.append(progress.TransferSpeedColumn() if unit == BYTES else progress.MofNCompleteColumn())
        columns.append(progress.TimeRemainingColumn())
        console = optional_module("rich.console").Console(file=output)
        self._bar = progress.Progress(*columns, console=console, transient=True, auto_refresh=False)
        self._task = self._bar.add_task(name)
        self._is_started = False

    def show(self, done: int, total: int, seconds: float) -> None:
        if not self._is_started:
            self._is_started = True
            self._bar.start()
        self._bar.update(self._task, completed=done, total=total, refresh=True)

    def remove(self) -> None:
        self._bar.stop()


def progress_on(output: TextIO, name: str, total: int, unit: str) -> Progress:
    """The progress of something, if the output is a terminal."""
    if not output.isatty():
        return Progress()
    rich = optional_module("rich.progress")
    display = PlainDisplay(name, unit, output) if rich is None else RichDisplay(name, unit, rich, output)
    return ShownProgress(display, total)


class WatchedFile(ReadableFile):
    """A file whose reading is shown."""

    def __init__(self, file: ReadableFile, progress: Progress) -> None:
        self._file = file
        self._progress = progress

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self._progress.advance(len(data))
        return data

    def size(self) -> int:
        return self._file.size()

    def close(self) -> None:
        self._progress.close()
        self._file.close()
