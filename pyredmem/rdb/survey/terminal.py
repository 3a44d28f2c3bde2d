"""The report as text: with rich, if that is installed, or else as plain columns."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from typing import Any, Final

from pyredmem.base.optional import optional_module
from pyredmem.rdb.survey.document import Bar, Branch, Cell, Change, Document, Name, Number, Section, Tree

_HOW_TO_GET_RICH: Final = "For tables with lines and colours: pip install 'pyredmem[report]'"
#: Where the text is no terminal: columns, so that most keys fit.
_WIDTH: Final = 120
_BAR: Final = 12
_BLOCK: Final = "\N{FULL BLOCK}"
_INDENT: Final = 2
#: The most rows that are shown of a tree: the largest ones.
_ROWS: Final = 60

Row = tuple[Cell, ...]


def text_of(document: Document, is_terminal: bool) -> str:
    """The whole text."""
    console = optional_module("rich.console")
    if console is None:
        return "\n".join([*_plain(document), "", _HOW_TO_GET_RICH, ""])
    width = shutil.get_terminal_size((_WIDTH, 0)).columns if is_terminal else _WIDTH
    return _rich(document, console, width, is_terminal)


def rows_of(section: Section) -> list[Row]:
    """The rows of a table, or those of a tree with their names indented."""
    if not isinstance(section.content, Tree):
        return section.content.rows
    rows = list(_unfolded(section.content.branches, 0))
    largest = sorted([size for size, _ in rows], reverse=True)
    least = largest[_ROWS - 1] if len(rows) > _ROWS else 0
    return [row for size, row in rows if size >= least]


def _unfolded(branches: list[Branch], depth: int) -> Iterator[tuple[int, Row]]:
    """The sizes of all rows, and the rows."""
    for branch in branches:
        yield branch.size, (Name(" " * _INDENT * depth + text(branch.cells[0])), *branch.cells[1:])
        yield from _unfolded(branch.below, depth + 1)


def text(cell: Cell, bar: str = "#") -> str:
    """A cell as text; a bar is made of the letter."""
    if isinstance(cell, Bar):
        return bar * round(cell.share * _BAR)
    if isinstance(cell, str):
        return cell
    return cell.text if isinstance(cell, Name) else cell.text()


def _is_number(cell: Cell) -> bool:
    return isinstance(cell, Number | Change)


# Without rich.


def _plain(document: Document) -> Iterator[str]:
    yield from (document.title, document.about)
    for section in document.sections:
        yield from ("", section.title, "-" * len(section.title))
        yield from section.notes
        yield from _plain_rows(section)


def _plain_rows(section: Section) -> Iterator[str]:
    rows = rows_of(section)
    if not rows:
        yield "None."
        return
    lines = [[text(cell) for cell in row] for row in rows]
    if any(section.content.columns):
        lines.insert(0, list(section.content.columns))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    right = [_is_number(cell) for cell in rows[0]]
    for line in lines:
        cells = zip(line, widths, right, strict=True)
        yield "  ".join(
            [cell.rjust(width) if is_right else cell.ljust(width) for cell, width, is_right in cells]
        ).rstrip()


# With rich.


def _rich(document: Document, console: Any, width: int, is_terminal: bool) -> str:
    rich_text = optional_module("rich.text").Text
    output = io.StringIO()
    screen = console.Console(
        file=output,
        width=width,
        force_terminal=is_terminal,
        color_system="auto" if is_terminal else None,
        highlight=False,
        legacy_windows=False,
    )
    screen.print(rich_text(document.title, style="bold"))
    screen.print(rich_text(document.about, style="dim"))
    for section in document.sections:
        screen.print()
        screen.print(rich_text(section.title, style="bold red"))
        for note in section.notes:
            screen.print(rich_text(note, style="dim"))
        screen.print(_rich_table(section, rich_text) if rows_of(section) else rich_text("None."))
    return output.getvalue()


def _rich_table(section: Section, rich_text: Any) -> Any:
    """A table of which names, which may be long, are broken into lines where it is too wide."""
    rows = rows_of(section)
    columns = section.content.columns
    box = optional_module("rich.box").SIMPLE_HEAD
    table = optional_module("rich.table").Table(box=box, show_header=any(columns), pad_edge=False)
    for name, cell in zip(columns, rows[0], strict=True):
        is_name = isinstance(cell, Name)
        justify = "right" if _is_number(cell) else "left"
        table.add_column(rich_text(name), justify=justify, no_wrap=not is_name, overflow="fold")
    for row in rows:
        table.add_row(*[rich_text(text(cell, _BLOCK), style="red" if isinstance(cell, Bar) else "") for cell in row])
    return table
