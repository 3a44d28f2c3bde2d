"""A table of what there are many of: its columns, and how its rows are sorted, filtered and fitted to a width."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pyredmem.monitor.top.texts import NONE, cut

Row = tuple[Any, ...]
_GAP: Final = 1


def _plain(value: Any) -> str:
    return NONE if value is None else str(value)


@dataclass(frozen=True)
class Column:
    """A column. Its values can be compared with each other; None is none."""

    title: str
    explained: str
    width: int
    text: Callable[[Any], str] = _plain
    is_left: bool = False  # where the text stands in the column
    takes_rest: bool = False  # the last of these that is shown takes what the others leave
    rank: int = 0  # where it is too narrow, those of the highest rank are left out first; those of 0 never
    draw: Callable[[Any, int], str] | None = None  # for what is no text: draws it, in the width that is given

    def cell(self, value: Any, width: int) -> str:
        """A value, filled up to the width; a gap to the next column is included."""
        if self.draw is not None:
            return f"{self.draw(value, width - _GAP)}{'':{_GAP}}"
        text = cut(self.text(value), width - _GAP)
        return f"{text:<{width}}" if self.is_left else f"{text:>{width - _GAP}}{'':{_GAP}}"


@dataclass(frozen=True)
class Order:
    """By which column a table is sorted."""

    title: str
    is_falling: bool = True


@dataclass(frozen=True)
class Table:
    """Rows, in the order in which they came."""

    title: str
    columns: tuple[Column, ...]
    order: Order  # until somebody wants another
    rows: Sequence[Row] = ()
    note: str = ""  # what a reader must know of it
    when_empty: str = "There is nothing to show."

    def arranged(self, order: Order, wanted: str = "") -> list[Row]:
        """The rows that contain a text, whatever its case, sorted. A value that is not there comes last."""
        at = self._position(order.title)
        rows = [row for row in self.rows if self._contains(row, wanted.casefold())]
        known = [row for row in rows if row[at] is not None]
        known.sort(key=lambda row: row[at], reverse=order.is_falling)
        return known + [row for row in rows if row[at] is None]

    def _position(self, title: str) -> int:
        return [column.title for column in self.columns].index(title)

    def _contains(self, row: Row, wanted: str) -> bool:
        texts = [column.text(value) for column, value in zip(self.columns, row, strict=True) if column.draw is None]
        return any(wanted in text.casefold() for text in texts)

    def fitted(self, width: int) -> list[tuple[int, Column, int]]:
        """The columns for which there is room: the place of each in a row, the column, and its width."""
        chosen = list(enumerate(self.columns))
        while _needed(chosen) > width and any(column.rank for _, column in chosen):
            chosen.remove(max(chosen, key=lambda one: one[1].rank))
        rest = max(width - _needed(chosen), 0)
        widest = max([at for at, column in chosen if column.takes_rest], default=None)
        return [(at, column, column.width + _GAP + (rest if at == widest else 0)) for at, column in chosen]

    def next_order(self, order: Order, step: int) -> Order:
        """Sorted by the next column, or the one before. Numbers begin with the largest, texts with the first."""
        columns = [column for column in self.columns if column.draw is None]
        at = [column.title for column in columns].index(order.title)
        return self.order_by(columns[(at + step) % len(columns)].title)

    def order_by(self, title: str) -> Order:
        """The order by a column, as it begins."""
        [column] = [column for column in self.columns if column.title == title]
        return Order(title, is_falling=not column.is_left)


def _needed(chosen: Sequence[tuple[int, Column]]) -> int:
    return sum([column.width + _GAP for _, column in chosen])
