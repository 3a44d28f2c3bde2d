"""`oom-score-adj` and `oom-score-adj-values`: which processes the Linux kernel kills first when memory runs out.

The kernel adds a number from -1000 (never kill) to 1000 (kill first) to the score of a process, and keeps this number
in `/proc/self/oom_score_adj`. The settings say whether the server replaces the number (`absolute`) or adds to the one
that it found at its start (`relative`, the same as `yes`); `no` restores the number that it found. Only the first of
the three values is used: there are no replicas and no background processes. A process without privileges cannot go
below the lowest number that it was allowed to have before.
"""

from pathlib import Path
from typing import Final

from pyredmem.config.settings import SettingError, Settings
from pyredmem.server.endpoints import describe
from pyredmem.server.logs import Log

SCORE_FILE: Final = Path("/proc/self/oom_score_adj")
LOWEST: Final = -1000
HIGHEST: Final = 1000
REFUSED: Final = "Failed to set current oom_score_adj. Check server logs."


class OomScore:
    """Applies the settings at the start and follows later changes."""

    def __init__(self, settings: Settings, log: Log, path: Path = SCORE_FILE) -> None:
        self._settings = settings
        self._log = log
        self._path = path
        self._found: int | None = None  # the number before the server changed it; None if it has not
        self._written: int | None = None

    def apply(self) -> None:
        """Set the number at the start, and follow later changes. A server starts even if the number cannot be set."""
        try:
            self._adjust()
        except OSError as error:
            self._complain(error)
        self._settings.subscribe("oom-score-adj", self._changed)
        self._settings.subscribe("oom-score-adj-values", self._changed)

    def _changed(self) -> None:
        try:
            self._adjust()
        except OSError as error:
            self._complain(error)
            raise SettingError(reason=REFUSED) from error

    def _complain(self, error: OSError) -> None:
        self._log.warning(f"Unable to write oom_score_adj: {describe(error)}")

    def _adjust(self) -> None:
        """Set the kernel's number to what the settings ask for. Raises OSError if that fails."""
        way = self._settings.text("oom-score-adj")
        if way == "no":
            if self._found is not None:
                self._write(self._found)
                self._found = None
            self._written = None
            return
        if self._found is None:
            self._found = int(self._path.read_text())
        wanted = int(self._settings.words("oom-score-adj-values")[0])
        if way != "absolute":
            wanted += self._found
        self._write(min(max(wanted, LOWEST), HIGHEST))

    def _write(self, score: int) -> None:
        """Write a number, unless it is the same as the last one that was written."""
        if score == self._written:
            return
        self._path.write_text(str(score))
        self._written = score
