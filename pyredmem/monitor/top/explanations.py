"""What the keys do, and what each figure is: for the help and for the documentation."""

from __future__ import annotations

from typing import Final

from pyredmem.monitor.top import big_keys, clients, commands, slow_log
from pyredmem.monitor.top.figures import SECTIONS

KEYS: Final = (
    ("1 to 6", "the panes: overview, commands, clients, slow log, big keys, alerts"),
    ("Tab", "the next pane; Shift-Tab: the one before"),
    ("> and <", "sort the table by the next column, or by the one before; a click on a heading does the same"),
    ("r", "reverse the order"),
    ("/", "filter the table: a part of any text in a row; Enter keeps the filter, Escape clears it"),
    ("p or Space", "pause: nothing is asked of the server, and the screen stands still; again to go on"),
    ("arrows, PgDn", "scroll"),
    ("? or h", "the keys, and what each figure is"),
    ("q", "quit"),
)


def explained() -> list[tuple[str, list[tuple[str, str]]]]:
    """The sections and tables by their titles, each with its figures and what they are."""
    tables = (
        ("Commands", commands.EXPLAINED),
        ("Clients", clients.COLUMNS),
        ("Slow log", slow_log.COLUMNS),
        ("Big keys", big_keys.COLUMNS),
    )
    return [
        *((section.title, [(one.label, one.explained) for one in section.figures]) for section in SECTIONS),
        *((title, [(column.title, column.explained) for column in columns]) for title, columns in tables),
    ]
