"""A line of the overview: a label, a value and, if the width leaves room for them, a note and a sparkline."""

from __future__ import annotations

from typing import Final, NamedTuple

from pyredmem.monitor.top.figures import Line
from pyredmem.monitor.top.texts import cut
from pyredmem.monitor.top.trends import sparkline

LABEL: Final = "label"
VALUE: Final = "value"
NOTE: Final = "note"
SPARKLINE: Final = "sparkline"

_LABEL_WIDTH: Final = 14
_VALUE_WIDTH: Final = 10
_NOTE_WIDTH: Final = 18
_GAP: Final = 1
#: From this width on there is room for a note and a sparkline.
_WIDE: Final = 60


class Piece(NamedTuple):
    """A part of a line."""

    role: str
    text: str


def pieces(line: Line, width: int, has_trends: bool = True) -> list[Piece]:
    """The parts of a line, which fill the width together."""
    figure, shown, trend = line
    begin = [
        Piece(LABEL, f"{cut(figure.label, _LABEL_WIDTH - _GAP):<{_LABEL_WIDTH}}"),
        Piece(VALUE, f"{cut(shown.value, _VALUE_WIDTH):>{_VALUE_WIDTH}}"),
    ]
    rest = width - _LABEL_WIDTH - _VALUE_WIDTH - _GAP
    if rest <= 0:
        return begin
    drawn = has_trends and figure.trend is not None
    if width >= _WIDE:
        note = f" {cut(shown.note, _NOTE_WIDTH):<{_NOTE_WIDTH}}"
        room = rest - _NOTE_WIDTH - _GAP
        return [
            *begin,
            Piece(NOTE, note),
            Piece(SPARKLINE, f" {sparkline(trend, room, figure.from_zero) if drawn else ''}"),
        ]
    if drawn and not (figure.note_first and shown.note):
        return [*begin, Piece(SPARKLINE, f" {sparkline(trend, rest, figure.from_zero)}")]
    return [*begin, Piece(NOTE, f" {cut(shown.note, rest)}")]
