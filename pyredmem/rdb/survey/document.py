"""A report as sections of tables, without anything about how it is shown: as HTML, or as text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

# What a number is.
BYTES: Final = "bytes"
COUNT: Final = "count"
SHARE: Final = "share"  # of a whole, from 0 to 1
RATIO: Final = "ratio"

_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")


class Number(NamedTuple):
    """A number to be shown."""

    value: float
    kind: str
    about: bool = False  # whether it is an average or an estimate

    def text(self) -> str:
        """The number for a reader."""
        mark = "~" if self.about else ""
        if self.kind == BYTES:
            return mark + size_text(self.value)
        if self.kind == SHARE:
            return f"{mark}{self.value:.1%}"
        if self.kind == RATIO:
            return f"{mark}{self.value:.3f}"
        return f"{mark}{self.value:,.0f}"


class Change(NamedTuple):
    """A difference in bytes, with its sign."""

    value: int

    def text(self) -> str:
        """The difference for a reader."""
        sign = "\N{MINUS SIGN}" if self.value < 0 else "+"
        return sign + size_text(abs(self.value))


class Bar(NamedTuple):
    """A share of the largest one, from 0 to 1, to be drawn."""

    share: float


class Name(NamedTuple):
    """A key or another name, which may be long."""

    text: str


Cell = str | Number | Change | Bar | Name


@dataclass(frozen=True)
class Table:
    """Rows under the names of their columns."""

    columns: tuple[str, ...]
    rows: list[tuple[Cell, ...]]


@dataclass(frozen=True)
class Branch:
    """A row of a tree, with the rows below it."""

    cells: tuple[Cell, ...]
    size: int  # bytes; where not all rows can be shown, the largest are
    below: list[Branch] = field(default_factory=list)


@dataclass(frozen=True)
class Tree:
    """Rows that can be unfolded; the first column has their names."""

    columns: tuple[str, ...]
    branches: list[Branch]


@dataclass(frozen=True)
class Section:
    """A heading with what belongs to it."""

    title: str
    content: Table | Tree
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Document:
    """The whole report."""

    title: str
    about: str  # a line below the title
    sections: list[Section]


def size_text(size: float) -> str:
    """A number of bytes with three or four digits and a unit."""
    power = 0
    while size >= 1024 and power < len(_UNITS) - 1:
        size /= 1024
        power += 1
    digits = 0 if power == 0 else 2 if size < 100 else 1
    return f"{size:.{digits}f} {_UNITS[power]}"


def size_of(value: float, about: bool = False) -> Number:
    """A number of bytes."""
    return Number(value, BYTES, about)


def count_of(value: float, about: bool = False) -> Number:
    """A number of things."""
    return Number(value, COUNT, about)


def share_of(part: float, whole: float) -> Number:
    """A part of a whole."""
    return Number(part / whole if whole else 0.0, SHARE)
