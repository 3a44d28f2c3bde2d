"""The parts of the screen: a section of the overview, and a table that is sorted and filtered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.coordinate import Coordinate
from textual.widgets import DataTable, Input, Label, Static

from pyredmem.monitor.top.figures import Line
from pyredmem.monitor.top.lines import LABEL, NOTE, SPARKLINE, VALUE, pieces
from pyredmem.monitor.top.table import Column, Table

#: How the parts of a line look. The words say everything, so none of this is needed to understand them.
_STYLES: Final = {LABEL: "", VALUE: "bold", NOTE: "$text-muted", SPARKLINE: "$accent"}
#: As many rows are shown: more would take long to draw.
_MOST_ROWS: Final = 500
_FALLING: Final = "▼"
_RISING: Final = "▲"
_PLACEHOLDER: Final = "a part of any text in a row; Enter keeps it, Escape clears it"

Fitted = list[tuple[int, Column, int]]


class SectionBox(Static):
    """The lines of a section, in a frame with its title."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.border_title = title
        self._lines: Sequence[Line] = ()

    def show(self, lines: Sequence[Line]) -> None:
        """Show the figures of a moment."""
        self._lines = lines
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        width = self.size.width
        drawn = [
            Content.assemble(*[(piece.text, _STYLES[piece.role]) for piece in pieces(line, width)])
            for line in self._lines
        ]
        self.update(Content("\n").join(drawn))


class TablePane(Vertical):
    """A table with a line above it that says how it is sorted and filtered, and a field for the filter."""

    def __init__(self, table: Table, pane_id: str) -> None:
        super().__init__(id=pane_id)
        self._table = table
        self._order = table.order
        self._wanted = ""
        self._fitted: Fitted = []
        self._headings: list[str] = []
        self._line = Static(classes="about", markup=False)
        self._data: DataTable[Text] = DataTable(cell_padding=0, cursor_type="row")
        self._input = Input(placeholder=_PLACEHOLDER, compact=True)
        self._field = Horizontal(Label("filter: "), self._input, classes="filter")

    def compose(self) -> ComposeResult:
        yield from (self._line, self._data, self._field)

    def on_mount(self) -> None:
        self._field.display = False

    def show(self, table: Table) -> None:
        """Show the rows of a moment. The columns can have changed: a server can be told to give other percentiles."""
        self._table = table
        if self._order.title not in [column.title for column in table.columns]:
            self._order = table.order
        self._draw()

    def appear(self) -> None:
        """Be shown, as of the last moment."""
        self.display = True
        self._draw()

    def sort_by_next(self, step: int) -> None:
        """Sort by the next column, or the one before it."""
        self._order = self._table.next_order(self._order, step)
        self._draw()

    def reverse(self) -> None:
        """Sort the other way round."""
        self._order = type(self._order)(self._order.title, not self._order.is_falling)
        self._draw()

    def edit_filter(self) -> None:
        """Show the field for the filter, and let it take the keys."""
        self._field.display = True
        self._input.focus()

    def clear_filter(self) -> None:
        """Show all rows."""
        self._input.value = ""
        self._wanted = ""
        self.leave_filter()
        self._draw()

    def leave_filter(self) -> None:
        """Keep the filter, and let the table take the keys."""
        self._field.display = False
        self._data.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._wanted = event.value
        self._draw()

    def on_input_submitted(self) -> None:
        self.leave_filter()

    def on_data_table_header_selected(self, event: DataTable.HeaderSelected) -> None:
        column = self._fitted[event.column_index][1]
        if column.draw is not None:
            return
        if column.title == self._order.title:
            self.reverse()
            return
        self._order = self._table.order_by(column.title)
        self._draw()

    def on_resize(self, _event: events.Resize) -> None:
        self._draw()

    def _draw(self) -> None:
        width = self._data.scrollable_content_region.width
        if not self.display or width <= 0:  # it is not shown, or has no place yet
            return
        rows = self._table.arranged(self._order, self._wanted)
        self._line.update(self._about(len(rows)))
        self._draw_headings(width)
        cells = [
            [Text(column.cell(row[at], size), no_wrap=True) for at, column, size in self._fitted]
            for row in rows[:_MOST_ROWS]
        ]
        self._draw_cells(cells)

    def _about(self, found: int) -> str:
        table, order = self._table, self._order
        if not table.rows:
            return f"{table.title}: {table.when_empty}"
        parts = [f"{table.title} by {order.title}, {'falling' if order.is_falling else 'rising'}"]
        if self._wanted:
            parts.append(f"{found} of {len(table.rows)} with {self._wanted!r}")
        if found > _MOST_ROWS:
            parts.append(f"the first {_MOST_ROWS} of {found}")
        if table.note:
            parts.append(table.note)
        return "; ".join(parts)

    def _heading(self, column: Column, width: int) -> str:
        mark = ""
        if column.title == self._order.title:
            mark = _FALLING if self._order.is_falling else _RISING
        return f"{column.title + mark:<{width}}" if column.is_left else f"{mark + column.title:>{width - 1}} "

    def _draw_headings(self, width: int) -> None:
        """The columns are made anew only if they have changed, as the table then forgets where it was scrolled to."""
        data = self._data
        self._fitted = self._table.fitted(width)
        headings = [self._heading(column, size) for _, column, size in self._fitted]
        if headings == self._headings:
            return
        self._headings = headings
        data.clear(columns=True)
        for heading, (_, _, size) in zip(headings, self._fitted, strict=True):
            data.add_column(Text(heading, no_wrap=True), width=size)

    def _draw_cells(self, cells: Sequence[Sequence[Text]]) -> None:
        """Only what has changed is drawn."""
        data = self._data
        for at, row in enumerate(cells[: data.row_count]):
            for place, cell in enumerate(row):
                if data.get_cell_at(Coordinate(at, place)) != cell:
                    data.update_cell_at(Coordinate(at, place), cell)
        for row in cells[data.row_count :]:
            data.add_row(*row)
        while data.row_count > len(cells):
            data.remove_row(data.coordinate_to_cell_key(Coordinate(data.row_count - 1, 0)).row_key)
