"""A frame as plain text of 80 columns: what ``--once`` prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from textwrap import wrap
from typing import Final

from pyredmem.monitor.top.figures import SECTIONS
from pyredmem.monitor.top.lines import pieces
from pyredmem.monitor.top.table import Table
from pyredmem.monitor.top.texts import cut
from pyredmem.monitor.top.watch import Frame, HeldAlert

WIDTH: Final = 80
_GAP: Final = "  "
_HALF: Final = (WIDTH - len(_GAP)) // 2
#: How many rows of each table are printed.
_ROWS: Final = 8


def plain_text(frame: Frame) -> str:
    """The frame, with a newline at the end of each line."""
    return "".join([f"{line.rstrip()}\n" for line in _lines(frame)])


def _lines(frame: Frame) -> Iterator[str]:
    yield cut(f"{frame.server}  {frame.about}", WIDTH)
    blocks = [_section(frame, section.title) for section in SECTIONS]
    for left, right in zip(blocks[::2], blocks[1::2], strict=True):
        yield ""
        for one, other in zip_longest(left, right, fillvalue=""):
            yield f"{one:<{_HALF}}{_GAP}{other}"
    for table in (frame.commands, frame.slow_log, frame.big_keys):
        yield ""
        yield from _table(table)
    yield ""
    yield "ALERTS" if frame.alerts else "ALERTS: none"
    for held in frame.alerts:
        yield from wrap(alert_line(held), WIDTH, subsequent_indent="  ")


def _section(frame: Frame, title: str) -> list[str]:
    """Two readings make no sparklines."""
    lines = ["".join([piece.text for piece in pieces(line, _HALF, has_trends=False)]) for line in frame.sections[title]]
    return [title.upper(), *lines]


def _table(table: Table) -> Iterator[str]:
    yield f"{table.title.upper()}{': ' if table.note else ''}{table.note}"
    rows = table.arranged(table.order)
    if not rows:
        yield cut(table.when_empty, WIDTH)
        return
    fitted = table.fitted(WIDTH)
    yield "".join([_title(column.title, width, column.is_left) for _, column, width in fitted])
    for row in rows[:_ROWS]:
        yield "".join([column.cell(row[at], width) for at, column, width in fitted])
    if len(rows) > _ROWS:
        yield f"and {len(rows) - _ROWS} more"


def _title(title: str, width: int, is_left: bool) -> str:
    return f"{title:<{width}}" if is_left else f"{title:>{width - 1}} "


def alert_line(held: HeldAlert) -> str:
    """An alert in one line."""
    alert = held.alert
    state = "" if held.is_on else f" (not yet {alert.duration()})"
    return f"{alert.severity.upper()} {alert.name}{state}: {alert.told(held.value)}"


def alert_text(alerts: Sequence[HeldAlert]) -> str:
    """All that is to be said of the alerts that hold."""
    if not alerts:
        return "No alert: none of the conditions holds."
    return "\n\n".join([f"{alert_line(held)}\n{held.alert.meaning} {held.alert.advice}" for held in alerts])
