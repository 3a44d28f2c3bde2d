"""What the commands of the tool have in common: each is told of the keys, and writes bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pyredmem.rdb.dataset import Entry
from pyredmem.rdb.text import readable

#: Takes the output, piece by piece.
Write = Callable[[bytes], object]

NEW_LINE: Final = b"\n"


class Report:
    """The output of one command."""

    #: Whether values of modules have no place in it.
    leaves_modules_out = True

    def __init__(self, write: Write) -> None:
        self._write = write

    def begin(self) -> None:
        """Write what comes before the first key."""

    def add(self, entry: Entry) -> None:
        """Write about a key, or note it."""
        raise NotImplementedError

    def add_library(self, code: bytes) -> None:
        """Write about a library of functions."""

    def damaged(self, message: str) -> None:
        """Take note that the file is damaged after the last key, and where."""

    def end(self) -> None:
        """Write what comes after the last key. If the file is damaged, that is the last one before the damage."""


class KeysReport(Report):
    """The keys, one per line."""

    leaves_modules_out = False

    def add(self, entry: Entry) -> None:
        self._write(readable(entry.key).encode() + NEW_LINE)
