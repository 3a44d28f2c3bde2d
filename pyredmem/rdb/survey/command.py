"""``pyredmem rdb report FILE``: adds up all keys, and writes the report at the end."""

from __future__ import annotations

from pyredmem.rdb.dataset import Entry, Source
from pyredmem.rdb.report import Report, Write
from pyredmem.rdb.survey.options import HTML, SurveyOptions
from pyredmem.rdb.survey.page import page_of
from pyredmem.rdb.survey.summary import Origin, document_of
from pyredmem.rdb.survey.tally import Tally
from pyredmem.rdb.survey.terminal import text_of


class SurveyReport(Report):
    """The report on a whole dataset, as a page or as text."""

    leaves_modules_out = False  # it says itself how many there were

    def __init__(self, write: Write, source: Source, options: SurveyOptions, now_ms: int, is_terminal: bool) -> None:
        super().__init__(write)
        self._source = source
        self._options = options
        self._now_ms = now_ms
        self._is_terminal = is_terminal
        self._tally: Tally | None = None
        self._damage = ""

    def _started(self) -> Tally:
        """The tally, which begins when the fields that describe the file have been read."""
        if self._tally is None:
            saved_s = self._source.fields.get(b"ctime", b"")
            now_ms = int(saved_s) * 1000 if saved_s.isdigit() else self._now_ms
            self._tally = Tally(self._options, now_ms)
        return self._tally

    def add(self, entry: Entry) -> None:
        if entry.image is not None:
            self._started().add(entry)

    def add_library(self, code: bytes) -> None:
        self._started().libraries += 1

    def damaged(self, message: str) -> None:
        self._damage = message

    def end(self) -> None:
        source = self._source
        origin = Origin(source.name, source.fields, source.modules, source.unreadable, self._damage)
        document = document_of(self._started(), self._options, origin)
        if self._options.layout == HTML:
            for piece in page_of(document):
                self._write(piece.encode("utf-8", "backslashreplace"))
        else:
            self._write(text_of(document, self._is_terminal).encode("utf-8", "backslashreplace"))
